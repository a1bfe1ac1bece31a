//! Reads a recording back, also one that is damaged: cut off, torn by a kill, or with something behind it.
//!
//! The file is walked once from record to record without its chunks' contents ([`scan`]); then one chunk after
//! the other is read in the order of the file, and a message is given out once no chunk that is still to be read
//! can hold an earlier one. A chunk counts only if it is whole: its checksum says that every byte is right. Where no
//! record stands, reading goes on at the next chunk.

mod error;
mod repair;
mod scan;
mod zstd;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

pub use error::{FileKind, Missing, PlaybackError};
use mcap::McapError;
use mcap::read::ChannelAccumulator;
use mcap::records::Record;
use mcap::sans_io::{LinearReadEvent, LinearReader, LinearReaderOptions};
#[cfg(test)]
pub(super) use repair::close;
pub use repair::repair;
use robot_interface::time::Stamp;
use scan::{Block, MAX_CHUNK, Scan};

use crate::tail;

/// lz4 and its like make at most 255 bytes of one.
const MAX_RATIO: u64 = 256;

/// Topic of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// The type of its messages, such as `std_msgs/msg/Header`; empty where the file does not say.
    pub type_name: String,
    /// The quality of service that its publishers offered, as rosbag2 writes it; empty where the file does not
    /// say.
    pub qos_profile: String,
    /// Encoding of its messages: `cdr` in all that ROS 2 records.
    pub encoding: String,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// The topic that it came on.
    pub topic: Arc<Topic>,
    /// Time at which it was recorded.
    pub log_time: Stamp,
    /// Time at which it was sent.
    pub publish_time: Stamp,
    /// The message as it was sent.
    pub data: Vec<u8>,
}

/// The messages of a recording, in the order of their log time; those of one time in the order in which they were
/// recorded. A part that is damaged comes as an error, once, and reading goes on behind it.
pub struct Playback<R = BufReader<File>> {
    input: R,
    /// Name for messages.
    file: String,
    size: u64,
    /// Messages that the summary counts.
    expected: Option<u64>,
    data_start: Option<u64>,
    blocks: std::vec::IntoIter<Block>,
    missing: Option<Missing>,
    definitions: ChannelAccumulator<'static>,
    topics: BTreeMap<u16, Arc<Topic>>,
    /// Topics that the summary repeats, for messages whose own definition stood in a part that is damaged.
    summarised: BTreeMap<u16, Arc<Topic>>,
    /// The topics of the whole recording.
    all_topics: Vec<Arc<Topic>>,
    /// Messages that were read but not given out, by log time and number.
    waiting: BTreeMap<(u64, u64), Played>,
    /// Messages that were read.
    count: u64,
}

impl Playback {
    /// Opens the recording at `path`.
    ///
    /// # Errors
    /// If it cannot be read or is no MCAP file.
    pub fn open(path: &Path) -> Result<Self, PlaybackError> {
        let file =
            File::open(path).map_err(|source| PlaybackError::Open { path: path.to_owned(), source })?;
        Self::named(BufReader::new(file), path.display().to_string())
    }
}

impl<R: Read + Seek> Playback<R> {
    /// Reads the recording that `input` holds.
    ///
    /// # Errors
    /// If it cannot be read or is no MCAP file.
    pub fn new(input: R) -> Result<Self, PlaybackError> {
        Self::named(input, "the recording".to_owned())
    }

    fn named(mut input: R, file: String) -> Result<Self, PlaybackError> {
        let scan = match scan::scan(&mut input) {
            Ok(Ok(scan)) => scan,
            Ok(Err(found)) => return Err(PlaybackError::NotMcap { file, found }),
            Err(source) => return Err(PlaybackError::Read { file, source }),
        };
        let Scan { blocks, summary, missing, data_start, size, messages } = scan;
        let mut playback = Self {
            input,
            file,
            size,
            expected: messages,
            data_start,
            blocks: Vec::new().into_iter(),
            missing,
            definitions: ChannelAccumulator::default(),
            topics: BTreeMap::new(),
            summarised: BTreeMap::new(),
            all_topics: Vec::new(),
            waiting: BTreeMap::new(),
            count: 0,
        };
        // The summary repeats the topics. Messages are of those that the data names: a summary may be torn.
        for block in summary {
            if playback.read(block).is_err() {
                playback.missing = Some(Missing::End { at: block.offset, size, is_index: true });
            }
        }
        let summarised = std::mem::take(&mut playback.topics);
        playback.definitions = ChannelAccumulator::default();
        // A file that lost its summary is read twice.
        if matches!(playback.missing, Some(Missing::End { .. })) {
            for block in &blocks {
                // What is damaged is said when its turn comes.
                let _ = playback.read(*block);
                playback.waiting.clear();
            }
            playback.all_topics = playback.topics.values().cloned().collect();
            playback.expected = None;
        } else {
            playback.all_topics = summarised.values().cloned().collect();
            playback.summarised = summarised;
        }
        playback.blocks = blocks.into_iter();
        playback.count = 0;
        Ok(playback)
    }

    /// Returns the file's length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns how many messages were recorded, if the file's summary is there and says so.
    pub fn recorded_messages(&self) -> Option<u64> {
        self.expected
    }

    /// Returns a time that no message still to come is earlier than; `None` when all were given out.
    pub(crate) fn earliest(&self) -> Option<Stamp> {
        let waiting = self.waiting.first_key_value().map(|((log_time, _), _)| *log_time);
        let unread = self.blocks.as_slice().first().map(|block| block.earliest);
        waiting.into_iter().chain(unread).min().map(Stamp::from_nanos)
    }

