//! Finds frames in a stream that is given line by line, each as soon as it is certain.
//!
//! A frame may begin anywhere and go on over lines, noise may look like the beginning of one, and a checksum of eight
//! bits passes noise in one of 256 cases. So where two candidates overlap, the one wins for which more speaks: that it
//! fills its line, that it ends where a line ends or another frame begins, that it begins where a line begins or a
//! frame has ended. A frame of which the checksum alone is wrong is told as that where one is expected and no intact frame
//! begins in it: it takes nothing from those. What this does is for files and pipes; what drives motors has stricter readers.

use std::collections::VecDeque;
use std::ops::Range;

use super::frame_json::{Codec, Damaged, Front};

/// Bytes of a stretch of noise that are kept to be shown.
pub const SHOWN: usize = 32;

/// A part of a stream of bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// A frame, as a line of JSON.
    Frame(String),
    /// A whole frame but for its checksum, and the first [`SHOWN`] bytes of it.
    Damaged(Damaged, Vec<u8>),
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
    /// End of the last frame that was whole but for its checksum.
    behind_damaged: usize,
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
            behind_damaged: 0,
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
            let (len, found) = match self.frame_len()? {
                0 => match self.damaged()? {
                    None => (0, None),
                    Some(damaged) => {
                        let len = damaged.len;
                        self.behind_damaged = self.at + len;
                        let shown = self.held[self.at - self.base..][..len.min(SHOWN)].to_vec();
                        (len, Some(Found::Damaged(damaged, shown)))
                    }
                },
                len => {
                    let frame = &self.held[self.at - self.base..][..len];
                    (len, Some(Found::Frame(self.codec.show(frame))))
                }
            };
            self.behind_frame = matches!(found, Some(Found::Frame(_)));
            match found {
                None => {
                    let byte = self.held[self.at - self.base];
                    let (_, shown) = self.noise.get_or_insert_with(|| (self.at, Vec::new()));
                    if shown.len() < SHOWN {
                        shown.push(byte);
                    }
                    self.at += 1;
                }
                Some(found) => {
                    self.next = Some((self.at..self.at + len, found));
                    let noise = self.take_noise();
                    self.at += len;
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

    /// The frame that begins here but for its checksum, if something else speaks for it: that it begins or ends where one is
    /// expected to, or both if it goes on over lines. `None` if that takes more bytes to tell.
    fn damaged(&self) -> Option<Option<Damaged>> {
        let behind_frame = self.behind_frame || self.behind_damaged == self.at;
        let mut best = (0, None);
        for damaged in self.damaged_at(self.at) {
            let end = self.at + damaged.len;
            let inside = || (self.at + 1..end).map(|at| self.front(at));
            if inside().any(|front| matches!(front, Front::Frame { .. })) {
                continue;
            }
            if self.may_end(end) || !self.ended && inside().any(|front| front == Front::Unfinished) {
                return None;
            }
            // Several in a row speak for each other.
            let ends = self.ends(end) || !self.damaged_at(end).is_empty();
            let points = self.points_of(self.at, damaged.len, behind_frame || self.is_bound(self.at), ends);
            let enough = if self.crosses(self.at, damaged.len) { ENDS + BEGINS } else { BEGINS };
            // Of a command and a reply for which the same speaks, the reply: it leaves less unexplained.
            if points >= enough && points >= best.0 {
                best = (points, Some(damaged));
            }
        }
        Some(best.1)
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
        self.points_of(at, len, begins, self.ends(at + len))
    }

    fn points_of(&self, at: usize, len: usize, begins: bool, ends: bool) -> u8 {
        let fits = begins && ends && !self.crosses(at, len);
        u8::from(fits) * FITS + u8::from(ends) * ENDS + u8::from(begins) * BEGINS
    }

    /// Returns whether a line ends or a frame begins there.
    fn ends(&self, at: usize) -> bool {
        self.is_bound(at) || matches!(self.front(at), Front::Frame { .. })
    }

    /// Returns whether a line ends within these bytes.
    fn crosses(&self, at: usize, len: usize) -> bool {
        let inside = self.bounds.partition_point(|bound| *bound <= at);
        self.bounds.get(inside).is_some_and(|bound| *bound < at + len)
    }

    /// Returns whether what is to come may show that a frame ends here.
    fn may_end(&self, at: usize) -> bool {
        !self.ended && !self.is_bound(at) && matches!(self.front(at), Front::Unfinished)
    }

    fn is_bound(&self, at: usize) -> bool {
        at == 0 || self.bounds.binary_search(&at).is_ok()
    }

    fn damaged_at(&self, at: usize) -> Vec<Damaged> {
        self.held.get(at - self.base..).map_or_else(Vec::new, |bytes| self.codec.damaged(bytes))
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
