//! Copies of the input rows that a tile of the output needs.

use std::ops::Range;

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
    /// For these columns of the output, of a picture of this width, and a kernel that works on `pixels` at once.
    pub(super) fn new(
        size: usize,
        stride: usize,
        pixels: usize,
        columns: Range<usize>,
        width: usize,
    ) -> Self {
        let blocks = columns.len().next_multiple_of(pixels);
        let run = blocks + (size - 1).div_ceil(stride);
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

    /// Copies a row of the picture.
    pub(super) fn copy(&self, source: &[f32], to: &mut [f32]) {
        self.clear_outside(to);
        for ((first, inside), to) in self.runs.iter().zip(to.chunks_mut(self.run)) {
            if inside.is_empty() {
                continue;
            }
            let begin = (*first + (inside.start * self.stride) as isize).unsigned_abs();
            let to = &mut to[inside.clone()];
            if self.stride == 1 {
                to.copy_from_slice(&source[begin..][..inside.len()]);
            } else {
                for (to, value) in to.iter_mut().zip(source[begin..].iter().step_by(self.stride)) {
                    *to = *value;
                }
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
    row: SortedRow,
    /// Offset of each tap of the first output pixel of a row, relative to the row's first input row.
    pub(super) taps: Vec<usize>,
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
        Self { reads, height, width, out_width, rows, row, taps }
    }

    /// Floats of a copied row.
    pub(super) const fn step(&self) -> usize {
        self.row.len()
    }

    /// Copies what the output rows from `first` on need: `[inputs][rows][step]`.
    pub(super) fn copy(&self, x: &[f32], first: usize, copied: &mut Vec<f32>) {
        let Reads { inputs, size, stride } = self.reads;
        let in_rows = (self.rows - 1) * stride + size;
        copied.resize(inputs * in_rows * self.step(), 0.0);
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
