//! How a mission that was given up came to its end, put into words.

use robot_interface::joints::JOINT_NAMES;
use robot_interface::state::Posture;
use robot_interface::status::{AbortReason, Ending, MissionState};

/// Farther than this from home the report says where the robot lies, m.
const AWAY_M: f64 = 0.5;

/// Circumstances in which a mission was given up.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub(crate) chainage_m: f64,
    pub(crate) posture: Posture,
    pub(crate) standing_height_m: f64,
    /// Share of a full charge that is left, where it was measured.
    pub(crate) charged: Option<f64>,
    /// Share of a full charge that is kept for the way home.
    pub(crate) home_share: f64,
    /// What blocked the way at that time.
    pub(crate) blockage: Option<String>,
}

/// Log of the reasons for which a mission was given up, and of where the robot lies now.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndingLog {
    /// The mission's reason: the first one.
    reason: Option<AbortReason>,
    text: String,
    is_done: bool,
}

impl EndingLog {
    /// Takes a reason for which the mission is given up; one that follows on the way home is told after the first.
    pub(crate) fn handle_given_up(&mut self, reason: AbortReason, circumstances: &Circumstances) {
        let is_home_bound = self.reason.is_some();
        if is_home_bound {
            self.text.push_str("; then ");
        }
        self.reason = self.reason.or(Some(reason));
        if is_home_bound && reason == AbortReason::Timeout && circumstances.blockage.is_none() {
            let chainage_m = circumstances.chainage_m;
            self.text.push_str(&format!("the time was up on the way home too (chainage {chainage_m:.1} m)"));
        } else {
            self.text.push_str(&words(reason, circumstances));
        }
    }

    /// Takes where the mission is over.
    pub(crate) fn handle_done(&mut self, chainage_m: f64, home_m: f64) {
        let is_first = !std::mem::replace(&mut self.is_done, true);
        if is_first && self.reason.is_some() && (chainage_m - home_m).abs() > AWAY_M {
            self.text.push_str(&format!("; the robot is at chainage {chainage_m:.1} m"));
        }
    }

    /// Returns how the mission ended.
    pub(crate) fn state(&self) -> MissionState {
        match self.reason {
            Some(reason) => MissionState::GivenUp(Ending { reason: Some(reason), text: self.text.clone() }),
            None => MissionState::Completed,
        }
    }
}

fn words(reason: AbortReason, c: &Circumstances) -> String {
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let charged = c.charged.map_or_else(|| "nothing known".to_owned(), percent);
    match reason {
        AbortReason::DidNotRise => format!("{reason}: {}", stance(c)),
        AbortReason::Sank => format!("{reason} at chainage {:.1} m: {}", c.chainage_m, stance(c)),
        AbortReason::BatteryLow => format!(
            "{reason} ({charged} left at chainage {:.1} m, and {} is to be kept there)",
            c.chainage_m,
            percent(c.home_share)
        ),
        AbortReason::BatteryCritical => {
            format!("{reason} ({charged} left at chainage {:.1} m)", c.chainage_m)
        }
        AbortReason::BatteryUnknown => {
            format!("{reason} (at chainage {:.1} m, with {charged} reckoned)", c.chainage_m)
        }
        AbortReason::Stuck | AbortReason::Timeout => match &c.blockage {
            Some(blockage) => format!("{reason}: {blockage}"),
            None => format!("{reason} (chainage {:.1} m)", c.chainage_m),
        },
        AbortReason::Fell | AbortReason::SentHome | AbortReason::Stopped | AbortReason::LetGo => {
            reason.to_string()
        }
    }
}

/// How the robot stands, and what to look at.
fn stance(c: &Circumstances) -> String {
    let posture = &c.posture;
    format!(
        "base at {:.2} m of {:.2} m above its feet, tilted by {:.0} degrees, {} {:.2} rad from the standing pose; check kp and \
         kd of [gait], default_pose_rad, the motors' power and zeros, the load, and what the robot lies on",
        posture.height_m,
        c.standing_height_m,
        posture.tilt_rad.to_degrees(),
        JOINT_NAMES.get(posture.joint_error_of).unwrap_or(&"a joint"),
        posture.joint_error_rad,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circumstances() -> Circumstances {
        Circumstances {
            chainage_m: 5.24,
            posture: Posture { height_m: 0.06, tilt_rad: 0.05, joint_error_rad: 1.2, joint_error_of: 2 },
            standing_height_m: 0.31,
            charged: Some(0.23),
            home_share: 0.25,
            blockage: None,
        }
    }

    #[test]
    fn each_reason_is_told_with_what_was_seen_of_it() {
        let blocked = "no way leads around the obstacles, at chainage 5.2 m for 38 s";
        let cases = [
            (AbortReason::DidNotRise, "did not rise: base at 0.06 m of 0.31 m"),
            (AbortReason::DidNotRise, "FL_calf_joint 1.20 rad from the standing pose; check kp"),
            (AbortReason::Sank, "at chainage 5.2 m: base at 0.06 m of 0.31 m"),
            (AbortReason::BatteryLow, "(23 % left at chainage 5.2 m, and 25 % is to be kept there)"),
            (AbortReason::BatteryCritical, "for lying down (23 % left at chainage 5.2 m)"),
            (AbortReason::BatteryUnknown, "its gauge fell silent, or says what cannot be (at chainage 5.2 m"),
            (AbortReason::Stuck, blocked),
            (AbortReason::Timeout, blocked),
            (AbortReason::Stopped, "stopped by the operator"),
        ];
        for (reason, expected) in cases {
            let mut log = EndingLog::default();
            let blockage = Some(blocked.to_owned());
            log.handle_given_up(reason, &Circumstances { blockage, ..circumstances() });
            let state = log.state();
            assert!(state.text().contains(expected), "{state}");
            assert_eq!(state.abort_number(), reason.number());
        }
    }

    #[test]
    fn the_first_reason_is_the_missions_and_what_follows_is_told_with_the_place() {
        let mut log = EndingLog::default();
        assert_eq!(log.state(), MissionState::Completed);
        log.handle_given_up(AbortReason::SentHome, &circumstances());
        log.handle_given_up(AbortReason::BatteryCritical, &circumstances());
        for _ in 0..3 {
            log.handle_done(4.0, 1.0);
        }
        let state = log.state();
        assert_eq!(state.abort_number(), AbortReason::SentHome.number());
        assert!(
            state.text().starts_with("called home by the operator; then the battery is nearly empty")
                && state.text().ends_with("; the robot is at chainage 4.0 m"),
            "{state}"
        );
        assert_eq!(state.text().matches("chainage 4.0").count(), 1);
        let mut log = EndingLog::default();
        log.handle_done(4.0, 1.0);
        assert_eq!(log.state(), MissionState::Completed, "a place alone gives nothing up");
    }

    /// On the way home it was "up before the last station" a second time.
    #[test]
    fn a_time_that_is_up_on_the_way_home_is_told_as_that() {
        let mut log = EndingLog::default();
        log.handle_given_up(AbortReason::Timeout, &circumstances());
        log.handle_given_up(AbortReason::Timeout, &circumstances());
        let told = log.state().to_string();
        assert!(
            told.ends_with("(chainage 5.2 m); then the time was up on the way home too (chainage 5.2 m)"),
            "{told}"
        );
    }
}
