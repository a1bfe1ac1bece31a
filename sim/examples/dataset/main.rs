//! Pictures with masks for training: `dataset OUT_DIR COUNT SEED [--size N] [--photos DIR | --walk robot]`.
//!
//! Writes `NNNNN.png` and `NNNNN_mask.png` (8 bit: 0 background, 1 crack, 2 leakage, 3 spalling, 4 corrosion,
//! 255 a defect that the picture does not show). As it is, pictures of random tunnels from random places under
//! varied light. With `--photos`, the same defects laid over real photographs `NNNN.jpg` with crack masks
//! `NNNN_crack.png`: real texture and real cracks beside made defects. With `--walk robot`, cuttings of what
//! the cameras of a walking robot see in tunnels that are mostly sound. The same arguments give the same bytes.

mod walk;

use std::path::{Path, PathBuf};

use image::{GrayImage, RgbImage, imageops};
use nalgebra::{Isometry3, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use robot_interface::defect::DefectClass;
use robot_interface::frames::{Camera as Optical, Map, Transform};
use robot_interface::sensors::Intrinsics;
use robot_interface::time::Stamp;
use robot_interface::tunnel::{
    Alignment, LiningPoint, Section, SectionShape, Segment, TunnelDesign, TunnelPoint,
};
use sim::camera::{Camera, Exposure, ImageSensor, Lighting, Rendered, looking_at};
use sim::geometry::Bvh;
use sim::tunnel::{Footprint, Surface, Tunnel, TunnelDescription};

/// Pictures taken in one tunnel.
const BATCH: usize = 16;
/// Length of such a tunnel, m.
const LENGTH_M: f64 = 16.0;
/// Share of the pictures that show no defect.
const EMPTY_SHARE: f64 = 0.3;
/// Fewest labelled pixels that make a picture one with a defect.
const FEW_PIXELS: usize = 60;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let wanted = Wanted::from_args(std::env::args().skip(1))?;
    std::fs::create_dir_all(&wanted.out)?;
    let photos = wanted.photos.as_deref().map(list_photos).transpose()?;
    (0..wanted.count.div_ceil(BATCH)).into_par_iter().try_for_each(|batch| {
        let numbers = batch * BATCH..((batch + 1) * BATCH).min(wanted.count);
        let mut rng = ChaCha8Rng::seed_from_u64(wanted.seed);
        rng.set_stream(batch as u64 + 1);
        let tunnel = random_tunnel(&mut rng)?;
        match &photos {
            Some(photos) => composites(&wanted, photos, &tunnel, numbers, &mut rng),
            None if wanted.walk => walk::cuttings(&wanted, numbers, &mut rng),
            None => renderings(&wanted, &tunnel, numbers, &mut rng),
        }
    })
}

struct Wanted {
    out: PathBuf,
    count: usize,
    seed: u64,
    size: u32,
    photos: Option<PathBuf>,
    walk: bool,
}

impl Wanted {
    fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, Failure> {
        const USAGE: &str = "usage: dataset OUT_DIR COUNT SEED [--size N] [--photos DIR | --walk robot]";
        let mut next = || args.next();
        let (Some(out), Some(count), Some(seed)) = (next(), next(), next()) else { return Err(USAGE.into()) };
        let mut wanted = Self {
            out: out.into(),
            count: count.parse()?,
            seed: seed.parse()?,
            size: 512,
            photos: None,
            walk: false,
        };
        while let Some(key) = next() {
            let value = next().ok_or(USAGE)?;
            match key.as_str() {
                "--size" => wanted.size = value.parse()?,
                "--photos" => wanted.photos = Some(value.into()),
                "--walk" if value == "robot" => wanted.walk = true,
                _ => return Err(USAGE.into()),
            }
        }
        Ok(wanted)
    }

    fn save(&self, number: usize, picture: &RgbImage, mask: &GrayImage) -> Result<(), Failure> {
        picture.save(self.out.join(format!("{number:05}.png")))?;
        mask.save(self.out.join(format!("{number:05}_mask.png")))?;
        Ok(())
    }
}

