//! Watchdog of the control loop, for the process that it runs in: motors may hold their last command for as long as it hangs.

use robot_interface::time::Stamp;

use super::handle::TimeBase;

/// Time without a heartbeat from which the loop hangs, s.
const HUNG_S: f64 = 1.0;
/// The same in simulation, s: nobody is hurt there, and a busy machine keeps any thread waiting.
const SIMULATED_HUNG_S: f64 = 3.0;
/// Longest time that one of the process's rounds counts for, s: while the whole computer stands still nothing hangs.
const MAX_ROUND_S: f64 = 0.02;

/// Watchdog of the control loop. It goes by the loop's heartbeats, which go on while the loop waits for a simulated world
/// that is slow, and not by its reports, which do not.
#[derive(Clone, Copy, Debug)]
pub struct LoopWatchdog {
    limit_s: f64,
    /// Heartbeats as last seen.
    beats: u64,
    round: Stamp,
    /// Duration of the rounds since the last heartbeat, s.
    silent_s: f64,
}

impl LoopWatchdog {
    /// Returns a watchdog over a loop that starts now.
    pub const fn new(base: TimeBase, now: Stamp) -> Self {
        let limit_s = match base {
            TimeBase::Sensor => SIMULATED_HUNG_S,
            TimeBase::System(_) => HUNG_S,
        };
        Self { limit_s, beats: 0, round: now, silent_s: 0.0 }
    }

    /// Takes the number of heartbeats, once a round of the process; returns true if the loop hangs. A loop that has not
    /// begun to beat is starting.
    pub fn hangs(&mut self, now: Stamp, beats: u64) -> bool {
        let round_s = now.seconds_since(std::mem::replace(&mut self.round, now)).min(MAX_ROUND_S);
        let is_alive = std::mem::replace(&mut self.beats, beats) != beats || beats == 0;
        self.silent_s = if is_alive { 0.0 } else { self.silent_s + round_s };
        self.silent_s > self.limit_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Watchdog with a clock, over a loop that has begun to beat.
    struct Bench {
        watchdog: LoopWatchdog,
        now: Stamp,
        beats: u64,
    }

    impl Bench {
        fn new(base: TimeBase) -> Self {
            let mut bench =
                Self { watchdog: LoopWatchdog::new(base, Stamp::ZERO), now: Stamp::ZERO, beats: 0 };
            assert!(!bench.rounds(500, 0.005, 0), "it is starting");
            assert!(!bench.rounds(1, 0.005, 1));
            bench
        }

        /// Returns true if the loop hangs in one of so many rounds of `s` seconds, with so many heartbeats in each.
        fn rounds(&mut self, count: u32, s: f64, beats: u64) -> bool {
            (0..count).any(|_| {
                self.now = self.now.plus_nanos((s * 1e9) as u64);
                self.beats += beats;
                self.watchdog.hangs(self.now, self.beats)
            })
        }
    }

    /// Rounds were counted, whatever time they took: a flood of messages made the bridge end itself.
    #[test]
    fn a_loop_hangs_after_a_second_of_rounds_without_a_heartbeat() {
        let mut bench = Bench::new(TimeBase::System(0));
        assert!(!bench.rounds(20_000, 1e-5, 0), "many of them in no time");
        assert!(!bench.rounds(10, 60.0, 0), "a computer that stood still");
        assert!(!bench.rounds(100, 0.005, 0));
        assert!(bench.rounds(100, 0.005, 0));
    }

    /// On a busy machine the bridge ended itself, and with it the mission, though simulated time only stretches there.
    #[test]
    fn in_simulation_it_has_three_seconds() {
        let mut bench = Bench::new(TimeBase::Sensor);
        assert!(!bench.rounds(590, 0.005, 0));
        assert!(bench.rounds(20, 0.005, 0), "a loop that really hangs is ended there too");
    }

    #[test]
    fn a_loop_that_beats_does_not_hang_however_seldom_it_reports() {
        let mut bench = Bench::new(TimeBase::System(0));
        for _ in 0..10 {
            assert!(!bench.rounds(190, 0.005, 0) && !bench.rounds(1, 0.005, 1));
        }
    }
}
