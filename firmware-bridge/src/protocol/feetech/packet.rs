//! The packet that requests and answers share, and the answer.

use super::super::{Frame, WireError};
use super::{ServoId, impossible};

/// Length of the shortest packet, bytes.
const MIN_PACKET_LEN: usize = 6;
/// Length of the longest packet that the vendor's SDK sends and takes, bytes.
pub const MAX_PACKET_LEN: usize = 250;
/// Most parameters in a packet, bytes.
pub const MAX_PARAMETERS: usize = MAX_PACKET_LEN - MIN_PACKET_LEN;

/// Places of the fields.
mod field {
    pub(super) const HEADER: [u8; 2] = [0xFF, 0xFF];
    pub(super) const ID: usize = 2;
    /// Number of bytes that follow this one.
    pub(super) const LENGTH: usize = 3;
    /// The instruction of a request, the errors of an answer.
    pub(super) const CODE: usize = 4;
    pub(super) const PARAMETERS: usize = 5;
    // The last byte is the checksum.
}

/// A packet's parameters.
#[derive(Clone, Copy)]
pub struct Parameters {
    bytes: [u8; MAX_PARAMETERS],
    len: u8,
}

impl Parameters {
    /// None at all.
    pub const fn new() -> Self {
        Self { bytes: [0; MAX_PARAMETERS], len: 0 }
    }

    /// Two bytes.
    pub(super) const fn pair(first: u8, second: u8) -> Self {
        let mut pair = Self::new();
        (pair.bytes[0], pair.bytes[1], pair.len) = (first, second, 2);
        pair
    }

    /// Puts bytes behind those that are there.
    ///
    /// # Errors
    /// [`WireError::Length`] if they are more than [`MAX_PARAMETERS`] together; then nothing is added.
    pub fn extend(&mut self, more: &[u8]) -> Result<(), WireError> {
        let (from, to) = (usize::from(self.len), usize::from(self.len) + more.len());
        let Some(place) = self.bytes.get_mut(from..to) else {
            return Err(WireError::Length { expected: MAX_PACKET_LEN, found: to + MIN_PACKET_LEN });
        };
        place.copy_from_slice(more);
        self.len = to as u8;
        Ok(())
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self::new()
    }
}

impl TryFrom<&[u8]> for Parameters {
    type Error = WireError;

    fn try_from(bytes: &[u8]) -> Result<Self, WireError> {
        let mut parameters = Self::new();
        parameters.extend(bytes)?;
        Ok(parameters)
    }
}

impl PartialEq for Parameters {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Parameters {}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02X?}", self.as_slice())
    }
}

/// A packet as bytes: a request's where it is read as a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// For whom a request is, or from whom an answer.
    pub id: ServoId,
    /// A request's instruction, an answer's errors.
    pub code: u8,
    /// The parameters, whose meaning depends on the code.
    pub parameters: Parameters,
}

impl Packet {
    /// Writes the packet into a buffer of the longest packet's length and returns its bytes.
    pub fn encode<'a>(&self, buffer: &'a mut [u8; MAX_PACKET_LEN]) -> &'a [u8] {
        let parameters = self.parameters.as_slice();
        let end = field::PARAMETERS + parameters.len();
        buffer[..2].copy_from_slice(&field::HEADER);
        buffer[field::ID] = self.id.get();
        buffer[field::LENGTH] = parameters.len() as u8 + 2;
        buffer[field::CODE] = self.code;
        buffer[field::PARAMETERS..end].copy_from_slice(parameters);
        buffer[end] = checksum(&buffer[field::ID..end]);
        &buffer[..=end]
    }

    /// Reads exactly one packet: header, id, length and checksum are checked.
    ///
    /// # Errors
    /// [`WireError`] that says which of them was wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        for (&expected, &found) in field::HEADER.iter().zip(bytes) {
            if expected != found {
                return Err(WireError::Header { expected, found });
            }
        }
        let expected = Self::len_of(bytes)?.unwrap_or(MIN_PACKET_LEN);
        let [_, _, id, _, code, parameters @ .., found] = bytes else {
            return Err(WireError::Length { expected, found: bytes.len() });
        };
        if bytes.len() != expected {
            return Err(WireError::Length { expected, found: bytes.len() });
        }
        let sum = checksum(&bytes[field::ID..bytes.len() - 1]);
        if sum != *found {
            return Err(WireError::Crc { expected: sum.into(), found: (*found).into() });
        }
        Ok(Self { id: ServoId(*id), code: *code, parameters: parameters.try_into()? })
    }
}

impl Frame for Packet {
    const HEADER: &'static [u8] = &field::HEADER;
    const MIN_LEN: usize = MIN_PACKET_LEN;
    const MAX_LEN: usize = MAX_PACKET_LEN;

