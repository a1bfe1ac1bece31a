//! Refusals of a walking policy.

use robot_interface::joints::JOINTS;
use safetensors::{Dtype, SafeTensorError};

/// Inputs of the policy's network.
pub const OBSERVATION: usize = 45;

/// Refusal of weights or of a description, or a step that could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file is not safetensors.
    #[error("the policy cannot be used: {0}; give the safetensors file that tools/convert_policy.py makes")]
    File(#[from] SafeTensorError),
    /// Numbers of another type.
    #[error("the policy's weights are {0}, expected F32; convert them anew with tools/convert_policy.py")]
    Type(Dtype),
    /// Layers that do not follow each other.
    #[error(
        "the policy's layers are {found}, expected [out, in] and [out] of layers that lead from {OBSERVATION} inputs to {JOINTS} outputs"
    )]
    Layers {
        /// Shapes of the weights and biases found, from input to output.
        found: String,
    },
    /// A weight or an output that is no number.
    #[error("the policy {0} what is no finite number; convert its weights anew with tools/convert_policy.py")]
    NotFinite(&'static str),
    /// A value of the robot file that makes no sense.
    #[error("the robot file's gait.{key} cannot be used: {remedy}")]
    Description {
        /// The key.
        key: &'static str,
        /// What to write instead, in words for people.
        remedy: &'static str,
    },
}
