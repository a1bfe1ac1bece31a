//! Mounts and lenses of a recorded robot's sensors, as the recording tells them, beside those of the robot's file.

use std::collections::BTreeMap;

use nalgebra::{Isometry3, UnitQuaternion};
use robot_interface::frames::{Base, Camera, Transform};
use robot_interface::robot::RobotDescription;

use super::topics::Role;

/// A mount that differs by more than this, or a lens by more than this share, is another one.
const ANGLE_DEG: f64 = 1.0;
const PLACE_M: f64 = 0.02;
const FOCAL_SHARE: f64 = 0.02;
/// A chain of frames is no longer than this; one that is goes in a circle.
const MAX_FRAMES: usize = 32;

/// A sensor, by its place in the robot description's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sensor {
    Lidar,
    Camera(usize),
    Thermal(usize),
}

/// Table of the robot's file, its `xyz_m` and `rpy_deg`, and the transform that they make.
type DescribedMount = (String, [f64; 3], [f64; 3], Isometry3<f64>);

impl Sensor {
    const fn of(role: Role) -> Option<Self> {
        match role {
            Role::Scan => Some(Self::Lidar),
            Role::Picture(i) | Role::Compressed(i) | Role::Lens(i) => Some(Self::Camera(i)),
            Role::Thermal(i) => Some(Self::Thermal(i)),
            Role::Odometry | Role::Joints | Role::Status | Role::Mounts => None,
        }
    }
}

/// Size and focal length of the pictures that a camera's `camera_info` tells of, pixels.
#[derive(Clone, Copy, Debug)]
struct Lens {
    width: u32,
    height: u32,
    focal_px: f64,
}

#[derive(Debug)]
pub(super) struct Mounts {
    robot: RobotDescription,
    /// Of each frame the one that it hangs in, and `parent_from_child`.
    transforms: BTreeMap<String, (String, Isometry3<f64>)>,
    base: Option<String>,
    frames: BTreeMap<Sensor, String>,
    lenses: BTreeMap<usize, Lens>,
}

impl Mounts {
    pub(super) fn new(robot: &RobotDescription) -> Self {
        Self {
            robot: robot.clone(),
            transforms: BTreeMap::new(),
            base: None,
            frames: BTreeMap::new(),
            lenses: BTreeMap::new(),
        }
    }

    /// Takes transforms as parent, child and `parent_from_child`; of the same frame the first one counts.
    pub(super) fn add_transforms(&mut self, transforms: Vec<(String, String, Isometry3<f64>)>) {
        for (parent, child, parent_from_child) in transforms {
            self.transforms.entry(child).or_insert((parent, parent_from_child));
        }
    }

    /// Takes the frame whose pose the odometry is.
    pub(super) fn add_base(&mut self, frame: &str) {
        if self.base.is_none() {
            self.base = Some(plain(frame));
        }
    }

    /// Takes the frame that a sensor's messages are in.
    pub(super) fn add_frame(&mut self, role: Role, frame: &str) {
        if let Some(sensor) = Sensor::of(role).filter(|sensor| !self.frames.contains_key(sensor)) {
            self.frames.insert(sensor, plain(frame));
        }
    }

    /// Takes a camera's lens; one that was not calibrated says zero.
    pub(super) fn add_lens(&mut self, camera: usize, width: u32, height: u32, focal_px: f64) {
        self.lenses.entry(camera).or_insert(Lens { width, height, focal_px });
    }

    /// Returns true if all is known that these topics tell.
    pub(super) fn are_known(&self, roles: impl Iterator<Item = Role>) -> bool {
        roles.into_iter().all(|role| match role {
            Role::Mounts => !self.transforms.is_empty(),
            Role::Lens(camera) => self.lenses.contains_key(&camera),
            role => Sensor::of(role).is_none_or(|sensor| self.frames.contains_key(&sensor)),
        })
    }

