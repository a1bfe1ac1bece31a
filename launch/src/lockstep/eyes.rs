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
use perception::lining::Defect;
use rayon::prelude::*;
use robot_interface::defect::DefectClass;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{RgbImage, ThermalFrame};
use robot_interface::time::Stamp;
use sim::camera::{Camera, Exposure, SeenDefect};
use sim::geometry::RayCaster;
use sim::thermal::ThermalCamera;
use sim::tunnel::Tunnel;

use super::log::Detail;
use crate::config::Mission;
use crate::picture;
use crate::stack::{Findings, Inspector, View};

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

/// Where the robot was when it took pictures.
pub(super) struct Moment {
    pub(super) stamp: Stamp,
    /// True poses when the shutters opened and closed; only the simulator's cameras see them.
    pub(super) truth: [Transform<Map, Base>; 2],
    pub(super) estimate: Transform<Map, Base>,
}

/// What the pictures of one moment gave.
pub(super) struct Looked {
    pub(super) stamp: Stamp,
    /// The pictures, as large as the recording has them, in the order of the robot's cameras.
    pub(super) pictures: Vec<RgbImage>,
    pub(super) thermal: Vec<ThermalFrame>,
    /// All defects so far.
    pub(super) defects: Vec<Defect>,
}

/// What was found, and the ids of the true defects that some camera could have seen (for scoring only).
type Seen = (Findings, Vec<u16>);

/// The thread's front door.
pub(super) struct Eyes {
    moments: Option<SyncSender<Moment>>,
    results: Receiver<Looked>,
    thread: Option<JoinHandle<anyhow::Result<Seen>>>,
    pending: usize,
}

impl Eyes {
    pub(super) fn open(
        mission: &Mission,
        robot: &RobotDescription,
        tunnel: Arc<Tunnel>,
        caster: Arc<dyn RayCaster>,
        detail: Detail,
    ) -> anyhow::Result<Self> {
        let mut worker = Worker::new(mission, robot, tunnel, caster, detail)?;
        let (moments, inbox) = sync_channel::<Moment>(LAG + 1);
        let (outbox, results) = sync_channel(LAG + 1);
        let thread = std::thread::Builder::new()
            .name("eyes".to_owned())
            .spawn(move || {
                for moment in inbox {
                    let looked = worker.look(&moment)?;
                    if outbox.send(looked).is_err() {
                        break;
                    }
                }
                Ok(worker.close())
            })
            .context("cannot start the thread that works on pictures")?;
        Ok(Self { moments: Some(moments), results, thread: Some(thread), pending: 0 })
    }

    /// Takes pictures now.
    pub(super) fn look(&mut self, moment: Moment) -> anyhow::Result<()> {
        let sent = self.moments.as_ref().is_some_and(|m| m.send(moment).is_ok());
        if !sent {
            return Err(self.failure());
        }
        self.pending += 1;
        Ok(())
    }

    /// What the longest waiting pictures gave, if more than [`LAG`] moments wait, or `all` are wanted.
    pub(super) fn take(&mut self, all: bool) -> anyhow::Result<Option<Looked>> {
        if self.pending <= if all { 0 } else { LAG } {
            return Ok(None);
        }
        self.pending -= 1;
        match self.results.recv() {
            Ok(looked) => Ok(Some(looked)),
            Err(_) => Err(self.failure()),
        }
    }

    /// Ends the thread and gives all that was found, and which true defects some camera could have seen (for
    /// scoring only). [`Eyes::take`] of all comes first.
    pub(super) fn close(mut self) -> anyhow::Result<Seen> {
        self.moments = None;
        self.join()
    }

    /// Why the thread ended before it was told to.
    fn failure(&mut self) -> anyhow::Error {
        self.moments = None;
        self.join().err().unwrap_or_else(|| anyhow!("the thread that works on pictures ended early"))
    }

    fn join(&mut self) -> anyhow::Result<Seen> {
        let thread = self.thread.take().context("the thread that works on pictures ended before")?;
        // A panic's payload has been printed where it happened.
        thread.join().unwrap_or_else(|_| Err(anyhow!("the thread that works on pictures panicked")))
    }
}

