//! Colour cameras in a dark tunnel: a pinhole, a lamp beside it, and an image sensor that is neither sharp nor quiet.
//!
//! Rays find geometry on a coarse grid; between rays that meet the same smooth surface the place on it is
//! interpolated, elsewhere the grid is refined down to single pixels. Appearance is then a function of
//! place and footprint ([`Tunnel::lining_surface`]). Labels come from the very same evaluation as the picture.
//!
//! **Labels.** A pixel shows what lies at its centre. Leakage, spalling and corrosion are labelled
//! where they cover more than half of the pixel; a crack where the pixel's footprint touches it and it is at
//! least [`CRACK_LABEL_PX`](crate::tunnel::CRACK_LABEL_PX) pixels wide there. What is there but too fine, too
//! pale or too dark to be told from the picture is [`UNSURE`].

mod exposure;
mod image_sensor;
mod lighting;
mod sampling;
mod shading;

use nalgebra::{Isometry3, Matrix3, Point3, Rotation3, Translation3, UnitQuaternion, Vector3};
use rayon::prelude::*;
use robot_interface::defect::DefectClass;
use robot_interface::frames::{self, Map, Transform};
use robot_interface::robot::CameraDescription;
use robot_interface::sensors::{CameraFrame, Intrinsics};

pub use exposure::Exposure;
pub use image_sensor::ImageSensor;
pub use lighting::Lighting;
pub use sampling::SIGHT_M;

use crate::geometry::RayCaster;
use crate::tunnel::{NO_DEFECT, Surface, Tunnel, luminance};
use sampling::{BLOCK, Rays};

/// The label of a pixel with a defect that the picture does not show: it says neither that there is one nor
/// that there is none.
pub const UNSURE: u8 = 255;
/// Width below which a crack is unsure, pixels.
const UNSURE_CRACK_PX: f32 = 0.5;
/// Contrast against the sound lining below which a defect is unsure.
const UNSURE_CONTRAST: f32 = 0.04;
/// Brightness before the tone curve below which a pixel is unsure.
const UNSURE_BRIGHTNESS: f32 = 0.008;

/// A colour camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Its place in the robot description's list.
    pub index: usize,
    /// The lens.
    pub lens: Intrinsics,
    /// The light.
    pub lighting: Lighting,
    /// The image sensor.
    pub sensor: ImageSensor,
}

/// The pose of an optical frame at one point of `map` that looks at another, upright.
pub fn looking_at(eye: Point3<f64>, at: Point3<f64>) -> Transform<Map, frames::Camera> {
    let ahead = (at - eye).try_normalize(1e-9).unwrap_or_else(Vector3::x);
    let up = if ahead.z.abs() > 0.99 { Vector3::x() } else { Vector3::z() };
    let right = ahead.cross(&up).normalize();
    let axes = Matrix3::from_columns(&[right, ahead.cross(&right), ahead]);
    let rotation = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(axes));
    Transform::new(Isometry3::from_parts(Translation3::from(eye.coords), rotation))
}

/// Appearance of a true defect in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenDefect {
    /// The defect's number, for [`Tunnel::defect`].
    pub id: u32,
    /// Labelled pixels.
    pub pixels: u32,
    /// Size of a pixel on it, mm, mean over those pixels.
    pub mm_per_pixel: f32,
    /// Relative difference of its luminance from the sound surface, mean over those pixels, 0 to 1.
    pub contrast: f32,
    /// Width of a crack in pixels, mean over those pixels; 0 for other classes.
    pub width_px: f32,
    /// Brightness of those pixels before the tone curve, mean; below about 0.01 it drowns in noise.
    pub brightness: f32,
}

/// A picture with its truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The picture, as the camera delivers it.
    pub frame: CameraFrame,
    /// Class of every pixel, `height x width`, as in a mask: 0 is background, [`UNSURE`] neither.
    pub labels: Vec<u8>,
    /// Every defect with a labelled pixel, by id.
    pub visible: Vec<SeenDefect>,
}

impl Camera {
    /// A camera of the robot, with the robot's lamp.
    pub fn new(description: &CameraDescription, index: usize) -> Self {
        Self {
            index,
            lens: description.intrinsics(),
            lighting: Lighting::ROBOT,
            sensor: ImageSensor {
                noise: description.noise.get() as f32,
                key: 0.2,
                softness: 0.08,
                contrast: 1.0,
            },
        }
    }

