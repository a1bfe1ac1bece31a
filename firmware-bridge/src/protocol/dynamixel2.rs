//! ROBOTIS DYNAMIXEL Protocol 2.0 (half-duplex TTL or RS-485, 8N1, 9600 baud to 4.5 Mbaud).
//!
//! Formats are those of the vendor's e-manual ("DYNAMIXEL Protocol 2.0"), checked against the frames of the
//! vendor's `dynamixel-sdk`:
//!
//! | bytes  | what                 | type, little-endian | remark                                      |
//! |--------|----------------------|---------------------|---------------------------------------------|
//! | 0-3    | header               | `FF FF FD 00`       |                                             |
//! | 4      | id                   | `u8`                | 0 to 252, or 254: every device              |
//! | 5-6    | length               | `u16`               | of what follows, with its stuffing          |
//! | 7      | instruction          | `u8`                | `0x55` marks a status packet, an answer     |
//! | 8      | error                | `u8`                | of a status packet only                     |
//! | 8 or 9 | parameters           |                     |                                             |
//! | last 2 | CRC, poly `0x8005`   | `u16`               | of all bytes before it, with their stuffing |
//!
//! So that a header appears nowhere else, `FF FF FD` among instruction and parameters is sent as
//! `FF FF FD FD`. The answer to a fast read is the exception: several devices write one packet together,
//! each its own part, and nobody stuffs it ([`FastParts`]).
//!
//! What bytes mean to a servo of the X series is in [`x_series`], a master in [`Master`], and what servos
//! would answer in [`VirtualServos`].

mod build;
pub mod device;
mod fast;
mod instruction;
mod master;
pub mod x_series;

use std::fmt;
use std::ops::Range;

use crc::{CRC_16_UMTS, Crc, Table};

pub use build::{BulkRead, BulkWrite, FactoryReset, PacketError};
pub use device::VirtualServos;
pub use fast::{FastPart, FastParts};
pub use instruction::{ErrorByte, Instruction, ServoError};
pub use master::{Event, Master, Request};

use super::{Frame, WireError};

/// Length of the longest packet on the wire, bytes: the limit of the vendor's SDK in both directions
/// (`TXPACKET_MAX_LEN`, `RXPACKET_MAX_LEN`).
pub const MAX_PACKET_LEN: usize = 1024;
/// Length of the shortest packet, an instruction without parameters, bytes.
pub const MIN_PACKET_LEN: usize = field::INSTRUCTION + 1 + CRC_LEN;
/// The id to which every device listens.
pub const BROADCAST: u8 = 254;
/// Greatest id of a single device.
pub const MAX_ID: u8 = 252;

const CRC_LEN: usize = 2;
/// The bytes that stuffing looks for, and the one that it puts behind them.
const STUFFED: [u8; 3] = [0xFF, 0xFF, 0xFD];
const STUFFING: u8 = 0xFD;
/// Instruction, error byte and parameters at most: all but the bytes in front of them and the checksum.
const MAX_BODY_LEN: usize = MAX_PACKET_LEN - field::INSTRUCTION - CRC_LEN;

// CRC-16/UMTS is what the vendor calls CRC-16 (IBM/ANSI): poly 0x8005, init 0, nothing reflected.
static CRC: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_UMTS);

/// Places of a packet's fields.
mod field {
    use super::Range;

    pub(super) const HEADER: [u8; 4] = [0xFF, 0xFF, 0xFD, 0x00];
    pub(super) const ID: usize = 4;
    pub(super) const LENGTH: Range<usize> = 5..7;
    pub(super) const INSTRUCTION: usize = 7;
}

/// A packet in either direction, without its stuffing. It always fits [`MAX_PACKET_LEN`] with it.
///
/// ```
/// use firmware_bridge::protocol::dynamixel2::{MAX_PACKET_LEN, Packet};
/// let ping = Packet::ping(2)?;
/// let mut buffer = [0; MAX_PACKET_LEN];
/// assert_eq!(ping.encode(&mut buffer), [0xFF, 0xFF, 0xFD, 0, 2, 3, 0, 1, 0x19, 0x72]);
/// # Ok::<(), firmware_bridge::protocol::dynamixel2::PacketError>(())
/// ```
#[derive(Clone)]
pub struct Packet {
    id: u8,
    /// Instruction, then a status packet's error, then parameters; `len` bytes count.
    body: [u8; MAX_BODY_LEN],
    len: usize,
}

impl Packet {
    /// The device that an instruction is for, or that sends a status packet; [`BROADCAST`] for all, and for the common
    /// answer to a fast read.
    pub const fn id(&self) -> u8 {
        self.id
    }

    /// The instruction, or [`Instruction::Status`].
    pub const fn instruction(&self) -> Instruction {
        Instruction::from_byte(self.body[0])
    }

    /// A status packet's error byte; `None` in the other direction. In the answer to a fast read it is that
    /// of the first device.
    pub const fn error(&self) -> Option<ErrorByte> {
        if self.is_status() { Some(ErrorByte::from_byte(self.body[1])) } else { None }
    }

    /// The parameters, after a status packet's error byte.
    pub fn params(&self) -> &[u8] {
        &self.body[if self.is_status() { 2 } else { 1 }..self.len]
    }

    /// Returns whether this is an answer.
    pub const fn is_status(&self) -> bool {
        self.body[0] == Instruction::Status.byte()
    }

