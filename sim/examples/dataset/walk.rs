//! Pictures of a walking robot's cameras: most of it sound lining, racks, cables and joints, which a network has
//! to learn to leave alone as much as it has to learn defects.

use std::ops::Range;

use image::{GrayImage, RgbImage, imageops};
use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use robot_interface::frames::Transform;
use robot_interface::sensors::Intrinsics;
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelPoint;
use sim::camera::{Camera, Exposure, ImageSensor, Lighting, Rendered, UNSURE, looking_at};
use sim::geometry::Bvh;
use sim::tunnel::{Tunnel, TunnelDescription};

use super::{FEW_PIXELS, Failure, LENGTH_M, Wanted, random_design};

/// Pixels across and down of the cameras.
const FRAME: [u32; 2] = [1024, 1280];
/// Cuttings taken of one picture.
const CUTTINGS: usize = 2;

/// Cuttings by their numbers: half of them with a defect in them, where the picture has one.
pub(super) fn cuttings(wanted: &Wanted, numbers: Range<usize>, rng: &mut ChaCha8Rng) -> Result<(), Failure> {
    let tunnel = sparse_tunnel(rng)?;
    let caster = Bvh::new(tunnel.geometry());
    let all: Vec<usize> = numbers.collect();
    for numbers in all.chunks(CUTTINGS) {
        let camera = robot_camera(rng);
        let exposure = walking_view(&tunnel, rng);
        let Rendered { frame, labels, .. } = camera.render(&tunnel, &caster, &exposure, rng.random());
        let [width, height] = FRAME;
        let picture =
            RgbImage::from_raw(width, height, frame.image.data).ok_or("picture of the wrong size")?;
        let mask = GrayImage::from_raw(width, height, labels).ok_or("mask of the wrong size")?;
        for number in numbers {
            let [x, y] = corner(&mask, wanted.size, rng);
            let cut = |side: u32| side.min(wanted.size);
            let picture = imageops::crop_imm(&picture, x, y, cut(width), cut(height)).to_image();
            let mask = imageops::crop_imm(&mask, x, y, cut(width), cut(height)).to_image();
            wanted.save(*number, &picture, &mask)?;
        }
    }
    Ok(())
}

/// A tunnel with two to four times as many defects as the simulator's default.
fn sparse_tunnel(rng: &mut ChaCha8Rng) -> Result<Tunnel, Failure> {
    let design = random_design(rng)?;
    let mut wanted = TunnelDescription::default();
    let rates = &mut wanted.defects;
    let mut rate = |least: f64, most: f64| rng.random_range(least..most).try_into();
    rates.cracks_per_10_m = rate(2.0, 7.0)?;
    rates.leakages_per_10_m = rate(1.0, 4.0)?;
    rates.spallings_per_10_m = rate(1.0, 4.0)?;
    rates.corrosions_per_10_m = rate(1.0, 4.0)?;
    rates.crack_width_min_mm = 0.8.try_into()?;
    rates.crack_width_max_mm = rng.random_range(3.0..8.0).try_into()?;
    wanted.furniture.cable_levels = rng.random_range(0..=4);
    wanted.furniture.pipe = rng.random_bool(0.7);
    Ok(Tunnel::generate(&design, &wanted, rng.random())?)
}

/// A camera like those that inspection robots carry, with the robot's own lamp.
fn robot_camera(rng: &mut ChaCha8Rng) -> Camera {
    let fov = rng.random_range(0.95..1.4);
    let lamp = Lighting::ROBOT;
    let warm: f32 = rng.random_range(-0.06..0.08);
    Camera {
        index: 0,
        lens: Intrinsics::from_fov(FRAME[0], FRAME[1], fov),
        lighting: Lighting {
            lamp_m: lamp.lamp_m.map(|v| v + rng.random_range(-0.05..0.05)),
            colour: [lamp.colour[0] + warm, lamp.colour[1], lamp.colour[2] - warm],
            beam_rad: lamp.beam_rad * rng.random_range(0.8..1.2),
            ambient: lamp.ambient * rng.random_range(0.5..2.0),
        },
        sensor: ImageSensor {
            noise: rng.random_range(0.006..0.02),
            key: rng.random_range(0.14..0.28),
            softness: rng.random_range(0.05..0.12),
            contrast: rng.random_range(0.9..1.1),
        },
    }
}

/// To the left, up or to the right from a robot that sways as it walks somewhere along the middle.
fn walking_view(tunnel: &Tunnel, rng: &mut ChaCha8Rng) -> Exposure {
    let design = tunnel.design();
    let side = 0.5 * design.section.floor_half_width_m();
    let chainage_m = rng.random_range(1.0..LENGTH_M - 1.0);
    let left_m = rng.random_range(-side..side);
    let floor_m = tunnel.floor_height_m(chainage_m, left_m);
    let eye = TunnelPoint { chainage_m, left_m, up_m: floor_m + rng.random_range(0.36..0.6) };
    // The optical axis in the section: 0 is up, 1 to the left.
    let elevation: f64 = rng.random_range(0.1..0.5);
    let (to_left, to_up) = match rng.random_range(0..3) {
        0 => (elevation.cos(), elevation.sin()),
        1 => (rng.random_range(-0.1..0.1), 1.0),
        _ => (-elevation.cos(), elevation.sin()),
    };
    let ahead = rng.random_range(-0.12..0.12);
    let at = TunnelPoint {
        chainage_m: eye.chainage_m + ahead,
        left_m: eye.left_m + to_left,
        up_m: eye.up_m + to_up,
    };
    let looking = looking_at(design.to_map(eye).coords, design.to_map(at).coords).isometry;
    let roll = Isometry3::rotation(Vector3::z() * rng.random_range(-0.08..0.08));
    let start = looking * roll;
    let turn = Vector3::from_fn(|_, _| rng.random_range(-0.002..0.002));
    let end = start * Isometry3::from_parts(Vector3::zeros().into(), UnitQuaternion::from_scaled_axis(turn));
    Exposure { start: Transform::new(start), end: Transform::new(end), stamp: Stamp::ZERO }
}

/// Corner of a cutting: around a labelled pixel half of the time, otherwise anywhere.
fn corner(mask: &GrayImage, size: u32, rng: &mut ChaCha8Rng) -> [u32; 2] {
    let most = FRAME.map(|side| side.saturating_sub(size));
    let marked: Vec<(u32, u32)> = mask
        .enumerate_pixels()
        .filter(|(_, _, label)| label[0] != 0 && label[0] != UNSURE)
        .map(|(x, y, _)| (x, y))
        .collect();
    if marked.len() >= FEW_PIXELS && rng.random_bool(0.6) {
        // A class with few pixels is as good a reason as one with many.
        let classes: Vec<u8> =
            (1..=4).filter(|c| marked.iter().any(|(x, y)| mask.get_pixel(*x, *y)[0] == *c)).collect();
        let class = classes[rng.random_range(0..classes.len())];
        let of_class: Vec<_> = marked.iter().filter(|(x, y)| mask.get_pixel(*x, *y)[0] == class).collect();
        let (x, y) = *of_class[rng.random_range(0..of_class.len())];
        let mut around = |v: u32, most: u32| {
            (f64::from(v) - f64::from(size) * rng.random_range(0.2..0.8)).clamp(0.0, f64::from(most)) as u32
        };
        [around(x, most[0]), around(y, most[1])]
    } else {
        most.map(|most| rng.random_range(0..=most))
    }
}
