//! What a Damiao motor is asked and told before it is enabled.
//!
//! As delivered it goes on with its last command for ever when commands stop, and it may have been given other ranges
//! than its model's, which would scale every torque and reading. So its ranges are read, its mode and its timeout are
//! set, and only then is it enabled. What is set is lost with its power, so this begins anew whenever one says that it
//! is disabled.

use super::fault::MotorFault;
use crate::wire::damiao::{Action, ControlMode, Fault, Ranges, Register, RegisterReply, State, Value};
use crate::wire::go_m8010::COMMAND_TIMEOUT_NANOS;

/// How far one motor has come: what it is asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preparation {
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

impl Preparation {
    /// Where a motor of which nothing is known begins.
    pub(super) const FIRST: Self = Self::Range(0);

    /// What the motor is asked in place of a command; `None` once it takes commands.
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

    /// Whether the motor's numbers mean what its model's do.
    pub(super) const fn is_fit(self) -> bool {
        !matches!(self, Self::Range(_) | Self::Unfit)
    }

    /// Takes a motor's answer about a register; what is wrong with it.
    pub(super) fn take(&mut self, reply: &RegisterReply, ranges: &Ranges) -> Option<MotorFault> {
        let value = reply.value();
        let (next, fault) = match *self {
            Self::Range(place) if reply.register == RANGES[place] => {
                let wanted = [ranges.position_rad, ranges.velocity_rad_s, ranges.torque_nm][place];
                // The motor has them in single precision.
                if value.number() as f32 != wanted as f32 {
                    (Self::Unfit, Some(MotorFault::Ranges))
                } else if place + 1 < RANGES.len() {
                    (Self::Range(place + 1), None)
                } else {
                    (Self::Mode, None)
                }
            }
            Self::Mode if reply.register == Register::CONTROL_MODE && value == MODE => (Self::Timeout, None),
            Self::Timeout if reply.register == Register::TIMEOUT && value == TIMEOUT => (Self::Enable, None),
            Self::Mode | Self::Timeout => (*self, Some(MotorFault::Settings)),
            same => (same, None),
        };
        *self = next;
        fault
    }

    /// Takes a motor's word of what it is doing.
    pub(super) const fn heed(&mut self, state: State) {
        *self = match (state, *self) {
            (_, same @ (Self::Range(_) | Self::Unfit)) => same,
            (State::Disabled, Self::Ready | Self::Forget | Self::Faulted) => Self::FIRST,
            (State::Enabled, Self::Enable | Self::Forget | Self::Faulted) => Self::Ready,
            // It has let go because commands had stopped. They are there again, and begin with where it is.
            (State::Fault(Fault::CommunicationLost), _) | (State::Fault(_), Self::Forget) => Self::Forget,
            (State::Fault(_), _) => Self::Faulted,
            (_, same) => same,
        };
    }

    /// The motor was silent: it may have lost what it was told.
    pub(super) const fn miss(&mut self) {
        if matches!(self, Self::Mode | Self::Timeout | Self::Enable) {
            *self = Self::FIRST;
        }
    }

    /// An operator has looked at the motor's fault. Returns whether it has one.
    pub(super) const fn forgive(&mut self) -> bool {
        *self = match *self {
            Self::Faulted => Self::Forget,
            Self::Unfit => Self::FIRST,
            _ => return false,
        };
        true
    }
}
