//! The lidar and the cameras, each on a thread of its own beside the physics.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use robot_interface::robot::RobotDescription;
use sim::camera::{Camera, Exposure};
use sim::thermal::ThermalCamera;

use super::capture::{CaptureRequest, Inlets};
use super::shared::Shared;
use crate::mission_file::Simulation;
use crate::ros::topic_publishers::TopicPublishers;
use crate::world::TruePoses;
use recording::MessageWriter;
use stack::realtime::stand_back;

/// Levels by which the sensors stand back behind the physics, and the cameras, which have time, behind the lidar.
const LIDAR_LEVELS: i32 = 5;
const CAMERA_LEVELS: i32 = 12;
/// Moments whose pictures may wait to be rendered.
const MAX_WAITING_CAPTURES: usize = 8;
/// Interval at which a thread without work checks if it is to end.
const LOOK: Duration = Duration::from_millis(200);

/// The running threads; they end soon after the world has.
pub(super) struct Sensors {
    inlets: Inlets,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Sensors {
    pub(super) fn start(
        simulation: &Simulation,
        robot: &RobotDescription,
        shared: Arc<Shared>,
        mut lidar_out: MessageWriter<TopicPublishers>,
        camera_out: MessageWriter<TopicPublishers>,
    ) -> anyhow::Result<Self> {
        let (scans, scan_inbox) = sync_channel(2);
        // A busy machine renders later, but leaves no stretch of lining out; perception knows where the robot was for
        // the last twenty seconds, and older pictures would be of no use.
        let (captures, capture_inbox) = sync_channel(MAX_WAITING_CAPTURES);
        let cameras = Cameras {
            cameras: robot.cameras.iter().enumerate().map(|(i, c)| Camera::new(c, i)).collect(),
            thermal: robot.thermal.iter().enumerate().map(|(i, c)| ThermalCamera::new(c, i)).collect(),
            robot: robot.clone(),
            seed: simulation.seed,
            pictures: 0,
            out: camera_out,
        };
        let ours = Arc::clone(&shared);
        let threads = vec![
            spawn("lidar", move || {
                stand_back(LIDAR_LEVELS);
                each(&scan_inbox, &ours, |poses: TruePoses| scan(&poses, &mut lidar_out))
            })?,
            spawn("cameras", move || {
                stand_back(CAMERA_LEVELS);
                let mut cameras = cameras;
                each(&capture_inbox, &shared, |capture| cameras.capture(&capture))
            })?,
        ];
        Ok(Self { inlets: Inlets { scans, captures }, threads })
    }

    pub(super) fn inlets(&self) -> Inlets {
        self.inlets.clone()
    }

    /// An error if a thread has ended by itself.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        let ended = self.threads.iter().position(JoinHandle::is_finished);
        match ended.map(|i| self.threads.swap_remove(i)) {
            Some(thread) => thread.join().unwrap_or_else(|_| Err(anyhow!("a simulated sensor panicked"))),
            None => Ok(()),
        }
    }
}

fn spawn(
    name: &str,
    work: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder.spawn(work).with_context(|| format!("cannot start the thread of the {name}"))
}

/// Works on what comes until the world has ended.
fn each<T>(
    inbox: &Receiver<T>,
    shared: &Shared,
    mut work: impl FnMut(T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    while !shared.has_ended() {
        match inbox.recv_timeout(LOOK) {
            Ok(item) => work(item)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(())
}

fn scan(poses: &TruePoses, out: &mut MessageWriter<TopicPublishers>) -> anyhow::Result<()> {
    let scan = poses.scan();
    Ok(out.lidar(scan.stamp, &scan, 1)?)
}

struct Cameras {
    cameras: Vec<Camera>,
    thermal: Vec<ThermalCamera>,
    robot: RobotDescription,
    seed: u64,
    pictures: u64,
    out: MessageWriter<TopicPublishers>,
}

impl Cameras {
    fn capture(&mut self, capture: &CaptureRequest) -> anyhow::Result<()> {
        let CaptureRequest { stamp, scene, truth } = capture;
        let (stamp, truth) = (*stamp, *truth);
        for (camera, description) in self.cameras.iter().zip(&self.robot.cameras) {
            let [start, end] = truth.map(|pose| pose * description.base_from_camera());
            let seed = self.seed.wrapping_mul(0x1_0000).wrapping_add(self.pictures);
            self.pictures += 1;
            let exposure = Exposure { start, end, stamp };
            let rendered = camera.render(&scene.tunnel, scene.caster.as_ref(), &exposure, seed);
            let image = &rendered.frame.image;
            self.out.raw_picture(&description.name, stamp, image, &description.intrinsics())?;
        }
        for (camera, description) in self.thermal.iter().zip(&self.robot.thermal) {
            let pose = truth[1] * description.base_from_camera();
            let seed = self.seed.wrapping_add(stamp.nanos());
            let frame = camera.render(&scene.tunnel, scene.caster.as_ref(), pose, stamp, seed);
            self.out.thermal(stamp, &description.name, &frame)?;
        }
        Ok(())
    }
}
