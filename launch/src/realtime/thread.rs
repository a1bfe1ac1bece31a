//! What makes a thread keep its deadlines, as far as the system permits.

use rustix::mm::{MlockAllFlags, mlockall};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

/// Gives the calling thread a real-time priority (1 to 99, `SCHED_FIFO`) and keeps the process's memory from being
/// swapped out. What the system did not permit comes back as warnings, each with its remedy.
pub(crate) fn prioritise(priority: u8) -> Vec<String> {
    let mut warnings = Vec::new();
    let wanted = priority.try_into().map(ThreadPriority::Crossplatform);
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let set = wanted.map_err(|e| format!("{e:?}")).and_then(|wanted| {
        set_thread_priority_and_policy(thread_native_id(), wanted, policy).map_err(|e| format!("{e:?}"))
    });
    if let Err(error) = set {
        warnings.push(format!(
            "no real-time priority ({error}): deadlines will be missed under load; allow it with \
             `LimitRTPRIO=99` in the systemd unit, or `@realtime - rtprio 99` in /etc/security/limits.conf"
        ));
    }
    if let Err(error) = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE) {
        warnings.push(format!(
            "memory is not locked ({error}): the control loop may wait for the disk; allow it with \
             `LimitMEMLOCK=infinity` in the systemd unit, or `@realtime - memlock unlimited` in \
             /etc/security/limits.conf"
        ));
    }
    warnings
}
