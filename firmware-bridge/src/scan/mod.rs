//! A scan of a bus for motors: every id is asked in turn, in words that move no motor. Unitree's let go what they hold
//! when they are asked; others go on as they were. Sans-IO.
//!
//! [`Scan`] has the order and the time; the questions and what an answer means are one file a protocol, and
//! [`Protocol`] is the table of them.

mod bus_scan;
mod damiao;
mod link;
mod probe;
mod protocols;
mod servos;
mod unitree;

pub use bus_scan::{Scan, Unclear};
pub use probe::Device;
pub use protocols::Protocol;
