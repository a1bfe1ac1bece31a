//! Packets by what they do, so that none can be made which devices would misunderstand.

use super::{
    BROADCAST, CRC_LEN, ErrorByte, Instruction, MAX_BODY_LEN, MAX_ID, MAX_PACKET_LEN, Packet, field,
    stuffing_of,
};

/// Refusal to make a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// An id that no device can have.
    #[error("id {0} is no device's: use 0 to 252, or 254 for all of them")]
    Id(u8),
    /// Answers of all devices would collide, or all would become alike.
    #[error("{0:?} cannot be sent to all devices: send it to each by its own id, or use a sync read")]
    Broadcast(Instruction),
    /// Longer than the longest packet.
    #[error("{0} bytes with the stuffing where a packet has at most {MAX_PACKET_LEN}: split it into several")]
    TooLong(usize),
    /// Data of another length than the packet says for each device.
    #[error(
        "{found} bytes for id {id} where each device gets {expected}: give all the same, or use a bulk write"
    )]
    DataLength {
        /// The device whose data it is.
        id: u8,
        /// Bytes for each device.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// One device twice in one packet.
    #[error("id {0} is named twice: name each device once, and ask for the rest in another packet")]
    RepeatedId(u8),
    /// A goal that is not a number.
    #[error("the goal of id {0} is not a number: check what it is computed from")]
    Goal(u8),
    /// No device named, or no byte asked for.
    #[error("nothing to do: name at least one device and one byte")]
    Empty,
}

/// Extent of a factory reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactoryReset {
    /// Everything. Devices do not do it when all are told at once: all would be left with id 1.
    All,
    /// Everything but the id.
    AllButId,
    /// Everything but the id and the baud rate.
    AllButIdAndBaud,
}

impl FactoryReset {
    /// As on the wire.
    pub const fn byte(self) -> u8 {
        match self {
            Self::All => 0xFF,
            Self::AllButId => 0x01,
            Self::AllButIdAndBaud => 0x02,
        }
    }

    /// From the wire.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0xFF => Some(Self::All),
            0x01 => Some(Self::AllButId),
            0x02 => Some(Self::AllButIdAndBaud),
            _ => None,
        }
    }
}

/// One device's stretch in a bulk read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkRead {
    /// The device.
    pub id: u8,
    /// First address.
    pub address: u16,
    /// Bytes.
    pub length: u16,
}

/// One device's stretch in a bulk write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkWrite<'a> {
    /// The device.
    pub id: u8,
    /// First address.
    pub address: u16,
    /// The bytes to write there.
    pub data: &'a [u8],
}

/// The first parameter of a clear that makes the position one within a turn, and the four that confirm it.
pub(super) const CLEAR_TURNS: [u8; 5] = [0x01, 0x44, 0x58, 0x4C, 0x22];

/// Every builder errs with [`PacketError`], whose message names the remedy.
#[expect(clippy::missing_errors_doc, reason = "said once for all of them")]
impl Packet {
    /// A ping: answered by each with model number and firmware version, to [`BROADCAST`] too.
    pub fn ping(id: u8) -> Result<Self, PacketError> {
        Self::start(id, Instruction::Ping)
    }

    /// Asks for `length` bytes from `address`.
    pub fn read(id: u8, address: u16, length: u16) -> Result<Self, PacketError> {
        Self::single(id, Instruction::Read, length == 0, &[&address.to_le_bytes(), &length.to_le_bytes()])
    }

    /// Writes `data` from `address`. To [`BROADCAST`] it is not answered.
    pub fn write(id: u8, address: u16, data: &[u8]) -> Result<Self, PacketError> {
        Self::to(id, Instruction::Write, data.is_empty(), &[&address.to_le_bytes(), data])
    }

    /// Registers a write, to be done at the next [`action`](Self::action).
    pub fn reg_write(id: u8, address: u16, data: &[u8]) -> Result<Self, PacketError> {
        Self::to(id, Instruction::RegWrite, data.is_empty(), &[&address.to_le_bytes(), data])
    }

    /// Does the registered write.
    pub fn action(id: u8) -> Result<Self, PacketError> {
        Self::start(id, Instruction::Action)
    }

