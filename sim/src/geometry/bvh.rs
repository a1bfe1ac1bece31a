//! Bounding volume hierarchy (BVH): a raycaster without a physics engine, for pictures alone, and as a witness to an
//! engine's own answers.
//!
//! Over triangles, boxes and cylinders, split at the median (Kay and Kajiya
//! 1986); triangles by Möller and Trumbore (1997).

use nalgebra::{Isometry3, Point3, Vector3};

use super::ray_caster::{Hit, RayCaster};
use super::scene::{Shape, SolidId, StaticGeometry};

/// Greatest number of primitives of a leaf.
const MAX_LEAF: usize = 4;

/// Bounding volume hierarchy over static geometry, ready for rays.
#[derive(Clone, Debug)]
pub struct Bvh {
    nodes: Vec<Node>,
    primitives: Vec<Primitive>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    low: [f32; 3],
    high: [f32; 3],
    /// First primitive of a leaf, or the right child (the left one follows its parent).
    first: u32,
    /// Number of primitives; 0 for an inner node.
    count: u32,
}

#[derive(Clone, Copy, Debug)]
enum Primitive {
    Triangle { solid: SolidId, corner: [f32; 3], edges: [[f32; 3]; 2] },
    Box { solid: SolidId, half: [f32; 3], pose: Isometry3<f32> },
    Cylinder { solid: SolidId, half_length: f32, radius: f32, pose: Isometry3<f32> },
}

impl Bvh {
    /// Sorts all solids into a hierarchy.
    pub fn new(geometry: &StaticGeometry) -> Self {
        let mut primitives = Vec::new();
        for solid in &geometry.solids {
            let id = solid.id;
            match &solid.shape {
                Shape::Mesh { vertices, indices } => {
                    primitives.extend(indices.iter().filter_map(|corners| {
                        let [a, b, c] = corners.map(|i| vertices.get(i as usize).copied());
                        let (a, b, c) = (a?, b?, c?);
                        Some(Primitive::Triangle { solid: id, corner: a, edges: [minus(b, a), minus(c, a)] })
                    }));
                }
                Shape::Box { half_extents, pose } => {
                    primitives.push(Primitive::Box { solid: id, half: *half_extents, pose: *pose });
                }
                Shape::Cylinder { half_length, radius, pose } => {
                    primitives.push(Primitive::Cylinder {
                        solid: id,
                        half_length: *half_length,
                        radius: *radius,
                        pose: *pose,
                    });
                }
            }
        }
        let mut nodes = Vec::with_capacity(primitives.len());
        let count = primitives.len();
        let mut sorted: Vec<(Primitive, [[f32; 3]; 2])> =
            primitives.into_iter().map(|t| (t, t.bounds())).collect();
        split(&mut nodes, &mut sorted, 0, count);
        Self { nodes, primitives: sorted.into_iter().map(|(t, _)| t).collect() }
    }
}

/// Makes the node of `primitives[from..to]` and everything below it.
fn split(nodes: &mut Vec<Node>, primitives: &mut [(Primitive, [[f32; 3]; 2])], from: usize, to: usize) {
    let part = &mut primitives[from..to];
    let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
    let (mut least, mut most) = (low, high);
    for (_, [l, h]) in part.iter() {
        for k in 0..3 {
            (low[k], high[k]) = (low[k].min(l[k]), high[k].max(h[k]));
            let middle = l[k] + h[k];
            (least[k], most[k]) = (least[k].min(middle), most[k].max(middle));
        }
    }
    let here = nodes.len();
    nodes.push(Node { low, high, first: from as u32, count: part.len() as u32 });
    if part.len() <= MAX_LEAF {
        return;
    }
    let axis = (0..3).max_by(|a, b| (most[*a] - least[*a]).total_cmp(&(most[*b] - least[*b]))).unwrap_or(0);
    let middle = part.len() / 2;
    part.select_nth_unstable_by(middle, |a, b| {
        (a.1[0][axis] + a.1[1][axis]).total_cmp(&(b.1[0][axis] + b.1[1][axis]))
    });
    split(nodes, primitives, from, from + middle);
    let right = nodes.len() as u32;
    nodes[here] = Node { first: right, count: 0, ..nodes[here] };
    split(nodes, primitives, from + middle, to);
}

