//! What is wrong with the lining: pictures judged by the network and laid on it by the estimated pose.

use anyhow::Context;
use perception::defects::{ClassMap, Segmenter};
use perception::lining::{Coverage, Defect, LiningMap, Tuning};
use perception::thermal::HotJoints;
use robot_interface::frames::{Base, Camera, Map, Transform};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{RgbImage, ThermalFrame};

use crate::config::Mission;
use crate::picture;

/// Sizes at which the network judges the robot's pictures, each half of the one before.
const PICTURE_SIZES: usize = 2;
/// JPEG quality of the pictures that are kept as evidence.
const EVIDENCE_QUALITY: u8 = 85;

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
    /// Fingerprint of the network's weights.
    pub model_version: String,
}

/// A picture with the network's judgement.
pub(crate) struct View {
    pub(crate) image: RgbImage,
    scores: ClassMap,
    jpeg: Vec<u8>,
}

/// Keeps the lining as seen so far.
pub(crate) struct Inspector {
    robot: RobotDescription,
    segmenter: Segmenter,
    lining: LiningMap,
    joints: HotJoints,
    crack_px: f64,
    range_m: [f64; 2],
    pictures: Vec<Vec<u8>>,
}

impl Inspector {
    pub(crate) fn new(mission: &Mission, robot: &RobotDescription) -> anyhow::Result<Self> {
        let tuning = Tuning::default();
        let inspection = &mission.inspection;
        Ok(Self {
            robot: robot.clone(),
            segmenter: Segmenter::bundled()
                .context("the bundled defect model cannot be used")?
                .with_max_scales(PICTURE_SIZES),
            lining: LiningMap::new(&mission.design, tuning),
            joints: HotJoints::new(&mission.design, inspection.hot_joint_above_c.get()),
            crack_px: tuning.crack_px,
            range_m: [inspection.start_m.get(), inspection.end_m.get()],
            pictures: Vec::new(),
        })
    }

    /// Where a camera sits, by its place in the robot description's list.
    pub(crate) fn camera_mount(&self, camera: usize) -> Transform<Base, Camera> {
        self.robot.cameras[camera].base_from_camera()
    }

    /// Where a thermal camera sits, likewise.
    pub(crate) fn thermal_mount(&self, camera: usize) -> Transform<Base, Camera> {
        self.robot.thermal[camera].base_from_camera()
    }

    /// Judges a picture. Of several, each may be judged on a thread of its own.
    pub(crate) fn judge(&self, image: RgbImage) -> anyhow::Result<View> {
        let scores = self.segmenter.segment(&image)?;
        let jpeg = picture::jpeg(&image, EVIDENCE_QUALITY)?;
        Ok(View { image, scores, jpeg })
    }

    /// Lays a judged picture on the lining, by the estimated pose of the trunk when it was taken. It may be smaller than the
    /// camera takes them.
    pub(crate) fn add(
        &mut self,
        camera: usize,
        estimate: &Transform<Map, Base>,
        view: View,
    ) -> anyhow::Result<()> {
        let description =
            self.robot.cameras.get(camera).context("a picture of a camera that is not there")?;
        let pose = *estimate * description.base_from_camera();
        let number = self.pictures.len() as u32;
        let lens = description.intrinsics().at_size(view.image.width, view.image.height);
        self.lining.add(number, &lens, &pose, &view.scores);
        self.pictures.push(view.jpeg);
        Ok(())
    }

    /// Takes a thermal picture; one of a camera that is not there is left alone.
    pub(crate) fn add_thermal(&mut self, estimate: &Transform<Map, Base>, frame: &ThermalFrame) {
        if let Some(description) = self.robot.thermal.get(frame.camera) {
            let pose = *estimate * description.base_from_camera();
            self.joints.add(&description.intrinsics().at_size(frame.width, frame.height), &pose, frame);
        }
    }

    /// All defects so far, by chainage.
    pub(crate) fn defects(&self) -> Vec<Defect> {
        let mut defects = self.lining.defects();
        defects.extend(self.joints.defects());
        defects.sort_by(|a, b| a.centre.chainage_m.total_cmp(&b.centre.chainage_m));
        defects
    }

    /// All that was found so far.
    pub(crate) fn findings(&self) -> Findings {
        Findings {
            defects: self.defects(),
            coverage: self.lining.coverage(),
            median_mm_per_px: self.lining.median_mm_per_px(),
            covered_share: self.lining.covered_share(self.range_m[0], self.range_m[1]),
            crack_px: self.crack_px,
            model_version: self.segmenter.version().to_owned(),
            pictures: self.pictures.clone(),
        }
    }

    /// All that was found.
    pub(crate) fn close(mut self) -> Findings {
        let pictures = std::mem::take(&mut self.pictures);
        Findings { pictures, ..self.findings() }
    }
}
