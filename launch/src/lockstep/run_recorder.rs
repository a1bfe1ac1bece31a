//! Recorder of a run: decides how often each topic of it is recorded.

use recording::{MessageWriter, RecordError};
use robot_interface::joints::JointStates;
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{BatterySample, ImuSample, LidarScan};
use robot_interface::state::RobotState;
use robot_interface::status::MissionState;
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelDesign;
use stack::MissionProgress;

use super::detail::Detail;
use super::inspection_worker::CaptureResult;
use super::recording_failure::RecordingFailure;

/// Of the 10 scans a second one in this many is recorded, with one point in [`KEEP_POINTS`] if not as it came, and the
/// battery's state.
const SCAN_EVERY: u64 = 10;
const KEEP_POINTS: usize = 10;
/// Of the ten decisions a second one in this many has its path and the mission's status recorded.
const STATUS_EVERY: u64 = 5;
/// The terrain, likewise.
const TERRAIN_EVERY: u64 = 20;

/// Measurements and estimate of one control step, kept until the window ends.
pub(super) struct ControlStep {
    pub(super) joints: JointStates,
    pub(super) imu: ImuSample,
    pub(super) state: RobotState,
}

/// Decision of the mission in one window.
pub(super) struct MissionStep<'a> {
    /// Planned path, `[x, y]` in `map`, m.
    pub(super) path: &'a [[f64; 2]],
    /// Height of the trunk in `map`, m.
    pub(super) height_m: f64,
    pub(super) state: &'a MissionState,
    pub(super) progress: MissionProgress,
    pub(super) defects: usize,
}

/// Recorder of a run, which may be absent. What it cannot write is said, and the run goes on.
pub(super) struct RunRecorder<'a> {
    writer: Option<&'a mut MessageWriter>,
    detail: Detail,
    robot: &'a RobotDescription,
    design: &'a TunnelDesign,
    windows: u64,
    pub(super) failure: RecordingFailure,
}

impl<'a> RunRecorder<'a> {
    pub(super) fn new(
        writer: Option<&'a mut MessageWriter>,
        detail: Detail,
        robot: &'a RobotDescription,
        design: &'a TunnelDesign,
    ) -> Self {
        Self { writer, detail, robot, design, windows: 0, failure: RecordingFailure::default() }
    }

    fn with(&mut self, write: impl FnOnce(&mut MessageWriter) -> Result<(), RecordError>) {
        if let Some(writer) = self.writer.as_deref_mut() {
            self.failure.handle(write(writer));
        }
    }

    /// Records a window of control steps.
    pub(super) fn window(
        &mut self,
        now: Stamp,
        steps: &[ControlStep],
        scan: &LidarScan,
        grid: &TerrainGrid,
        battery: Option<&BatterySample>,
    ) {
        self.windows += 1;
        let windows = self.windows;
        let keep_every = if self.detail == Detail::Full { 1 } else { KEEP_POINTS };
        self.with(|writer| {
            for step in steps {
                writer.joint_states(&step.joints)?;
                writer.imu(&step.imu)?;
                writer.odometry(&step.state)?;
            }
            if windows.is_multiple_of(SCAN_EVERY) {
                writer.lidar(now, scan, keep_every)?;
                battery.map_or(Ok(()), |sample| writer.battery(sample))?;
            }
            if windows.is_multiple_of(TERRAIN_EVERY) {
                writer.terrain(grid)?;
            }
            Ok(())
        });
    }

    /// Records the plan and the state of the mission.
    pub(super) fn mission(&mut self, now: Stamp, step: &MissionStep<'_>) {
        if !self.windows.is_multiple_of(STATUS_EVERY) && !step.state.is_over() {
            return;
        }
        let path: Vec<[f64; 3]> = step.path.iter().map(|[x, y]| [*x, *y, step.height_m]).collect();
        self.with(|writer| {
            writer.path(now, &path)?;
            let MissionProgress { chainage_m, way_m } = step.progress;
            writer.status(now, step.state, chainage_m, way_m, step.defects as u32)
        });
    }

    /// Records pictures and all defects so far.
    pub(super) fn inspection(&mut self, now: Stamp, result: &CaptureResult) {
        let (robot, design, detail) = (self.robot, self.design, self.detail);
        self.with(|writer| {
            for (description, image) in robot.cameras.iter().zip(&result.pictures) {
                let intrinsics = description.intrinsics();
                match detail {
                    Detail::Reduced => {
                        writer.picture(now, &description.name, result.stamp, image, &intrinsics)?;
                    }
                    Detail::Full => {
                        writer.raw_picture(&description.name, result.stamp, image, &intrinsics)?
                    }
                }
            }
            for (description, frame) in robot.thermal.iter().zip(&result.thermal) {
                writer.thermal(now, &description.name, frame)?;
            }
            writer.defects(now, &result.defects, design)
        });
    }
}
