//! Messages between the two ends.

use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;
use crate::values::{ActuatorCommand, ActuatorInfo, ActuatorState, Faults, Field, Unfit, finite};

/// Most actuators that one device can have.
pub const LIST_LEN: usize = 6;
/// Longest text, bytes of UTF-8.
pub const TEXT_LEN: usize = 64;

/// One thing an actuator.
pub type List<T> = heapless::Vec<T, LIST_LEN, u8>;
/// A short text.
pub type Text = heapless::String<TEXT_LEN, u8>;

/// One message. The order of the variants is their number on the wire: new ones go to the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Host: who are you? Opens a session.
    Hello(Hello),
    /// Device: the answer to [`Hello`](Self::Hello).
    Welcome(Welcome),
    /// Host: what the actuators shall do.
    Command(Command),
    /// Device: what the actuators do.
    State(State),
    /// Device: an inertial sample.
    Imu(Imu),
    /// Host: what time is it? Also says that the host is alive.
    TimeRequest(TimeRequest),
    /// Device: the answer to [`TimeRequest`](Self::TimeRequest).
    TimeReply(TimeReply),
    /// Host: damp, and stay so until the right [`Reset`](Self::Reset). Obeyed at any time, from anyone.
    EmergencyStop,
    /// Host: release the stop, with [`reset_answer`] of its challenge.
    Reset {
        /// The answer.
        answer: u32,
    },
    /// Device: an emergency stop holds.
    Stopped(Stopped),
    /// Device: something is wrong.
    Fault(Fault),
    /// Device: a line for the log.
    Log(Log),
    /// Device: a [`Reset`](Self::Reset) was obeyed.
    Ack {
        /// Sequence number of the frame that asked.
        seq: u16,
    },
    /// Device: what was asked is not done.
    Refused {
        /// Sequence number of the frame that asked.
        seq: u16,
        /// The reason.
        why: Refusal,
    },
}

/// Sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The host, to the device.
    ToDevice,
    /// The device, to the host.
    ToHost,
}

impl Message {
    /// Sender of this kind of message.
    pub const fn direction(&self) -> Direction {
        match self {
            Self::Hello(_)
            | Self::Command(_)
            | Self::TimeRequest(_)
            | Self::EmergencyStop
            | Self::Reset { .. } => Direction::ToDevice,
            Self::Welcome(_)
            | Self::State(_)
            | Self::Imu(_)
            | Self::TimeReply(_)
            | Self::Stopped(_)
            | Self::Fault(_)
            | Self::Log(_)
            | Self::Ack { .. }
            | Self::Refused { .. } => Direction::ToHost,
        }
    }

    /// Returns whether a newer message of its kind makes this one worthless, so that it is dropped when it comes late.
    pub const fn is_superseded_when_late(&self) -> bool {
        matches!(self, Self::Command(_) | Self::State(_) | Self::Stopped(_))
    }

    /// Checks that its numbers may be sent and believed.
    ///
    /// # Errors
    /// [`Unfit`] names the first that may not.
    pub fn check(&self) -> Result<(), Unfit> {
        match self {
            Self::Welcome(welcome) => welcome.actuators.iter().try_for_each(ActuatorInfo::check),
            Self::Command(command) => command.check(),
            Self::State(state) => state.check(),
            Self::Imu(imu) => imu.check(),
            _ => Ok(()),
        }
    }
}

/// Opens a session: the device takes commands from now on, and counts sequence numbers anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The protocol's version that the host speaks.
    pub version: u16,
    /// Chosen by the host, another one whenever it begins anew.
    pub session: u32,
}

/// The device's introduction of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol's version that the device speaks.
    pub version: u16,
    /// The session of the [`Hello`] that this answers.
    pub session: u32,
    /// The firmware's version.
    pub firmware: FirmwareVersion,
    /// The device's own number, as its maker gave it.
    pub serial: u64,
    /// Its name, as the robot's file has it.
    pub name: Text,
    /// The actuators that it drives. A command lists exactly these.
    pub actuators: List<ActuatorInfo>,
}

/// A firmware's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FirmwareVersion {
    /// Incompatible changes.
    pub major: u16,
    /// Additions.
    pub minor: u16,
    /// Repairs.
    pub patch: u16,
}

/// Commands for all the device's actuators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Each of the device's actuators once, in any order.
    pub actuators: List<ActuatorCommand>,
}

impl Command {
    /// Checks that its numbers may be sent and believed.
    ///
    /// # Errors
    /// [`Unfit`] names the first that may not.
    pub fn check(&self) -> Result<(), Unfit> {
        self.actuators.iter().try_for_each(ActuatorCommand::check)
    }

