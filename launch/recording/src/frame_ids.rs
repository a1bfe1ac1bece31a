//! Names of coordinate frames in messages (REP 105).

use crate::topics::topic_name;

pub(crate) const MAP: &str = "map";
pub(crate) const ODOM: &str = "odom";
pub(crate) const BASE: &str = "base_link";
pub(crate) const IMU: &str = "imu";
pub(crate) const LIDAR: &str = "lidar";

/// Returns the frame of a camera's pictures: z ahead, x to the right (REP 103).
pub(crate) fn optical_frame(camera: &str) -> String {
    format!("{}_optical_frame", topic_name(camera))
}
