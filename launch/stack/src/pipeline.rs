//! The perception pipeline: odometry, scans and pictures in, work for the two workers out, their results back in.
//!
//! ```text
//! handle_odometry --> pose track --+--> poll_scan   --> ScanJob       --> LocalisationAndMapping::handle_scan
//! handle_scan     --> queue -------+                    handle_scan_result  <-- ScanResult
//! handle_image    --> queue -------+--> poll_images --> InspectionJob --> Inspector::inspect
//!                                                       handle_inspection   <-- all defects so far
//! handle_mode     --> standing;  handle_mission, handle_motors --> run history --> outcome
//! ```
//!
//! It is sans-IO and starts no thread: its shell (a lock-step run, a replay, a ROS 2 node) carries jobs to the workers,
//! wherever those run, and their results back. What waits for whom, what counts as standing, what becomes of a scan
//! without odometry and what is kept for the report is decided here alone. A shell that steps the estimator itself enters
//! behind the queues: by [`handle_estimate`](PerceptionPipeline::handle_estimate) and
//! [`scan_job`](PerceptionPipeline::scan_job).

use std::collections::VecDeque;

use perception::state::PoseHistory;
use robot_interface::defect::Defect;
use robot_interface::frames::{Base, Map, Point, Transform};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::LidarScan;
use robot_interface::state::RobotState;
use robot_interface::status::{GaitMode, MissionState};
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelDesign;

use crate::config::Mission;
use crate::inspector::{CameraImage, Findings, InspectionJob};
use crate::localisation_and_mapping::{ScanJob, ScanResult};
use crate::odometry_gate::{OdometryGate, Outlier, Passage};
use crate::pose_track::PoseTrack;
use crate::run_history::{RunHistory, RunOutcome};
use crate::standing::StandingDetector;
use crate::trace::Sample;

/// Pictures and scans that may wait for the odometry of their time.
const MAX_WAITING_IMAGES: usize = 60;
const MAX_WAITING_SCANS: usize = 20;
/// The longest that a scan takes, s.
const MAX_SCAN_S: f32 = 1.0;
/// Recorded odometry that is this much older than the newest came late and is left out; older still, and time went back, ns.
const MAX_LATE_NANOS: u64 = 1_000_000_000;
/// A scan or a picture of a live robot that is this much ahead of its odometry is of another time, and would hold back what comes
/// after it, ns.
const MAX_AHEAD_NANOS: u64 = 5_000_000_000;

/// Source of a pipeline's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A robot that walks: of the scans that wait the newest is worked on, and poses of the last seconds are kept. Anybody may send
    /// anything: outliers are left out, and what was found is never given up.
    Live,
    /// A recording: every scan is worked on, and every pose kept. Where its time goes back another run begins.
    Recording,
}

/// Consequence of a new estimate.
#[derive(Clone, Debug, PartialEq)]
pub enum OdometryEvent {
    /// It was taken; the sample for the report, if one was due.
    Taken(Option<Sample>),
    /// It came late and was left out.
    Late,
    /// It is no continuation of what was heard before, and was left out: of a live robot.
    Refused(Outlier),
    /// Time must have gone back, as when a simulation begins anew. Of a recording the pipeline and its history begin anew, and
    /// the workers have to; of a live robot the map of the ground alone, of which its worker is told by the next scan.
    Restarted,
}

/// Synchroniser of one run's perception, with the run's history.
pub struct PerceptionPipeline {
    design: TunnelDesign,
    source: Source,
    standing_height_m: f64,
    gate: OdometryGate,
    /// True while others than the bridge are seen to publish odometry.
    contested: bool,
    track: PoseTrack,
    newest: Option<RobotState>,
    standing: StandingDetector,
    scans: VecDeque<LidarScan>,
    images: VecDeque<(Stamp, CameraImage)>,
    history: RunHistory,
    /// True if everything is kept, whether or not anything is said of a mission.
    keeps_all: bool,
    defects: usize,
    unplaced: u64,
    timeless_scans: u64,
    restarts: u64,
}

impl PerceptionPipeline {
    /// Returns a pipeline that has heard nothing.
    pub fn new(mission: &Mission, robot: &RobotDescription, source: Source) -> Self {
        let standing_height_m = robot.body.standing_height_m.get();
        Self {
            design: mission.design.clone(),
            source,
            standing_height_m,
            gate: OdometryGate::default(),
            contested: false,
            track: track_for(source),
            newest: None,
            standing: StandingDetector::new(standing_height_m),
            scans: VecDeque::new(),
            images: VecDeque::new(),
            history: RunHistory::new(&mission.design),
            keeps_all: false,
            defects: 0,
            unplaced: 0,
            timeless_scans: 0,
            restarts: 0,
        }
    }

    /// Keeps what comes from now on for the report, though nothing be said of a mission; `at` is the run's beginning, where
    /// that is known.
    pub fn keep_all(&mut self, at: Option<Stamp>) {
        self.keeps_all = true;
        self.history.begin(at);
    }

