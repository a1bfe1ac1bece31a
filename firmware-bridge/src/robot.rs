//! Whole robots as they are sold: one message has the targets of all joints, another the state of all joints, of the inertial sensor
//! and of what else the robot tells.
//!
//! ```text
//! MotorTarget [12] -> RobotProtocol::encode_command -> bytes -> CommandReader -> MotorTarget [12]    (the robot's side: simulators)
//! RobotReport      <- ReportReader   <- bytes <- RobotProtocol::encode_report <- RobotReport
//! ```
//!
//! The order is the vendor's, by the numbers that a robot file has as `id`; angles are those of the joint, in the vendor's sense.
//! Bytes may come in pieces and with noise between messages. Sans-IO; nothing is allocated once the buffers have their size.

mod deeprobotics;
mod take_over;
mod unitree_go;

use nalgebra::UnitQuaternion;
use robot_interface::joints::JOINTS;
use robot_interface::robot::MotorProtocol;

use self::deeprobotics::{CommandDatagram, StateDatagram};
use crate::protocol::unitree_go::{LowCmd, LowState};
use crate::protocol::{FrameReader, Impedance, WireError};
pub use take_over::{Service, TakeOver, TakeOverError, mode_name};

/// Room for the longest message.
const BUFFER_LEN: usize = 1280;

/// Greatest angle, velocity or torque of a state without a checksum that is believed, in its unit.
const MAX_READING: f32 = 1000.0;

/// What a motor is told: its joint's impedance about a target; `None` does not drive it.
pub type MotorTarget = Option<Impedance>;

/// State of one motor as its robot reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MotorReport {
    /// Angle of the joint, rad.
    pub position_rad: f64,
    /// Angular velocity of the joint, rad/s.
    pub velocity_rad_s: f64,
    /// Torque at the joint, N m.
    pub torque_nm: f64,
    /// Temperature, degrees Celsius.
    pub temperature_c: f64,
    /// Whether it is driven; `None` if the robot does not say.
    pub driven: Option<bool>,
}

/// State of a robot's battery.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatteryReport {
    /// Charge, percent.
    pub charge_percent: u8,
    /// Current, A; negative while it is drained.
    pub current_a: f64,
    /// Supply, V.
    pub supply_v: f64,
}

/// Buttons of a robot's remote control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteControl {
    /// The buttons that are pressed, a bit each, as [`unitree_go::button`](crate::protocol::unitree_go::button) has them.
    pub buttons: u16,
}

impl RemoteControl {
    /// The vendor's combination for "let go of all joints" is pressed: L2 and B.
    pub const fn is_stop(self) -> bool {
        use crate::protocol::unitree_go::button::{B, L2};
        self.buttons & (L2 | B) == L2 | B
    }
}

/// Report of a robot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobotReport {
    /// The robot's time, ms since it was switched on; 0 of one that does not count.
    pub tick_ms: u32,
    /// Orientation of the trunk as the robot estimates it; where yaw is zero is its own affair.
    pub orientation: UnitQuaternion<f32>,
    /// Angular velocity of the trunk about x, y, z, rad/s.
    pub angular_velocity_rad_s: [f32; 3],
    /// Specific force along x, y, z, m/s^2: +9.81 upwards at rest.
    pub specific_force_m_s2: [f32; 3],
    /// Each motor, in the vendor's order, `[12]`.
    pub motors: [MotorReport; JOINTS],
    /// Load of each foot in the vendor's order of legs and unit, `[4]`.
    pub foot_force: [f64; 4],
    /// Battery; `None` if this message does not carry it.
    pub battery: Option<BatteryReport>,
    /// Remote control; `None` if this message does not carry it.
    pub remote: Option<RemoteControl>,
}

impl Default for RobotReport {
    fn default() -> Self {
        Self {
            tick_ms: 0,
            orientation: UnitQuaternion::identity(),
            angular_velocity_rad_s: [0.0; 3],
            specific_force_m_s2: [0.0; 3],
            motors: [MotorReport::default(); JOINTS],
            foot_force: [0.0; 4],
            battery: None,
            remote: None,
        }
    }
}

/// Language of a whole robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RobotProtocol {
    /// `LowCmd` and `LowState` of Unitree's `unitree_go` family, as samples in CDR.
    UnitreeGo,
    /// DEEP Robotics' datagrams.
    DeepRobotics,
}

