//! Puts the parts of Adit together: the `adit` command, lock-step runs, recordings and reports.

pub mod config;
pub mod lockstep;
pub mod record;
pub mod ros_msgs;
pub mod score;
