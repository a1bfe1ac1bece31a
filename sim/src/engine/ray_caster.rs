//! Ray casts over the engine's own shapes, beside its steps: the world stands still, so the shapes are shared.

use std::cell::Cell;
use std::sync::Arc;

use nalgebra::Isometry3;
use rapier3d::math::{Pose, Rotation, Vector};
use rapier3d::parry::partitioning::{Bvh, BvhBuildStrategy};
use rapier3d::parry::query::Ray;
use rapier3d::prelude::{SharedShape, TriMeshFlags};

use crate::geometry::{Hit, RayCaster, Shape, Solid, SolidId, StaticGeometry, cast_at_box, cast_at_cylinder};

/// Ray caster over a world, or over those parts of one that are made.
#[derive(Clone)]
pub struct SceneCaster {
    parts: Vec<Arc<ScenePart>>,
}

/// Shapes of a part of the world under one bounding volume hierarchy, ready for rays and for the physics.
pub struct ScenePart {
    bvh: Bvh,
    pub(super) placed: Vec<PlacedShape>,
}

/// A shape where it stands, as collider and ray target alike.
#[derive(Clone)]
pub(super) struct PlacedShape {
    pub(super) solid: SolidId,
    pub(super) friction: f32,
    pub(super) pose: Pose,
    pub(super) shape: SharedShape,
    outline: Outline,
}

/// Outline of a shape, by which rays are cast at it.
#[derive(Clone, Copy)]
enum Outline {
    /// As the engine does it.
    Mesh,
    Box {
        half_extents: [f32; 3],
        pose: Isometry3<f32>,
    },
    Cylinder {
        half_length: f32,
        radius: f32,
        pose: Isometry3<f32>,
    },
}

/// A mesh that no collider can be made of.
#[derive(Debug, thiserror::Error)]
#[error("solid {solid} of the tunnel is not a usable mesh: {reason}")]
pub struct BadMesh {
    solid: SolidId,
    reason: String,
}

impl SceneCaster {
    /// A caster over a world.
    ///
    /// # Errors
    /// When a mesh has no triangles or names corners that it does not have.
    pub fn new(geometry: &StaticGeometry) -> Result<Self, BadMesh> {
        Ok(Self::over(vec![Arc::new(ScenePart::new(geometry)?)]))
    }

    /// A caster over parts of a world. Where two answer at the same distance, the first one given counts.
    pub const fn over(parts: Vec<Arc<ScenePart>>) -> Self {
        Self { parts }
    }

    /// The parts.
    pub fn parts(&self) -> &[Arc<ScenePart>] {
        &self.parts
    }
}

impl RayCaster for SceneCaster {
    fn cast(&self, origin: [f32; 3], direction: [f32; 3], max_m: f32) -> Option<Hit> {
        let ray = Ray::new(Vector::from_array(origin), Vector::from_array(direction));
        self.parts.iter().fold(None, |nearest: Option<Hit>, part| {
            let hit = part.cast(&ray, nearest.map_or(max_m, |hit| hit.distance_m));
            hit.filter(|hit| nearest.is_none_or(|n| hit.distance_m < n.distance_m)).or(nearest)
        })
    }
}

impl ScenePart {
    /// A part of these solids.
    ///
    /// # Errors
    /// When a mesh has no triangles or names corners that it does not have.
    pub fn new(geometry: &StaticGeometry) -> Result<Self, BadMesh> {
        let placed: Vec<PlacedShape> = geometry.solids.iter().map(place).collect::<Result<_, _>>()?;
        let boxes: Vec<_> = placed.iter().map(|p| p.shape.compute_aabb(&p.pose)).collect();
        Ok(Self { bvh: Bvh::from_leaves(BvhBuildStrategy::default(), &boxes), placed })
    }

    /// Number of its triangles, by which most of its memory goes.
    pub fn triangles(&self) -> usize {
        self.placed.iter().filter_map(|p| p.shape.as_trimesh()).map(|mesh| mesh.indices().len()).sum()
    }

