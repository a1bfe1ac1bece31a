//! Elevation map of the ground around the robot: a rolling grid from lidar scans, and its traversability (a costmap).
//!
//! Fusion follows Fankhauser et al., "Robot-Centric Elevation Mapping with Uncertainty Estimates" (CLAWAR
//! 2014) and "Probabilistic Terrain Mapping for Mobile Robots with Uncertain Localization" (RA-L 2018): a
//! Kalman filter a cell, whose variance grows with time as the pose drifts. Traversability from slope, step
//! height and roughness follows the filters of that work and of elevation_mapping_cupy (Miki et al., IROS
//! 2022), against the robot's own limits.
//!
//! A cell keeps the *highest* surface that the robot could run into: what hangs more than the robot's
//! clearance above the ground nearby is left out, what hangs lower counts as an obstacle that reaches down
//! to the ground. The lining is nothing special here: it is too steep to walk on.

mod cells;
mod features;
mod fuse;
#[cfg(test)]
mod tests;

use robot_interface::frames::{Base, Lidar, Map, Transform};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::LidarScan;
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;

use crate::scan::for_each_point;
pub use cells::RESOLUTION_M;
use cells::{Cells, SIZE};
pub use features::Features;
use fuse::{Fusion, Hit};

/// Margin before and behind the trunk within which the lidar sees the robot itself, m.
const BODY_MARGIN_LENGTH_M: f64 = 0.05;
/// The same margin at its sides, m.
const BODY_MARGIN_WIDTH_M: f64 = 0.04;
/// One-sigma of a point's height from the pose's shaking, m.
const POSE_SIGMA_M: f64 = 0.004;
/// One-sigma of the direction of a ray, rad.
const RAY_SIGMA_RAD: f64 = 1.5e-3;

/// Elevation map of 8 x 8 m that moves with the robot.
#[derive(Clone, Debug)]
pub struct ElevationMap {
    base_from_lidar: Transform<Base, Lidar>,
    range_sigma_m: f64,
    body_half_m: [f64; 2],
    limits: features::Limits,
    cells: Cells,
    fusion: Fusion,
    hits: Vec<Hit>,
    stamp: Stamp,
}

impl ElevationMap {
    /// An empty map for a robot.
    pub fn new(robot: &RobotDescription) -> Self {
        Self {
            base_from_lidar: robot.lidar.base_from_lidar(),
            range_sigma_m: robot.lidar.range_noise_m.get().max(0.005),
            body_half_m: [
                robot.body.length_m.get() / 2.0 + BODY_MARGIN_LENGTH_M,
                robot.body.width_m.get() / 2.0 + BODY_MARGIN_WIDTH_M,
            ],
            limits: features::Limits {
                step_m: robot.body.max_step_m.get() as f32,
                slope_rad: robot.body.max_slope_rad.get() as f32,
            },
            cells: Cells::new(),
            fusion: Fusion::new(),
            hits: Vec::new(),
            stamp: Stamp::ZERO,
        }
    }

    /// Takes a scan; `pose_at` gives the pose at the time of each point. Returns how many points were used:
    /// those that are not numbers, have no pose, lie outside the map or on the robot are not.
    pub fn integrate(
        &mut self,
        scan: &LidarScan,
        pose_at: impl Fn(Stamp) -> Option<Transform<Map, Base>>,
    ) -> usize {
        let mut points = std::mem::take(&mut self.hits);
        points.clear();
        let lidar = self.base_from_lidar.origin();
        let mut newest = None;
        let [half_length, half_width] = self.body_half_m;
        let (range_variance, ray_variance) = (self.range_sigma_m.powi(2), RAY_SIGMA_RAD.powi(2));
        for_each_point(scan, &self.base_from_lidar, pose_at, |map_from_base, in_base| {
            newest = Some(map_from_base.origin());
            let p = in_base.coords;
            if p.x.abs() < half_length && p.y.abs() < half_width {
                return;
            }
            let in_map = (*map_from_base * in_base).coords;
            // A ray's error along it shows as height by its steepness, across it by the rest.
            let ray = p - lidar;
            let squared = ray.norm_squared().max(1e-4);
            let steep = ray.z * ray.z / squared;
            let variance = range_variance * steep + ray_variance * (squared - ray.z * ray.z);
            points.push(Hit {
                x_m: in_map.x,
                y_m: in_map.y,
                z_m: in_map.z as f32,
                variance: (variance + POSE_SIGMA_M.powi(2)) as f32,
            });
        });
        let mut used = 0;
        if let Some(centre) = newest {
            let last = scan.points.iter().rev().find(|p| p.offset_s.is_finite()).map_or(0.0, |p| p.offset_s);
            self.stamp = self.stamp.max(scan.stamp.plus_nanos((f64::from(last.max(0.0)) * 1e9) as u64));
            self.cells.centre_on(centre.x, centre.y);
            used = self.fusion.fuse(&mut self.cells, &points, self.stamp);
        }
        self.hits = points;
        used
    }

    /// Fills cells under the robot that no scan has seen with the height of the ground it stands on: at
    /// the start the lidar sees neither there nor just around. `ground_z_m` is in `map`.
    pub fn assume_ground(&mut self, map_from_base: &Transform<Map, Base>, ground_z_m: f64, stamp: Stamp) {
        let centre = map_from_base.origin();
        self.stamp = self.stamp.max(stamp);
        self.cells.centre_on(centre.x, centre.y);
        let (sin, cos) = map_from_base.yaw().sin_cos();
        let [half_length, half_width] = self.body_half_m.map(|half| half + 0.15);
        for index in 0..SIZE * SIZE {
            let [x, y] = self.cells.centre_of(index);
            let (dx, dy) = (x - centre.x, y - centre.y);
            let (ahead, left) = (cos * dx + sin * dy, cos * dy - sin * dx);
            if ahead.abs() < half_length && left.abs() < half_width {
                self.cells.assume(index, ground_z_m as f32, self.stamp);
            }
        }
    }

    /// Heights and traversability for the planner, `160 x 160` cells of 5 cm.
    pub fn grid(&self) -> TerrainGrid {
        let features = self.features();
        TerrainGrid {
            stamp: self.stamp,
            origin_m: self.cells.origin_m(),
            resolution_m: RESOLUTION_M,
            size: SIZE,
            elevation_m: features.elevation_m,
            traversability: features.traversability,
        }
    }

    /// Slope, step height and roughness, of which the traversability is made, in the layout of [`TerrainGrid`].
    pub fn features(&self) -> Features {
        features::compute(self.cells.heights(), &self.limits)
    }

    /// One-sigma of the heights now, m, in the layout of [`TerrainGrid`]; NaN where never seen.
    pub fn sigma_m(&self) -> Vec<f32> {
        self.cells.sigmas(self.stamp)
    }
}
