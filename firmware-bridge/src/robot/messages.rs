//! The messages of both languages, made and found.

use robot_interface::joints::JOINTS;
use robot_interface::robot::MotorProtocol;

use super::deeprobotics::{self, CommandDatagram, StateDatagram};
use super::report::{MotorTarget, RobotReport};
use super::unitree_go;
use crate::protocol::unitree_go::{LowCmd, LowState};
use crate::protocol::{FrameReader, WireError};

/// Room for the longest message.
const BUFFER_LEN: usize = 1280;

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
