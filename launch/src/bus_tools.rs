//! Work on the motor buses themselves, without a robot's stack: scan, monitoring, benchmark, and calibration of the
//! joints' zeros. `adit bus` shows it.
//!
//! Motors are only read here: each question is a command in a mode that drives nothing.

mod baseline;
pub(crate) mod bench;
pub(crate) mod ports;
pub(crate) mod reading;
pub(crate) mod scan;
mod virtual_robot;

pub(crate) use virtual_robot::VirtualRobot;
