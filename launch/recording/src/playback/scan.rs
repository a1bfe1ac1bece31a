//! Places of the chunks in a file, from the file itself: a summary may be missing or wrong.
//!
//! Where no record stands, the walk goes on at the next chunk whose header agrees with its length, or at the summary.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};

use mcap::MAGIC;
use mcap::records::op;

use super::error::{FileKind, Missing};

/// No recorder makes chunks of this size; a length beyond it is an accident and not to be allocated.
pub(super) const MAX_CHUNK: u64 = 1 << 30;
/// Opcode of a [`Block`] that is none of the file's records: bytes between two records that hold none.
pub(super) const HOLE: u8 = 0;
/// Bytes before a record's content: what it is, and the content's length.
const PREFIX: u64 = 9;
/// Bytes of a message before its data; its log time stands at 6.
const MESSAGE_HEADER: u64 = 22;
const MESSAGE_LOG_TIME: usize = 6;
/// Bytes of a chunk's header before the name of its compression: first and last time, size, checksum, name's length.
const CHUNK_HEADER: u64 = 32;
/// A name of a compression is no longer than this.
const MAX_NAME: u64 = 32;
/// Content of the data's end, and of a footer.
const DATA_END: u64 = 4;
const FOOTER: u64 = 20;
/// So many records in a row are no accident.
const CHAIN: usize = 4;
/// Bytes that are looked through at once.
const WINDOW: usize = 1 << 16;

/// A record to read later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) opcode: u8,
    /// Offset at which it begins, and its length with its prefix.
    pub(super) offset: u64,
    pub(super) length: u64,
    /// Offset at which the message indexes behind it end.
    pub(super) end: u64,
    /// No message in it or in a block behind it is earlier than this, log time in ns.
    pub(super) earliest: u64,
}

pub(super) struct Scan {
    pub(super) blocks: Vec<Block>,
    /// Schemas and channels that the summary repeats.
    pub(super) summary: Vec<Block>,
    pub(super) missing: Option<Missing>,
    /// Offset at which the file's header ends and its data begins; `None` without a header.
    pub(super) data_start: Option<u64>,
    /// Length of the file.
    pub(super) size: u64,
    /// Messages that there were when the summary was written, if it says so.
    pub(super) messages: Option<u64>,
}

/// Walks `input` from its beginning. A file that never was a recording is not scanned.
pub(super) fn scan<R: Read + Seek>(input: &mut R) -> io::Result<Result<Scan, FileKind>> {
    let size = input.seek(SeekFrom::End(0))?;
    input.seek(SeekFrom::Start(0))?;
    let mut first = Vec::new();
    input.by_ref().take(16).read_to_end(&mut first)?;
    if !first.starts_with(MAGIC) {
        return Ok(Err(FileKind::of(&first)));
    }
    let mut walk = Walk { input, size, blocks: Vec::new(), channels: BTreeSet::new(), checked: 0 };
    walk.checked = MAGIC.len() as u64;
    let mut at = walk.checked;
    let (mut summary, mut messages) = (Vec::new(), None);
    let (mut data_start, mut in_summary) = (None, false);
    let missing = loop {
        let lost = |is_index| Some(Missing::End { at, size, is_index });
        let Some(record) = walk.record_at(at)? else {
            if in_summary {
                break lost(true);
            }
            let Some(resumed) = walk.resume(at)? else { break lost(false) };
            (at, in_summary) = (resumed.at, resumed.in_summary);
            continue;
        };
        let Record { opcode, length, earliest } = record;
        let next = at + length;
        let block = Block { opcode, offset: at, length, end: next, earliest };
        match opcode {
            op::DATA_END => in_summary = true,
            op::HEADER => data_start = Some(next),
            op::FOOTER => break walk.behind_footer(next)?.unwrap_or_else(|| lost(in_summary)),
            op::STATISTICS if in_summary => messages = walk.u64_at(at + PREFIX)?,
            op::SCHEMA | op::CHANNEL if in_summary => summary.push(block),
            op::CHANNEL => {
                walk.add_channel(at)?;
                walk.blocks.push(block);
            }
            // One in a summary is none of the data's: it would not be of the file's order.
            op::CHUNK | op::MESSAGE if in_summary => {}
            op::CHUNK | op::MESSAGE | op::SCHEMA => walk.blocks.push(block),
            op::MESSAGE_INDEX => {
                if let Some(block) = walk.blocks.last_mut().filter(|block| block.end == at) {
                    block.end = next;
                }
            }
            _ => {}
        }
        if opcode == op::CHUNK {
            walk.checked = next;
        }
        at = next;
    };
    let mut blocks = walk.blocks;
    // From each block's own first message to that of all behind it.
    let mut earliest = u64::MAX;
    for block in blocks.iter_mut().rev() {
        earliest = earliest.min(block.earliest);
        block.earliest = earliest;
    }
    Ok(Ok(Scan { blocks, summary, missing, data_start, size, messages }))
}

