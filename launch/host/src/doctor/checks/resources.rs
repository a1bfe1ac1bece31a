//! Resources of the other nodes: the network, free space on the disk, the time of day.

use crate::doctor::assessment::{Assessment, Verdict};
use crate::doctor::deploy;
use crate::doctor::facts::{Facts, FreeSpace};

/// Least buffer of a receiving socket, bytes: a picture has 4 MB, and the kernel counts its bookkeeping against the
/// buffer too.
const MIN_RECEIVE_BUFFER_BYTES: u64 = 8 << 20;
/// Size of a minute of recording with pictures (docs/ros.md).
const RECORDING_BYTES_PER_MINUTE: u64 = 300_000_000;
/// Least time for which there is to be room, minutes.
const MIN_RECORDING_MINUTES: u64 = 30;

/// Checks the buffers for large messages, and multicast.
pub(super) fn network(facts: &Facts) -> Assessment {
    let network = &facts.network;
    let mut assessment = Assessment::default();
    match network.rmem_max {
        None => assessment.add(Verdict::Note, "net.core.rmem_max cannot be read"),
        Some(most) => {
            let default =
                network.rmem_default.map_or(String::new(), |d| format!(" (by default {} KiB)", d >> 10));
            let found = format!("a receiver's buffer may have {} KiB{default}", most >> 10);
            if most >= MIN_RECEIVE_BUFFER_BYTES {
                assessment.add(Verdict::Ok, found);
            } else {
                let found = format!("{found}: pictures of 4 MB get lost with the sensor-data profile");
                assessment.add(Verdict::Warning, found);
                assessment.remedy(deploy::SYSCTL.install());
            }
        }
    }
    if network.multicast_on_lo == Some(false) {
        assessment
            .add(Verdict::Note, "no multicast on lo, which nodes that are kept to this machine may look for");
        assessment.remedy("sudo ip link set lo multicast on    # only where ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST finds nothing");
    }
    assessment
}

/// Checks the free space for recordings.
pub(super) fn disk(facts: &Facts) -> Assessment {
    let Some(FreeSpace { folder, bytes }) = &facts.free_space else {
        return Assessment::new(Verdict::Note, "it cannot be told how much room there is");
    };
    let minutes = bytes / RECORDING_BYTES_PER_MINUTE;
    let found =
        format!("{:.1} GB in {}: {minutes} minutes of recording", *bytes as f64 / 1e9, folder.display());
    if minutes >= MIN_RECORDING_MINUTES {
        return Assessment::new(Verdict::Ok, found);
    }
    Assessment::new(Verdict::Warning, found)
        .with_remedy("du -sh runs/*    # remove what is no longer needed")
        .with_remedy("adit up --out /a/larger/disk, or --no-record")
}

/// Checks that something sets the clock. The control loop does not go by it; recordings and reports do.
pub(super) fn clock(facts: &Facts) -> Assessment {
    /// Programs that set a clock by another one's.
    const DAEMONS: [&str; 5] = ["chronyd", "ntpd", "ptp4l", "phc2sys", "openntpd"];
    if facts.clock.timesyncd_synchronised {
        return Assessment::new(Verdict::Ok, "set by systemd-timesyncd");
    }
    let daemon = facts.processes.iter().find(|process| DAEMONS.contains(&process.name.as_str()));
    if let Some(daemon) = daemon {
        return Assessment::new(Verdict::Ok, format!("{} looks after it", daemon.name));
    }
    let runs = facts.processes.iter().any(|process| process.name.starts_with("systemd-timesyn"));
    let found = if runs { "systemd-timesyncd has not reached a server yet" } else { "nobody sets it" };
    Assessment::new(Verdict::Warning, found)
        .with_remedy("sudo timedatectl set-ntp true && timedatectl timesync-status")
        .with_remedy(
            "in a tunnel without a network: sudo apt install chrony, with the base station as its server",
        )
}
