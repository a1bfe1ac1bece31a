//! What the control process does by itself when something that it lives on has stopped coming.
//!
//! | what has happened                       | after  | what follows                                            |
//! |-----------------------------------------|--------|---------------------------------------------------------|
//! | emergency stop, CUT                     | 0      | the legs are let go (damped); nothing else is obeyed    |
//! | emergency stop, SETTLE_THEN_CUT         | 0      | a standing robot lies down; then as above               |
//! | no inertial sample                      | 0.1 s  | a standing robot lies down; it does not rise            |
//! | a joint has not answered                | 0.1 s  | a standing robot lies down; it does not rise            |
//! | no target from whoever leads            | 0.5 s  | the robot stands where it is                            |
//! | no target while it stands               | 10 s   | it lies down                                            |
//!
//! Ages are by the machine's monotonic clock, never by stamps of messages: a clock that stops or jumps must not
//! keep an old command alive.

use robot_interface::time::Stamp;

use crate::estop::StopLevel;
use crate::gait::Mode;

/// Age from which a sensor counts as silent, s.
pub const SENSOR_LIFE_S: f64 = 0.1;
/// Age from which a target counts for nothing, s.
const TARGET_LIFE_S: f64 = 0.5;
/// Time without a target after which a standing robot lies down, s.
const LEADERLESS_S: f64 = 10.0;

/// When the control process last heard from what it lives on, by the monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vitals {
    /// The newest inertial sample.
    pub imu: Option<Stamp>,
    /// The newest answer of the joint that has been silent longest.
    pub joints: Option<Stamp>,
    /// The newest target.
    pub target: Option<Stamp>,
    /// What the emergency stop demands.
    pub stop: StopLevel,
}

/// Why the robot does not do as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Hold {
    /// The emergency stop.
    #[error("emergency stop engaged: reset it by estop with data false")]
    Estopped,
    /// The inertial sensor is silent.
    #[error("no inertial samples: check the sensor's port")]
    NoImu,
    /// A joint is silent.
    #[error("a motor does not answer: check the motor buses")]
    NoJoints,
    /// Nobody says where to go.
    #[error("nobody leads: start a mission, or take the lease and send targets")]
    NoTarget,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// A gait mode to ask for at once.
    pub mode: Option<Mode>,
    /// Whether the target may be followed, and modes that it asks for be granted.
    pub obey: bool,
    /// Why not.
    pub hold: Option<Hold>,
}

/// Watches over the control process. Has no memory but for when it last was led.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    imu_life_s: f64,
    /// When standing without a target began.
    leaderless: Option<Stamp>,
}

impl Guard {
    /// A guard over an inertial sensor that counts as silent after `imu_life_s`: [`SENSOR_LIFE_S`] on a robot.
    pub const fn new(imu_life_s: f64) -> Self {
        Self { imu_life_s, leaderless: None }
    }

