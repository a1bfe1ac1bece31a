//! Measures that make a thread keep its deadlines, as far as the system permits.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::setpriority_process;
use rustix::thread::gettid;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

/// Priority of the control loop, `SCHED_FIFO`: above everything else that runs on the robot's computer but the kernel's
/// own threads.
pub const CONTROL_PRIORITY: u8 = 80;

/// Gives the calling thread a real-time priority (1 to 99, `SCHED_FIFO`).
///
/// # Errors
/// The system's error with the remedy; the thread then runs as before.
pub fn prioritise(priority: u8) -> Result<(), String> {
    let wanted = priority.try_into().map(ThreadPriority::Crossplatform).map_err(|e| format!("{e:?}"));
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let set = wanted.and_then(|wanted| {
        set_thread_priority_and_policy(thread_native_id(), wanted, policy).map_err(|e| format!("{e:?}"))
    });
    set.map_err(|error| {
        format!(
            "no real-time priority ({error}): deadlines will be missed under load; allow it with \
             `LimitRTPRIO=99` in the systemd unit, or `@realtime - rtprio 99` in /etc/security/limits.conf"
        )
    })
}

/// Keeps the process's memory, present and future, from being swapped out. Not for a process that makes and gives
/// back large buffers: every new page is then fetched at once, and whoever needs memory meanwhile waits.
///
/// # Errors
/// The system's error with the remedy.
pub fn lock_memory() -> Result<(), String> {
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE).map_err(|error| {
        format!(
            "memory is not locked ({error}): the control loop may wait for the disk; allow it with \
             `LimitMEMLOCK=infinity` in the systemd unit, or `@realtime - memlock unlimited` in \
             /etc/security/limits.conf"
        )
    })
}

/// Lets the calling thread stand back by so many levels (1 to 19): for work that has time. The lines to the simulated
/// motors are pumped by the kernel's own threads at an ordinary priority, and those must come first.
pub fn stand_back(levels: i32) {
    // Without it the work is done all the same; lowering one's own priority is never forbidden.
    let _ = setpriority_process(Some(gettid()), levels);
}

/// Lets the threads that share large computations (rayon's) stand back; to be called before the first of those.
pub fn computations_stand_back(levels: i32) {
    let pool = rayon::ThreadPoolBuilder::new().start_handler(move |_| stand_back(levels));
    // It fails only when there is a pool already.
    let _ = pool.build_global();
}
