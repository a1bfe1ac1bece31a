//! The Go2, dropped into a tunnel, and what its sensors see there once it lies still:
//!
//! `cargo run -p sim --example tunnel_sensors [FOLDER] [SEED]`
//!
//! Writes `picture.png` (the left camera's), `labels.png` (the true class of each pixel), `thermal.png` and
//! `lidar.png` (the scan from above, 2 cm a pixel) into the folder, `target/tunnel_sensors` when none is given.

#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

use std::path::PathBuf;

use image::{GrayImage, ImageError, Luma, RgbImage};
use robot_interface::fixtures::{BORED, GO2_MJCF, go2, straight_tunnel};
use robot_interface::frames::Transform;
use robot_interface::joints::JOINTS;
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{LidarScan, ThermalFrame};
use robot_interface::time::Stamp;
use sim::camera::{Camera, Exposure};
use sim::engine::rapier::RapierEngine;
use sim::engine::{Engine, JointDrive};
use sim::imu::ImuSensor;
use sim::lidar::LidarSensor;
use sim::thermal::ThermalCamera;
use sim::tunnel::{Tunnel, TunnelDescription};

/// Classes of [`robot_interface::defect::DefectClass`] in shades that can be told apart.
const SHADE: u8 = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "target/tunnel_sensors".to_owned()));
    let seed = arguments.next().map_or(Ok(1), |text| text.parse())?;
    std::fs::create_dir_all(&folder)?;

    let robot = go2();
    let tunnel = Tunnel::generate(&straight_tunnel(BORED, 12.0), &TunnelDescription::default(), seed)?;
    for defect in tunnel.defects() {
        println!("true defect {}: {} at {:.2} m", defect.id, defect.class.name(), defect.bounds.centre()[0]);
    }

    let start = Transform::from_xyz_rpy([6.0, 0.0, 0.5], [0.0; 3]);
    let mut engine = RapierEngine::new(GO2_MJCF, &robot, tunnel.geometry(), start)?;
    let mut imu = ImuSensor::new(&robot.imu, seed);
    let (drives, dt_s) = (lying(&robot), engine.dt_s());
    for step in 0..1500u32 {
        engine.step(&drives);
        let (now_s, truth) = (f64::from(step + 1) * dt_s, engine.truth());
        let sample = imu.sample(Stamp::from_nanos((now_s * 1e9) as u64), &truth, dt_s);
        if step % 150 == 0 {
            println!(
                "{now_s:4.1} s  trunk {:.3} m above the design floor, specific force {:6.2} m/s2",
                truth.map_from_base.origin().z,
                sample.linear_acceleration_m_s2.norm()
            );
        }
    }

    let (pose, now) = (engine.truth().map_from_base, Stamp::from_nanos((1500.0 * dt_s * 1e9) as u64));
    let caster = engine.ray_caster();
    let scan = LidarSensor::new(&robot, seed)?.in_tunnel(&tunnel).scan(&*caster, now, |_| pose);
    println!("lidar: {} points in {:.1} s", scan.points.len(), 1.0 / robot.lidar.rate_hz.get());
    seen_from_above(&scan, &robot).save(folder.join("lidar.png"))?;

    let camera = &robot.cameras[0];
    let exposure = Exposure::still(pose * camera.base_from_camera(), now);
    let picture = Camera::new(camera, 0).render(&tunnel, &*caster, &exposure, seed);
    for seen in &picture.visible {
        println!(
            "camera {}: defect {} on {} pixels of {:.1} mm",
            camera.name, seen.id, seen.pixels, seen.mm_per_pixel
        );
    }
    let image = picture.frame.image;
    save_rgb(image.width, image.height, image.data, &folder.join("picture.png"))?;
    let labels = picture.labels.iter().map(|class| class.saturating_mul(SHADE)).collect();
    save_grey(camera.width, camera.height, labels, &folder.join("labels.png"))?;

    for (index, camera) in robot.thermal.iter().enumerate().take(1) {
        let mounted = pose * camera.base_from_camera();
        let frame = ThermalCamera::new(camera, index).render(&tunnel, &*caster, mounted, now, seed);
        let (data, [low, high]) = stretched(&frame);
        println!("thermal camera {}: {low:.1} to {high:.1} degrees Celsius", camera.name);
        save_grey(frame.width, frame.height, data, &folder.join("thermal.png"))?;
    }
    println!("pictures in {}", folder.display());
    Ok(())
}

/// Drives that hold the lying pose.
fn lying(robot: &RobotDescription) -> [JointDrive; JOINTS] {
    robot.lying_pose().map(|position_rad| JointDrive {
        position_rad,
        kp: 30.0,
        kd: 1.0,
        max_torque_nm: 20.0,
        ..JointDrive::default()
    })
}

/// Points of a scan within 6 m, from above in the trunk's frame: ahead is to the right.
fn seen_from_above(scan: &LidarScan, robot: &RobotDescription) -> GrayImage {
    let mount = robot.lidar.base_from_lidar();
    let mut picture = GrayImage::new(600, 200);
    for point in &scan.points {
        let [x, y, z] = point.position_m.map(f64::from);
        let p = (mount * robot_interface::frames::Point::new(x, y, z)).coords;
        let (column, row) = (300.0 + p.x / 0.02, 100.0 - p.y / 0.02);
        if (0.0..600.0).contains(&column) && (0.0..200.0).contains(&row) {
            picture.put_pixel(column as u32, row as u32, Luma([100 + point.intensity as u8 / 2]));
        }
    }
    picture
}

/// Temperatures as shades between the lowest and the highest of them.
fn stretched(frame: &ThermalFrame) -> (Vec<u8>, [f32; 2]) {
    let low = frame.celsius.iter().copied().fold(f32::INFINITY, f32::min);
    let high = frame.celsius.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shade = |c: &f32| (255.0 * (c - low) / (high - low).max(0.1)) as u8;
    (frame.celsius.iter().map(shade).collect(), [low, high])
}

fn save_rgb(width: u32, height: u32, data: Vec<u8>, path: &std::path::Path) -> Result<(), ImageError> {
    RgbImage::from_raw(width, height, data).unwrap_or_default().save(path)
}

fn save_grey(width: u32, height: u32, data: Vec<u8>, path: &std::path::Path) -> Result<(), ImageError> {
    GrayImage::from_raw(width, height, data).unwrap_or_default().save(path)
}
