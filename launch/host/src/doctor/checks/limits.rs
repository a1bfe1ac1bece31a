//! What this user may ask of the kernel: real-time priority, and memory that stays.

use super::{Facts, Opinion, Verdict, deploy};
use crate::doctor::facts::Limit;

/// What lets people in once the limits are installed.
const JOIN: &str = "sudo groupadd -f realtime && sudo usermod -aG realtime $USER    # then log in again";

/// Whose permissions and limits the other checks tell of.
pub(super) fn user(facts: &Facts) -> Opinion {
    match facts.user.uid {
        None => Opinion::new(Verdict::Note, "it cannot be told who asks"),
        Some(0) => Opinion::new(Verdict::Note, "root, who may do everything; the service runs as adit")
            .with_remedy("sudo -u adit /opt/adit/bin/adit doctor    # asks for the service's user"),
        Some(uid) => Opinion::new(
            Verdict::Ok,
            format!("user {uid}; the limits are this shell's, the service has its own"),
        ),
    }
}

/// Whether the control loop gets its priority.
pub(super) fn realtime_priority(facts: &Facts) -> Opinion {
    let found = match facts.limits.realtime_priority {
        _ if facts.user.may_prioritise => return Opinion::new(Verdict::Ok, "any, by CAP_SYS_NICE"),
        Some(Limit::Unlimited) => return Opinion::new(Verdict::Ok, "any"),
        Some(Limit::At(most)) if most >= u64::from(facts.control_priority) => {
            return Opinion::new(Verdict::Ok, format!("up to {most}"));
        }
        Some(Limit::At(most)) => format!("up to {most}, the control loop wants {}", facts.control_priority),
        None => return Opinion::new(Verdict::Note, "the limit cannot be read"),
    };
    Opinion::new(Verdict::Warning, found).with_remedy(deploy::LIMITS.install()).with_remedy(JOIN)
}

/// Whether the bridge's memory can be kept from being swapped out.
pub(super) fn locked_memory(facts: &Facts) -> Opinion {
    let found = match facts.limits.locked_memory {
        _ if facts.user.may_lock => return Opinion::new(Verdict::Ok, "any, by CAP_IPC_LOCK"),
        Some(Limit::Unlimited) => return Opinion::new(Verdict::Ok, "any"),
        Some(Limit::At(most)) => format!("up to {} MiB, the bridge locks all that it has", most >> 20),
        None => return Opinion::new(Verdict::Note, "the limit cannot be read"),
    };
    Opinion::new(Verdict::Warning, found).with_remedy(deploy::LIMITS.install()).with_remedy(JOIN)
}

/// Whether the system swaps.
pub(super) fn swap(facts: &Facts) -> Opinion {
    let mut opinion = Opinion::default();
    for swap in &facts.swap {
        let verdict = if swap.used_kb > 0 { Verdict::Warning } else { Verdict::Note };
        opinion.add(verdict, format!("{}, {} MiB in use", swap.name, swap.used_kb >> 10));
        opinion.remedy("sudo swapoff -a    # until the next start; for good, take it out of /etc/fstab");
        if swap.name.contains("zram") {
            opinion.remedy("sudo systemctl disable --now nvzramconfig    # zram on a Jetson");
        }
    }
    if opinion.found.is_empty() {
        opinion.add(Verdict::Ok, "none");
    }
    opinion
}
