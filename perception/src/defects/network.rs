//! The network: a small encoder-decoder of dense convolutions whose decoder adds the encoder's features
//! (after LinkNet, Chaurasia and Culurciello 2017, arXiv:1707.03718). `training/model.py` is its twin.
//!
//! The encoder halves five times; the decoder climbs back to half resolution, where each pixel's scores are
//! given for its four quarters (sub-pixel convolution, Shi et al. 2016, arXiv:1609.05158), so that cracks of
//! a pixel's width survive.

use std::collections::HashMap;

use candle_core::{CpuStorage, CustomOp2, Device, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::conv::Conv2d;
use super::inputs::INPUTS;

/// Both sides of the network's input must be multiples of this.
pub(super) const STRIDE: usize = 32;
/// Background and the classes that a picture shows.
pub(super) const OUTPUTS: usize = 5;

#[derive(Clone, Debug)]
pub(super) struct Network {
    encoder: [Vec<Conv2d>; 5],
    /// From deep to shallow: what narrows the deeper features, and what follows the sum.
    decoder: [(Conv2d, Conv2d); 4],
    head: Conv2d,
}

impl Network {
    /// From the layers' tensors, `NAME.weight` and `NAME.bias`.
    ///
    /// # Errors
    /// When a layer is missing or its shape is not what its neighbours need.
    pub(super) fn new(mut tensors: HashMap<String, Tensor>) -> Result<Self> {
        let mut layer = |name: &str, stride: usize, relu: bool| {
            let mut take = |part: &str| {
                let name = format!("{name}.{part}");
                tensors.remove(&name).ok_or_else(|| Error::Msg(format!("there is no tensor {name}")))
            };
            Conv2d::new(&take("weight")?, &take("bias")?, stride, relu)
        };
        let mut pair =
            |name: &str| Ok::<_, Error>(vec![layer(name, 2, true)?, layer(&format!("{name}b"), 1, true)?]);
        let deeper = [pair("e2")?, pair("e3")?, pair("e4")?, pair("e5")?];
        let [e2, e3, e4, e5] = deeper;
        let encoder = [vec![layer("e1", 2, true)?], e2, e3, e4, e5];
        let mut step = |n: usize| {
            Ok::<_, Error>((layer(&format!("p{}", n + 1), 1, false)?, layer(&format!("d{n}"), 1, true)?))
        };
        let decoder = [step(4)?, step(3)?, step(2)?, step(1)?];
        let network = Self { encoder, decoder, head: layer("head", 1, false)? };
        // A picture of the least size goes through once, so that shapes that do not fit are found here.
        let probe = Tensor::zeros((1, INPUTS, STRIDE, STRIDE), candle_core::DType::F32, &Device::Cpu)?;
        let shape = network.forward(&probe)?;
        if shape.dims() != [1, 4 * OUTPUTS, STRIDE / 2, STRIDE / 2] {
            return Err(Error::Msg(format!("the head gives {:?}", shape.dims())));
        }
        Ok(network)
    }

    /// `[1, 5, h, w]` to logits `[1, 5 * 4, h / 2, w / 2]`: for each class the upper
    /// left, upper right, lower left and lower right quarter of every pixel.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut skips = Vec::with_capacity(self.encoder.len());
        let mut x = x.clone();
        for stage in &self.encoder {
            for conv in stage {
                x = conv.forward(&x)?;
            }
            skips.push(x.clone());
        }
        skips.pop();
        for (narrow, conv) in &self.decoder {
            let skip =
                skips.pop().ok_or_else(|| Error::Msg("the decoder is deeper than the encoder".into()))?;
            let sum = skip.apply_op2_no_bwd(&narrow.forward(&x)?, &AddUpsampled)?;
            drop(skip);
            x = conv.forward(&sum)?;
        }
        self.head.forward(&x)
    }
}

/// `relu(a + b)` where `b` has half the resolution of `a` and is repeated.
struct AddUpsampled;

impl CustomOp2 for AddUpsampled {
    fn name(&self) -> &'static str {
        "add-upsampled-relu"
    }

    fn cpu_fwd(
        &self,
        fine: &CpuStorage,
        fine_layout: &Layout,
        coarse: &CpuStorage,
        coarse_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = fine_layout.shape().dims4()?;
        if coarse_layout.shape().dims() != [batch, channels, height / 2, width / 2]
            || width % 2 + height % 2 > 0
        {
            return Err(Error::Msg(format!(
                "cannot add {:?}, repeated, to {:?}",
                coarse_layout.shape(),
                fine_layout.shape()
            )));
        }
        let (Some((f0, f1)), Some((c0, c1))) =
            (fine_layout.contiguous_offsets(), coarse_layout.contiguous_offsets())
        else {
            return Err(Error::Msg("the operands of a sum must be contiguous".into()));
        };
        let (fine, coarse) = (&fine.as_slice::<f32>()?[f0..f1], &coarse.as_slice::<f32>()?[c0..c1]);
        let mut out = vec![0.0f32; fine.len()];
        if width > 0 {
            out.par_chunks_mut(2 * width)
                .zip(fine.par_chunks(2 * width))
                .zip(coarse.par_chunks(width / 2))
                .for_each(|((out, fine), coarse)| {
                    for (out, fine) in out.chunks_mut(width).zip(fine.chunks(width)) {
                        for ((out, fine), c) in out.chunks_exact_mut(2).zip(fine.chunks_exact(2)).zip(coarse)
                        {
                            out[0] = (fine[0] + c).max(0.0);
                            out[1] = (fine[1] + c).max(0.0);
                        }
                    }
                });
        }
        Ok((CpuStorage::F32(out), fine_layout.shape().clone()))
    }
}
