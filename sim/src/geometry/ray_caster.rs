//! Raycasting: the question of a ray, and its answer.

use super::scene::SolidId;

/// First hit of a ray.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Distance along the ray, m.
    pub distance_m: f32,
    /// Unit normal of the surface in `map`, towards the ray's origin.
    pub normal: [f32; 3],
    /// The solid that was hit.
    pub solid: SolidId,
}

/// Raycaster over a world that stands still.
pub trait RayCaster: Send + Sync {
    /// The first solid that a ray in `map` meets within `max_m` metres; `direction` is a unit vector.
    fn cast(&self, origin: [f32; 3], direction: [f32; 3], max_m: f32) -> Option<Hit>;
}
