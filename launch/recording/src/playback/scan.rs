//! Places of the chunks in a file, from the file itself: a summary may be missing or wrong.

use std::io::{self, Read, Seek, SeekFrom};

use mcap::MAGIC;
use mcap::records::op;

use super::error::{Missing, PlaybackError};

/// Bytes before a record's content: what it is, and the content's length.
const PREFIX: usize = 9;
/// Bytes of a message before its data; its log time stands at 6.
const MESSAGE_HEADER: usize = 22;
const MESSAGE_LOG_TIME: usize = 6;

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
}

/// Walks `input` from its beginning. Only a system's error, or a file that never was one, is an error.
pub(super) fn scan<R: Read + Seek>(input: &mut R) -> Result<Scan, PlaybackError> {
    let end = input.seek(SeekFrom::End(0))?;
    input.seek(SeekFrom::Start(0))?;
    let mut magic = [0; MAGIC.len()];
    if end < magic.len() as u64 {
        return Err(PlaybackError::Magic);
    }
    input.read_exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(PlaybackError::Magic);
    }
    let mut at = magic.len() as u64;
    let mut blocks: Vec<Block> = Vec::new();
    let mut summary = Vec::new();
    let (mut data_start, mut in_summary) = (None, false);
    let missing = loop {
        let Some((opcode, length)) = prefix(input, at, end)? else { break Some(Missing::End { at }) };
        let next = at + length;
        match opcode {
            op::DATA_END => in_summary = true,
            op::HEADER => data_start = Some(next),
            op::FOOTER => break behind_footer(input, next, end)?.map_or(Some(Missing::End { at }), |it| it),
            op::CHUNK | op::MESSAGE | op::SCHEMA | op::CHANNEL => {
                let Some(earliest) = first_time(input, opcode, length)? else {
                    break Some(Missing::End { at });
                };
                let blocks = if in_summary { &mut summary } else { &mut blocks };
                blocks.push(Block { opcode, offset: at, length, end: next, earliest });
            }
            op::MESSAGE_INDEX => {
                if let Some(block) = blocks.last_mut().filter(|block| block.end == at) {
                    block.end = next;
                }
            }
            _ => {}
        }
        seek(input, next)?;
        at = next;
    };
    // From each block's own first message to that of all behind it.
    let mut earliest = u64::MAX;
    for block in blocks.iter_mut().rev() {
        earliest = earliest.min(block.earliest);
        block.earliest = earliest;
    }
    Ok(Scan { blocks, summary, missing, data_start })
}

/// The opcode of the record at `at` and its whole length; `None` if there is no whole one.
fn prefix<R: Read>(input: &mut R, at: u64, end: u64) -> io::Result<Option<(u8, u64)>> {
    let room = end - at;
    if room < PREFIX as u64 {
        return Ok(None);
    }
    let [opcode, length @ ..] = {
        let mut bytes = [0; PREFIX];
        input.read_exact(&mut bytes)?;
        bytes
    };
    let length = u64::from_le_bytes(length).saturating_add(PREFIX as u64);
    // Zero is no opcode; a hole in a file reads as zeros.
    Ok((opcode != 0 && length <= room).then_some((opcode, length)))
}

/// The log time at which a record's messages begin; `None` if it is too short to say.
fn first_time<R: Read>(input: &mut R, opcode: u8, length: u64) -> io::Result<Option<u64>> {
    let (needed, at) = match opcode {
        op::CHUNK => (size_of::<u64>(), 0),
        op::MESSAGE => (MESSAGE_HEADER, MESSAGE_LOG_TIME),
        _ => return Ok(Some(u64::MAX)),
    };
    if length < (PREFIX + needed) as u64 {
        return Ok(None);
    }
    let mut bytes = [0; MESSAGE_HEADER];
    let (bytes, _) = bytes.split_at_mut(needed);
    input.read_exact(bytes)?;
    let time = bytes.get(at..).and_then(|bytes| bytes.first_chunk::<8>());
    Ok(time.map(|bytes| u64::from_le_bytes(*bytes)))
}

/// Checks that the magic stands behind the footer (`None` if not), and looks for anything behind that.
fn behind_footer<R: Read + Seek>(input: &mut R, at: u64, end: u64) -> io::Result<Option<Option<Missing>>> {
    let mut magic = [0; MAGIC.len()];
    if end - at < magic.len() as u64 {
        return Ok(None);
    }
    seek(input, at)?;
    input.read_exact(&mut magic)?;
    let at = at + magic.len() as u64;
    Ok((magic == *MAGIC).then_some((at < end).then_some(Missing::Trailing { at })))
}

/// Goes to `to` without throwing away what is buffered, if it is near.
fn seek<R: Seek>(input: &mut R, to: u64) -> io::Result<()> {
    let here = input.stream_position()?;
    match i64::try_from(i128::from(to) - i128::from(here)) {
        Ok(step) => input.seek_relative(step),
        Err(_) => input.seek(SeekFrom::Start(to)).map(drop),
    }
}
