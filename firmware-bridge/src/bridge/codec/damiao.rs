//! Damiao in MIT mode behind the vendor's USB-CAN adapter. A motor is set up and enabled before it takes commands.

mod enable_sequence;

use std::ops::RangeInclusive;

use robot_interface::robot::{MotorProtocol, MotorsDescription};

use self::enable_sequence::EnableSequence;
use super::polled_codec::{DecodeReplies, OutgoingFrame, PolledCodec};
use crate::bridge::error::BridgeError;
use crate::bridge::fault::MotorFault;
use crate::bridge::limits::EncodableLimits;
use crate::bridge::reply::{DriveState, MotorReply, Reading, RegisterContents};
use crate::protocol::damiao::{
    Action, Answer, BAUD, Fault, Feedback, INBOUND_LEN, MAX_KD, MAX_KP, Model, MotorId, OUTBOUND_LEN, Ranges,
    Reader, Request, State, VirtualMotors,
};
use crate::protocol::device::VirtualBus;
use crate::protocol::{Impedance, WireError};

#[derive(Clone, Copy, Debug)]
pub(in crate::bridge) struct Damiao {
    ranges: Ranges,
    sequence: EnableSequence,
    /// The motor has said that it is disabled.
    disabled: bool,
}

impl PolledCodec for Damiao {
    type Decoder = Decoder;

    fn baud(_: MotorProtocol) -> u32 {
        BAUD
    }

    fn new(motors: &MotorsDescription) -> Result<Self, BridgeError> {
        Ok(Self { ranges: model(motors)?.ranges(), sequence: EnableSequence::FIRST, disabled: false })
    }

    fn virtual_bus(
        motors: &MotorsDescription,
        ids: &[u8],
    ) -> Result<Box<dyn VirtualBus + Send>, BridgeError> {
        let ids = ids.iter().copied().filter_map(MotorId::new);
        Ok(Box::new(VirtualMotors::of(model(motors)?, ids)))
    }

    fn command_len(&self) -> usize {
        OUTBOUND_LEN
    }

    fn reply_len(&self) -> usize {
        INBOUND_LEN
    }

    fn ids(&self) -> RangeInclusive<u8> {
        1..=15
    }

    fn is_checked(&self) -> bool {
        false
    }

    fn limits(&self) -> EncodableLimits {
        EncodableLimits {
            torque_nm: self.ranges.torque_nm,
            velocity_rad_s: self.ranges.velocity_rad_s,
            position_rad: self.ranges.position_rad,
            kp: MAX_KP,
            kd: MAX_KD,
        }
    }

    fn decoder(&self) -> Decoder {
        Decoder { reader: Reader::new(), ranges: self.ranges }
    }

    fn drive(&self, id: u8, targets: &Impedance) -> OutgoingFrame {
        let action = self.sequence.action().unwrap_or_else(|| {
            let half = self.ranges.half_steps();
            Action::Impedance(Impedance {
                // The vendor's packing truncates: half a step more makes that the nearest.
                position_rad: targets.position_rad + half.position_rad,
                velocity_rad_s: targets.velocity_rad_s + half.velocity_rad_s,
                torque_nm: targets.torque_nm + half.torque_nm,
                ..*targets
            })
        });
        self.request(id, action)
    }

    fn read(&self, id: u8) -> OutgoingFrame {
        let action = match self.sequence.action() {
            _ if !self.disabled => Action::Disable,
            Some(action @ Action::Read(_)) => action,
            _ => Action::Refresh,
        };
        self.request(id, action)
    }

    fn handle_state(&mut self, state: DriveState) {
        self.disabled = state == DriveState::Disabled;
        self.sequence.handle_state(state);
    }

    fn handle_register(&mut self, contents: &RegisterContents) -> Option<MotorFault> {
        self.sequence.handle_register(contents, &self.ranges)
    }

    fn handle_silence(&mut self) {
        self.sequence.handle_silence();
    }

    fn clear_fault(&mut self) -> bool {
        self.sequence.clear_fault()
    }

    fn is_fit(&self) -> bool {
        self.sequence.is_fit()
    }
}

impl Damiao {
    fn request(&self, id: u8, action: Action) -> OutgoingFrame {
        match MotorId::new(id) {
            Some(id) => OutgoingFrame::new(&Request { id, action }.encode(&self.ranges)),
            // Only ids of one motor come this far.
            None => OutgoingFrame::EMPTY,
        }
    }
}

fn model(motors: &MotorsDescription) -> Result<Model, BridgeError> {
    motors.model.as_deref().and_then(Model::named).ok_or(BridgeError::Model)
}

/// Finds answers among the adapter's frames.
#[derive(Clone, Debug)]
pub(in crate::bridge) struct Decoder {
    reader: Reader,
    ranges: Ranges,
}

impl DecodeReplies for Decoder {
    fn next(&mut self, input: &mut &[u8]) -> Option<Result<MotorReply, WireError>> {
        loop {
            let found = self.reader.next_frame(input)?;
            return Some(match found.and_then(|inbound| Answer::decode(&inbound)) {
                Ok(Some(Answer::Feedback(feedback))) => {
                    Ok(MotorReply::Reading(reading(&feedback, &self.ranges)))
                }
                Ok(Some(Answer::Register(reply))) => Ok(MotorReply::Register(RegisterContents {
                    id: reply.id.get(),
                    register: reply.register.number,
                    bytes: reply.bytes,
                })),
                // The adapter's own reports.
                Ok(None) => continue,
                Err(error) => Err(error),
            });
        }
    }

    fn clear(&mut self) {
        self.reader.clear();
    }

    fn is_holding(&self) -> bool {
        self.reader.is_holding()
    }
}

fn reading(feedback: &Feedback, ranges: &Ranges) -> Reading {
    let motion = feedback.motion(ranges);
    let (state, fault) = match feedback.state {
        State::Disabled => (DriveState::Disabled, None),
        State::Enabled => (DriveState::Enabled, None),
        State::Fault(Fault::CommunicationLost) => (DriveState::CommandsLost, Some(MotorFault::CommandsLost)),
        State::Fault(fault) => (DriveState::Faulted, Some(motor_fault(fault))),
    };
    Reading {
        id: feedback.id.get(),
        defined: true,
        state: Some(state),
        torque_nm: motion.torque_nm,
        velocity_rad_s: motion.velocity_rad_s,
        position_rad: motion.position_rad,
        temperature_c: f64::from(feedback.rotor_c.max(feedback.mos_c)),
        fault,
    }
}

fn motor_fault(fault: Fault) -> MotorFault {
    match fault {
        Fault::OverVoltage => MotorFault::Overvoltage,
        Fault::UnderVoltage => MotorFault::Undervoltage,
        Fault::OverCurrent | Fault::Overload => MotorFault::Overcurrent,
        Fault::MosOverTemperature | Fault::RotorOverTemperature => MotorFault::Overheat,
        Fault::CommunicationLost => MotorFault::CommandsLost,
        Fault::Undefined(code) => MotorFault::Undefined(code),
    }
}
