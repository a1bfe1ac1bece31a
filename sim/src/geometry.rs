//! Geometry of the world as plain solids in `map`, and raycasting, by which sensors see it.
//!
//! The tunnel builds a [`StaticGeometry`]; an engine takes it up and answers through [`RayCaster`]. Neither
//! knows the other, so cameras and lidars work on any engine's query structure, or on none.

mod bvh;
mod ray_caster;
mod scene;

pub use bvh::Bvh;
pub(crate) use bvh::{cast_at_box, cast_at_cylinder};
pub use ray_caster::{Hit, RayCaster};
pub use scene::{Shape, Solid, SolidId, StaticGeometry};
