//! What of a run goes into its recording, and how often.

use planner::mission::Phase;
use robot_interface::joints::JointStates;
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{BatterySample, ImuSample, LidarScan};
use robot_interface::state::RobotState;
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelDesign;

use super::eyes::Looked;
use crate::record::{RecordError, Recorder};
use crate::stack::markers;

/// Of the 10 scans a second one in this many is recorded, with one point in [`KEEP_POINTS`] if not as it came, and the
/// battery's state.
const SCAN_EVERY: u64 = 10;
const KEEP_POINTS: usize = 10;
/// How much smaller pictures are in the recording if not as they came.
const REDUCED: u32 = 4;
/// Of the ten decisions a second one in this many has its path and the mission's status recorded.
const STATUS_EVERY: u64 = 5;
/// The terrain, likewise.
const TERRAIN_EVERY: u64 = 20;

/// How much of what the sensors gave goes into a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Enough to look at: pictures made smaller, as JPEG, and a tenth of a scan's points. Small defects do not show in it.
    Reduced,
    /// Pictures and scans as they came, from which a replay finds the same defects.
    Full,
}

impl Detail {
    /// How much smaller pictures are.
    pub(super) const fn reduction(self) -> u32 {
        match self {
            Self::Reduced => REDUCED,
            Self::Full => 1,
        }
    }
}

/// One control step's estimates, kept until the window ends.
pub(super) struct Kept {
    pub(super) joints: JointStates,
    pub(super) imu: ImuSample,
    pub(super) state: RobotState,
}

/// A recorder that may be absent. What it cannot write is said in the log, and the run goes on.
pub(super) struct Log<'a> {
    recorder: Option<&'a mut Recorder>,
    detail: Detail,
    robot: &'a RobotDescription,
    design: &'a TunnelDesign,
    windows: u64,
}

impl<'a> Log<'a> {
    pub(super) fn new(
        recorder: Option<&'a mut Recorder>,
        detail: Detail,
        robot: &'a RobotDescription,
        design: &'a TunnelDesign,
    ) -> Self {
        Self { recorder, detail, robot, design, windows: 0 }
    }

    fn with(&mut self, write: impl FnOnce(&mut Recorder) -> Result<(), RecordError>) {
        if let Some(Err(error)) = self.recorder.as_deref_mut().map(write) {
            tracing::warn!("recording: {error}");
        }
    }

    /// What a window of control steps gave.
    pub(super) fn window(
        &mut self,
        now: Stamp,
        kept: &[Kept],
        scan: &LidarScan,
        grid: &TerrainGrid,
        battery: Option<&BatterySample>,
    ) {
        self.windows += 1;
        let windows = self.windows;
        let keep_every = if self.detail == Detail::Full { 1 } else { KEEP_POINTS };
        self.with(|recorder| {
            for step in kept {
                recorder.joint_states(&step.joints)?;
                recorder.imu(&step.imu)?;
                recorder.odometry(&step.state)?;
            }
            if windows.is_multiple_of(SCAN_EVERY) {
                recorder.lidar(now, scan, keep_every)?;
                battery.map_or(Ok(()), |sample| recorder.battery(sample))?;
            }
            if windows.is_multiple_of(TERRAIN_EVERY) {
                recorder.terrain(grid)?;
            }
            Ok(())
        });
    }

    /// What the mission decided, or how it ended; `at_m` is the chainage and the way along the tunnel, m.
    pub(super) fn decision(
        &mut self,
        now: Stamp,
        path: Option<&[[f64; 2]]>,
        height_m: f64,
        phase: (Phase, &str),
        at_m: [f64; 2],
        defects: usize,
    ) {
        if !self.windows.is_multiple_of(STATUS_EVERY) && phase.0 != Phase::Done {
            return;
        }
        let path: Vec<[f64; 3]> = path.unwrap_or_default().iter().map(|[x, y]| [*x, *y, height_m]).collect();
        self.with(|recorder| {
            recorder.path(now, &path)?;
            recorder.status(now, phase.1, at_m[0], at_m[1], defects as u32)
        });
    }

    /// What pictures gave.
    pub(super) fn looked(&mut self, now: Stamp, looked: &Looked) {
        let markers = markers(&looked.defects, self.design);
        let (robot, detail) = (self.robot, self.detail);
        self.with(|recorder| {
            for (description, image) in robot.cameras.iter().zip(&looked.pictures) {
                let lens = description.intrinsics();
                match detail {
                    Detail::Reduced => {
                        recorder.picture(now, &description.name, looked.stamp, image, &lens)?;
                    }
                    Detail::Full => recorder.raw_picture(&description.name, looked.stamp, image, &lens)?,
                }
            }
            for (description, frame) in robot.thermal.iter().zip(&looked.thermal) {
                recorder.thermal(now, &description.name, frame)?;
            }
            recorder.defects(now, &markers)
        });
    }
}