    /// Judges the present; `mode` is what the legs do.
    pub fn judge(&mut self, now: Stamp, vitals: &Vitals, mode: Mode) -> Ruling {
        let silent = |heard: Option<Stamp>, life_s| heard.is_none_or(|at| now.seconds_since(at) > life_s);
        let unled = silent(vitals.target, TARGET_LIFE_S);
        let standing = mode == Mode::Walk;
        if !(unled && standing) {
            self.leaderless = None;
        }
        let since = *self.leaderless.get_or_insert(now);
        let lie_down = matches!(mode, Mode::Walk | Mode::StandUp).then_some(Mode::LieDown);
        let hold = |hold, mode| Ruling { mode, obey: false, hold: Some(hold) };
        if vitals.stop == StopLevel::Cut {
            hold(Hold::Estopped, (mode != Mode::Damped).then_some(Mode::Damped))
        } else if vitals.stop == StopLevel::SettleThenCut {
            hold(Hold::Estopped, lie_down)
        } else if silent(vitals.imu, self.imu_life_s) {
            hold(Hold::NoImu, lie_down)
        } else if silent(vitals.joints, SENSOR_LIFE_S) {
            hold(Hold::NoJoints, lie_down)
        } else if unled {
            let long = standing && now.seconds_since(since) > LEADERLESS_S;
            hold(Hold::NoTarget, if long { lie_down } else { None })
        } else {
            Ruling { mode: None, obey: true, hold: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> Stamp {
        Stamp::from_nanos((s * 1e9) as u64)
    }

    fn heard(s: f64) -> Vitals {
        Vitals { imu: Some(at(s)), joints: Some(at(s)), target: Some(at(s)), stop: StopLevel::None }
    }

    #[test]
    fn all_is_well_while_everything_comes() {
        let ruling = Guard::new(SENSOR_LIFE_S).judge(at(5.0), &heard(4.99), Mode::Walk);
        assert_eq!(ruling, Ruling { mode: None, obey: true, hold: None });
    }

    #[test]
    fn each_row_of_the_table() {
        use Mode::{Damped, LieDown, StandUp, Walk};
        let fresh = heard(9.95);
        let cases = [
            (Vitals { stop: StopLevel::Cut, ..fresh }, Walk, Some(Damped), Hold::Estopped),
            (Vitals { stop: StopLevel::SettleThenCut, ..fresh }, Walk, Some(LieDown), Hold::Estopped),
            (Vitals { stop: StopLevel::SettleThenCut, ..fresh }, LieDown, None, Hold::Estopped),
            (Vitals { stop: StopLevel::SettleThenCut, ..fresh }, Damped, None, Hold::Estopped),
            (Vitals { stop: StopLevel::Cut, ..fresh }, LieDown, Some(Damped), Hold::Estopped),
            (Vitals { stop: StopLevel::Cut, ..fresh }, Damped, None, Hold::Estopped),
            (Vitals { imu: Some(at(9.8)), ..fresh }, Walk, Some(LieDown), Hold::NoImu),
            (Vitals { imu: None, ..fresh }, Damped, None, Hold::NoImu),
            (Vitals { joints: Some(at(9.8)), ..fresh }, StandUp, Some(LieDown), Hold::NoJoints),
            (Vitals { target: Some(at(9.4)), ..fresh }, Walk, None, Hold::NoTarget),
        ];
        for (vitals, mode, wanted, why) in cases {
            let ruling = Guard::new(SENSOR_LIFE_S).judge(at(10.0), &vitals, mode);
            assert_eq!(ruling, Ruling { mode: wanted, obey: false, hold: Some(why) }, "{vitals:?}");
        }
    }

    #[test]
    fn without_a_leader_it_stands_and_then_lies_down() {
        let mut guard = Guard::new(SENSOR_LIFE_S);
        let asked = |guard: &mut Guard, s: f64| {
            let vitals = Vitals { target: Some(at(1.0)), ..heard(s) };
            guard.judge(at(s), &vitals, Mode::Walk).mode
        };
        for tenths in 16..110 {
            assert_eq!(asked(&mut guard, f64::from(tenths) / 10.0), None);
        }
        assert_eq!(asked(&mut guard, 11.7), Some(Mode::LieDown));
    }

    /// The wait begins when it stands, not when the target went: otherwise a robot that rose without being led
    /// would drop at once.
    #[test]
    fn the_wait_begins_with_standing() {
        let mut guard = Guard::new(SENSOR_LIFE_S);
        let vitals = Vitals { target: None, ..heard(100.0) };
        assert_eq!(guard.judge(at(100.0), &vitals, Mode::StandUp).mode, None);
        assert_eq!(guard.judge(at(100.05), &vitals, Mode::Walk).mode, None);
    }

    #[test]
    fn a_stamp_from_the_future_is_not_silence() {
        assert!(Guard::new(SENSOR_LIFE_S).judge(at(1.0), &heard(1.2), Mode::Walk).obey);
    }
}
