//! Events for whoever runs the host's end.

use crate::message::{Fault, Imu, Log, State, Welcome};
use crate::refusal::Refusal;
use crate::values::Unfit;

/// Phase of the conversation of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The device is greeted until it answers.
    Greeting,
    /// The device speaks another version. It is greeted on, since it may be flashed anew.
    Mismatched {
        /// Its version.
        device: u16,
    },
    /// The device has answered and is not silent.
    Connected,
}

/// An event at the host's end. The device's times are its own; [`Host::host_time`](super::Host::host_time) translates them.
#[derive(Clone, Debug, PartialEq)]
pub enum HostEvent {
    /// The device has answered the greeting: it takes commands.
    Connected(Welcome),
    /// The device speaks another version: [`Refusal::Version`] says what to do about it.
    Mismatched(Refusal),
    /// Nothing good has come for so long, ns. The device is greeted again.
    Lost {
        /// Time since the last good frame, ns.
        silent_ns: u64,
    },
    /// The device has started anew, and is greeted again.
    Restarted,
    /// State of the actuators.
    State(State),
    /// An inertial sample.
    Imu(Imu),
    /// The device says that something is wrong.
    Fault(Fault),
    /// A line for the log.
    Log(Log),
    /// An emergency stop holds at the device.
    Stopped,
    /// The emergency stop was released.
    Released,
    /// The device did not do what a frame asked.
    Refused {
        /// The frame's sequence number.
        seq: u16,
        /// The reason.
        why: Refusal,
    },
    /// One of the clocks was set, or the device started anew: its times before and after do not belong together.
    ClockStepped,
}

/// Refusal to send something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No device has answered.
    #[error("the device has not answered the greeting: check its cable and power, and wait for Connected")]
    NotConnected,
    /// An emergency stop holds, or is wanted.
    #[error("an emergency stop holds: remove its cause, then reset")]
    Stopped,
    /// There is no stop to release.
    #[error("no emergency stop holds: there is nothing to reset")]
    NotStopped,
    /// The device has not told the stop's challenge yet.
    #[error("the device has not confirmed the stop yet: reset once it has")]
    NotConfirmed,
    /// The command carries an unfit number.
    #[error("{0}")]
    Unfit(Unfit),
    /// The device would refuse the command.
    #[error("{0}")]
    Refused(Refusal),
}
