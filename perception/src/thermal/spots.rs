//! Spots of a thermal picture: what is warmer than the cable on either side of it, or than a set temperature.
//!
//! A cable runs along the tunnel, so all of it lies in one plane with the camera and the tunnel's axis. The pixels of such a plane
//! are a row here: a warm cable is a warm row, and a joint is what stands out of its row. This holds however the robot is turned.

use nalgebra::Vector3;
use robot_interface::frames::{Camera, Map, Transform};
use robot_interface::sensors::{Intrinsics, ThermalFrame};

use super::radiometry::surface_c;
use crate::connected::{around, for_each_part};

/// Least warmth over the cable beside it by which something is a spot, K: the least that NETA's table speaks of.
const STANDS_OUT_K: f64 = 1.0;
/// The same in noise-equivalent temperature differences: what noise alone never reaches.
pub(super) const NOISE_SIGMAS: f64 = 6.0;
/// Least warmth over the ambient temperature of such a spot, K: walls differ by less.
const WARM_K: f64 = 2.0;
/// Share of a row's pixels that are colder than the cable: brackets before it. A joint may fill most of the rest.
const COLDER_SHARE: f64 = 0.25;
/// Angle by which a cable leaves its row, rad: it sags, its joints are thicker, and the pose is an estimate.
const SAG_RAD: f64 = 0.04;
/// Least height of a row, rad: a telephoto lens has finer pixels, which tell no more of a cable.
const MIN_ROW_RAD: f64 = 1e-3;
/// Fewest pixels of a spot.
const MIN_PIXELS: usize = 2;

/// Something warm in a picture.
pub(super) struct Spot {
    /// Its middle, `[u, v]`, pixels.
    pub(super) middle: [f64; 2],
    /// Extent across the picture, pixels.
    pub(super) width: f64,
    /// Temperature of its hottest pixel, degrees Celsius.
    pub(super) hottest_c: f64,
    /// That of the cable beside it, degrees Celsius; ambient where there is none.
    pub(super) beside_c: f64,
    /// True if nowhere three by three pixels lie within it: the lens then mixes it with what is beside it, and it is hotter than it
    /// looks.
    pub(super) too_small: bool,
    pixels: usize,
}

/// Surfaces that a thermal picture shows.
pub(super) struct Surfaces {
    size: [usize; 2],
    /// Temperatures, `height x width`, degrees Celsius; below everything where the camera gave none.
    celsius: Vec<f64>,
    /// Temperature of most of the picture, which is wall, degrees Celsius.
    pub(super) ambient_c: f64,
}

impl Surfaces {
    /// Returns the surfaces of an emissivity that a picture shows; `None` of a damaged one.
    pub(super) fn of(frame: &ThermalFrame, emissivity: f64) -> Option<Self> {
        let size = [frame.width as usize, frame.height as usize];
        if frame.celsius.len() != size[0] * size[1] {
            return None;
        }
        let mut measured: Vec<f64> =
            frame.celsius.iter().filter(|c| c.is_finite()).map(|c| f64::from(*c)).collect();
        // What stands in a tunnel has the tunnel's temperature, so that this is also what surfaces reflect.
        let ambient_c = quantile(&mut measured, 0.5)?;
        let surface = |apparent: &f32| {
            if apparent.is_finite() {
                surface_c(f64::from(*apparent), emissivity, ambient_c)
            } else {
                f64::NEG_INFINITY
            }
        };
        Some(Self { size, celsius: frame.celsius.iter().map(surface).collect(), ambient_c })
    }

    /// Returns what is warmer than the cable beside it, and what is hotter than `above_c`, degrees Celsius; largest first. The tunnel's
    /// axis is a direction in `map`.
    pub(super) fn spots(
        &self,
        lens: &Intrinsics,
        map_from_camera: &Transform<Map, Camera>,
        axis: Vector3<f64>,
        netd_k: f64,
        above_c: f64,
    ) -> Vec<Spot> {
        let beside_c = self.beside_c(lens, map_from_camera, axis);
        let out_k = STANDS_OUT_K.max(NOISE_SIGMAS * netd_k);
        let stands_out =
            |p: usize| self.celsius[p] > beside_c[p] + out_k && self.celsius[p] > self.ambient_c + WARM_K;
        let pixels = 0..self.celsius.len();
        let mut spots: Vec<Spot> = Vec::new();
        let mut known = vec![false; self.celsius.len()];
        for part in self.connected(pixels.clone().map(stands_out).collect()) {
            part.iter().for_each(|p| known[*p] = true);
            spots.extend(self.spot(&part, &beside_c, out_k));
        }
        // A cable that is too hot all along has nothing that stands out.
        for part in self.connected(pixels.map(|p| self.celsius[p] > above_c).collect()) {
            if !part.iter().any(|p| known[*p]) {
                spots.extend(self.spot(&part, &beside_c, out_k));
            }
        }
        spots.sort_by_key(|s| std::cmp::Reverse(s.pixels));
        spots
    }

