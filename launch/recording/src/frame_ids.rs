//! Names of coordinate frames in messages (REP 105).

pub(crate) const MAP: &str = "map";
pub(crate) const ODOM: &str = "odom";
pub(crate) const BASE: &str = "base_link";
pub(crate) const IMU: &str = "imu";
pub(crate) const LIDAR: &str = "lidar";
