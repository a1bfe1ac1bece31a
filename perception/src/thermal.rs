//! Hot cable joints: spots above a set temperature in thermal pictures, placed on the lining and merged.
//!
//! Apparent temperatures are taken as they come: emissivity and distance are the camera's business.

use robot_interface::defect::{DefectClass, LiningBox};
use robot_interface::frames::{Camera, Map, Point, Transform};
use robot_interface::sensors::{Intrinsics, ThermalFrame};
use robot_interface::tunnel::{LiningPoint, TunnelDesign};

use crate::lining::{Defect, SeverityRules, raycast_lining};

/// Distance along the tunnel below which two spots are the same joint, m: the line of sight through a cable meets the
/// lining elsewhere from every pose.
const SAME_JOINT_CHAINAGE_M: f64 = 0.6;
/// Distance around the lining below which they are, m.
const SAME_JOINT_ARC_M: f64 = 0.6;
/// Fewest pixels of a spot.
const MIN_PIXELS: usize = 2;

/// Detector of hot cable joints, merged over all thermal pictures.
#[derive(Clone, Debug)]
pub struct HotJoints {
    design: TunnelDesign,
    above_c: f64,
    joints: Vec<Joint>,
}

#[derive(Clone, Debug)]
struct Joint {
    /// Its place, as seen from nearest.
    place: LiningPoint,
    distance_m: f64,
    extent_m: f64,
    hottest_c: f64,
    views: u32,
}

struct Spot {
    middle: [f64; 2],
    pixels: usize,
    width: f64,
    hottest_c: f64,
}

impl HotJoints {
    /// A detector that reports what is hotter than `above_c`, degrees Celsius.
    pub fn new(design: &TunnelDesign, above_c: f64) -> Self {
        Self { design: design.clone(), above_c, joints: Vec::new() }
    }

    /// Takes a thermal picture, seen through `lens` from `map_from_camera`.
    pub fn add(&mut self, lens: &Intrinsics, map_from_camera: &Transform<Map, Camera>, frame: &ThermalFrame) {
        for spot_seen in spots(frame, self.above_c as f32) {
            let [u, v] = spot_seen.middle;
            let ahead = map_from_camera.rotation() * lens.ray(u, v);
            let eye = Point::from_coords(map_from_camera.origin());
            let Some(place) = raycast_lining(&self.design, eye, ahead) else { continue };
            let wall = self.design.to_map(self.design.lining_to_tunnel(place)).coords;
            let distance_m = (wall - map_from_camera.origin()).norm();
            let seen = Joint {
                place,
                distance_m,
                extent_m: spot_seen.width * distance_m / lens.focal_px,
                hottest_c: spot_seen.hottest_c,
                views: 1,
            };
            self.merge(seen);
        }
    }

    fn merge(&mut self, seen: Joint) {
        let same = |joint: &&mut Joint| {
            (joint.place.chainage_m - seen.place.chainage_m).abs() < SAME_JOINT_CHAINAGE_M
                && (joint.place.arc_m - seen.place.arc_m).abs() < SAME_JOINT_ARC_M
        };
        match self.joints.iter_mut().find(same) {
            Some(joint) => {
                joint.views += 1;
                joint.hottest_c = joint.hottest_c.max(seen.hottest_c);
                if seen.distance_m < joint.distance_m {
                    (joint.place, joint.distance_m, joint.extent_m) =
                        (seen.place, seen.distance_m, seen.extent_m);
                }
            }
            None => self.joints.push(seen),
        }
    }

    /// All hot joints seen so far, in the order of first sight.
    pub fn defects(&self) -> Vec<Defect> {
        let rules = SeverityRules::default();
        let defect = |joint: &Joint| {
            let half = (joint.extent_m / 2.0).max(0.02);
            let LiningPoint { chainage_m, arc_m } = joint.place;
            let bounds = LiningBox {
                chainage_min_m: chainage_m - half,
                chainage_max_m: chainage_m + half,
                arc_min_m: arc_m - half,
                arc_max_m: arc_m + half,
            };
            // One kelvin over the limit is a half-sure finding, ten are a sure one.
            let over_k = joint.hottest_c - self.above_c;
            Defect {
                class: DefectClass::HotJoint,
                bounds,
                centre: joint.place,
                clock_h: self.design.clock_h(joint.place),
                length_m: 2.0 * half,
                width: None,
                area_m2: 4.0 * half * half,
                temperature_c: Some(joint.hottest_c),
                score: (0.5 + 0.05 * over_k).clamp(0.0, 1.0),
                views: joint.views,
                mm_per_px: None,
                code: rules.code(DefectClass::HotJoint, Some(1.0)),
                outline: Vec::new(),
                evidence: None,
            }
        };
        self.joints.iter().map(defect).collect()
    }
}