    /// Takes a picture. The result depends on nothing but the arguments, whatever the number of threads.
    pub fn render(
        &self,
        tunnel: &Tunnel,
        caster: &dyn RayCaster,
        exposure: &Exposure,
        seed: u64,
    ) -> Rendered {
        let (width, height) = (self.lens.width as usize, self.lens.height as usize);
        let rays = Rays::new(self.lens, self.lighting, tunnel, caster, exposure);
        let grid = rays.coarse();
        let mut light = vec![[0.0f32; 3]; width * height];
        let mut labels = vec![0u8; width * height];
        let shader = shading::Shader::new(tunnel, &self.lighting);
        let tallies: Vec<Vec<Tally>> = light
            .par_chunks_mut(BLOCK * width)
            .zip(labels.par_chunks_mut(BLOCK * width))
            .enumerate()
            .map(|(row, (light, labels))| {
                let mut seen = Vec::new();
                for column in 0..width.div_ceil(BLOCK) {
                    rays.block(&grid, column, row, |x, y, sample, footprint| {
                        let (x, y) = (column * BLOCK + x, y);
                        let at = y * width + x;
                        if x >= width || at >= light.len() {
                            return;
                        }
                        let (surface, colour) = shader.shade(sample, footprint);
                        light[at] = colour;
                        labels[at] = label(&surface);
                        if surface.defect != NO_DEFECT {
                            Tally::add(&mut seen, &surface, colour, footprint.size_m());
                        }
                    });
                }
                seen
            })
            .collect();
        let gain = image_sensor::gain(&self.sensor, &light, width);
        for (label, light) in labels.iter_mut().zip(&light) {
            if *label != 0 && luminance(*light) * gain < UNSURE_BRIGHTNESS {
                *label = UNSURE;
            }
        }
        let blur = rays.motion_blur(&grid);
        let image = image_sensor::expose(&self.sensor, light, [width, height], &blur, gain, seed);
        let visible = Tally::merge(tallies, gain);
        Rendered { frame: CameraFrame { stamp: exposure.stamp, camera: self.index, image }, labels, visible }
    }
}

/// Label of a pixel of a surface in good light.
fn label(surface: &Surface) -> u8 {
    let fine = surface.class == DefectClass::Crack.mask_value() && surface.width_px < UNSURE_CRACK_PX;
    let pale = surface.class != 0 && surface.contrast < UNSURE_CONTRAST;
    if fine || pale { UNSURE } else { surface.class }
}

/// Sums over the pixels of one defect.
#[derive(Clone, Copy, Debug)]
struct Tally {
    id: u32,
    pixels: u32,
    contrast: f32,
    width_px: f32,
    luminance: f32,
    size_m: f32,
}

impl Tally {
    fn add(seen: &mut Vec<Self>, surface: &Surface, colour: [f32; 3], size_m: f32) {
        let new =
            Self { id: surface.defect, pixels: 0, contrast: 0.0, width_px: 0.0, luminance: 0.0, size_m: 0.0 };
        let at = seen.iter().position(|t| t.id == surface.defect).unwrap_or_else(|| {
            seen.push(new);
            seen.len() - 1
        });
        let t = &mut seen[at];
        t.pixels += 1;
        t.contrast += surface.contrast;
        t.width_px += surface.width_px;
        t.luminance += luminance(colour);
        t.size_m += size_m;
    }

    /// Sums over rows in their order, so that the result does not depend on threads.
    fn merge(rows: Vec<Vec<Self>>, gain: f32) -> Vec<SeenDefect> {
        let mut all: Vec<Self> = Vec::new();
        for t in rows.into_iter().flatten() {
            match all.iter_mut().find(|a| a.id == t.id) {
                Some(a) => {
                    a.pixels += t.pixels;
                    a.contrast += t.contrast;
                    a.width_px += t.width_px;
                    a.luminance += t.luminance;
                    a.size_m += t.size_m;
                }
                None => all.push(t),
            }
        }
        all.sort_by_key(|t| t.id);
        let mean = |sum: f32, t: &Self| sum / t.pixels.max(1) as f32;
        all.iter()
            .map(|t| SeenDefect {
                id: t.id,
                pixels: t.pixels,
                mm_per_pixel: mean(t.size_m, t) * 1000.0,
                contrast: mean(t.contrast, t),
                width_px: mean(t.width_px, t),
                brightness: mean(t.luminance, t) * gain,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
