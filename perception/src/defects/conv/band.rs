//! Copies of the input rows that a tile of the output needs.

use std::ops::Range;

use crate::defects::vectors;

/// Floats of the copied input of a tile: a quarter of a megabyte, half or less of a second-level cache.
const TILE_FLOATS: usize = 64 * 1024;

/// What a convolution reads: how many channels, and with a kernel of which side and stride.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reads {
    pub(super) inputs: usize,
    pub(super) size: usize,
    pub(super) stride: usize,
}

/// How a row of the input is held for some columns of the output: sorted by the stride, first the pixels of even places, then
/// those of odd ones, each run with zeros where there is no picture, so that every tap reads a run of neighbours. Place 0 is what
/// the kernel's left edge sees of the first column.
pub(super) struct SortedRow {
    stride: usize,
    /// Columns of the output, rounded up to what the kernel works on at once: it reads whole blocks, and what they see beyond the
    /// last pixel is computed and dropped.
    pub(super) blocks: usize,
    /// Floats of a run.
    pub(super) run: usize,
    /// Of each run, where in the picture its first place is, and which of its places lie in the picture.
    runs: Vec<(isize, Range<usize>)>,
}

impl SortedRow {
    /// For these columns of the output, of a picture of this width, and a kernel that works on `pixels` at once. Whole blocks read up
    /// to `pixels` floats beyond a row's end.
    pub(super) fn new(
        size: usize,
        stride: usize,
        pixels: usize,
        columns: Range<usize>,
        width: usize,
    ) -> Self {
        let blocks = columns.len().next_multiple_of(pixels);
        let run = (columns.len() + (size - 1).div_ceil(stride)).next_multiple_of(pixels);
        let runs = (0..stride).map(|phase| {
            let first = (columns.start * stride + phase) as isize - (size / 2) as isize;
            let from = (-first).max(0).unsigned_abs().div_ceil(stride).min(run);
            let to = (width as isize - first).max(0).unsigned_abs().div_ceil(stride).clamp(from, run);
            (first, from..to)
        });
        Self { stride, blocks, run, runs: runs.collect() }
    }

    /// Floats of all runs.
    pub(super) const fn len(&self) -> usize {
        self.run * self.stride
    }

    /// Where the tap of the kernel's column `x` begins.
    pub(super) const fn tap(&self, x: usize) -> usize {
        x % self.stride * self.run + x / self.stride
    }

    /// Where in a row of the picture it begins, if it holds that row's pixels as they are there.
    pub(super) fn begins_at(&self) -> Option<usize> {
        match self.runs[..] {
            [(first, _)] => usize::try_from(first).ok(),
            _ => None,
        }
    }

    /// Copies a row of the picture.
    pub(super) fn copy(&self, source: &[f32], to: &mut [f32]) {
        self.clear_outside(to);
        for ((first, inside), to) in self.runs.iter().zip(to.chunks_mut(self.run)) {
            if inside.is_empty() {
                continue;
            }
            let begin = (*first + (inside.start * self.stride) as isize).unsigned_abs();
            let (source, to) = (&source[begin..], &mut to[inside.clone()]);
            if self.stride == 1 {
                to.copy_from_slice(&source[..to.len()]);
                continue;
            }
            // Whole pairs first, of which the compiler makes vectors.
            let (pairs, rest) = source.as_chunks::<2>();
            vectors::wide(|| to.iter_mut().zip(pairs).for_each(|(to, [value, _])| *to = *value));
            if let (Some(to), [value]) = (to.get_mut(pairs.len()), rest) {
                *to = *value;
            }
        }
    }

    /// True if places lie outside of the picture.
    pub(super) fn reaches_outside(&self) -> bool {
        self.runs.iter().any(|(_, inside)| *inside != (0..self.run))
    }

