//! Copies of the input rows that a tile of the output needs.

/// Floats of the copied input of a tile: a quarter of a megabyte, half or less of a second-level cache.
const TILE_FLOATS: usize = 64 * 1024;

/// What a convolution reads: how many channels, and with a kernel of which side and stride.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reads {
    pub(super) inputs: usize,
    pub(super) size: usize,
    pub(super) stride: usize,
}

/// Layout of a tile's copied input rows.
///
/// A copied row is sorted by the stride: first the pixels of even places, then those of odd ones, each run with
/// zeros before and after it, so that every tap reads a run of neighbours.
pub(super) struct Band {
    reads: Reads,
    height: usize,
    width: usize,
    pub(super) out_width: usize,
    /// Output rows of a tile.
    pub(super) rows: usize,
    /// Floats of a run, and of a copied row of `stride` runs.
    run: usize,
    pub(super) step: usize,
    /// Offset of each tap of the first output pixel of a row, relative to the row's first input row.
    pub(super) taps: Vec<usize>,
}

impl Band {
    /// For a picture of this size and a kernel that works on `pixels` at once.
    pub(super) fn new(reads: Reads, pixels: usize, height: usize, width: usize) -> Self {
        let Reads { inputs, size, stride } = reads;
        let pad = size / 2;
        let (out_height, out_width) = (height.div_ceil(stride), width.div_ceil(stride));
        // The kernel reads whole blocks: what they see beyond the last pixel is computed and dropped.
        let blocks = out_width.next_multiple_of(pixels);
        let run = blocks + (2 * pad).div_ceil(stride);
        let step = run * stride;
        let fitting = (TILE_FLOATS / (inputs * step)).saturating_sub(size - 1) / stride;
        let rows = fitting.clamp(1, out_height);
        let in_rows = (rows - 1) * stride + size;
        let mut taps = Vec::with_capacity(inputs * size * size);
        for channel in 0..inputs {
            for ky in 0..size {
                for kx in 0..size {
                    let (phase, shift) = (kx % stride, kx / stride);
                    taps.push((channel * in_rows + ky) * step + phase * run + shift);
                }
            }
        }
        Self { reads, height, width, out_width, rows, run, step, taps }
    }

    /// Copies what the output rows from `first` on need: `[inputs][rows][stride runs]`.
    pub(super) fn copy(&self, x: &[f32], first: usize, copied: &mut Vec<f32>) {
        let Reads { inputs, size, stride } = self.reads;
        let pad = size / 2;
        let in_rows = (self.rows - 1) * stride + size;
        // Zeros stay where no pixel is ever copied to; rows beyond the picture are cleared.
        copied.resize(inputs * in_rows * self.step, 0.0);
        let planes = x.chunks_exact(self.height * self.width);
        for (plane, copied) in planes.zip(copied.chunks_exact_mut(in_rows * self.step)) {
            for (row, copied) in copied.chunks_exact_mut(self.step).enumerate() {
                let Some(y) = (first * stride + row).checked_sub(pad).filter(|y| *y < self.height) else {
                    copied.fill(0.0);
                    continue;
                };
                let source = &plane[y * self.width..][..self.width];
                if stride == 1 {
                    copied[pad..pad + self.width].copy_from_slice(source);
                    continue;
                }
                // Place i of the padded row holds pixel i - pad.
                for (phase, run) in copied.chunks_exact_mut(self.run).enumerate() {
                    let from = (phase + pad) % 2;
                    let at = (from + pad) / 2;
                    let pixels = source[from.min(self.width)..].iter().step_by(2);
                    for (to, pixel) in run[at..].iter_mut().zip(pixels) {
                        *to = *pixel;
                    }
                }
            }
        }
    }
}
