//! Reasons for which a device does not do what it is asked.

use serde::{Deserialize, Serialize};

use crate::values::Unfit;

/// Reason for which a device does not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The host speaks another version.
    #[error(
        "the device speaks version {device} of the link: flash firmware built with the host's version, or install the Adit that speaks version {device}"
    )]
    Version {
        /// The device's version.
        device: u16,
    },
    /// No session: the device has started anew, or was never greeted.
    #[error("the device was not greeted: send Hello first")]
    NoSession,
    /// An emergency stop holds.
    #[error("an emergency stop holds: remove its cause, then reset")]
    Stopped,
    /// The frame was intact but no message of this version.
    #[error("the device does not know this message: check that both ends are built from one version")]
    UnknownMessage,
    /// A number that no message may carry.
    #[error("{0}")]
    Unfit(Unfit),
    /// The device has no such actuator.
    #[error("the device has no actuator {0}: check the wiring in the robot's file against its greeting")]
    UnknownActuator(u8),
    /// An actuator is commanded twice.
    #[error("actuator {0} stands twice in one command: list each once")]
    RepeatedActuator(u8),
    /// An actuator is not commanded.
    #[error("actuator {0} is missing in the command: list each once")]
    MissingActuator(u8),
    /// Torque, velocity, stiffness or damping beyond the actuator's limits.
    #[error("the command for actuator {0} is beyond its limits: check the robot's file against its greeting")]
    BeyondLimits(u8),
    /// Not the answer to this stop's challenge.
    #[error("the reset does not answer this stop's challenge: answer the newest")]
    WrongAnswer,
}
