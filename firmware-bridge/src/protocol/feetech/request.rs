//! Requests to servos.

use super::super::WireError;
use super::packet::{MAX_PACKET_LEN, Packet, Parameters};
use super::{Goal, Register, ServoId, impossible};

/// The instructions' codes.
pub(super) mod instruction {
    pub(in super::super) const PING: u8 = 0x01;
    pub(in super::super) const READ: u8 = 0x02;
    pub(in super::super) const WRITE: u8 = 0x03;
    pub(in super::super) const REG_WRITE: u8 = 0x04;
    pub(in super::super) const ACTION: u8 = 0x05;
    pub(in super::super) const RESET: u8 = 0x06;
    pub(in super::super) const SYNC_READ: u8 = 0x82;
    pub(in super::super) const SYNC_WRITE: u8 = 0x83;
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A ping: a servo that is there answers.
    Ping,
    /// The contents of registers.
    Read {
        /// Address of the first.
        address: u8,
        /// Number of bytes.
        len: u8,
    },
    /// Takes effect at once.
    Write {
        /// Address of the first.
        address: u8,
        /// The bytes.
        data: &'a [u8],
    },
    /// Takes effect with the next [`Action`](Self::Action).
    RegWrite {
        /// Address of the first.
        address: u8,
        /// The bytes.
        data: &'a [u8],
    },
    /// Does what the last [`RegWrite`](Self::RegWrite) said.
    Action,
    /// Every register but the id as delivered. Its code is not in the vendor's SDK; it is the one of the protocol
    /// manual.
    Reset,
    /// The contents of the same registers of several servos, which answer one after the other. Broadcast.
    SyncRead {
        /// Address of the first.
        address: u8,
        /// Number of bytes.
        len: u8,
        /// The servos that are meant.
        ids: &'a [u8],
    },
    /// Writes the same registers of several servos, none of which answers. Broadcast.
    SyncWrite {
        /// Address of the first.
        address: u8,
        /// Number of bytes for each.
        len: u8,
        /// For each servo its id and its bytes ([`SyncWrite`] collects them).
        blocks: &'a [u8],
    },
}

impl<'a> Request<'a> {
    /// Reads a register.
    pub const fn read(register: Register) -> Self {
        Self::Read { address: register.address, len: register.len }
    }

    /// Returns whether no servo can move, and none can let go of its load, because of it.
    pub const fn is_harmless(&self) -> bool {
        matches!(self, Self::Ping | Self::Read { .. } | Self::SyncRead { .. })
    }

    /// The packet for a servo.
    ///
    /// # Errors
    /// [`WireError::Length`] if the data are more than fit.
    pub fn packet(&self, id: ServoId) -> Result<Packet, WireError> {
        let (code, head, data): (u8, &[u8], &[u8]) = match self {
            Self::Ping => (instruction::PING, &[], &[]),
            Self::Read { address, len } => (instruction::READ, &[*address, *len], &[]),
            Self::Write { address, data } => (instruction::WRITE, &[*address], data),
            Self::RegWrite { address, data } => (instruction::REG_WRITE, &[*address], data),
            Self::Action => (instruction::ACTION, &[], &[]),
            Self::Reset => (instruction::RESET, &[], &[]),
            Self::SyncRead { address, len, ids } => (instruction::SYNC_READ, &[*address, *len], ids),
            Self::SyncWrite { address, len, blocks } => (instruction::SYNC_WRITE, &[*address, *len], blocks),
        };
        let mut parameters = Parameters::new();
        parameters.extend(head)?;
        parameters.extend(data)?;
        Ok(Packet { id, code, parameters })
    }

    /// Writes the request's bytes for a servo into a buffer of the longest packet's length.
    ///
    /// # Errors
    /// [`WireError::Length`] if the data are more than fit.
    pub fn encode<'b>(
        &self,
        id: ServoId,
        buffer: &'b mut [u8; MAX_PACKET_LEN],
    ) -> Result<&'b [u8], WireError> {
        Ok(self.packet(id)?.encode(buffer))
    }

    /// The request in a packet.
    ///
    /// # Errors
    /// [`WireError::Impossible`] if its instruction is not one of these, [`WireError::Length`] if its parameters are
    /// not as many as the instruction has.
    pub fn decode(packet: &'a Packet) -> Result<Self, WireError> {
        let parameters = packet.parameters.as_slice();
        let request = match (packet.code, parameters) {
            (instruction::PING, []) => Self::Ping,
            (instruction::ACTION, []) => Self::Action,
            (instruction::RESET, []) => Self::Reset,
            (instruction::READ, &[address, len]) => Self::Read { address, len },
            (instruction::WRITE, [address, data @ ..]) => Self::Write { address: *address, data },
            (instruction::REG_WRITE, [address, data @ ..]) => Self::RegWrite { address: *address, data },
            (instruction::SYNC_READ, [address, len, ids @ ..]) => {
                Self::SyncRead { address: *address, len: *len, ids }
            }
            (instruction::SYNC_WRITE, [address, len, blocks @ ..])
                if blocks.len() % (usize::from(*len) + 1) == 0 =>
            {
                Self::SyncWrite { address: *address, len: *len, blocks }
            }
            (code @ (instruction::PING..=instruction::RESET | instruction::SYNC_READ..), found)
                if code <= instruction::SYNC_WRITE =>
            {
                return Err(WireError::Length { expected: 0, found: found.len() });
            }
            (code, _) => return Err(impossible("the instruction", code.into())),
        };
        Ok(request)
    }
}

/// Collects what a [`Request::SyncWrite`] writes.
#[derive(Clone, Copy, Debug)]
pub struct SyncWrite {
    address: u8,
    len: u8,
    blocks: Parameters,
}

impl SyncWrite {
    /// Of goals.
    pub const fn goals() -> Self {
        Self::new(Register::ACCELERATION.address, Goal::LEN as u8)
    }

    /// Of `len` bytes from an address on.
    pub const fn new(address: u8, len: u8) -> Self {
        Self { address, len, blocks: Parameters::new() }
    }

    /// Adds a servo's bytes.
    ///
    /// # Errors
    /// [`WireError::Length`] if they are not as many as the others', or no more fit into the packet.
    pub fn push(&mut self, id: ServoId, data: &[u8]) -> Result<(), WireError> {
        if data.len() != usize::from(self.len) {
            return Err(WireError::Length { expected: self.len.into(), found: data.len() });
        }
        let mut blocks = self.blocks;
        blocks.extend(&[id.get()])?;
        blocks.extend(data)?;
        self.blocks = blocks;
        Ok(())
    }

    /// The request, to be sent to [`ServoId::BROADCAST`].
    pub fn request(&self) -> Request<'_> {
        Request::SyncWrite { address: self.address, len: self.len, blocks: self.blocks.as_slice() }
    }
}
