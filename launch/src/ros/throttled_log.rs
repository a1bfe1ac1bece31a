//! Throttled log: warnings of what happens many times a second.

use std::fmt::Display;

use robot_interface::time::Stamp;

/// Interval between two tellings, s.
const AGAIN_S: f64 = 5.0;

/// Throttle of one warning.
#[derive(Debug, Default)]
pub(crate) struct ThrottledLog {
    said: Option<Stamp>,
    unsaid: u64,
}

impl ThrottledLog {
    /// Warns of it, unless that was done in the last five seconds; then it is counted.
    pub(crate) fn warn(&mut self, now: Stamp, text: impl Display) {
        match self.due(now) {
            Some(0) => tracing::warn!("{text}"),
            Some(times) => tracing::warn!("{text} (and {times} times unsaid before)"),
            None => {}
        }
    }

    /// If it is to be said now, how often it was not since the last time.
    fn due(&mut self, now: Stamp) -> Option<u64> {
        if self.said.is_some_and(|said| now.seconds_since(said) < AGAIN_S) {
            self.unsaid += 1;
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_all_the_time_is_said_now_and_then_with_its_count() {
        let mut throttled = ThrottledLog::default();
        let said =
            (0..600).filter_map(|i| throttled.due(Stamp::from_nanos(i * 20_000_000)).map(|times| (i, times)));
        assert_eq!(said.collect::<Vec<_>>(), [(0, 0), (250, 249), (500, 249)]);
    }
}
