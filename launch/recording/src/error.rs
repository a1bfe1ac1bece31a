//! Errors of recording, and the count of what was recorded.

use std::path::PathBuf;

use mcap::McapError;

use super::CdrError;
use super::definitions::DefinitionError;

/// Failure to record something.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file could not be made.
    #[error("cannot create {path}: {source}; check that the folder exists and is writable")]
    Create {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file could not be written. Said once: what follows is dropped without a word, and the file is as
    /// it was when it was last saved.
    #[error("the recording stops here: {}; free space on the disk, or record to another one", reason(.0))]
    Write(#[source] McapError),
    /// A message could not be put into bytes.
    #[error("a message on {topic} has no CDR form ({source}); this is a mistake in adit, please report it")]
    Encode {
        /// The topic.
        topic: String,
        /// The fault.
        source: CdrError,
    },
    /// A topic whose type has no interface text to be found. Said once: its messages are recorded all the
    /// same, but only a reader that has the text itself can take them apart.
    #[error("{topic} is recorded without its definition: {source}")]
    Definition {
        /// The topic.
        topic: String,
        /// The missing definition.
        source: DefinitionError,
    },
    /// A message of another type than those before it on the topic.
    #[error(
        "a message on {topic} is not recorded: it is a {found}, those before it were {recorded}; let each topic \
         have one type"
    )]
    Type {
        /// The topic.
        topic: String,
        /// The topic's type in this recording.
        recorded: String,
        /// The type of the message.
        found: String,
    },
    /// A message could not be sent.
    #[error("cannot publish on {topic}: {reason}")]
    Publish {
        /// The topic.
        topic: String,
        /// The middleware's reason.
        reason: String,
    },
    /// A picture, thermal picture or grid without the values that its size asks for.
    #[error("{what} is not recorded: {expected} values belong to its size, but it has {found}")]
    Shape {
        /// Of which thing.
        what: String,
        /// Values that there should be.
        expected: usize,
        /// Values that there are.
        found: usize,
    },
    /// A picture could not be compressed.
    #[error("a picture of camera `{camera}` could not be compressed: {source}; JPEG ends at 65535 pixels")]
    Jpeg {
        /// The camera.
        camera: String,
        /// The encoder's error.
        source: image::ImageError,
    },
}

/// The system's error, where it is the system that failed: mcap's own words do not repeat it.
fn reason(error: &McapError) -> String {
    match error {
        McapError::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// Counts of a recording's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Messages taken; while recording goes on, those since it was last saved are among them.
    pub messages: u64,
    /// Messages that are not in the file because it could not be written: those since it was last saved, and
    /// all that came later.
    pub dropped: u64,
}

/// Checks that a message has the values of its size.
pub(crate) fn check_shape(
    what: impl FnOnce() -> String,
    expected: usize,
    found: usize,
) -> Result<(), RecordError> {
    if expected == found { Ok(()) } else { Err(RecordError::Shape { what: what(), expected, found }) }
}
