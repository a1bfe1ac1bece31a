//! Cutting a picture into windows for the network, and putting its scores together again.

use rayon::prelude::*;

use super::buffers;
use super::class_map::CLASSES;
use super::inputs::{INPUTS, Inputs};
use super::network::{OUTPUTS, STRIDE};
use super::softmax::{self, LANES};

/// Greatest number of pixels that the network sees at once; a window's features take about 100 bytes a pixel.
const WINDOW_PIXELS: usize = 1_600_000;
/// Side of a window of a picture that is too large for one.
const WINDOW: usize = 1024;
/// Distance that a window reaches beyond the part of it that is kept, pixels.
const HALO: usize = 96;
/// A part of a picture: `kept` is what of it goes into the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    x: usize,
    y: usize,
    /// Multiples of [`STRIDE`]; may reach beyond the picture.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Relative to the picture: left, top, right, bottom.
    kept: [usize; 4],
}

/// The windows that cover a picture of this size.
pub(super) fn windows(width: usize, height: usize) -> Vec<Window> {
    let padded = |n: usize| n.div_ceil(STRIDE) * STRIDE;
    if padded(width) * padded(height) <= WINDOW_PIXELS {
        let (w, h) = (padded(width), padded(height));
        return vec![Window { x: 0, y: 0, width: w, height: h, kept: [0, 0, width, height] }];
    }
    let spans = |length: usize| {
        let inner = WINDOW - 2 * HALO;
        let count = if length <= WINDOW { 1 } else { (length - 2 * HALO).div_ceil(inner) };
        (0..count).map(move |i| {
            let start = i * inner;
            let size = padded((length - start).min(WINDOW));
            let from = if i == 0 { 0 } else { start + HALO };
            let to = if i + 1 == count { length } else { start + HALO + inner };
            (start, size, from, to)
        })
    };
    let mut windows = Vec::new();
    for (y, h, top, bottom) in spans(height) {
        for (x, w, left, right) in spans(width) {
            windows.push(Window { x, y, width: w, height: h, kept: [left, top, right, bottom] });
        }
    }
    windows
}

impl Window {
    /// True if it is the picture, of which all channels are there.
    pub(super) const fn is_all_of(&self, inputs: &Inputs) -> bool {
        self.x == 0 && self.y == 0 && self.width == inputs.width && self.height == inputs.height
    }

    /// The network's input, `[5, height, width]`; beyond the picture its edge goes on.
    pub(super) fn input(&self, inputs: &Inputs) -> Vec<f32> {
        let mut out = buffers::take(INPUTS * self.width * self.height);
        let inside = self.width.min(inputs.width - self.x);
        let places =
            (0..INPUTS).flat_map(|channel| (self.y..self.y + self.height).map(move |y| (channel, y)));
        for (out, (channel, y)) in out.chunks_exact_mut(self.width).zip(places) {
            let row = &inputs.row(channel, y.min(inputs.height - 1))[self.x..];
            out[..inside].copy_from_slice(&row[..inside]);
            out[inside..].fill(row[inside - 1]);
        }
        out
    }

    /// Turns logits `[5 * 4, height / 2, width / 2]` into scores and puts the kept ones into
    /// `scores`, `[4, picture's height, picture's width]`.
    pub(super) fn keep(&self, logits: &[f32], scores: &mut [u8], width: usize, height: usize) {
        let [left, top, right, bottom] = self.kept;
        let (cracks, rest) = scores.split_at_mut(width * height);
        let (leaks, rest) = rest.split_at_mut(width * height);
        let (spalls, rust) = rest.split_at_mut(width * height);
        let rows = |plane| <[u8]>::par_chunks_mut(plane, width).skip(top).take(bottom - top);
        rows(cracks).zip(rows(leaks)).zip(rows(spalls).zip(rows(rust))).enumerate().for_each(
            |(row, ((cracks, leaks), (spalls, rust)))| {
                let planes = [cracks, leaks, spalls, rust];
                let planes = planes.map(|row| &mut row[left..right]);
                self.keep_row(logits, row + top - self.y, left - self.x, planes);
            },
        );
    }

    /// Scores of a row of the window from a column on.
    fn keep_row(&self, logits: &[f32], y: usize, from: usize, mut planes: [&mut [u8]; CLASSES]) {
        let (half_width, half_plane) = (self.width / 2, self.width * self.height / 4);
        // Of each class the pixels of even and of odd columns.
        let rows: [[&[f32]; 2]; OUTPUTS] = std::array::from_fn(|class| {
            [0, 1].map(|odd| {
                let at = (4 * class + y % 2 * 2 + odd) * half_plane + y / 2 * half_width;
                &logits[at..at + half_width]
            })
        });
        // So many pixels of even columns, and those between them: what is kept begins at an even one.
        for first in (0..planes[0].len()).step_by(2 * LANES) {
            let end = (first + 2 * LANES).min(planes[0].len());
            let half = (from + first) / 2;
            for odd in 0..2 {
                let count = (end - first + 1 - odd) / 2;
                let run = rows.map(|row| {
                    let mut run = [0.0; LANES];
                    run[..count].copy_from_slice(&row[odd][half..half + count]);
                    run
                });
                let Some(scores) = softmax::scores(&run) else { continue };
                for (plane, scores) in planes.iter_mut().zip(scores) {
                    let pixels = plane[first + odd..end].iter_mut().step_by(2);
                    pixels.zip(scores).for_each(|(pixel, score)| *pixel = score);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_pixel_is_kept_once(width in 1usize..3000, height in 1usize..3000) {
            let all = windows(width, height);
            let area: usize = all.iter().map(|w| (w.kept[2] - w.kept[0]) * (w.kept[3] - w.kept[1])).sum();
            prop_assert_eq!(area, width * height);
            for w in &all {
                prop_assert!(w.width % STRIDE == 0 && w.height % STRIDE == 0);
                prop_assert!(w.x <= w.kept[0] && w.kept[2] <= w.x + w.width);
                prop_assert!(w.y <= w.kept[1] && w.kept[3] <= w.y + w.height);
                prop_assert!(w.width * w.height <= WINDOW_PIXELS);
                prop_assert!((w.kept[0] - w.x).is_multiple_of(2));
                // Inside the picture nothing is judged without its surroundings.
                prop_assert!(w.kept[0] == 0 || w.kept[0] - w.x >= HALO);
                prop_assert!(w.kept[2] == width || w.x + w.width - w.kept[2] >= HALO);
            }
        }
    }
}
