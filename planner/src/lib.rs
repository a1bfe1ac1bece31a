//! Estimates to motion: the mission's state machine, the path over the terrain, the follower, the gait.
//!
//! State machines without I/O: they take estimates with their time and give commands. Nothing here reads a
//! clock, a socket or a file.

pub mod follow;
pub mod gait;
pub mod mission;
pub mod path;
