//! The one error of building and running the robot's side.

use firmware_bridge::bridge::BridgeError;
use perception::defects::SegmentError;
use planner::gait::PolicyError;

use crate::picture::PictureError;

/// Reason for which the robot's side of a run cannot be built or go on.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The robot's wiring is not possible.
    #[error("the robot's motor buses cannot be used")]
    Buses(#[from] BridgeError),
    /// Its walking policy does not fit it.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The bundled defect model cannot be used.
    #[error("the bundled defect model cannot be used")]
    Model(#[source] SegmentError),
    /// A picture was not judged.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A picture was not encoded.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A picture's camera is not in the robot's file.
    #[error("a picture of a camera that is not there: number {0}")]
    Camera(usize),
}