impl RayCaster for Bvh {
    fn cast(&self, origin: [f32; 3], direction: [f32; 3], max_m: f32) -> Option<Hit> {
        let inverse = direction.map(|d| 1.0 / if d.abs() < 1e-12 { 1e-12 } else { d });
        let mut best: Option<Hit> = None;
        let mut limit = max_m;
        // Depth grows with the logarithm of the number of primitives; 64 levels hold any that fit in memory.
        let mut waiting = [0u32; 64];
        let mut depth = usize::from(!self.nodes.is_empty());
        while depth > 0 {
            depth -= 1;
            let index = waiting[depth] as usize;
            let node = &self.nodes[index];
            if node.entry(origin, inverse, limit).is_none() {
                continue;
            }
            if node.count > 0 {
                for primitive in &self.primitives[node.first as usize..(node.first + node.count) as usize] {
                    if let Some(hit) = primitive.cast(origin, direction, limit) {
                        limit = hit.distance_m;
                        best = Some(hit);
                    }
                }
                continue;
            }
            let (left, right) = (index as u32 + 1, node.first);
            let enter = |n: u32| self.nodes[n as usize].entry(origin, inverse, limit);
            // The nearer child goes on top.
            let order = match (enter(left), enter(right)) {
                (Some(a), Some(b)) if a <= b => [Some(right), Some(left)],
                (Some(_), Some(_)) => [Some(left), Some(right)],
                (a, b) => [a.map(|_| left), b.map(|_| right)],
            };
            for child in order.into_iter().flatten() {
                if depth < waiting.len() {
                    waiting[depth] = child;
                    depth += 1;
                }
            }
        }
        best
    }
}

impl Node {
    fn entry(&self, origin: [f32; 3], inverse: [f32; 3], limit: f32) -> Option<f32> {
        let (mut enter, mut leave) = (0.0f32, limit);
        for k in 0..3 {
            let (a, b) = ((self.low[k] - origin[k]) * inverse[k], (self.high[k] - origin[k]) * inverse[k]);
            enter = enter.max(a.min(b));
            leave = leave.min(a.max(b));
        }
        (enter <= leave * 1.000_001 + 1e-6).then_some(enter)
    }
}

impl Primitive {
    fn bounds(&self) -> [[f32; 3]; 2] {
        let around = |pose: &Isometry3<f32>, half: [f32; 3]| {
            let rotation = pose.rotation.to_rotation_matrix();
            let reach = rotation.matrix().abs() * Vector3::from(half);
            let c = pose.translation.vector;
            [(c - reach).into(), (c + reach).into()]
        };
        match self {
            Self::Triangle { corner, edges, .. } => {
                let corners = [*corner, plus(*corner, edges[0]), plus(*corner, edges[1])];
                let pick = |f: fn(f32, f32) -> f32| {
                    std::array::from_fn(|k| f(f(corners[0][k], corners[1][k]), corners[2][k]))
                };
                [pick(f32::min), pick(f32::max)]
            }
            Self::Box { half, pose, .. } => around(pose, *half),
            Self::Cylinder { half_length, radius, pose, .. } => {
                around(pose, [*radius, *half_length, *radius])
            }
        }
    }

    fn cast(&self, origin: [f32; 3], direction: [f32; 3], limit: f32) -> Option<Hit> {
        match self {
            Self::Triangle { solid, corner, edges: [e1, e2] } => {
                let p = cross(direction, *e2);
                let det = dot(*e1, p);
                if det.abs() < 1e-12 {
                    return None;
                }
                let s = minus(origin, *corner);
                let u = dot(s, p) / det;
                let q = cross(s, *e1);
                let v = dot(direction, q) / det;
                let t = dot(*e2, q) / det;
                // A hair of overlap, so that no ray slips through between two triangles.
                if u < -1e-6 || v < -1e-6 || u + v > 1.0 + 2e-6 || !(1e-5..limit).contains(&t) {
                    return None;
                }
                let normal = cross(*e1, *e2);
                let scale = -dot(normal, direction).signum() / dot(normal, normal).sqrt().max(1e-20);
                Some(Hit { distance_m: t, normal: normal.map(|n| n * scale), solid: *solid })
            }
            Self::Box { solid, half, pose } => {
                let (distance_m, normal) = cast_at_box(*half, pose, origin, direction, limit)?;
                Some(Hit { distance_m, normal, solid: *solid })
            }
            Self::Cylinder { solid, half_length, radius, pose } => {
                let (distance_m, normal) =
                    cast_at_cylinder(*half_length, *radius, pose, origin, direction, limit)?;
                Some(Hit { distance_m, normal, solid: *solid })
            }
        }
    }
}

/// Distance at which a ray enters a box, and the unit normal there, towards the ray. Arguments as in
/// [`Shape::Box`] and [`RayCaster::cast`].
pub(crate) fn cast_at_box(
    half: [f32; 3],
    pose: &Isometry3<f32>,
    origin: [f32; 3],
    direction: [f32; 3],
    limit: f32,
) -> Option<(f32, [f32; 3])> {
    let (o, d) = local(pose, origin, direction);
    let (mut enter, mut leave, mut face) = (f32::NEG_INFINITY, f32::INFINITY, 0);
    for k in 0..3 {
        let inverse = 1.0 / if d[k].abs() < 1e-12 { 1e-12 } else { d[k] };
        let (a, b) = ((-half[k] - o[k]) * inverse, (half[k] - o[k]) * inverse);
        if a.min(b) > enter {
            (enter, face) = (a.min(b), k);
        }
        leave = leave.min(a.max(b));
    }
    if enter > leave || !(1e-5..limit).contains(&enter) {
        return None;
    }
    let mut normal = Vector3::zeros();
    normal[face] = -d[face].signum();
    Some((enter, (pose.rotation * normal).into()))
}