/// A record's prefix, and the log time at which its messages begin (the latest of all if it has none).
#[derive(Clone, Copy)]
struct Record {
    opcode: u8,
    /// With its prefix.
    length: u64,
    earliest: u64,
}

struct Walk<'a, R> {
    input: &'a mut R,
    size: u64,
    blocks: Vec<Block>,
    /// Channels that stood outside of chunks.
    channels: BTreeSet<u16>,
    /// Offset up to which the file's records are what their lengths say: the end of the last chunk.
    checked: u64,
}

/// Place at which the walk goes on behind a hole.
struct Resumed {
    at: u64,
    in_summary: bool,
}

impl<R: Read + Seek> Walk<'_, R> {
    /// The record at `at`; `None` if there is no whole one.
    fn record_at(&mut self, at: u64) -> io::Result<Option<Record>> {
        let room = self.size.saturating_sub(at);
        if room < PREFIX {
            return Ok(None);
        }
        seek(self.input, at)?;
        let [opcode, length @ ..] = self.bytes::<{ PREFIX as usize }>()?;
        let length = u64::from_le_bytes(length).saturating_add(PREFIX);
        // Zero is no opcode; a hole in a file reads as zeros.
        if opcode == HOLE || length > room {
            return Ok(None);
        }
        let content = length - PREFIX;
        let earliest = match opcode {
            op::CHUNK => self.chunk_time(content)?,
            op::MESSAGE if content < MESSAGE_HEADER => None,
            op::MESSAGE => le_u64(&self.bytes::<{ MESSAGE_HEADER as usize }>()?, MESSAGE_LOG_TIME),
            op::CHANNEL if content < 2 => None,
            op::DATA_END if content != DATA_END => None,
            op::FOOTER if content != FOOTER => None,
            _ => Some(u64::MAX),
        };
        Ok(earliest.map(|earliest| Record { opcode, length, earliest }))
    }

    /// Takes the channel at `at`.
    fn add_channel(&mut self, at: u64) -> io::Result<()> {
        seek(self.input, at + PREFIX)?;
        let id = u16::from_le_bytes(self.bytes()?);
        self.channels.insert(id);
        Ok(())
    }

    /// The log time at which the messages of the chunk begin whose content stands here; `None` if its header does not agree
    /// with the length of its content.
    fn chunk_time(&mut self, content: u64) -> io::Result<Option<u64>> {
        if content < CHUNK_HEADER + 8 {
            return Ok(None);
        }
        let header = self.bytes::<{ CHUNK_HEADER as usize }>()?;
        let name = header.last_chunk::<4>().map_or(u64::MAX, |bytes| u64::from(u32::from_le_bytes(*bytes)));
        if name > MAX_NAME || content < CHUNK_HEADER + name + 8 {
            return Ok(None);
        }
        self.input.seek_relative(name as i64)?;
        let records = u64::from_le_bytes(self.bytes()?);
        // A record may have fields at its end that are not known here.
        let known = records.saturating_add(CHUNK_HEADER + name + 8);
        Ok(le_u64(&header, 0).filter(|_| known <= content && content - known <= MAX_NAME))
    }

    /// The place behind `at`, where no record stands, at which the walk goes on, if there is one.
    fn resume(&mut self, at: u64) -> io::Result<Option<Resumed>> {
        let is_chunked =
            self.channels.is_empty() || self.blocks.iter().any(|block| block.opcode == op::CHUNK);
        // A wrong length may have led past chunks that are whole.
        let from = if is_chunked { self.checked } else { at + 1 };
        let found = match self.next_record(from, !is_chunked)? {
            Some(at) => Resumed { at, in_summary: false },
            None => match self.summary(at)? {
                Some(at) => Resumed { at, in_summary: true },
                None => return Ok(None),
            },
        };
        self.blocks.retain(|block| block.offset < found.at);
        let offset = if found.at > at { at } else { self.checked };
        let length = found.at - offset;
        self.blocks.push(Block { opcode: HOLE, offset, length, end: found.at, earliest: u64::MAX });
        Ok(Some(found))
    }

    /// The first offset from `from` on at which a chunk begins, or (where there are `messages` outside of chunks) several
    /// records in a row.
    fn next_record(&mut self, from: u64, messages: bool) -> io::Result<Option<u64>> {
        let mut window = vec![0; WINDOW];
        let mut start = from;
        while start + PREFIX <= self.size {
            seek(self.input, start)?;
            let read = usize::try_from(self.size - start).map_or(WINDOW, |rest| rest.min(WINDOW));
            let window = &mut window[..read];
            self.input.read_exact(window)?;
            for (i, prefix) in window.windows(PREFIX as usize).enumerate() {
                let at = start + i as u64;
                let is_chunk = prefix[0] == op::CHUNK;
                let fits = le_u64(prefix, 1).is_some_and(|length| length <= self.size - at - PREFIX);
                if !(is_chunk || messages && prefix[0] == op::MESSAGE) || !fits {
                    continue;
                }
                if (is_chunk && self.record_at(at)?.is_some()) || (messages && self.is_chain(at)?) {
                    return Ok(Some(at));
                }
            }
            start += (read - (PREFIX as usize - 1)) as u64;
        }
        Ok(None)
    }

    /// Returns true if several records in a row stand at `at`, messages of known channels, or the last ones of the file.
    fn is_chain(&mut self, mut at: u64) -> io::Result<bool> {
        for _ in 0..CHAIN {
            let Some(record) = self.record_at(at)? else { return Ok(false) };
            match record.opcode {
                op::MESSAGE => {
                    seek(self.input, at + PREFIX)?;
                    let channel = u16::from_le_bytes(self.bytes()?);
                    if !self.channels.contains(&channel) {
                        return Ok(false);
                    }
                }
                op::DATA_END => return Ok(true),
                op::SCHEMA | op::CHANNEL | op::ATTACHMENT | op::METADATA => {}
                _ => return Ok(false),
            }
            at += record.length;
        }
        Ok(true)
    }

    /// The offset of the summary that the footer at the file's end names, if it stands behind `at`, is whole, and is not
    /// older than the data that is missing: one of a recording that was being saved is.
    fn summary(&mut self, at: u64) -> io::Result<Option<u64>> {
        let closing = PREFIX + FOOTER + MAGIC.len() as u64;
        let Some(footer_at) = self.size.checked_sub(closing).filter(|footer_at| *footer_at > at) else {
            return Ok(None);
        };
        seek(self.input, footer_at)?;
        let footer = self.bytes::<{ (PREFIX + FOOTER) as usize }>()?;
        let is_footer = footer[0] == op::FOOTER && le_u64(&footer, 1) == Some(FOOTER);
        let magic: [u8; MAGIC.len()] = self.bytes()?;
        let Some(start) = le_u64(&footer, PREFIX as usize).filter(|start| (at..footer_at).contains(start))
        else {
            return Ok(None);
        };
        if !is_footer || magic != *MAGIC {
            return Ok(None);
        }
        let mut is_newer = start - at <= 2 * PREFIX;
        let mut record_at = start;
        while record_at < footer_at {
            let Some(record) = self.record_at(record_at)? else { return Ok(None) };
            if record.opcode == op::CHUNK_INDEX {
                let chunk = self.u64_at(record_at + PREFIX + 16)?;
                is_newer |= chunk.is_some_and(|chunk| chunk >= self.checked);
            }
            record_at += record.length;
        }
        Ok((is_newer && record_at == footer_at).then_some(start))
    }

    /// Checks that the magic stands behind the footer (`None` if not), and looks for anything behind that.
    fn behind_footer(&mut self, at: u64) -> io::Result<Option<Option<Missing>>> {
        if self.size - at < MAGIC.len() as u64 {
            return Ok(None);
        }
        seek(self.input, at)?;
        let magic: [u8; MAGIC.len()] = self.bytes()?;
        let at = at + magic.len() as u64;
        Ok((magic == *MAGIC).then_some((at < self.size).then_some(Missing::Trailing { at })))
    }

    fn u64_at(&mut self, at: u64) -> io::Result<Option<u64>> {
        if at.saturating_add(8) > self.size {
            return Ok(None);
        }
        seek(self.input, at)?;
        self.bytes().map(|bytes| Some(u64::from_le_bytes(bytes)))
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

fn le_u64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Goes to `to` without throwing away what is buffered, if it is near.
fn seek<R: Seek>(input: &mut R, to: u64) -> io::Result<()> {
    let here = input.stream_position()?;
    match i64::try_from(i128::from(to) - i128::from(here)) {
        Ok(step) => input.seek_relative(step),
        Err(_) => input.seek(SeekFrom::Start(to)).map(drop),
    }
}
