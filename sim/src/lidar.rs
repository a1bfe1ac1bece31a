//! Lidar sensor: rays along its firing pattern, cast from where the robot is at the
//! moment of each shot.

mod pattern;

use std::sync::Arc;

use rayon::prelude::*;
use robot_interface::frames::{Base, Lidar, Map, Transform};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{LidarPoint, LidarScan};
use robot_interface::time::Stamp;

use crate::geometry::{RayCaster, SolidId};
use crate::noise::normal;
use crate::tunnel::{Material, Stretch, Tunnel, split_id};
pub use pattern::BadPattern;
use pattern::{GROUP, Pattern};

/// Half the height of the trunk that hides what is behind it, m.
const TRUNK_HALF_HEIGHT_M: f64 = 0.06;

/// Reflectivity of a surface of no known material: that of concrete.
const REFLECTIVITY: f32 = 0.35;

/// Faintest return that is noticed: reflectivity times the cosine of incidence over squared range, 1/m^2. The
/// data sheet of the Mid-360 gives 40 m at 10 %.
const FAINTEST_PER_M2: f32 = 0.1 / (40.0 * 40.0);

/// Intensity of a white surface met squarely (Livox counts 0 to 150 for 0 to 100 %, more for reflectors).
const WHITE: f32 = 150.0;

/// Lidar sensor with the firing pattern of a Livox Mid-360 (non-repeating, four lasers a shot).
#[derive(Clone, Debug)]
pub struct LidarSensor {
    pattern: Pattern,
    base_from_lidar: Transform<Base, Lidar>,
    groups_per_second: f64,
    period_s: f64,
    range_m: [f32; 2],
    range_noise_m: f32,
    trunk_half_m: [f64; 3],
    /// By stretch and solid of the tunnel that it is in.
    reflectivity: Vec<(u32, Vec<f32>)>,
    seed: u64,
}

impl LidarSensor {
    /// The robot's lidar.
    ///
    /// # Errors
    /// Never with the pattern that comes with this crate; [`BadPattern`] if that was damaged.
    pub fn new(robot: &RobotDescription, seed: u64) -> Result<Self, BadPattern> {
        let lidar = &robot.lidar;
        let legs = &robot.legs;
        Ok(Self {
            pattern: Pattern::mid360()?,
            base_from_lidar: lidar.base_from_lidar(),
            groups_per_second: lidar.points_per_second.get() / GROUP as f64,
            period_s: 1.0 / lidar.rate_hz.get(),
            range_m: [lidar.min_range_m.get() as f32, lidar.max_range_m.get() as f32],
            range_noise_m: lidar.range_noise_m.get() as f32,
            trunk_half_m: [
                legs.hip_x_m.get(),
                legs.hip_y_m.get() + legs.abduction_m.get(),
                TRUNK_HALF_HEIGHT_M,
            ],
            reflectivity: Vec::new(),
            seed,
        })
    }

    /// The same lidar, told what the solids that it will see are made of.
    #[must_use]
    pub fn in_tunnel(mut self, tunnel: &Tunnel) -> Self {
        let of_stretch = |stretch: &Arc<Stretch>| {
            let materials = stretch.materials().iter();
            (stretch.index(), materials.map(|material| reflectivity_of(*material)).collect())
        };
        self.reflectivity = tunnel.stretches().iter().map(of_stretch).collect();
        self
    }

    /// Share of light that a solid sends back.
    fn reflectivity(&self, solid: SolidId) -> f32 {
        let (stretch, place) = split_id(solid);
        let known = self.reflectivity.iter().find(|(index, _)| *index == stretch);
        known.and_then(|(_, all)| all.get(place)).copied().unwrap_or(REFLECTIVITY)
    }

    /// The scan that began at `start`; `pose_at` gives the pose so many seconds later. Shots that hit nothing,
    /// or the robot's own trunk, or come back too faint, leave no point. The same arguments give the same bits on any number of threads.
    pub fn scan(
        &self,
        caster: &dyn RayCaster,
        start: Stamp,
        pose_at: impl Fn(f64) -> Transform<Map, Base> + Sync,
    ) -> LidarScan {
        let first = (start.seconds() * self.groups_per_second).round() as u64;
        let count = (self.period_s * self.groups_per_second).round() as usize;
        let shots: Vec<[Option<LidarPoint>; GROUP]> = (0..count)
            .into_par_iter()
            .with_min_len(256)
            .map(|k| {
                let k = k as u64;
                let offset_s = k as f64 / self.groups_per_second;
                let map_from_lidar = pose_at(offset_s) * self.base_from_lidar;
                let directions = self.pattern.directions((first + k) as f64 / self.groups_per_second);
                std::array::from_fn(|laser| {
                    let number = (first + k) * GROUP as u64 + laser as u64;
                    self.shoot(caster, &map_from_lidar, directions[laser], number, offset_s as f32)
                })
            })
            .collect();
        LidarScan { stamp: start, points: shots.into_iter().flatten().flatten().collect() }
    }

