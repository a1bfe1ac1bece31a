//! A master's side for looking at servos: requests that move nothing, and answers in SI units.

use super::packet::{MAX_PACKET_LEN, Packet, Parameters, Status};
use super::request::instruction;
use super::{Errors, Reading, Register, ServoId};

/// Addresses of what a [`Monitor::probe`] reads: firmware, model and id.
const PROBE_ADDRESS: u8 = 0;
const PROBE_LEN: usize = 6;
/// Length of a ping and of a request to read, bytes.
const PING_LEN: usize = 6;
const READ_LEN: usize = 8;

/// Identity of a servo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServoIdentity {
    /// Firmware's version, its greater part first.
    pub firmware: [u8; 2],
    /// Register 3; 777 is an STS3215.
    pub model: u16,
}

/// A monitored servo's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MonitorReply {
    /// It is there, or has done what it was told.
    Done(Errors),
    /// Its model and firmware.
    Identity(ServoIdentity, Errors),
    /// Its measurements; the errors are in it.
    Reading(Reading),
}

/// Looks at one servo. A scan asks [`Monitor::probe`] of each id in turn and waits for the answer; none of its
/// requests can move a servo or let one go.
#[derive(Clone, Copy, Debug)]
pub struct Monitor {
    id: ServoId,
}

impl Monitor {
    /// For the servo of an id.
    pub const fn new(id: ServoId) -> Self {
        Self { id }
    }

    /// Asks whether it is there. Where the line may echo, ask with [`probe`](Self::probe).
    pub fn ping(&self) -> [u8; PING_LEN] {
        self.bytes(instruction::PING, Parameters::new())
    }

    /// Asks what it is: the way to scan, because no echo of it can be taken for the answer.
    pub fn probe(&self) -> [u8; READ_LEN] {
        self.read(PROBE_ADDRESS, PROBE_LEN as u8)
    }

    /// Asks how it is doing.
    pub fn request(&self) -> [u8; READ_LEN] {
        self.read(Reading::ADDRESS, Reading::LEN as u8)
    }

    /// Asks for a register; [`register`](Self::register) reads the answer.
    pub fn register_request(&self, register: Register) -> [u8; READ_LEN] {
        self.read(register.address, register.len)
    }

    fn read(&self, address: u8, len: u8) -> [u8; READ_LEN] {
        self.bytes(instruction::READ, Parameters::pair(address, len))
    }

    fn bytes<const N: usize>(&self, code: u8, parameters: Parameters) -> [u8; N] {
        let mut buffer = [0; MAX_PACKET_LEN];
        Packet { id: self.id, code, parameters }.encode(&mut buffer);
        std::array::from_fn(|at| buffer[at])
    }

    /// The number in a register, from the answer to [`register_request`](Self::register_request); `None` if it is
    /// another's answer or of another length. Of a register of two bytes, the request's own echo would pass: its
    /// address and length stand in the number's place.
    pub fn register(&self, register: Register, status: &Status) -> Option<i32> {
        let bytes = match *status.parameters.as_slice() {
            [low] if register.len == 1 => [low, 0],
            [low, high] if register.len == 2 && [low, high] != [register.address, register.len] => {
                [low, high]
            }
            _ => return None,
        };
        (status.id == self.id).then(|| register.number(bytes))
    }

    /// This servo's answer, told by its length; `None` if it is another's answer or of a length that none
    /// of the requests above has, as an echo's is.
    pub fn interpret(&self, status: &Status) -> Option<MonitorReply> {
        if status.id != self.id {
            return None;
        }
        match status.parameters.as_slice() {
            [] => Some(MonitorReply::Done(status.errors)),
            &[major, minor, _, model_low, model_high, id] if id == self.id.get() => {
                let model = u16::from_le_bytes([model_low, model_high]);
                Some(MonitorReply::Identity(ServoIdentity { firmware: [major, minor], model }, status.errors))
            }
            registers => {
                let reading = Reading::from_registers(registers).ok()?;
                Some(MonitorReply::Reading(Reading {
                    errors: Errors(reading.errors.0 | status.errors.0),
                    ..reading
                }))
            }
        }
    }
}
