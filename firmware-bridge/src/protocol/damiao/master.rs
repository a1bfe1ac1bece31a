//! A master's side for looking at motors: requests that move nothing, and answers in SI units.

use super::adapter::OUTBOUND_LEN;
use super::answer::Answer;
use super::register::Access;
use super::{Action, Inbound, Model, MotorId, Ranges, Register, RegisterReply, Request, State, Value};

/// A motor's feedback in SI units, of the output shaft.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Its state.
    pub state: State,
    /// Position, rad.
    pub position_rad: f64,
    /// Velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Torque, N m.
    pub torque_nm: f64,
    /// Temperature of the power stage, degrees Celsius.
    pub mos_c: f64,
    /// Temperature of the windings, degrees Celsius.
    pub rotor_c: f64,
}

/// A monitored motor's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MonitorReply {
    /// Its measurements and its state.
    Reading(Reading),
    /// The contents of a register.
    Register(Register, Value),
    /// That it keeps its registers from now on.
    Saved,
}

/// Looks at one motor. A scan asks [`Monitor::request`] of each id in turn and waits for the answer; none of its
/// requests can move a motor or let one go.
#[derive(Clone, Copy, Debug)]
pub struct Monitor {
    id: MotorId,
    ranges: Ranges,
    master: Option<u16>,
}

impl Monitor {
    /// For the motor of an id with these ranges ([`Model::ranges`] or, better, [`Identity::ranges`]). Its answers
    /// are taken under any CAN id.
    pub const fn new(id: MotorId, ranges: Ranges) -> Self {
        Self { id, ranges, master: None }
    }

    /// Takes answers only under the CAN id that the motor's register `MST_ID` holds: one thing more that a frame
    /// by chance would have to get right.
    #[must_use]
    pub const fn under(self, master: u16) -> Self {
        Self { master: Some(master), ..self }
    }

    /// Asks for a feedback.
    pub fn request(&self) -> [u8; OUTBOUND_LEN] {
        Request { id: self.id, action: Action::Refresh }.encode(&self.ranges)
    }

    /// Asks for a register.
    pub fn register_request(&self, register: Register) -> [u8; OUTBOUND_LEN] {
        Request { id: self.id, action: Action::Read(register) }.encode(&self.ranges)
    }

    /// This motor's answer in a frame; `None` if the frame is not this motor's.
    pub fn interpret(&self, frame: &Inbound) -> Option<MonitorReply> {
        let answer = Answer::decode(frame).ok()??;
        if answer.id() != self.id || self.master.is_some_and(|master| master != answer.master()) {
            return None;
        }
        Some(match answer {
            Answer::Register(reply) if reply.access == Access::Save => MonitorReply::Saved,
            Answer::Register(reply) => MonitorReply::Register(reply.register, reply.value()),
            Answer::Feedback(feedback) => {
                let motion = feedback.motion(&self.ranges);
                MonitorReply::Reading(Reading {
                    state: feedback.state,
                    position_rad: motion.position_rad,
                    velocity_rad_s: motion.velocity_rad_s,
                    torque_nm: motion.torque_nm,
                    mos_c: feedback.mos_c.into(),
                    rotor_c: feedback.rotor_c.into(),
                })
            }
        })
    }
}

/// Facts that must be known of a motor before it may be enabled, read from its registers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identity {
    id: MotorId,
    values: [Option<Value>; WANTED.len()],
}

/// The registers of an identity.
const WANTED: [Register; 8] = [
    Register::POSITION_RANGE,
    Register::VELOCITY_RANGE,
    Register::TORQUE_RANGE,
    Register::CONTROL_MODE,
    Register::MASTER_ID,
    Register::TIMEOUT,
    Register::GEAR_RATIO,
    Register::SOFTWARE_VERSION,
];

impl Identity {
    /// Of the motor of an id, with nothing known yet.
    pub const fn new(id: MotorId) -> Self {
        Self { id, values: [None; WANTED.len()] }
    }

    /// The next register to ask for ([`Monitor::register_request`]); `None` once all are known.
    pub fn missing(&self) -> Option<Register> {
        WANTED.iter().zip(&self.values).find(|(_, value)| value.is_none()).map(|(register, _)| *register)
    }

    /// Takes a register's value. Returns whether it belongs to the identity.
    pub fn take(&mut self, reply: &RegisterReply) -> bool {
        let place = WANTED.iter().position(|register| *register == reply.register);
        let Some(place) = place.filter(|_| reply.id == self.id && reply.access != Access::Save) else {
            return false;
        };
        self.values[place] = Some(reply.value());
        true
    }

    /// The motor's id.
    pub const fn id(&self) -> MotorId {
        self.id
    }

    /// A register's value, if it has been read.
    pub fn value(&self, register: Register) -> Option<Value> {
        let place = WANTED.iter().position(|wanted| *wanted == register)?;
        self.values[place]
    }

    /// The ranges that the motor uses, once known; `None` too if they cannot be.
    pub fn ranges(&self) -> Option<Ranges> {
        let range = |register| self.value(register).map(Value::number);
        Ranges::new(
            range(Register::POSITION_RANGE)?,
            range(Register::VELOCITY_RANGE)?,
            range(Register::TORQUE_RANGE)?,
        )
    }

    /// The models whose ranges in the vendor's table are the motor's. Several share theirs, and a motor may have
    /// been given others: a guess for people to read, not to compute with.
    pub fn models(&self) -> impl Iterator<Item = Model> {
        let ranges = self.ranges();
        Model::all().filter(move |model| Some(model.ranges()) == ranges)
    }
}
