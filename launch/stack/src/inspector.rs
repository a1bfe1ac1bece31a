//! Inspector: segments pictures by the defect network and lays them on the lining by the estimated pose, which gives each
//! defect its chainage and clock position.

use perception::defects::{ClassMap, Segmenter};
use perception::lining::{Coverage, Defect, Judged, LiningMap, Mark, Tuning};
use perception::thermal::HotJoints;
use rayon::prelude::*;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{RgbImage, ThermalFrame};
use robot_interface::time::Stamp;

use crate::camera_use::{CameraUse, PictureCheck};
use crate::config::Mission;
use crate::error::StackError;
use crate::picture;

/// Sizes at which the network judges the robot's pictures, each half of the one before.
const PICTURE_SIZES: usize = 2;
/// JPEG quality of the pictures that are kept as evidence.
const EVIDENCE_QUALITY: u8 = 85;

/// Findings of a run: the defects, and how well the lining was seen.
#[derive(Clone, Debug)]
pub struct Findings {
    /// All defects, by chainage.
    pub defects: Vec<Defect>,
    /// Marks too faint to be reported, for a person to look at, by chainage.
    pub doubtful: Vec<Defect>,
    /// All marks on the lining that were judged, true or not.
    pub marks: Vec<Mark>,
    /// Cable joints a little warmer than their sisters, which are no defects yet, in the order of first sight.
    pub possible_joints: Vec<Defect>,
    /// JPEGs of all pictures, by frame id.
    pub pictures: Vec<Vec<u8>>,
    /// Coverage of the lining, by the size of a pixel on it.
    pub coverage: Coverage,
    /// Median size of a pixel on what was seen, mm.
    pub median_mm_per_px: Option<f64>,
    /// Share of the lining in the inspected range that was seen, 0 to 1.
    pub covered_share: f64,
    /// Use of each colour camera's pictures, in the order of the robot description's list.
    pub cameras: Vec<CameraUse>,
    /// Width of a crack over size of a pixel from which on it could be seen.
    pub crack_px: f64,
    /// Fingerprint of the network's weights.
    pub model_version: String,
}

/// Picture of one of the robot's cameras.
#[derive(Clone, Debug)]
pub enum CameraImage {
    /// Of a colour camera.
    Visible {
        /// Its place in the robot description's list.
        camera: usize,
        /// The picture; it may be smaller than the camera takes them.
        image: RgbImage,
    },
    /// Of a thermal camera.
    Thermal(ThermalFrame),
}

/// Pictures of one moment.
#[derive(Clone, Debug)]
pub struct InspectionJob {
    /// Time at which they were taken.
    pub stamp: Stamp,
    /// Estimated pose of the trunk then.
    pub map_from_base: Transform<Map, Base>,
    /// The pictures, in the order in which they go onto the lining.
    pub images: Vec<CameraImage>,
}

/// A picture with the network's scores.
enum Segmented {
    Visible { camera: usize, image: RgbImage, scores: ClassMap, jpeg: Vec<u8> },
    Thermal(ThermalFrame),
}

/// Defect network, map of the lining and hot cable joints of one run.
pub struct Inspector {
    robot: RobotDescription,
    segmenter: Segmenter,
    lining: LiningMap,
    joints: HotJoints,
    checks: Vec<PictureCheck>,
    crack_px: f64,
    range_m: [f64; 2],
    pictures: Vec<Vec<u8>>,
}

impl Inspector {
    /// Returns an inspector that has seen nothing yet, with the mission's defect model.
    ///
    /// # Errors
    /// If the bundled defect model cannot be used.
    pub fn new(mission: &Mission, robot: &RobotDescription) -> Result<Self, StackError> {
        let tuning = Tuning::default();
        let inspection = &mission.inspection;
        let segmenter = match &mission.model {
            Some(model) => model.clone(),
            None => Segmenter::bundled().map_err(StackError::Model)?,
        };
        Ok(Self {
            robot: robot.clone(),
            segmenter: segmenter.with_max_scales(PICTURE_SIZES),
            lining: LiningMap::new(&mission.design, tuning),
            joints: HotJoints::new(
                &mission.design,
                inspection.hot_joint_above_c.get(),
                inspection.joint_emissivity.get(),
            ),
            checks: vec![PictureCheck::default(); robot.cameras.len()],
            crack_px: tuning.crack_px,
            range_m: [inspection.start_m.get(), inspection.end_m.get()],
            pictures: Vec::new(),
        })
    }