    fn shoot(
        &self,
        caster: &dyn RayCaster,
        map_from_lidar: &Transform<Map, Lidar>,
        direction: nalgebra::Vector3<f64>,
        number: u64,
        offset_s: f32,
    ) -> Option<LidarPoint> {
        if self.hits_trunk(direction) {
            return None;
        }
        let pose = map_from_lidar.isometry.cast::<f32>();
        let ahead = pose * direction.cast::<f32>();
        let origin = pose.translation.vector;
        let hit = caster.cast(origin.into(), ahead.into(), self.range_m[1])?;
        let distance_m = hit.distance_m + self.range_noise_m * normal(self.seed, number) as f32;
        if distance_m < self.range_m[0] {
            return None;
        }
        let position = direction.cast::<f32>() * distance_m;
        let reflectivity = self.reflectivity(hit.solid);
        let incidence = (ahead.x * hit.normal[0] + ahead.y * hit.normal[1] + ahead.z * hit.normal[2]).abs();
        let strength = reflectivity * incidence;
        (strength >= FAINTEST_PER_M2 * distance_m * distance_m).then(|| LidarPoint {
            position_m: position.into(),
            intensity: (WHITE * strength).clamp(0.0, 255.0),
            offset_s,
        })
    }

    /// True for a shot in this direction (lidar frame) that meets the trunk: the slab test.
    fn hits_trunk(&self, direction: nalgebra::Vector3<f64>) -> bool {
        let origin = self.base_from_lidar.origin();
        let ahead = self.base_from_lidar.isometry * direction;
        let (mut near, mut far) = (0.0f64, f64::INFINITY);
        for axis in 0..3 {
            let inverse = 1.0 / ahead[axis];
            let a = (-self.trunk_half_m[axis] - origin[axis]) * inverse;
            let b = (self.trunk_half_m[axis] - origin[axis]) * inverse;
            near = near.max(a.min(b));
            far = far.min(a.max(b));
        }
        near <= far && far > 0.0
    }
}

/// Share of light of 905 nm that a surface sends back to where it came from, met squarely.
fn reflectivity_of(material: Material) -> f32 {
    match material {
        Material::Lining | Material::Floor | Material::EndWall | Material::Debris => REFLECTIVITY,
        // What falls on still water goes on, to the floor under it or off the wall behind.
        Material::Puddle => 0.02,
        Material::Bracket | Material::Pipe => 0.45,
        Material::Cable(_) | Material::CableJoint(_) => 0.06,
        Material::Lamp => 0.6,
    }
}

#[cfg(test)]
mod tests {
    use robot_interface::fixtures::go2;

    use super::*;
    use crate::geometry::Hit;

    /// A floor at z = 0 and nothing else.
    struct Floor;

    impl RayCaster for Floor {
        fn cast(&self, origin: [f32; 3], direction: [f32; 3], max_m: f32) -> Option<Hit> {
            let distance_m = -origin[2] / direction[2];
            (distance_m > 0.0 && distance_m < max_m).then_some(Hit {
                distance_m,
                normal: [0.0, 0.0, 1.0],
                solid: 0,
            })
        }
    }

    #[test]
    fn the_floor_comes_back_flat_and_in_front_of_the_feet() {
        let robot = go2();
        let lidar = LidarSensor::new(&robot, 1).expect("pattern");
        let pose = |t: f64| Transform::<Map, Base>::from_xyz_rpy([0.8 * t, 0.0, 0.32], [0.0, 0.02, 0.3 * t]);
        let scan = lidar.scan(&Floor, Stamp::from_nanos(3_000_000_000), pose);
        assert!(scan.points.len() > 5000, "{} points", scan.points.len());
        let mut near = false;
        for point in &scan.points {
            let [x, y, z] = point.position_m.map(f64::from);
            let map_from_lidar = pose(f64::from(point.offset_s)) * robot.lidar.base_from_lidar();
            let in_map = (map_from_lidar * robot_interface::frames::Point::<Lidar>::new(x, y, z)).coords;
            let range = (x * x + y * y + z * z).sqrt();
            // Noise is along the ray; a shallow ray shows little of it in height.
            assert!(in_map.z.abs() < 0.12, "{in_map} at {range}");
            near |= in_map.x > 0.4 && in_map.x < 0.8 && in_map.y.abs() < 0.2;
        }
        assert!(near, "the floor before the feet is seen");
    }

    #[test]
    fn water_and_grazing_light_return_little() {
        let robot = go2();
        let mut lidar = LidarSensor::new(&robot, 1).expect("pattern");
        let pose = |_| Transform::<Map, Base>::from_xyz_rpy([0.0, 0.0, 0.32], [0.0; 3]);
        let dry = lidar.scan(&Floor, Stamp::ZERO, pose);
        lidar.reflectivity = vec![(0, vec![reflectivity_of(Material::Puddle)])];
        let wet = lidar.scan(&Floor, Stamp::ZERO, pose);
        let range = |p: &LidarPoint| p.position_m.iter().map(|x| x * x).sum::<f32>().sqrt();
        let farthest = |scan: &LidarScan| scan.points.iter().map(range).fold(0.0, f32::max);
        assert!(farthest(&wet) < 6.0, "{} m over water", farthest(&wet));
        assert!(farthest(&dry) > 10.0, "{} m over concrete", farthest(&dry));
        let brightest = |scan: &LidarScan| scan.points.iter().map(|p| p.intensity).fold(0.0, f32::max);
        assert!(brightest(&wet) < 0.1 * brightest(&dry));
    }

    #[test]
    fn scans_repeat_only_for_the_same_time_and_seed() {
        let robot = go2();
        let lidar = LidarSensor::new(&robot, 1).expect("pattern");
        let pose = |_| Transform::<Map, Base>::from_xyz_rpy([0.0, 0.0, 0.32], [0.0; 3]);
        let at = |nanos| lidar.scan(&Floor, Stamp::from_nanos(nanos), pose);
        assert_eq!(at(100_000_000), at(100_000_000));
        assert_ne!(at(100_000_000).points, at(200_000_000).points);
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
        assert_eq!(one_thread.install(|| at(100_000_000)), at(100_000_000));
    }
}
