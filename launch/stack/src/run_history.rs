//! History of a run for its report: the robot's trace, the ground, and how the mission ended.

use robot_interface::frames::Point;
use robot_interface::state::RobotState;
use robot_interface::status::{MissionPhase, MissionState};
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelDesign;

use crate::elevation_mosaic::ElevationMosaic;
use crate::inspector::Findings;
use crate::trace::{Sample, Trace};

/// Interval between two samples of the robot's place, ns.
const SAMPLE_NANOS: u64 = 100_000_000;

/// Outcome of a run, as the robot knows it.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// Last state of the mission; `None` if nothing was ever said of one.
    pub state: Option<MissionState>,
    /// Length of the run, s.
    pub duration_s: f64,
    /// Estimates over the run.
    pub trace: Trace,
    /// The ground as mapped.
    pub mosaic: ElevationMosaic,
    /// Findings of the cameras.
    pub findings: Findings,
    /// Scans that did not fit the tunnel's design.
    pub refused_scans: u64,
    /// Motor replies that did not come.
    pub missed_replies: u64,
    /// Scans and pictures that were not used, because there is no odometry of their time.
    pub unplaced: u64,
    /// Scans whose points all have one time.
    pub timeless_scans: u64,
    /// Odometry messages that were left out as outliers in time or place.
    pub refused_odometry: u64,
    /// How often time went back.
    pub restarts: u64,
    /// True if what came before time went back is in the outcome.
    pub keeps_all: bool,
}

/// History of one run.
pub struct RunHistory {
    design: TunnelDesign,
    trace: Trace,
    mosaic: ElevationMosaic,
    /// True once a mission was heard of, or [`begin`](Self::begin) was called: nothing is kept before.
    has_begun: bool,
    began: Option<Stamp>,
    sampled: Option<Stamp>,
    /// Length of the run before its time last went back, s.
    before_s: f64,
    state: Option<MissionState>,
    torque_peak_nm: f64,
    missed_replies: u64,
}

impl RunHistory {
    /// Returns a history of nothing yet.
    pub fn new(design: &TunnelDesign) -> Self {
        Self {
            design: design.clone(),
            trace: Trace::default(),
            mosaic: ElevationMosaic::new(design),
            has_begun: false,
            began: None,
            sampled: None,
            before_s: 0.0,
            state: None,
            torque_peak_nm: 0.0,
            missed_replies: 0,
        }
    }

    /// Keeps what comes from now on, though nothing be said of a mission; `at` is the run's beginning, where that is known.
    pub fn begin(&mut self, at: Option<Stamp>) {
        self.has_begun = true;
        self.began = self.began.or(at);
    }

    /// Takes that time went back: the run goes on, from another time.
    pub fn handle_restart(&mut self) {
        self.before_s = self.duration_s();
        (self.began, self.sampled) = (None, None);
    }

    fn duration_s(&self) -> f64 {
        let since_s = self.began.zip(self.sampled).map_or(0.0, |(began, last)| last.seconds_since(began));
        self.before_s + since_s
    }

    /// Takes the state of the mission; with the first one, it has begun.
    pub fn handle_mission(&mut self, state: MissionState) {
        self.has_begun = true;
        self.state = Some(state);
    }

    /// Takes the greatest torque of any joint since the last call, N m, and the motor replies missed so far.
    pub fn handle_motors(&mut self, torque_peak_nm: f64, missed_replies: u64) {
        self.torque_peak_nm = self.torque_peak_nm.max(torque_peak_nm);
        self.missed_replies = missed_replies;
    }

    /// Takes the terrain around a robot that stands.
    pub fn handle_terrain(&mut self, grid: &TerrainGrid) {
        self.mosaic.add(grid);
    }

    /// Takes an estimate; before a run has begun nothing is kept. Returns the sample, if one was due.
    pub fn handle_odometry(&mut self, state: &RobotState) -> Option<&Sample> {
        let due = self.sampled.is_none_or(|at| state.stamp >= at.plus_nanos(SAMPLE_NANOS));
        if !self.has_begun || !due {
            return None;
        }
        self.began.get_or_insert(state.stamp);
        self.sampled = Some(state.stamp);
        let place = Point::from_coords(state.map_from_base.origin());
        let chainage_m = self.design.to_tunnel(place).chainage_m;
        let heading_rad = self.design.alignment.pose_at(chainage_m).heading_rad;
        self.trace.samples.push(Sample {
            stamp: state.stamp,
            estimate: state.map_from_base,
            chainage_m,
            chainage_sigma_m: state.position_sigma_along(heading_rad),
            speed_m_s: state.velocity_m_s.xy().norm(),
            torque_peak_nm: std::mem::take(&mut self.torque_peak_nm),
            outbound: self.state.as_ref().is_some_and(MissionState::is_outbound),
            walking: matches!(
                self.state,
                Some(MissionState::Underway(MissionPhase::Go | MissionPhase::Return))
            ),
        });
        self.trace.samples.last()
    }

    /// Returns the state of the mission as last told.
    pub const fn state(&self) -> Option<&MissionState> {
        self.state.as_ref()
    }

    /// Returns the outcome so far.
    pub fn outcome(&self, findings: Findings, refused_scans: u64) -> RunOutcome {
        RunOutcome {
            state: self.state.clone(),
            duration_s: self.duration_s(),
            trace: self.trace.clone(),
            mosaic: self.mosaic.clone(),
            findings,
            refused_scans,
            missed_replies: self.missed_replies,
            unplaced: 0,
            timeless_scans: 0,
            refused_odometry: 0,
            restarts: 0,
            keeps_all: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{short_mission, standing_at};

    fn state(k: u64) -> RobotState {
        standing_at(Stamp::from_nanos(k * 20_000_000), 1.0)
    }

    #[test]
    fn before_a_mission_begins_nothing_is_kept_and_then_ten_a_second() {
        let mut history = RunHistory::new(&short_mission().design);
        let kept = |history: &mut RunHistory, range: std::ops::Range<u64>| {
            range.filter(|k| history.handle_odometry(&state(*k)).is_some()).count()
        };
        assert_eq!(kept(&mut history, 0..100), 0);
        history.handle_mission(MissionState::Underway(MissionPhase::Go));
        assert_eq!(kept(&mut history, 100..150), 10);
    }

    #[test]
    fn the_way_out_is_told_by_the_phase_alone() {
        use MissionPhase::{BackUpHome, BackUpOut, Go, Inspect, LieDown, PausedHome, PausedOut, Return};
        let cases = [
            (Go, true),
            (Inspect, true),
            (BackUpOut, true),
            (PausedOut, true),
            (Return, false),
            (BackUpHome, false),
            (PausedHome, false),
            (LieDown, false),
        ];
        for (phase, outbound) in cases {
            let mut history = RunHistory::new(&short_mission().design);
            history.handle_mission(MissionState::Underway(phase));
            assert_eq!(history.handle_odometry(&state(1)).map(|s| s.outbound), Some(outbound), "{phase:?}");
        }
    }
}