    /// Clears what lies outside of the picture.
    pub(super) fn clear_outside(&self, row: &mut [f32]) {
        for ((_, inside), row) in self.runs.iter().zip(row.chunks_mut(self.run)) {
            row[..inside.start].fill(0.0);
            row[inside.end..].fill(0.0);
        }
    }
}

/// Layout of a tile's copied input rows.
pub(super) struct Band {
    reads: Reads,
    height: usize,
    width: usize,
    pub(super) out_width: usize,
    /// Output rows of a tile.
    pub(super) rows: usize,
    pixels: usize,
    row: SortedRow,
    /// Offset of each tap of the first output pixel of a row, relative to the row's first input row.
    taps: Vec<usize>,
    /// The same in the picture itself, for a kernel of one pixel.
    plane_taps: Vec<usize>,
}

/// Input of a tile.
pub(super) struct Source<'a> {
    /// Its first row, and what follows.
    pub(super) values: &'a [f32],
    /// Offset of each tap of the first output pixel of a row, relative to the row's first input row.
    pub(super) taps: &'a [usize],
    /// Distance of what two neighbouring output rows read, floats.
    pub(super) row_step: usize,
}

impl Band {
    /// For a picture of this size and a kernel that works on `pixels` at once.
    pub(super) fn new(reads: Reads, pixels: usize, height: usize, width: usize) -> Self {
        let Reads { inputs, size, stride } = reads;
        let (out_height, out_width) = (height.div_ceil(stride), width.div_ceil(stride));
        let row = SortedRow::new(size, stride, pixels, 0..out_width, width);
        let fitting = (TILE_FLOATS / (inputs * row.len())).saturating_sub(size - 1) / stride;
        let rows = fitting.clamp(1, out_height);
        let in_rows = (rows - 1) * stride + size;
        let mut taps = Vec::with_capacity(inputs * size * size);
        for channel in 0..inputs {
            for ky in 0..size {
                taps.extend((0..size).map(|kx| (channel * in_rows + ky) * row.len() + row.tap(kx)));
            }
        }
        let plane_taps = (0..inputs).map(|channel| channel * height * width).collect();
        Self { reads, height, width, out_width, rows, pixels, row, taps, plane_taps }
    }

    /// What some output rows need: the picture `x` itself where each tap reads it as it is, else a copy.
    pub(super) fn source<'a>(
        &'a self,
        x: &'a [f32],
        rows: Range<usize>,
        copied: &'a mut Vec<f32>,
    ) -> Source<'a> {
        let Reads { inputs, size, stride } = self.reads;
        let last = (inputs - 1) * self.height * self.width + (rows.end - 1) * self.width;
        if size == 1 && stride == 1 && last + self.width.next_multiple_of(self.pixels) <= x.len() {
            let values = &x[rows.start * self.width..];
            return Source { values, taps: &self.plane_taps, row_step: self.width };
        }
        self.copy(x, rows.start, copied);
        Source { values: copied, taps: &self.taps, row_step: stride * self.step() }
    }

    /// Floats of a copied row.
    const fn step(&self) -> usize {
        self.row.len()
    }

    /// Copies what the output rows from `first` on need: `[inputs][rows][step]`.
    fn copy(&self, x: &[f32], first: usize, copied: &mut Vec<f32>) {
        let Reads { inputs, size, stride } = self.reads;
        let in_rows = (self.rows - 1) * stride + size;
        copied.resize(inputs * in_rows * self.step() + self.pixels, 0.0);
        let planes = x.chunks_exact(self.height * self.width);
        for (plane, copied) in planes.zip(copied.chunks_exact_mut(in_rows * self.step())) {
            for (row, copied) in copied.chunks_exact_mut(self.step()).enumerate() {
                match (first * stride + row).checked_sub(size / 2).filter(|y| *y < self.height) {
                    Some(y) => self.row.copy(&plane[y * self.width..][..self.width], copied),
                    None => copied.fill(0.0),
                }
            }
        }
    }
}
