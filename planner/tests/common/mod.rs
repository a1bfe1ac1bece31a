//! The walking policy's network a second time, by candle.

use candle_core::{Device, Tensor};

/// Layers as matrices `[in, out]` and biases.
pub(crate) struct CandlePolicy(Vec<(Tensor, Tensor)>);

impl CandlePolicy {
    /// From a safetensors file's bytes.
    pub(crate) fn new(file: &[u8]) -> Self {
        let tensors = candle_core::safetensors::load_buffer(file, &Device::Cpu).expect("a good file");
        let layer = |i: usize| {
            let weight = tensors.get(&format!("{i}.weight"))?.t().and_then(|w| w.contiguous());
            Some((weight.expect("a matrix"), tensors.get(&format!("{i}.bias"))?.clone()))
        };
        Self((0..).map_while(layer).collect())
    }

    /// `[12]` outputs for `[45]` inputs.
    pub(crate) fn infer(&self, observation: &[f32]) -> Vec<f32> {
        let mut x = Tensor::from_slice(observation, (1, observation.len()), &Device::Cpu).expect("a row");
        for (i, (weight, bias)) in self.0.iter().enumerate() {
            x = x.matmul(weight).and_then(|x| x.broadcast_add(bias)).expect("they fit");
            if i + 1 < self.0.len() {
                x = x.elu(1.0).expect("runs");
            }
        }
        x.squeeze(0).and_then(|x| x.to_vec1()).expect("a row")
    }
}
