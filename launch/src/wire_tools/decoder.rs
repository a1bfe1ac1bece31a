//! Finds frames in a stream that is given line by line, each as soon as it is certain.
//!
//! A frame may begin anywhere and go on over lines, noise may look like the beginning of one, and a checksum of eight
//! bits passes noise in one of 256 cases. So where two candidates overlap, the one wins for which more speaks: that it
//! fills its line, that it ends where a line ends or another frame begins, that it begins where a line begins or a
//! frame has ended. What this does is for files and pipes; what drives motors has stricter readers.

use std::collections::VecDeque;
use std::ops::Range;

use super::frame_json::{Codec, Front};

/// Bytes of a stretch of noise that are kept to be shown.
pub const SHOWN: usize = 32;

/// A part of a stream of bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// A frame, as a line of JSON.
    Frame(String),
    /// Bytes that belong to none: the first [`SHOWN`] of them.
    Noise(Vec<u8>),
}

/// A stream on its way through a [`Codec`]. Each byte belongs to one thing found.
#[derive(Clone, Debug)]
pub struct Decoder {
    codec: Codec,
    /// The stream from `base` on.
    held: Vec<u8>,
    base: usize,
    /// Places where lines begin and end, in ascending order.
    bounds: VecDeque<usize>,
    /// Everything before is settled.
    at: usize,
    /// A frame ended there.
    behind_frame: bool,
    /// Beginning of the noise that ends at `at`, and its first bytes.
    noise: Option<(usize, Vec<u8>)>,
    /// Waits behind the noise before it.
    next: Option<(Range<usize>, Found)>,
    ended: bool,
}

/// Two whole frames within a candidate, or one for which more speaks, take its place.
enum Rivals {
    None,
    /// Bytes that are to come may be one.
    Awaited,
    Stronger,
}

/// Points for a candidate that fills a line, or its part of one between other frames.
const FITS: u8 = 4;
const ENDS: u8 = 2;
const BEGINS: u8 = 1;

impl Decoder {
    /// At the beginning of a stream.
    pub const fn new(codec: Codec) -> Self {
        Self {
            codec,
            held: Vec::new(),
            base: 0,
            bounds: VecDeque::new(),
            at: 0,
            behind_frame: false,
            noise: None,
            next: None,
            ended: false,
        }
    }

