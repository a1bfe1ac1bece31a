//! Work on the motor buses themselves, without a robot's stack: who is on them, how they do, how fast they are, and
//! where the joints' zeros lie. `adit bus` shows it.
//!
//! Motors are only read here: each question is a command in a mode that drives nothing.

pub(crate) mod bench;
mod floor;
pub(crate) mod ports;
pub(crate) mod reading;
pub(crate) mod scan;
mod virtual_robot;

pub(crate) use virtual_robot::VirtualRobot;
