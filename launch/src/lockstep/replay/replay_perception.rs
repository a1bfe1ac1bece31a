//! Perception of a replay: carries a recording's inputs through the perception pipeline, and its results into a new
//! recording.

use recording::MessageWriter;
use report::{RunSummary, Verdict};
use robot_interface::frames::Point;
use robot_interface::state::RobotState;
use robot_interface::status::MissionState;
use robot_interface::time::Stamp;
use stack::config::{Mission, Robot};
use stack::{
    CameraImage, InspectionJob, Inspector, LocalisationAndMapping, OdometryEvent, PerceptionPipeline,
    RunOutcome, ScanJob, Source, picture,
};

use super::agreement::Agreement;
use super::recorded::Input;
use crate::lockstep::detail::Detail;
use crate::lockstep::observer::{Observer, Progress};
use crate::lockstep::recording_failure::RecordingFailure;
use crate::summary::summarise;

/// Interval between two scans and between two terrains in the new recording, ns, and the points of a scan there.
const SCAN_NANOS: u64 = 950_000_000;
const TERRAIN_NANOS: u64 = 2_000_000_000;
const KEPT_POINTS: usize = 2_000;

/// Perception of a replay.
pub(super) struct ReplayPerception<'a> {
    mission: &'a Mission,
    robot: &'a Robot,
    writer: &'a mut MessageWriter,
    pipeline: PerceptionPipeline,
    mapping: LocalisationAndMapping,
    inspector: Inspector,
    pub(super) agreement: Agreement,
    way_m: f64,
    pub(super) pictures: u64,
    /// Greatest factor by which a picture was smaller than its camera takes them.
    reduced: u32,
    scan_due: Stamp,
    terrain_due: Stamp,
    pub(super) failure: RecordingFailure,
}

impl<'a> ReplayPerception<'a> {
    /// Perception of a recording; all of it is kept for the report if `keep_all`, as of one without a mission's status.
    pub(super) fn new(
        mission: &'a Mission,
        robot: &'a Robot,
        writer: &'a mut MessageWriter,
        keep_all: bool,
    ) -> anyhow::Result<Self> {
        let description = &robot.description;
        let mut pipeline = PerceptionPipeline::new(mission, description, Source::Recording);
        if keep_all {
            pipeline.keep_all(None);
        }
        Ok(Self {
            pipeline,
            mapping: LocalisationAndMapping::new(description, &mission.design),
            inspector: Inspector::new(mission, description)?,
            mission,
            robot,
            writer,
            agreement: Agreement::default(),
            way_m: 0.0,
            pictures: 0,
            reduced: 1,
            scan_due: Stamp::ZERO,
            terrain_due: Stamp::ZERO,
            failure: RecordingFailure::default(),
        })
    }

    /// Takes an input, and works on whatever the odometry has caught up with.
    pub(super) fn handle(&mut self, input: Input, observer: &mut dyn Observer) -> anyhow::Result<()> {
        match input {
            Input::Odometry(state) => self.handle_odometry(&state, observer)?,
            Input::Scan(scan) => self.pipeline.handle_scan(scan),
            Input::Image(stamp, image) => self.pipeline.handle_image(stamp, image),
            Input::Torque(peak_nm) => self.pipeline.handle_motors(peak_nm, 0),
            Input::Mission(state, way_m) => self.handle_mission(state, way_m),
            Input::UnreadableMission => self.pipeline.keep_all(None),
        }
        Ok(())
    }

    fn handle_odometry(&mut self, state: &RobotState, observer: &mut dyn Observer) -> anyhow::Result<()> {
        match self.pipeline.handle_odometry(state) {
            // Only a live robot's is refused.
            OdometryEvent::Late | OdometryEvent::Refused(_) => return Ok(()),
            OdometryEvent::Restarted => self.begin_anew()?,
            OdometryEvent::Taken(sample) => {
                if let Some(sample) = sample {
                    observer.progress(&Progress {
                        simulated_s: sample.stamp.seconds(),
                        chainage_m: sample.chainage_m,
                        way_m: self.way_m,
                        doing: "replaying",
                        defects: self.pipeline.defects(),
                    });
                }
            }
        }
        self.failure.handle(self.writer.odometry(state));
        self.settle()
    }