    /// Temperature of the cable along each pixel's row, degrees Celsius; ambient where there is none.
    fn beside_c(
        &self,
        lens: &Intrinsics,
        map_from_camera: &Transform<Map, Camera>,
        axis: Vector3<f64>,
    ) -> Vec<f64> {
        let rotation = map_from_camera.rotation();
        let across = |v: Vector3<f64>| v - axis * axis.dot(&v);
        let view = across(rotation * Vector3::z());
        // A camera that looks along the tunnel has all rows around it: any direction will do.
        let view = view.try_normalize(1e-6).unwrap_or_else(|| across(rotation * Vector3::x()).normalize());
        let side = axis.cross(&view);
        let row_rad = MIN_ROW_RAD.max(1.0 / lens.focal_px);
        let row_of = |p: usize| {
            let ray = rotation * lens.ray((p % self.size[0]) as f64 + 0.5, (p / self.size[0]) as f64 + 0.5);
            let angle_rad = side.dot(&ray).atan2(view.dot(&ray));
            ((angle_rad + std::f64::consts::PI) / row_rad) as usize
        };
        let rows: Vec<usize> = (0..self.celsius.len()).map(row_of).collect();
        let mut members = vec![Vec::new(); rows.iter().max().map_or(0, |last| last + 1)];
        for (row, celsius) in rows.iter().zip(&self.celsius).filter(|(_, celsius)| celsius.is_finite()) {
            members[*row].push(*celsius);
        }
        let cable_c: Vec<f64> = members
            .iter_mut()
            .map(|row| quantile(row, COLDER_SHARE).map_or(self.ambient_c, |c| c.max(self.ambient_c)))
            .collect();
        let sag = (SAG_RAD / row_rad).ceil() as usize;
        let warmest = |row: usize| {
            let near = row.saturating_sub(sag)..(row + sag + 1).min(cable_c.len());
            cable_c[near].iter().copied().fold(self.ambient_c, f64::max)
        };
        let warmest: Vec<f64> = (0..cable_c.len()).map(warmest).collect();
        rows.into_iter().map(|row| warmest[row]).collect()
    }

    /// Connected parts of the pixels that are `open`.
    fn connected(&self, open: Vec<bool>) -> Vec<Vec<usize>> {
        let mut parts = Vec::new();
        for_each_part(open, self.size[0], |part| parts.push(part.to_vec()));
        parts
    }

    fn spot(&self, pixels: &[usize], beside_c: &[f64], out_k: f64) -> Option<Spot> {
        if pixels.len() < MIN_PIXELS {
            return None;
        }
        let hottest =
            pixels.iter().copied().reduce(|a, b| if self.celsius[b] > self.celsius[a] { b } else { a })?;
        let (hottest_c, beside_c) = (self.celsius[hottest], beside_c[hottest]);
        // A cable that is hot all along is as large as it stands out of the wall.
        let ground_c = if hottest_c > beside_c + out_k { beside_c } else { self.ambient_c };
        let half_c = (hottest_c + ground_c) / 2.0;
        let within = |p: &usize| {
            around(self.size, *p).count() == 9
                && around(self.size, *p).all(|near| self.celsius[near] >= half_c)
        };
        let count = pixels.len() as f64;
        let mean =
            |f: &dyn Fn(usize) -> usize| pixels.iter().map(|p| f(*p) as f64 + 0.5).sum::<f64>() / count;
        let columns = || pixels.iter().map(|p| p % self.size[0]);
        let across = columns().max().unwrap_or(0) + 1 - columns().min().unwrap_or(0);
        Some(Spot {
            middle: [mean(&|p| p % self.size[0]), mean(&|p| p / self.size[0])],
            width: across as f64,
            hottest_c,
            beside_c,
            too_small: !pixels.iter().any(within),
            pixels: pixels.len(),
        })
    }
}

/// The value below which a share of all lies; `None` of none.
fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let rank = ((values.len() as f64 * share) as usize).min(values.len().checked_sub(1)?);
    Some(*values.select_nth_unstable_by(rank, f64::total_cmp).1)
}
