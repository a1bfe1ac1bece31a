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
use perception::defects::{ClassMap, Segmenter};
use perception::lining::{Coverage, Defect, FrameId, LiningMap, Tuning};
use perception::thermal::HotJoints;
use rayon::prelude::*;
use robot_interface::defect::DefectClass;
use robot_interface::frames::{Base, Camera as Optical, Map, Transform};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{RgbImage, ThermalFrame};
use robot_interface::time::Stamp;
use sim::camera::{Camera, Exposure, SeenDefect};
use sim::geometry::RayCaster;
use sim::thermal::ThermalCamera;
use sim::tunnel::Tunnel;

use crate::config::Mission;
use crate::picture;

/// Moments that may be waiting or in work. Were it one, the robot's own work would stop for the pictures' now
/// and then, and a core stand idle.
const LAG: usize = 4;
/// Sizes at which the network judges the robot's pictures, each half of the one before.
const PICTURE_SIZES: usize = 2;
/// How much smaller pictures are in the recording.
const REDUCED: u32 = 4;
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
    /// The pictures, made smaller, in the order of the robot's cameras.
    pub(super) reduced: Vec<RgbImage>,
    pub(super) thermal: Vec<ThermalFrame>,
    /// All defects so far.
    pub(super) defects: Vec<Defect>,
}

/// What all pictures of a run gave.
#[derive(Clone, Debug)]
pub struct Findings {
    /// All defects, by chainage.
    pub defects: Vec<Defect>,
    /// JPEGs of all pictures, by frame id.
    pub pictures: Vec<Vec<u8>>,
    /// How finely the lining was seen.
    pub coverage: Coverage,
    /// Median size of a pixel on what was seen, mm.
    pub median_mm_per_px: Option<f64>,
    /// Share of the lining in the inspected range that was seen, 0 to 1.
    pub covered_share: f64,
    /// Width of a crack over size of a pixel from which on it could be seen.
    pub crack_px: f64,
    /// True defects that some camera could have seen; for scoring only.
    pub visible: Vec<u16>,
    /// Fingerprint of the network's weights.
    pub model_version: String,
}

/// The thread's front door.
pub(super) struct Eyes {
    moments: Option<SyncSender<Moment>>,
    results: Receiver<Looked>,
    thread: Option<JoinHandle<anyhow::Result<Findings>>>,
    pending: usize,
}

impl Eyes {
    pub(super) fn open(
        mission: &Mission,
        robot: &RobotDescription,
        tunnel: Arc<Tunnel>,
        caster: Arc<dyn RayCaster>,
    ) -> anyhow::Result<Self> {
        let mut worker = Worker::new(mission, robot, tunnel, caster)?;
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

    /// Ends the thread and gives all that was found. [`Eyes::take`] of all comes first.
    pub(super) fn close(mut self) -> anyhow::Result<Findings> {
        self.moments = None;
        self.join()
    }

    /// Why the thread ended before it was told to.
    fn failure(&mut self) -> anyhow::Error {
        self.moments = None;
        self.join().err().unwrap_or_else(|| anyhow!("the thread that works on pictures ended early"))
    }

    fn join(&mut self) -> anyhow::Result<Findings> {
        let thread = self.thread.take().context("the thread that works on pictures ended before")?;
        // A panic's payload has been printed where it happened.
        thread.join().unwrap_or_else(|_| Err(anyhow!("the thread that works on pictures panicked")))
    }
}

/// What one camera gave.
struct View {
    scores: ClassMap,
    jpeg: Vec<u8>,
    reduced: RgbImage,
    visible: Vec<SeenDefect>,
}

/// What the thread does, one moment at a time.
pub(super) struct Worker {
    robot: RobotDescription,
    cameras: Vec<Camera>,
    thermal: Vec<ThermalCamera>,
    tunnel: Arc<Tunnel>,
    caster: Arc<dyn RayCaster>,
    segmenter: Segmenter,
    lining: LiningMap,
    joints: HotJoints,
    crack_px: f64,
    range_m: [f64; 2],
    seed: u64,
    pictures: Vec<Vec<u8>>,
    visible: BTreeMap<u16, bool>,
}

impl Worker {
    pub(super) fn new(
        mission: &Mission,
        robot: &RobotDescription,
        tunnel: Arc<Tunnel>,
        caster: Arc<dyn RayCaster>,
    ) -> anyhow::Result<Self> {
        let tuning = Tuning::default();
        let inspection = &mission.inspection;
        Ok(Self {
            cameras: robot.cameras.iter().enumerate().map(|(i, c)| Camera::new(c, i)).collect(),
            thermal: robot.thermal.iter().enumerate().map(|(i, c)| ThermalCamera::new(c, i)).collect(),
            robot: robot.clone(),
            tunnel,
            caster,
            segmenter: Segmenter::bundled()
                .context("the bundled defect model cannot be used")?
                .at_most_sizes(PICTURE_SIZES),
            lining: LiningMap::new(&mission.design, tuning),
            joints: HotJoints::new(&mission.design, inspection.hot_joint_above_c.get()),
            crack_px: tuning.crack_px,
            range_m: [inspection.start_m.get(), inspection.end_m.get()],
            seed: mission.seed,
            pictures: Vec::new(),
            visible: BTreeMap::new(),
        })
    }

