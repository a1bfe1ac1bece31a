//! A convolution with bias and rectifier in one pass, as a candle operation.
//!
//! candle's own convolution spends most of its time outside of the multiplication (measured: see
//! `benches/inference.rs`). This one multiplies directly, without unfolding the picture into a matrix: a tile's
//! rows are copied once, padded and sorted by the stride, and from there every tap of the kernel is a run of
//! pixels that is multiplied into sums held in registers ([`lanes`]). Tiles are fixed by the shape alone
//! and each is worked on by one thread, so the result has the same bits for any number of threads.
//!
//! This module, [`residual`], [`operands`] and [`lanes`] are the ones with `unsafe` in them: the tiles of one output, which interleave in
//! memory, are written by several threads, and vector instructions are chosen at run time.
#![allow(unsafe_code)]

mod band;
mod lanes;
mod operands;
mod residual;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{buffers, vectors};
use band::{Band, Reads, Source};
use lanes::Kernel;
pub(crate) use operands::Activation;
use operands::{Target, Weights, one_picture, slice, square};
pub(crate) use residual::{InvertedResidual, Layer};

/// A square convolution of odd size whose output has the input's size divided by the stride, rounded up, and what follows.
#[derive(Clone, Debug)]
pub(crate) struct Conv2d(Op);

#[derive(Clone, Debug)]
struct Op {
    reads: Reads,
    activation: Activation,
    weights: Weights,
    kernel: Kernel,
}

/// A convolution to which something coarser is added.
struct Onto<'a>(&'a Op);

impl Conv2d {
    /// From weight `[outputs, inputs, size, size]` and bias `[outputs]`, both f32 on the CPU.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub(crate) fn new(weight: &Tensor, bias: &Tensor, stride: usize, activation: Activation) -> Result<Self> {
        let (_, inputs, size) = square(weight, bias, stride)?;
        let reads = Reads { inputs, size, stride };
        let weights = Weights::new(weight, bias)?;
        Ok(Self(Op { reads, activation, weights, kernel: Kernel::best() }))
    }

    /// `[1, inputs, height, width]` to `[1, outputs, height / stride, width / stride]`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1_no_bwd(&self.0)
    }

    /// The same, but `coarse`, which has half the output's resolution, is added, each value four times, before the rectifier.
    pub(crate) fn forward_onto(&self, x: &Tensor, coarse: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op2_no_bwd(&coarse.contiguous()?, &Onto(&self.0))
    }

    /// The same with other vector instructions, for comparing them.
    #[cfg(test)]
    fn with(mut self, kernel: Kernel) -> Self {
        self.0.kernel = kernel;
        self
    }
}

impl CustomOp1 for Op {
    fn name(&self) -> &'static str {
        "conv2d-bias-relu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.run(slice(x, layout)?, layout.shape(), None)
    }
}

impl CustomOp2 for Onto<'_> {
    fn name(&self) -> &'static str {
        "conv2d-bias-add-upsampled-relu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        coarse: &CpuStorage,
        coarse_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let Op { reads: Reads { inputs, stride, .. }, weights: Weights { outputs, .. }, .. } = self.0;
        let (height, width) = one_picture(x_layout.shape(), *inputs)?;
        let (height, width) = (height.div_ceil(*stride), width.div_ceil(*stride));
        if coarse_layout.shape().dims() != [1, *outputs, height / 2, width / 2] || (height | width) % 2 > 0 {
            return Err(Error::Msg(format!(
                "cannot add {:?}, repeated, to {outputs} channels of {height} x {width}",
                coarse_layout.shape()
            )));
        }
        self.0.run(slice(x, x_layout)?, x_layout.shape(), Some(slice(coarse, coarse_layout)?))
    }
}

impl Op {
    /// The output for a picture of this shape; what is coarser is added to it.
    fn run(&self, x: &[f32], shape: &Shape, coarse: Option<&[f32]>) -> Result<(CpuStorage, Shape)> {
        let (height, width) = one_picture(shape, self.reads.inputs)?;
        let (out_height, out_width) = (height.div_ceil(self.reads.stride), width.div_ceil(self.reads.stride));
        let plane = out_height * out_width;
        let mut out = buffers::take(self.weights.outputs * plane);
        if plane > 0 {
            let band = Band::new(self.reads, self.kernel.pixels(), height, width);
            let target = Target { start: out.as_mut_ptr(), plane };
            (0..out_height.div_ceil(band.rows)).into_par_iter().for_each_init(Vec::new, |copied, tile| {
                let first = tile * band.rows;
                let rows = first..(first + band.rows).min(out_height);
                let source = band.source(x, rows.clone(), copied);
                // SAFETY: tiles cover disjoint ranges of rows, all within the `out_height` rows of each of the
                // `outputs` planes that `out` holds, and `out` outlives this loop untouched.
                unsafe { self.fill(target, band.out_width, &source, rows, coarse) };
            });
        }
        Ok((CpuStorage::F32(out), Shape::from((1, self.weights.outputs, out_height, out_width))))
    }

