//! The words that Adit's crates share: frames, joints, sensor samples, the robot's description, tunnel
//! coordinates and defects. Data and geometry only: no I/O, no clock, no estimation, no control.
//!
//! Units are SI and `f64` unless a name says otherwise; axes follow REP 103 (x forward, y left, z up)
//! and frames REP 105 (`map`, `odom`, `base_link`).

pub mod angles;
pub mod defect;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
pub mod frames;
pub mod joints;
pub mod robot;
pub mod sensors;
pub mod state;
pub mod status;
pub mod terrain;
pub mod time;
pub mod tunnel;
pub mod units;
