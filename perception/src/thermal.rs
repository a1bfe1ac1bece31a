//! Hot cable joints: warm spots of thermal pictures, placed on the lining, merged, and compared with their sisters.
//!
//! A joint is judged as thermographers judge it: by its rise over similar components under similar load, which are the other joints
//! of its cable (its *sisters*), and by a set temperature. The rises are those of ANSI/NETA MTS, table 100.18: from 1 K on a deficiency
//! is possible, from 4 K on it is probable, above 15 K it is major. A joint without sisters is judged by the set temperature
//! alone.
//!
//! Temperatures are corrected for the emissivity of the surface, with the ambient temperature as what it reflects. A spot
//! smaller than three by three pixels is told to be hotter than measured.

use robot_interface::defect::{DefectClass, JointTemperature, LiningBox, SisterComparison};
use robot_interface::frames::{Camera, Map, Point, Transform};
use robot_interface::sensors::{Intrinsics, ThermalFrame};
use robot_interface::tunnel::{LiningPoint, TunnelDesign};

use crate::lining::{Defect, SeverityRules, raycast_lining};

mod radiometry;
mod spots;
#[cfg(test)]
mod tests;

use spots::{NOISE_SIGMAS, Spot, Surfaces};

/// Rises over sisters from which on a deficiency is possible, probable, and above which it is major, K: ANSI/NETA MTS, table
/// 100.18. What it leaves open between 3 and 4 K is possible here.
const POSSIBLE_K: f64 = 1.0;
const PROBABLE_K: f64 = 4.0;
const MAJOR_K: f64 = 15.0;

/// Distance along the tunnel below which two spots are the same joint, m: the line of sight through a cable meets the
/// lining elsewhere from every pose.
const SAME_JOINT_CHAINAGE_M: f64 = 0.6;
/// Distance around the lining below which they are, m: cables lie further apart.
const SAME_JOINT_ARC_M: f64 = 0.25;
/// Distance around the lining below which two joints are of one cable, m.
const SAME_CABLE_ARC_M: f64 = 0.15;
/// Difference between the cables beside two joints, K, from which on these carry different loads, or one is no joint of a cable.
const SAME_LOAD_K: f64 = 3.0;
/// Most sisters that a joint is compared with, the nearest: far along the tunnel the air is warmer or colder.
const MOST_SISTERS: usize = 8;

/// Detector of hot cable joints, merged over all thermal pictures.
#[derive(Clone, Debug)]
pub struct HotJoints {
    design: TunnelDesign,
    above_c: f64,
    emissivity: f64,
    pictures: u32,
    joints: Vec<Joint>,
}

/// A warm spot, which a joint is when nothing is wrong with it as well.
#[derive(Clone, Debug)]
struct Joint {
    /// Its place, as seen from nearest.
    place: LiningPoint,
    distance_m: f64,
    extent_m: f64,
    hottest: Reading,
    views: u32,
    last_picture: u32,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    celsius: f64,
    too_far: bool,
    ambient_c: f64,
    beside_c: f64,
    distance_m: f64,
    /// Difference that the camera's noise never makes, K.
    noise_k: f64,
}

impl HotJoints {
    /// A detector that reports joints hotter than `above_c`, degrees Celsius, or than their sisters. Their surfaces have this
    /// emissivity, above 0 to 1.
    pub fn new(design: &TunnelDesign, above_c: f64, emissivity: f64) -> Self {
        Self { design: design.clone(), above_c, emissivity, pictures: 0, joints: Vec::new() }
    }

    /// Takes a thermal picture, seen through `lens` from `map_from_camera` by a camera of a noise-equivalent temperature
    /// difference of `netd_k`. A picture without the values that its size asks for is left alone.
    pub fn add(
        &mut self,
        lens: &Intrinsics,
        map_from_camera: &Transform<Map, Camera>,
        frame: &ThermalFrame,
        netd_k: f64,
    ) {
        let Some(surfaces) = Surfaces::of(frame, self.emissivity) else { return };
        self.pictures += 1;
        let eye = Point::from_coords(map_from_camera.origin());
        let axis = self.design.alignment.pose_at(self.design.to_tunnel(eye).chainage_m);
        let (sin, cos) = axis.heading_rad.sin_cos();
        let axis = nalgebra::Vector3::new(cos, sin, axis.grade).normalize();
        for spot in surfaces.spots(lens, map_from_camera, axis, netd_k, self.above_c) {
            let Spot { middle: [u, v], width, hottest_c, beside_c, too_small, .. } = spot;
            let ahead = map_from_camera.rotation() * lens.ray(u, v);
            let Some(place) = raycast_lining(&self.design, eye, ahead) else { continue };
            let wall = self.design.to_map(self.design.lining_to_tunnel(place)).coords;
            let distance_m = (wall - map_from_camera.origin()).norm();
            self.merge(Joint {
                place,
                distance_m,
                extent_m: width * distance_m / lens.focal_px,
                hottest: Reading {
                    celsius: hottest_c,
                    too_far: too_small,
                    ambient_c: surfaces.ambient_c,
                    beside_c,
                    distance_m,
                    noise_k: NOISE_SIGMAS * netd_k,
                },
                views: 1,
                last_picture: self.pictures,
            });
        }
    }

