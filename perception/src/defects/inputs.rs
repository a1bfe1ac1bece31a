//! Input channels of the network, computed from a picture as `training/model.py` does.
//!
//! Its colours, as the encoder was trained on them, and luminance relative to its surroundings, near (in units of their
//! spread) and far: pictures of tunnels have no common brightness, for a lamp beside the camera makes near things glare and
//! far ones black. Sums over squares are of whole numbers, and so exact in any order.

use rayon::prelude::*;
use robot_interface::sensors::RgbImage;

use super::buffers;

/// Channels of the network's input.
pub(super) const INPUTS: usize = 5;

/// Half side of the square that counts as near surroundings, pixels.
const NEAR: usize = 8;
/// Half side of the square that counts as far surroundings, pixels.
const FAR: usize = 64;
/// Spread (of 0 to 255) below which there is only noise.
const MIN_SPREAD: f32 = 3.0;
/// Mean luminance of the far surroundings (0 to 255) below which there is only noise.
const MIN_FAR: f32 = 12.0;
/// Middle and half of the range of a colour.
const MID: f32 = 127.0;
const HALF: f32 = 128.0;
/// No input exceeds this.
const LIMIT: f32 = 6.0;

/// Input channels of a whole picture.
pub(super) struct Inputs {
    pub(super) width: usize,
    pub(super) height: usize,
    /// `[height, 5, width]`: a row of every channel, then the next row.
    values: Vec<f32>,
}

impl Inputs {
    /// Of a picture that has pixels and three bytes for each.
    pub(super) fn of(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let light: Vec<u8> = picture.data.chunks_exact(3).map(light_of).collect();
        let mut values = buffers::take(INPUTS * width * height);
        // Strips begin with sums of their own; whole numbers make that the same as one strip.
        let strip = height.div_ceil(8).max(32);
        values.par_chunks_mut(strip * INPUTS * width).enumerate().for_each(|(i, values)| {
            let first = i * strip;
            let mut near = Around::new(&light, width, height, NEAR, first);
            let mut far = Around::new(&light, width, height, FAR, first);
            let mut means = Means::new(width);
            for (y, row) in (first..).zip(values.chunks_exact_mut(INPUTS * width)) {
                near.advance(y);
                far.advance(y);
                means.fill(&near, &far);
                let at = y * width;
                fill_row(&light[at..at + width], &picture.data[3 * at..3 * (at + width)], &means, row);
            }
        });
        Self { width, height, values }
    }

    /// A row of one channel.
    pub(super) fn row(&self, channel: usize, y: usize) -> &[f32] {
        &self.values[(y * INPUTS + channel) * self.width..][..self.width]
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        buffers::give(std::mem::take(&mut self.values));
    }
}

/// Luminance of a pixel, 0 to 255.
fn light_of(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((77 * red + 150 * green + 29 * blue) >> 8) as u8
}

fn fill_row(light: &[u8], colours: &[u8], means: &Means, row: &mut [f32]) {
    let width = light.len();
    for x in 0..width {
        let [red, green, blue] = [0, 1, 2].map(|c| f32::from(colours[3 * x + c]));
        let light = f32::from(light[x]);
        let channels = [
            (red - MID) / HALF,
            (green - MID) / HALF,
            (blue - MID) / HALF,
            (light - means.near[x]) / (means.spread[x] + MIN_SPREAD),
            2.0 * (light - means.far[x]) / (means.far[x] + MIN_FAR),
        ];
        for (c, value) in channels.into_iter().enumerate() {
            row[c * width + x] = value.clamp(-LIMIT, LIMIT);
        }
    }
}

/// Statistics of the surroundings of a row's pixels.
struct Means {
    near: Vec<f32>,
    spread: Vec<f32>,
    far: Vec<f32>,
}

impl Means {
    fn new(width: usize) -> Self {
        Self { near: vec![0.0; width], spread: vec![0.0; width], far: vec![0.0; width] }
    }

    fn fill(&mut self, near: &Around<'_>, far: &Around<'_>) {
        near.each(|x, count, sum, squares| {
            let mean = sum / count;
            self.near[x] = mean as f32;
            self.spread[x] = (squares / count - mean * mean).max(0.0).sqrt() as f32;
        });
        far.each(|x, count, sum, _| self.far[x] = (sum / count) as f32);
    }
}

/// Sums over a square about each pixel of one row, as far as it lies in the picture, carried from row to row.
struct Around<'a> {
    light: &'a [u8],
    width: usize,
    height: usize,
    radius: usize,
    /// Rows that the columns hold.
    rows: std::ops::Range<usize>,
    /// Sum and sum of squares of each column over `rows`.
    columns: Vec<[u32; 2]>,
}

impl<'a> Around<'a> {
    fn new(light: &'a [u8], width: usize, height: usize, radius: usize, first: usize) -> Self {
        let top = first.saturating_sub(radius);
        Self { light, width, height, radius, rows: top..top, columns: vec![[0; 2]; width] }
    }

    /// Moves to row `y`, which is not above the last one.
    fn advance(&mut self, y: usize) {
        while self.rows.end < (y + self.radius + 1).min(self.height) {
            let row = &self.light[self.rows.end * self.width..][..self.width];
            for (column, light) in self.columns.iter_mut().zip(row) {
                let light = u32::from(*light);
                column[0] += light;
                column[1] += light * light;
            }
            self.rows.end += 1;
        }
        while self.rows.start < y.saturating_sub(self.radius) {
            let row = &self.light[self.rows.start * self.width..][..self.width];
            for (column, light) in self.columns.iter_mut().zip(row) {
                let light = u32::from(*light);
                column[0] -= light;
                column[1] -= light * light;
            }
            self.rows.start += 1;
        }
    }

    /// Gives each pixel's column number, count, sum and sum of squares.
    fn each(&self, mut give: impl FnMut(usize, f64, f64, f64)) {
        let (mut sum, mut squares, mut left, mut right) = (0u64, 0u64, 0, 0);
        for x in 0..self.width {
            while right < (x + self.radius + 1).min(self.width) {
                sum += u64::from(self.columns[right][0]);
                squares += u64::from(self.columns[right][1]);
                right += 1;
            }
            while left < x.saturating_sub(self.radius) {
                sum -= u64::from(self.columns[left][0]);
                squares -= u64::from(self.columns[left][1]);
                left += 1;
            }
            give(x, ((right - left) * self.rows.len()) as f64, sum as f64, squares as f64);
        }
    }
}