    /// Settings as they left the factory, as far as `option` says.
    pub fn factory_reset(id: u8, option: FactoryReset) -> Result<Self, PacketError> {
        let all = option == FactoryReset::All;
        let make = if all { Self::single } else { Self::to };
        make(id, Instruction::FactoryReset, false, &[&[option.byte()]])
    }

    /// Starts the device again.
    pub fn reboot(id: u8) -> Result<Self, PacketError> {
        Self::start(id, Instruction::Reboot)
    }

    /// Forgets whole turns, so that the position is one within a turn; the device must stand still.
    pub fn clear_turns(id: u8) -> Result<Self, PacketError> {
        Self::to(id, Instruction::Clear, false, &[&CLEAR_TURNS])
    }

    /// Asks several devices for the same stretch; each answers by itself, in this order.
    pub fn sync_read(address: u16, length: u16, ids: &[u8]) -> Result<Self, PacketError> {
        Self::sync_read_as(Instruction::SyncRead, address, length, ids)
    }

    /// As [`sync_read`](Self::sync_read), with one common answer ([`fast_parts`](Self::fast_parts)).
    pub fn fast_sync_read(address: u16, length: u16, ids: &[u8]) -> Result<Self, PacketError> {
        Self::sync_read_as(Instruction::FastSyncRead, address, length, ids)
    }

    /// Writes the same stretch of several devices, each its own data of `length` bytes; nobody answers.
    pub fn sync_write<D: AsRef<[u8]>>(
        address: u16,
        length: u16,
        items: &[(u8, D)],
    ) -> Result<Self, PacketError> {
        Self::sync_write_with(address, length, items, |(id, data)| Ok((*id, data.as_ref())))
    }

    /// Asks each of several devices for a stretch of its own; each answers by itself, in this order.
    pub fn bulk_read(items: &[BulkRead]) -> Result<Self, PacketError> {
        Self::bulk_read_as(Instruction::BulkRead, items)
    }

    /// As [`bulk_read`](Self::bulk_read), with one common answer ([`fast_parts`](Self::fast_parts)).
    pub fn fast_bulk_read(items: &[BulkRead]) -> Result<Self, PacketError> {
        Self::bulk_read_as(Instruction::FastBulkRead, items)
    }

