//! Messages into an MCAP file that opens at every moment: channels, schemas, sequence numbers, and what
//! happens when the disk is full.
//!
//! The bytes depend on the messages, their stamps and when the file was saved between them: no clock is read
//! and no table is walked in an order that changes from run to run.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcap::records::{self, MessageHeader};
use mcap::write::NoSeek;
use mcap::{Compression, McapError, WriteOptions, Writer};
use robot_interface::time::Stamp;

use super::disk::Disk;
use super::tail::Tail;
use super::{Output, RecordError, Recorded};

/// A chunk is closed once it is larger than this, uncompressed, and what is not saved yet is saved.
const CHUNK_BYTES: usize = 1024 * 1024;

struct Channel {
    id: u16,
    type_name: String,
    /// Messages so far.
    count: u32,
}

/// Bytes on their way from the mcap crate to the disk.
#[derive(Clone, Default)]
struct Tray(Arc<Mutex<Vec<u8>>>);

impl Tray {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock())
    }
}

impl Write for Tray {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An open file.
struct Live<W> {
    writer: Writer<NoSeek<Tray>>,
    tray: Tray,
    tail: Tail,
    disk: Disk<W>,
    channels: BTreeMap<String, Channel>,
    /// Schemas that the tail has.
    schemas: u16,
    /// Messages since the file was last saved, and their bytes.
    unsaved: u64,
    unsaved_bytes: usize,
}

pub(super) struct McapSink<W: Output> {
    /// `None` once writing has failed, or the file is finished: what follows is dropped.
    live: Option<Live<W>>,
    /// The newest log time so far.
    newest: Stamp,
    /// Log time up to which the file was last saved.
    saved: Option<Stamp>,
    recorded: Recorded,
}

impl<W: Output> McapSink<W> {
    pub(super) fn new(output: W) -> Result<Self, RecordError> {
        let live = Live::new(output).map_err(RecordError::Write)?;
        Ok(Self { live: Some(live), newest: Stamp::ZERO, saved: None, recorded: Recorded::default() })
    }

    pub(super) const fn recorded(&self) -> Recorded {
        self.recorded
    }

    /// Returns true if the file is open and writing has not failed.
    pub(super) const fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// The time at which a message of `stamp` is logged: in a recording, time never runs backwards.
    pub(super) fn log_time(&self, stamp: Stamp) -> Stamp {
        self.newest.max(stamp)
    }

    /// The type of a topic's messages, if it is known.
    pub(super) fn type_of(&self, topic: &str) -> Option<&str> {
        let channel = self.live.as_ref()?.channels.get(topic)?;
        Some(&channel.type_name)
    }

    /// Makes a topic known. Without a schema its messages can be read only by those who know their type.
    pub(super) fn add_topic(
        &mut self,
        topic: &str,
        type_name: &str,
        schema: Option<&str>,
        qos_profile: &str,
    ) -> Result<(), RecordError> {
        self.with(|live| live.add_topic(topic, type_name, schema, qos_profile))
    }

    /// Writes one message of a known topic.
    pub(super) fn write(
        &mut self,
        topic: &str,
        log_time: Stamp,
        publish_time: Stamp,
        data: &[u8],
    ) -> Result<(), RecordError> {
        let newest = self.log_time(log_time);
        self.newest = newest;
        if self.live.is_none() {
            self.recorded.dropped += 1;
            return Ok(());
        }
        // Counted first: should saving fail, it is among those that are lost.
        self.recorded.messages += 1;
        if self.with(|live| live.write(topic, newest, publish_time, data))? {
            self.saved = Some(newest);
        }
        Ok(())
    }

    /// Saves when the log time has come further than this since the file was last saved.
    pub(super) fn save_each(&mut self, nanos: u64) -> Result<(), RecordError> {
        let saved = *self.saved.get_or_insert(self.newest);
        if self.newest >= saved.plus_nanos(nanos) { self.save() } else { Ok(()) }
    }

    /// Makes the file a whole one that holds every message so far.
    pub(super) fn save(&mut self) -> Result<(), RecordError> {
        self.saved = Some(self.newest);
        self.with(|live| if live.unsaved > 0 { live.save() } else { Ok(()) }).map(drop)
    }

    /// Saves and closes the file; nothing when that was done, or writing had failed before.
    pub(super) fn finish(&mut self) -> Result<(), RecordError> {
        self.with(Live::finish)?;
        self.live = None;
        Ok(())
    }

