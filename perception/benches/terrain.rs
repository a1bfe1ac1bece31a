//! Costs of a lidar scan: deskewing it, localising by it in the tunnel, and updating the elevation map.

use criterion::{Criterion, criterion_group, criterion_main};
use nalgebra::{Matrix3, Vector3};
use perception::localise::TunnelLocaliser;
use perception::scan::deskew;
use perception::terrain::ElevationMap;
use robot_interface::fixtures::{BORED, go2, straight_tunnel};
use robot_interface::frames::{Base, Map, Point, Transform};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{LidarPoint, LidarScan};
use robot_interface::state::RobotState;
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelDesign;

/// 20,000 points of a tunnel, in a pattern that covers the lidar's field of view evenly.
fn scan(design: &TunnelDesign, robot: &RobotDescription, map_from_base: &Transform<Map, Base>) -> LidarScan {
    let map_from_lidar = *map_from_base * robot.lidar.base_from_lidar();
    let origin = Point::<Map>::from_coords(map_from_lidar.origin());
    let points = (0..20_000)
        .filter_map(|k| {
            let k = f64::from(k);
            let (sin, cos) = (k * 2.399_963).sin_cos();
            let (up, level) = (-7.0 + 59.0 * k / 20_000.0).to_radians().sin_cos();
            let ray = map_from_lidar.rotation() * Vector3::new(level * cos, level * sin, up);
            let wall = design.raycast(origin, ray, 30.0)?;
            let floor = if ray.z < 0.0 { -origin.coords.z / ray.z } else { f64::INFINITY };
            let range = wall.min(floor) as f32;
            let position_m = [level * cos, level * sin, up].map(|x| x as f32 * range);
            Some(LidarPoint { position_m, intensity: 20.0, offset_s: k as f32 * 5e-6 })
        })
        .collect();
    LidarScan { stamp: Stamp::ZERO, points }
}

fn lidar(c: &mut Criterion) {
    let robot = go2();
    let design = straight_tunnel(BORED, 60.0);
    let pose = Transform::<Map, Base>::from_xyz_rpy([20.0, 0.1, 0.31], [0.0, 0.0, 0.05]);
    let scan = scan(&design, &robot, &pose);
    let mount = robot.lidar.base_from_lidar();
    let end = Stamp::from_nanos(100_000_000);

    let mut map = ElevationMap::new(&robot);
    c.bench_function("map update, 20k points and features", |b| {
        b.iter(|| {
            map.integrate(&scan, |_| Some(pose));
            map.grid()
        });
    });
    c.bench_function("deskew, 20k points", |b| b.iter(|| deskew(&scan, &mount, |_| Some(pose), end)));
    let points = deskew(&scan, &mount, |_| Some(pose), end).expect("pose");
    let localiser = TunnelLocaliser::new(design);
    let state = RobotState {
        stamp: end,
        map_from_base: pose,
        velocity_m_s: Vector3::zeros(),
        angular_velocity_rad_s: Vector3::zeros(),
        contacts: [true; 4],
        position_covariance_m2: Matrix3::from_diagonal(&Vector3::new(0.04, 0.0025, 0.0009)),
        yaw_sigma_rad: 0.02,
    };
    // A scan that was refused would cost next to nothing, and measure nothing.
    assert!(localiser.correct(&points, &state).is_ok());
    c.bench_function("localise, 20k points", |b| b.iter(|| localiser.correct(&points, &state)));
}

criterion_group!(benches, lidar);
criterion_main!(benches);