    fn cast(&self, ray: &Ray, max_m: f32) -> Option<Hit> {
        // The hierarchy keeps the nearest distance; what was hit there is kept beside it.
        let nearest: Cell<Option<Hit>> = Cell::new(None);
        let toi = |leaf: u32, best: f32| {
            let target = self.placed.get(leaf as usize)?;
            let (distance_m, normal) = target.cast(ray, best)?;
            if nearest.get().is_none_or(|hit| distance_m < hit.distance_m) {
                nearest.set(Some(Hit { distance_m, normal, solid: target.solid }));
            }
            Some(distance_m)
        };
        self.bvh.cast_ray(ray, max_m, toi)?;
        nearest.get()
    }
}

impl PlacedShape {
    /// Distance at which a ray meets the shape within `limit`, and the unit normal there, towards the ray.
    ///
    /// Boxes and cylinders have closed forms; for a cylinder the engine would iterate (GJK), at several times
    /// the cost.
    fn cast(&self, ray: &Ray, limit: f32) -> Option<(f32, [f32; 3])> {
        let (origin, direction) = (ray.origin.to_array(), ray.dir.to_array());
        match &self.outline {
            Outline::Box { half_extents, pose } => cast_at_box(*half_extents, pose, origin, direction, limit),
            Outline::Cylinder { half_length, radius, pose } => {
                cast_at_cylinder(*half_length, *radius, pose, origin, direction, limit)
            }
            Outline::Mesh => {
                let hit = self.shape.cast_ray_and_get_normal(&self.pose, ray, limit, false)?;
                let towards = if hit.normal.dot(ray.dir) > 0.0 { -hit.normal } else { hit.normal };
                Some((hit.time_of_impact, towards.to_array()))
            }
        }
    }
}

fn place(solid: &Solid) -> Result<PlacedShape, BadMesh> {
    let (pose, shape, outline) = match &solid.shape {
        Shape::Mesh { vertices, indices } => {
            let bad = |reason: String| BadMesh { solid: solid.id, reason };
            if let Some(corner) = indices.iter().flatten().find(|i| **i as usize >= vertices.len()) {
                return Err(bad(format!("there is no corner {corner}")));
            }
            let corners = vertices.iter().map(|v| Vector::from_array(*v)).collect();
            // Feet must not catch on the edges between the floor's triangles.
            let flags = TriMeshFlags::FIX_INTERNAL_EDGES | TriMeshFlags::DELETE_DEGENERATE_TRIANGLES;
            let mesh = SharedShape::trimesh_with_flags(corners, indices.clone(), flags)
                .map_err(|e| bad(e.to_string()))?;
            (Pose::identity(), mesh, Outline::Mesh)
        }
        Shape::Box { half_extents: [x, y, z], pose } => (
            pose_of(pose),
            SharedShape::cuboid(*x, *y, *z),
            Outline::Box { half_extents: [*x, *y, *z], pose: *pose },
        ),
        Shape::Cylinder { half_length, radius, pose } => (
            pose_of(pose),
            SharedShape::cylinder(*half_length, *radius),
            Outline::Cylinder { half_length: *half_length, radius: *radius, pose: *pose },
        ),
    };
    Ok(PlacedShape { solid: solid.id, friction: solid.friction, pose, shape, outline })
}

pub(super) fn pose_of(isometry: &nalgebra::Isometry3<f32>) -> Pose {
    let (t, q) = (isometry.translation.vector, isometry.rotation.coords);
    Pose::from_parts(Vector::new(t.x, t.y, t.z), Rotation::from_xyzw(q.x, q.y, q.z, q.w))
}

#[cfg(test)]
mod tests {
    use nalgebra::Isometry3;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::geometry::Bvh;

    fn world() -> StaticGeometry {
        let floor = Shape::Mesh {
            vertices: vec![[-5.0, -5.0, 0.0], [5.0, -5.0, 0.0], [5.0, 5.0, 0.0], [-5.0, 5.0, 0.0]],
            indices: vec![[0, 1, 2], [0, 2, 3]],
        };
        let pose = Isometry3::translation(2.0, 0.0, 0.5);
        let block = Shape::Box { half_extents: [0.5; 3], pose };
        let solid = |id, shape| Solid { id, shape, friction: 0.7 };
        StaticGeometry { solids: vec![solid(7, floor), solid(9, block)] }
    }