    /// Fills rows of every output plane from a tile's input.
    ///
    /// # Safety
    /// `target` must point to as many planes as there are outputs, that stay allocated, `rows` must lie within them, and nobody else
    /// may touch those rows meanwhile.
    unsafe fn fill(
        &self,
        target: Target,
        out_width: usize,
        source: &Source<'_>,
        rows: std::ops::Range<usize>,
        coarse: Option<&[f32]>,
    ) {
        let first = rows.start;
        let pixels = self.kernel.pixels();
        let bounds = self.activation.bounds();
        // What is coarser comes before the rectifier.
        let within = if coarse.is_some() { Activation::Linear.bounds() } else { bounds };
        for row in rows {
            let (base, start) = ((row - first) * source.row_step, row * out_width);
            for x in (0..out_width).step_by(pixels) {
                let width = pixels.min(out_width - x);
                // SAFETY: these pixels of every plane are this call's own.
                unsafe {
                    let to = target.rows(start + x, self.weights.outputs);
                    self.weights.put(self.kernel, &source.values[base + x..], source.taps, within, to, width);
                }
            }
            let Some(coarse) = coarse else { continue };
            let half = out_width / 2;
            for output in 0..self.weights.outputs {
                // SAFETY: this row of this plane is this call's own.
                let to = unsafe { target.pixels(output, start, out_width) };
                let from = output * (target.plane / 4) + row / 2 * half;
                vectors::wide(|| add_repeated(to, &coarse[from..][..half], bounds));
            }
        }
    }
}

/// Adds each value to two neighbours, and keeps them within `bounds`.
#[inline(always)]
fn add_repeated(to: &mut [f32], coarse: &[f32], [least, most]: [f32; 2]) {
    for (to, coarse) in to.chunks_exact_mut(2).zip(coarse) {
        to[0] = (to[0] + coarse).max(least).min(most);
        to[1] = (to[1] + coarse).max(least).min(most);
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};
    use proptest::prelude::*;

    use super::*;

    pub(super) fn noise(shape: &[usize], seed: usize) -> Tensor {
        let count: usize = shape.iter().product();
        let values: Vec<f32> =
            (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1000.0 - 1.0).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
    }

    pub(super) fn difference(a: &Tensor, b: &Tensor) -> f32 {
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
            activation in proptest::sample::select(vec![Activation::Linear, Activation::Relu, Activation::Relu6]),
        ) {
            let size = 2 * size + 1;
            let (x, w) = (noise(&[1, inputs, height, width], 1), noise(&[outputs, inputs, size, size], 2));
            let b = noise(&[outputs], 3);
            let ours = Conv2d::new(&w, &b, stride, activation).expect("fits");
            let theirs = x.conv2d(&w, size / 2, stride, 1, 1).expect("runs");
            let theirs = theirs.broadcast_add(&b.reshape((1, outputs, 1, 1)).expect("fits")).expect("adds");
            let [least, most] = activation.bounds();
            let theirs = theirs.clamp(least, most).expect("runs");
            for kernel in Kernel::all() {
                let ours = ours.clone().with(kernel).forward(&x).expect("runs");
                prop_assert!(difference(&ours, &theirs) < 2e-4, "{kernel:?}");
            }
        }
    }

    #[test]
    fn what_is_coarser_is_added_before_the_rectifier() {
        let (x, coarse) = (noise(&[1, 6, 20, 74], 1), noise(&[1, 10, 10, 37], 2));
        let (w, b) = (noise(&[10, 6, 1, 1], 3), noise(&[10], 4));
        let ours = Conv2d::new(&w, &b, 1, Activation::Relu).expect("fits");
        let theirs = x.conv2d(&w, 0, 1, 1, 1).expect("runs");
        let theirs = theirs.broadcast_add(&b.reshape((1, 10, 1, 1)).expect("fits")).expect("adds");
        let theirs = (theirs + coarse.upsample_nearest2d(20, 74).expect("repeats"))
            .expect("adds")
            .relu()
            .expect("runs");
        for kernel in Kernel::all() {
            let ours = ours.clone().with(kernel).forward_onto(&x, &coarse).expect("runs");
            assert!(difference(&ours, &theirs) < 2e-4, "{kernel:?}");
        }
        assert!(ours.forward_onto(&x, &noise(&[1, 10, 10, 36], 2)).is_err());
        assert!(ours.forward_onto(&noise(&[1, 6, 21, 74], 1), &coarse).is_err());
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let (x, w) = (noise(&[1, 6, 96, 80], 4), noise(&[10, 6, 3, 3], 5));
        let conv = Conv2d::new(&w, &noise(&[10], 6), 1, Activation::Relu).expect("fits");
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
        assert!(Conv2d::new(&noise(&[4, 3, 3, 3], 0), &noise(&[5], 0), 1, Activation::Relu).is_err());
        assert!(Conv2d::new(&noise(&[4, 3, 2, 2], 0), &noise(&[4], 0), 1, Activation::Relu).is_err());
        let conv = Conv2d::new(&noise(&[4, 3, 3, 3], 0), &noise(&[4], 0), 1, Activation::Relu).expect("fits");
        assert!(conv.forward(&noise(&[1, 2, 8, 8], 0)).is_err());
        assert!(conv.forward(&noise(&[2, 3, 8, 8], 0)).is_err());
    }
}