impl RobotProtocol {
    /// The one that a robot file names; `None` if that is one of single motors.
    pub const fn of(protocol: MotorProtocol) -> Option<Self> {
        match protocol {
            MotorProtocol::UnitreeGo => Some(Self::UnitreeGo),
            MotorProtocol::DeepRobotics => Some(Self::DeepRobotics),
            MotorProtocol::GoM8010
            | MotorProtocol::A1
            | MotorProtocol::B1
            | MotorProtocol::Damiao
            | MotorProtocol::Adit => None,
        }
    }

    /// Length of a command, bytes.
    pub const fn command_len(self) -> usize {
        match self {
            Self::UnitreeGo => LowCmd::SAMPLE_LEN,
            Self::DeepRobotics => deeprobotics::COMMAND_LEN,
        }
    }

    /// Length of the longest report, bytes.
    pub const fn report_len(self) -> usize {
        match self {
            Self::UnitreeGo => LowState::SAMPLE_LEN,
            Self::DeepRobotics => deeprobotics::LITE3_LEN,
        }
    }

    /// Puts the command to all motors into `out`, whose former contents are lost.
    pub fn encode_command(self, targets: &[MotorTarget; JOINTS], out: &mut Vec<u8>) {
        match self {
            Self::UnitreeGo => unitree_go::encode_command(targets, out),
            Self::DeepRobotics => deeprobotics::encode_command(targets, out),
        }
    }

    /// Puts a report, as a robot sends it, into `out`, whose former contents are lost. What the message has no place for is left out.
    pub fn encode_report(self, report: &RobotReport, out: &mut Vec<u8>) {
        match self {
            Self::UnitreeGo => unitree_go::encode_report(report, out),
            Self::DeepRobotics => deeprobotics::encode_report(report, out),
        }
    }
}

/// Finds a robot's reports in a stream of bytes.
#[derive(Clone, Debug)]
pub enum ReportReader {
    /// Samples of `LowState`.
    UnitreeGo(FrameReader<LowState, BUFFER_LEN>),
    /// Datagrams of the state.
    DeepRobotics(FrameReader<StateDatagram, BUFFER_LEN>),
}

impl ReportReader {
    /// A reader that has seen nothing.
    pub const fn new(protocol: RobotProtocol) -> Self {
        match protocol {
            RobotProtocol::UnitreeGo => Self::UnitreeGo(FrameReader::new()),
            RobotProtocol::DeepRobotics => Self::DeepRobotics(FrameReader::new()),
        }
    }

    /// Takes bytes off the front of `input` until they complete a report or prove broken; `None` once the input is used up.
    pub fn next(&mut self, input: &mut &[u8]) -> Option<Result<RobotReport, WireError>> {
        match self {
            Self::UnitreeGo(reader) => {
                reader.next_frame(input).map(|found| found.map(|state| unitree_go::report(&state)))
            }
            Self::DeepRobotics(reader) => {
                reader.next_frame(input).map(|found| found.map(|state| deeprobotics::report(&state)))
            }
        }
    }
}

/// Finds the commands to a robot in a stream of bytes.
#[derive(Clone, Debug)]
pub enum CommandReader {
    /// Samples of `LowCmd`.
    UnitreeGo(FrameReader<LowCmd, BUFFER_LEN>),
    /// Datagrams with the targets of all joints.
    DeepRobotics(FrameReader<CommandDatagram, BUFFER_LEN>),
}

impl CommandReader {
    /// A reader that has seen nothing.
    pub const fn new(protocol: RobotProtocol) -> Self {
        match protocol {
            RobotProtocol::UnitreeGo => Self::UnitreeGo(FrameReader::new()),
            RobotProtocol::DeepRobotics => Self::DeepRobotics(FrameReader::new()),
        }
    }

    /// Takes bytes off the front of `input` until they complete a command or prove broken; `None` once the input is used up.
    pub fn next(&mut self, input: &mut &[u8]) -> Option<Result<[MotorTarget; JOINTS], WireError>> {
        match self {
            Self::UnitreeGo(reader) => {
                reader.next_frame(input).map(|found| found.map(|command| unitree_go::targets(&command)))
            }
            Self::DeepRobotics(reader) => {
                reader.next_frame(input).map(|found| found.map(|command| deeprobotics::targets(&command)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
