//! Puts the parts of Adit together: the `adit` command, lock-step runs, ROS 2 nodes, tools.

mod bus_tools;
pub mod cli;
mod defects;
pub mod ground_truth;
pub mod lockstep;
pub mod mission_file;
pub mod pty;
#[cfg(feature = "ros")]
pub mod ros;
pub mod run;
mod summary;
pub mod wire_tools;
mod world;