    #[test]
    fn the_nearest_solid_answers_with_its_normal_towards_the_ray() {
        let caster = SceneCaster::new(&world()).expect("good meshes");
        let hit = caster.cast([0.0, 0.0, 0.5], [1.0, 0.0, 0.0], 10.0).expect("the block");
        assert_eq!((hit.solid, hit.normal), (9, [-1.0, 0.0, 0.0]));
        assert!((hit.distance_m - 1.5).abs() < 1e-5);
        let down = caster.cast([0.0, 0.0, 0.5], [0.0, 0.0, -1.0], 10.0).expect("the floor");
        assert_eq!((down.solid, down.normal), (7, [0.0, 0.0, 1.0]));
        assert_eq!(caster.cast([0.0, 0.0, 0.5], [1.0, 0.0, 0.0], 1.0), None, "out of reach");
        assert_eq!(caster.cast([0.0, 0.0, 0.5], [0.0, 0.0, 1.0], 10.0), None, "open above");
    }

    /// Beside our own hierarchy, which answers for meshes by itself, and beside parry's own casts at every shape,
    /// which share nothing with the closed forms for boxes and cylinders.
    #[test]
    fn a_witness_sees_the_same() {
        let mut world = world();
        let pose = Isometry3::new([-1.8, 0.3, 0.6].into(), [0.4, 1.2, -0.7].into());
        let rod = Shape::Cylinder { half_length: 0.7, radius: 0.1, pose };
        world.solids.push(Solid { id: 11, shape: rod, friction: 0.5 });
        let (caster, witness) = (SceneCaster::new(&world).expect("good meshes"), Bvh::new(&world));
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (mut seen, mut differ) = ([0; 3], 0);
        for _ in 0..5000 {
            let origin =
                [rng.random_range(-1.5..1.0), rng.random_range(-1.5..1.5), rng.random_range(0.2..2.0)];
            let ahead = nalgebra::Vector3::from_fn(|_, _| rng.random_range(-1.0f32..1.0)).normalize();
            let [a, b] = [&caster as &dyn RayCaster, &witness].map(|c| c.cast(origin, ahead.into(), 30.0));
            let ray = Ray::new(Vector::from_array(origin), Vector::from_array(ahead.into()));
            let parry = caster.parts[0]
                .placed
                .iter()
                .filter_map(|p| Some((p.solid, p.shape.cast_ray(&p.pose, &ray, 30.0, false)?)));
            let parry = parry.min_by(|a, b| a.1.total_cmp(&b.1));
            let met = |hit: Option<Hit>| hit.map(|h| (h.solid, h.distance_m));
            let near = |a: Option<(SolidId, f32)>, b: Option<(SolidId, f32)>| match (a, b) {
                (Some(a), Some(b)) => a.0 == b.0 && (a.1 - b.1).abs() < 1e-3,
                (a, b) => a.is_none() && b.is_none(),
            };
            let same = near(met(a), met(b)) && near(met(a), parry);
            // A ray that grazes an edge may miss it for one of them, and one may start inside the rod.
            differ += usize::from(!same);
            if let Some(hit) = a {
                seen[[7, 9, 11].iter().position(|id| *id == hit.solid).expect("a known solid")] += 1;
            }
        }
        assert!(seen.iter().all(|n| *n > 30), "{seen:?}");
        assert!(differ < 25, "{differ} of 5000 rays differ");
    }

    #[test]
    fn a_mesh_without_its_corners_is_refused() {
        let mesh = Shape::Mesh { vertices: vec![[0.0; 3]; 3], indices: vec![[0, 1, 3]] };
        let geometry = StaticGeometry { solids: vec![Solid { id: 4, shape: mesh, friction: 0.5 }] };
        let error = SceneCaster::new(&geometry).err().expect("refused").to_string();
        assert!(error.contains("solid 4") && error.contains("no corner 3"), "{error}");
    }
}
