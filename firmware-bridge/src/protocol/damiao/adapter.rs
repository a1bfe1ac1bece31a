//! The USB-CAN adapter's own frames, as bytes: 30 to it, 16 from it, without a checksum either way.

use std::ops::Range;

use super::super::{Frame, WireError};
use super::impossible;

/// Length of a frame to the adapter, bytes.
pub const OUTBOUND_LEN: usize = 30;
/// Length of a frame from the adapter, bytes.
pub const INBOUND_LEN: usize = 16;
/// Greatest standard CAN id.
pub const MAX_STANDARD_ID: u32 = 0x7FF;
/// Greatest extended CAN id.
pub const MAX_EXTENDED_ID: u32 = 0x1FFF_FFFF;

/// Places of the fields in a frame to the adapter.
mod outbound_field {
    use super::Range;

    /// Header, and the frame's length as its third byte.
    pub(super) const HEADER: [u8; 3] = [0x55, 0xAA, super::OUTBOUND_LEN as u8];
    /// 1 forwards and reports that it was sent, 3 forwards without a word.
    pub(super) const COMMAND: usize = 3;
    /// Number of sendings, u32.
    pub(super) const TIMES: Range<usize> = 4..8;
    /// Time between, in steps of 0.1 ms, u32.
    pub(super) const INTERVAL: Range<usize> = 8..12;
    /// 0 standard, 1 extended.
    pub(super) const ID_KIND: usize = 12;
    pub(super) const ID: Range<usize> = 13..17;
    /// 0 data, 1 remote.
    pub(super) const FRAME_KIND: usize = 17;
    pub(super) const LENGTH: usize = 18;
    /// Counting the id and the data up from one sending to the next: two zeros, for not at all.
    pub(super) const COUNT_UP: Range<usize> = 19..21;
    pub(super) const DATA: Range<usize> = 21..29;
    // The last byte is called a CRC, but the adapter does not look at it and the vendor sends zero.
}

/// Places of the fields in a frame from the adapter.
mod inbound_field {
    use super::Range;

    pub(super) const HEADER: u8 = 0xAA;
    pub(super) const COMMAND: usize = 1;
    /// length:6 extended:1 remote:1, from the lowest bit.
    pub(super) const FORMAT: usize = 2;
    pub(super) const ID: Range<usize> = 3..7;
    pub(super) const DATA: Range<usize> = 7..15;
    pub(super) const TAIL_AT: usize = 15;
    pub(super) const TAIL: u8 = 0x55;
}

/// A CAN data frame with a standard id and eight bytes, the only kind that these motors use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanFrame {
    /// Standard id, at most 0x7FF.
    pub id: u16,
    /// The data.
    pub data: [u8; 8],
}

/// A frame to the adapter: one CAN frame to be sent once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// The frame to send.
    pub can: CanFrame,
    /// True if the adapter is to say that it was sent. The vendor's library does not ask for it.
    pub report: bool,
}

impl Outbound {
    /// The bytes, as the vendor's library sends them where `report` is not set.
    pub fn encode(&self) -> [u8; OUTBOUND_LEN] {
        use outbound_field as field;
        let mut bytes = [0; OUTBOUND_LEN];
        bytes[..3].copy_from_slice(&field::HEADER);
        bytes[field::COMMAND] = if self.report { 1 } else { 3 };
        bytes[field::TIMES.start] = 1;
        bytes[field::INTERVAL.start] = 10;
        bytes[field::ID.start..field::ID.start + 2].copy_from_slice(&self.can.id.to_le_bytes());
        bytes[field::LENGTH] = 8;
        bytes[field::DATA].copy_from_slice(&self.can.data);
        bytes
    }

    /// Reads exactly [`OUTBOUND_LEN`] bytes. The last one may be anything, as for the adapter.
    ///
    /// # Errors
    /// [`WireError`] if a byte that never changes differs, or what is to be sent is not one standard data frame
    /// of eight bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        use outbound_field as field;
        let bytes: &[u8; OUTBOUND_LEN] =
            bytes.try_into().or(Err(WireError::Length { expected: OUTBOUND_LEN, found: bytes.len() }))?;
        for (&expected, &found) in field::HEADER.iter().zip(bytes) {
            if expected != found {
                return Err(WireError::Header { expected, found });
            }
        }
        let report = match bytes[field::COMMAND] {
            1 => true,
            3 => false,
            other => return Err(impossible("the adapter's command", other.into())),
        };
        if u32_at(bytes, field::TIMES) != 1 {
            return Err(impossible("the number of times to send", u32_at(bytes, field::TIMES)));
        }
        let kind = [bytes[field::ID_KIND], bytes[field::FRAME_KIND], bytes[field::LENGTH]];
        if kind != [0, 0, 8] || bytes[field::COUNT_UP] != [0, 0] {
            return Err(impossible(
                "the CAN frame's kind",
                u32::from_be_bytes([0, kind[0], kind[1], kind[2]]),
            ));
        }
        let id = u32_at(bytes, field::ID);
        if id > MAX_STANDARD_ID {
            return Err(impossible("the CAN id", id));
        }
        let mut data = [0; 8];
        data.copy_from_slice(&bytes[field::DATA]);
        Ok(Self { can: CanFrame { id: id as u16, data }, report })
    }
}

