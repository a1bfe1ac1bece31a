//! Exposure of a picture: when and from where it is taken.

use robot_interface::frames::{Camera, Map, Transform};
use robot_interface::time::Stamp;

/// Exposure of a picture: poses and time.
#[derive(Clone, Copy, Debug)]
pub struct Exposure {
    /// Pose of the camera's optical frame when the shutter opens.
    pub start: Transform<Map, Camera>,
    /// The same when it closes.
    pub end: Transform<Map, Camera>,
    /// Middle of the exposure.
    pub stamp: Stamp,
}

impl Exposure {
    /// A picture from a camera at rest.
    pub fn still(pose: Transform<Map, Camera>, stamp: Stamp) -> Self {
        Self { start: pose, end: pose, stamp }
    }
}
