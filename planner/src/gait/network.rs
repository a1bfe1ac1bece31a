//! A multilayer perceptron: dense layers with ELU (Clevert et al. 2016) between them, in single precision.
//!
//! Evaluated within a control step, so it neither allocates nor can fail once it is made.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::error::PolicyError;

/// Outputs that are summed up side by side: eight SSE registers of four, enough to hide an addition's latency.
const LANES: usize = 32;

type Lanes = [f32; LANES];

/// The layers and the buffers between them, for `I` inputs and `O` outputs.
#[derive(Clone, Debug)]
pub(super) struct Network<const I: usize, const O: usize> {
    layers: Vec<Dense>,
    /// Input and output of a layer, by turns; each as wide as the widest of them.
    buffers: [Vec<Lanes>; 2],
}

impl<const I: usize, const O: usize> Network<I, O> {
    /// Reads tensors `N.weight` `[out, in]` and `N.bias` `[out]`, N from 0, from a safetensors file's bytes.
    ///
    /// # Errors
    /// When the file is damaged, its layers do not fit, or a weight is no finite number.
    pub(super) fn new(file: &[u8]) -> Result<Self, PolicyError> {
        let file = SafeTensors::deserialize(file)?;
        let tensor = |layer: usize, name: &str| file.tensor(&format!("{layer}.{name}")).ok();
        let pairs: Vec<_> = (0..).map_while(|i| Some((tensor(i, "weight")?, tensor(i, "bias")?))).collect();
        let shapes: Vec<_> = pairs.iter().map(|(weight, bias)| (weight.shape(), bias.shape())).collect();
        if !shapes_fit(&shapes, I, O) {
            return Err(PolicyError::Layers { found: format!("{shapes:?}") });
        }
        let layers = pairs.iter().map(|(weight, bias)| Ok(Dense::new(&numbers(weight)?, &numbers(bias)?)));
        let layers = layers.collect::<Result<Vec<_>, PolicyError>>()?;
        let widest = layers.iter().map(|layer| layer.bias.len()).max().unwrap_or(0).max(I.div_ceil(LANES));
        Ok(Self { layers, buffers: [vec![[0.0; LANES]; widest], vec![[0.0; LANES]; widest]] })
    }

    /// The outputs for these inputs.
    pub(super) fn infer(&mut self, inputs: &[f32; I]) -> [f32; O] {
        let [mut from, mut to] = self.buffers.each_mut();
        from.as_flattened_mut()[..I].copy_from_slice(inputs);
        for (number, layer) in self.layers.iter().enumerate() {
            let outputs = &mut to[..layer.bias.len()];
            layer.forward(from.as_flattened(), outputs);
            if number + 1 < self.layers.len() {
                outputs.as_flattened_mut().iter_mut().for_each(elu);
            }
            std::mem::swap(&mut from, &mut to);
        }
        let outputs = from.as_flattened();
        std::array::from_fn(|i| outputs[i])
    }
}

/// One layer: `y = W x + b`, its outputs in groups of [`LANES`] of which the last is filled up with zeros.
#[derive(Clone, Debug)]
struct Dense {
    inputs: usize,
    /// `[groups, inputs]` of lanes: in the order in which they are used.
    weights: Vec<Lanes>,
    /// `[groups]` of lanes.
    bias: Vec<Lanes>,
}

impl Dense {
    /// From weights `[out, in]`, row by row, and a bias `[out]`; neither is empty.
    fn new(weight: &[f32], bias: &[f32]) -> Self {
        let inputs = weight.len() / bias.len();
        let groups = bias.len().div_ceil(LANES);
        let lanes = |value: &dyn Fn(usize) -> Option<f32>, group: usize| -> Lanes {
            std::array::from_fn(|lane| value(group * LANES + lane).unwrap_or(0.0))
        };
        let at = |output: usize, input: usize| weight.get(output * inputs + input).copied();
        Self {
            inputs,
            weights: (0..groups)
                .flat_map(|group| (0..inputs).map(move |input| (group, input)))
                .map(|(group, input)| lanes(&|output| at(output, input), group))
                .collect(),
            bias: (0..groups).map(|group| lanes(&|output| bias.get(output).copied(), group)).collect(),
        }
    }

    /// `x` may be longer than the layer's inputs; `y` has as many groups as the layer.
    fn forward(&self, x: &[f32], y: &mut [Lanes]) {
        let groups = self.weights.chunks_exact(self.inputs).zip(&self.bias);
        for (y, (weights, bias)) in y.iter_mut().zip(groups) {
            // The lanes are independent sums, so that they can be vectors without reordering an addition.
            let mut sum = *bias;
            for (x, weights) in x.iter().zip(weights) {
                for (sum, weight) in sum.iter_mut().zip(weights) {
                    *sum += x * weight;
                }
            }
            *y = sum;
        }
    }
}

fn elu(x: &mut f32) {
    if *x < 0.0 {
        *x = x.exp() - 1.0;
    }
}

/// True for weights and biases whose shapes fit each other and these inputs and outputs.
fn shapes_fit(shapes: &[(&[usize], &[usize])], inputs: usize, outputs: usize) -> bool {
    let mut width = inputs;
    for shape in shapes {
        match *shape {
            (&[out, of], &[biases]) if of == width && biases == out && out > 0 => width = out,
            _ => return false,
        }
    }
    !shapes.is_empty() && width == outputs
}

fn numbers(tensor: &TensorView<'_>) -> Result<Vec<f32>, PolicyError> {
    if tensor.dtype() != Dtype::F32 {
        return Err(PolicyError::Type(tensor.dtype()));
    }
    let bytes = tensor.data().chunks_exact(4);
    let numbers: Vec<_> = bytes.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    if numbers.iter().all(|number| number.is_finite()) {
        Ok(numbers)
    } else {
        Err(PolicyError::NotFinite("contains"))
    }
}
