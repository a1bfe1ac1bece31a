//! Tail of an MCAP file, which closes it: the end of the data, the summary, the footer (<https://mcap.dev/spec>).
//!
//! The mcap crate writes these once, when a file is finished. A file that is whole all the time needs them
//! again at every save, so they are made here, in the same order and with the same bytes; only the checksum
//! over all the data is left out, which the crate's own tail has and no reader that seeks looks at.

use std::io::Cursor;

use binrw::BinWrite;
use mcap::records::{self, ChunkIndex, DataEnd, Footer, Record, Statistics, SummaryOffset, op};
use mcap::{MAGIC, McapError, parse_record};

/// Bytes before a record's content: what it is, and the content's length.
pub(super) const PREFIX: usize = 9;
/// A record of this application's own (those from 0x80 upwards are free for that).
const FILLER: u8 = 0xad;

/// Content of the summary, as bytes where those only grow.
#[derive(Default)]
pub(super) struct Tail {
    schemas: Vec<u8>,
    channels: Vec<u8>,
    chunks: Vec<u8>,
    statistics: Statistics,
}

impl Tail {
    /// A schema that messages have from now on.
    pub(super) fn add_schema(
        &mut self,
        header: &records::SchemaHeader,
        text: &[u8],
    ) -> Result<(), McapError> {
        let mut content = encode(header)?;
        // A text of 4 GiB is none that a node has.
        content.extend_from_slice(&(text.len() as u32).to_le_bytes());
        content.extend_from_slice(text);
        put(&mut self.schemas, op::SCHEMA, &content);
        self.statistics.schema_count = self.statistics.schema_count.saturating_add(1);
        Ok(())
    }

    /// A channel that messages come on from now on.
    pub(super) fn add_channel(&mut self, channel: &records::Channel) -> Result<(), McapError> {
        put(&mut self.channels, op::CHANNEL, &encode(channel)?);
        self.statistics.channel_count += 1;
        Ok(())
    }

    /// Chunks and their message indexes, as the crate wrote them; they stand at `offset` in the file. Gives the
    /// number of messages that are indexed so far.
    pub(super) fn add_data(&mut self, offset: u64, data: &[u8]) -> Result<u64, McapError> {
        let mut open: Option<ChunkIndex> = None;
        let mut rest = data;
        while !rest.is_empty() {
            let at = offset + (data.len() - rest.len()) as u64;
            let (opcode, content, behind) = split(rest).ok_or(McapError::UnexpectedEof)?;
            let length = (rest.len() - behind.len()) as u64;
            rest = behind;
            match parse_record(opcode, content)? {
                Record::Chunk { header, .. } => {
                    if let Some(chunk) = open.replace(ChunkIndex {
                        message_start_time: header.message_start_time,
                        message_end_time: header.message_end_time,
                        chunk_start_offset: at,
                        chunk_length: length,
                        message_index_offsets: Default::default(),
                        message_index_length: 0,
                        compression: header.compression,
                        compressed_size: header.compressed_size,
                        uncompressed_size: header.uncompressed_size,
                    }) {
                        self.add_chunk(&chunk)?;
                    }
                }
                Record::MessageIndex(index) => {
                    let chunk = open.as_mut().ok_or(McapError::BadIndex)?;
                    chunk.message_index_offsets.insert(index.channel_id, at);
                    chunk.message_index_length += length;
                    let count = index.records.len() as u64;
                    self.statistics.message_count += count;
                    *self.statistics.channel_message_counts.entry(index.channel_id).or_default() += count;
                }
                _ => {}
            }
        }
        if let Some(chunk) = open {
            self.add_chunk(&chunk)?;
        }
        Ok(self.statistics.message_count)
    }

    fn add_chunk(&mut self, chunk: &ChunkIndex) -> Result<(), McapError> {
        put(&mut self.chunks, op::CHUNK_INDEX, &encode(chunk)?);
        let statistics = &mut self.statistics;
        let first = statistics.chunk_count == 0;
        statistics.chunk_count += 1;
        // Chunks come in the order of their time.
        if first {
            statistics.message_start_time = chunk.message_start_time;
        }
        statistics.message_end_time = statistics.message_end_time.max(chunk.message_end_time);
        Ok(())
    }