    /// Writes a stretch of its own in each of several devices; nobody answers.
    pub fn bulk_write(items: &[BulkWrite<'_>]) -> Result<Self, PacketError> {
        distinct(items.iter().map(|item| item.id))?;
        let mut packet = Self::start(BROADCAST, Instruction::BulkWrite)?;
        let mut empty = items.is_empty();
        for &BulkWrite { id, address, data } in items {
            empty |= data.is_empty();
            let length = u16::try_from(data.len()).or(Err(PacketError::TooLong(data.len())))?;
            packet.push(&[id])?;
            packet.push(&address.to_le_bytes())?;
            packet.push(&length.to_le_bytes())?;
            packet.push(data)?;
        }
        packet.check(empty)?;
        Ok(packet)
    }

    /// A device's answer.
    pub fn status(id: u8, error: ErrorByte, params: &[u8]) -> Result<Self, PacketError> {
        if id == BROADCAST {
            return Err(PacketError::Broadcast(Instruction::Status));
        }
        Self::to(id, Instruction::Status, false, &[&[error.byte()], params])
    }

    /// Any instruction, for what has no builder of its own. A status packet is not one: see
    /// [`status`](Self::status).
    pub fn raw(id: u8, instruction: u8, params: &[u8]) -> Result<Self, PacketError> {
        match Instruction::from_byte(instruction) {
            Instruction::Status => match params.split_first() {
                Some((&error, params)) => Self::status(id, ErrorByte::from_byte(error), params),
                None => Err(PacketError::Empty),
            },
            instruction => Self::to(id, instruction, false, &[params]),
        }
    }

    /// A sync write whose items are made on the way.
    pub(super) fn sync_write_with<'a, T, D: AsRef<[u8]>>(
        address: u16,
        length: u16,
        items: &'a [T],
        item: impl Fn(&'a T) -> Result<(u8, D), PacketError>,
    ) -> Result<Self, PacketError> {
        let mut seen = Seen::default();
        let mut packet = Self::start(BROADCAST, Instruction::SyncWrite)?;
        packet.push(&address.to_le_bytes())?;
        packet.push(&length.to_le_bytes())?;
        for item in items.iter().map(item) {
            let (id, data) = item?;
            seen.add(id)?;
            let (expected, found) = (usize::from(length), data.as_ref().len());
            if expected != found {
                return Err(PacketError::DataLength { id, expected, found });
            }
            packet.push(&[id])?;
            packet.push(data.as_ref())?;
        }
        packet.check(items.is_empty() || length == 0)?;
        Ok(packet)
    }

    fn sync_read_as(
        instruction: Instruction,
        address: u16,
        length: u16,
        ids: &[u8],
    ) -> Result<Self, PacketError> {
        distinct(ids.iter().copied())?;
        let nothing = ids.is_empty() || length == 0;
        Self::to(BROADCAST, instruction, nothing, &[&address.to_le_bytes(), &length.to_le_bytes(), ids])
    }

    fn bulk_read_as(instruction: Instruction, items: &[BulkRead]) -> Result<Self, PacketError> {
        distinct(items.iter().map(|item| item.id))?;
        let mut packet = Self::start(BROADCAST, instruction)?;
        for &BulkRead { id, address, length } in items {
            packet.push(&[id])?;
            packet.push(&address.to_le_bytes())?;
            packet.push(&length.to_le_bytes())?;
        }
        packet.check(items.is_empty() || items.iter().any(|item| item.length == 0))?;
        Ok(packet)
    }

    /// As [`to`](Self::to), but not to all devices.
    fn single(
        id: u8,
        instruction: Instruction,
        nothing: bool,
        params: &[&[u8]],
    ) -> Result<Self, PacketError> {
        if id == BROADCAST {
            return Err(PacketError::Broadcast(instruction));
        }
        Self::to(id, instruction, nothing, params)
    }

    fn to(id: u8, instruction: Instruction, nothing: bool, params: &[&[u8]]) -> Result<Self, PacketError> {
        let mut packet = Self::start(id, instruction)?;
        for part in params {
            packet.push(part)?;
        }
        packet.check(nothing)?;
        Ok(packet)
    }

    /// A packet without parameters.
    pub(super) fn start(id: u8, instruction: Instruction) -> Result<Self, PacketError> {
        if id > MAX_ID && id != BROADCAST {
            return Err(PacketError::Id(id));
        }
        let mut packet = Self { id, body: [0; MAX_BODY_LEN], len: 1 };
        packet.body[0] = instruction.byte();
        Ok(packet)
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), PacketError> {
        let end = self.len + bytes.len();
        let Some(room) = self.body.get_mut(self.len..end) else {
            return Err(PacketError::TooLong(field::INSTRUCTION + end + CRC_LEN));
        };
        room.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Checks that it does anything, and fits with its stuffing.
    fn check(&self, nothing: bool) -> Result<(), PacketError> {
        let body = &self.body[..self.len];
        let len = field::INSTRUCTION + body.len() + stuffing_of(body) + CRC_LEN;
        match (nothing, len) {
            (true, _) => Err(PacketError::Empty),
            (false, ..=MAX_PACKET_LEN) => Ok(()),
            (false, _) => Err(PacketError::TooLong(len)),
        }
    }
}

/// The devices that a packet has named.
#[derive(Default)]
struct Seen([u64; 4]);

impl Seen {
    fn add(&mut self, id: u8) -> Result<(), PacketError> {
        if id > MAX_ID {
            return Err(PacketError::Id(id));
        }
        let (word, bit) = (&mut self.0[usize::from(id / 64)], 1 << (id % 64));
        if *word & bit != 0 {
            return Err(PacketError::RepeatedId(id));
        }
        *word |= bit;
        Ok(())
    }
}

/// Checks that these can be several devices of one packet.
fn distinct(mut ids: impl Iterator<Item = u8>) -> Result<(), PacketError> {
    let mut seen = Seen::default();
    ids.try_for_each(|id| seen.add(id))
}