/// Renders and judges, one moment at a time.
pub(super) struct Worker {
    cameras: Vec<Camera>,
    thermal: Vec<ThermalCamera>,
    tunnel: Arc<Tunnel>,
    caster: Arc<dyn RayCaster>,
    inspector: Inspector,
    detail: Detail,
    seed: u64,
    pictures: u32,
    visible: BTreeMap<u16, bool>,
}

impl Worker {
    pub(super) fn new(
        mission: &Mission,
        robot: &RobotDescription,
        tunnel: Arc<Tunnel>,
        caster: Arc<dyn RayCaster>,
        detail: Detail,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            cameras: robot.cameras.iter().enumerate().map(|(i, c)| Camera::new(c, i)).collect(),
            thermal: robot.thermal.iter().enumerate().map(|(i, c)| ThermalCamera::new(c, i)).collect(),
            tunnel,
            caster,
            inspector: Inspector::new(mission, robot)?,
            detail,
            seed: mission.seed,
            pictures: 0,
            visible: BTreeMap::new(),
        })
    }

    pub(super) fn look(&mut self, moment: &Moment) -> anyhow::Result<Looked> {
        let first = self.pictures;
        self.pictures += self.cameras.len() as u32;
        // The cameras work side by side; what they saw goes onto the lining in their order.
        let views: Vec<(View, Vec<SeenDefect>)> = self
            .cameras
            .par_iter()
            .enumerate()
            .map(|(i, camera)| self.view(moment, camera, i, u64::from(first) + i as u64))
            .collect::<anyhow::Result<_>>()?;
        let mut pictures = Vec::new();
        for (camera, (view, visible)) in views.into_iter().enumerate() {
            for seen in &visible {
                *self.visible.entry(seen.id).or_default() |= could_see(&self.tunnel, seen);
            }
            pictures.push(picture::reduced(&view.image, self.detail.reduction()));
            self.inspector.add(camera, &moment.estimate, view)?;
        }
        let mut thermal = Vec::new();
        for camera in &self.thermal {
            let seed = self.seed.wrapping_add(moment.stamp.nanos());
            let mount = self.inspector.thermal_mount(thermal.len());
            let pose = moment.truth[1] * mount;
            let frame = camera.render(&self.tunnel, self.caster.as_ref(), pose, moment.stamp, seed);
            self.inspector.add_thermal(&moment.estimate, &frame);
            thermal.push(frame);
        }
        Ok(Looked { stamp: moment.stamp, pictures, thermal, defects: self.inspector.defects() })
    }

    /// Takes a picture and judges it.
    fn view(
        &self,
        moment: &Moment,
        camera: &Camera,
        index: usize,
        number: u64,
    ) -> anyhow::Result<(View, Vec<SeenDefect>)> {
        let mount = self.inspector.camera_mount(index);
        let [start, end] = moment.truth.map(|pose| pose * mount);
        let exposure = Exposure { start, end, stamp: moment.stamp };
        let seed = self.seed.wrapping_mul(0x1_0000).wrapping_add(number);
        let rendered = camera.render(&self.tunnel, self.caster.as_ref(), &exposure, seed);
        Ok((self.inspector.judge(rendered.frame.image)?, rendered.visible))
    }

    pub(super) fn close(self) -> Seen {
        let visible = self.visible.into_iter().filter(|(_, could)| *could).map(|(id, _)| id).collect();
        (self.inspector.close(), visible)
    }
}

/// Whether a defect could have been seen in a picture.
fn could_see(tunnel: &Tunnel, seen: &SeenDefect) -> bool {
    let lit = seen.brightness > VISIBLE_BRIGHTNESS && seen.contrast > VISIBLE_CONTRAST;
    let crack = tunnel.defects().get(usize::from(seen.id)).is_some_and(|d| d.class == DefectClass::Crack);
    let large = if crack {
        seen.width_px >= VISIBLE_CRACK_PX && seen.pixels >= VISIBLE_CRACK_PIXELS
    } else {
        seen.pixels >= VISIBLE_PIXELS
    };
    lit && large
}
