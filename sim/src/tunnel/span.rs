//! Division of a tunnel into stretches: where they begin and end, and how things in them are numbered.
//!
//! A border stands every [`STRETCH_M`], wherever the tunnel ends, so that a tunnel begins the same however long it is.

use std::ops::RangeInclusive;

/// Distance between borders, m. The last stretch takes what is left, half as much to half as much again: a tunnel of up
/// to 90 m is one stretch.
pub const STRETCH_M: f64 = 60.0;
/// Length by which cables and pipes of a stretch reach into the next one at most, m: the greatest distance of brackets.
pub(super) const OVERHANG_M: f64 = 5.0;

/// Low bits of an id, which number the things of one stretch; the high ones number the stretch.
const LOCAL_BITS: u32 = 16;

/// Stretches of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Division {
    length_m: f64,
    count: u32,
}

/// One stretch, by chainage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) index: u32,
    pub(crate) from_m: f64,
    pub(crate) to_m: f64,
    /// True if the tunnel begins here.
    pub(crate) first: bool,
    /// True if the tunnel ends here.
    pub(crate) last: bool,
}

impl Division {
    pub(crate) fn new(length_m: f64) -> Self {
        Self { length_m, count: (length_m / STRETCH_M).round().max(1.0) as u32 }
    }

    pub(crate) const fn count(self) -> u32 {
        self.count
    }

    pub(crate) fn span(self, index: u32) -> Span {
        let last = index + 1 >= self.count;
        Span {
            index,
            from_m: f64::from(index) * STRETCH_M,
            to_m: if last { self.length_m } else { f64::from(index + 1) * STRETCH_M },
            first: index == 0,
            last,
        }
    }

    /// The stretch at a chainage; beyond the ends, the first or the last one.
    pub(crate) fn at(self, chainage_m: f64) -> u32 {
        ((chainage_m / STRETCH_M).floor().max(0.0) as u32).min(self.count - 1)
    }

    /// Stretches that have anything between two chainages.
    pub(crate) fn touching(self, [from_m, to_m]: [f64; 2]) -> RangeInclusive<u32> {
        self.at(from_m - OVERHANG_M)..=self.at(to_m)
    }
}

impl Span {
    pub(crate) fn length_m(self) -> f64 {
        self.to_m - self.from_m
    }

    /// Chainages between which things are laid: `end_m` is kept from an end of the tunnel, `border_m` from another stretch.
    pub(crate) fn between(self, end_m: f64, border_m: f64) -> [f64; 2] {
        let kept = |end: bool| if end { end_m } else { border_m };
        [self.from_m + kept(self.first), self.to_m - kept(self.last)]
    }

    /// The same for meshes: `beyond_m` is how far they go on beyond an end of the tunnel.
    pub(crate) fn low_and_extent(self, beyond_m: f64) -> [f64; 2] {
        let ends = f64::from(u8::from(self.first) + u8::from(self.last));
        [if self.first { self.from_m - beyond_m } else { self.from_m }, self.length_m() + ends * beyond_m]
    }

    /// True for a chainage that is this stretch's to fill, of all the tunnel's.
    pub(crate) fn holds(self, chainage_m: f64) -> bool {
        (self.first || chainage_m >= self.from_m) && (self.last || chainage_m < self.to_m)
    }

    /// Of the places `first_m + k * every_m`, `k < count`, those that this stretch holds.
    pub(crate) fn bays(self, first_m: f64, every_m: f64, count: usize) -> impl Iterator<Item = f64> {
        // One more on both sides: a quotient may be rounded over a border.
        let near = ((self.from_m - first_m) / every_m).floor().max(1.0) as usize - 1;
        let far = (((self.to_m - first_m) / every_m).ceil() as usize).saturating_add(2);
        let (near, far) = (if self.first { 0 } else { near }, if self.last { count } else { far.min(count) });
        (near..far).map(move |k| first_m + k as f64 * every_m).filter(move |s| self.holds(*s))
    }

    /// Displacement along the tunnel, m, that brings what lies between two chainages clear of the borders.
    pub(crate) fn inward_m(self, low_m: f32, high_m: f32) -> f32 {
        const GAP_M: f32 = 0.02;
        if !self.first && low_m < self.from_m as f32 + GAP_M {
            self.from_m as f32 + GAP_M - low_m
        } else if !self.last && high_m > self.to_m as f32 - GAP_M {
            self.to_m as f32 - GAP_M - high_m
        } else {
            0.0
        }
    }

    /// Id of the first thing of a kind in this stretch.
    pub(crate) const fn first_id(self) -> u32 {
        self.index << LOCAL_BITS
    }
}

/// Stretch of an id, and place in that stretch's list.
pub(crate) const fn split_id(id: u32) -> (u32, usize) {
    (id >> LOCAL_BITS, (id & ((1 << LOCAL_BITS) - 1)) as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_tunnels_are_one_stretch_from_end_to_end() {
        for length_m in [6.0, 12.0, 60.0, 89.9] {
            let division = Division::new(length_m);
            let expected = Span { index: 0, from_m: 0.0, to_m: length_m, first: true, last: true };
            assert_eq!((division.count(), division.span(0)), (1, expected));
            assert_eq!(expected.inward_m(-50.0, 500.0), 0.0);
        }
    }

    proptest! {
        #[test]
        fn stretches_follow_each_other_and_share_nothing(length_m in 6.0f64..1e5, at in 0.0f64..1.0, every_m in 0.5f64..5.0) {
            let division = Division::new(length_m);
            let index = division.at(at * length_m);
            let span = division.span(index);
            prop_assert!(span.holds(at * length_m));
            prop_assert!(division.count() == 1 || (29.9..90.1).contains(&span.length_m()), "{span:?}");
            prop_assert_eq!(span.last, index + 1 == division.count());
            let count = (length_m / every_m) as usize;
            let all: Vec<f64> = (0..count).map(|k| 0.3 + k as f64 * every_m).filter(|s| span.holds(*s)).collect();
            prop_assert_eq!(span.bays(0.3, every_m, count).collect::<Vec<_>>(), all);
            if !span.last {
                let next = division.span(index + 1);
                prop_assert_eq!(span.to_m, next.from_m);
                prop_assert!(!span.holds(span.to_m) && next.holds(span.to_m));
                prop_assert!(division.touching([span.to_m, span.to_m]).eq(index..=index + 1));
            }
        }
    }
}