    /// Takes whether others than the robot's own bridge are seen to publish odometry: then only what continues the track is taken.
    pub const fn set_contested(&mut self, contested: bool) {
        self.contested = contested;
    }

    /// Takes an estimate as messages tell it.
    pub fn handle_odometry(&mut self, state: &RobotState) -> OdometryEvent {
        let is_older = self.newest.is_some_and(|newest| state.stamp < newest.stamp);
        let restarts = match self.source {
            Source::Live => match self.gate.judge(state, self.contested) {
                Ok(passage) => passage == Passage::Begun && is_older,
                Err(Outlier::Late) => return OdometryEvent::Late,
                Err(outlier) => return OdometryEvent::Refused(outlier),
            },
            Source::Recording if is_older && !self.is_much_older(state.stamp) => return OdometryEvent::Late,
            Source::Recording => is_older,
        };
        if restarts {
            self.begin_anew();
        }
        self.track.push(state.stamp, state.map_from_base);
        let sample = self.take(state);
        if restarts { OdometryEvent::Restarted } else { OdometryEvent::Taken(sample) }
    }

    fn is_much_older(&self, stamp: Stamp) -> bool {
        self.newest.is_some_and(|newest| newest.stamp > stamp.plus_nanos(MAX_LATE_NANOS))
    }

    /// Takes an estimate together with the estimator's own poses, of a control process that shares the pipeline's thread.
    pub fn handle_estimate(&mut self, state: &RobotState, history: &PoseHistory) {
        self.track.follow(history);
        self.take(state);
    }

    fn take(&mut self, state: &RobotState) -> Option<Sample> {
        self.newest = Some(*state);
        let height_m = self.design.to_tunnel(Point::from_coords(state.map_from_base.origin())).up_m;
        self.standing.handle_odometry(state, height_m);
        self.history.handle_odometry(state).copied()
    }

    fn begin_anew(&mut self) {
        self.unplaced += self.waiting();
        self.discard_waiting();
        self.track = track_for(self.source);
        self.standing = StandingDetector::new(self.standing_height_m);
        self.newest = None;
        self.restarts += 1;
        match self.source {
            Source::Live => {
                tracing::warn!("time went back: the map of the ground begins anew; what was found stays");
                self.history.handle_restart();
            }
            Source::Recording => {
                tracing::warn!("time went back: the map and the report begin anew");
                self.history = RunHistory::new(&self.design);
                if self.keeps_all {
                    self.history.begin(None);
                }
                self.defects = 0;
            }
        }
    }

    /// Takes the gait controller's mode.
    pub const fn handle_mode(&mut self, mode: GaitMode) {
        self.standing.handle_mode(mode);
    }

    /// Takes the greatest torque of any joint since the last call, N m, and the motor replies missed so far.
    pub fn handle_motors(&mut self, torque_peak_nm: f64, missed_replies: u64) {
        self.history.handle_motors(torque_peak_nm, missed_replies);
    }

    /// Takes the state of the mission.
    pub fn handle_mission(&mut self, state: MissionState) {
        self.history.handle_mission(state);
    }

    /// Takes a scan, which waits until the odometry has caught up with its end.
    pub fn handle_scan(&mut self, scan: LidarScan) {
        if self.is_far_ahead(scan.stamp) {
            self.unplaced += 1;
            return;
        }
        self.timeless_scans += u64::from(has_one_time(&scan));
        self.scans.push_back(scan);
        while self.scans.len() > MAX_WAITING_SCANS {
            self.scans.pop_front();
            self.unplaced += 1;
        }
    }

    /// Takes a picture, which waits until the odometry has caught up with it.
    pub fn handle_image(&mut self, stamp: Stamp, image: CameraImage) {
        if self.is_far_ahead(stamp) {
            self.unplaced += 1;
            return;
        }
        self.images.push_back((stamp, image));
        while self.images.len() > MAX_WAITING_IMAGES {
            self.images.pop_front();
            self.unplaced += 1;
        }
    }

    fn is_far_ahead(&self, stamp: Stamp) -> bool {
        let is_ahead = |newest: RobotState| stamp > newest.stamp.plus_nanos(MAX_AHEAD_NANOS);
        self.source == Source::Live && self.newest.is_some_and(is_ahead)
    }

    /// Forgets scans and pictures that wait, as of a node that is not active.
    pub fn discard_waiting(&mut self) {
        self.scans.clear();
        self.images.clear();
    }

    /// Returns the next scan that the odometry has caught up with. To be asked after each estimate.
    pub fn poll_scan(&mut self) -> Option<ScanJob> {
        let newest = self.newest?;
        loop {
            let mut scan = pop_if(&mut self.scans, |scan| end_of(scan) <= newest.stamp)?;
            if self.source == Source::Live {
                while let Some(newer) = pop_if(&mut self.scans, |scan| end_of(scan) <= newest.stamp) {
                    scan = newer;
                }
            }
            let known = self.track.part_at(end_of(&scan)).and_then(PoseHistory::span);
            if known.is_some_and(|(_, last)| newest.stamp <= last) {
                return self.scan_job(scan);
            }
            self.unplaced += 1;
        }
    }

