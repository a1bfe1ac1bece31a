//! Description of one process to be kept running, and when it is restarted.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::signal::Signal;

/// Description of a process to be kept running.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// Name in the output; no other process has this name.
    pub name: String,
    /// Path of the program.
    pub program: PathBuf,
    /// Arguments of the program.
    pub args: Vec<OsString>,
    /// Variables set for it, beside those that it inherits.
    pub env: Vec<(OsString, OsString)>,
    /// Policy for when it ends by itself.
    pub restart: RestartPolicy,
    /// Longest time from SIGINT to its end; SIGTERM comes after that.
    pub stop_timeout: Duration,
    /// Longest time from its start to the line `ready`.
    pub ready_timeout: Duration,
    /// Signal that it gets at once when the user will not wait: [`Signal::Kill`], or [`Signal::Terminate`] for a
    /// process that must have a moment even then (and SIGKILL follows after
    /// [`Supervisor::TERMINATE_TIMEOUT`](super::Supervisor::TERMINATE_TIMEOUT)).
    pub forced_stop_signal: Signal,
    /// Consequence of its restart for the others, said each time.
    pub restart_notice: Option<String>,
}

/// Back-off between the restarts of a process that ends by itself.
///
/// There is no default: the right values depend on what the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Wait before the first restart; doubled at each early exit in a row.
    pub initial_delay: Duration,
    /// Longest wait, unless `initial_delay` is longer.
    pub max_delay: Duration,
    /// Age at which a process counts as healthy: the next wait is `initial_delay` again. One that ends before that
    /// has exited early.
    pub healthy_after: Duration,
    /// Number of early exits in a row at which the process is given up.
    pub early_exit_limit: u32,
}

impl RestartPolicy {
    /// Returns the policy for a process whose absence hurts nothing: tried again after half a second.
    pub const fn soon() -> Self {
        Self {
            initial_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(10),
            healthy_after: Duration::from_secs(60),
            early_exit_limit: 5,
        }
    }

    /// Returns the policy for the process that holds the motors: at once.
    ///
    /// When it dies, motors with a watchdog of their own let go within 100 ms, but others may hold their last command
    /// for ever (docs/safety.md). The successor's first words are damping, for whatever the motors do, and it moves
    /// nothing until it is asked, so that the others need not be stopped meanwhile.
    pub const fn at_once() -> Self {
        Self { initial_delay: Duration::from_millis(125), ..Self::soon() }
    }

    /// Returns the wait after so many early exits in a row; none means after a healthy run.
    pub(super) fn delay(&self, early_exits: u32) -> Duration {
        let doublings = early_exits.saturating_sub(1).min(16);
        let longest = self.max_delay.max(self.initial_delay);
        self.initial_delay.saturating_mul(1 << doublings).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let seconds =
            |policy: RestartPolicy| (0..8).map(|n| policy.delay(n).as_secs_f64()).collect::<Vec<_>>();
        assert_eq!(seconds(RestartPolicy::soon()), [0.5, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(seconds(RestartPolicy::at_once()), [0.125, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]);
        assert_eq!(RestartPolicy::soon().delay(u32::MAX).as_secs(), 10);
    }
}