    /// Does something with the open file, if it is open. When that fails, the recording ends.
    fn with<T: Default>(
        &mut self,
        step: impl FnOnce(&mut Live<W>) -> Result<T, McapError>,
    ) -> Result<T, RecordError> {
        let Some(live) = &mut self.live else { return Ok(T::default()) };
        let error = match step(live) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let lost = live.unsaved;
        self.live = None;
        self.recorded.messages -= lost;
        self.recorded.dropped += lost;
        Err(RecordError::Write(error))
    }
}

impl<W: Output> Drop for McapSink<W> {
    fn drop(&mut self) {
        // Whoever wants to know calls `finish`.
        let _ = self.finish();
    }
}

impl<W: Output> Live<W> {
    fn new(output: W) -> Result<Self, McapError> {
        let tray = Tray::default();
        let writer = WriteOptions::new()
            .compression(Some(Compression::Lz4))
            .chunk_size(Some(CHUNK_BYTES as u64))
            .profile("ros2")
            .library(concat!("adit ", env!("CARGO_PKG_VERSION")))
            .disable_seeking(true)
            .create(NoSeek::new(tray.clone()))?;
        let mut live = Self {
            writer,
            tray,
            tail: Tail::default(),
            disk: Disk::new(output),
            channels: BTreeMap::new(),
            schemas: 0,
            unsaved: 0,
            unsaved_bytes: 0,
        };
        live.save()?;
        Ok(live)
    }

    fn add_topic(
        &mut self,
        topic: &str,
        type_name: &str,
        schema: Option<&str>,
        qos_profile: &str,
    ) -> Result<(), McapError> {
        let encoding = if schema.is_some() { "ros2msg" } else { "" };
        let text = schema.unwrap_or_default().as_bytes();
        let schema_id = self.writer.add_schema(type_name, encoding, text)?;
        // Numbers are given from 1 upwards, and two topics of one type share a schema.
        if schema_id > self.schemas {
            self.schemas = schema_id;
            let (name, encoding) = (type_name.to_owned(), encoding.to_owned());
            self.tail.add_schema(&records::SchemaHeader { id: schema_id, name, encoding }, text)?;
        }
        let metadata = BTreeMap::from([("offered_qos_profiles".to_owned(), qos_profile.to_owned())]);
        let id = self.writer.add_channel(schema_id, topic, "cdr", &metadata)?;
        self.tail.add_channel(&records::Channel {
            id,
            schema_id,
            topic: topic.to_owned(),
            message_encoding: "cdr".to_owned(),
            metadata,
        })?;
        self.channels.insert(topic.to_owned(), Channel { id, type_name: type_name.to_owned(), count: 0 });
        Ok(())
    }

    /// Writes a message, and returns true if the file was saved, too.
    fn write(
        &mut self,
        topic: &str,
        log_time: Stamp,
        publish_time: Stamp,
        data: &[u8],
    ) -> Result<bool, McapError> {
        self.unsaved += 1;
        self.unsaved_bytes += data.len();
        let Some(channel) = self.channels.get_mut(topic) else {
            return Err(McapError::UnknownChannel(0, 0));
        };
        let header = MessageHeader {
            channel_id: channel.id,
            sequence: channel.count,
            log_time: log_time.nanos(),
            publish_time: publish_time.nanos(),
        };
        channel.count = channel.count.wrapping_add(1);
        self.writer.write_to_known_channel(&header, data)?;
        // A summary grows with the file: waiting for as many bytes of data keeps its share below one half.
        let due = self.unsaved_bytes >= CHUNK_BYTES.max(self.tail.bytes());
        if due {
            self.save()?;
        }
        Ok(due)
    }

    fn save(&mut self) -> Result<(), McapError> {
        self.writer.flush()?;
        let data = self.tray.take();
        // The file's header, which comes first, is of no account in a summary.
        let chunks = if self.disk.end() > 0 { &*data } else { &[] };
        self.disk.make_room(data.len(), self.tail.growth(chunks), &self.tail)?;
        self.tail.add_data(self.disk.end(), chunks)?;
        self.disk.save(&data, &self.tail)?;
        (self.unsaved, self.unsaved_bytes) = (0, 0);
        Ok(())
    }

    /// The last save, with the crate's own tail: it has a checksum over all the data.
    fn finish(&mut self) -> Result<(), McapError> {
        self.writer.finish()?;
        let bytes = self.tray.take();
        self.disk.make_room(bytes.len(), 0, &self.tail)?;
        self.disk.finish(&bytes)?;
        self.unsaved = 0;
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
