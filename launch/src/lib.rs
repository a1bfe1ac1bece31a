//! Puts the parts of Adit together: the `adit` command, lock-step runs, ROS 2 nodes, recordings and reports.

mod bus_tools;
pub mod cli;
pub mod config;
mod doctor;
mod intake;
pub mod lockstep;
pub mod picture;
pub mod pty;
mod realtime;
pub mod record;
pub mod report;
#[cfg(feature = "ros")]
pub mod ros;
pub mod ros_msgs;
pub mod run;
pub mod score;
pub mod setup;
pub mod stack;
pub mod up;
pub mod wire_tools;
mod world;