/// A short piece of any section.
fn random_design(rng: &mut ChaCha8Rng) -> Result<TunnelDesign, Failure> {
    let size = rng.random_range(2.2..6.0);
    let shape = match rng.random_range(0..5) {
        0 | 1 => {
            SectionShape::Circular { diameter_m: size, floor_height_m: size * rng.random_range(0.1..0.2) }
        }
        2 | 3 => SectionShape::Horseshoe { width_m: size, wall_height_m: rng.random_range(0.8..2.0) },
        _ => SectionShape::Box { width_m: size, height_m: rng.random_range(2.0..3.5) },
    };
    let curvature_per_m = if rng.random_bool(0.4) { rng.random_range(-0.04..0.04) } else { 0.0 };
    Ok(TunnelDesign {
        alignment: Alignment::new(vec![Segment { length_m: LENGTH_M, curvature_per_m, grade: 0.0 }])?,
        section: Section::new(shape)?,
    })
}

/// A short tunnel crowded with defects.
fn random_tunnel(rng: &mut ChaCha8Rng) -> Result<Tunnel, Failure> {
    let design = random_design(rng)?;
    let mut wanted = TunnelDescription::default();
    let rates = &mut wanted.defects;
    let mut rate = |least: f64, most: f64| rng.random_range(least..most).try_into();
    rates.cracks_per_10_m = rate(6.0, 12.0)?;
    rates.leakages_per_10_m = rate(3.0, 7.0)?;
    rates.spallings_per_10_m = rate(3.0, 7.0)?;
    rates.corrosions_per_10_m = rate(3.0, 6.0)?;
    rates.crack_width_min_mm = 0.5.try_into()?;
    rates.crack_width_max_mm = rng.random_range(4.0..10.0).try_into()?;
    wanted.furniture.cable_levels = rng.random_range(0..=4);
    Ok(Tunnel::generate(&design, &wanted, rng.random())?)
}

fn renderings(
    wanted: &Wanted,
    tunnel: &Tunnel,
    numbers: std::ops::Range<usize>,
    rng: &mut ChaCha8Rng,
) -> Result<(), Failure> {
    let caster = Bvh::new(tunnel.geometry());
    for number in numbers {
        let empty = rng.random_bool(EMPTY_SHARE);
        // A few tries for a picture worth keeping; the last one is kept whatever it shows.
        for attempt in 0..12 {
            let camera = random_camera(wanted.size, rng);
            let pose = random_view(tunnel, empty, rng);
            let turn: f64 = rng.random_range(0.0..0.004);
            let moved = pose.isometry * Isometry3::rotation(Vector3::new(turn, 0.3 * turn, 0.5 * turn));
            let exposure = Exposure { start: pose, end: Transform::new(moved), stamp: Stamp::ZERO };
            let Rendered { frame, labels, .. } = camera.render(tunnel, &caster, &exposure, rng.random());
            let labelled = labels.iter().filter(|l| **l != 0).count();
            let dark = frame.image.data.iter().map(|v| u64::from(*v)).sum::<u64>()
                < 18 * frame.image.data.len() as u64;
            let wrong = if empty { labelled > 0 } else { labelled < FEW_PIXELS };
            if attempt < 11 && (dark || wrong) {
                continue;
            }
            let size = wanted.size;
            let picture =
                RgbImage::from_raw(size, size, frame.image.data).ok_or("picture of the wrong size")?;
            let mask = GrayImage::from_raw(size, size, labels).ok_or("mask of the wrong size")?;
            wanted.save(number, &compressed(picture, rng)?, &mask)?;
            break;
        }
    }
    Ok(())
}

/// Most photographs have been through a JPEG file, many through a sharpening filter before it.
fn compressed(picture: RgbImage, rng: &mut ChaCha8Rng) -> Result<RgbImage, Failure> {
    let picture = if rng.random_bool(0.35) {
        imageops::unsharpen(&picture, rng.random_range(0.7..2.0), 1)
    } else {
        picture
    };
    if rng.random_bool(0.4) {
        return Ok(picture);
    }
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, rng.random_range(45..96))
        .encode_image(&picture)?;
    Ok(image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg)?.into_rgb8())
}

