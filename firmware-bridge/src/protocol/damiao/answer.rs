//! A motor's answers: a feedback after each command, or a register.

use super::super::WireError;
use super::adapter::Inbound;
use super::register::Access;
use super::{CanFrame, Kind, Motion, MotorId, Ranges, Register, Value, impossible};

/// Fault for which a motor stopped by itself. Each stands until it is cleared ([`super::Action::ClearFault`]) or the motor is
/// switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Code 8.
    #[error("supply voltage too high: check the supply, and whether braking feeds back into it")]
    OverVoltage,
    /// Code 9.
    #[error("supply voltage too low: charge the battery, check the cable and its plugs")]
    UnderVoltage,
    /// Code A.
    #[error("too much current: look for a blocked joint, then clear the fault")]
    OverCurrent,
    /// Code B.
    #[error("the power stage is too hot: let it cool, then lower the load")]
    MosOverTemperature,
    /// Code C.
    #[error("the windings are too hot: let the motor cool, then lower the load")]
    RotorOverTemperature,
    /// Code D.
    #[error(
        "no command for longer than register TIMEOUT: look for what delays the master, then clear the fault"
    )]
    CommunicationLost,
    /// Code E.
    #[error("overloaded for too long: look for a blocked joint, lower the load, then clear the fault")]
    Overload,
    /// A code without a published meaning.
    #[error("state {0:#X}, which the vendor does not publish: compare the motor's firmware version")]
    Undefined(u8),
}

/// State of a motor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The windings are off and the shaft turns freely.
    Disabled,
    /// The windings are powered and the shaft can move.
    Enabled,
    /// The motor stopped by itself: the shaft turns freely.
    Fault(Fault),
}

impl State {
    /// The four bits of the frame.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Disabled => 0x0,
            Self::Enabled => 0x1,
            Self::Fault(Fault::OverVoltage) => 0x8,
            Self::Fault(Fault::UnderVoltage) => 0x9,
            Self::Fault(Fault::OverCurrent) => 0xA,
            Self::Fault(Fault::MosOverTemperature) => 0xB,
            Self::Fault(Fault::RotorOverTemperature) => 0xC,
            Self::Fault(Fault::CommunicationLost) => 0xD,
            Self::Fault(Fault::Overload) => 0xE,
            Self::Fault(Fault::Undefined(code)) => code & 0xF,
        }
    }

    /// The state that four bits stand for.
    pub const fn from_bits(bits: u8) -> Self {
        match bits {
            0x0 => Self::Disabled,
            0x1 => Self::Enabled,
            0x8 => Self::Fault(Fault::OverVoltage),
            0x9 => Self::Fault(Fault::UnderVoltage),
            0xA => Self::Fault(Fault::OverCurrent),
            0xB => Self::Fault(Fault::MosOverTemperature),
            0xC => Self::Fault(Fault::RotorOverTemperature),
            0xD => Self::Fault(Fault::CommunicationLost),
            0xE => Self::Fault(Fault::Overload),
            code => Self::Fault(Fault::Undefined(code)),
        }
    }
}

/// A motor's feedback; [`motion`](Self::motion) gives it in SI units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The one that answers.
    pub id: MotorId,
    /// CAN id under which it came: the motor's register `MST_ID`.
    pub master: u16,
    /// Its state.
    pub state: State,
    /// Position in 1/65535 of twice its range, from the lower end.
    pub position: u16,
    /// Velocity in 1/4095 of twice its range, from the lower end.
    pub velocity: u16,
    /// Torque in 1/4095 of twice its range, from the lower end.
    pub torque: u16,
    /// Temperature of the power stage, degrees Celsius.
    pub mos_c: u8,
    /// Temperature of the windings, degrees Celsius.
    pub rotor_c: u8,
}

impl Feedback {
    /// Motion of the output shaft, for a motor with these ranges.
    pub fn motion(&self, ranges: &Ranges) -> Motion {
        ranges.motion(self.position, self.velocity, self.torque)
    }

    /// The CAN frame.
    pub const fn frame(&self) -> CanFrame {
        let [q_high, q_low] = self.position.to_be_bytes();
        let (dq, tau) = (self.velocity & 0xFFF, self.torque & 0xFFF);
        let data = [
            self.state.bits() << 4 | self.id.get(),
            q_high,
            q_low,
            (dq >> 4) as u8,
            (dq << 4) as u8 | (tau >> 8) as u8,
            tau as u8,
            self.mos_c,
            self.rotor_c,
        ];
        CanFrame { id: self.master, data }
    }

