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
    #[error("{file} cannot be read: {source}; check the disk it is on")]
    Read {
        /// The file.
        file: String,
        /// The system's error.
        source: io::Error,
    },
    /// The file does not begin as an MCAP file does.
    #[error("{file} is no MCAP file: {found}")]
    NotMcap {
        /// The file.
        file: String,
        /// What it is instead.
        found: FileKind,
    },
    /// A folder without a recording in it.
    #[error("{folder} has no recording in it: {reason}")]
    EmptyFolder {
        /// The folder.
        folder: PathBuf,
        /// What is there instead, and the remedy.
        reason: String,
    },
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
        "a part of {file} is compressed with `{name}`, which is not read here; convert it with \
         `mcap compress --compression lz4`"
    )]
    Compression {
        /// The file.
        file: String,
        /// The compression's name.
        name: String,
    },
    /// A part of the file holds other bytes than were written.
    #[error(
        "the {length} bytes at byte {offset} of {file} are damaged ({source}), and the messages in them left out; copy \
         the file again from where it was recorded"
    )]
    Damaged {
        /// The file.
        file: String,
        /// Offset at which the part begins.
        offset: u64,
        /// Its length.
        length: u64,
        /// The fault.
        source: McapError,
    },
    /// A part of the file is no record at all.
    #[error(
        "the {length} bytes at byte {offset} of {file} hold no records, and the messages that stood there are left out; \
         copy the file again from where it was recorded"
    )]
    Hole {
        /// The file.
        file: String,
        /// Offset at which the part begins.
        offset: u64,
        /// Its length.
        length: u64,
    },
    /// Messages whose topic stood in a part that is damaged.
    #[error(
        "{messages} messages at byte {offset} of {file} are left out: what topic they are of stood in a part that is \
         damaged; copy the file again from where it was recorded"
    )]
    Orphans {
        /// The file.
        file: String,
        /// Offset of the part that they are in.
        offset: u64,
        /// How many they are.
        messages: u64,
    },
}

impl PlaybackError {
    /// Returns how many bytes of the file are lost by this error, if reading goes on behind it.
    pub const fn lost_bytes(&self) -> Option<u64> {
        match self {
            Self::Damaged { length, .. } | Self::Hole { length, .. } => Some(*length),
            Self::Orphans { .. } => Some(0),
            _ => None,
        }
    }
}

/// What a file is that is no MCAP file, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A recording of rosbag2 in SQLite (`.db3`).
    Sqlite,
    /// A bag of ROS 1.
    Ros1Bag,
    /// Something that was compressed as a whole with zstd.
    Zstd,
    /// MCAP of another version.
    OtherMcap,
    /// Zeros, as a file that was never written to the disk reads.
    Zeros,
    /// Nothing.
    Empty,
    /// Something else.
    Unknown,
}

impl FileKind {
    /// Of a file's first bytes, up to 16.
    pub(super) fn of(first: &[u8]) -> Self {
        match first {
            [] => Self::Empty,
            _ if first.starts_with(b"SQLite format 3") => Self::Sqlite,
            _ if first.starts_with(b"#ROSBAG") => Self::Ros1Bag,
            _ if first.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => Self::Zstd,
            _ if first.starts_with(b"\x89MCAP") => Self::OtherMcap,
            _ if first.iter().all(|byte| *byte == 0) => Self::Zeros,
            _ => Self::Unknown,
        }
    }
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => {
                "it is a recording of rosbag2 in SQLite; write `output_bags: [{uri: converted, storage_id: mcap, all: true}]` \
                 into out.yaml, run `ros2 bag convert -i FILE -o out.yaml`, and give the folder `converted`"
            }
            Self::Ros1Bag => {
                "it is a bag of ROS 1; convert it with `rosbags-convert --src FILE --dst converted --dst-storage mcap` \
                 (of the Python package rosbags), and give the folder `converted`"
            }
            Self::Zstd => "it is compressed as a whole; unpack it with `zstd -d FILE`",
            Self::OtherMcap => "it begins as one, but goes on as none of version 0; copy it again",
            Self::Zeros => "it begins with zeros, so its beginning was lost; copy it again from where it was recorded",
            Self::Empty => "it is empty; copy it again from where it was recorded",
            Self::Unknown => "give the `run.mcap` of a run's folder, or what `ros2 bag record --storage mcap` wrote",
        })
    }
}

/// Part that a recording lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It ends, or holds no records any more, before the place where it says that it is complete.
    End {
        /// Up to where it can be read.
        at: u64,
        /// Length of the file.
        size: u64,
        /// True if all messages stand before that, and only the index at the end is not whole.
        is_index: bool,
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
            Self::End { at, size, is_index: true } => write!(
                f,
                "the recording's index is not whole: it can be read up to byte {at} of {size}, and all messages stand \
                 before that"
            ),
            Self::End { at, size, is_index: false } => write!(
                f,
                "the recording was cut off: it can be read up to byte {at} of {size}, and what was recorded later is \
                 missing (the last second at most, if Adit was killed while it recorded)"
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
