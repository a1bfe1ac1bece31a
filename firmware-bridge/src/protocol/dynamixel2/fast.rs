//! The common answer to a fast read: devices write it together, each its own part.
//!
//! Behind the packet's head (id 254, status) each device writes error, id, data and a checksum, which is that
//! of everything from the header up to there, earlier checksums included; so the last one is the packet's.
//! Nothing in it is stuffed (e-manual, "Fast Sync Read").

use super::{BROADCAST, CRC, CRC_LEN, ErrorByte, Instruction, Packet, PacketError, field, write_head};
use crate::protocol::WireError;

/// One device's part of the answer to a fast read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastPart<'a> {
    /// The device that wrote it.
    pub id: u8,
    /// Its error byte.
    pub error: ErrorByte,
    /// The bytes that were read.
    pub data: &'a [u8],
}

impl FastPart<'_> {
    /// Error and id in front of the data, a checksum behind it.
    pub(super) const FRAME_LEN: usize = 2 + CRC_LEN;
    /// Length of what the first device sends in front of its part.
    pub(super) const HEAD_LEN: usize = field::INSTRUCTION + 1;

    /// Bytes of this part on the wire.
    pub(super) const fn wire_len(&self) -> usize {
        self.data.len() + Self::FRAME_LEN
    }
}

/// The parts of an answer, each of a length that the request tells; see [`Packet::fast_parts`].
#[derive(Clone, Debug)]
pub struct FastParts<'a, L> {
    packet: &'a Packet,
    lengths: L,
    at: usize,
}

impl Packet {
    /// The parts of the answer to a fast read, given how many bytes were asked of each device in turn. A
    /// checksum within it that is wrong ends the parts with an error.
    pub fn fast_parts<L: IntoIterator<Item = usize>>(&self, lengths: L) -> FastParts<'_, L::IntoIter> {
        FastParts { packet: self, lengths: lengths.into_iter(), at: 1 }
    }

    /// The answer to a fast read as its devices write it.
    ///
    /// # Errors
    /// [`PacketError`] if it gets too long, or there is no part.
    pub fn fast_status<'a>(parts: impl Iterator<Item = FastPart<'a>> + Clone) -> Result<Self, PacketError> {
        let len = parts.clone().map(|part| part.wire_len()).sum::<usize>();
        let mut packet = Self::start(BROADCAST, Instruction::Status)?;
        let total = (packet.len + len).saturating_sub(CRC_LEN);
        for (index, part) in parts.enumerate() {
            if index > 0 {
                let crc = packet.crc_of(packet.len, total);
                packet.push(&crc.to_le_bytes())?;
            }
            packet.push(&[part.error.byte(), part.id])?;
            packet.push(part.data)?;
        }
        if packet.len < 3 { Err(PacketError::Empty) } else { Ok(packet) }
    }

    /// Checksum of the head and of the body up to `end`, in a packet whose whole body has `total` bytes.
    fn crc_of(&self, end: usize, total: usize) -> u16 {
        let mut head = [0; field::INSTRUCTION];
        write_head(self.id, total + CRC_LEN, &mut head);
        let mut digest = CRC.digest();
        digest.update(&head);
        digest.update(&self.body[..end]);
        digest.finalize()
    }
}

impl<'a, L: Iterator<Item = usize>> Iterator for FastParts<'a, L> {
    type Item = Result<FastPart<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let packet = self.packet;
        if !packet.is_fast_status() || self.at >= packet.len {
            return None;
        }
        let start = self.at;
        let end = start + 2 + self.lengths.next()?;
        let (stop, whole) = (end + CRC_LEN, packet.len);
        // The last part's checksum is the packet's own, which was checked.
        if end > whole || (end < whole && stop > whole) {
            self.at = whole;
            return Some(Err(WireError::Length { expected: end, found: whole }));
        }
        self.at = stop;
        let part = &packet.body[start..end];
        if end < whole {
            let expected = packet.crc_of(end, whole);
            let found = u16::from_le_bytes([packet.body[end], packet.body[end + 1]]);
            if expected != found {
                self.at = whole;
                return Some(Err(WireError::Crc { expected: expected.into(), found: found.into() }));
            }
        }
        Some(Ok(FastPart { error: ErrorByte::from_byte(part[0]), id: part[1], data: &part[2..] }))
    }
}