    /// The answer to a fast read, which several devices write together and nobody stuffs.
    const fn is_fast_status(&self) -> bool {
        self.is_status() && self.id == BROADCAST
    }

    /// Writes the bytes into the front of `buffer` and returns them.
    pub fn encode<'a>(&self, buffer: &'a mut [u8; MAX_PACKET_LEN]) -> &'a [u8] {
        let body = &self.body[..self.len];
        let end = if self.is_fast_status() {
            buffer[field::INSTRUCTION..][..body.len()].copy_from_slice(body);
            field::INSTRUCTION + body.len()
        } else {
            field::INSTRUCTION + stuff(body, &mut buffer[field::INSTRUCTION..])
        };
        write_head(self.id, end + CRC_LEN - field::INSTRUCTION, buffer);
        let crc = CRC.checksum(&buffer[..end]);
        buffer[end..end + CRC_LEN].copy_from_slice(&crc.to_le_bytes());
        &buffer[..end + CRC_LEN]
    }

    /// Reads exactly one packet's bytes: header, id, length and checksum are checked. `FF FF FD` without its
    /// stuffing is let pass, as the vendor's own SDK for Python (4.1.0) sends it so.
    ///
    /// # Errors
    /// [`WireError`] that says which of them was wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        for (&expected, &found) in field::HEADER.iter().zip(bytes) {
            if expected != found {
                return Err(WireError::Header { expected, found });
            }
        }
        let found = bytes.len();
        let expected = Self::len_of(bytes)?.unwrap_or(MIN_PACKET_LEN);
        if found != expected {
            return Err(WireError::Length { expected, found });
        }
        let (bytes, crc) = bytes.split_at(found - CRC_LEN);
        let (expected, found) = (CRC.checksum(bytes), u16::from_le_bytes([crc[0], crc[1]]));
        if expected != found {
            return Err(WireError::Crc { expected: expected.into(), found: found.into() });
        }
        let body = &bytes[field::INSTRUCTION..];
        let mut packet = Self { id: bytes[field::ID], body: [0; MAX_BODY_LEN], len: body.len() };
        if body[0] == Instruction::Status.byte() && packet.id == BROADCAST {
            packet.body[..body.len()].copy_from_slice(body);
        } else {
            packet.len = unstuff(body, &mut packet.body);
        }
        let shortest = if packet.is_status() { 2 } else { 1 };
        if packet.len < shortest {
            return Err(WireError::Length { expected: MIN_PACKET_LEN + 1, found: MIN_PACKET_LEN });
        }
        Ok(packet)
    }

    /// The length that the bytes so far claim; `None` before they do.
    fn len_of(bytes: &[u8]) -> Result<Option<usize>, WireError> {
        if let Some(&id) = bytes.get(field::ID)
            && id > MAX_ID
            && id != BROADCAST
        {
            return Err(WireError::Address(id));
        }
        let Some(length) = bytes.get(field::LENGTH) else { return Ok(None) };
        let found = field::INSTRUCTION + usize::from(u16::from_le_bytes([length[0], length[1]]));
        match found {
            MIN_PACKET_LEN..=MAX_PACKET_LEN => Ok(Some(found)),
            0..MIN_PACKET_LEN => Err(WireError::Length { expected: MIN_PACKET_LEN, found }),
            _ => Err(WireError::Length { expected: MAX_PACKET_LEN, found }),
        }
    }
}

impl Frame for Packet {
    const HEADER: &'static [u8] = &field::HEADER;
    const MIN_LEN: usize = MIN_PACKET_LEN;
    const MAX_LEN: usize = MAX_PACKET_LEN;

    fn len_of(bytes: &[u8]) -> Result<Option<usize>, WireError> {
        Self::len_of(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Self::decode(bytes)
    }
}

impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.body[..self.len] == other.body[..other.len]
    }
}

impl Eq for Packet {}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("id", &self.id)
            .field("instruction", &self.instruction())
            .field("error", &self.error())
            .field("params", &format_args!("{:02X?}", self.params()))
            .finish()
    }
}

/// Header, id and the length of what follows it.
fn write_head(id: u8, length: usize, buffer: &mut [u8]) {
    buffer[..4].copy_from_slice(&field::HEADER);
    buffer[field::ID] = id;
    // No more than MAX_PACKET_LEN, so nothing is lost.
    buffer[field::LENGTH].copy_from_slice(&(length as u16).to_le_bytes());
}

/// Copies `body` with its stuffing; returns how long it has become.
fn stuff(body: &[u8], out: &mut [u8]) -> usize {
    let mut len = 0;
    for (i, &byte) in body.iter().enumerate() {
        out[len] = byte;
        len += 1;
        if byte == STUFFED[2] && body[..=i].ends_with(&STUFFED) {
            out[len] = STUFFING;
            len += 1;
        }
    }
    len
}

/// Bytes that stuffing adds to `body`.
fn stuffing_of(body: &[u8]) -> usize {
    body.windows(STUFFED.len()).filter(|window| *window == STUFFED).count()
}

/// Copies `body` without its stuffing; returns how long it has become.
fn unstuff(body: &[u8], out: &mut [u8]) -> usize {
    let (mut len, mut behind) = (0, false);
    for &byte in body {
        if !(std::mem::replace(&mut behind, false) && byte == STUFFING) {
            out[len] = byte;
            len += 1;
            behind = byte == STUFFED[2] && out[..len].ends_with(&STUFFED);
        }
    }
    len
}
