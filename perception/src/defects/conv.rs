//! A convolution with bias and rectifier in one pass, as a candle operation.
//!
//! candle's own convolution spends most of its time outside of the multiplication (measured: see
//! `benches/inference.rs`). This one multiplies directly, without unfolding the picture into a matrix: a tile's
//! rows are copied once, padded and sorted by the stride, and from there every tap of the kernel is a run of
//! pixels that is multiplied into sums held in registers ([`lanes`]). Tiles are fixed by the shape alone
//! and each is worked on by one thread, so the result has the same bits for any number of threads.
//!
//! This module and [`lanes`] are the ones with `unsafe` in them: the tiles of one output, which interleave in
//! memory, are written by several threads, and vector instructions are chosen at run time.
#![allow(unsafe_code)]

mod lanes;

use candle_core::{CpuStorage, CustomOp2, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use lanes::{Kernel, MAX_PIXELS, OUTPUTS};

/// Floats of the copied input of a tile: a quarter of a megabyte, half or less of a second-level cache.
const TILE_FLOATS: usize = 64 * 1024;

/// A square convolution of odd size whose output has the input's size divided by the stride, rounded up.
#[derive(Clone, Debug)]
pub(crate) struct Conv2d {
    op: Op,
    /// Weights in the kernel's order, `[outputs / 8][inputs * size * size][8]`, padded with zeros.
    weight: Tensor,
}

#[derive(Clone, Debug)]
struct Op {
    inputs: usize,
    outputs: usize,
    size: usize,
    stride: usize,
    relu: bool,
    /// Padded like the weights.
    bias: Vec<f32>,
    kernel: Kernel,
}

impl Conv2d {
    /// From weight `[outputs, inputs, size, size]` and bias `[outputs]`, both f32 on the CPU.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub(crate) fn new(weight: &Tensor, bias: &Tensor, stride: usize, relu: bool) -> Result<Self> {
        let (outputs, inputs, size, across) = weight.dims4()?;
        if bias.dims() != [outputs] || size != across || size.is_multiple_of(2) || !(1..=2).contains(&stride)
        {
            return Err(Error::Msg(format!(
                "a convolution needs a square odd kernel, one bias an output and a stride of 1 or 2, not weight \
                 {:?}, bias {:?} and stride {stride}",
                weight.dims(),
                bias.dims()
            )));
        }
        let taps = inputs * size * size;
        let given = weight.flatten_all()?.to_vec1::<f32>()?;
        let groups = outputs.div_ceil(OUTPUTS);
        let mut sorted = vec![0.0f32; groups * taps * OUTPUTS];
        for (output, row) in given.chunks_exact(taps.max(1)).enumerate() {
            for (tap, value) in row.iter().enumerate() {
                sorted[(output / OUTPUTS * taps + tap) * OUTPUTS + output % OUTPUTS] = *value;
            }
        }
        let mut bias = bias.to_vec1::<f32>()?;
        bias.resize(groups * OUTPUTS, 0.0);
        let weight = Tensor::from_vec(sorted, groups * taps * OUTPUTS, weight.device())?;
        Ok(Self { op: Op { inputs, outputs, size, stride, relu, bias, kernel: Kernel::best() }, weight })
    }

    /// `[1, inputs, height, width]` to `[1, outputs, height / stride, width / stride]`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op2_no_bwd(&self.weight, &self.op)
    }

    /// The same with other vector instructions, for comparing them.
    #[cfg(test)]
    fn with(mut self, kernel: Kernel) -> Self {
        self.op.kernel = kernel;
        self
    }
}

