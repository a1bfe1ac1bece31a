//! Finds the adapter's frames in a stream that has no checksum, and finds its place again after noise.

use super::super::WireError;
use super::adapter::{INBOUND_LEN, Inbound, Report};
use super::answer::Answer;
use super::impossible;

/// A reader's knowledge of where frames begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The next byte begins a frame: nothing has come since the line was quiet, or the last frame ended just
    /// here. One frame is believed; but a report that carries no CAN frame, of which there is little to check,
    /// only with a motor's answer right behind it.
    Known,
    /// Something came that was no frame. Only two answers of motors, one right behind the other, are believed.
    Lost,
}

/// Counts of what has gone well and wrong since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames believed.
    pub frames: u64,
    /// Times that the place was lost.
    pub losses: u64,
    /// Bytes thrown away.
    pub bytes: u64,
    /// Windows that looked like a motor's answer while the place was lost, and had no neighbour.
    pub unconfirmed: u64,
}

/// Finds the adapter's frames. Does not allocate.
///
/// An unbroken stretch of noise is reported once. Behind it the first good frame waits for the second, and then
/// both are returned. A master that asks one motor and gets one answer would wait for ever: after a quiet time
/// it calls [`clear`](Self::clear) and asks again, as it must after a lost answer anyway.
#[derive(Clone, Debug)]
pub struct Reader {
    buffer: [u8; 2 * INBOUND_LEN],
    len: usize,
    place: Place,
    counts: Counts,
}

impl Reader {
    /// A reader that has seen nothing on a quiet line.
    pub const fn new() -> Self {
        let counts = Counts { frames: 0, losses: 0, bytes: 0, unconfirmed: 0 };
        Self { buffer: [0; 2 * INBOUND_LEN], len: 0, place: Place::Known, counts }
    }

    /// Takes bytes off the front of `input` until they complete a frame or prove broken; `None` once the input is
    /// used up. Call it until then.
    pub fn next_frame(&mut self, input: &mut &[u8]) -> Option<Result<Inbound, WireError>> {
        loop {
            if let Some(found) = self.scan() {
                return Some(found);
            }
            let (&byte, rest) = input.split_first()?;
            *input = rest;
            self.buffer[self.len] = byte;
            self.len += 1;
        }
    }

    /// Forgets what is unfinished: the next byte begins a frame. Only to be called when the line has been quiet,
    /// before a request. Returns how many bytes were dropped.
    pub const fn clear(&mut self) -> usize {
        let dropped = self.len;
        self.counts.bytes += dropped as u64;
        self.len = 0;
        self.place = Place::Known;
        dropped
    }

    /// Returns whether a frame has begun.
    pub const fn is_holding(&self) -> bool {
        self.len > 0
    }

    /// Place of the next byte, on which it depends whether the next frame is believed alone.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// Counts of what has gone well and wrong since the start.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    fn scan(&mut self) -> Option<Result<Inbound, WireError>> {
        match self.place {
            Place::Lost => self.search().map(Ok),
            _ if self.len < INBOUND_LEN => None,
            Place::Known => self.front(),
        }
    }

    /// Takes what stands at the front, or loses the place.
    fn front(&mut self) -> Option<Result<Inbound, WireError>> {
        let decoded = match Inbound::decode(&self.buffer[..INBOUND_LEN]) {
            Ok(frame) if frame.report == Report::Received => Ok(frame),
            Ok(_) if self.len < 2 * INBOUND_LEN => return None,
            Ok(frame) => plausible(&self.buffer[INBOUND_LEN..]).map(|_| frame),
            Err(error) => Err(error),
        };
        if decoded.is_err() {
            self.place = Place::Lost;
            self.counts.losses += 1;
            self.drop_front(1);
        }
        Some(decoded.map(|frame| self.take(frame)))
    }

    /// The first of two plausible answers in a row, if the buffer holds them.
    fn search(&mut self) -> Option<Inbound> {
        while self.len >= INBOUND_LEN {
            let Ok(first) = plausible(&self.buffer[..INBOUND_LEN]) else {
                self.drop_front(1);
                continue;
            };
            if self.len < 2 * INBOUND_LEN {
                return None;
            }
            if plausible(&self.buffer[INBOUND_LEN..]).is_ok() {
                return Some(self.take(first));
            }
            self.counts.unconfirmed += 1;
            self.drop_front(1);
        }
        None
    }

    fn take(&mut self, frame: Inbound) -> Inbound {
        self.counts.frames += 1;
        self.place = Place::Known;
        self.buffer.copy_within(INBOUND_LEN..self.len, 0);
        self.len -= INBOUND_LEN;
        frame
    }

    fn drop_front(&mut self, count: usize) {
        self.counts.bytes += count as u64;
        self.buffer.copy_within(count..self.len, 0);
        self.len -= count;
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

/// The window as a frame that carries a motor's answer, checked as far as it can be.
fn plausible(window: &[u8]) -> Result<Inbound, WireError> {
    let frame = Inbound::decode(window)?;
    match Answer::decode(&frame)? {
        Some(answer) if answer.is_plausible() => Ok(frame),
        _ => Err(impossible("the data's first byte", frame.data[0].into())),
    }
}