    /// Works on whatever the odometry has caught up with.
    pub(super) fn settle(&mut self) -> anyhow::Result<()> {
        while let Some(job) = self.pipeline.poll_scan() {
            self.map(&job);
        }
        while let Some(job) = self.pipeline.poll_images() {
            self.inspect(job)?;
        }
        Ok(())
    }

    fn begin_anew(&mut self) -> anyhow::Result<()> {
        let (mission, description) = (self.mission, &self.robot.description);
        self.mapping = LocalisationAndMapping::new(description, &mission.design);
        self.inspector = Inspector::new(mission, description)?;
        self.agreement = Agreement::default();
        (self.scan_due, self.terrain_due, self.way_m) = (Stamp::ZERO, Stamp::ZERO, 0.0);
        Ok(())
    }

    fn handle_mission(&mut self, state: MissionState, way_m: f64) {
        self.way_m = way_m;
        if let Some(newest) = self.pipeline.newest() {
            let place = Point::from_coords(newest.map_from_base.origin());
            let chainage_m = self.mission.design.to_tunnel(place).chainage_m;
            let defects = self.pipeline.defects() as u32;
            self.failure.handle(self.writer.status(newest.stamp, &state, chainage_m, way_m, defects));
        }
        self.pipeline.handle_mission(state);
    }

    fn map(&mut self, job: &ScanJob) {
        let result = self.mapping.handle_scan(job);
        self.pipeline.handle_scan_result(&result);
        let points = job.scan.points.len();
        self.agreement.add(&self.mission.design, &job.state, points, result.correction.as_ref());
        let now = job.state.stamp;
        if now >= self.scan_due {
            self.scan_due = now.plus_nanos(SCAN_NANOS);
            self.failure.handle(self.writer.lidar(now, &job.scan, job.scan.points.len() / KEPT_POINTS));
        }
        if now >= self.terrain_due {
            self.terrain_due = now.plus_nanos(TERRAIN_NANOS);
            self.failure.handle(self.writer.terrain(&result.grid));
        }
    }

    fn inspect(&mut self, job: InspectionJob) -> anyhow::Result<()> {
        let now = self.pipeline.newest().map_or(job.stamp, |state| state.stamp);
        self.pictures += job.images.len() as u64;
        for image in &job.images {
            self.record(now, job.stamp, image);
        }
        let defects = self.inspector.inspect(job)?;
        self.pipeline.handle_inspection(&defects);
        self.failure.handle(self.writer.defects(now, &defects, &self.mission.design));
        Ok(())
    }

    fn record(&mut self, now: Stamp, stamp: Stamp, image: &CameraImage) {
        let description = &self.robot.description;
        match image {
            CameraImage::Visible { camera, image } => {
                // One of a camera that is not there is refused by the inspector.
                let Some(description) = description.cameras.get(*camera) else { return };
                let reduced = description.width / image.width.max(1);
                self.reduced = self.reduced.max(reduced);
                let smaller = picture::reduced(image, Detail::Reduced.reduction() / reduced.max(1));
                let intrinsics = description.intrinsics();
                self.failure.handle(self.writer.picture(
                    now,
                    &description.name,
                    stamp,
                    &smaller,
                    &intrinsics,
                ));
            }
            CameraImage::Thermal(frame) => {
                let Some(description) = description.thermal.get(frame.camera) else { return };
                self.failure.handle(self.writer.thermal(now, &description.name, frame));
            }
        }
    }

    /// Returns the outcome of what was replayed.
    pub(super) fn outcome(&self) -> RunOutcome {
        self.pipeline.outcome(self.inspector.findings(), self.mapping.refused_scans())
    }

    /// Returns the summary of an outcome for the report.
    pub(super) fn summary(&self, outcome: &RunOutcome) -> anyhow::Result<RunSummary> {
        let mut summary = summarise(self.mission, self.robot, outcome, None)?;
        let reason = match &outcome.state {
            None => "the recording does not say how the mission went".to_owned(),
            Some(state) if state.is_over() => return Ok(summary),
            Some(state) => format!("the recording ends while the mission is: {state}"),
        };
        summary.verdict = Verdict::Aborted { reason };
        Ok(summary)
    }

    /// Notes on how the report was made, for its readers.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.reduced > 1 {
            notes.push(format!(
                "Pictures in the recording are up to {} times smaller than the cameras take them: most cracks and small \
                 defects do not show in them. `adit mission --full-recording` and `adit up` record them whole.",
                self.reduced
            ));
        }
        notes
    }
}
