//! Gate of odometry that comes by messages: what continues the robot's track passes, and an outlier in time or place is left
//! out and counted. A track that has really jumped, as when a simulation begins anew, is believed once it has gone on for half
//! a second without anything of the old one between, from its owner alone.

use std::fmt;

use robot_interface::frames::{Map, Point};
use robot_interface::state::RobotState;
use robot_interface::time::Stamp;

/// A message that is this much older than the newest came late, s; older still, and it is of another time.
const MAX_LATE_S: f64 = 1.0;
/// A message that is this much newer than the newest is of another time, s.
const MAX_AHEAD_S: f64 = 2.0;
/// Greatest speed of a robot, a fall included, m/s; and what a correction of the estimate may shift it by, m.
const MAX_SPEED_M_S: f64 = 3.0;
const MAX_SHIFT_M: f64 = 0.5;
/// Messages in a row that make a track: half a second of them.
const TRACK_MESSAGES: u32 = 25;

/// Passage of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It continues the track.
    Continued,
    /// It begins a track: the first one, or another one that has proved itself.
    Begun,
}

/// Reason for which a message is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outlier {
    /// It is a little older than the newest.
    Late,
    /// Its stamp is so much away from the newest, s.
    Time(f64),
    /// It is so far from where the robot can be, m.
    Place(f64),
    /// It would begin a track, and others than its owner send such messages.
    Contested,
}

impl fmt::Display for Outlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("it came late"),
            Self::Time(ahead_s) if *ahead_s < 0.0 => {
                write!(f, "its stamp is {:.1} s older than the newest", -ahead_s)
            }
            Self::Time(ahead_s) => write!(f, "its stamp is {ahead_s:.1} s ahead of the newest"),
            Self::Place(apart_m) => {
                write!(
                    f,
                    "it is {apart_m:.1} m away from where the robot was, which is farther than it can be"
                )
            }
            Self::Contested => f.write_str("another node publishes such messages too"),
        }
    }
}

/// Moment and place that a message tells.
#[derive(Clone, Copy, Debug)]
struct Moment {
    stamp: Stamp,
    place: Point<Map>,
}

impl Moment {
    fn of(state: &RobotState) -> Self {
        Self { stamp: state.stamp, place: Point::from_coords(state.map_from_base.origin()) }
    }

    /// Returns why `next` cannot follow.
    fn objection(&self, next: &Self) -> Option<Outlier> {
        let ahead_s = next.stamp.seconds_since(self.stamp);
        let apart_m = (next.place.coords - self.place.coords).norm();
        if !(-MAX_LATE_S..=MAX_AHEAD_S).contains(&ahead_s) {
            Some(Outlier::Time(ahead_s))
        } else if ahead_s < 0.0 {
            Some(Outlier::Late)
        } else if apart_m > MAX_SHIFT_M + MAX_SPEED_M_S * ahead_s {
            Some(Outlier::Place(apart_m))
        } else {
            None
        }
    }
}

/// Gate of odometry.
#[derive(Clone, Copy, Debug, Default)]
pub struct OdometryGate {
    newest: Option<Moment>,
    /// Newest message of a track that has not proved itself, and how many there were in a row.
    candidate: Option<(Moment, u32)>,
    outliers: u64,
}

impl OdometryGate {
    /// Judges a message; `contested` if others than the owner are seen to send such messages: then no track begins.
    ///
    /// # Errors
    /// The reason for which it is left out.
    pub fn judge(&mut self, state: &RobotState, contested: bool) -> Result<Passage, Outlier> {
        let next = Moment::of(state);
        let objection = match self.newest {
            Some(newest) => newest.objection(&next),
            None if contested => Some(Outlier::Contested),
            None => {
                self.newest = Some(next);
                return Ok(Passage::Begun);
            }
        };
        match objection {
            None => {
                (self.newest, self.candidate) = (Some(next), None);
                Ok(Passage::Continued)
            }
            Some(Outlier::Late) => Err(Outlier::Late),
            Some(_) if !contested && self.proves_itself(next) => {
                (self.newest, self.candidate) = (Some(next), None);
                Ok(Passage::Begun)
            }
            Some(outlier) => {
                if contested {
                    self.candidate = None;
                }
                self.outliers += 1;
                Err(outlier)
            }
        }
    }

