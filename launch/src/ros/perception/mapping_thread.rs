//! Thread of localisation and mapping: works on scans, one at a time: the newest; what came meanwhile is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};

use anyhow::{Context as _, anyhow};
use perception::localise::TunnelCorrection;
use r2r::adit_msgs::msg::TunnelCorrection as CorrectionMsg;
use robot_interface::robot::RobotDescription;
use robot_interface::tunnel::TunnelDesign;

use crate::ros::convert::time;
use stack::realtime::stand_back;
use stack::{LocalisationAndMapping, ScanJob, ScanResult};

/// Levels by which it stands back behind the control process.
const LEVELS: i32 = 5;

pub(super) struct MappingThread {
    jobs: SyncSender<ScanJob>,
    results: Receiver<ScanResult>,
    refused: Arc<AtomicU64>,
}

impl MappingThread {
    pub(super) fn start(robot: &RobotDescription, design: &TunnelDesign) -> anyhow::Result<Self> {
        let (jobs, inbox) = sync_channel::<ScanJob>(1);
        let (outbox, results) = sync_channel(4);
        let refused = Arc::new(AtomicU64::new(0));
        let (robot, design) = (robot.clone(), design.clone());
        let count = Arc::clone(&refused);
        let work = move || {
            stand_back(LEVELS);
            let (mut mapping, mut restarts) = (LocalisationAndMapping::new(&robot, &design), 0);
            for job in inbox {
                // Time went back, and the robot lies at its start again.
                if job.restarts != restarts {
                    restarts = job.restarts;
                    mapping = LocalisationAndMapping::new(&robot, &design);
                }
                let result = mapping.handle_scan(&job);
                count.store(mapping.refused_scans(), Ordering::Relaxed);
                if outbox.send(result).is_err() {
                    break;
                }
            }
        };
        // It ends when its inbox is dropped.
        let thread = std::thread::Builder::new().name("mapping".to_owned());
        thread.spawn(work).context("cannot start the thread of localisation and mapping")?;
        Ok(Self { jobs, results, refused })
    }

    pub(super) fn give(&self, job: ScanJob) -> anyhow::Result<()> {
        match self.jobs.try_send(job) {
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Disconnected(_)) => {
                Err(anyhow!("the thread of localisation and mapping ended"))
            }
        }
    }

    pub(super) fn take(&self) -> anyhow::Result<Option<ScanResult>> {
        match self.results.try_recv() {
            Ok(result) => Ok(Some(result)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(anyhow!("the thread of localisation and mapping ended")),
        }
    }

    /// Returns how many scans did not fit the tunnel's design.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A measurement against the tunnel as it travels.
pub(super) fn correction(c: &TunnelCorrection) -> CorrectionMsg {
    let mut message = CorrectionMsg {
        chainage_m: c.chainage_m,
        axis_heading_rad: c.axis.heading_rad,
        axis_grade: c.axis.grade,
        curvature_per_m: c.curvature_per_m,
        lateral_m: c.lateral_m,
        height_m: c.height_m,
        yaw_rad: c.yaw_rad,
        covariance: c.covariance.transpose().as_slice().to_vec(),
        eigenvalues: c.eigenvalues.to_vec(),
        degenerate: c.degenerate.as_slice().as_flattened().to_vec(),
        points: c.points as u32,
        inliers: c.inliers,
        residual_m: c.residual_m,
        ..CorrectionMsg::default()
    };
    message.header.stamp = time(c.stamp);
    message.header.frame_id = "map".to_owned();
    (message.axis.x, message.axis.y, message.axis.z) = (c.axis.x_m, c.axis.y_m, c.axis.z_m);
    message
}