    /// Returns each key of the robot's file that the recording contradicts, with both values.
    pub(super) fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (sensor, frame) in &self.frames {
            if let Some(base_from_sensor) = self.base.as_deref().and_then(|base| self.between(base, frame)) {
                self.compare(*sensor, frame, &base_from_sensor, &mut found);
            }
        }
        for (camera, lens) in &self.lenses {
            let Some(description) = self.robot.cameras.get(*camera) else { continue };
            let expected_px = description.intrinsics().at_size(lens.width, lens.height).focal_px;
            if lens.focal_px > 0.0 && (lens.focal_px / expected_px - 1.0).abs() > FOCAL_SHARE {
                let recorded_deg = 2.0 * (f64::from(lens.width) / 2.0 / lens.focal_px).atan().to_degrees();
                found.push(format!(
                    "horizontal_fov_deg of [[cameras]] {} is {:.1}, but {recorded_deg:.1} by its camera_info (focal length \
                     {:.0} pixels, not {expected_px:.0})",
                    description.name,
                    description.horizontal_fov_deg.get(),
                    lens.focal_px
                ));
            }
        }
        found
    }

    /// Returns the sensors whose mounts the recording does not tell, for a note.
    pub(super) fn unknown(&self) -> Vec<String> {
        let base = self.base.as_deref().unwrap_or_default();
        let unknown = self.frames.iter().filter(|(_, frame)| self.between(base, frame).is_none());
        unknown.filter_map(|(sensor, _)| self.described(*sensor).map(|(name, ..)| name)).collect()
    }

    fn compare(
        &self,
        sensor: Sensor,
        frame: &str,
        base_from_sensor: &Isometry3<f64>,
        found: &mut Vec<String>,
    ) {
        let Some((name, xyz_m, rpy_deg, link_from_sensor)) = self.described(sensor) else { return };
        let expected = Transform::<Base, Camera>::from_xyz_rpy(xyz_m, rpy_deg.map(f64::to_radians)).isometry;
        let mut recorded = base_from_sensor * link_from_sensor.inverse();
        // Some drivers name the frame of the camera's body, x ahead, where the optical one is meant.
        let of_body = base_from_sensor.rotation.angle_to(&expected.rotation);
        if !frame.contains("optical") && of_body.to_degrees() <= ANGLE_DEG {
            recorded = *base_from_sensor;
        }
        let off_deg = recorded.rotation.angle_to(&expected.rotation).to_degrees();
        if off_deg > ANGLE_DEG {
            let (roll, pitch, yaw) = recorded.rotation.euler_angles();
            let recorded_deg = [roll, pitch, yaw].map(f64::to_degrees);
            found.push(format!(
                "rpy_deg of {name} is {}, but {} by its /tf_static ({off_deg:.1} degrees apart)",
                list(rpy_deg, 10.0),
                list(recorded_deg, 10.0)
            ));
        }
        let off_m = (recorded.translation.vector - expected.translation.vector).norm();
        if off_m > PLACE_M {
            found.push(format!(
                "xyz_m of {name} is {}, but {} by its /tf_static ({:.1} cm apart)",
                list(xyz_m, 1000.0),
                list(recorded.translation.vector.into(), 1000.0),
                100.0 * off_m
            ));
        }
    }

    /// The sensor's table in the robot's file, its `xyz_m` and `rpy_deg`, and the turn from their frame to the sensor's.
    fn described(&self, sensor: Sensor) -> Option<DescribedMount> {
        let turn = |xyz_m: [f64; 3], rpy_deg: [f64; 3], mount: Transform<Base, Camera>| {
            let link = Transform::<Base, Camera>::from_xyz_rpy(xyz_m, rpy_deg.map(f64::to_radians));
            let turn = link.isometry.rotation.inverse() * mount.isometry.rotation;
            Isometry3::from_parts(Default::default(), turn)
        };
        Some(match sensor {
            Sensor::Lidar => {
                let lidar = &self.robot.lidar;
                let no_turn = Isometry3::from_parts(Default::default(), UnitQuaternion::identity());
                ("[lidar]".to_owned(), lidar.xyz_m, lidar.rpy_deg, no_turn)
            }
            Sensor::Camera(i) => {
                let c = self.robot.cameras.get(i)?;
                let name = format!("[[cameras]] {}", c.name);
                (name, c.xyz_m, c.rpy_deg, turn(c.xyz_m, c.rpy_deg, c.base_from_camera()))
            }
            Sensor::Thermal(i) => {
                let c = self.robot.thermal.get(i)?;
                let name = format!("[[thermal]] {}", c.name);
                (name, c.xyz_m, c.rpy_deg, turn(c.xyz_m, c.rpy_deg, c.base_from_camera()))
            }
        })
    }

    /// The transform `a_from_b` between two frames, if both hang in one.
    fn between(&self, a: &str, b: &str) -> Option<Isometry3<f64>> {
        let (root_a, root_from_a) = self.to_root(a)?;
        let (root_b, root_from_b) = self.to_root(b)?;
        (root_a == root_b).then(|| root_from_a.inverse() * root_from_b)
    }

    /// The frame that `frame` hangs in at last, and `root_from_frame`.
    fn to_root<'a>(&'a self, frame: &'a str) -> Option<(&'a str, Isometry3<f64>)> {
        let (mut root, mut root_from_frame) = (frame, Isometry3::identity());
        for _ in 0..MAX_FRAMES {
            let Some((parent, parent_from_child)) = self.transforms.get(root) else {
                return Some((root, root_from_frame));
            };
            root_from_frame = parent_from_child * root_from_frame;
            root = parent;
        }
        None
    }
}

