//! The questions and settings of a Damiao motor before it is enabled.
//!
//! As delivered it goes on with its last command for ever when commands stop, and it may have been given other ranges
//! than its model's, which would scale every torque and reading. So its ranges are read, its mode and its timeout are
//! set, and only then is it enabled. What is set is lost with its power, so this begins anew whenever one says that it
//! is disabled.

use crate::bridge::fault::MotorFault;
use crate::bridge::reply::{DriveState, RegisterContents};
use crate::protocol::damiao::{Action, ControlMode, Ranges, Register, Value};
use crate::protocol::go_m8010::COMMAND_TIMEOUT_NANOS;

/// The next step of one motor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EnableSequence {
    /// The range in this place of [`RANGES`].
    Range(usize),
    /// Nothing more: its ranges are not its model's.
    Unfit,
    /// To listen to impedance commands.
    Mode,
    /// To let go once commands stop.
    Timeout,
    /// To be enabled.
    Enable,
    /// Commands.
    Ready,
    /// To forget its fault.
    Forget,
    /// Nothing more, until an operator has looked at its fault.
    Faulted,
}

const RANGES: [Register; 3] = [Register::POSITION_RANGE, Register::VELOCITY_RANGE, Register::TORQUE_RANGE];
const MODE: Value = Value::Uint(ControlMode::Impedance as u32);
const TIMEOUT: Value = Value::Uint((COMMAND_TIMEOUT_NANOS / Register::TIMEOUT_STEP_NANOS) as u32);

impl EnableSequence {
    /// The first step of a motor of which nothing is known.
    pub(super) const FIRST: Self = Self::Range(0);

    /// The motor's request in place of a command; `None` once it takes commands.
    pub(super) const fn action(self) -> Option<Action> {
        Some(match self {
            Self::Range(place) => Action::Read(RANGES[place]),
            Self::Mode => Action::Write(Register::CONTROL_MODE, MODE),
            Self::Timeout => Action::Write(Register::TIMEOUT, TIMEOUT),
            Self::Enable => Action::Enable,
            Self::Forget => Action::ClearFault,
            Self::Unfit | Self::Faulted => Action::Refresh,
            Self::Ready => return None,
        })
    }

    /// The motor's numbers mean what its model's do.
    pub(super) const fn is_fit(self) -> bool {
        !matches!(self, Self::Range(_) | Self::Unfit)
    }

    /// Takes a motor's answer about a register. Returns what is wrong with the motor.
    pub(super) fn handle_register(
        &mut self,
        contents: &RegisterContents,
        ranges: &Ranges,
    ) -> Option<MotorFault> {
        let is = |register: Register| contents.register == register.number;
        let value = |register: Register| Value::from_bytes(register.kind, contents.bytes);
        let (next, fault) = match *self {
            Self::Range(place) if is(RANGES[place]) => {
                let wanted = [ranges.position_rad, ranges.velocity_rad_s, ranges.torque_nm][place];
                // The motor has them in single precision.
                if value(RANGES[place]).number() as f32 != wanted as f32 {
                    (Self::Unfit, Some(MotorFault::Ranges))
                } else if place + 1 < RANGES.len() {
                    (Self::Range(place + 1), None)
                } else {
                    (Self::Mode, None)
                }
            }
            Self::Mode if is(Register::CONTROL_MODE) && value(Register::CONTROL_MODE) == MODE => {
                (Self::Timeout, None)
            }
            Self::Timeout if is(Register::TIMEOUT) && value(Register::TIMEOUT) == TIMEOUT => {
                (Self::Enable, None)
            }
            Self::Mode | Self::Timeout => (*self, Some(MotorFault::Settings)),
            same => (same, None),
        };
        *self = next;
        fault
    }

    /// Takes the state of the motor's drive.
    pub(super) const fn handle_state(&mut self, state: DriveState) {
        *self = match (state, *self) {
            (_, same @ (Self::Range(_) | Self::Unfit)) => same,
            (DriveState::Disabled, Self::Ready | Self::Forget | Self::Faulted) => Self::FIRST,
            (DriveState::Enabled, Self::Enable | Self::Forget | Self::Faulted) => Self::Ready,
            // It has let go because commands had stopped. They are there again, and begin with where it is.
            (DriveState::CommandsLost, _) | (DriveState::Faulted, Self::Forget) => Self::Forget,
            (DriveState::Faulted, _) => Self::Faulted,
            (_, same) => same,
        };
    }

    /// The motor was silent: it may have lost what it was told.
    pub(super) const fn handle_silence(&mut self) {
        if matches!(self, Self::Mode | Self::Timeout | Self::Enable) {
            *self = Self::FIRST;
        }
    }

    /// An operator has looked at the motor's fault. Returns whether it has one.
    pub(super) const fn clear_fault(&mut self) -> bool {
        *self = match *self {
            Self::Faulted => Self::Forget,
            Self::Unfit => Self::FIRST,
            _ => return false,
        };
        true
    }
}
