//! Refusals of a robot's model or of a world.

use crate::engine::ray_caster::BadMesh;

/// Refusal of a robot that cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The model is not MJCF.
    #[error("the physics model cannot be read: {0}; give an MJCF file with primitive geometry")]
    Model(String),
    /// The model lacks a joint that the robot file describes.
    #[error("the physics model has no hinge joint `{0}`: name its joints as the robot file does")]
    Joint(&'static str),
    /// A calf without a ball for a foot.
    #[error("the physics model has no sphere on the body that `{0}` moves: feet are spheres there")]
    Foot(&'static str),
    /// The world has a broken mesh.
    #[error(transparent)]
    World(#[from] BadMesh),
}
