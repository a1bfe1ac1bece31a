//! The cameras of a run, on a thread of their own: rendered by the simulator, judged by the network, laid on
//! the lining.
//!
//! Pictures never decide where the robot steps. What they gave is taken over a fixed number of pictures later,
//! however fast the machine is, so that a run's results do not depend on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, anyhow};
use rayon::prelude::*;
use robot_interface::defect::{Defect, DefectClass};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{RgbImage, ThermalFrame};
use robot_interface::time::Stamp;
use sim::camera::{Camera, Exposure, SeenDefect};
use sim::thermal::ThermalCamera;
use sim::tunnel::Tunnel;

use super::detail::Detail;
use crate::mission_file::MissionFile;
use crate::world::Scene;
use stack::picture;
use stack::{CameraImage, Findings, InspectionJob, Inspector};

/// Moments that may be waiting or in work. Were it one, the robot's own work would stop for the pictures' now
/// and then, and a core stand idle.
const LAG: usize = 4;
/// A crack thinner than this many pixels could not have been seen, nor a defect of fewer pixels.
const VISIBLE_CRACK_PX: f32 = 0.5;
const VISIBLE_CRACK_PIXELS: u32 = 40;
const VISIBLE_PIXELS: u32 = 80;
/// Darker, or paler against its surroundings, than this could not have been seen.
const VISIBLE_BRIGHTNESS: f32 = 0.01;
const VISIBLE_CONTRAST: f32 = 0.05;

/// Request to take pictures.
pub(super) struct CaptureRequest {
    pub(super) stamp: Stamp,
    /// The tunnel around the robot then.
    pub(super) scene: Arc<Scene>,
    /// True poses when the shutters opened and closed; only the simulator's cameras see them.
    pub(super) truth: [Transform<Map, Base>; 2],
    pub(super) estimate: Transform<Map, Base>,
}

/// Result of one [`CaptureRequest`].
pub(super) struct CaptureResult {
    pub(super) stamp: Stamp,
    /// The pictures, as large as the recording has them, in the order of the robot's cameras.
    pub(super) pictures: Vec<RgbImage>,
    pub(super) thermal: Vec<ThermalFrame>,
    /// All defects so far.
    pub(super) defects: Vec<Defect>,
}

/// Findings, and the ids of the true defects that some camera could have seen (for scoring only).
type Seen = (Findings, Vec<u32>);

/// Handle to the thread.
pub(super) struct InspectionWorker {
    requests: Option<SyncSender<CaptureRequest>>,
    results: Receiver<CaptureResult>,
    thread: Option<JoinHandle<anyhow::Result<Seen>>>,
    pending: usize,
}

impl InspectionWorker {
    pub(super) fn start(
        file: &MissionFile,
        robot: &RobotDescription,
        detail: Detail,
    ) -> anyhow::Result<Self> {
        let mut rig = CameraRig::new(file, robot, detail)?;
        let (requests, inbox) = sync_channel::<CaptureRequest>(LAG + 1);
        let (outbox, results) = sync_channel(LAG + 1);
        let thread = std::thread::Builder::new()
            .name("inspection".to_owned())
            .spawn(move || {
                for request in inbox {
                    let result = rig.capture(&request)?;
                    if outbox.send(result).is_err() {
                        break;
                    }
                }
                Ok(rig.close())
            })
            .context("cannot start the thread that works on pictures")?;
        Ok(Self { requests: Some(requests), results, thread: Some(thread), pending: 0 })
    }

    /// Takes pictures now.
    pub(super) fn capture(&mut self, request: CaptureRequest) -> anyhow::Result<()> {
        let sent = self.requests.as_ref().is_some_and(|m| m.send(request).is_ok());
        if !sent {
            return Err(self.failure());
        }
        self.pending += 1;
        Ok(())
    }

    /// Takes the result of the pictures that have waited longest, if more than [`LAG`] requests wait, or `all` are wanted.
    pub(super) fn take(&mut self, all: bool) -> anyhow::Result<Option<CaptureResult>> {
        if self.pending <= if all { 0 } else { LAG } {
            return Ok(None);
        }
        self.pending -= 1;
        match self.results.recv() {
            Ok(result) => Ok(Some(result)),
            Err(_) => Err(self.failure()),
        }
    }

    /// Ends the thread and gives all that was found, and which true defects some camera could have seen (for
    /// scoring only). [`InspectionWorker::take`] of all comes first.
    pub(super) fn close(mut self) -> anyhow::Result<Seen> {
        self.requests = None;
        self.join()
    }

