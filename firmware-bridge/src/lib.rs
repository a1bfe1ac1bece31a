//! Motor buses and the inertial sensor's line: the only code that knows a motor's bytes.
//!
//! From the bottom up: [`protocol`] turns commands and replies into a vendor's frames and back, [`port`]
//! carries bytes, [`bridge`] decides what is sent when and what an answer means for which joint, and [`safety`]
//! what may be sent at all. [`scan`] looks who is there, [`calibrate`] where the joints' zeros lie. All but the ports are sans-IO: bytes and times go in, bytes and states come out.

pub mod bridge;
pub mod calibrate;
pub mod port;
pub mod protocol;
pub mod safety;
pub mod scan;