/// The same for a cylinder along its own y axis, as in [`Shape::Cylinder`].
pub(crate) fn cast_at_cylinder(
    half_length: f32,
    radius: f32,
    pose: &Isometry3<f32>,
    origin: [f32; 3],
    direction: [f32; 3],
    limit: f32,
) -> Option<(f32, [f32; 3])> {
    let (o, d) = local(pose, origin, direction);
    let (a, b) = (d.x * d.x + d.z * d.z, o.x * d.x + o.z * d.z);
    let c = o.x * o.x + o.z * o.z - radius * radius;
    let mut found: Option<(f32, Vector3<f32>)> = None;
    let root = b * b - a * c;
    if a > 1e-12 && root >= 0.0 {
        let t = (-b - root.sqrt()) / a;
        if (o.y + t * d.y).abs() <= half_length {
            found = Some((t, Vector3::new(o.x + t * d.x, 0.0, o.z + t * d.z) / radius));
        }
    }
    if found.is_none() && d.y.abs() > 1e-9 {
        let t = (-half_length * d.y.signum() - o.y) / d.y;
        if (o.x + t * d.x).hypot(o.z + t * d.z) <= radius {
            found = Some((t, Vector3::new(0.0, -d.y.signum(), 0.0)));
        }
    }
    let (t, normal) = found.filter(|(t, _)| (1e-5..limit).contains(t))?;
    Some((t, (pose.rotation * normal).into()))
}

fn local(pose: &Isometry3<f32>, origin: [f32; 3], direction: [f32; 3]) -> (Point3<f32>, Vector3<f32>) {
    (
        pose.inverse_transform_point(&Point3::from(origin)),
        pose.inverse_transform_vector(&Vector3::from(direction)),
    )
}

fn plus(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

fn minus(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use nalgebra::{Translation3, UnitQuaternion};
    use proptest::prelude::*;

    use super::super::Solid;
    use super::*;

    fn scene() -> StaticGeometry {
        let pose = |x: f32, y: f32, turn: f32| {
            Isometry3::from_parts(
                Translation3::new(x, y, 0.3 * x),
                UnitQuaternion::from_euler_angles(turn, 0.5, turn),
            )
        };
        let vertices: Vec<[f32; 3]> = (0..36)
            .map(|i| [(i % 6) as f32 - 2.5, (i / 6) as f32 - 2.5, -1.0 + 0.1 * (i % 5) as f32])
            .collect();
        let indices = (0..25u32)
            .flat_map(|k| {
                let a = k / 5 * 6 + k % 5;
                [[a, a + 1, a + 6], [a + 1, a + 7, a + 6]]
            })
            .collect();
        let mut solids = vec![Solid { id: 0, shape: Shape::Mesh { vertices, indices }, friction: 1.0 }];
        for i in 1..12u32 {
            let pose = pose(i as f32 * 0.7 - 4.0, (i as f32 * 1.3).sin() * 2.0, i as f32);
            let shape = if i % 2 == 0 {
                Shape::Box { half_extents: [0.2, 0.1, 0.4], pose }
            } else {
                Shape::Cylinder { half_length: 0.5, radius: 0.15, pose }
            };
            solids.push(Solid { id: i, shape, friction: 1.0 });
        }
        StaticGeometry { solids }
    }

    proptest! {
        #[test]
        fn the_hierarchy_hides_nothing(x in -3.0f32..3.0, y in -3.0f32..3.0, z in 0.5f32..2.0, u in -1.0f32..1.0, v in -1.0f32..1.0) {
            let bvh = Bvh::new(&scene());
            let d = Vector3::new(u, v, -0.8).normalize();
            let (origin, direction) = ([x, y, z], [d.x, d.y, d.z]);
            let all = bvh.primitives.iter().filter_map(|t| t.cast(origin, direction, 20.0));
            let nearest = all.min_by(|a, b| a.distance_m.total_cmp(&b.distance_m)).map(|h| h.distance_m);
            let found = bvh.cast(origin, direction, 20.0);
            prop_assert_eq!(found.map(|h| h.distance_m), nearest);
            if let Some(hit) = found {
                prop_assert!(dot(hit.normal, direction) <= 1e-4, "the normal faces the ray");
                prop_assert!((dot(hit.normal, hit.normal) - 1.0).abs() < 1e-3);
            }
        }
    }
}