    /// More of the present line.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.at - self.base);
        self.base = self.at;
        while self.bounds.front().is_some_and(|bound| *bound < self.at) {
            self.bounds.pop_front();
        }
        self.held.extend_from_slice(bytes);
    }

    /// The present line ends here.
    pub fn end_line(&mut self) {
        if self.bounds.back() != Some(&self.end()) {
            self.bounds.push_back(self.end());
        }
    }

    /// Nothing more comes.
    pub fn finish(&mut self) {
        self.end_line();
        self.ended = true;
    }

    /// Place of the next byte that is pushed.
    pub const fn end(&self) -> usize {
        self.base + self.held.len()
    }

    /// The next thing found, with where it stands in the stream; `None` if that takes more bytes to tell.
    pub fn next_found(&mut self) -> Option<(Range<usize>, Found)> {
        loop {
            if let Some(found) = self.next.take() {
                return Some(found);
            }
            if self.at == self.end() {
                return if self.ended { self.take_noise() } else { None };
            }
            match self.frame_len()? {
                0 => {
                    let byte = self.held[self.at - self.base];
                    let (_, shown) = self.noise.get_or_insert_with(|| (self.at, Vec::new()));
                    if shown.len() < SHOWN {
                        shown.push(byte);
                    }
                    self.at += 1;
                    self.behind_frame = false;
                }
                len => {
                    let frame = &self.held[self.at - self.base..][..len];
                    self.next = Some((self.at..self.at + len, Found::Frame(self.codec.show(frame))));
                    let noise = self.take_noise();
                    self.at += len;
                    self.behind_frame = true;
                    if noise.is_some() {
                        return noise;
                    }
                }
            }
        }
    }

    fn take_noise(&mut self) -> Option<(Range<usize>, Found)> {
        self.noise.take().map(|(start, shown)| (start..self.at, Found::Noise(shown)))
    }

    /// Length of the frame that begins here, 0 if none does; `None` if that takes more bytes to tell.
    fn frame_len(&self) -> Option<usize> {
        let (len, doubtful) = match self.front(self.at) {
            Front::Frame { len, doubtful } => (len, doubtful),
            Front::Unfinished if !self.ended => {
                let rivals = self.rivals(self.at..usize::MAX, FITS - 1);
                return matches!(rivals, Rivals::Stronger).then_some(0);
            }
            Front::Unfinished | Front::Nothing => return Some(0),
        };
        let points = self.points(self.at, len, self.behind_frame);
        if points >= FITS {
            return Some(len);
        }
        let rivals = self.rivals(self.at..self.at + len, points);
        let refused = doubtful && points == 0 || !matches!(rivals, Rivals::None);
        let may_change = matches!(rivals, Rivals::Awaited) || self.may_end(self.at + len);
        match refused {
            false => Some(len),
            true if may_change => None,
            true => Some(0),
        }
    }

    /// Rivals of the candidate in this range, for which so many points speak.
    fn rivals(&self, range: Range<usize>, points: u8) -> Rivals {
        let (mut whole_until, mut awaited) = (None, false);
        for at in range.start + 1..range.end.min(self.end()) {
            let front = self.front(at);
            awaited |= match front {
                Front::Nothing => false,
                _ if points >= ENDS && !self.is_bound(at) => false,
                Front::Unfinished => !self.ended,
                Front::Frame { len, .. } => self.may_end(at + len),
            };
            match front {
                Front::Nothing | Front::Unfinished => {}
                Front::Frame { len, .. } if self.points(at, len, false) > points => return Rivals::Stronger,
                Front::Frame { doubtful: true, .. } => {}
                Front::Frame { len, .. } if at + len > range.end => {}
                Front::Frame { len, .. } => match whole_until {
                    Some(first) if at < first => {}
                    Some(_) => return Rivals::Stronger,
                    None => whole_until = Some(at + len),
                },
            }
        }
        if awaited { Rivals::Awaited } else { Rivals::None }
    }

    fn points(&self, at: usize, len: usize, behind_frame: bool) -> u8 {
        let begins = behind_frame || self.is_bound(at);
        let ends = self.is_bound(at + len) || matches!(self.front(at + len), Front::Frame { .. });
        let inside = self.bounds.partition_point(|bound| *bound <= at);
        let crosses = self.bounds.get(inside).is_some_and(|bound| *bound < at + len);
        let fits = begins && ends && !crosses;
        u8::from(fits) * FITS + u8::from(ends) * ENDS + u8::from(begins) * BEGINS
    }

    /// Returns whether what is to come may show that a frame ends here.
    fn may_end(&self, at: usize) -> bool {
        !self.ended && !self.is_bound(at) && matches!(self.front(at), Front::Unfinished)
    }

    fn is_bound(&self, at: usize) -> bool {
        at == 0 || self.bounds.binary_search(&at).is_ok()
    }

    fn front(&self, at: usize) -> Front {
        self.held.get(at - self.base..).map_or(Front::Unfinished, |bytes| self.codec.front(bytes))
    }
}

impl Codec {
    /// Everything in a stream, from its beginning to its end: each byte belongs to one thing found. Frames may begin
    /// anywhere; `starts` are where lines of it begin, in ascending order.
    pub fn decode(&self, stream: &[u8], starts: &[usize]) -> Vec<(Range<usize>, Found)> {
        let mut decoder = Decoder::new(*self);
        for start in starts {
            if let Some(line) = stream.get(decoder.end()..*start) {
                decoder.push(line);
                decoder.end_line();
            }
        }
        decoder.push(&stream[decoder.end()..]);
        decoder.finish();
        std::iter::from_fn(|| decoder.next_found()).collect()
    }
}