    /// Segments the pictures of one moment side by side, and lays them on the lining in their order. Returns
    /// all defects so far, by chainage. A picture that shows nothing is counted and left alone, and so is a thermal picture of
    /// a camera that is not there.
    ///
    /// # Errors
    /// If the defect model fails, or a picture is of a camera that is not there.
    pub fn inspect(&mut self, job: InspectionJob) -> Result<Vec<Defect>, StackError> {
        let InspectionJob { map_from_base, images, .. } = job;
        let admitted: Vec<_> = images.into_iter().filter(|image| self.admits(image)).collect();
        let segmented: Vec<_> =
            admitted.into_par_iter().map(|image| self.segment(image)).collect::<Result<_, StackError>>()?;
        for image in segmented {
            self.add(&map_from_base, image)?;
        }
        Ok(self.defects())
    }

    fn admits(&mut self, image: &CameraImage) -> bool {
        match image {
            CameraImage::Visible { camera, image } => {
                // One of no camera is an error where it is laid on the lining.
                self.checks.get_mut(*camera).is_none_or(|check| check.admits(image))
            }
            CameraImage::Thermal(_) => true,
        }
    }

    fn segment(&self, image: CameraImage) -> Result<Segmented, StackError> {
        Ok(match image {
            CameraImage::Visible { camera, image } => {
                let scores = self.segmenter.segment_raw(&image)?;
                let jpeg = picture::jpeg(&image, EVIDENCE_QUALITY)?;
                Segmented::Visible { camera, image, scores, jpeg }
            }
            CameraImage::Thermal(frame) => Segmented::Thermal(frame),
        })
    }

    fn add(&mut self, map_from_base: &Transform<Map, Base>, image: Segmented) -> Result<(), StackError> {
        match image {
            Segmented::Visible { camera, image, scores, jpeg } => {
                let description = self.robot.cameras.get(camera).ok_or(StackError::Camera(camera))?;
                let pose = *map_from_base * description.base_from_camera();
                let number = self.pictures.len() as u32;
                let intrinsics = description.intrinsics().at_size(image.width, image.height);
                self.lining.add(number, &intrinsics, &pose, &image, &scores);
                self.pictures.push(jpeg);
            }
            Segmented::Thermal(frame) => {
                if let Some(description) = self.robot.thermal.get(frame.camera) {
                    let pose = *map_from_base * description.base_from_camera();
                    let intrinsics = description.intrinsics().at_size(frame.width, frame.height);
                    self.joints.add(&intrinsics, &pose, &frame, description.netd_k.get());
                }
            }
        }
        Ok(())
    }

    /// Returns all defects so far, by chainage.
    pub fn defects(&self) -> Vec<Defect> {
        self.with_joints(self.lining.defects())
    }

    fn with_joints(&self, mut defects: Vec<Defect>) -> Vec<Defect> {
        defects.extend(self.joints.defects());
        defects.sort_by(|a, b| a.centre.chainage_m.total_cmp(&b.centre.chainage_m));
        defects
    }

    /// Returns all that was found so far.
    pub fn findings(&self) -> Findings {
        let Judged { defects, doubtful, marks } = self.lining.judge();
        Findings {
            defects: self.with_joints(defects),
            doubtful,
            marks,
            possible_joints: self.joints.possible(),
            coverage: self.lining.coverage(),
            median_mm_per_px: self.lining.median_mm_per_px(),
            covered_share: self.lining.covered_share(self.range_m[0], self.range_m[1]),
            cameras: self.checks.iter().map(|check| check.counts).collect(),
            crack_px: self.crack_px,
            model_version: self.segmenter.version().to_owned(),
            pictures: self.pictures.clone(),
        }
    }

    /// Returns all that was found, without copying the pictures.
    pub fn close(mut self) -> Findings {
        let pictures = std::mem::take(&mut self.pictures);
        Findings { pictures, ..self.findings() }
    }
}
