//! Closes a recording that was torn while it was saved, so that any reader opens it.

use std::fs::File;
use std::io::{Read, SeekFrom};
use std::path::Path;

use mcap::McapError;
use mcap::records::{Channel, SchemaHeader, op};

use super::{Block, Missing, Playback, PlaybackError, scan};
use crate::Output;
use crate::tail::Tail;

/// Gives the recording at `path` the summary that it lost, behind the last chunk that is whole, and says what was
/// missing; one that is complete stays as it is. What stands behind that chunk goes: it is no more than what was
/// being saved when the recording was torn.
///
/// # Errors
/// If the file cannot be read or written, is no MCAP file, is damaged before its end, or has messages that no
/// index names.
pub fn repair(path: &Path) -> Result<Option<Missing>, PlaybackError> {
    let file = File::options().read(true).write(true).open(path);
    close(file.map_err(|source| PlaybackError::Open { path: path.to_owned(), source })?)
}

pub(crate) fn close<F: Read + Output>(file: F) -> Result<Option<Missing>, PlaybackError> {
    let mut playback = Playback::new(file)?;
    match playback.missing {
        None => {}
        Some(Missing::Trailing { at }) => playback.input.cut(at).map_err(PlaybackError::Repair)?,
        Some(Missing::End { .. }) => playback.close()?,
    }
    Ok(playback.missing)
}

impl<F: Read + Output> Playback<F> {
    fn close(&mut self) -> Result<(), PlaybackError> {
        let Some(mut end) = self.data_start else {
            let (offset, file) = (0, self.file.clone());
            return Err(PlaybackError::Hole { file, offset, length: self.size });
        };
        let mut tail = Tail::default();
        let blocks = self.blocks.as_slice().to_vec();
        if blocks.iter().any(|block| block.opcode == op::MESSAGE) {
            return Err(PlaybackError::NotIndexed);
        }
        if let Some(hole) = blocks.iter().find(|block| block.opcode == scan::HOLE) {
            let (offset, length) = (hole.offset, hole.length);
            return Err(PlaybackError::Hole { file: self.file.clone(), offset, length });
        }
        let mut chunks = blocks.into_iter().filter(|block| block.opcode == op::CHUNK).peekable();
        while let Some(chunk) = chunks.next() {
            match self.whole(chunk) {
                Ok(data) => {
                    tail.add_data(chunk.offset, &data).map_err(|source| self.damaged(end, source))?;
                    end = chunk.end;
                }
                // It was being saved.
                Err(_) if chunks.peek().is_none() => break,
                // Cutting here would cost what stands behind it.
                Err(error) => return Err(error),
            }
        }
        let mut bytes = Vec::new();
        let made = self.add_topics(&mut tail).and_then(|()| tail.write(end, &mut bytes));
        made.map_err(|source| self.damaged(end, source))?;
        let mut put = || {
            self.input.cut(end)?;
            self.input.seek(SeekFrom::Start(end))?;
            self.input.write_all(&bytes)?;
            self.input.flush()
        };
        put().map_err(PlaybackError::Repair)
    }

    fn damaged(&self, offset: u64, source: McapError) -> PlaybackError {
        PlaybackError::Damaged { file: self.file.clone(), offset, length: 0, source }
    }

    /// A chunk's bytes with those of its message indexes, if all are there.
    fn whole(&mut self, chunk: Block) -> Result<Vec<u8>, PlaybackError> {
        self.read(chunk)?;
        let messages = std::mem::take(&mut self.waiting).len() as u64;
        let data = self.bytes(chunk.offset, chunk.end - chunk.offset);
        let data = data.map_err(|source| PlaybackError::Read { file: self.file.clone(), source })?;
        let indexed = Tail::default().add_data(chunk.offset, &data);
        if indexed.is_ok_and(|indexed| indexed == messages) {
            Ok(data)
        } else {
            Err(PlaybackError::NotIndexed)
        }
    }

    fn add_topics(&self, tail: &mut Tail) -> Result<(), McapError> {
        let mut schemas = Vec::new();
        for channel in self.topics.keys().filter_map(|id| self.definitions.get(*id)) {
            if let Some(schema) = channel.schema.as_ref().filter(|schema| !schemas.contains(&schema.id)) {
                schemas.push(schema.id);
                let (name, encoding) = (schema.name.clone(), schema.encoding.clone());
                tail.add_schema(&SchemaHeader { id: schema.id, name, encoding }, &schema.data)?;
            }
            tail.add_channel(&Channel {
                id: channel.id,
                schema_id: channel.schema.as_ref().map_or(0, |schema| schema.id),
                topic: channel.topic.clone(),
                message_encoding: channel.message_encoding.clone(),
                metadata: channel.metadata.clone(),
            })?;
        }
        Ok(())
    }
}
