//! Recordings of a robot's run.
#![warn(missing_docs)]

pub mod cdr;
mod clouds;
pub mod definitions;
mod disk;
mod error;
mod findings;
mod frame_ids;
pub mod from_ros;
mod fsync;
pub mod messages;
mod playback;
mod qos;
mod raw;
mod sink;
mod tail;
pub mod topics;
mod writer;

pub use cdr::{CdrError, CdrReadError};
pub use disk::Output;
pub use error::{RecordError, Recorded};
pub use findings::DefectRecord;
pub use playback::{Missing, Playback, PlaybackError, Played, Topic, repair};
pub use qos::{Durability, Reliability, durability_of, qos_profile};
pub use raw::RawRecorder;
pub use topics::{Qos, TopicSpec, topic_name};
pub use writer::{MessageSink, MessageWriter, RunFile};
