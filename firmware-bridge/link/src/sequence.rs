//! Sequence numbers as the receiver sees them: what was lost, came twice, or came late.

/// Place of a frame among those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Newer than all before.
    New {
        /// Frames between the newest before and this one, which have not come.
        missing: u16,
    },
    /// Older than the newest, but not seen before.
    Late,
    /// Seen before, or too old to tell.
    Doubled,
}

/// Follows one direction's sequence numbers, which wrap: 0 comes after 65535. It remembers the newest
/// [`WINDOW`](Self::WINDOW).
#[derive(Clone, Copy, Debug, Default)]
pub struct SequenceTracker {
    newest: Option<u16>,
    /// Bit `i` is set if `newest - i` has come.
    seen: u64,
}

impl SequenceTracker {
    /// Greatest distance behind the newest at which a frame is still told from a doubled one.
    pub const WINDOW: u16 = u64::BITS as u16;

    /// A tracker that takes any number for the first.
    pub const fn new() -> Self {
        Self { newest: None, seen: 0 }
    }

    /// A frame with this number has come.
    pub const fn take(&mut self, seq: u16) -> Arrival {
        let Some(newest) = self.newest else {
            self.newest = Some(seq);
            self.seen = 1;
            return Arrival::New { missing: 0 };
        };
        let ahead = seq.wrapping_sub(newest);
        if ahead > 0 && ahead < 1 << 15 {
            let shifted = if ahead < Self::WINDOW { self.seen << ahead } else { 0 };
            self.newest = Some(seq);
            self.seen = shifted | 1;
            return Arrival::New { missing: ahead - 1 };
        }
        let behind = newest.wrapping_sub(seq);
        if behind >= Self::WINDOW || self.seen >> behind & 1 == 1 {
            return Arrival::Doubled;
        }
        self.seen |= 1 << behind;
        Arrival::Late
    }
}

/// Counts of what has gone well and wrong in the direction towards this end, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounts {
    /// Intact frames, doubled ones included.
    pub frames: u64,
    /// Frames that were sent and have not come, by the gaps in the sequence numbers.
    pub lost: u64,
    /// Frames that had come before, and were dropped.
    pub doubled: u64,
    /// Frames that came after one sent later.
    pub late: u64,
    /// Stretches of bytes between delimiters that were no intact frame.
    pub corrupt: u64,
    /// Intact frames that held no message of this version, or an unfit number.
    pub unusable: u64,
    /// Messages that only this end sends: an echo, as half-duplex lines give.
    pub echoes: u64,
}

impl LinkCounts {
    pub(crate) fn count(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::New { missing } => self.lost += u64::from(missing),
            Arrival::Late => {
                self.late += 1;
                self.lost = self.lost.saturating_sub(1);
            }
            Arrival::Doubled => self.doubled += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(numbers: &[u16]) -> impl Iterator<Item = Arrival> {
        let mut tracker = SequenceTracker::new();
        numbers.iter().map(move |&seq| tracker.take(seq))
    }

    #[track_caller]
    fn check(numbers: &[u16], expected: Arrival) {
        assert_eq!(arrivals(numbers).last(), Some(expected), "{numbers:?}");
    }

    #[test]
    fn the_last_of_a_row() {
        check(&[40_000], Arrival::New { missing: 0 });
        check(&[5, 6], Arrival::New { missing: 0 });
        check(&[5, 9], Arrival::New { missing: 3 });
        check(&[5, 5], Arrival::Doubled);
        check(&[5, 7, 6], Arrival::Late);
        check(&[5, 7, 6, 6], Arrival::Doubled);
        check(&[5, 7, 6, 5], Arrival::Doubled);
        check(&[5, 7, 6, 8], Arrival::New { missing: 0 });
    }

    #[test]
    fn numbers_wrap() {
        check(&[65_535, 0], Arrival::New { missing: 0 });
        check(&[65_534, 1], Arrival::New { missing: 2 });
        check(&[65_535, 1, 0], Arrival::Late);
        check(&[65_535, 0, 65_535], Arrival::Doubled);
        let mut tracker = SequenceTracker::new();
        for number in 0..200_000_u32 {
            assert_eq!(tracker.take(number as u16), Arrival::New { missing: 0 });
        }
    }

    #[test]
    fn the_window_has_an_edge() {
        check(&[100, 164, 101], Arrival::Late);
        check(&[100, 165, 101], Arrival::Doubled);
        check(&[100, 163, 100], Arrival::Doubled);
        check(&[100, 100 + 32_767], Arrival::New { missing: 32_766 });
        check(&[100, 100 + 32_768], Arrival::Doubled);
    }
}
