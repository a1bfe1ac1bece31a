//! What a picture costs: colour and thermal, of a furnished tunnel, as the robot takes them.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nalgebra::Point3;
use robot_interface::fixtures::{BORED, straight_tunnel};
use robot_interface::sensors::Intrinsics;
use robot_interface::time::Stamp;
use sim::camera::{Camera, Exposure, Film, Lighting, looking_at};
use sim::geometry::Bvh;
use sim::thermal::ThermalCamera;
use sim::tunnel::{Tunnel, TunnelDescription};

fn pictures(c: &mut Criterion) {
    let design = straight_tunnel(BORED, 20.0);
    let tunnel = Tunnel::generate(&design, &TunnelDescription::default(), 1).expect("a tunnel");
    let caster = Bvh::new(tunnel.geometry());
    let eye = Point3::new(10.0, 0.0, 0.45);
    let lens = Intrinsics::from_fov(1024, 1280, 67.7f64.to_radians());
    let film = Film { noise: 0.012, key: 0.2, softness: 0.08, contrast: 1.0 };
    let camera = Camera { index: 0, lens, lighting: Lighting::ROBOT, film };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    for (name, side) in [("bare wall", 1.0), ("cable wall", -1.0)] {
        let pose = looking_at(eye, eye + nalgebra::Vector3::new(0.0, side, 0.27));
        let exposure = Exposure::still(pose, Stamp::ZERO);
        c.bench_function(&format!("picture 1024x1280, {name}, one thread"), |b| {
            b.iter(|| one.install(|| camera.render(&tunnel, &caster, black_box(&exposure), 1)));
        });
        let thermal = ThermalCamera { index: 0, lens: Intrinsics::from_fov(160, 120, 1.3), netd_k: 0.05 };
        c.bench_function(&format!("thermal 160x120, {name}, one thread"), |b| {
            b.iter(|| one.install(|| thermal.render(&tunnel, &caster, black_box(pose), Stamp::ZERO, 1)));
        });
    }
    c.bench_function("generate 20 m of tunnel", |b| {
        b.iter(|| Tunnel::generate(&design, &TunnelDescription::default(), black_box(1)));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = pictures
}
criterion_main!(benches);
