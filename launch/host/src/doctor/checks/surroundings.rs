//! What the other nodes need: the network, room on the disk, the time of day.

use super::{Facts, Opinion, Verdict, deploy};

/// A picture has 4 MB, and the kernel counts its bookkeeping against the buffer too, bytes.
const LEAST_BUFFER: u64 = 8 << 20;
/// A recording of a minute with pictures, bytes (docs/ros.md).
const MINUTE: u64 = 300_000_000;
/// Room for less than this many minutes is scarce.
const LEAST_MINUTES: u64 = 30;

/// Buffers for large messages, and multicast.
pub(super) fn network(facts: &Facts) -> Opinion {
    let network = &facts.network;
    let mut opinion = Opinion::default();
    match network.rmem_max {
        None => opinion.add(Verdict::Note, "net.core.rmem_max cannot be read"),
        Some(most) => {
            let default =
                network.rmem_default.map_or(String::new(), |d| format!(" (by default {} KiB)", d >> 10));
            let found = format!("a receiver's buffer may have {} KiB{default}", most >> 10);
            if most >= LEAST_BUFFER {
                opinion.add(Verdict::Ok, found);
            } else {
                let found = format!("{found}: pictures of 4 MB get lost with the sensor-data profile");
                opinion.add(Verdict::Warning, found);
                opinion.remedy(deploy::SYSCTL.install());
            }
        }
    }
    if network.multicast_on_lo == Some(false) {
        opinion
            .add(Verdict::Note, "no multicast on lo, which nodes that are kept to this machine may look for");
        opinion.remedy("sudo ip link set lo multicast on    # only where ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST finds nothing");
    }
    opinion
}

/// Room for recordings.
pub(super) fn disk(facts: &Facts) -> Opinion {
    let Some((folder, bytes)) = &facts.room else {
        return Opinion::new(Verdict::Note, "it cannot be told how much room there is");
    };
    let minutes = bytes / MINUTE;
    let found =
        format!("{:.1} GB in {}: {minutes} minutes of recording", *bytes as f64 / 1e9, folder.display());
    if minutes >= LEAST_MINUTES {
        return Opinion::new(Verdict::Ok, found);
    }
    Opinion::new(Verdict::Warning, found)
        .with_remedy("du -sh runs/*    # remove what is no longer needed")
        .with_remedy("adit up --out /a/larger/disk, or --no-record")
}

/// Who sets the clock. The control loop does not go by it; recordings and reports do.
pub(super) fn clock(facts: &Facts) -> Opinion {
    /// Programs that set a clock by another one's.
    const DAEMONS: [&str; 5] = ["chronyd", "ntpd", "ptp4l", "phc2sys", "openntpd"];
    if facts.clock.timesyncd_synchronised {
        return Opinion::new(Verdict::Ok, "set by systemd-timesyncd");
    }
    let daemon = facts.processes.iter().find(|process| DAEMONS.contains(&process.name.as_str()));
    if let Some(daemon) = daemon {
        return Opinion::new(Verdict::Ok, format!("{} looks after it", daemon.name));
    }
    let runs = facts.processes.iter().any(|process| process.name.starts_with("systemd-timesyn"));
    let found = if runs { "systemd-timesyncd has not reached a server yet" } else { "nobody sets it" };
    Opinion::new(Verdict::Warning, found)
        .with_remedy("sudo timedatectl set-ntp true && timedatectl timesync-status")
        .with_remedy(
            "in a tunnel without a network: sudo apt install chrony, with the base station as its server",
        )
}
