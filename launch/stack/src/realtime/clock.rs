//! The machine's monotonic clock, and sleeping by it.

use robot_interface::time::Stamp;
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

const NANOS: u64 = 1_000_000_000;

/// Returns the time since some moment in the past: only goes forwards, and at an even pace.
pub fn monotonic() -> Stamp {
    let now = clock_gettime(ClockId::Monotonic);
    // The monotonic clock begins at zero when the machine starts.
    Stamp::from_nanos(now.tv_sec as u64 * NANOS + now.tv_nsec as u64)
}

/// Time that the calling thread has spent on a processor, ns.
pub fn thread_cpu_nanos() -> u64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    spent.tv_sec as u64 * NANOS + spent.tv_nsec as u64
}

/// Sleeps until the monotonic clock shows `deadline`.
pub fn sleep_until(deadline: Stamp) {
    let at = Timespec { tv_sec: (deadline.nanos() / NANOS) as i64, tv_nsec: (deadline.nanos() % NANOS) as _ };
    // Only a signal ends the sleep early; the rest of it then follows.
    while clock_nanosleep_absolute(ClockId::Monotonic, &at).is_err_and(|e| e == rustix::io::Errno::INTR) {}
}