    fn merge(&mut self, seen: Joint) {
        // Both as shares of what they may be.
        let away = |joint: &Joint| {
            let along = (joint.place.chainage_m - seen.place.chainage_m) / SAME_JOINT_CHAINAGE_M;
            let around = (joint.place.arc_m - seen.place.arc_m) / SAME_JOINT_ARC_M;
            along.abs().max(around.abs())
        };
        let nearest = self.joints.iter_mut().min_by(|a, b| away(a).total_cmp(&away(b)));
        match nearest.filter(|joint| away(joint) < 1.0) {
            Some(joint) => {
                if joint.last_picture != seen.last_picture {
                    joint.views += 1;
                    joint.last_picture = seen.last_picture;
                }
                if seen.hottest.celsius > joint.hottest.celsius {
                    joint.hottest = seen.hottest;
                }
                if seen.distance_m < joint.distance_m {
                    (joint.place, joint.distance_m, joint.extent_m) =
                        (seen.place, seen.distance_m, seen.extent_m);
                }
            }
            None => self.joints.push(seen),
        }
    }

    /// All hot joints seen so far, in the order of first sight: hotter than the set temperature, or than their sisters by so much
    /// that a deficiency is probable (`HJ2`) or major (`HJ3`, as are all above the set temperature).
    pub fn defects(&self) -> Vec<Defect> {
        self.joints_of(2..=3)
    }

    /// Joints hotter than their sisters by so little that a deficiency is no more than possible (`HJ1`): worth a second look,
    /// not a defect.
    pub fn possible(&self) -> Vec<Defect> {
        self.joints_of(1..=1)
    }

    fn joints_of(&self, severities: std::ops::RangeInclusive<u8>) -> Vec<Defect> {
        let judged = self.joints.iter().filter_map(|joint| {
            let sisters = self.sisters(joint);
            let severity = self.severity(&joint.hottest, sisters)?;
            severities.contains(&severity).then(|| self.defect(joint, sisters, severity))
        });
        judged.collect()
    }

    /// Compares a joint with the nearest others of its cable that could be measured.
    fn sisters(&self, joint: &Joint) -> Option<SisterComparison> {
        let away = |other: &Joint| (other.place.chainage_m - joint.place.chainage_m).abs();
        let is_sister = |other: &&Joint| {
            !std::ptr::eq(*other, joint)
                && !other.hottest.too_far
                && (other.place.arc_m - joint.place.arc_m).abs() < SAME_CABLE_ARC_M
                && (other.hottest.beside_c - joint.hottest.beside_c).abs() < SAME_LOAD_K
        };
        let mut sisters: Vec<&Joint> = self.joints.iter().filter(is_sister).collect();
        sisters.sort_by(|a, b| away(a).total_cmp(&away(b)));
        sisters.truncate(MOST_SISTERS);
        let mut celsius: Vec<f64> = sisters.iter().map(|sister| sister.hottest.celsius).collect();
        celsius.sort_by(f64::total_cmp);
        // Of two the colder one: it is the sound one.
        let median_c = celsius.get(celsius.len().saturating_sub(1) / 2)?;
        Some(SisterComparison { joints: celsius.len(), rise_k: joint.hottest.celsius - median_c })
    }

    /// 1 possible, 2 probable, 3 major; `None` of a sound joint.
    fn severity(&self, hottest: &Reading, sisters: Option<SisterComparison>) -> Option<u8> {
        if hottest.celsius > self.above_c {
            return Some(3);
        }
        let rise_k = sisters?.rise_k;
        if rise_k < POSSIBLE_K.max(hottest.noise_k) {
            return None;
        }
        Some(1 + u8::from(rise_k >= PROBABLE_K) + u8::from(rise_k > MAJOR_K))
    }

    fn defect(&self, joint: &Joint, sisters: Option<SisterComparison>, severity: u8) -> Defect {
        let half = (joint.extent_m / 2.0).max(0.02);
        let LiningPoint { chainage_m, arc_m } = joint.place;
        let Reading { celsius, too_far, ambient_c, distance_m, .. } = joint.hottest;
        // One kelvin over a limit is a half-sure finding, ten are a sure one.
        let over_k = sisters.map_or(f64::MIN, |s| s.rise_k - PROBABLE_K).max(celsius - self.above_c);
        Defect {
            class: DefectClass::HotJoint,
            bounds: LiningBox {
                chainage_min_m: chainage_m - half,
                chainage_max_m: chainage_m + half,
                arc_min_m: arc_m - half,
                arc_max_m: arc_m + half,
            },
            centre: joint.place,
            clock_h: self.design.clock_h(joint.place),
            length_m: 2.0 * half,
            width: None,
            area_m2: 4.0 * half * half,
            temperature: Some(JointTemperature {
                celsius,
                too_far,
                over_ambient_k: celsius - ambient_c,
                sisters,
                distance_m,
                emissivity: self.emissivity,
            }),
            score: (0.5 + 0.05 * over_k).clamp(0.0, 1.0),
            views: joint.views,
            mm_per_px: None,
            code: format!("{}{severity}", SeverityRules::default().code(DefectClass::HotJoint, None)),
            outline: Vec::new(),
            evidence: None,
        }
    }
}
