//! The walking policy's own inference beside candle's, and weights that must be refused.

mod common;

use common::CandlePolicy;
use planner::gait::{OBSERVATION, Policy, PolicyError};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use robot_interface::fixtures::{GO2_POLICY, go2};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};

#[test]
fn own_inference_agrees_with_candles() {
    let mut ours = Policy::new(&go2().gait, GO2_POLICY).expect("good weights");
    let candle = CandlePolicy::new(GO2_POLICY);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    // From a quiet stand to far beyond what the policy ever meets.
    for scale in [0.1, 1.0, 10.0, 100.0] {
        for _ in 0..500 {
            let observation: [f32; OBSERVATION] = std::array::from_fn(|_| rng.random_range(-scale..scale));
            let (found, wanted) = (ours.infer(&observation), candle.infer(&observation));
            let size = wanted.iter().fold(1.0_f32, |most, value| most.max(value.abs()));
            for (found, wanted) in found.iter().zip(&wanted) {
                assert!((found - wanted).abs() < 1e-5 * size, "{found}, by candle {wanted}, of {size}");
            }
        }
    }
}

/// A file of layers with these weights' and biases' shapes.
fn file(layers: &[(&[usize], &[usize])], dtype: Dtype) -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    let view = |shape: &[usize]| {
        let bytes = shape.iter().product::<usize>() * dtype.bitsize() / 8;
        TensorView::new(dtype, shape.to_vec(), &zeros[..bytes]).expect("the right number of bytes")
    };
    let tensors = layers.iter().enumerate().flat_map(|(i, (weight, bias))| {
        [(format!("{i}.weight"), view(weight)), (format!("{i}.bias"), view(bias))]
    });
    serialize(tensors.collect::<Vec<_>>(), None).expect("a file")
}

#[test]
fn layers_that_do_not_fit_are_refused() {
    let good: &[(&[usize], &[usize])] = &[(&[7, 45], &[7]), (&[12, 7], &[12])];
    let mut policy = Policy::new(&go2().gait, &file(good, Dtype::F32)).expect("layers of any width will do");
    assert_eq!(policy.infer(&[1.0; OBSERVATION]), [0.0; 12]);
    assert!(matches!(Policy::new(&go2().gait, &file(good, Dtype::F16)), Err(PolicyError::Type(Dtype::F16))));

    let bad: [&[(&[usize], &[usize])]; 8] = [
        &[],
        &[(&[12, 44], &[12])],
        &[(&[11, 45], &[11])],
        &[(&[7, 45], &[7]), (&[12, 8], &[12])],
        &[(&[7, 45], &[6]), (&[12, 7], &[12])],
        &[(&[12, 45, 1], &[12])],
        &[(&[12, 45], &[12, 1])],
        &[(&[0, 45], &[0]), (&[12, 0], &[12])],
    ];
    for layers in bad {
        let refused = Policy::new(&go2().gait, &file(layers, Dtype::F32));
        assert!(matches!(refused, Err(PolicyError::Layers { .. })), "{layers:?}: {refused:?}");
    }
}
