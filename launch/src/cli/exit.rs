//! Ends of the command: exit codes, and the error for input that cannot be used.

/// Exit code when something failed on the way, or the mission was not completed.
pub(in crate::cli) const FAILED: u8 = 1;
/// Exit code for input that cannot be used.
pub(in crate::cli) const BAD_INPUT: u8 = 2;
/// Exit code after Ctrl-C, as shells have it.
pub(in crate::cli) const INTERRUPTED: u8 = 130;

/// Input that cannot be used, outside the files that [`ConfigError`] speaks for.
#[derive(Debug, thiserror::Error)]
#[error("{message}\n  help: {help}")]
pub(in crate::cli) struct BadInput {
    pub(in crate::cli) message: String,
    pub(in crate::cli) help: String,
}

impl BadInput {
    pub(in crate::cli) fn new(message: String, help: &str) -> Self {
        Self { message, help: help.to_owned() }
    }
}