    /// Checks that it lists each of a device's actuators once and keeps to their limits.
    ///
    /// # Errors
    /// [`Refusal`] that says which actuator is amiss.
    pub fn suits(&self, actuators: &[ActuatorInfo]) -> Result<(), Refusal> {
        for (at, command) in self.actuators.iter().enumerate() {
            let id = command.id;
            let info = actuators.iter().find(|info| info.id == id).ok_or(Refusal::UnknownActuator(id))?;
            if self.actuators[..at].iter().any(|earlier| earlier.id == id) {
                return Err(Refusal::RepeatedActuator(id));
            }
            if !info.takes(command) {
                return Err(Refusal::BeyondLimits(id));
            }
        }
        match actuators.iter().find(|info| !self.actuators.iter().any(|command| command.id == info.id)) {
            Some(missing) => Err(Refusal::MissingActuator(missing.id)),
            None => Ok(()),
        }
    }
}

/// Mode of a device as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No command has come in this session yet: damping.
    Waiting,
    /// Commands are obeyed.
    Active,
    /// The last command is too old: damping until the next.
    Late,
    /// An emergency stop holds: damping until it is released.
    Stopped,
}

/// States of all the device's actuators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Time of the measurement by the device's clock, us.
    pub time_us: u64,
    /// Use that the device makes of commands.
    pub status: Status,
    /// Sequence number of the last command obeyed in this session.
    pub command_seq: Option<u16>,
    /// Supply voltage, V.
    pub supply_v: f32,
    /// Each actuator once.
    pub actuators: List<ActuatorState>,
}

impl State {
    /// Checks that its numbers may be sent and believed.
    ///
    /// # Errors
    /// [`Unfit`] names the first that may not.
    pub fn check(&self) -> Result<(), Unfit> {
        finite(None, Field::SupplyVoltage, self.supply_v)?;
        self.actuators.iter().try_for_each(ActuatorState::check)
    }
}

/// An inertial sample, in the sensor's axes as it is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imu {
    /// Time of the sample by the device's clock, us.
    pub time_us: u64,
    /// Angular velocity about x, y, z, rad/s.
    pub angular_velocity_rad_s: [f32; 3],
    /// Specific force along x, y, z, m/s^2: +9.81 upwards at rest.
    pub specific_force_m_s2: [f32; 3],
    /// The sensor's temperature, degrees Celsius.
    pub temperature_c: f32,
}

impl Imu {
    /// Checks that its numbers may be sent and believed.
    ///
    /// # Errors
    /// [`Unfit`] names the first that may not.
    pub fn check(&self) -> Result<(), Unfit> {
        self.angular_velocity_rad_s.iter().try_for_each(|&v| finite(None, Field::AngularVelocity, v))?;
        self.specific_force_m_s2.iter().try_for_each(|&v| finite(None, Field::SpecificForce, v))?;
        finite(None, Field::Temperature, self.temperature_c)
    }
}

/// Asks for the device's time. As long as the reply on the wire, so that both take the same time on it: half of
/// any difference would pass for an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeRequest {
    /// Time of sending by the host's clock, ns.
    #[serde(with = "fixed")]
    pub t1_ns: u64,
    /// Zeros.
    #[serde(default)]
    pub padding: [u8; 16],
}

/// A number of always eight bytes on the wire; plain where people read.
mod fixed {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_u64(*value)
        } else {
            value.to_le_bytes().serialize(serializer)
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        if deserializer.is_human_readable() {
            u64::deserialize(deserializer)
        } else {
            <[u8; 8]>::deserialize(deserializer).map(u64::from_le_bytes)
        }
    }
}

/// The device's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeReply {
    /// From the request, ns.
    #[serde(with = "fixed")]
    pub t1_ns: u64,
    /// Time at which the request came, by the device's clock, us.
    #[serde(with = "fixed")]
    pub t2_us: u64,
    /// Time of sending by the device's clock, us.
    #[serde(with = "fixed")]
    pub t3_us: u64,
}

/// An emergency stop holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// True if the device stopped by itself, as at its own button, and not at the host's word.
    pub by_device: bool,
    /// Number for [`reset_answer`]; another one for each stop and after each wrong answer.
    pub challenge: u32,
}

/// The answer that releases a stop. No secret: it shows that the host knows of this very stop, so that neither
/// an old nor a repeated nor an accidental message releases one.
pub const fn reset_answer(challenge: u32) -> u32 {
    // The factor is odd, so no two challenges share an answer; the summand is odd too, so none is its own answer.
    challenge.wrapping_mul(0x9E37_79B1).wrapping_add(0x5245_5345)
}

/// Something is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Time at which it was noticed, by the device's clock, us.
    pub time_us: u64,
    /// With which actuator; `None` for the device itself.
    pub actuator: Option<u8>,
    /// The faults.
    pub faults: Faults,
    /// In words.
    pub text: Text,
}

/// Weight of a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For who works on the firmware.
    Debug,
    /// As expected.
    Info,
    /// Not as expected, and dealt with.
    Warning,
    /// Not as expected, and not dealt with.
    Error,
}

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// Time by the device's clock, us.
    pub time_us: u64,
    /// Its weight.
    pub level: LogLevel,
    /// The text.
    pub text: Text,
}
