//! Costs of segmenting a picture of the robot's cameras, and of a layer beside candle's own convolution.

use candle_core::{Device, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use perception::defects::Segmenter;
use robot_interface::sensors::RgbImage;

/// A wall: light and dark patches, grain, and three dark lines.
fn picture(width: u32, height: u32) -> RgbImage {
    let hash = |x: u32, y: u32| {
        let mixed = (x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77)).wrapping_mul(0xC2B2_AE3D);
        f32::from((mixed >> 24) as u8) / 255.0
    };
    let patches = |x: u32, y: u32| {
        let (s, t) = ((x % 32) as f32 / 32.0, (y % 32) as f32 / 32.0);
        let [upper, lower] =
            [y / 32, y / 32 + 1].map(|y| (1.0 - s) * hash(x / 32, y) + s * hash(x / 32 + 1, y));
        (1.0 - t) * upper + t * lower
    };
    let light = |x: u32, y: u32| {
        let line = (x + y / 3) % 400 < 3;
        110.0 + 40.0 * patches(x, y) + 16.0 * hash(x + 7919, y) - if line { 70.0 } else { 0.0 }
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let data = pixels.flat_map(|(x, y)| [light(x, y) as u8; 3]).collect();
    RgbImage { width, height, data }
}

fn inference(c: &mut Criterion) {
    let segmenter = Segmenter::bundled().expect("the bundled weights load");
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let camera = picture(1024, 1280);
    let mut group = c.benchmark_group("inference");
    group.sample_size(20);
    group.bench_function("1024x1280, one thread", |b| b.iter(|| one.install(|| segmenter.segment(&camera))));
    group.bench_function("1024x1280", |b| b.iter(|| segmenter.segment(&camera)));
    // The peer: the decoder's last layer alone, by candle.
    let x = Tensor::ones((1, 16, 640, 512), candle_core::DType::F32, &Device::Cpu).expect("a tensor");
    let w = Tensor::ones((16, 16, 3, 3), candle_core::DType::F32, &Device::Cpu).expect("a tensor");
    group.bench_function("candle's conv2d, last layer alone", |b| b.iter(|| x.conv2d(&w, 1, 1, 1, 1)));
    group.finish();
}

criterion_group!(benches, inference);
criterion_main!(benches);
