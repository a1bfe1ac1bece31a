//! Signals with which processes are stopped.

use rustix::process::Signal as UnixSignal;

/// Signal that the supervisor sends to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: end what you are doing, as with Ctrl-C.
    Interrupt,
    /// SIGTERM: end soon.
    Terminate,
    /// SIGKILL: the system ends it.
    Kill,
}

impl Signal {
    /// Returns the signal's usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Kill => "SIGKILL",
        }
    }
}

impl From<Signal> for UnixSignal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Interrupt => Self::INT,
            Signal::Terminate => Self::TERM,
            Signal::Kill => Self::KILL,
        }
    }
}
