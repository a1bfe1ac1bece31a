//! The network: the first half of EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946) as encoder, and a decoder that adds
//! the encoder's features on its way up (after Lin et al. 2017, arXiv:1612.03144). `training/model.py` is its twin.
//!
//! The encoder halves four times; the decoder climbs back to half resolution, where each pixel's scores are
//! given for its four quarters (sub-pixel convolution, Shi et al. 2016, arXiv:1609.05158), so that cracks of
//! a pixel's width survive.

use std::collections::HashMap;

use candle_core::{Device, Error, Result, Tensor};

use super::buffers;
use super::conv::{Activation, Conv2d, InvertedResidual, Layer};
use super::inputs::INPUTS;

/// Both sides of the network's input must be multiples of this.
pub(super) const STRIDE: usize = 16;
/// Background and the classes that a picture shows.
pub(super) const OUTPUTS: usize = 5;
/// Stride of each block of the encoder.
const STRIDES: [usize; 8] = [1, 2, 1, 2, 1, 2, 1, 1];
/// The blocks whose features the decoder adds: the last ones at 1/2, 1/4 and 1/8.
const TAPS: [usize; 3] = [0, 2, 4];

#[derive(Clone, Debug)]
pub(super) struct Network {
    stem: Conv2d,
    blocks: Vec<InvertedResidual>,
    /// From deep to shallow.
    decoder: [Step; 3],
    head: Conv2d,
}

/// A step of the decoder: deeper features narrowed and repeated, the encoder's added, and a convolution of the sum.
#[derive(Clone, Debug)]
struct Step {
    narrow: Conv2d,
    lateral: Conv2d,
    conv: Conv2d,
}

/// The weights' tensors, `NAME.weight` and `NAME.bias`, taken layer by layer.
struct Layers(HashMap<String, Tensor>);

impl Layers {
    fn take(&mut self, name: &str) -> Result<Layer> {
        let mut part = |part: &str| {
            let name = format!("{name}.{part}");
            self.0.remove(&name).ok_or_else(|| Error::Msg(format!("there is no tensor {name}")))
        };
        Ok((part("weight")?, part("bias")?))
    }

    fn conv(&mut self, name: &str, stride: usize, activation: Activation) -> Result<Conv2d> {
        let (weight, bias) = self.take(name)?;
        Conv2d::new(&weight, &bias, stride, activation)
    }

    /// The first block does not widen.
    fn block(&mut self, number: usize, stride: usize) -> Result<InvertedResidual> {
        let expand = (number > 0).then(|| self.take(&format!("b{number}.expand"))).transpose()?;
        let depthwise = self.take(&format!("b{number}.depthwise"))?;
        let project = self.take(&format!("b{number}.project"))?;
        InvertedResidual::new(expand, &depthwise, &project, stride)
    }

    /// The step that ends at 1 / 2^`level`.
    fn step(&mut self, level: usize) -> Result<Step> {
        Ok(Step {
            narrow: self.conv(&format!("p{}", level + 1), 1, Activation::Linear)?,
            lateral: self.conv(&format!("l{level}"), 1, Activation::Relu)?,
            conv: self.conv(&format!("d{level}"), 1, Activation::Relu)?,
        })
    }
}

impl Network {
    /// From the layers' tensors, `NAME.weight` and `NAME.bias`.
    ///
    /// # Errors
    /// When a layer is missing or its shape is not what its neighbours need.
    pub(super) fn new(tensors: HashMap<String, Tensor>) -> Result<Self> {
        let mut layers = Layers(tensors);
        let stem = layers.conv("stem", 2, Activation::Relu6)?;
        let blocks = STRIDES.into_iter().enumerate().map(|(i, stride)| layers.block(i, stride));
        let blocks = blocks.collect::<Result<_>>()?;
        let decoder = [layers.step(3)?, layers.step(2)?, layers.step(1)?];
        let network = Self { stem, blocks, decoder, head: layers.conv("head", 1, Activation::Linear)? };
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
        let mut skips = Vec::with_capacity(TAPS.len());
        let mut x = self.stem.forward(x)?;
        for (i, block) in self.blocks.iter().enumerate() {
            let y = block.forward(&x)?;
            if i > 0 && TAPS.contains(&(i - 1)) {
                skips.push(x);
            } else {
                buffers::recycle(&x)?;
            }
            x = y;
        }
        for (step, skip) in self.decoder.iter().zip(skips.iter().rev()) {
            let narrow = step.narrow.forward(&x)?;
            let sum = step.lateral.forward_onto(skip, &narrow)?;
            for done in [&x, skip, &narrow] {
                buffers::recycle(done)?;
            }
            x = step.conv.forward(&sum)?;
            buffers::recycle(&sum)?;
        }
        let logits = self.head.forward(&x)?;
        buffers::recycle(&x)?;
        Ok(logits)
    }
}
