//! Image sensor: from light to bytes by motion blur and lens, automatic exposure, noise, and the tone curve.

use rayon::prelude::*;
use robot_interface::sensors::RgbImage;

use crate::tunnel::{floor, hash, luminance};

/// Below this many pixels of movement a picture is as sharp as its lens, px.
const STILL_PX: f32 = 0.5;
/// Entries of the tone curve's table.
const TONES: usize = 4096;
/// Light at its end.
const WHITE: f32 = 4.0;

/// Image sensor with its lens' softness and its tone curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageSensor {
    /// One-sigma noise of a mid-grey pixel, fraction of full scale.
    pub noise: f32,
    /// Mean brightness that the automatic exposure aims at, linear, before the tone curve.
    pub key: f32,
    /// Share of a pixel's light that falls on each of its four neighbours.
    pub softness: f32,
    /// Exponent of the tone curve relative to sRGB's: 1 is neutral, more is harder.
    pub contrast: f32,
}

/// Motion blur: movement of the picture during the exposure, px, at the corners of its blocks.
#[derive(Debug)]
pub(super) struct MotionBlur {
    pub(super) columns: usize,
    pub(super) block: usize,
    pub(super) shifts: Vec<[f32; 2]>,
}

/// Gain of the automatic exposure.
pub(super) fn gain(sensor: &ImageSensor, light: &[[f32; 3]], width: usize) -> f32 {
    // Every seventh pixel of every seventh row tells enough; bright spots count with the square root.
    let picked = light.chunks(width).step_by(7).flat_map(|row| row.iter().step_by(7));
    let (sum, count) =
        picked.fold((0.0f64, 0u32), |(sum, n), c| (sum + f64::from(luminance(*c)).sqrt(), n + 1));
    let mean = (sum / f64::from(count.max(1))).powi(2) as f32;
    sensor.key / mean.max(1e-5)
}

/// Makes the picture.
pub(super) fn expose(
    sensor: &ImageSensor,
    light: Vec<[f32; 3]>,
    [width, height]: [usize; 2],
    blur: &MotionBlur,
    gain: f32,
    seed: u64,
) -> RgbImage {
    let light = blurred(light, width, blur);
    let (tones, bells) = (tones(sensor), bells());
    let (k, seed) =
        (sensor.softness.clamp(0.0, 0.24), hash(seed as u32) ^ hash((seed >> 32) as u32 ^ 0x5eed));
    // The slope of sRGB at mid-grey turns noise of the output into noise of the light.
    let noise = sensor.noise / 1.19;
    let mut data = vec![0u8; width * height * 3];
    data.par_chunks_mut(width * 3).enumerate().for_each(|(y, row)| {
        let line = |dy: isize| {
            let at = y.saturating_add_signed(dy).min(height - 1);
            &light[at * width..(at + 1) * width]
        };
        let (above, here, below) = (line(-1), line(0), line(1));
        for (x, out) in row.chunks_exact_mut(3).enumerate() {
            let (before, after) = (here[x.saturating_sub(1)], here[(x + 1).min(width - 1)]);
            let mut dice = hash(seed ^ hash((y * width + x) as u32));
            for c in 0..3 {
                let neighbours = above[x][c] + below[x][c] + before[c] + after[c];
                let exposed = gain * (here[x][c] * (1.0 - 4.0 * k) + neighbours * k);
                // Photons arrive by chance, and the amplifier adds its own.
                let sigma = noise * (exposed / 0.18 + 0.08).sqrt();
                dice = dice.wrapping_mul(0x915f_77f5).wrapping_add(0x9e37_79b9);
                let noisy = exposed + sigma * bells[(dice >> 20) as usize];
                out[c] = tones[((noisy * (TONES as f32 / WHITE)) as usize).min(TONES - 1)];
            }
        }
    });
    RgbImage { width: width as u32, height: height as u32, data }
}

