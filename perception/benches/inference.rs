//! Costs of segmenting a picture of the robot's cameras, and of a layer beside candle's own convolution.

use candle_core::{Device, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use perception::defects::Segmenter;
use robot_interface::sensors::RgbImage;

fn picture(width: u32, height: u32) -> RgbImage {
    let data =
        (0..width * height * 3).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 / 4 + 90).collect();
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