fn random_camera(size: u32, rng: &mut ChaCha8Rng) -> Camera {
    let warm: f32 = rng.random_range(-0.12..0.2);
    let lit = rng.random_bool(0.4);
    Camera {
        index: 0,
        lens: Intrinsics { width: size, height: size, focal_px: rng.random_range(380.0..1300.0) },
        lighting: Lighting {
            lamp_m: std::array::from_fn(|k| if k < 2 { rng.random_range(-0.25..0.25) } else { 0.0 }),
            colour: [1.0 + warm, 1.0, 1.0 - warm],
            beam_rad: rng.random_range(0.5..1.3),
            ambient: if lit { rng.random_range(0.03..0.8) } else { rng.random_range(0.003..0.03) },
        },
        sensor: ImageSensor {
            noise: rng.random_range(0.003..0.028),
            key: rng.random_range(0.07..0.42),
            softness: rng.random_range(0.03..0.2),
            contrast: rng.random_range(0.8..1.35),
        },
    }
}

/// A view of a place on the lining, most often of a defect: as from the robot, or from anywhere.
fn random_view(tunnel: &Tunnel, anywhere: bool, rng: &mut ChaCha8Rng) -> Transform<Map, Optical> {
    let design = tunnel.design();
    let seen: Vec<_> = tunnel.defects().iter().filter(|d| d.class != DefectClass::HotJoint).collect();
    let target = if anywhere || seen.is_empty() || rng.random_bool(0.1) {
        let arc = design.section.half_arc_m() * rng.random_range(-0.9..0.9);
        LiningPoint { chainage_m: rng.random_range(1.0..15.0), arc_m: arc }
    } else {
        // Each class as often as every other.
        let class = DefectClass::VISUAL[rng.random_range(0..4)];
        let of_class: Vec<_> = seen.iter().filter(|d| d.class == class).collect();
        let defect =
            if of_class.is_empty() { seen[0] } else { of_class[rng.random_range(0..of_class.len())] };
        let [s, a] = defect.bounds.centre();
        LiningPoint { chainage_m: s + rng.random_range(-0.3..0.3), arc_m: a + rng.random_range(-0.3..0.3) }
    };
    let on_lining = design.lining_to_tunnel(target);
    let at = design.to_map(on_lining).coords;
    let robot_like = rng.random_bool(0.4);
    let mut eye = at;
    for _ in 0..40 {
        let place = if robot_like {
            TunnelPoint {
                chainage_m: target.chainage_m + rng.random_range(-0.8..0.8),
                left_m: rng.random_range(-0.4..0.4),
                up_m: rng.random_range(0.35..0.6),
            }
        } else {
            let [left, up] = design.section.inward_normal_at(design.section.angle_of_arc(target.arc_m));
            let away = rng.random_range(0.4f64..4.0);
            TunnelPoint {
                chainage_m: target.chainage_m + away * rng.random_range(-0.6..0.6),
                left_m: on_lining.left_m + away * (left + rng.random_range(-0.3..0.3)),
                up_m: (on_lining.up_m + away * (up + rng.random_range(-0.3..0.3))).max(0.15),
            }
        };
        let inside =
            design.section.clearance(place.left_m, place.up_m) > 0.3 && place.chainage_m.abs() < 17.0;
        eye = design.to_map(place).coords;
        if inside && (eye - at).norm() > 0.35 {
            break;
        }
    }
    let roll =
        if rng.random_bool(0.75) { rng.random_range(-0.25..0.25) } else { rng.random_range(-3.1..3.1) };
    let upright = looking_at(eye, at).isometry;
    Transform::new(upright * Isometry3::rotation(Vector3::z() * roll))
}

/// Photographs that have a crack mask, in the order of their names.
fn list_photos(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut photos = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "jpg") && mask_of(&path).exists() {
            photos.push(path);
        }
    }
    photos.sort();
    if photos.is_empty() {
        Err("no NNNN.jpg with NNNN_crack.png in the folder of photographs".into())
    } else {
        Ok(photos)
    }
}

fn mask_of(photo: &Path) -> PathBuf {
    let stem = photo.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    photo.with_file_name(format!("{stem}_crack.png"))
}

