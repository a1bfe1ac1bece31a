//! Unitree GO-M8010-6.

use std::ops::RangeInclusive;

use robot_interface::robot::{MotorProtocol, MotorsDescription};

use super::polled_codec::{OutgoingFrame, PolledCodec};
use crate::bridge::error::BridgeError;
use crate::bridge::fault::MotorFault;
use crate::bridge::limits::EncodableLimits;
use crate::bridge::reply::{MotorReply, Reading};
use crate::protocol::device::VirtualBus;
use crate::protocol::go_m8010::{
    BAUD, COMMAND_LEN, Command, Fault, MAX_GAIN, MAX_POSITION_RAD, MAX_TORQUE_NM, MAX_VELOCITY_RAD_S, Mode,
    MotorId, REPLY_LEN, Reply,
};
use crate::protocol::unitree_motors::VirtualMotors;
use crate::protocol::{FrameReader, Impedance};

#[derive(Clone, Copy, Debug)]
pub(in crate::bridge) struct GoM8010;

impl PolledCodec for GoM8010 {
    type Decoder = FrameReader<Reply>;

    fn baud(_: MotorProtocol) -> u32 {
        BAUD
    }

    fn new(_: &MotorsDescription) -> Result<Self, BridgeError> {
        Ok(Self)
    }

    fn virtual_bus(_: &MotorsDescription, ids: &[u8]) -> Result<Box<dyn VirtualBus + Send>, BridgeError> {
        Ok(Box::new(VirtualMotors::go_m8010(ids)))
    }

    fn command_len(&self) -> usize {
        COMMAND_LEN
    }

    fn reply_len(&self) -> usize {
        REPLY_LEN
    }

    fn ids(&self) -> RangeInclusive<u8> {
        0..=14
    }

    fn limits(&self) -> EncodableLimits {
        EncodableLimits {
            torque_nm: MAX_TORQUE_NM,
            velocity_rad_s: MAX_VELOCITY_RAD_S,
            position_rad: MAX_POSITION_RAD,
            kp: MAX_GAIN,
            kd: MAX_GAIN,
        }
    }

    fn decoder(&self) -> Self::Decoder {
        FrameReader::new()
    }

    fn drive(&self, id: u8, targets: &Impedance) -> OutgoingFrame {
        let command = Command { id: motor_id(id), mode: Mode::Foc, targets: *targets };
        OutgoingFrame::new(&command.encode_nearest())
    }

    fn read(&self, id: u8) -> OutgoingFrame {
        OutgoingFrame::new(&Command::idle(motor_id(id)).encode())
    }
}

/// Only ids of one motor come this far; everybody's would be the one that nobody answers.
fn motor_id(id: u8) -> MotorId {
    MotorId::new(id).unwrap_or(MotorId::BROADCAST)
}

impl From<Reply> for MotorReply {
    fn from(reply: Reply) -> Self {
        Self::Reading(Reading {
            id: reply.id.get(),
            defined: !matches!(reply.mode, Mode::Undefined(_)),
            state: None,
            torque_nm: reply.torque_nm,
            velocity_rad_s: reply.velocity_rad_s,
            position_rad: reply.position_rad,
            temperature_c: reply.temperature_c,
            fault: reply.error.map(MotorFault::from),
        })
    }
}

impl From<Fault> for MotorFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Overheat => Self::Overheat,
            Fault::Overcurrent => Self::Overcurrent,
            Fault::Overvoltage => Self::Overvoltage,
            Fault::Encoder => Self::Encoder,
            Fault::Undefined(number) => Self::Undefined(number),
        }
    }
}
