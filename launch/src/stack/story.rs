//! What is kept of a run for its report, from what is said of it: where the robot was, the ground, how the mission ended.

use planner::mission::AbortReason;
use robot_interface::state::RobotState;
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;

use super::Findings;
use crate::config::{Mission, Robot};
use crate::lockstep::{Mosaic, Outcome, Sample, Trace};
use crate::report::{RunSummary, Verdict};
use crate::run;

/// Between two samples of the robot's place, ns.
const SAMPLE_NANOS: u64 = 100_000_000;
/// What a mission's status says at its end.
const COMPLETED: &str = "completed";
const GIVEN_UP: &str = "given up: ";

/// How a mission's status says that it is over: completed, or why not.
pub(crate) fn ending(reason: Option<&str>) -> String {
    reason.map_or_else(|| COMPLETED.to_owned(), |reason| format!("{GIVEN_UP}{reason}"))
}

/// Whether a mission's status says that it is over.
pub(crate) fn is_ending(phase: &str) -> bool {
    phase == COMPLETED || phase.starts_with(GIVEN_UP)
}

pub(crate) struct Story {
    mission: Mission,
    trace: Trace,
    mosaic: Mosaic,
    begun: bool,
    began: Option<Stamp>,
    sampled: Option<Stamp>,
    phase: String,
    torque_peak_nm: f64,
    missed_replies: u64,
}

impl Story {
    pub(crate) fn new(mission: &Mission) -> Self {
        Self {
            mission: mission.clone(),
            trace: Trace::default(),
            mosaic: Mosaic::new(&mission.design),
            begun: false,
            began: None,
            sampled: None,
            phase: String::new(),
            torque_peak_nm: 0.0,
            missed_replies: 0,
        }
    }

    pub(crate) fn torque(&mut self, peak_nm: f64, missed_replies: u64) {
        self.torque_peak_nm = self.torque_peak_nm.max(peak_nm);
        self.missed_replies = missed_replies;
    }

    /// What the mission does; with the first word of it, it has begun.
    pub(crate) fn status(&mut self, phase: String) {
        self.begun |= !phase.is_empty();
        self.phase = phase;
    }

    /// What comes from now on is kept, though nothing be said of a mission.
    pub(crate) fn begin(&mut self) {
        self.begun = true;
    }

    pub(crate) fn ground(&mut self, grid: &TerrainGrid) {
        self.mosaic.add(grid);
    }

    /// Takes where the robot is; before a mission has begun nothing is kept. The sample, if one was due.
    pub(crate) fn moved(&mut self, state: &RobotState) -> Option<&Sample> {
        let due = self.sampled.is_none_or(|at| state.stamp >= at.plus_nanos(SAMPLE_NANOS));
        if !self.begun || !due {
            return None;
        }
        self.began.get_or_insert(state.stamp);
        self.sampled = Some(state.stamp);
        let place = robot_interface::frames::Point::from_coords(state.map_from_base.origin());
        self.trace.samples.push(Sample {
            stamp: state.stamp,
            estimate: state.map_from_base,
            truth: None,
            chainage_m: self.mission.design.to_tunnel(place).chainage_m,
            speed_m_s: state.velocity_m_s.xy().norm(),
            torque_peak_nm: std::mem::take(&mut self.torque_peak_nm),
            outbound: !self.phase.contains("home"),
        });
        self.trace.samples.last()
    }

    /// What the mission does, as last said.
    pub(crate) fn phase(&self) -> &str {
        &self.phase
    }

    /// What the report says of what there is so far.
    ///
    /// # Errors
    /// When an evidence picture cannot be made.
    pub(crate) fn summary(
        &self,
        robot: &Robot,
        findings: Findings,
        refused_scans: u64,
    ) -> anyhow::Result<RunSummary> {
        let simulated_s = self.began.zip(self.sampled).map_or(0.0, |(began, last)| last.seconds_since(began));
        let outcome = Outcome {
            abort: None,
            simulated_s,
            trace: self.trace.clone(),
            mosaic: self.mosaic.clone(),
            findings,
            truth: None,
            refused_scans,
            missed_replies: self.missed_replies,
        };
        let mut summary = run::summarise(&self.mission, robot, &outcome, None)?;
        if self.phase != COMPLETED {
            let reason = self.phase.strip_prefix(GIVEN_UP).unwrap_or("the mission is not over").to_owned();
            summary.fell = reason == AbortReason::Fell.to_string();
            summary.verdict = Verdict::Aborted { reason };
        }
        Ok(summary)
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Vector3;
    use robot_interface::frames::Transform;

    use super::*;

    #[test]
    fn before_a_mission_begins_nothing_is_kept_and_then_ten_a_second() {
        let mut story = Story::new(&Mission::load("short").expect("built in"));
        let state = |k: u64| RobotState {
            stamp: Stamp::from_nanos(k * 20_000_000),
            map_from_base: Transform::from_xyz_rpy([1.0, 0.0, 0.3], [0.0; 3]),
            velocity_m_s: Vector3::zeros(),
            angular_velocity_rad_s: Vector3::zeros(),
            contacts: [true; 4],
            position_sigma_m: Vector3::zeros(),
            yaw_sigma_rad: 0.0,
        };
        let kept = |story: &mut Story, range: std::ops::Range<u64>| {
            range.filter(|k| story.moved(&state(*k)).is_some()).count()
        };
        assert_eq!(kept(&mut story, 0..50), 0);
        story.status(String::new());
        assert_eq!(kept(&mut story, 50..100), 0, "no word yet");
        story.status("walking out".to_owned());
        assert_eq!(kept(&mut story, 100..150), 10);
    }

    #[test]
    fn what_ends_a_mission_is_read_back() {
        let mission = Mission::load("short").expect("built in");
        let robot = Robot::load("go2").expect("built in");
        let fell = AbortReason::Fell.to_string();
        let cases = [
            (ending(None), None),
            (ending(Some(&fell)), Some(fell.as_str())),
            ("walking home".to_owned(), Some("the mission is not over")),
        ];
        let findings = crate::stack::Inspector::new(&mission, &robot.description).expect("opens").findings();
        for (phase, reason) in cases {
            let mut story = Story::new(&mission);
            story.status(phase);
            let summary = story.summary(&robot, findings.clone(), 0).expect("made");
            let expected = reason.map_or(Verdict::Completed, |r| Verdict::Aborted { reason: r.to_owned() });
            assert_eq!((summary.verdict, summary.fell), (expected, reason == Some(fell.as_str())));
        }
    }
}
