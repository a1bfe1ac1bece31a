//! Errors of a setup, each with its remedy.

use std::path::{Path, PathBuf};

/// Reason why ROS 2 could not be found or set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Something that has to be there first is not; nothing was changed.
    #[error("{message}\n  help: {help}")]
    Missing {
        /// Statement of the thing that is not there.
        message: String,
        /// Way to get it.
        help: String,
    },
    /// A file or folder of the setup could not be used.
    #[error("cannot use {}: {reason}\n  help: check that you may write there and that the disk is not full", path.display())]
    File {
        /// File or folder.
        path: PathBuf,
        /// Error of the system.
        reason: std::io::Error,
    },
    /// A program that a step started failed.
    #[error("{step}: {message}\n{tail}\n  help: {help}\n  log: {}", log.display())]
    Failed {
        /// Step, as it was shown.
        step: String,
        /// Account of the program's end.
        message: String,
        /// Last lines that it printed.
        tail: String,
        /// Way out.
        help: String,
        /// File with everything that it printed.
        log: PathBuf,
    },
}

impl SetupError {
    /// Creates the error for something that is not there.
    pub(super) fn missing(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Missing { message: message.into(), help: help.into() }
    }

    /// Returns a function for `map_err`, which makes the error of a file or folder.
    pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |reason| Self::File { path: path.to_owned(), reason }
    }
}