impl Frame for Outbound {
    const HEADER: &'static [u8] = &outbound_field::HEADER;
    const MIN_LEN: usize = OUTBOUND_LEN;
    const MAX_LEN: usize = OUTBOUND_LEN;

    fn len_of(_: &[u8]) -> Result<Option<usize>, WireError> {
        Ok(Some(OUTBOUND_LEN))
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Self::decode(bytes)
    }
}

/// The adapter's report with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// It is alive.
    Heartbeat,
    /// A CAN frame came and was lost.
    ReceiveFailed,
    /// A CAN frame came: the only report whose id and data mean something.
    Received,
    /// A CAN frame could not be sent: no node acknowledged it.
    SendFailed,
    /// A CAN frame was sent.
    Sent,
    /// The bit rate was not changed.
    BitRateFailed,
    /// The bit rate was changed.
    BitRateSet,
    /// The CAN controller reports an error.
    BusError,
}

impl Report {
    const fn bits(self) -> u8 {
        match self {
            Self::Heartbeat => 0x00,
            Self::ReceiveFailed => 0x01,
            Self::Received => 0x11,
            Self::SendFailed => 0x02,
            Self::Sent => 0x12,
            Self::BitRateFailed => 0x03,
            Self::BitRateSet => 0x13,
            Self::BusError => 0xEE,
        }
    }

    const fn from_bits(bits: u8) -> Result<Self, WireError> {
        Ok(match bits {
            0x00 => Self::Heartbeat,
            0x01 => Self::ReceiveFailed,
            0x11 => Self::Received,
            0x02 => Self::SendFailed,
            0x12 => Self::Sent,
            0x03 => Self::BitRateFailed,
            0x13 => Self::BitRateSet,
            0xEE => Self::BusError,
            other => return Err(impossible("the adapter's report", other as u32)),
        })
    }
}

/// A frame from the adapter.
///
/// It is no [`Frame`] on purpose: a `FrameReader` would believe the first one after noise, which without a
/// checksum is not safe. Use [`super::Reader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The report.
    pub report: Report,
    /// length:6 extended:1 remote:1 of the CAN frame, from the lowest bit.
    pub format: u8,
    /// The CAN frame's id: of a motor's answer, its register `MST_ID`.
    pub id: u32,
    /// The CAN frame's data, padded with anything to eight bytes.
    pub data: [u8; 8],
}

impl Inbound {
    /// A received CAN frame as the adapter passes it on.
    pub fn received(can: CanFrame) -> Self {
        Self { report: Report::Received, format: 8, id: can.id.into(), data: can.data }
    }

    /// The bytes.
    pub fn encode(&self) -> [u8; INBOUND_LEN] {
        use inbound_field as field;
        let mut bytes = [0; INBOUND_LEN];
        bytes[0] = field::HEADER;
        bytes[field::COMMAND] = self.report.bits();
        bytes[field::FORMAT] = self.format;
        bytes[field::ID].copy_from_slice(&self.id.to_le_bytes());
        bytes[field::DATA].copy_from_slice(&self.data);
        bytes[field::TAIL_AT] = field::TAIL;
        bytes
    }

    /// Reads exactly [`INBOUND_LEN`] bytes: header, tail and report are checked, and of a received frame its
    /// length and id. No checksum protects the rest.
    ///
    /// # Errors
    /// [`WireError`] that says which of them was wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        use inbound_field as field;
        let bytes: &[u8; INBOUND_LEN] =
            bytes.try_into().or(Err(WireError::Length { expected: INBOUND_LEN, found: bytes.len() }))?;
        for (at, expected) in [(0, field::HEADER), (field::TAIL_AT, field::TAIL)] {
            if bytes[at] != expected {
                return Err(WireError::Header { expected, found: bytes[at] });
            }
        }
        let report = Report::from_bits(bytes[field::COMMAND])?;
        let (format, id) = (bytes[field::FORMAT], u32_at(bytes, field::ID));
        if report == Report::Received {
            if format & 0x3F > 8 {
                return Err(impossible("the CAN frame's length", u32::from(format & 0x3F)));
            }
            if id > if format & 0x40 == 0 { MAX_STANDARD_ID } else { MAX_EXTENDED_ID } {
                return Err(impossible("the CAN id", id));
            }
        }
        let mut data = [0; 8];
        data.copy_from_slice(&bytes[field::DATA]);
        Ok(Self { report, format, id, data })
    }

    /// The CAN frame, if one was received and it is of the kind that the motors send. A length of zero counts as
    /// eight: some adapters leave that byte empty.
    pub const fn can(&self) -> Option<CanFrame> {
        match (self.report, self.format) {
            (Report::Received, 0 | 8) if self.id <= MAX_STANDARD_ID => {
                Some(CanFrame { id: self.id as u16, data: self.data })
            }
            _ => None,
        }
    }
}

fn u32_at<const N: usize>(bytes: &[u8; N], field: Range<usize>) -> u32 {
    let at = field.start;
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
