//! A histogram of durations in a fixed space, for the real-time thread.

use std::fmt;

/// Buckets to each doubling of the duration.
const FINE: u64 = 4;
/// Durations below this share the first bucket, ns.
const MIN_NANOS: u64 = 1_000;
/// Enough for a second and more.
const BUCKETS: usize = 88;

/// Histogram of durations, each to within a fifth of it.
#[derive(Clone, Copy)]
pub struct Histogram {
    counts: [u32; BUCKETS],
    count: u64,
    max_nanos: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// Returns an empty histogram.
    pub const fn new() -> Self {
        Self { counts: [0; BUCKETS], count: 0, max_nanos: 0 }
    }

    /// Counts a duration, ns.
    pub fn add(&mut self, nanos: u64) {
        let bucket = &mut self.counts[bucket(nanos)];
        *bucket = bucket.saturating_add(1);
        self.count += 1;
        self.max_nanos = self.max_nanos.max(nanos);
    }

    /// Returns how many durations were counted.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Counts of the stretches of durations, from the first to the last that did: each a quarter of a doubling.
    pub fn shape(&self) -> &[u32] {
        let first = self.counts.iter().position(|count| *count > 0).unwrap_or(0);
        let last = self.counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        &self.counts[first..last]
    }

    /// Median, high quantiles and the most, us, as diagnostics tell them.
    pub fn in_us(&self) -> String {
        let us = |nanos: u64| nanos as f64 / 1e3;
        format!(
            "p50 {:.0} p99 {:.0} p99.9 {:.0} max {:.0}",
            us(self.quantile_nanos(0.5)),
            us(self.quantile_nanos(0.99)),
            us(self.quantile_nanos(0.999)),
            us(self.max_nanos)
        )
    }

    /// Returns the duration that a share of all were no longer than, ns; the upper end of its bucket. 0 of none.
    pub fn quantile_nanos(&self, share: f64) -> u64 {
        let wanted = (share * self.count as f64).ceil() as u64;
        let mut below = 0;
        for (i, count) in self.counts.iter().enumerate() {
            below += u64::from(*count);
            if below >= wanted && below > 0 {
                return upper_nanos(i).min(self.max_nanos);
            }
        }
        self.max_nanos
    }
}

/// Doublings above the least, in quarters.
fn bucket(nanos: u64) -> usize {
    let Some(doublings) = (nanos / MIN_NANOS).checked_ilog2() else { return 0 };
    let base = MIN_NANOS << doublings;
    let quarter = (nanos - base) * FINE / base;
    ((1 + FINE * u64::from(doublings) + quarter) as usize).min(BUCKETS - 1)
}

fn upper_nanos(bucket: usize) -> u64 {
    let Some(above) = (bucket as u64).checked_sub(1) else { return MIN_NANOS };
    let base = MIN_NANOS << (above / FINE);
    base + base * (above % FINE + 1) / FINE
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} times, us: {}", self.count, self.in_us())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_within_a_quarter() {
        let mut histogram = Histogram::new();
        for nanos in (1..=10_000).map(|i| i * 300) {
            histogram.add(nanos);
        }
        for (share, exact) in [(0.1, 300_000.0), (0.5, 1_500_000.0), (0.99, 2_970_000.0)] {
            let found = histogram.quantile_nanos(share) as f64;
            assert!(found >= exact && found <= 1.26 * exact, "{share}: {found}");
        }
        assert_eq!(histogram.quantile_nanos(1.0), 3_000_000);
        assert_eq!((histogram.count(), histogram.max_nanos), (10_000, 3_000_000));
    }

    #[test]
    fn its_shape_begins_and_ends_with_what_came() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.shape(), [0; 0]);
        for nanos in [2_000, 2_000, 3_100] {
            histogram.add(nanos);
        }
        assert_eq!(histogram.shape(), [2, 0, 1]);
    }

    #[test]
    fn extremes_have_a_bucket() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile_nanos(0.5), 0);
        for nanos in [0, 1, 999, 1000, 1_000_000_000, u64::MAX] {
            histogram.add(nanos);
            assert!(upper_nanos(bucket(nanos)) >= nanos.min(1_000_000_000), "{nanos}");
        }
        assert_eq!(histogram.max_nanos, u64::MAX);
    }

    #[test]
    fn buckets_follow_each_other() {
        for i in 1..60 {
            assert_eq!(bucket(upper_nanos(i - 1)), i, "its lower end is the upper end of the one before");
            assert_eq!(bucket(upper_nanos(i) - 1), i);
        }
    }
}