    /// Returns the work on a scan whose odometry is known, whatever its stamps say; `None` before the first estimate.
    pub fn scan_job(&self, scan: LidarScan) -> Option<ScanJob> {
        let state = self.newest?;
        let history = self.track.newest()?.over(scan.stamp, state.stamp);
        let standing = self.standing.is_standing(state.stamp);
        Some(ScanJob { scan, state, history, standing, restarts: self.restarts })
    }

    /// Returns the next pictures of one moment that the odometry has caught up with. To be asked after each estimate.
    pub fn poll_images(&mut self) -> Option<InspectionJob> {
        let newest = self.newest?;
        loop {
            let (stamp, first) = pop_if(&mut self.images, |(stamp, _)| *stamp <= newest.stamp)?;
            let mut images = vec![first];
            while let Some((_, image)) = pop_if(&mut self.images, |(other, _)| *other == stamp) {
                images.push(image);
            }
            match self.pose_at(stamp) {
                Some(map_from_base) => return Some(InspectionJob { stamp, map_from_base, images }),
                None => self.unplaced += images.len() as u64,
            }
        }
    }

    /// Returns the estimated pose of the trunk at a time up to the newest estimate's.
    fn pose_at(&self, stamp: Stamp) -> Option<Transform<Map, Base>> {
        match self.newest {
            Some(newest) if newest.stamp == stamp => Some(newest.map_from_base),
            _ => self.track.pose_at(stamp),
        }
    }

    /// Takes the result of a scan. Returns true if its correction is for the state estimator and its terrain for the
    /// planner; false for one from before time went back, which nobody is to be told of.
    pub fn handle_scan_result(&mut self, result: &ScanResult) -> bool {
        let is_current = result.restarts == self.restarts;
        if is_current && result.standing {
            self.history.handle_terrain(&result.grid);
        }
        is_current
    }

    /// Takes the result of pictures: all defects so far.
    pub const fn handle_inspection(&mut self, defects: &[Defect]) {
        self.defects = defects.len();
    }

    /// Returns the newest estimate.
    pub const fn newest(&self) -> Option<&RobotState> {
        self.newest.as_ref()
    }

    /// Returns the state of the mission as last told.
    pub const fn mission_state(&self) -> Option<&MissionState> {
        self.history.state()
    }

    /// Returns how many defects were found so far.
    pub const fn defects(&self) -> usize {
        self.defects
    }

    /// Returns how many scans and pictures were not used because there is no odometry of their time, those that wait not
    /// counted.
    pub const fn unplaced(&self) -> u64 {
        self.unplaced
    }

    /// Returns how many odometry messages were left out as outliers.
    pub const fn refused_odometry(&self) -> u64 {
        self.gate.outliers()
    }

    /// Returns how many scans and pictures wait for the odometry of their time.
    fn waiting(&self) -> u64 {
        (self.scans.len() + self.images.len()) as u64
    }

    /// Returns the outcome of the run so far, with the workers' part of it.
    pub fn outcome(&self, findings: Findings, refused_scans: u64) -> RunOutcome {
        RunOutcome {
            unplaced: self.unplaced + self.waiting(),
            timeless_scans: self.timeless_scans,
            refused_odometry: self.refused_odometry(),
            restarts: self.restarts,
            keeps_all: self.source == Source::Live,
            ..self.history.outcome(findings, refused_scans)
        }
    }
}

const fn track_for(source: Source) -> PoseTrack {
    match source {
        Source::Live => PoseTrack::recent(),
        Source::Recording => PoseTrack::whole(),
    }
}

fn pop_if<T>(queue: &mut VecDeque<T>, ready: impl FnOnce(&T) -> bool) -> Option<T> {
    if queue.front().is_some_and(ready) { queue.pop_front() } else { None }
}

/// Returns when a scan's last point was measured. A time that no point of a scan has is none: a scan that waited for it
/// would hold back those behind it.
fn end_of(scan: &LidarScan) -> Stamp {
    let offsets = scan.points.iter().map(|point| point.offset_s).filter(|s| (0.0..=MAX_SCAN_S).contains(s));
    scan.stamp.plus_nanos((f64::from(offsets.fold(0.0, f32::max)) * 1e9) as u64)
}

/// Returns true if a scan's points were all measured at once, as far as they tell.
fn has_one_time(scan: &LidarScan) -> bool {
    let [first, rest @ ..] = scan.points.as_slice() else { return false };
    !rest.is_empty() && rest.iter().all(|point| point.offset_s.to_bits() == first.offset_s.to_bits())
}

#[cfg(test)]
mod tests;
