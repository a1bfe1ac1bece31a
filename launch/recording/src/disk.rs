//! A file that is a whole one at every moment, whenever the process is killed and wherever the disk fills.
//!
//! While a recording is written, its file is
//!
//! ```text
//! data | room for more | summary | another summary | footer
//! ```
//!
//! with filler records, which readers skip as unknown, where nothing else stands. To save is to write new data into the
//! room, a new summary over the one that the footer does not name, and then the footer, which names that. Until the
//! last of these the file is as it was before; and the footer, at the beginning of a page and small, is written
//! at once or not at all, because the kernel looks for a kill only between pages. (One write of data and tail over
//! the old tail was tried before: of 120 kills, one hit in the middle of it.) When the room is used up, the
//! two summaries and the footer move on, and the file's last bytes are for some microseconds a second copy of the
//! old footer. A finished file is data, summary and footer without gaps.
//!
//! The room is a hole that takes no space on the disk.

use std::fs::File;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::Path;

use mcap::McapError;
use mcap::records::Footer;

use super::RecordError;
use super::tail::{PREFIX, Tail, closing, filler};

/// Destination of a recording.
pub trait Output: Write + Seek {
    /// Cuts off all that stands after the first `length` bytes.
    ///
    /// # Errors
    /// If the system refuses.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Output for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

impl Output for Cursor<Vec<u8>> {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.get_mut().truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(())
    }
}

impl<W: Output> Output for &mut W {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        (**self).cut(length)
    }
}

/// A new file at `path`, which is replaced where it exists.
pub(super) fn create(path: &Path) -> Result<File, RecordError> {
    File::create(path).map_err(|source| RecordError::Create { path: path.to_owned(), source })
}

/// The footer stands at a multiple of this, so that it is in one page.
const PAGE: u64 = 4096;
/// Least room for data; later a part of what is there, so that moving gets rare.
const MIN_ROOM: u64 = 16 * PAGE;
const ROOM_PART: u64 = 4;

/// An output and what stands in it.
pub(super) struct Disk<W> {
    output: W,
    /// Bytes of data.
    end: u64,
    /// Offsets of the two summaries, and the space of each.
    slots: [u64; 2],
    space: u64,
    /// The one of them that is not in use.
    free: usize,
    footer: Option<Footer>,
}

impl<W: Output> Disk<W> {
    pub(super) const fn new(output: W) -> Self {
        Self { output, end: 0, slots: [0; 2], space: 0, free: 0, footer: None }
    }

    /// Offset at which the data ends, and the next begins.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Makes room for so much more data, and for a summary that is so much longer. `tail` is that of the data
    /// that is there.
    pub(super) fn make_room(&mut self, data: usize, growth: usize, tail: &Tail) -> Result<(), McapError> {
        let mut summary = Vec::new();
        tail.write_summary(0, &mut summary)?;
        let data_end = self.end + (data + PREFIX) as u64;
        let needed = (summary.len() + growth + PREFIX) as u64;
        if data_end <= self.slots[0] && needed <= self.space {
            return Ok(());
        }
        let room = (self.end / ROOM_PART).max(MIN_ROOM);
        // Behind all that is there: until the footer names the new ones, the old ones are in use.
        let first = (data_end.max(self.close() + PAGE) + room).next_multiple_of(PAGE);
        self.space = (2 * needed).next_multiple_of(PAGE);
        self.slots = [first, first + self.space];
        if let Some(footer) = &self.footer {
            let (closing, close) = (closing(footer)?, self.close());
            put(&mut self.output, close, &closing)?;
        }
        self.free = 0;
        self.put_summary(tail)
    }

    /// Puts `data` behind the data that is there; `tail` is that of all. There must be room.
    pub(super) fn save(&mut self, data: &[u8], tail: &Tail) -> Result<(), McapError> {
        let end = self.end + data.len() as u64;
        put(&mut self.output, self.end, &[data, &filler(self.slots[self.free] - end)].concat())?;
        self.put_summary(tail)?;
        self.end = end;
        Ok(())
    }

    /// Puts `bytes`, data and a whole tail, behind the data and closes the file behind that. There must be room.
    pub(super) fn finish(&mut self, bytes: &[u8]) -> io::Result<()> {
        put(&mut self.output, self.end, bytes)?;
        self.output.cut(self.end + bytes.len() as u64)
    }

    /// Offset of the footer.
    const fn close(&self) -> u64 {
        self.slots[1] + self.space
    }

    fn put_summary(&mut self, tail: &Tail) -> Result<(), McapError> {
        let at = self.slots[self.free];
        let mut bytes = Vec::new();
        let footer = tail.write_summary(at, &mut bytes)?;
        bytes.extend(filler(self.close() - at - bytes.len() as u64));
        put(&mut self.output, at, &bytes)?;
        let close = self.close();
        put(&mut self.output, close, &closing(&footer)?)?;
        self.footer = Some(footer);
        self.free = 1 - self.free;
        Ok(())
    }
}

fn put<W: Output>(output: &mut W, at: u64, bytes: &[u8]) -> io::Result<()> {
    output.seek(SeekFrom::Start(at))?;
    output.write_all(bytes)?;
    output.flush()
}
