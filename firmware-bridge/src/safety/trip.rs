//! Troubles of a joint that must stop the robot, and how soon.

use robot_interface::joints::JOINT_NAMES;

use crate::bridge::MotorFault;

/// Severity: how soon the motors must be let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The robot lies down first.
    Settle,
    /// At once: to go on driving would do more harm than falling.
    Cut,
}

/// The trouble of a joint.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Cause {
    /// Hotter than the cut-off.
    #[error(
        "{temperature_c:.0} degrees Celsius, and cut off from {cut_c:.0}: let it cool, and look for what makes it work so hard"
    )]
    Hot {
        /// Measured, degrees Celsius.
        temperature_c: f64,
        /// The cut-off, degrees Celsius.
        cut_c: f64,
    },
    /// Beyond its stops, where it cannot be.
    #[error(
        "at {position_rad:.2} rad, beyond its stops: calibrate it (`adit bus calibrate`), or look for a broken linkage"
    )]
    BeyondStops {
        /// Measured, rad.
        position_rad: f64,
    },
    /// The motor's own word.
    #[error("the motor reports {}", _0.remedy())]
    Motor(MotorFault),
}

impl Cause {
    /// Returns whether it is the same trouble, whatever the figures.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Motor(fault), Self::Motor(other)) => fault == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Severity: how soon the motors must be let go.
    pub const fn severity(&self) -> Severity {
        match self {
            // A joint that is not where it says is pulled to where it must not be.
            Self::BeyondStops { .. } | Self::Motor(MotorFault::Encoder | MotorFault::Stopped) => {
                Severity::Cut
            }
            Self::Hot { .. } | Self::Motor(_) => Severity::Settle,
        }
    }
}

/// One joint's trouble.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{}: {cause}", JOINT_NAMES[*joint])]
pub struct Trip {
    /// Its place in [`JOINT_NAMES`].
    pub joint: usize,
    /// Its trouble.
    pub cause: Cause,
}
