//! What convolutions have in common: weights in order, what follows, and the output that threads share.
#![allow(unsafe_code)]

use candle_core::{CpuStorage, Error, Layout, Result, Tensor};

use super::block::OUTPUTS;

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

/// Weight `[outputs, inputs, size, size]` and bias `[outputs]` in the kernel's order, `[outputs / 8][inputs * size * size][8]`, padded
/// with zeros.
pub(super) fn sorted(weight: &Tensor, bias: &Tensor) -> Result<(Vec<f32>, Vec<f32>)> {
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
    Ok((sorted, bias))
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

// SAFETY: it is only ever written through `Op::fill` of the two kinds of layers, whose callers give each thread pixels of its own.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}
