//! Solids of the tunnel, each with its material.

use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use robot_interface::defect::LiningBox;
use robot_interface::frames::{Map, Point};
use robot_interface::tunnel::{TunnelDesign, TunnelPoint};

use crate::geometry::{Shape, Solid, SolidId, StaticGeometry};

/// Material of a solid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Material {
    /// The tunnel's lining, with everything painted on it or broken out of it.
    Lining,
    /// The floor, steps and walkway.
    Floor,
    /// Standing water on the floor.
    Puddle,
    /// The walls that close the tunnel beyond its ends.
    EndWall,
    /// Uprights and arms that carry cables.
    Bracket,
    /// A cable; the number is its level, from below.
    Cable(u8),
    /// A joint in a cable; the number is for [`super::Tunnel::cable_joint`].
    CableJoint(u32),
    /// Something left lying.
    Debris,
    /// A pipe.
    Pipe,
    /// A lamp, unlit.
    Lamp,
}

/// Solids of a stretch under construction, each with its material.
#[derive(Clone, Debug)]
pub(crate) struct Solids {
    /// Id of the first one; the others follow.
    first: SolidId,
    pub(crate) geometry: StaticGeometry,
    pub(crate) materials: Vec<Material>,
}

impl Solids {
    pub(crate) fn new(first: SolidId) -> Self {
        Self { first, geometry: StaticGeometry::default(), materials: Vec::new() }
    }

    pub(crate) fn add(&mut self, material: Material, shape: Shape, friction: f32) -> SolidId {
        let id = self.first + self.materials.len() as SolidId;
        self.materials.push(material);
        self.geometry.solids.push(Solid { id, shape, friction });
        id
    }

    /// A box given by its extents and a pose relative to the tunnel.
    pub(crate) fn add_box(
        &mut self,
        material: Material,
        extents_m: [f64; 3],
        pose: Isometry3<f64>,
    ) -> SolidId {
        let half_extents = extents_m.map(|e| (e / 2.0) as f32);
        self.add(material, Shape::Box { half_extents, pose: pose.cast() }, 0.6)
    }

    /// A straight bar of rectangular section from one point to another. Its sides of `width_m` lie along
    /// `across` as far as they can.
    pub(crate) fn add_bar(
        &mut self,
        material: Material,
        ends: [Point3<f64>; 2],
        across: Vector3<f64>,
        [width_m, depth_m]: [f64; 2],
    ) -> SolidId {
        let along = ends[1] - ends[0];
        // `face_towards` turns z onto the bar and y as near `across` as possible.
        let rotation = UnitQuaternion::face_towards(&along, &across);
        let middle = Translation3::from((ends[0].coords + ends[1].coords) / 2.0);
        self.add_box(material, [depth_m, width_m, along.norm()], Isometry3::from_parts(middle, rotation))
    }

    /// A round bar from one point to another.
    pub(crate) fn add_rod(&mut self, material: Material, ends: [Point3<f64>; 2], radius_m: f64) -> SolidId {
        let along = ends[1] - ends[0];
        let rotation = UnitQuaternion::rotation_between(&Vector3::y(), &along).unwrap_or_default();
        let middle = Translation3::from((ends[0].coords + ends[1].coords) / 2.0);
        let shape = Shape::Cylinder {
            half_length: (along.norm() / 2.0) as f32,
            radius: radius_m as f32,
            pose: Isometry3::from_parts(middle, rotation).cast(),
        };
        self.add(material, shape, 0.6)
    }

    /// Projection of a solid, but not of a mesh, onto the lining.
    pub(crate) fn lining_box(&self, design: &TunnelDesign, id: SolidId) -> Option<LiningBox> {
        let (half, pose) = match &self.geometry.solids.get((id - self.first) as usize)?.shape {
            Shape::Mesh { .. } => return None,
            Shape::Box { half_extents, pose } => (*half_extents, pose),
            Shape::Cylinder { half_length, radius, pose } => ([*radius, *half_length, *radius], pose),
        };
        (0..8u8)
            .map(|corner| {
                let sign = |axis: u8| if corner >> axis & 1 == 0 { -1.0 } else { 1.0 };
                let local = nalgebra::Point3::new(half[0] * sign(0), half[1] * sign(1), half[2] * sign(2));
                let at = design.to_lining(design.to_tunnel(Point::<Map>::from_coords((pose * local).cast())));
                LiningBox {
                    chainage_min_m: at.chainage_m,
                    chainage_max_m: at.chainage_m,
                    arc_min_m: at.arc_m,
                    arc_max_m: at.arc_m,
                }
            })
            .reduce(|a, b| a.union(&b))
    }
}

/// The point in `map` of tunnel coordinates given as `[chainage, left, up]`, m.
pub(crate) fn map_point(design: &TunnelDesign, [chainage_m, left_m, up_m]: [f64; 3]) -> Point3<f64> {
    design.to_map(TunnelPoint { chainage_m, left_m, up_m }).coords
}