    fn len_of(bytes: &[u8]) -> Result<Option<usize>, WireError> {
        if let Some(&id) = bytes.get(field::ID).filter(|id| **id > ServoId::BROADCAST.get()) {
            return Err(impossible("the servo's id", id.into()));
        }
        let Some(&length) = bytes.get(field::LENGTH) else { return Ok(None) };
        let len = usize::from(length) + field::LENGTH + 1;
        if (MIN_PACKET_LEN..=MAX_PACKET_LEN).contains(&len) {
            Ok(Some(len))
        } else {
            Err(impossible("the packet's length", length.into()))
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Self::decode(bytes)
    }
}

/// The complement of the sum.
fn checksum(bytes: &[u8]) -> u8 {
    !bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
}

/// A servo's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bit 0.
    #[error("supply voltage outside its limits: check the supply against registers 14 and 15")]
    Voltage,
    /// Bit 1.
    #[error("the position sensor's reading cannot be right: power the servo off and on, then replace it")]
    Sensor,
    /// Bit 2.
    #[error("too hot: let the servo cool, then lower the load")]
    Overheat,
    /// Bit 3.
    #[error("too much current: look for a blocked joint, then switch the torque on again")]
    Overcurrent,
    /// Bit 5.
    #[error("overloaded for too long: look for a blocked joint, then switch the torque on again")]
    Overload,
    /// Bit 4 or 6.
    #[error("error bit {0}, which the vendor does not publish: compare the servo's firmware version")]
    Undefined(u8),
}

impl Fault {
    /// The bit that stands for it.
    pub const fn bit(self) -> u8 {
        match self {
            Self::Voltage => 0,
            Self::Sensor => 1,
            Self::Overheat => 2,
            Self::Overcurrent => 3,
            Self::Overload => 5,
            Self::Undefined(bit) => bit,
        }
    }

    const fn from_bit(bit: u8) -> Self {
        match bit {
            0 => Self::Voltage,
            1 => Self::Sensor,
            2 => Self::Overheat,
            3 => Self::Overcurrent,
            5 => Self::Overload,
            bit => Self::Undefined(bit),
        }
    }
}

/// The errors of an answer, and of register 65.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors(pub u8);

impl Errors {
    /// None.
    pub const NONE: Self = Self(0);

    /// Each of them.
    pub fn faults(self) -> impl Iterator<Item = Fault> {
        (0..8).filter(move |bit| self.0 >> bit & 1 == 1).map(Fault::from_bit)
    }

    /// Returns whether a fault is among them.
    pub const fn has(self, fault: Fault) -> bool {
        self.0 >> (fault.bit() & 7) & 1 == 1
    }

    /// With a fault added.
    #[must_use]
    pub const fn with(self, fault: Fault) -> Self {
        Self(self.0 | 1 << (fault.bit() & 7))
    }
}

/// A servo's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The one that answers.
    pub id: ServoId,
    /// Its faults.
    pub errors: Errors,
    /// The bytes that were read.
    pub parameters: Parameters,
}

impl Status {
    /// An answer with parameters.
    ///
    /// # Errors
    /// [`WireError::Length`] if they are more than [`MAX_PARAMETERS`].
    pub fn new(id: ServoId, errors: Errors, parameters: &[u8]) -> Result<Self, WireError> {
        Ok(Self { id, errors, parameters: parameters.try_into()? })
    }

    /// Writes the answer into a buffer of the longest packet's length and returns its bytes.
    pub fn encode<'a>(&self, buffer: &'a mut [u8; MAX_PACKET_LEN]) -> &'a [u8] {
        Packet { id: self.id, code: self.errors.0, parameters: self.parameters }.encode(buffer)
    }

    /// Reads exactly one answer: header, id, length, checksum and the errors' highest bit, which is never set, are
    /// checked.
    ///
    /// # Errors
    /// [`WireError`] that says which of them was wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let Packet { id, code, parameters } = Packet::decode(bytes)?;
        if id == ServoId::BROADCAST {
            return Err(impossible("the servo's id", id.get().into()));
        }
        if code > 0x7F {
            return Err(impossible("the errors", code.into()));
        }
        Ok(Self { id, errors: Errors(code), parameters })
    }
}

impl Frame for Status {
    const HEADER: &'static [u8] = &field::HEADER;
    const MIN_LEN: usize = MIN_PACKET_LEN;
    const MAX_LEN: usize = MAX_PACKET_LEN;

    fn len_of(bytes: &[u8]) -> Result<Option<usize>, WireError> {
        match (bytes.get(field::ID), bytes.get(field::CODE)) {
            (Some(&id), _) if id == ServoId::BROADCAST.get() => Err(impossible("the servo's id", id.into())),
            (_, Some(&code)) if code > 0x7F => Err(impossible("the errors", code.into())),
            _ => Packet::len_of(bytes),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Self::decode(bytes)
    }
}
