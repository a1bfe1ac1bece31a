//! Limits of this user: real-time priority, locked memory, and swap.

use crate::doctor::assessment::{Assessment, Verdict};
use crate::doctor::deploy;
use crate::doctor::facts::{Facts, Limit};

/// Command that puts the user into the group that the limits are for, once they are installed.
const JOIN_GROUP: &str =
    "sudo groupadd -f realtime && sudo usermod -aG realtime $USER    # then log in again";

/// Names the user whose permissions and limits the other checks tell of.
pub(super) fn user(facts: &Facts) -> Assessment {
    match facts.user.uid {
        None => Assessment::new(Verdict::Note, "it cannot be told who asks"),
        Some(0) => Assessment::new(Verdict::Note, "root, who may do everything; the service runs as adit")
            .with_remedy("sudo -u adit /opt/adit/bin/adit doctor    # asks for the service's user"),
        Some(uid) => Assessment::new(
            Verdict::Ok,
            format!("user {uid}; the limits are this shell's, the service has its own"),
        ),
    }
}

/// Checks that the control loop gets its real-time priority.
pub(super) fn realtime_priority(facts: &Facts) -> Assessment {
    let found = match facts.limits.realtime_priority {
        _ if facts.user.has_cap_sys_nice => return Assessment::new(Verdict::Ok, "any, by CAP_SYS_NICE"),
        Some(Limit::Unlimited) => return Assessment::new(Verdict::Ok, "any"),
        Some(Limit::At(most)) if most >= u64::from(facts.control_priority) => {
            return Assessment::new(Verdict::Ok, format!("up to {most}"));
        }
        Some(Limit::At(most)) => format!("up to {most}, the control loop wants {}", facts.control_priority),
        None => return Assessment::new(Verdict::Note, "the limit cannot be read"),
    };
    Assessment::new(Verdict::Warning, found).with_remedy(deploy::LIMITS.install()).with_remedy(JOIN_GROUP)
}

/// Checks that the bridge's memory can be kept from being swapped out.
pub(super) fn locked_memory(facts: &Facts) -> Assessment {
    let found = match facts.limits.locked_memory {
        _ if facts.user.has_cap_ipc_lock => return Assessment::new(Verdict::Ok, "any, by CAP_IPC_LOCK"),
        Some(Limit::Unlimited) => return Assessment::new(Verdict::Ok, "any"),
        Some(Limit::At(most)) => format!("up to {} MiB, the bridge locks all that it has", most >> 20),
        None => return Assessment::new(Verdict::Note, "the limit cannot be read"),
    };
    Assessment::new(Verdict::Warning, found).with_remedy(deploy::LIMITS.install()).with_remedy(JOIN_GROUP)
}

/// Checks that the system does not swap.
pub(super) fn swap(facts: &Facts) -> Assessment {
    let mut assessment = Assessment::default();
    for swap in &facts.swap {
        let verdict = if swap.used_kb > 0 { Verdict::Warning } else { Verdict::Note };
        assessment.add(verdict, format!("{}, {} MiB in use", swap.name, swap.used_kb >> 10));
        assessment.remedy("sudo swapoff -a    # until the next start; for good, take it out of /etc/fstab");
        if swap.name.contains("zram") {
            assessment.remedy("sudo systemctl disable --now nvzramconfig    # zram on a Jetson");
        }
    }
    assessment.add_if_empty(Verdict::Ok, "none");
    assessment
}
