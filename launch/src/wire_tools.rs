//! Frames of motor buses and messages of whole robots as JSON and back, for people and scripts: the work of `adit wire`. One file a
//! protocol; `codecs` is the table of those of buses, `robots` of those of robots.

mod adit;
mod codecs;
mod damiao;
mod decoder;
mod dynamixel2;
mod feetech;
mod frame_json;
mod hex;
mod number;
mod protocol_name;
mod robots;
mod unitree;

pub use decoder::{Decoder, Found, SHOWN};
pub use firmware_bridge::scan::Protocol;
pub use frame_json::{Codec, Damaged, FrameInputError};
pub use hex::{hex_words, parse_hex, to_hex};
pub(crate) use protocol_name::{ProtocolName, WireProtocol};
pub use robots::RobotProtocol;
