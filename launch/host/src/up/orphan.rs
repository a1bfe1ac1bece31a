//! The parts' side of the promise that no process outlives its supervisor.
//!
//! The system can send a process a signal when its parent dies, but only the process itself can ask for that
//! without unsafe code. Each node therefore does so at its start.

use rustix::process::{Pid, getppid, set_parent_process_death_signal};

use super::Signal;

/// The variable that tells a part its supervisor's process number.
pub const SUPERVISOR_PID: &str = "ADIT_SUPERVISOR_PID";

/// Why a process cannot be tied to its parent.
#[derive(Debug, thiserror::Error)]
pub enum Orphaned {
    /// The parent died before the tie was made: the process should end now.
    #[error("the supervisor (process {0}) has gone; start the whole stack again with `adit up`")]
    AlreadyGone(u32),
    /// The variable does not hold a process number.
    #[error("{SUPERVISOR_PID}={0:?} is not a process number; unset it, or start the stack with `adit up`")]
    NotANumber(String),
    /// The system refuses.
    #[error("the system will not tell when the supervisor dies: {0}; start this node without a supervisor")]
    Refused(#[source] std::io::Error),
}

/// Asks the system to send this process a signal when its parent dies, however it dies.
///
/// [`Signal::Kill`] is the one that nothing can ignore; [`Signal::Terminate`] is for a process that has
/// something to put down first, such as a robot. To be called from the main thread: the system forgets the wish
/// when the thread that made it ends.
///
/// # Errors
/// [`Orphaned`]; end the process then.
pub fn die_with_parent(expected_parent_pid: u32, signal: Signal) -> Result<(), Orphaned> {
    set_parent_process_death_signal(Some(signal.into())).map_err(|e| Orphaned::Refused(e.into()))?;
    // A parent that died before the wish was made sends nothing any more. Since then another process (init, or
    // whoever collects orphans) is the parent.
    let parent = getppid().map(Pid::as_raw_pid);
    if parent.and_then(|pid| u32::try_from(pid).ok()) == Some(expected_parent_pid) {
        Ok(())
    } else {
        Err(Orphaned::AlreadyGone(expected_parent_pid))
    }
}

/// [`die_with_parent`] for a process that a [`Stack`](super::Stack) started; does nothing in one that was
/// started by hand.
///
/// # Errors
/// [`Orphaned`]; end the process then.
pub fn die_with_supervisor(signal: Signal) -> Result<(), Orphaned> {
    let Some(value) = std::env::var_os(SUPERVISOR_PID) else { return Ok(()) };
    let pid = value.to_str().and_then(|v| v.parse().ok());
    let pid = pid.ok_or_else(|| Orphaned::NotANumber(value.to_string_lossy().into_owned()))?;
    die_with_parent(pid, signal)
}

impl From<Signal> for rustix::process::Signal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Interrupt => Self::INT,
            Signal::Terminate => Self::TERM,
            Signal::Kill => Self::KILL,
        }
    }
}
