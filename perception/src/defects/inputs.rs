//! Input channels of the network, computed from a picture as `training/model.py` does.
//!
//! Its colours, as the encoder was trained on them, and luminance relative to its surroundings, near (in units of their
//! spread) and far: pictures of tunnels have no common brightness, for a lamp beside the camera makes near things glare and
//! far ones black. Sums over squares are of whole numbers, and so exact in any order.

use rayon::prelude::*;
use robot_interface::sensors::RgbImage;

use super::{buffers, vectors};

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
    /// `[5, height, width]`.
    values: Vec<f32>,
}

impl Inputs {
    /// Of a picture that has pixels and three bytes for each.
    pub(super) fn of(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let pixels = picture.data.as_chunks::<3>().0;
        let light: Vec<u8> = vectors::wide(|| pixels.iter().map(light_of).collect());
        let mut values = buffers::take(INPUTS * width * height);
        // Strips begin with sums of their own; whole numbers make that the same as one strip.
        let strip = height.div_ceil(8).max(32);
        let mut planes = values.chunks_exact_mut(width * height);
        let planes: [&mut [f32]; INPUTS] = std::array::from_fn(|_| planes.next().unwrap_or_default());
        let [red, green, blue, near, far] = planes.map(|plane| plane.par_chunks_mut(strip * width));
        let strips = red.zip(green).zip(blue).zip(near.zip(far)).enumerate();
        strips.for_each(|(i, (((red, green), blue), (near, far)))| {
            let first = i * strip;
            let mut surroundings = Surroundings::new(&light, width, height, first);
            let rows = red.chunks_exact_mut(width).zip(green.chunks_exact_mut(width));
            let rows = rows.zip(blue.chunks_exact_mut(width));
            let rows = rows.zip(near.chunks_exact_mut(width).zip(far.chunks_exact_mut(width)));
            for (y, (((red, green), blue), (near, far))) in (first..).zip(rows) {
                surroundings.advance(y);
                vectors::wide(|| {
                    colours(&picture.data[3 * y * width..][..3 * width], [red, green, blue]);
                    surroundings.fill(&light[y * width..][..width], near, far);
                });
            }
        });
        Self { width, height, values }
    }

    /// A row of one channel.
    pub(super) fn row(&self, channel: usize, y: usize) -> &[f32] {
        &self.values[(channel * self.height + y) * self.width..][..self.width]
    }

    /// All channels, `[5, height, width]`.
    pub(super) fn into_values(mut self) -> Vec<f32> {
        std::mem::take(&mut self.values)
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        buffers::give(std::mem::take(&mut self.values));
    }
}

/// Luminance of a pixel, 0 to 255.
#[inline(always)]
fn light_of(pixel: &[u8; 3]) -> u8 {
    let [red, green, blue] = pixel.map(u32::from);
    ((77 * red + 150 * green + 29 * blue) >> 8) as u8
}

/// Turns a row's bytes, three a pixel, into channels.
#[inline(always)]
fn colours(bytes: &[u8], channels: [&mut [f32]; 3]) {
    for (c, channel) in channels.into_iter().enumerate() {
        for (value, pixel) in channel.iter_mut().zip(bytes.as_chunks::<3>().0) {
            *value = (f32::from(pixel[c]) - MID) / HALF;
        }
    }
}

/// Luminance around the pixels of one row after the other.
struct Surroundings<'a> {
    near: Around<'a>,
    far: Around<'a>,
}

impl<'a> Surroundings<'a> {
    /// From row `first` on.
    fn new(light: &'a [u8], width: usize, height: usize, first: usize) -> Self {
        let [near, far] = [NEAR, FAR].map(|radius| Around::new(light, width, height, radius, first));
        Self { near, far }
    }

    /// Moves to row `y`, which is not above the last one.
    fn advance(&mut self, y: usize) {
        self.near.advance(y);
        self.far.advance(y);
    }

    /// Luminance of the row, relative to its near and its far surroundings.
    #[inline(always)]
    fn fill(&self, light: &[u8], near: &mut [f32], far: &mut [f32]) {
        for (((value, light), sums), share) in
            near.iter_mut().zip(light).zip(&self.near.sums).zip(&self.near.shares)
        {
            let [mean, square] = sums.map(|sum| f64::from(sum) * share);
            let spread = ((square - mean * mean).max(0.0) as f32).sqrt();
            *value = ((f32::from(*light) - mean as f32) / (spread + MIN_SPREAD)).clamp(-LIMIT, LIMIT);
        }
        for (((value, light), [sum, _]), share) in
            far.iter_mut().zip(light).zip(&self.far.sums).zip(&self.far.shares)
        {
            let mean = (f64::from(*sum) * share) as f32;
            *value = (2.0 * (f32::from(*light) - mean) / (mean + MIN_FAR)).clamp(-LIMIT, LIMIT);
        }
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
    /// The same of all columns before each, and of all; they go round beyond 32 bits, which their differences do not.
    before: Vec<[u32; 2]>,
    /// Sum and sum of squares over each pixel's square.
    sums: Vec<[i32; 2]>,
    /// Share of one pixel in each pixel's square.
    shares: Vec<f64>,
}

impl<'a> Around<'a> {
    fn new(light: &'a [u8], width: usize, height: usize, radius: usize, first: usize) -> Self {
        let top = first.saturating_sub(radius);
        Self {
            light,
            width,
            height,
            radius,
            rows: top..top,
            columns: vec![[0; 2]; width],
            before: vec![[0; 2]; width + 1],
            sums: vec![[0; 2]; width],
            shares: vec![0.0; width],
        }
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
        vectors::wide(|| self.sum_up());
    }

    #[inline(always)]
    fn sum_up(&mut self) {
        let mut sum = [0u32; 2];
        for (before, column) in self.before[1..].iter_mut().zip(&self.columns) {
            sum = [sum[0].wrapping_add(column[0]), sum[1].wrapping_add(column[1])];
            *before = sum;
        }
        let (width, radius, rows) = (self.width, self.radius, self.rows.len());
        for (x, (sums, share)) in self.sums.iter_mut().zip(&mut self.shares).enumerate() {
            let (from, to) = (x.saturating_sub(radius), (x + radius + 1).min(width));
            *share = 1.0 / ((to - from) * rows) as f64;
            let [from, to] = [self.before[from], self.before[to]];
            *sums = [0, 1].map(|k| to[k].wrapping_sub(from[k]) as i32);
        }
    }
}

/// The largest sums are of whole squares: those of the luminance, and near those of its squares too, fit 31 bits.
const _: () = {
    let [near, far] = [2 * NEAR + 1, 2 * FAR + 1];
    assert!(far * far * 255 < 1 << 31 && near * near * 255 * 255 < 1 << 31);
};
