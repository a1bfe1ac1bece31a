//! Inputs of the planner from other nodes.

use r2r::adit_msgs::msg::RobotState as RobotStateMsg;
use robot_interface::sensors::BatterySample;
use robot_interface::state::RobotState;
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use stack::ControlStatus;

use crate::ros::convert;

/// A refusal this long ago does not explain a silence any more, s.
const RECENT_S: f64 = 2.0;

/// Inputs of the planner: the robot and the ground as last heard, each with when that was, by the monotonic clock.
#[derive(Default)]
pub(super) struct Inputs {
    pub(super) state: Option<(Stamp, RobotState)>,
    pub(super) robot: Option<(Stamp, RobotStateMsg)>,
    pub(super) grid: Option<(Stamp, TerrainGrid)>,
    /// The battery's newest sample. A robot may have none.
    pub(super) battery: Option<BatterySample>,
    pub(super) defects: u32,
    /// Last message that was not used, and why.
    pub(super) refusal: Option<(Stamp, String)>,
}

impl Inputs {
    /// Returns the time since the oldest of what is needed came, s; infinite if something never came.
    pub(super) fn age_s(&self, now: Stamp) -> f64 {
        let at = [
            self.state.as_ref().map(|(at, _)| *at),
            self.robot.as_ref().map(|(at, _)| *at),
            self.grid.as_ref().map(|(at, _)| *at),
        ];
        at.iter().map(|at| at.map_or(f64::INFINITY, |at| now.seconds_since(at))).fold(0.0, f64::max)
    }

    /// Returns why nothing comes, for people.
    pub(super) fn silence(&self, now: Stamp) -> String {
        let what = "nothing was heard of the robot or the ground";
        match &self.refusal {
            Some((at, reason)) if now.seconds_since(*at) < RECENT_S => {
                format!("{what} that can be used: {reason}")
            }
            _ => what.to_owned(),
        }
    }

    /// Returns the state of the control process, once both halves of it were heard.
    pub(super) fn control_status(&self) -> Option<ControlStatus> {
        let (_, state) = self.state.as_ref()?;
        let (_, robot) = self.robot.as_ref()?;
        let mode = robot.mode.try_into().ok()?;
        let posture = convert::posture(robot);
        Some(ControlStatus { state: *state, mode, fallen: robot.fallen, ready: robot.ready, posture })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_explained_by_what_was_refused_just_now() {
        let at = |s: u64| Stamp::from_nanos(s * 1_000_000_000);
        let mut inputs = Inputs::default();
        assert_eq!(inputs.silence(at(1)), "nothing was heard of the robot or the ground");
        inputs.refusal = Some((at(10), "robot_state: `stranger` sends it too".to_owned()));
        assert!(inputs.silence(at(11)).ends_with("that can be used: robot_state: `stranger` sends it too"));
        assert!(!inputs.silence(at(13)).contains("stranger"));
    }
}
