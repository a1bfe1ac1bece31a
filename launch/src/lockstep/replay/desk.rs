//! The robot's perception at a desk: what a recording says is kept until the odometry has caught up with it, then worked on.

use std::collections::VecDeque;

use anyhow::Context as _;
use rayon::prelude::*;
use robot_interface::frames::Point;
use robot_interface::sensors::{LidarScan, ThermalFrame};
use robot_interface::state::RobotState;
use robot_interface::time::Stamp;

use super::agreement::Agreement;
use super::source::Sight;
use super::track::Track;
use crate::config::{Mission, Robot};
use crate::lockstep::{Detail, Observer, Progress};
use crate::picture;
use crate::record::{RecordError, Recorder};
use crate::report::{RunSummary, Verdict};
use crate::stack::{Inspector, Story, Surroundings, View, is_ending, markers};

/// Pictures and scans that may wait for the odometry of their time.
const MOST_SIGHTS: usize = 60;
const MOST_SCANS: usize = 20;
/// Odometry that is this much older than the newest came late; older still, and time went back, ns.
const LATE_NANOS: u64 = 1_000_000_000;
/// The robot stands once its trunk has been higher than this share of its standing height for this long.
const STANDING_SHARE: f64 = 0.75;
const STANDING_NANOS: u64 = 1_000_000_000;
/// Between two scans and between two terrains in the new recording, ns, and the points of a scan there.
const SCAN_NANOS: u64 = 950_000_000;
const TERRAIN_NANOS: u64 = 2_000_000_000;
const KEPT_POINTS: usize = 2_000;