impl CustomOp2 for Op {
    fn name(&self) -> &'static str {
        "conv2d-bias-relu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, inputs, height, width) = x_layout.shape().dims4()?;
        if batch != 1 || inputs != self.inputs {
            return Err(Error::Msg(format!(
                "expected one picture of {} channels, not {:?}",
                self.inputs,
                x_layout.shape()
            )));
        }
        let (x, weight) = (slice(x, x_layout)?, slice(weight, weight_layout)?);
        let (out_height, out_width) = (height.div_ceil(self.stride), width.div_ceil(self.stride));
        let plane = out_height * out_width;
        let mut out = vec![0.0f32; self.outputs * plane];
        if plane > 0 && inputs > 0 {
            let band = Band::new(self, height, width);
            let target = Target { start: out.as_mut_ptr(), plane };
            (0..out_height.div_ceil(band.rows)).into_par_iter().for_each_init(Vec::new, |copied, tile| {
                let first = tile * band.rows;
                let rows = first..(first + band.rows).min(out_height);
                band.copy(x, first, copied);
                // SAFETY: tiles cover disjoint ranges of rows, all within the `out_height` rows of each of the
                // `outputs` planes that `out` holds, and `out` outlives this loop untouched.
                unsafe { self.fill(target, &band, copied, rows, weight) };
            });
        }
        Ok((CpuStorage::F32(out), Shape::from((1, self.outputs, out_height, out_width))))
    }
}

impl Op {
    /// Fills rows of every output plane from a tile's copied input.
    ///
    /// # Safety
    /// `target` must point to `outputs` planes that stay allocated, `rows` must lie within them, and nobody else
    /// may touch those rows meanwhile.
    unsafe fn fill(
        &self,
        target: Target,
        band: &Band<'_>,
        copied: &[f32],
        rows: std::ops::Range<usize>,
        weight: &[f32],
    ) {
        let first = rows.start;
        let per_group = band.taps.len() * OUTPUTS;
        let pixels = self.kernel.pixels();
        let mut sums = [[0.0f32; MAX_PIXELS]; OUTPUTS];
        for row in rows {
            let (base, start) = ((row - first) * self.stride * band.step, row * band.out_width);
            for x in (0..band.out_width).step_by(pixels) {
                let width = pixels.min(band.out_width - x);
                for (group, (weight, bias)) in
                    weight.chunks_exact(per_group).zip(self.bias.chunks_exact(OUTPUTS)).enumerate()
                {
                    self.kernel.sums(&copied[base + x..], &band.taps, weight, bias, self.relu, &mut sums);
                    let outputs = OUTPUTS.min(self.outputs - group * OUTPUTS);
                    for (o, sums) in sums.iter().enumerate().take(outputs) {
                        let plane = group * OUTPUTS + o;
                        // SAFETY: these pixels of this plane are this call's own.
                        let to = unsafe {
                            std::slice::from_raw_parts_mut(
                                target.start.add(plane * target.plane + start + x),
                                width,
                            )
                        };
                        to.copy_from_slice(&sums[..width]);
                    }
                }
            }
        }
    }
}

/// The values of a contiguous tensor.
fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => Err(Error::Msg("the operands of a convolution must be contiguous".into())),
    }
}

/// Layout of a tile's copied input rows.
///
/// A copied row is sorted by the stride: first the pixels of even places, then those of odd ones, each run with
/// zeros before and after it, so that every tap reads a run of neighbours.
struct Band<'a> {
    op: &'a Op,
    height: usize,
    width: usize,
    out_width: usize,
    /// Output rows of a tile.
    rows: usize,
    /// Floats of a run, and of a copied row of `stride` runs.
    run: usize,
    step: usize,
    /// Offset of each tap of the first output pixel of a row, relative to the row's first input row.
    taps: Vec<usize>,
}

impl<'a> Band<'a> {
    fn new(op: &'a Op, height: usize, width: usize) -> Self {
        let (pad, stride) = (op.size / 2, op.stride);
        let (out_height, out_width) = (height.div_ceil(stride), width.div_ceil(stride));
        // The kernel reads whole blocks: what they see beyond the last pixel is computed and dropped.
        let blocks = out_width.next_multiple_of(op.kernel.pixels());
        let run = blocks + (2 * pad).div_ceil(stride);
        let step = run * stride;
        let fitting = (TILE_FLOATS / (op.inputs * step)).saturating_sub(op.size - 1) / stride;
        let rows = fitting.clamp(1, out_height);
        let in_rows = (rows - 1) * stride + op.size;
        let mut taps = Vec::with_capacity(op.inputs * op.size * op.size);
        for channel in 0..op.inputs {
            for ky in 0..op.size {
                for kx in 0..op.size {
                    let (phase, shift) = (kx % stride, kx / stride);
                    taps.push((channel * in_rows + ky) * step + phase * run + shift);
                }
            }
        }
        Self { op, height, width, out_width, rows, run, step, taps }
    }

