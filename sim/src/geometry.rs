//! The world as plain solids in `map`, and the question that sensors ask of it: what does a ray hit?
//!
//! The tunnel builds a [`StaticGeometry`]; an engine takes it up and answers through [`RayCaster`]. Neither
//! knows the other, so cameras and lidars work on any engine's query structure, or on none.

mod bvh;

pub use bvh::Bvh;
pub(crate) use bvh::{cast_at_box, cast_at_cylinder};

use nalgebra::Isometry3;

/// Names a solid within one [`StaticGeometry`]; whoever built it knows the material.
pub type SolidId = u32;

/// All that stands still, in `map`.
#[derive(Clone, Debug, Default)]
pub struct StaticGeometry {
    /// The solids; ids are unique, in no particular order.
    pub solids: Vec<Solid>,
}

/// One solid.
#[derive(Clone, Debug)]
pub struct Solid {
    /// Its name, returned by ray casts.
    pub id: SolidId,
    /// Its outline.
    pub shape: Shape,
    /// Coulomb friction coefficient.
    pub friction: f32,
}

/// Outlines that physics engines have in common.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Triangles with no inside. Seen and stood upon from both sides; winding is counter-clockwise seen
    /// from the side of the tunnel's air.
    Mesh {
        /// Corners in `map`, m, `[n][x, y, z]`.
        vertices: Vec<[f32; 3]>,
        /// Corners of each triangle, `[m][3]`.
        indices: Vec<[u32; 3]>,
    },
    /// A box.
    Box {
        /// Half of its extents along its own axes, m, `[x, y, z]`.
        half_extents: [f32; 3],
        /// Its centre and axes in `map`.
        pose: Isometry3<f32>,
    },
    /// A cylinder along its own y axis.
    Cylinder {
        /// Half of its length, m.
        half_length: f32,
        /// Its radius, m.
        radius: f32,
        /// Its centre and axes in `map`.
        pose: Isometry3<f32>,
    },
}

/// What a ray met first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Distance along the ray, m.
    pub distance_m: f32,
    /// Unit normal of the surface in `map`, towards the ray's origin.
    pub normal: [f32; 3],
    /// What was hit.
    pub solid: SolidId,
}

/// Answers what a ray hits in a world that stands still.
pub trait RayCaster: Send + Sync {
    /// The first solid that a ray in `map` meets within `max_m` metres; `direction` is a unit vector.
    fn cast(&self, origin: [f32; 3], direction: [f32; 3], max_m: f32) -> Option<Hit>;
}