/// Averages along the movement of every place during the exposure.
fn blurred(light: Vec<[f32; 3]>, width: usize, blur: &MotionBlur) -> Vec<[f32; 3]> {
    let longest = blur.shifts.iter().map(|[u, v]| u.hypot(*v)).fold(0.0, f32::max);
    if longest < STILL_PX {
        return light;
    }
    let height = light.len() / width;
    let mut out = vec![[0.0; 3]; light.len()];
    out.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
        for (x, out) in row.iter_mut().enumerate() {
            let at = y / blur.block * blur.columns + x / blur.block;
            let (u, v) =
                ((x % blur.block) as f32 / blur.block as f32, (y % blur.block) as f32 / blur.block as f32);
            let shift: [f32; 2] = std::array::from_fn(|k| {
                let (top, bottom) = (at, at + blur.columns);
                let a = blur.shifts[top][k] + (blur.shifts[top + 1][k] - blur.shifts[top][k]) * u;
                let b = blur.shifts[bottom][k] + (blur.shifts[bottom + 1][k] - blur.shifts[bottom][k]) * u;
                a + (b - a) * v
            });
            let length = (shift[0] * shift[0] + shift[1] * shift[1]).sqrt();
            if length < STILL_PX {
                *out = light[y * width + x];
                continue;
            }
            // Neighbours are blended anyway: a tap a pixel is as smooth as the movement.
            let taps = (length.ceil() as usize).clamp(2, 12);
            let mut sum = [0.0; 3];
            for tap in 0..taps {
                let t = (tap as f32 + 0.5) / taps as f32 - 0.5;
                let (px, py) = (x as f32 + t * shift[0], y as f32 + t * shift[1]);
                let (i, j) = (floor(px), floor(py));
                let (fx, fy) = (px - i as f32, py - j as f32);
                let pick = |x: i32, y: i32| {
                    let (x, y) = ((x.max(0) as usize).min(width - 1), (y.max(0) as usize).min(height - 1));
                    light[y * width + x]
                };
                let (a, b) = (pick(i, j), pick(i + 1, j));
                let (c, d) = (pick(i, j + 1), pick(i + 1, j + 1));
                for k in 0..3 {
                    let (top, bottom) = (a[k] + (b[k] - a[k]) * fx, c[k] + (d[k] - c[k]) * fx);
                    sum[k] += top + (bottom - top) * fy;
                }
            }
            *out = sum.map(|s| s / taps as f32);
        }
    });
    out
}

/// Light to bytes: a soft shoulder, then sRGB's curve (IEC 61966-2-1).
fn tones(sensor: &ImageSensor) -> Vec<u8> {
    (0..TONES)
        .map(|i| {
            let light = (i as f32 + 0.5) * (WHITE / TONES as f32);
            // Linear up to three quarters, then bending towards white.
            let soft = if light < 0.6 { light } else { 0.6 + 0.4 * (1.0 - (-(light - 0.6) / 0.4).exp()) };
            let curve = if soft <= 0.003_130_8 { 12.92 * soft } else { 1.055 * soft.powf(1.0 / 2.4) - 0.055 };
            (curve.clamp(0.0, 1.0).powf(sensor.contrast) * 255.0).round() as u8
        })
        .collect()
}

/// Normally distributed numbers by their quantiles (Abramowitz and Stegun 26.2.23), 4096 of them.
fn bells() -> Vec<f32> {
    (0..4096)
        .map(|i| {
            let p = (i as f32 + 0.5) / 4096.0;
            let tail = p.min(1.0 - p);
            let t = (-2.0 * tail.ln()).sqrt();
            let quantile = t
                - (2.515_517 + 0.802_853 * t + 0.010_328 * t * t)
                    / (1.0 + 1.432_788 * t + 0.189_269 * t * t + 0.001_308 * t * t * t);
            if p < 0.5 { -quantile } else { quantile }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENSOR: ImageSensor = ImageSensor { noise: 0.02, key: 0.2, softness: 0.08, contrast: 1.0 };

    #[test]
    fn movement_spreads_light_along_itself_only() {
        let (width, height) = (48, 16);
        let mut light = vec![[0.0; 3]; width * height];
        light[8 * width + 24] = [1.0; 3];
        let blur = MotionBlur { columns: 7, block: 8, shifts: vec![[6.0, 0.0]; 21] };
        let spread = blurred(light, width, &blur);
        let row: f32 = spread[8 * width..9 * width].iter().map(|c| c[0]).sum();
        assert!((row - 1.0).abs() < 0.05, "no light is lost: {row}");
        assert!(spread.iter().enumerate().all(|(k, c)| k / width == 8 || c[0] < 1e-6));
        let lit = spread.iter().filter(|c| c[0] > 0.05).count();
        assert!((5..=8).contains(&lit), "{lit}");
    }

    #[test]
    fn a_mid_grey_is_as_noisy_as_stated() {
        let (width, height) = (64, 64);
        let still = MotionBlur { columns: 9, block: 8, shifts: vec![[0.0; 2]; 81] };
        let sensor = ImageSensor { softness: 0.0, ..SENSOR };
        let image = expose(&sensor, vec![[0.18; 3]; width * height], [width, height], &still, 1.0, 5);
        let values: Vec<f32> = image.data.iter().map(|v| f32::from(*v) / 255.0).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let sigma = (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt();
        assert!((mean - 0.461).abs() < 0.005, "sRGB of 18 % is 0.461: {mean}");
        assert!((sigma / sensor.noise - 1.0).abs() < 0.15, "{sigma}");
    }
}
