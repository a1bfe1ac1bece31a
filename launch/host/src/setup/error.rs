//! What can stand in the way of a ROS 2 environment, each with its remedy.

use std::path::{Path, PathBuf};

/// Why ROS 2 could not be found or set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Something that has to be there first is not; nothing was changed.
    #[error("{message}\n  help: {help}")]
    Missing {
        /// What is not there.
        message: String,
        /// How to get it.
        help: String,
    },
    /// A file or folder of the setup could not be used.
    #[error("cannot use {}: {reason}\n  help: check that you may write there and that the disk is not full", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// A program that a step started failed.
    #[error("{step}: {message}\n{tail}\n  help: {help}\n  log: {}", log.display())]
    Failed {
        /// The step, as it was shown.
        step: String,
        /// What happened to the program.
        message: String,
        /// The last lines that it printed.
        tail: String,
        /// What to do.
        help: String,
        /// Everything that it printed.
        log: PathBuf,
    },
}

impl SetupError {
    pub(super) fn missing(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Missing { message: message.into(), help: help.into() }
    }

    /// For `map_err`: an error at a file or folder.
    pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |reason| Self::File { path: path.to_owned(), reason }
    }
}