/// A frame's name without the slash that ROS 1 put before it.
fn plain(frame: &str) -> String {
    frame.trim_start_matches('/').to_owned()
}

/// Three numbers, rounded to one part in so many, as a robot's file has them.
fn list(values: [f64; 3], parts: f64) -> String {
    // Adding zero takes the sign from a zero.
    format!("{:?}", values.map(|value| (value * parts).round() / parts + 0.0))
}

#[cfg(test)]
mod tests {
    use robot_interface::fixtures::go2;

    use super::*;

    fn link(
        parent: &str,
        child: &str,
        xyz_m: [f64; 3],
        rpy_deg: [f64; 3],
    ) -> (String, String, Isometry3<f64>) {
        let transform = Transform::<Base, Camera>::from_xyz_rpy(xyz_m, rpy_deg.map(f64::to_radians));
        (parent.to_owned(), child.to_owned(), transform.isometry)
    }

    fn lidar(transforms: Vec<(String, String, Isometry3<f64>)>) -> Mounts {
        let mut mounts = Mounts::new(&go2());
        mounts.add_base("base_link");
        mounts.add_frame(Role::Scan, "/lidar");
        mounts.add_transforms(transforms);
        mounts
    }

    #[test]
    fn mounts_are_compared_through_chains_of_frames() {
        let (xyz_m, rpy_deg) = (go2().lidar.xyz_m, go2().lidar.rpy_deg);
        let direct = |rpy_deg| lidar(vec![link("base_link", "lidar", xyz_m, rpy_deg)]);
        assert!(direct(rpy_deg).contradictions().is_empty());
        let [roll, pitch, yaw] = rpy_deg;
        assert!(direct([roll, pitch, yaw + 0.9]).contradictions().is_empty(), "within the tolerance");
        let turned = direct([roll, pitch, yaw + 5.0]).contradictions();
        assert!(turned.len() == 1 && turned[0].starts_with("rpy_deg of [lidar] is"), "{turned:?}");
        let [x, y, z] = xyz_m;
        // The odometry's frame need not be the root, and a mast may stand between.
        let mast = [x - 0.1, y, z];
        let chain = |mast_m: [f64; 3]| {
            let trunk = link("trunk", "base_link", [1.0, 2.0, 3.0], [0.0, 0.0, 90.0]);
            let base = trunk.2;
            let mast = link("base_link", "mast", mast_m, [0.0; 3]);
            let head = link("mast", "lidar", [0.1, 0.0, 0.0], rpy_deg);
            lidar(vec![trunk, ("trunk".to_owned(), "mast".to_owned(), base * mast.2), head])
        };
        assert!(chain(mast).contradictions().is_empty(), "{:?}", chain(mast).contradictions());
        let moved = chain([x - 0.1, y, z + 0.05]).contradictions();
        assert!(
            moved.len() == 1 && moved[0].contains("xyz_m of [lidar]") && moved[0].contains("5.0 cm"),
            "{moved:?}"
        );
        let circle = lidar(vec![link("a", "lidar", xyz_m, rpy_deg), link("lidar", "a", xyz_m, rpy_deg)]);
        assert!(circle.contradictions().is_empty() && circle.unknown() == ["[lidar]"]);
    }

    #[test]
    fn cameras_that_were_swapped_and_other_lenses_are_named() {
        let robot = go2();
        let camera = &robot.cameras[0];
        let mut mounts = Mounts::new(&robot);
        mounts.add_base("base_link");
        mounts.add_frame(Role::Picture(0), "left_optical_frame");
        let optical = |isometry| vec![("base_link".to_owned(), "left_optical_frame".to_owned(), isometry)];
        let mut swapped = camera.clone();
        swapped.rpy_deg[2] = -swapped.rpy_deg[2];
        mounts.add_transforms(optical(swapped.base_from_camera().isometry));
        let found = mounts.contradictions();
        let expected = format!("rpy_deg of [[cameras]] {} is {}", camera.name, list(camera.rpy_deg, 10.0));
        assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
        assert!(found[0].contains(&format!("but {}", list(swapped.rpy_deg, 10.0))), "{found:?}");

        let mut mounts = Mounts::new(&robot);
        let intrinsics = camera.intrinsics().at_size(100, 80);
        mounts.add_lens(0, 100, 80, intrinsics.focal_px);
        assert!(mounts.contradictions().is_empty());
        mounts.add_lens(1, 100, 80, 0.0);
        assert!(mounts.contradictions().is_empty(), "not calibrated");
        let mut mounts = Mounts::new(&robot);
        mounts.add_lens(0, 100, 80, 1.1 * intrinsics.focal_px);
        let found = mounts.contradictions();
        assert!(found.len() == 1 && found[0].starts_with("horizontal_fov_deg of [[cameras]]"), "{found:?}");
    }
}