/// Connected pixels above a temperature.
fn spots(frame: &ThermalFrame, above_c: f32) -> Vec<Spot> {
    let (width, height) = (frame.width as usize, frame.height as usize);
    if frame.celsius.len() != width * height {
        return Vec::new();
    }
    let mut open: Vec<bool> = frame.celsius.iter().map(|c| *c > above_c).collect();
    let mut spots = Vec::new();
    for seed in 0..open.len() {
        if !std::mem::take(&mut open[seed]) {
            continue;
        }
        let mut pixels = vec![seed];
        let mut next = 0;
        while next < pixels.len() {
            let (x, y) = (pixels[next] % width, pixels[next] / width);
            for ny in y.saturating_sub(1)..(y + 2).min(height) {
                for nx in x.saturating_sub(1)..(x + 2).min(width) {
                    if std::mem::take(&mut open[ny * width + nx]) {
                        pixels.push(ny * width + nx);
                    }
                }
            }
            next += 1;
        }
        if pixels.len() < MIN_PIXELS {
            continue;
        }
        let count = pixels.len() as f64;
        let mean =
            |f: &dyn Fn(usize) -> usize| pixels.iter().map(|p| f(*p) as f64 + 0.5).sum::<f64>() / count;
        let columns = || pixels.iter().map(|p| p % width);
        let across = columns().max().unwrap_or(0) + 1 - columns().min().unwrap_or(0);
        spots.push(Spot {
            middle: [mean(&|p| p % width), mean(&|p| p / width)],
            pixels: pixels.len(),
            width: across as f64,
            hottest_c: pixels.iter().map(|p| f64::from(frame.celsius[*p])).fold(f64::MIN, f64::max),
        });
    }
    spots.sort_by_key(|s| std::cmp::Reverse(s.pixels));
    spots
}

#[cfg(test)]
mod tests {
    use robot_interface::fixtures::straight_tunnel;
    use robot_interface::time::Stamp;
    use robot_interface::tunnel::SectionShape;

    use super::*;

    fn tunnel() -> TunnelDesign {
        straight_tunnel(SectionShape::Box { width_m: 3.0, height_m: 2.5 }, 12.0)
    }

    /// Looks at the left wall of the tunnel, at which the point `(5, 1.5, 1)` glows.
    fn picture(chainage_m: f64, celsius: f32) -> (Intrinsics, Transform<Map, Camera>, ThermalFrame) {
        let lens = Intrinsics::from_fov(160, 120, 1.3);
        let optical = nalgebra::Matrix3::new(1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0);
        let rotation = nalgebra::UnitQuaternion::from_matrix(&optical);
        let pose: Transform<Map, Camera> =
            Transform::new(nalgebra::Isometry3::from_parts([chainage_m, 0.0, 0.6].into(), rotation));
        let glow = (pose.inverse() * Point::<Map>::new(5.0, 1.5, 1.0)).coords.coords;
        let [u, v] = lens.project(glow).expect("in front");
        let mut frame = ThermalFrame {
            stamp: Stamp::ZERO,
            camera: 0,
            width: 160,
            height: 120,
            celsius: vec![24.0; 160 * 120],
        };
        for dy in 0..3 {
            for dx in 0..4 {
                frame.celsius[(v as usize + dy - 1) * 160 + u as usize + dx - 2] = celsius;
            }
        }
        (lens, pose, frame)
    }

    #[test]
    fn a_hot_joint_is_found_once_with_its_temperature() {
        let mut joints = HotJoints::new(&tunnel(), 45.0);
        for (chainage, celsius) in [(4.5, 52.0), (5.0, 55.0), (5.5, 53.0)] {
            let (lens, pose, frame) = picture(chainage, celsius);
            joints.add(&lens, &pose, &frame);
        }
        let found = joints.defects();
        assert_eq!(found.len(), 1);
        assert!((found[0].centre.chainage_m - 5.0).abs() < 0.05, "{:?}", found[0].centre);
        assert_eq!((found[0].temperature_c, found[0].views), (Some(55.0), 3));
        assert_eq!(found[0].code, "HJ3");
    }

    #[test]
    fn a_warm_joint_and_a_damaged_picture_are_none() {
        let mut joints = HotJoints::new(&tunnel(), 45.0);
        let (lens, pose, mut frame) = picture(5.0, 38.0);
        joints.add(&lens, &pose, &frame);
        frame.celsius.truncate(100);
        joints.add(&lens, &pose, &frame);
        assert!(joints.defects().is_empty());
    }
}
