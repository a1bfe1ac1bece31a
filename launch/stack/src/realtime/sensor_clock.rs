//! Conversion of a sensor's sample times to the receiver's clock.
//!
//! Samples wait on their way, in a chip, a driver, or for a reader that is late, and then arrive together. Their own times
//! tell how far apart they are; the ones that waited least tell where the two clocks stand to each other.

use robot_interface::time::Stamp;

/// A sample is taken to be no older than this on its arrival, ns.
const MAX_DELAY_NANOS: u64 = 100_000_000;
/// Greatest drift of the receiver's clock ahead of the sensor's: one part in so many.
const MAX_DRIFT: i64 = 1000;

/// Offset between a sensor's clock and the receiver's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SensorClock {
    /// Time of the newest sample by the sensor's clock, and what is to be added to have the receiver's, ns.
    last: Option<(i64, i64)>,
}

impl SensorClock {
    /// Returns the time of a sample that `arrived` now: never later than that, nor by more than a tenth of a second earlier.
    /// Samples come in their order; a sensor that starts again needs a new clock.
    pub(super) fn stamp(&mut self, time_us: u64, arrived: Stamp) -> Stamp {
        let taken = i64::try_from(time_us.saturating_mul(1000)).unwrap_or(i64::MAX);
        let now = i64::try_from(arrived.nanos()).unwrap_or(i64::MAX);
        // Were it the quickest one so far.
        let quickest = now.saturating_sub(taken);
        let offset = self.last.map_or(quickest, |(before, offset)| {
            let drift = taken.saturating_sub(before) / MAX_DRIFT;
            offset.saturating_add(drift).min(quickest)
        });
        self.last = Some((taken, offset));
        let nanos = u64::try_from(taken.saturating_add(offset)).unwrap_or(0);
        Stamp::from_nanos(nanos.max(arrived.nanos().saturating_sub(MAX_DELAY_NANOS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Returns the times given to samples of so many milliseconds by the sensor, that arrived at so many by the receiver, ms.
    fn stamps(samples: &[(u64, u64)]) -> Vec<f64> {
        let mut clock = SensorClock::default();
        let stamp = |&(taken, at): &(u64, u64)| {
            clock.stamp(taken * 1000, Stamp::from_nanos(at * MS)).nanos() as f64 / 1e6
        };
        samples.iter().map(stamp).collect()
    }

    #[test]
    fn samples_that_arrive_together_keep_their_distance() {
        let found = stamps(&[(10, 510), (12, 512), (14, 520), (16, 520), (18, 520), (20, 520), (22, 522)]);
        for (found, expected) in found.iter().zip([510.0, 512.0, 514.0, 516.0, 518.0, 520.0, 522.0]) {
            assert!((found - expected).abs() < 0.02 && *found <= expected + 0.011, "{found} {expected}");
        }
    }

    #[test]
    fn a_clock_that_goes_wrong_is_followed_within_bounds() {
        // Stands nearly still, then goes ten times too fast.
        let slow: Vec<_> = (0..1000).map(|i| (1000 + i / 10, 2 * i)).collect();
        let fast: Vec<_> = (0..1000).map(|i| (2000 + 20 * i, 2000 + 2 * i)).collect();
        let samples = [slow, fast].concat();
        for (found, (_, at)) in stamps(&samples).iter().zip(&samples) {
            let age = *at as f64 - found;
            assert!((0.0..=100.0).contains(&age), "{age}");
        }
        let mut clock = SensorClock::default();
        for time_us in [0, u64::MAX, 1, u64::MAX / 2] {
            let stamp = clock.stamp(time_us, Stamp::from_nanos(5000 * MS));
            assert!((4900 * MS..=5000 * MS).contains(&stamp.nanos()), "{stamp:?}");
        }
    }
}
