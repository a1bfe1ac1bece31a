//! Robots on a network: who reports, how they are, and who drives them. Nothing is sent to them but what DDS says to be found itself.

mod deeprobotics;
mod unitree;

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
    /// Charge of its battery, percent; `None` if its states do not carry that.
    pub(crate) battery_percent: Option<u8>,
    /// Its supply, V.
    pub(crate) supply_v: Option<f64>,
    /// Who drives it, as far as that can be seen.
    pub(crate) drivers: Vec<String>,
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
        "UDP port {port} cannot be listened at ({why}): another program that talks to a Lite3 or X30 runs here\n  help: stop it, or look for Unitree's robots alone with --only unitree"
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

/// Datagrams are taken this often, before the system has to drop any.
const STEP: Duration = Duration::from_millis(10);

/// Listens, and says which robots reported.
pub(crate) fn find(search: &Search<'_>) -> Result<Vec<FoundRobot>, FindError> {
    let mut listener =
        search.deeprobotics.then(|| deeprobotics::Listener::open(search.interface)).transpose()?;
    let watch = search.unitree.then(|| unitree::Watch::open(search)).transpose()?;
    for _ in 0..(search.duration.as_millis() / STEP.as_millis()).max(1) {
        std::thread::sleep(STEP);
        if let Some(listener) = &mut listener {
            listener.take();
        }
    }
    let seconds = search.duration.as_secs_f64();
    let mut robots = watch.map_or_else(Vec::new, |watch| watch.robots(seconds));
    robots.extend(listener.map_or_else(Vec::new, |listener| listener.robots(seconds)));
    Ok(robots)
}