    /// Returns what the recording lacks, as far as its structure shows.
    pub fn missing(&self) -> Option<Missing> {
        self.missing
    }

    /// The topics of the recording.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.all_topics.iter()
    }

    /// Takes up what a block holds.
    fn read(&mut self, block: Block) -> Result<(), PlaybackError> {
        let Block { opcode, offset, length, .. } = block;
        if opcode == scan::HOLE {
            return Err(PlaybackError::Hole { file: self.file.clone(), offset, length });
        }
        let bytes = self.bytes(offset, length);
        let bytes = bytes.map_err(|source| PlaybackError::Read { file: self.file.clone(), source })?;
        match self.take(&bytes) {
            Ok(0) => Ok(()),
            Ok(messages) => Err(PlaybackError::Orphans { file: self.file.clone(), offset, messages }),
            Err(McapError::UnsupportedCompression(name)) => {
                Err(PlaybackError::Compression { file: self.file.clone(), name })
            }
            Err(source) => Err(PlaybackError::Damaged { file: self.file.clone(), offset, length, source }),
        }
    }

    /// Bytes that the scan has seen to be in the file.
    fn bytes(&mut self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        self.input.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Takes up a block: all of it, or (if it is damaged) nothing. Returns how many messages are of no known topic.
    fn take(&mut self, block: &[u8]) -> Result<u64, McapError> {
        let (mut messages, mut orphans) = (Vec::new(), 0);
        each_record(block, |record| {
            match record {
                Record::Schema { header, data } => self.definitions.add_schema_from_slice(header, &data)?,
                Record::Channel(channel) => self.add_topic(channel)?,
                Record::Message { header, data } => {
                    let id = header.channel_id;
                    match self.topics.get(&id).or_else(|| self.summarised.get(&id)) {
                        Some(topic) => messages.push(Played {
                            topic: Arc::clone(topic),
                            log_time: Stamp::from_nanos(header.log_time),
                            publish_time: Stamp::from_nanos(header.publish_time),
                            data: data.into_owned(),
                        }),
                        None => orphans += 1,
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        for message in messages {
            self.waiting.insert((message.log_time.nanos(), self.count), message);
            self.count += 1;
        }
        Ok(orphans)
    }

    fn add_topic(&mut self, channel: mcap::records::Channel) -> Result<(), McapError> {
        let id = channel.id;
        match self.definitions.add_channel(channel) {
            // Its schema stood in a part that is damaged.
            Err(McapError::UnknownSchema(..)) => return Ok(()),
            added => added?,
        }
        if let Some(channel) = self.definitions.get(id) {
            let schema = channel.schema.as_ref();
            self.topics.entry(id).or_insert_with(|| {
                Arc::new(Topic {
                    name: channel.topic.clone(),
                    type_name: schema.map(|schema| schema.name.clone()).unwrap_or_default(),
                    qos_profile: channel.metadata.get("offered_qos_profiles").cloned().unwrap_or_default(),
                    encoding: channel.message_encoding.clone(),
                })
            });
        }
        Ok(())
    }
}

impl<R> std::fmt::Debug for Playback<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playback").field("file", &self.file).finish_non_exhaustive()
    }
}

impl<R: Read + Seek> Iterator for Playback<R> {
    type Item = Result<Played, PlaybackError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let unread = self.blocks.as_slice().first().map(|block| block.earliest);
            let ready = self
                .waiting
                .first_key_value()
                .is_some_and(|((log_time, _), _)| unread.is_none_or(|earliest| *log_time <= earliest));
            if ready {
                return self.waiting.pop_first().map(|(_, message)| Ok(message));
            }
            let block = self.blocks.next()?;
            if let Err(error) = self.read(block) {
                return Some(Err(error));
            }
        }
    }
}

/// Hands out the records of a block; of a chunk, those in it, and an error at the end if they are not what was
/// written.
fn each_record(
    block: &[u8],
    record: impl FnMut(Record<'_>) -> Result<(), McapError>,
) -> Result<(), McapError> {
    let unpacked = match block.split_at_checked(tail::PREFIX) {
        Some(([opcode, ..], content)) => zstd::unpack(*opcode, content)?,
        _ => None,
    };
    read_records(unpacked.as_deref().unwrap_or(block), record)
}

fn read_records(
    block: &[u8],
    mut record: impl FnMut(Record<'_>) -> Result<(), McapError>,
) -> Result<(), McapError> {
    let limit = (block.len() as u64).saturating_mul(MAX_RATIO).min(MAX_CHUNK);
    let mut reader = LinearReader::new_with_options(
        LinearReaderOptions::default()
            .with_skip_start_magic(true)
            .with_skip_end_magic(true)
            .with_prevalidate_chunk_crcs(true)
            .with_record_length_limit(usize::try_from(limit).unwrap_or(usize::MAX)),
    );
    let mut rest = block;
    while let Some(event) = reader.next_event() {
        match event? {
            LinearReadEvent::ReadRequest(wanted) => {
                let (now, later) = rest.split_at(wanted.min(rest.len()));
                reader.insert(now.len()).copy_from_slice(now);
                reader.notify_read(now.len());
                rest = later;
            }
            LinearReadEvent::Record { data, opcode } => record(mcap::parse_record(opcode, data)?)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
