//! A robot that was found, where it is looked for, and why it cannot be.

use std::net::IpAddr;
use std::time::Duration;

use adit_dds::{DdsError, Interface};
use serde::Serialize;

/// A robot that was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct FoundRobot {
    /// What it is, as far as its messages tell.
    pub(crate) kind: String,
    /// By what it reports: `dds` or `udp`.
    pub(crate) transport: &'static str,
    /// Where it is; `None` if it does not say.
    pub(crate) address: Option<IpAddr>,
    /// States a second while it was listened to.
    pub(crate) states_per_s: f64,
    /// States that the robot counts and that did not come, of one that counts.
    pub(crate) states_lost: u64,
    /// Charge of its battery, percent; `None` if its states do not carry that.
    pub(crate) battery_percent: Option<u8>,
    /// Its supply, V.
    pub(crate) supply_v: Option<f64>,
    /// Who drives it, as far as that can be seen.
    pub(crate) drivers: Vec<String>,
    /// True if its own gait has the motors, as far as that can be seen.
    pub(crate) own_gait: bool,
    /// Others that command its joints.
    pub(crate) other_masters: usize,
    /// The robot's clock less this computer's, s; `None` if it does not tell its time.
    pub(crate) clock_ahead_s: Option<f64>,
    /// Sensors whose topics it offers.
    pub(crate) sensors: Vec<String>,
    /// What a person should know of it.
    pub(crate) remarks: Vec<String>,
}

/// Why robots cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindError {
    /// DDS cannot.
    #[error(transparent)]
    Dds(#[from] DdsError),
    /// The port to which robots report cannot be listened at.
    #[error(
        "UDP port {port} cannot be listened at ({why}): another `adit robot find`, or a program that talks to a Lite3 or X30, runs here\n  help: stop it, or look for Unitree's robots alone with --only unitree"
    )]
    Port {
        /// The port.
        port: u16,
        /// The system's words.
        why: std::io::Error,
    },
}

/// Where and how long to look.
pub(crate) struct Search<'a> {
    pub(crate) interface: &'a Interface,
    /// DDS domain; a robot's is 0.
    pub(crate) domain: u16,
    pub(crate) duration: Duration,
    pub(crate) unitree: bool,
    pub(crate) deeprobotics: bool,
}