    /// Copies what the output rows from `first` on need: `[inputs][rows][stride runs]`.
    fn copy(&self, x: &[f32], first: usize, copied: &mut Vec<f32>) {
        let (pad, stride) = (self.op.size / 2, self.op.stride);
        let in_rows = (self.rows - 1) * stride + self.op.size;
        // Zeros stay where no pixel is ever copied to; rows beyond the picture are cleared.
        copied.resize(self.op.inputs * in_rows * self.step, 0.0);
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

/// The output, shared by the threads that fill its tiles: planes of `plane` pixels.
#[derive(Clone, Copy)]
struct Target {
    start: *mut f32,
    plane: usize,
}

// SAFETY: it is only ever written through `Op::fill`, whose callers give each thread rows of its own.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};
    use proptest::prelude::*;

    use super::*;

    fn noise(shape: &[usize], seed: usize) -> Tensor {
        let count: usize = shape.iter().product();
        let values: Vec<f32> =
            (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1000.0 - 1.0).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
    }

    fn difference(a: &Tensor, b: &Tensor) -> f32 {
        assert_eq!(a.dims(), b.dims());
        let max = (a - b).and_then(|d| d.abs()).and_then(|d| d.flatten_all()).and_then(|d| d.max(0));
        max.and_then(|m| m.to_scalar()).expect("a number")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn it_is_candles_convolution(
            (inputs, outputs) in (1usize..9, 1usize..21),
            (height, width) in (1usize..40, 1usize..70),
            (size, stride) in (0usize..3, 1usize..3),
            relu: bool,
        ) {
            let size = 2 * size + 1;
            let (x, w) = (noise(&[1, inputs, height, width], 1), noise(&[outputs, inputs, size, size], 2));
            let b = noise(&[outputs], 3);
            let ours = Conv2d::new(&w, &b, stride, relu).expect("fits");
            let theirs = x.conv2d(&w, size / 2, stride, 1, 1).expect("runs");
            let theirs = theirs.broadcast_add(&b.reshape((1, outputs, 1, 1)).expect("fits")).expect("adds");
            let theirs = if relu { theirs.relu().expect("runs") } else { theirs };
            for kernel in Kernel::all() {
                let ours = ours.clone().with(kernel).forward(&x).expect("runs");
                prop_assert!(difference(&ours, &theirs) < 2e-4, "{kernel:?}");
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let (x, w) = (noise(&[1, 6, 96, 80], 4), noise(&[10, 6, 3, 3], 5));
        let conv = Conv2d::new(&w, &noise(&[10], 6), 1, true).expect("fits");
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| conv.forward(&x))
                .and_then(|y| y.flatten_all())
                .and_then(|y| y.to_vec1::<f32>())
                .expect("runs")
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn operands_that_do_not_fit_are_refused() {
        assert!(Conv2d::new(&noise(&[4, 3, 3, 3], 0), &noise(&[5], 0), 1, true).is_err());
        assert!(Conv2d::new(&noise(&[4, 3, 2, 2], 0), &noise(&[4], 0), 1, true).is_err());
        let conv = Conv2d::new(&noise(&[4, 3, 3, 3], 0), &noise(&[4], 0), 1, true).expect("fits");
        assert!(conv.forward(&noise(&[1, 2, 8, 8], 0)).is_err());
        assert!(conv.forward(&noise(&[2, 3, 8, 8], 0)).is_err());
    }
}
