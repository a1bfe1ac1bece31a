//! Static scene of a world: plain solids in `map`.

use nalgebra::Isometry3;

/// Number of a solid within one [`StaticGeometry`]; whoever built it knows the material.
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