/// The robot's perception, with what waits for it.
pub(super) struct Desk<'a> {
    mission: &'a Mission,
    robot: &'a Robot,
    recorder: &'a mut Recorder,
    surroundings: Surroundings,
    inspector: Inspector,
    pub(super) story: Story,
    /// Whether nothing is said of a mission, and everything therefore kept.
    untold: bool,
    track: Track,
    state: Option<RobotState>,
    /// Since when the trunk has been as high as of one that stands.
    high_since: Option<Stamp>,
    pub(super) scans: VecDeque<LidarScan>,
    pub(super) sights: VecDeque<(Stamp, Sight)>,
    pub(super) agreement: Agreement,
    way_m: f64,
    defects: usize,
    pub(super) pictures: u64,
    pub(super) unplaced: u64,
    /// Greatest factor by which a picture was smaller than its camera takes them.
    reduced: u32,
    restarts: u64,
    scan_due: Stamp,
    terrain_due: Stamp,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        mission: &'a Mission,
        robot: &'a Robot,
        recorder: &'a mut Recorder,
        untold: bool,
    ) -> anyhow::Result<Self> {
        let description = &robot.description;
        let mut story = Story::new(mission);
        if untold {
            story.begin();
        }
        Ok(Self {
            surroundings: Surroundings::new(description, &mission.design),
            inspector: Inspector::new(mission, description)?,
            story,
            untold,
            mission,
            robot,
            recorder,
            track: Track::default(),
            state: None,
            high_since: None,
            scans: VecDeque::new(),
            sights: VecDeque::new(),
            agreement: Agreement::default(),
            way_m: 0.0,
            defects: 0,
            pictures: 0,
            unplaced: 0,
            reduced: 1,
            restarts: 0,
            scan_due: Stamp::ZERO,
            terrain_due: Stamp::ZERO,
        })
    }

    /// The simulation was started again while it was recorded: so is the map.
    fn begin_anew(&mut self) -> anyhow::Result<()> {
        tracing::warn!("time went back: the map begins anew");
        self.settle()?;
        self.unplaced += (self.scans.len() + self.sights.len()) as u64;
        let description = &self.robot.description;
        self.surroundings = Surroundings::new(description, &self.mission.design);
        self.inspector = Inspector::new(self.mission, description)?;
        self.story = Story::new(self.mission);
        if self.untold {
            self.story.begin();
        }
        self.track = Track::default();
        (self.state, self.high_since) = (None, None);
        self.scans.clear();
        self.sights.clear();
        self.agreement = Agreement::default();
        (self.scan_due, self.terrain_due) = (Stamp::ZERO, Stamp::ZERO);
        (self.way_m, self.defects) = (0.0, 0);
        self.restarts += 1;
        Ok(())
    }

    pub(super) fn moved(&mut self, state: RobotState, observer: &mut dyn Observer) -> anyhow::Result<()> {
        if let Some(before) = self.state.filter(|before| state.stamp < before.stamp) {
            if before.stamp <= state.stamp.plus_nanos(LATE_NANOS) {
                return Ok(());
            }
            self.begin_anew()?;
        }
        self.track.push(state.stamp, state.map_from_base);
        self.state = Some(state);
        let height_m = self.mission.design.to_tunnel(Point::from_coords(state.map_from_base.origin())).up_m;
        let high = height_m > STANDING_SHARE * self.robot.description.body.standing_height_m.get();
        self.high_since = high.then(|| self.high_since.unwrap_or(state.stamp));
        said(self.recorder.odometry(&state));
        if let Some(sample) = self.story.moved(&state) {
            observer.progress(&Progress {
                simulated_s: sample.stamp.seconds(),
                chainage_m: sample.chainage_m,
                way_m: self.way_m,
                phase: "replaying",
                defects: self.defects,
            });
        }
        self.settle()
    }

    pub(super) fn status(&mut self, phase: String, way_m: f64) {
        self.way_m = way_m;
        if let Some(state) = self.state {
            let place = self.mission.design.to_tunnel(Point::from_coords(state.map_from_base.origin()));
            let defects = self.defects as u32;
            said(self.recorder.status(state.stamp, &phase, place.chainage_m, way_m, defects));
        }
        self.story.status(phase);
    }

    /// Works on whatever the odometry has caught up with.
    pub(super) fn settle(&mut self) -> anyhow::Result<()> {
        let Some(state) = self.state else { return Ok(()) };
        while let Some(scan) = pop_if(&mut self.scans, |scan| end_of(scan) <= state.stamp) {
            self.perceive(&scan, &state);
        }
        while let Some((stamp, first)) = pop_if(&mut self.sights, |(stamp, _)| *stamp <= state.stamp) {
            let mut together = vec![first];
            while let Some((_, sight)) = pop_if(&mut self.sights, |(other, _)| *other == stamp) {
                together.push(sight);
            }
            self.look(stamp, together)?;
        }
        Ok(())
    }

    pub(super) fn drop_what_waits_too_long(&mut self) {
        while self.scans.len() > MOST_SCANS {
            self.scans.pop_front();
            self.unplaced += 1;
        }
        while self.sights.len() > MOST_SIGHTS {
            self.sights.pop_front();
            self.unplaced += 1;
        }
    }

    fn perceive(&mut self, scan: &LidarScan, newest: &RobotState) {
        let stamp = end_of(scan);
        let part = self.track.part_at(stamp);
        let Some((history, map_from_base)) = part.and_then(|part| Some((part, part.pose_at(stamp)?))) else {
            self.unplaced += 1;
            return;
        };
        let state = RobotState { stamp, map_from_base, ..*newest };
        let standing = self.high_since.is_some_and(|since| stamp >= since.plus_nanos(STANDING_NANOS));
        let perceived = self.surroundings.perceive(scan, &state, history, standing);
        self.agreement.add(&self.mission.design, &state, perceived.correction.as_ref());
        if standing {
            self.story.ground(&perceived.grid);
        }
        if newest.stamp >= self.scan_due {
            self.scan_due = newest.stamp.plus_nanos(SCAN_NANOS);
            said(self.recorder.lidar(newest.stamp, scan, scan.points.len() / KEPT_POINTS));
        }
        if newest.stamp >= self.terrain_due {
            self.terrain_due = newest.stamp.plus_nanos(TERRAIN_NANOS);
            said(self.recorder.terrain(&perceived.grid));
        }
    }

    /// Works on pictures of one moment.
    fn look(&mut self, stamp: Stamp, sights: Vec<Sight>) -> anyhow::Result<()> {
        let Some(pose) = self.track.pose_at(stamp) else {
            self.unplaced += sights.len() as u64;
            return Ok(());
        };
        self.pictures += sights.len() as u64;
        let inspector = &self.inspector;
        // Judged side by side; what they show goes onto the lining in their order.
        let judged: Vec<Judged> = sights
            .into_par_iter()
            .map(|sight| match sight {
                Sight::Picture { camera, image } => Ok(Judged::Picture(camera, inspector.judge(image)?)),
                Sight::Thermal(frame) => Ok(Judged::Thermal(frame)),
            })
            .collect::<anyhow::Result<_>>()?;
        let now = self.state.map_or(stamp, |state| state.stamp);
        for sight in judged {
            match sight {
                Judged::Picture(camera, view) => {
                    let description =
                        self.robot.description.cameras.get(camera).context("a camera that is not there")?;
                    let reduced = description.width / view.image.width.max(1);
                    self.reduced = self.reduced.max(reduced);
                    let smaller = picture::reduced(&view.image, Detail::Reduced.reduction() / reduced.max(1));
                    let lens = description.intrinsics();
                    said(self.recorder.picture(now, &description.name, stamp, &smaller, &lens));
                    self.inspector.add(camera, &pose, view)?;
                }
                Judged::Thermal(frame) => {
                    if let Some(description) = self.robot.description.thermal.get(frame.camera) {
                        said(self.recorder.thermal(now, &description.name, &frame));
                    }
                    self.inspector.add_thermal(&pose, &frame);
                }
            }
        }
        let defects = self.inspector.defects();
        self.defects = defects.len();
        said(self.recorder.defects(now, &markers(&defects, &self.mission.design)));
        Ok(())
    }

    pub(super) fn summary(&self) -> anyhow::Result<RunSummary> {
        let findings = self.inspector.findings();
        let mut summary = self.story.summary(self.robot, findings, self.surroundings.refused_scans())?;
        let phase = self.story.phase();
        if !is_ending(phase) {
            let reason = if phase.is_empty() {
                "the recording does not say how the mission went".to_owned()
            } else {
                format!("the recording ends while the mission is: {phase}")
            };
            summary.verdict = Verdict::Aborted { reason };
        }
        Ok(summary)
    }

    /// What a reader of the report must know of how it was made.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.reduced > 1 {
            notes.push(format!(
                "Pictures in the recording are up to {} times smaller than the cameras take them: most cracks and small \
                 defects do not show in them. `adit mission --full-recording` and `adit up` record them whole.",
                self.reduced
            ));
        }
        if self.unplaced > 0 {
            notes.push(format!(
                "Pictures and scans that were not used, because there is no odometry of their time: {}.",
                self.unplaced
            ));
        }
        if self.restarts > 0 {
            notes.push(format!(
                "Time went back in the recording ({} times): what came before is not in this report.",
                self.restarts
            ));
        }
        notes
    }
}

enum Judged {
    Picture(usize, View),
    Thermal(ThermalFrame),
}

fn pop_if<T>(queue: &mut VecDeque<T>, ready: impl FnOnce(&T) -> bool) -> Option<T> {
    if queue.front().is_some_and(ready) { queue.pop_front() } else { None }
}

/// When a scan's last point was measured.
fn end_of(scan: &LidarScan) -> Stamp {
    let offsets = scan.points.iter().map(|point| point.offset_s).filter(|s| (0.0..10.0).contains(s));
    scan.stamp.plus_nanos((f64::from(offsets.fold(0.0, f32::max)) * 1e9) as u64)
}

/// What cannot be written is said in the log, and the replay goes on.
fn said(written: Result<(), RecordError>) {
    if let Err(error) = written {
        tracing::warn!("recording: {error}");
    }
}
