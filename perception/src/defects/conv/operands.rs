//! What convolutions have in common: weights in order, what follows, and the output that threads share.
#![allow(unsafe_code)]

use candle_core::{CpuStorage, Error, Layout, Result, Shape, Tensor};

use super::lanes::{Kernel, MAX_PIXELS, OUTPUTS, Rows};

/// What follows a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    Linear,
    /// At least 0.
    Relu,
    /// From 0 to 6.
    Relu6,
}

impl Activation {
    /// Least and greatest value.
    pub(super) const fn bounds(self) -> [f32; 2] {
        match self {
            Self::Linear => [f32::NEG_INFINITY, f32::INFINITY],
            Self::Relu => [0.0, f32::INFINITY],
            Self::Relu6 => [0.0, 6.0],
        }
    }
}

/// Outputs, inputs and side of a square convolution's weight `[outputs, inputs, size, size]`.
///
/// # Errors
/// When that, its bias and its stride do not fit each other.
pub(super) fn square(weight: &Tensor, bias: &Tensor, stride: usize) -> Result<(usize, usize, usize)> {
    let (outputs, inputs, size, across) = weight.dims4()?;
    if bias.dims() != [outputs]
        || inputs == 0
        || size != across
        || size.is_multiple_of(2)
        || !(1..=2).contains(&stride)
    {
        return Err(Error::Msg(format!(
            "a convolution needs a square odd kernel, one bias an output and a stride of 1 or 2, not weight \
             {:?}, bias {:?} and stride {stride}",
            weight.dims(),
            bias.dims()
        )));
    }
    Ok((outputs, inputs, size))
}

/// Height and width of one picture, `[1, channels, height, width]`.
///
/// # Errors
/// When the shape is another.
pub(super) fn one_picture(shape: &Shape, channels: usize) -> Result<(usize, usize)> {
    let (batch, given, height, width) = shape.dims4()?;
    if batch != 1 || given != channels {
        return Err(Error::Msg(format!("expected one picture of {channels} channels, not {shape:?}")));
    }
    Ok((height, width))
}

/// Weights and biases in the kernel's order.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) outputs: usize,
    /// `[outputs / 8][taps][8]`, padded with zeros.
    weight: Vec<f32>,
    /// Padded like the weights.
    bias: Vec<f32>,
}

impl Weights {
    /// From weight `[outputs, inputs, size, size]` and bias `[outputs]`.
    pub(super) fn new(weight: &Tensor, bias: &Tensor) -> Result<Self> {
        let (outputs, inputs, height, width) = weight.dims4()?;
        let (taps, groups) = (inputs * height * width, outputs.div_ceil(OUTPUTS));
        let given = weight.flatten_all()?.to_vec1::<f32>()?;
        let mut sorted = vec![0.0f32; groups * taps * OUTPUTS];
        for (output, row) in given.chunks_exact(taps.max(1)).enumerate() {
            for (tap, value) in row.iter().enumerate() {
                sorted[(output / OUTPUTS * taps + tap) * OUTPUTS + output % OUTPUTS] = *value;
            }
        }
        let mut bias = bias.to_vec1::<f32>()?;
        bias.resize(groups * OUTPUTS, 0.0);
        Ok(Self { outputs, weight: sorted, bias })
    }

    /// Puts each output's values into its row of `to`, for as many pixels as the kernel works on, of which tap `i` begins at
    /// `source[taps[i]]`; what is beyond `width` is dropped.
    ///
    /// # Safety
    /// `to` must have a row for each output, of which `width` pixels are allocated, and nobody else may touch them meanwhile.
    #[inline]
    pub(super) unsafe fn put(
        &self,
        kernel: Kernel,
        source: &[f32],
        taps: &[usize],
        bounds: [f32; 2],
        to: Rows,
        width: usize,
    ) {
        let mut aside = [0.0f32; MAX_PIXELS * OUTPUTS];
        let groups = self.weight.chunks_exact(taps.len() * OUTPUTS).zip(self.bias.chunks_exact(OUTPUTS));
        for (group, (weight, bias)) in groups.enumerate() {
            let first = group * OUTPUTS;
            let count = OUTPUTS.min(self.outputs - first);
            // SAFETY: as the caller promises; a row aside has room for what any kernel works on.
            unsafe {
                let start = to.start.add(first * to.apart);
                if width >= kernel.pixels() {
                    kernel.sums(source, taps, weight, bias, bounds, Rows { start, count, ..to });
                    continue;
                }
                let rows = Rows { start: aside.as_mut_ptr(), apart: MAX_PIXELS, count };
                kernel.sums(source, taps, weight, bias, bounds, rows);
                for (o, row) in aside.chunks_exact(MAX_PIXELS).enumerate().take(count) {
                    std::ptr::copy_nonoverlapping(row.as_ptr(), start.add(o * to.apart), width);
                }
            }
        }
    }
}

/// The values of a contiguous tensor.
pub(super) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => Err(Error::Msg("the operands of a convolution must be contiguous".into())),
    }
}

/// The output, shared by the threads that fill its tiles: planes of `plane` pixels.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) start: *mut f32,
    pub(super) plane: usize,
}

impl Target {
    /// Of every plane the pixels from place `at` on.
    ///
    /// # Safety
    /// They must lie within planes that stay allocated.
    pub(super) unsafe fn rows(self, at: usize, planes: usize) -> Rows {
        // SAFETY: as the caller promises.
        Rows { start: unsafe { self.start.add(at) }, apart: self.plane, count: planes }
    }

    /// Some pixels of a row, from place `at` of a plane on.
    ///
    /// # Safety
    /// They must lie within planes that stay allocated, and nobody else may touch them while the slice lives.
    #[inline(always)]
    pub(super) unsafe fn pixels<'a>(self, plane: usize, at: usize, count: usize) -> &'a mut [f32] {
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(plane * self.plane + at), count) }
    }
}

// SAFETY: it is only ever written through `Op::fill` of the two kinds of layers, whose callers give each thread pixels of its own.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}
