//! An elevation map from made-up lidar scans of a tunnel with a box on its floor, printed as text; and what the scan
//! says of the robot's place in the tunnel:
//!
//! `cargo run -p perception --example elevation_map [BOX_HEIGHT_M]`
//!
//! The robot stands at the left edge of the picture, in the tunnel's middle, and looks to the right.

#![allow(clippy::print_stdout, reason = "the map is what it is for")]

use nalgebra::{Matrix3, Point3, Vector3};
use perception::localise::TunnelLocaliser;
use perception::scan::deskew;
use perception::terrain::ElevationMap;
use robot_interface::fixtures::{BORED, go2, straight_tunnel};
use robot_interface::frames::{Base, Map, Point, Transform};
use robot_interface::sensors::{LidarPoint, LidarScan};
use robot_interface::state::RobotState;
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelDesign;

/// Sides of the box: least and greatest x and y in `map`, m.
const BOX_X_M: [f64; 2] = [21.2, 21.6];
const BOX_Y_M: [f64; 2] = [-0.1, 0.5];
const SCANS: u32 = 5;
const POINTS: u32 = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let box_height_m: f64 = std::env::args().nth(1).map_or(Ok(0.25), |text| text.parse())?;
    let (robot, tunnel) = (go2(), straight_tunnel(BORED, 60.0));
    // The truth, and an estimate that is 5 cm and 1 degree off: no more than odometry drifts in a few metres.
    let truth = Transform::<Map, Base>::from_xyz_rpy([20.0, 0.0, 0.31], [0.0; 3]);
    let estimate = Transform::<Map, Base>::from_xyz_rpy([20.0, 0.05, 0.31], [0.0, 0.0, 0.017]);

    let mount = robot.lidar.base_from_lidar();
    let mut map = ElevationMap::new(&robot);
    map.assume_ground(&truth, 0.0, Stamp::ZERO);
    for number in 0..SCANS {
        let scan = scan(&tunnel, &(truth * mount), box_height_m, number);
        map.integrate(&scan, |_| Some(truth));
        if number == 0 {
            let end = scan.stamp.plus_nanos(100_000_000);
            let points = deskew(&scan, &mount, |_| Some(estimate), end).unwrap_or_default();
            let localiser = TunnelLocaliser::new(tunnel.clone());
            let found = localiser.correct(&points, &standing(end, estimate))?;
            println!(
                "estimated 5.0 cm left and 1.0 degree turned; by the scan {:.1} cm left, {:.1} cm up, {:.1} degrees",
                100.0 * found.lateral_m,
                100.0 * found.height_m,
                found.yaw_rad.to_degrees()
            );
        }
    }
    println!("\n# impassable  + hard  . easy  (blank) never seen; a column and a row every 10 cm\n");
    let grid = map.grid();
    for y in (-15..=15).rev().map(|k| 0.1 * f64::from(k)) {
        let row: String = (0..=36)
            .map(|k| {
                let cell = grid.index_of(20.0 + 0.1 * f64::from(k), y + 0.01);
                match cell.map(|cell| grid.traversability[cell]) {
                    Some(t) if t < 0.2 => '#',
                    Some(t) if t < 0.7 => '+',
                    Some(t) if t >= 0.7 => '.',
                    _ => ' ',
                }
            })
            .collect();
        println!("{y:5.1} m  {row}");
    }
    Ok(())
}

/// A scan from a lidar that stands still: rays in a spiral, cast at lining, floor and box.
fn scan(
    tunnel: &TunnelDesign,
    map_from_lidar: &Transform<Map, robot_interface::frames::Lidar>,
    box_height_m: f64,
    number: u32,
) -> LidarScan {
    let origin = map_from_lidar.origin();
    let points = (0..POINTS).filter_map(|k| {
        let (sin, cos) = (f64::from(k + number * POINTS) * 2.399_963).sin_cos();
        let (up, level) = (-7.0 + 59.0 * f64::from(k) / f64::from(POINTS)).to_radians().sin_cos();
        let ray = Vector3::new(level * cos, level * sin, up);
        let in_map = map_from_lidar.rotation() * ray;
        let lining = tunnel.raycast(Point::from_coords(origin), in_map, 30.0)?;
        let floor = if in_map.z < 0.0 { -origin.z / in_map.z } else { f64::INFINITY };
        let range = lining.min(floor).min(cast_at_box(origin, in_map, box_height_m));
        let position_m = (ray * range).cast::<f32>().into();
        Some(LidarPoint { position_m, intensity: 20.0, offset_s: k as f32 * 5e-6 })
    });
    LidarScan { stamp: Stamp::from_nanos(u64::from(number) * 100_000_000), points: points.collect() }
}

/// Distance at which a ray meets the box, by the slab test; infinite where it does not.
fn cast_at_box(origin: Point3<f64>, ray: Vector3<f64>, height_m: f64) -> f64 {
    let (mut near, mut far) = (0.0f64, f64::INFINITY);
    for (axis, [low, high]) in [BOX_X_M, BOX_Y_M, [0.0, height_m]].into_iter().enumerate() {
        let [a, b] = [low, high].map(|side| (side - origin[axis]) / ray[axis]);
        (near, far) = (near.max(a.min(b)), far.min(a.max(b)));
    }
    if near <= far { near } else { f64::INFINITY }
}

fn standing(stamp: Stamp, map_from_base: Transform<Map, Base>) -> RobotState {
    RobotState {
        stamp,
        map_from_base,
        velocity_m_s: Vector3::zeros(),
        angular_velocity_rad_s: Vector3::zeros(),
        contacts: [true; 4],
        position_covariance_m2: Matrix3::from_diagonal(&Vector3::new(0.04, 0.0025, 0.0009)),
        yaw_sigma_rad: 0.02,
    }
}
