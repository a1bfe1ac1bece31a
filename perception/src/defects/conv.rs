//! A convolution with bias and rectifier in one pass, as a candle operation.
//!
//! candle's own convolution spends most of its time outside of the multiplication (measured here: four to
//! five times slower on these shapes). This one unfolds a few rows of the picture at a time (im2col), small
//! enough to stay in the cache, and multiplies straight into the output with the `gemm` crate that candle
//! itself uses. Tiles are fixed by the shape alone and each is one multiplication on one thread, so the
//! result has the same bits for any number of threads.
//!
//! This is the one module with `unsafe` in it: `gemm` takes pointers and strides, and the tiles of one
//! output, which interleave in memory, are written by several threads.
#![allow(unsafe_code)]

use candle_core::{CpuStorage, CustomOp3, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Output pixels that are worked on at once; the unfolded input of so many fits the second-level cache.
const TILE_PIXELS: usize = 1024;

/// A square convolution of odd size whose output has the input's size divided by the stride, rounded up.
#[derive(Clone, Debug)]
pub(crate) struct Conv2d {
    /// `[outputs, inputs, size, size]`.
    weight: Tensor,
    /// `[outputs]`.
    bias: Tensor,
    op: Op,
}

#[derive(Clone, Copy, Debug)]
struct Op {
    stride: usize,
    relu: bool,
}

impl Conv2d {
    /// From weight `[outputs, inputs, size, size]` and bias `[outputs]`, both f32 on the CPU.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub(crate) fn new(weight: Tensor, bias: Tensor, stride: usize, relu: bool) -> Result<Self> {
        let (outputs, _, size, across) = weight.dims4()?;
        if bias.dims() != [outputs] || size != across || size.is_multiple_of(2) || stride == 0 {
            return Err(Error::Msg(format!(
                "a convolution needs a square odd kernel and one bias an output, not weight {:?} and bias {:?}",
                weight.dims(),
                bias.dims()
            )));
        }
        let (weight, bias) = (weight.contiguous()?, bias.contiguous()?);
        Ok(Self { weight, bias, op: Op { stride, relu } })
    }

    /// `[1, inputs, height, width]` to `[1, outputs, height / stride, width / stride]`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op3_no_bwd(&self.weight, &self.bias, &self.op)
    }
}

impl CustomOp3 for Op {
    fn name(&self) -> &'static str {
        "conv2d-bias-relu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, inputs, height, width) = x_layout.shape().dims4()?;
        let (outputs, expected, size, _) = weight_layout.shape().dims4()?;
        if batch != 1 || inputs != expected {
            return Err(Error::Msg(format!(
                "expected one picture of {expected} channels, not {:?}",
                x_layout.shape()
            )));
        }
        let (x, weight) = (slice(x, x_layout)?, slice(weight, weight_layout)?);
        let bias = slice(bias, bias_layout)?;
        let geometry = Geometry { inputs, height, width, size, stride: self.stride };
        let (out_height, out_width) = (geometry.out_height(), geometry.out_width());
        let plane = out_height * out_width;
        let mut out = vec![0.0f32; outputs * plane];
        if plane > 0 {
            let rows = (TILE_PIXELS / out_width).clamp(1, out_height);
            let target = Target { start: out.as_mut_ptr(), plane };
            (0..out_height.div_ceil(rows)).into_par_iter().for_each_init(Vec::new, |unfolded, tile| {
                let first = tile * rows;
                let rows = rows.min(out_height - first);
                let lhs = if size == 1 && self.stride == 1 {
                    Unfolded { values: &x[first * width..], step: plane }
                } else {
                    geometry.unfold(x, first, rows, unfolded);
                    Unfolded { values: unfolded, step: rows * out_width }
                };
                let pixels = first * out_width..(first + rows) * out_width;
                // SAFETY: tiles cover disjoint ranges of rows, all within the `out_height` rows of each of
                // the `outputs` planes that `out` holds, and `out` outlives this loop untouched.
                unsafe { target.multiply(pixels, &lhs, weight, bias, self.relu) };
            });
        }
        Ok((CpuStorage::F32(out), Shape::from((1, outputs, out_height, out_width))))
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

#[derive(Clone, Copy)]
struct Geometry {
    inputs: usize,
    height: usize,
    width: usize,
    size: usize,
    stride: usize,
}

impl Geometry {
    fn out_height(&self) -> usize {
        self.height.div_ceil(self.stride)
    }

    fn out_width(&self) -> usize {
        self.width.div_ceil(self.stride)
    }

    /// Input values under each kernel position for output rows `first..first + rows`:
    /// `[inputs * size * size, rows * out_width]`, zero outside of the picture.
    fn unfold(&self, x: &[f32], first: usize, rows: usize, unfolded: &mut Vec<f32>) {
        let (out_width, pad, size) = (self.out_width(), self.size / 2, self.size);
        unfolded.resize(self.inputs * size * size * rows * out_width, 0.0);
        let mut phases = vec![0.0f32; self.width];
        let planes = x.chunks_exact(self.height * self.width);
        for (plane, unfolded) in planes.zip(unfolded.chunks_exact_mut(size * size * rows * out_width)) {
            for (ky, unfolded) in unfolded.chunks_exact_mut(size * rows * out_width).enumerate() {
                for row in 0..rows {
                    let y = ((first + row) * self.stride + ky).wrapping_sub(pad);
                    let source = plane.get(y.wrapping_mul(self.width)..).filter(|_| y < self.height);
                    let phases = source.map(|s| self.phases(&s[..self.width], &mut phases));
                    for kx in 0..size {
                        let target = &mut unfolded[(kx * rows + row) * out_width..][..out_width];
                        match phases {
                            Some(phases) => self.shift(phases, kx, target),
                            None => target.fill(0.0),
                        }
                    }
                }
            }
        }
    }