    /// Adds to the track that has not proved itself; returns true if it has now.
    fn proves_itself(&mut self, next: Moment) -> bool {
        let goes_on = |before: &Moment| next.stamp > before.stamp && before.objection(&next).is_none();
        let count = match self.candidate {
            Some((before, count)) if goes_on(&before) => count + 1,
            _ => 1,
        };
        self.candidate = Some((next, count));
        count >= TRACK_MESSAGES
    }

    /// Returns how many messages were left out, those that came late not counted.
    pub const fn outliers(&self) -> u64 {
        self.outliers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::standing_at;

    fn state(ms: u64, x_m: f64) -> RobotState {
        standing_at(Stamp::from_nanos(ms * 1_000_000), x_m)
    }

    /// A gate that has heard a robot walk at 0.5 m/s for ten seconds.
    fn walked() -> OdometryGate {
        let mut gate = OdometryGate::default();
        for ms in (100_000..110_000).step_by(20) {
            assert!(gate.judge(&walking(ms), false).is_ok());
        }
        gate
    }

    fn walking(ms: u64) -> RobotState {
        state(ms, 0.5 * (ms as f64 * 1e-3 - 100.0))
    }

    /// One message 3 s old, of any node, and all that had been found was thrown away.
    #[test]
    fn one_message_of_another_time_or_place_is_left_out() {
        let year_ms = 31_557_600_000;
        for wild in [
            state(107_000, 3.5),
            state(105_000, 2.5),
            state(0, 0.0),
            state(56 * year_ms, 5.0),
            state(113_000, 5.0),
            state(110_000, 9.0),
            state(110_000, -400.0),
        ] {
            let mut gate = walked();
            assert!(
                matches!(gate.judge(&wild, false), Err(Outlier::Time(_) | Outlier::Place(_))),
                "{wild:?}"
            );
            assert_eq!(gate.judge(&walking(110_000), false), Ok(Passage::Continued), "the walk goes on");
            assert_eq!(gate.outliers(), 1);
        }
    }

    /// A recording published beside a live robot: as often, and for as long.
    #[test]
    fn a_foreign_track_never_takes_over_while_the_robots_own_goes_on() {
        let mut gate = walked();
        for step in 0..3000_u64 {
            let ms = 110_000 + 20 * step;
            assert_eq!(gate.judge(&walking(ms), true), Ok(Passage::Continued));
            assert!(gate.judge(&state(40_000 + 20 * step, 1.0), true).is_err());
        }
        assert_eq!(gate.outliers(), 3000);
        // It pauses: the foreign one goes on alone, and is still contested.
        for step in 0..1000_u64 {
            assert!(gate.judge(&state(200_000 + 20 * step, 1.0), true).is_err());
        }
    }

    #[test]
    fn a_track_that_has_jumped_is_believed_after_half_a_second() {
        // Back five seconds, to the beginning of a simulation, forward 56 years, to another place.
        for (began_ms, x_m) in [(105_000, 5.0), (20, 1.0), (1_767_225_600_000, 5.0), (110_000, 1.0)] {
            let mut gate = walked();
            let verdicts: Vec<_> =
                (0..30).map(|step| gate.judge(&state(began_ms + 20 * step, x_m), false)).collect();
            let begun = verdicts.iter().position(Result::is_ok);
            assert_eq!(begun, Some(24), "{began_ms} {x_m}");
            assert_eq!((verdicts[24], verdicts[25]), (Ok(Passage::Begun), Ok(Passage::Continued)));
        }
    }

    #[test]
    fn one_message_again_and_again_is_no_track() {
        let mut gate = walked();
        assert!((0..500).all(|_| gate.judge(&state(105_000, 2.5), false).is_err()));
    }

    #[test]
    fn what_came_late_is_left_out_and_no_outlier() {
        let mut gate = walked();
        assert_eq!(gate.judge(&walking(109_500), false), Err(Outlier::Late));
        assert_eq!(gate.outliers(), 0);
    }

    #[test]
    fn no_track_begins_while_it_is_contested() {
        let mut gate = OdometryGate::default();
        assert_eq!(gate.judge(&state(20, 1.0), true), Err(Outlier::Contested));
        assert_eq!(gate.judge(&state(40, 1.0), false), Ok(Passage::Begun));
    }
}