    pub(super) fn look(&mut self, moment: &Moment) -> anyhow::Result<Looked> {
        let first = self.pictures.len() as u32;
        // The cameras work side by side; what they saw goes onto the lining in their order.
        let views: Vec<View> = self
            .cameras
            .par_iter()
            .zip(&self.robot.cameras)
            .enumerate()
            .map(|(i, (camera, description))| {
                self.view(moment, camera, &description.base_from_camera(), first + i as u32)
            })
            .collect::<anyhow::Result<_>>()?;
        let mut reduced = Vec::new();
        for (number, (view, description)) in (first..).zip(views.into_iter().zip(&self.robot.cameras)) {
            for seen in &view.visible {
                *self.visible.entry(seen.id).or_default() |= self.could_see(seen);
            }
            let pose = moment.estimate * description.base_from_camera();
            self.lining.add(number, &description.intrinsics(), &pose, &view.scores);
            self.pictures.push(view.jpeg);
            reduced.push(view.reduced);
        }
        let mut thermal = Vec::new();
        for (camera, description) in self.thermal.iter().zip(&self.robot.thermal) {
            let mount = description.base_from_camera();
            let seed = self.seed.wrapping_add(moment.stamp.nanos());
            let frame = camera.render(
                &self.tunnel,
                self.caster.as_ref(),
                moment.truth[1] * mount,
                moment.stamp,
                seed,
            );
            self.joints.add(&description.intrinsics(), &(moment.estimate * mount), &frame);
            thermal.push(frame);
        }
        Ok(Looked { stamp: moment.stamp, reduced, thermal, defects: self.defects() })
    }

    /// Takes a picture and judges it.
    fn view(
        &self,
        moment: &Moment,
        camera: &Camera,
        mount: &Transform<Base, Optical>,
        number: FrameId,
    ) -> anyhow::Result<View> {
        let exposure =
            Exposure { start: moment.truth[0] * *mount, end: moment.truth[1] * *mount, stamp: moment.stamp };
        let seed = self.seed.wrapping_mul(0x1_0000).wrapping_add(u64::from(number));
        let rendered = camera.render(&self.tunnel, self.caster.as_ref(), &exposure, seed);
        let image = &rendered.frame.image;
        Ok(View {
            scores: self.segmenter.segment(image)?,
            jpeg: picture::jpeg(image, 85)?,
            reduced: picture::reduced(image, REDUCED),
            visible: rendered.visible,
        })
    }

    fn could_see(&self, seen: &SeenDefect) -> bool {
        let lit = seen.brightness > VISIBLE_BRIGHTNESS && seen.contrast > VISIBLE_CONTRAST;
        let crack =
            self.tunnel.defects().get(usize::from(seen.id)).is_some_and(|d| d.class == DefectClass::Crack);
        let large = if crack {
            seen.width_px >= VISIBLE_CRACK_PX && seen.pixels >= VISIBLE_CRACK_PIXELS
        } else {
            seen.pixels >= VISIBLE_PIXELS
        };
        lit && large
    }

    fn defects(&self) -> Vec<Defect> {
        let mut defects = self.lining.defects();
        defects.extend(self.joints.defects());
        defects.sort_by(|a, b| a.centre.chainage_m.total_cmp(&b.centre.chainage_m));
        defects
    }

    pub(super) fn close(self) -> Findings {
        Findings {
            defects: self.defects(),
            coverage: self.lining.coverage(),
            median_mm_per_px: self.lining.median_mm_per_px(),
            covered_share: self.lining.covered_share(self.range_m[0], self.range_m[1]),
            crack_px: self.crack_px,
            visible: self.visible.into_iter().filter(|(_, could)| *could).map(|(id, _)| id).collect(),
            model_version: self.segmenter.version().to_owned(),
            pictures: self.pictures,
        }
    }
}