    /// A row sorted by place modulo the stride, so that each kernel position reads a run of it.
    fn phases<'a>(&self, source: &'a [f32], sorted: &'a mut [f32]) -> &'a [f32] {
        if self.stride == 1 {
            return source;
        }
        let mut rest = &mut *sorted;
        for phase in 0..self.stride {
            let (now, later) = rest.split_at_mut((source.len() + self.stride - 1 - phase) / self.stride);
            for (value, group) in now.iter_mut().zip(source[phase.min(source.len())..].chunks(self.stride)) {
                *value = group[0];
            }
            rest = later;
        }
        sorted
    }

    /// `target[i] = source[i * stride + kx - pad]` of a sorted row, zero outside.
    fn shift(&self, sorted: &[f32], kx: usize, target: &mut [f32]) {
        let (stride, reach) = (self.stride as isize, kx as isize - (self.size / 2) as isize);
        let (phase, offset) = (reach.rem_euclid(stride) as usize, reach.div_euclid(stride));
        let length = |phase: usize| (self.width + self.stride - 1 - phase) / self.stride;
        let run = &sorted[(0..phase).map(length).sum()..][..length(phase)];
        // First and one past the last target whose source lies inside.
        let begin = ((-offset).max(0) as usize).min(target.len());
        let end = (run.len() as isize - offset).clamp(begin as isize, target.len() as isize) as usize;
        target[..begin].fill(0.0);
        target[end..].fill(0.0);
        if begin < end {
            let from = (begin as isize + offset) as usize;
            target[begin..end].copy_from_slice(&run[from..from + end - begin]);
        }
    }
}

/// The left-hand matrix of a tile's multiplication: `values[k * step + pixel]`.
struct Unfolded<'a> {
    values: &'a [f32],
    step: usize,
}

/// The output, shared by the threads that fill its tiles: `outputs` planes of `plane` pixels.
#[derive(Clone, Copy)]
struct Target {
    start: *mut f32,
    plane: usize,
}

// SAFETY: it is only ever written through `multiply`, whose callers give each thread pixels of its own.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    /// Fills `pixels` of every plane.
    ///
    /// # Safety
    /// `start` must point to `bias.len()` planes that stay allocated, `pixels` must lie within a plane, and
    /// nobody else may touch those pixels meanwhile.
    unsafe fn multiply(
        self,
        pixels: std::ops::Range<usize>,
        lhs: &Unfolded<'_>,
        weight: &[f32],
        bias: &[f32],
        relu: bool,
    ) {
        let (m, n, k) = (pixels.len(), bias.len(), weight.len() / bias.len().max(1));
        if m == 0 || n == 0 || k == 0 {
            return;
        }
        assert!(lhs.values.len() >= (k - 1) * lhs.step + m && pixels.end <= self.plane);
        // SAFETY: the assertion bounds what is read of `lhs`; `weight` holds n rows of k; the caller
        // vouches for the output.
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                self.start.add(pixels.start),
                self.plane as isize,
                1,
                false,
                lhs.values.as_ptr(),
                lhs.step as isize,
                1,
                weight.as_ptr(),
                k as isize,
                1,
                0.0f32,
                1.0f32,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
        for (o, b) in bias.iter().enumerate() {
            // SAFETY: these pixels of plane `o` are this call's own.
            let row =
                unsafe { std::slice::from_raw_parts_mut(self.start.add(o * self.plane + pixels.start), m) };
            let least = if relu { 0.0 } else { f32::NEG_INFINITY };
            for value in row {
                *value = (*value + b).max(least);
            }
        }
    }
}

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
            let ours = Conv2d::new(w.clone(), b.clone(), stride, relu).and_then(|c| c.forward(&x)).expect("runs");
            let theirs = x.conv2d(&w, size / 2, stride, 1, 1).expect("runs");
            let theirs = theirs.broadcast_add(&b.reshape((1, outputs, 1, 1)).expect("fits")).expect("adds");
            let theirs = if relu { theirs.relu().expect("runs") } else { theirs };
            prop_assert!(difference(&ours, &theirs) < 2e-4);
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let (x, w) = (noise(&[1, 6, 96, 80], 4), noise(&[10, 6, 3, 3], 5));
        let conv = Conv2d::new(w, noise(&[10], 6), 1, true).expect("fits");
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
        assert!(Conv2d::new(noise(&[4, 3, 3, 3], 0), noise(&[5], 0), 1, true).is_err());
        assert!(Conv2d::new(noise(&[4, 3, 2, 2], 0), noise(&[4], 0), 1, true).is_err());
        let conv = Conv2d::new(noise(&[4, 3, 3, 3], 0), noise(&[4], 0), 1, true).expect("fits");
        assert!(conv.forward(&noise(&[1, 2, 8, 8], 0)).is_err());
        assert!(conv.forward(&noise(&[2, 3, 8, 8], 0)).is_err());
    }
}