    /// About how long the summary is.
    pub(super) const fn bytes(&self) -> usize {
        self.schemas.len() + self.channels.len() + self.chunks.len()
    }

    /// Returns how much longer the summary gets by this data, at most.
    pub(super) fn growth(&self, data: &[u8]) -> usize {
        let records = std::iter::successors(split(data), |(.., rest)| split(rest));
        records
            .map(|(opcode, ..)| match opcode {
                // A chunk's index without its channels, and the name of its compression.
                op::CHUNK => 128,
                // Two bytes and eight in the chunk's index, and in the statistics.
                _ => 20,
            })
            .sum()
    }

    /// Appends the end of the data and the summary to `out`, whose own end stands at `offset` in the file, and
    /// gives the footer that belongs to them, without a checksum.
    pub(super) fn write_summary(&self, offset: u64, out: &mut Vec<u8>) -> Result<Footer, McapError> {
        let base = out.len();
        put(out, op::DATA_END, &encode(&DataEnd { data_section_crc: 0 })?);
        let position = |out: &Vec<u8>| offset + (out.len() - base) as u64;
        let summary_start = position(out);

        let mut statistics = Vec::new();
        put(&mut statistics, op::STATISTICS, &encode(&self.statistics)?);
        let groups = [
            (op::SCHEMA, &self.schemas),
            (op::CHANNEL, &self.channels),
            (op::STATISTICS, &statistics),
            (op::CHUNK_INDEX, &self.chunks),
        ];
        let mut offsets = Vec::new();
        for (group_opcode, group) in groups.into_iter().filter(|(_, group)| !group.is_empty()) {
            let offset =
                SummaryOffset { group_opcode, group_start: position(out), group_length: group.len() as u64 };
            put(&mut offsets, op::SUMMARY_OFFSET, &encode(&offset)?);
            out.extend_from_slice(group);
        }
        let summary_offset_start = position(out);
        out.extend_from_slice(&offsets);
        Ok(Footer { summary_start, summary_offset_start, summary_crc: 0 })
    }

    /// Appends a whole tail to `out`, whose own end stands at `offset` in the file: summary and footer without a
    /// gap.
    pub(super) fn write(&self, offset: u64, out: &mut Vec<u8>) -> Result<(), McapError> {
        let base = out.len();
        let footer = self.write_summary(offset, out)?;
        let summary = base + usize::try_from(footer.summary_start - offset).unwrap_or_default();
        put(out, op::FOOTER, &encode(&footer)?);
        // The checksum reaches into the footer, up to itself.
        out.truncate(out.len() - size_of::<u32>());
        let summary_crc = crc32fast::hash(out.get(summary..).unwrap_or_default());
        out.extend_from_slice(&summary_crc.to_le_bytes());
        out.extend_from_slice(MAGIC);
        Ok(())
    }
}

/// The last bytes of a file.
pub(super) fn closing(footer: &Footer) -> Result<Vec<u8>, McapError> {
    let mut out = Vec::new();
    put(&mut out, op::FOOTER, &encode(footer)?);
    out.extend_from_slice(MAGIC);
    Ok(out)
}

/// The beginning of a record of `length` bytes, its content whatever stands there, that every reader skips.
pub(super) fn filler(length: u64) -> [u8; PREFIX] {
    let mut prefix = [FILLER; PREFIX];
    let content = length.saturating_sub(PREFIX as u64);
    prefix.iter_mut().skip(1).zip(content.to_le_bytes()).for_each(|(byte, value)| *byte = value);
    prefix
}

/// A record's content.
fn encode<R: for<'a> BinWrite<Args<'a> = ()>>(record: &R) -> Result<Vec<u8>, McapError> {
    let mut content = Cursor::new(Vec::new());
    record.write_le(&mut content)?;
    Ok(content.into_inner())
}

fn put(out: &mut Vec<u8>, opcode: u8, content: &[u8]) {
    out.push(opcode);
    out.extend_from_slice(&(content.len() as u64).to_le_bytes());
    out.extend_from_slice(content);
}

/// The first record's opcode and content, and what stands behind it.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX>()?;
    let (opcode, length) = prefix.split_first()?;
    let length = u64::from_le_bytes(length.try_into().ok()?);
    let (content, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((*opcode, content, rest))
}