/// Lays made defects over photographs, as if each were part of the tunnel's wall.
fn composites(
    wanted: &Wanted,
    photos: &[PathBuf],
    tunnel: &Tunnel,
    numbers: std::ops::Range<usize>,
    rng: &mut ChaCha8Rng,
) -> Result<(), Failure> {
    for number in numbers {
        let path = &photos[rng.random_range(0..photos.len())];
        let mut picture = image::open(path)?.into_rgb8();
        let mut cracks = image::open(mask_of(path))?.into_luma8();
        if cracks.dimensions() != picture.dimensions() {
            cracks =
                imageops::resize(&cracks, picture.width(), picture.height(), imageops::FilterType::Nearest);
        }
        if rng.random_bool(0.5) {
            imageops::flip_horizontal_in_place(&mut picture);
            imageops::flip_horizontal_in_place(&mut cracks);
        }
        let mask = composite(tunnel, &mut picture, &cracks, rng);
        wanted.save(number, &picture, &mask)?;
    }
    Ok(())
}

fn composite(tunnel: &Tunnel, picture: &mut RgbImage, cracks: &GrayImage, rng: &mut ChaCha8Rng) -> GrayImage {
    let (width, height) = picture.dimensions();
    // Every third photograph stays as it is, for its own cracks and look-alikes; walls without any get made ones.
    let made_cracks = if cracks.pixels().any(|p| p[0] > 127) { 0.3 } else { 0.8 };
    let others: Vec<_> = tunnel
        .defects()
        .iter()
        .filter(|d| {
            d.class != DefectClass::HotJoint
                && (d.class != DefectClass::Crack || rng.random_bool(made_cracks))
        })
        .collect();
    let plain = others.is_empty() || rng.random_bool(EMPTY_SHARE);
    let middle = if plain { [0.0; 2] } else { others[rng.random_range(0..others.len())].bounds.centre() };
    let scale = f64::exp(rng.random_range(f64::ln(0.0008)..f64::ln(0.005)));
    let (sin, cos) = f64::sin_cos(rng.random_range(-0.5..0.5));
    // On the left wall arc shrinks downwards: turn it so that water runs down the picture.
    let down = if middle[1] < 0.0 { -1.0 } else { 1.0 };
    let offset =
        [0.3 * f64::from(width), 0.3 * f64::from(height)].map(|reach| rng.random_range(-reach..reach));
    let to_lining = |x: u32, y: u32| {
        let u = (f64::from(x) - f64::from(width) / 2.0 + offset[0]) * scale * down;
        let v = (f64::from(y) - f64::from(height) / 2.0 + offset[1]) * scale * down;
        [(middle[0] + cos * u - sin * v) as f32, (middle[1] + sin * u + cos * v) as f32]
    };
    let step = (scale * down) as f32;
    let (sin, cos) = (sin as f32, cos as f32);
    let footprint = Footprint { right: [cos * step, sin * step], down: [-sin * step, cos * step] };
    let mut sum = [0.0f32; 3];
    for pixel in picture.pixels() {
        (0..3).for_each(|c| sum[c] += to_light(pixel[c]));
    }
    let base = sum.map(|s| s / (width * height) as f32);
    let (turn, tilt): (f32, f32) = (rng.random_range(0.0..6.2), rng.random_range(0.2..0.9));
    let light = [tilt * turn.cos(), tilt * turn.sin(), (1.0 - tilt * tilt).sqrt()];
    let mut mask = GrayImage::new(width, height);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let own = u8::from(cracks.get_pixel(x, y)[0] > 127);
        let mut class = own;
        if !plain {
            let before = std::array::from_fn(|c| to_light(pixel[c]));
            let mut surface = Surface::plain(before);
            tunnel.paint_over(to_lining(x, y), &footprint, base, &mut surface);
            if surface != Surface::plain(before) {
                let [rise, across] = surface.slope;
                let steep = (1.0 + rise * rise + across * across).sqrt();
                let shade =
                    ((light[2] - rise * light[0] - across * light[1]) / (steep * light[2])).clamp(0.05, 2.5);
                (0..3).for_each(|c| pixel[c] = from_light(surface.albedo[c] * shade));
            }
            // A crack is still seen under water, but not where the concrete is gone.
            class = match (own, surface.class) {
                (1, 0 | 2) => 1,
                (_, made) => made,
            };
        }
        mask.put_pixel(x, y, image::Luma([class]));
    }
    mask
}

fn to_light(value: u8) -> f32 {
    (f32::from(value) / 255.0).powf(2.2)
}

fn from_light(light: f32) -> u8 {
    (light.clamp(0.0, 1.0).powf(1.0 / 2.2) * 255.0).round() as u8
}
