//! Failsafe of the control process: actions, ordered by precedence, that follow by themselves when an input that it lives on
//! has stopped coming. Each has a cause ([`HoldReason`]), which names the condition that clears it.
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

pub use robot_interface::status::HoldReason;
use robot_interface::status::{GaitMode, StopLevel};
use robot_interface::time::Stamp;

/// Age from which a sensor counts as silent, s.
pub const SENSOR_LIFE_S: f64 = 0.1;
/// Age from which a target counts for nothing, s.
const TARGET_LIFE_S: f64 = 0.5;
/// Time without a target after which a standing robot lies down, s.
const LEADERLESS_S: f64 = 10.0;

/// Times of the newest inputs of the control process, by the monotonic clock: its watchdogs go by their ages.
#[derive(Clone, Copy, Debug, Default)]
pub struct InputAges {
    /// The newest inertial sample.
    pub imu: Option<Stamp>,
    /// The newest answer of the joint that has been silent longest.
    pub joints: Option<Stamp>,
    /// The newest target.
    pub target: Option<Stamp>,
    /// Level that the emergency stop demands.
    pub stop: StopLevel,
}

/// Action that the failsafe demands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailsafeAction {
    /// A gait mode to ask for at once.
    pub mode: Option<GaitMode>,
    /// True if the target may be followed, and modes that it asks for be granted.
    pub obey: bool,
    /// Cause, if not.
    pub hold: Option<HoldReason>,
}

/// Watchdog over the inputs of the control process. Has no memory but for when it last was led.
#[derive(Clone, Copy, Debug)]
pub struct Failsafe {
    imu_life_s: f64,
    /// Time at which standing without a target began.
    leaderless: Option<Stamp>,
}

impl Failsafe {
    /// Returns a failsafe over an inertial sensor that counts as silent after `imu_life_s`: [`SENSOR_LIFE_S`] on a robot.
    pub const fn new(imu_life_s: f64) -> Self {
        Self { imu_life_s, leaderless: None }
    }

    /// Returns the action of highest precedence that the ages of the inputs demand; `mode` is what the gait controller does.
    pub fn judge(&mut self, now: Stamp, ages: &InputAges, mode: GaitMode) -> FailsafeAction {
        let silent = |heard: Option<Stamp>, life_s| heard.is_none_or(|at| now.seconds_since(at) > life_s);
        let unled = silent(ages.target, TARGET_LIFE_S);
        let standing = mode == GaitMode::Walk;
        if !(unled && standing) {
            self.leaderless = None;
        }
        let since = *self.leaderless.get_or_insert(now);
        let lie_down = matches!(mode, GaitMode::Walk | GaitMode::StandUp).then_some(GaitMode::LieDown);
        let hold = |hold, mode| FailsafeAction { mode, obey: false, hold: Some(hold) };
        if ages.stop == StopLevel::Cut {
            hold(HoldReason::Estopped, (mode != GaitMode::Damped).then_some(GaitMode::Damped))
        } else if ages.stop == StopLevel::SettleThenCut {
            hold(HoldReason::Estopped, lie_down)
        } else if silent(ages.imu, self.imu_life_s) {
            hold(HoldReason::NoImu, lie_down)
        } else if silent(ages.joints, SENSOR_LIFE_S) {
            hold(HoldReason::NoJoints, lie_down)
        } else if unled {
            let long = standing && now.seconds_since(since) > LEADERLESS_S;
            hold(HoldReason::NoTarget, if long { lie_down } else { None })
        } else {
            FailsafeAction { mode: None, obey: true, hold: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> Stamp {
        Stamp::from_nanos((s * 1e9) as u64)
    }

    fn heard(s: f64) -> InputAges {
        InputAges { imu: Some(at(s)), joints: Some(at(s)), target: Some(at(s)), stop: StopLevel::None }
    }

    #[test]
    fn all_is_well_while_everything_comes() {
        let action = Failsafe::new(SENSOR_LIFE_S).judge(at(5.0), &heard(4.99), GaitMode::Walk);
        assert_eq!(action, FailsafeAction { mode: None, obey: true, hold: None });
    }

    #[test]
    fn each_row_of_the_table() {
        use GaitMode::{Damped, LieDown, StandUp, Walk};
        let fresh = heard(9.95);
        let cases = [
            (InputAges { stop: StopLevel::Cut, ..fresh }, Walk, Some(Damped), HoldReason::Estopped),
            (
                InputAges { stop: StopLevel::SettleThenCut, ..fresh },
                Walk,
                Some(LieDown),
                HoldReason::Estopped,
            ),
            (InputAges { stop: StopLevel::SettleThenCut, ..fresh }, LieDown, None, HoldReason::Estopped),
            (InputAges { stop: StopLevel::SettleThenCut, ..fresh }, Damped, None, HoldReason::Estopped),
            (InputAges { stop: StopLevel::Cut, ..fresh }, LieDown, Some(Damped), HoldReason::Estopped),
            (InputAges { stop: StopLevel::Cut, ..fresh }, Damped, None, HoldReason::Estopped),
            (InputAges { imu: Some(at(9.8)), ..fresh }, Walk, Some(LieDown), HoldReason::NoImu),
            (InputAges { imu: None, ..fresh }, Damped, None, HoldReason::NoImu),
            (InputAges { joints: Some(at(9.8)), ..fresh }, StandUp, Some(LieDown), HoldReason::NoJoints),
            (InputAges { target: Some(at(9.4)), ..fresh }, Walk, None, HoldReason::NoTarget),
        ];
        for (ages, mode, wanted, why) in cases {
            let action = Failsafe::new(SENSOR_LIFE_S).judge(at(10.0), &ages, mode);
            assert_eq!(action, FailsafeAction { mode: wanted, obey: false, hold: Some(why) }, "{ages:?}");
        }
    }

    #[test]
    fn without_a_leader_it_stands_and_then_lies_down() {
        let mut failsafe = Failsafe::new(SENSOR_LIFE_S);
        let asked = |failsafe: &mut Failsafe, s: f64| {
            let ages = InputAges { target: Some(at(1.0)), ..heard(s) };
            failsafe.judge(at(s), &ages, GaitMode::Walk).mode
        };
        for tenths in 16..110 {
            assert_eq!(asked(&mut failsafe, f64::from(tenths) / 10.0), None);
        }
        assert_eq!(asked(&mut failsafe, 11.7), Some(GaitMode::LieDown));
    }

    /// The wait begins when it stands, not when the target went: otherwise a robot that rose without being led
    /// would drop at once.
    #[test]
    fn the_wait_begins_with_standing() {
        let mut failsafe = Failsafe::new(SENSOR_LIFE_S);
        let ages = InputAges { target: None, ..heard(100.0) };
        assert_eq!(failsafe.judge(at(100.0), &ages, GaitMode::StandUp).mode, None);
        assert_eq!(failsafe.judge(at(100.05), &ages, GaitMode::Walk).mode, None);
    }

    #[test]
    fn a_stamp_from_the_future_is_not_silence() {
        assert!(Failsafe::new(SENSOR_LIFE_S).judge(at(1.0), &heard(1.2), GaitMode::Walk).obey);
    }
}
