//! Messages into an MCAP file: channels, schemas, sequence numbers, and what happens when the disk is full.
//!
//! The bytes depend on the messages and their stamps alone: no clock is read and no table is walked in an
//! order that changes from run to run.

use std::collections::BTreeMap;
use std::io::{Seek, Write};

use mcap::records::MessageHeader;
use mcap::{Compression, McapError, WriteOptions, Writer};
use robot_interface::time::Stamp;

use super::{Outlet, RecordError, cdr};
use crate::ros_msgs::Message;

/// A chunk is closed once it is larger than this, uncompressed.
const CHUNK_BYTES: u64 = 1024 * 1024;
/// A chunk is closed and handed to the file once it spans this time: what is lost when the process is killed.
const CHUNK_NANOS: u64 = 1_000_000_000;

/// How long a topic's messages hold for a subscriber that comes late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Not beyond the moment.
    Volatile,
    /// Until replaced (`/tf_static`).
    TransientLocal,
}

impl Durability {
    /// The quality of service as rosbag2 reads it from a channel's metadata.
    const fn qos_profile(self) -> &'static str {
        match self {
            Self::Volatile => "",
            Self::TransientLocal => TRANSIENT_LOCAL,
        }
    }
}

/// Keep the last, reliable, transient local, no deadlines (the numbers are rmw's, infinite ones included).
const TRANSIENT_LOCAL: &str = "- history: 1
  depth: 1
  reliability: 1
  durability: 1
  deadline:
    sec: 9223372036
    nsec: 854775807
  lifespan:
    sec: 9223372036
    nsec: 854775807
  liveliness: 1
  liveliness_lease_duration:
    sec: 9223372036
    nsec: 854775807
  avoid_ros_namespace_conventions: false
";

#[derive(Clone, Copy)]
struct Channel {
    id: u16,
    /// Messages so far.
    count: u32,
}

/// A recording's file.
pub struct Sink<W: Write + Seek> {
    /// `None` once writing has failed: what follows is dropped.
    writer: Option<Writer<W>>,
    channels: BTreeMap<String, Channel>,
    /// The newest log time so far.
    newest: Stamp,
    /// Log time at which the last chunk was closed.
    flushed: Stamp,
    written: u64,
    dropped: u64,
    /// Space for one serialised message.
    buffer: Vec<u8>,
}

impl<W: Write + Seek> Sink<W> {
    pub(super) fn new(output: W) -> Result<Self, RecordError> {
        let writer = WriteOptions::new()
            .compression(Some(Compression::Lz4))
            .chunk_size(Some(CHUNK_BYTES))
            .profile("ros2")
            .library(concat!("adit ", env!("CARGO_PKG_VERSION")))
            .create(output)
            .map_err(RecordError::Write)?;
        Ok(Self {
            writer: Some(writer),
            channels: BTreeMap::new(),
            newest: Stamp::ZERO,
            flushed: Stamp::ZERO,
            written: 0,
            dropped: 0,
            buffer: Vec::new(),
        })
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Writes the summary and gives the output back; `None` when writing had failed before.
    pub(super) fn finish(&mut self) -> Result<Option<W>, RecordError> {
        let Some(mut writer) = self.writer.take() else { return Ok(None) };
        writer.finish().map_err(RecordError::Write)?;
        Ok(Some(writer.into_inner()))
    }
}

impl<W: Write + Seek> Outlet for Sink<W> {
    /// Writes one message. It is logged at `stamp`, or with the newest message before it when that is later:
    /// in a recording, time never runs backwards.
    fn publish<M: Message>(
        &mut self,
        topic: &str,
        durability: Durability,
        stamp: Stamp,
        message: &M,
    ) -> Result<(), RecordError> {
        let Some(writer) = &mut self.writer else {
            self.dropped += 1;
            return Ok(());
        };
        cdr::serialize_into(&mut self.buffer, message)
            .map_err(|source| RecordError::Encode { topic: topic.to_owned(), source })?;
        self.newest = self.newest.max(stamp);
        let mut result =
            write(writer, &mut self.channels, topic, durability, self.newest, &self.buffer, M::DEFINITION);
        if result.is_ok() && self.newest >= self.flushed.plus_nanos(CHUNK_NANOS) {
            self.flushed = self.newest;
            result = writer.flush();
        }
        match result {
            Ok(()) => {
                self.written += 1;
                Ok(())
            }
            Err(source) => {
                self.writer = None;
                self.dropped += 1;
                Err(RecordError::Write(source))
            }
        }
    }
}

fn write<W: Write + Seek>(
    writer: &mut Writer<W>,
    channels: &mut BTreeMap<String, Channel>,
    topic: &str,
    durability: Durability,
    stamp: Stamp,
    data: &[u8],
    definition: &crate::ros_msgs::Definition,
) -> Result<(), McapError> {
    if !channels.contains_key(topic) {
        let schema = writer.add_schema(&definition.type_name(), "ros2msg", definition.schema().as_bytes())?;
        let qos = ("offered_qos_profiles".to_owned(), durability.qos_profile().to_owned());
        let id = writer.add_channel(schema, topic, "cdr", &BTreeMap::from([qos]))?;
        channels.insert(topic.to_owned(), Channel { id, count: 0 });
    }
    let Some(channel) = channels.get_mut(topic) else { return Ok(()) };
    let header = MessageHeader {
        channel_id: channel.id,
        sequence: channel.count,
        log_time: stamp.nanos(),
        publish_time: stamp.nanos(),
    };
    channel.count = channel.count.wrapping_add(1);
    writer.write_to_known_channel(&header, data)
}
