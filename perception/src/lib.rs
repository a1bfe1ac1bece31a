//! Sensors to estimates: where the robot is, what the ground is like, what is wrong with the lining.
//!
//! State machines without I/O: they take a measurement with the time it was taken, and give an estimate.
//! Nothing here reads a clock, a socket or a file, and nothing here sees the simulator's ground truth.

pub mod defects;
pub mod kinematics;
pub mod lining;
pub mod localise;
pub mod scan;
pub mod state;
pub mod terrain;
pub mod thermal;
