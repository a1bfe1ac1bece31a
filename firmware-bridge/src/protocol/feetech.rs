//! Feetech SMS and STS servos, such as the STS3215 (half-duplex serial bus, 1 Mbaud 8N1 as delivered).
//!
//! Formats, registers and signs are those of the vendor's Python SDK (`ftservo-python-sdk`: `sms_sts.py`,
//! `protocol_packet_handler.py`); registers that it does not name are those of the vendor's memory table as
//! LeRobot and others publish it. A request and an answer have one form:
//! `FF FF | id | length | instruction or errors | parameters | ~sum`, where the length counts what follows it and the
//! sum is over everything between header and checksum. [`Packet`] is bytes; [`Request`] and [`Status`] are
//! meaning; [`Goal`] and [`Reading`] are SI units.
//!
//! # How a reader finds its place again
//! The header can stand in the parameters, and the checksum has only 8 bits: of random bytes behind a header and
//! a possible id and length, one in 256 passes. It notices every single flipped bit, lets 2.7 % of all pairs of
//! flipped bits pass, and does not notice exchanged bytes. A [`StatusReader`] in its place goes by the length and
//! never looks for a header in the parameters. Out of its place it tries every `FF FF`; a candidate that fails
//! gives up only its first byte, and one that claims to be long is given up once two whole answers stand in it. So
//! nothing good is lost to noise, unless some of the noise passes for an answer and takes up to 250 bytes along:
//! after 40 bytes of noise, half of them FF, that befell 8 of 10,000 streams (`tests/feetech.rs`).
//!
//! What a master can do beyond that, it must: it knows whom it asked and how long the answer is, and [`Monitor`]
//! refuses all others: it took none of those.
//!
//! # Echoes
//! On a half-duplex line many adapters hear themselves, and a request reads as an answer whose errors are its
//! instruction: the echo of a ping is to the last bit the answer of a servo with a wrong supply voltage. This is why
//! a scan should ask with [`Monitor::probe`], whose answer is longer than its request, and not with a ping.

use super::{FrameReader, WireError};

mod master;
mod packet;
mod register;
mod request;
mod units;
mod virtual_bus;

pub use master::{Monitor, MonitorReply, ServoIdentity};
pub use packet::{Errors, Fault, MAX_PACKET_LEN, MAX_PARAMETERS, Packet, Parameters, Status};
pub use register::{REGISTERS, Register, Sign};
pub use request::{Request, SyncWrite};
pub use units::{Goal, Reading, TICKS_PER_TURN};
pub use virtual_bus::{VirtualServo, VirtualServos};

/// Bits a second as delivered.
pub const BAUD: u32 = 1_000_000;

/// Finds answers in a stream.
pub type StatusReader = FrameReader<Status, MAX_PACKET_LEN>;

/// A servo's id, 0 to 253, or [`ServoId::BROADCAST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServoId(u8);

impl ServoId {
    /// Every servo on the bus; none of them answers.
    pub const BROADCAST: Self = Self(0xFE);

    /// One servo's id; `None` above 253.
    pub const fn new(id: u8) -> Option<Self> {
        if id < Self::BROADCAST.0 { Some(Self(id)) } else { None }
    }

    /// The plain number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

const fn impossible(field: &'static str, value: u32) -> WireError {
    WireError::Impossible { field, value }
}
