//! Unitree A1 and B1, which differ in their rate and in the scale of the damping.

use std::ops::RangeInclusive;

use robot_interface::robot::{MotorProtocol, MotorsDescription};

use super::polled_codec::{OutgoingFrame, PolledCodec};
use crate::bridge::error::BridgeError;
use crate::bridge::fault::MotorFault;
use crate::bridge::limits::EncodableLimits;
use crate::bridge::reply::{MotorReply, Reading};
use crate::protocol::device::VirtualBus;
use crate::protocol::unitree_a1::{
    COMMAND_LEN, Command, MAX_KP, MAX_POSITION_RAD, MAX_TORQUE_NM, MAX_VELOCITY_RAD_S, Mode, Model, MotorId,
    REPLY_LEN, Reply,
};
use crate::protocol::unitree_motors::VirtualMotors;
use crate::protocol::{FrameReader, Impedance};

#[derive(Clone, Copy, Debug)]
pub(in crate::bridge) struct UnitreeA1 {
    model: Model,
}

impl PolledCodec for UnitreeA1 {
    type Decoder = FrameReader<Reply>;

    fn baud(protocol: MotorProtocol) -> u32 {
        model(protocol).baud()
    }

    fn new(motors: &MotorsDescription) -> Result<Self, BridgeError> {
        Ok(Self { model: model(motors.protocol) })
    }

    fn virtual_bus(
        motors: &MotorsDescription,
        ids: &[u8],
    ) -> Result<Box<dyn VirtualBus + Send>, BridgeError> {
        Ok(Box::new(VirtualMotors::a1(model(motors.protocol), ids)))
    }

    fn command_len(&self) -> usize {
        COMMAND_LEN
    }

    fn reply_len(&self) -> usize {
        REPLY_LEN
    }

    fn ids(&self) -> RangeInclusive<u8> {
        // 0xBB is everybody.
        0..=2
    }

    fn limits(&self) -> EncodableLimits {
        EncodableLimits {
            torque_nm: MAX_TORQUE_NM,
            velocity_rad_s: MAX_VELOCITY_RAD_S,
            position_rad: MAX_POSITION_RAD,
            kp: MAX_KP,
            kd: self.model.max_kd(),
        }
    }

    fn decoder(&self) -> Self::Decoder {
        FrameReader::new()
    }

    fn drive(&self, id: u8, targets: &Impedance) -> OutgoingFrame {
        let command = Command { id: MotorId(id), mode: Mode::Foc, targets: *targets };
        OutgoingFrame::new(&command.encode_nearest(self.model))
    }

    fn read(&self, id: u8) -> OutgoingFrame {
        let command = Command { id: MotorId(id), mode: Mode::Idle, targets: Impedance::default() };
        OutgoingFrame::new(&command.encode(self.model))
    }
}

fn model(protocol: MotorProtocol) -> Model {
    if protocol == MotorProtocol::B1 { Model::B1 } else { Model::A1 }
}

impl From<Reply> for MotorReply {
    fn from(reply: Reply) -> Self {
        Self::Reading(Reading {
            id: reply.id.0,
            defined: !matches!(reply.mode, Mode::Undefined(_)),
            state: None,
            torque_nm: reply.torque_nm,
            velocity_rad_s: reply.velocity_rad_s,
            position_rad: reply.position_rad,
            temperature_c: reply.temperature_c,
            fault: (reply.error != 0).then_some(MotorFault::Undefined(reply.error)),
        })
    }
}