    /// Returns the reason for which the thread ended before it was told to.
    fn failure(&mut self) -> anyhow::Error {
        self.requests = None;
        self.join().err().unwrap_or_else(|| anyhow!("the thread that works on pictures ended early"))
    }

    fn join(&mut self) -> anyhow::Result<Seen> {
        let thread = self.thread.take().context("the thread that works on pictures ended before")?;
        // A panic's payload has been printed where it happened.
        thread.join().unwrap_or_else(|_| Err(anyhow!("the thread that works on pictures panicked")))
    }
}

/// Renders and judges, one request at a time.
pub(super) struct CameraRig {
    cameras: Vec<Camera>,
    thermal: Vec<ThermalCamera>,
    robot: RobotDescription,
    inspector: Inspector,
    detail: Detail,
    seed: u64,
    pictures: u32,
    visible: BTreeMap<u32, bool>,
}

impl CameraRig {
    pub(super) fn new(file: &MissionFile, robot: &RobotDescription, detail: Detail) -> anyhow::Result<Self> {
        Ok(Self {
            cameras: robot.cameras.iter().enumerate().map(|(i, c)| Camera::new(c, i)).collect(),
            thermal: robot.thermal.iter().enumerate().map(|(i, c)| ThermalCamera::new(c, i)).collect(),
            robot: robot.clone(),
            inspector: Inspector::new(&file.mission, robot)?,
            detail,
            seed: file.simulation.seed,
            pictures: 0,
            visible: BTreeMap::new(),
        })
    }

    pub(super) fn capture(&mut self, request: &CaptureRequest) -> anyhow::Result<CaptureResult> {
        let first = self.pictures;
        self.pictures += self.cameras.len() as u32;
        // The cameras work side by side; what they saw is told in their order.
        let rendered: Vec<(RgbImage, Vec<SeenDefect>)> = self
            .cameras
            .par_iter()
            .enumerate()
            .map(|(i, camera)| self.render(request, camera, i, u64::from(first) + i as u64))
            .collect();
        let (mut pictures, mut images) = (Vec::new(), Vec::new());
        for (camera, (image, visible)) in rendered.into_iter().enumerate() {
            for seen in &visible {
                *self.visible.entry(seen.id).or_default() |= could_see(&request.scene.tunnel, seen);
            }
            pictures.push(picture::reduced(&image, self.detail.reduction()));
            images.push(CameraImage::Visible { camera, image });
        }
        let (mut thermal, scene) = (Vec::new(), &request.scene);
        for (camera, description) in self.thermal.iter().zip(&self.robot.thermal) {
            let seed = self.seed.wrapping_add(request.stamp.nanos());
            let pose = request.truth[1] * description.base_from_camera();
            thermal.push(camera.render(&scene.tunnel, scene.caster.as_ref(), pose, request.stamp, seed));
        }
        images.extend(thermal.iter().cloned().map(CameraImage::Thermal));
        let (stamp, map_from_base) = (request.stamp, request.estimate);
        let defects = self.inspector.inspect(InspectionJob { stamp, map_from_base, images })?;
        Ok(CaptureResult { stamp, pictures, thermal, defects })
    }

    fn render(
        &self,
        request: &CaptureRequest,
        camera: &Camera,
        index: usize,
        number: u64,
    ) -> (RgbImage, Vec<SeenDefect>) {
        let mount = self.robot.cameras[index].base_from_camera();
        let [start, end] = request.truth.map(|pose| pose * mount);
        let exposure = Exposure { start, end, stamp: request.stamp };
        let seed = self.seed.wrapping_mul(0x1_0000).wrapping_add(number);
        let rendered = camera.render(&request.scene.tunnel, request.scene.caster.as_ref(), &exposure, seed);
        (rendered.frame.image, rendered.visible)
    }

    pub(super) fn close(self) -> Seen {
        let visible = self.visible.into_iter().filter(|(_, could)| *could).map(|(id, _)| id).collect();
        (self.inspector.close(), visible)
    }
}

/// Returns true if a defect could have been seen in a picture.
fn could_see(tunnel: &Tunnel, seen: &SeenDefect) -> bool {
    let lit = seen.brightness > VISIBLE_BRIGHTNESS && seen.contrast > VISIBLE_CONTRAST;
    let crack = tunnel.defect(seen.id).is_some_and(|d| d.class == DefectClass::Crack);
    let large = if crack {
        seen.width_px >= VISIBLE_CRACK_PX && seen.pixels >= VISIBLE_CRACK_PIXELS
    } else {
        seen.pixels >= VISIBLE_PIXELS
    };
    lit && large
}
