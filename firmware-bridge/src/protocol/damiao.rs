//! Damiao DM motors on CAN behind the vendor's USB-CAN adapter (a serial port at 921,600 baud).
//!
//! Formats are those of the vendor's published libraries (`DM_CAN.py` of DM_Control_Python, `damiao.h` of the C++
//! examples) and of the adapter's protocol table (`AA 11 08 | id | data | 55`). Values are those of the output shaft,
//! behind the gearbox. Two levels of bytes lie below the meaning: [`Outbound`] and [`Inbound`] are the adapter's frames,
//! and inside them is a [`CanFrame`]. [`Request`] and [`Answer`] are what it means; how real numbers become 16 and
//! 12 bits depends on a motor's own [`Ranges`].
//!
//! # Safety without a checksum
//! CAN itself is protected, but the adapter's serial frames are not: neither direction has a checksum. Two
//! things stand in for it, and both were measured (`tests/damiao_noise.rs`).
//!
//! - *In a stream of whole frames, no window that is out of place looks like a frame.* A window that begins `k`
//!   bytes late needs AA at `k` and 55 at `k - 1`. From 1 to 6 and at 15 a fixed byte stands where AA should;
//!   at 7, 55 would have to be the top byte of an id; at 9 to 14 the frame's own tail falls on a byte that must
//!   be 11, the format, or an id's upper bytes; at 8 it would need the motor state 5, which is not defined.
//!   This is why format, id (at most 7FF) and state are all checked, where the vendor's reader looks at AA and
//!   55 alone.
//! - *After a fault, one frame proves nothing.* A [`Reader`] that lost its place believes only two frames in a
//!   row ([`Place`]).
//!
//! What remains, as measured in that test for twelve motors with any motion. "Monitor" is a [`Monitor`] that also
//! knows each motor's id and CAN id ([`Monitor::under`]):
//!
//! | fault | false frames by the vendor's rule | by a [`Reader`] | and a monitor |
//! |---|---|---|---|
//! | 64 MiB of noise alone | 1023 | 0 | 0 |
//! | 1 to 15 bytes lost in a frame | 1.5 in 1000 faults | 0.65 | 0.6 |
//! | 1 to 15 bytes of noise in a frame | 4.9 in 1000 | 1.8 | 1.6 |
//! | whole frames lost, from the middle of one to the middle of another | 11 in 16 | 11 in 16 | 7 in 16 |
//! | a flipped bit | 1 in 2 | 1 in 2 | 15 in 32 |
//!
//! - For noise alone, a single window passes with about 2^-52 a byte, where the vendor's rule has 2^-16.
//! - A frame that is cut is completed by what follows it if 55 happens to stand in its last place. Believing it
//!   only once the next frame has begun would cost a strict request and reply a frame's time.
//! - Two halves that make a whole frame, and a flipped bit of the data, are noticed by nothing in it. A master
//!   must compare a reading with the one before it.
//!
//! Towards the adapter it is no better, and there it is the adapter that decides: a request cut within its data is
//! completed by the first bytes of the next one, and forwarded. A port must write a request whole or not at all.

use super::WireError;

pub mod adapter;
mod answer;
mod master;
mod model;
mod reader;
mod register;
mod request;
mod virtual_bus;

pub use adapter::{CanFrame, INBOUND_LEN, Inbound, OUTBOUND_LEN, Outbound, Report};
pub use answer::{Answer, Fault, Feedback, RegisterReply, State};
pub use master::{Identity, Monitor, MonitorReply, Reading};
pub use model::{MAX_KD, MAX_KP, Model, Motion, Ranges};
pub use reader::{Counts, Place, Reader};
pub use register::{Access, ControlMode, Kind, REGISTERS, Register, Value};
pub use request::{Action, Request};
pub use virtual_bus::{VirtualMotor, VirtualMotors};

/// Bits a second between computer and adapter.
pub const BAUD: u32 = 921_600;
/// CAN id of requests about registers and of [`Action::Refresh`]: the motor's id stands in the data.
pub const REGISTER_CAN_ID: u16 = 0x7FF;

/// A motor's id (register `ESC_ID`), 1 to 15.
///
/// The motors themselves take up to 0x7FF, but a feedback carries only the lowest four bits: with ids above 15
/// an answer would not say whose it is. Zero cannot be told from a motor that was never given an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MotorId(u8);

impl MotorId {
    /// Every id, in order.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        (1..=15).map(Self)
    }

    /// One motor's id; `None` for 0 and above 15.
    pub const fn new(id: u8) -> Option<Self> {
        if id >= 1 && id <= 15 { Some(Self(id)) } else { None }
    }

    /// The plain number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The id in the two little-endian bytes of a register's frame.
    const fn from_register_frame(data: [u8; 8]) -> Option<Self> {
        if data[1] == 0 { Self::new(data[0]) } else { None }
    }
}

const fn impossible(field: &'static str, value: u32) -> WireError {
    WireError::Impossible { field, value }
}
