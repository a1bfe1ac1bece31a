//! Errors of reading a recording back, and what one may lack.

use std::io;
use std::path::PathBuf;

use mcap::McapError;

/// Reason for which a recording, or a part of it, is not read.
#[derive(Debug, thiserror::Error)]
pub enum PlaybackError {
    /// The file cannot be opened.
    #[error("cannot open {path}: check the path and its permissions")]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("the recording cannot be read: {0}; check the disk it is on")]
    Read(#[from] io::Error),
    /// The file does not begin as an MCAP file does.
    #[error("this is no MCAP file; give the `run.mcap` of a run's folder")]
    Magic,
    /// The file was torn and cannot be closed.
    #[error("the recording cannot be closed: {0}; free space on the disk and check its permissions")]
    Repair(#[source] io::Error),
    /// The file was torn, and another program wrote it in a form that cannot be closed in its place.
    #[error(
        "this recording has messages without an index and cannot be closed; use `mcap recover` to repair it"
    )]
    NotIndexed,
    /// A part of the file is compressed in a way that Adit does not read.
    #[error(
        "a part of the recording is compressed with `{0}`, which is not read here; convert it with \
         `mcap compress --compression lz4`"
    )]
    Compression(String),
    /// A part of the file holds other bytes than were written.
    #[error(
        "the {length} bytes at byte {offset} are damaged ({source}), and the messages in them left out; copy the \
         file again from where it was recorded"
    )]
    Damaged {
        /// Offset at which the part begins.
        offset: u64,
        /// Its length.
        length: u64,
        /// The fault.
        source: McapError,
    },
}

/// Part that a recording lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It ends, or holds no records any more, before the place where it says that it is complete.
    End {
        /// Up to where it can be read.
        at: u64,
    },
    /// It is complete, but other bytes stand behind it.
    Trailing {
        /// Offset at which they begin.
        at: u64,
    },
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::End { at } => write!(
                f,
                "the recording was cut off while it was written: it is whole up to byte {at}, what came in the \
                 last second before the end may be missing"
            ),
            Self::Trailing { at } => {
                write!(
                    f,
                    "the recording is complete, but other bytes follow from byte {at}: they are ignored"
                )
            }
        }
    }
}
