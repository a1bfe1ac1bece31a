//! Stamps of one topic's messages that stand still while they are recorded: nobody had set them.

use robot_interface::time::Stamp;

/// So many messages of one stamp, over so much of the recording's time, are no accident.
const MIN_MESSAGES: u64 = 5;
const MIN_SECONDS: f64 = 1.0;

/// Messages in a row that have one stamp.
#[derive(Clone, Copy, Debug)]
struct Still {
    stamp: Stamp,
    messages: u64,
    first: Stamp,
    last: Stamp,
}

impl Still {
    fn seconds(&self) -> f64 {
        self.last.seconds_since(self.first)
    }
}

#[derive(Debug, Default)]
pub(super) struct StampWatch {
    now: Option<Still>,
    longest: Option<Still>,
}

impl StampWatch {
    /// Takes a message's stamp, and the time at which it was recorded.
    pub(super) fn add(&mut self, stamp: Stamp, log_time: Stamp) {
        let now = match self.now {
            Some(now) if now.stamp == stamp => Still { messages: now.messages + 1, last: log_time, ..now },
            _ => Still { stamp, messages: 1, first: log_time, last: log_time },
        };
        self.now = Some(now);
        if self.longest.is_none_or(|longest| longest.seconds() <= now.seconds()) {
            self.longest = Some(now);
        }
    }

    /// Says if they stood still.
    pub(super) fn note(&self, topic: &str) -> Option<String> {
        let still = self.longest?;
        (still.messages >= MIN_MESSAGES && still.seconds() >= MIN_SECONDS).then(|| {
            format!(
                "The stamps of {topic} stand still at {:.3} s, in {} messages over {:.1} s of the recording: nobody set them, \
                 and what was measured meanwhile cannot be placed. Record with nodes that stamp their messages.",
                still.stamp.seconds(),
                still.messages,
                still.seconds()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stamps_that_stand_for_long_are_said() {
        let at = |ms: u64| Stamp::from_nanos(ms * 1_000_000);
        let of = |stamps: &dyn Fn(u64) -> u64| {
            let mut watch = StampWatch::default();
            for ms in (0..5_000).step_by(100) {
                watch.add(at(stamps(ms)), at(ms));
            }
            watch.note("/t")
        };
        assert_eq!(of(&|ms| ms), None);
        assert_eq!(of(&|ms| ms / 300), None, "twice is no standing still");
        let zero = of(&|_| 0).expect("still");
        assert!(zero.contains("at 0.000 s, in 50 messages over 4.9 s"), "{zero}");
        let late = of(&|ms| ms.min(2_000)).expect("still");
        assert!(late.contains("at 2.000 s, in 30 messages over 2.9 s"), "{late}");
    }
}