    fn decode(can: &CanFrame) -> Result<Self, WireError> {
        let [head, q0, q1, d3, d4, d5, mos_c, rotor_c] = can.data;
        let id = MotorId::new(head & 0xF).ok_or(impossible("the motor's id", u32::from(head & 0xF)))?;
        Ok(Self {
            id,
            master: can.id,
            state: State::from_bits(head >> 4),
            position: u16::from_be_bytes([q0, q1]),
            velocity: u16::from(d3) << 4 | u16::from(d4) >> 4,
            torque: u16::from(d4 & 0xF) << 8 | u16::from(d5),
            mos_c,
            rotor_c,
        })
    }
}

/// A motor's answer about a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterReply {
    /// The one that answers.
    pub id: MotorId,
    /// CAN id under which it came: the motor's register `MST_ID`.
    pub master: u16,
    /// The access that is answered.
    pub access: Access,
    /// The register; of [`Access::Save`] it says nothing.
    pub register: Register,
    /// Its contents as bytes.
    pub bytes: [u8; 4],
}

impl RegisterReply {
    /// The register's contents.
    pub const fn value(&self) -> Value {
        Value::from_bytes(self.register.kind, self.bytes)
    }

    /// The CAN frame.
    pub const fn frame(&self) -> CanFrame {
        let [v0, v1, v2, v3] = self.bytes;
        let data = [self.id.get(), 0, self.access.bits(), self.register.number, v0, v1, v2, v3];
        CanFrame { id: self.master, data }
    }

    fn decode(can: &CanFrame) -> Option<Self> {
        let [.., access, number, v0, v1, v2, v3] = can.data;
        let access = Access::from_bits(access)?;
        let known = Register::numbered(number);
        let register = if access == Access::Save && number <= 1 { Some(SAVED) } else { known };
        Some(Self {
            id: MotorId::from_register_frame(can.data)?,
            master: can.id,
            access,
            register: register?,
            bytes: [v0, v1, v2, v3],
        })
    }
}

/// Stands in the reply to a [`Access::Save`].
pub(super) const SAVED: Register =
    Register { number: 1, name: "saved", kind: Kind::Uint, writable: false, unit: "" };

/// A motor's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a command or [`super::Action::Refresh`].
    Feedback(Feedback),
    /// To a request about registers.
    Register(RegisterReply),
}

impl Answer {
    /// The one that answers.
    pub const fn id(&self) -> MotorId {
        match self {
            Self::Feedback(feedback) => feedback.id,
            Self::Register(reply) => reply.id,
        }
    }

    /// CAN id under which it came.
    pub const fn master(&self) -> u16 {
        match self {
            Self::Feedback(feedback) => feedback.master,
            Self::Register(reply) => reply.master,
        }
    }

    /// The frame from the adapter that carries it.
    pub fn inbound(&self) -> Inbound {
        Inbound::received(match self {
            Self::Feedback(feedback) => feedback.frame(),
            Self::Register(reply) => reply.frame(),
        })
    }

    /// The answer in an adapter's frame; `Ok(None)` if it carries no CAN frame of the motors' kind.
    ///
    /// The two kinds of answer are not marked. A register's has zero as its second byte, an access as its third
    /// and a register as its fourth: as a feedback it would be a disabled motor within a thousandth of the lower
    /// end of its range that turns at a third of its top speed or more.
    ///
    /// # Errors
    /// [`WireError::Impossible`] if it comes from no motor.
    pub fn decode(inbound: &Inbound) -> Result<Option<Self>, WireError> {
        let Some(can) = inbound.can() else { return Ok(None) };
        match RegisterReply::decode(&can) {
            Some(reply) => Ok(Some(Self::Register(reply))),
            None => Ok(Some(Self::Feedback(Feedback::decode(&can)?))),
        }
    }

    /// Returns whether nothing about it speaks against a motor's frame: then two of them in a row are believed after
    /// noise. A state without a published meaning does speak against it.
    pub(super) const fn is_plausible(&self) -> bool {
        !matches!(self, Self::Feedback(Feedback { state: State::Fault(Fault::Undefined(_)), .. }))
    }
}
