//! What a lidar scan costs, and a ray: over the engine's own shapes, and over the hierarchy without an engine.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use robot_interface::fixtures::{BORED, go2, straight_tunnel};
use robot_interface::frames::Transform;
use robot_interface::time::Stamp;
use sim::engine::SceneCaster;
use sim::geometry::{Bvh, RayCaster};
use sim::lidar::LidarSensor;
use sim::tunnel::{Tunnel, TunnelDescription};

fn scan(c: &mut Criterion) {
    let robot = go2();
    let tunnel =
        Tunnel::generate(&straight_tunnel(BORED, 60.0), &TunnelDescription::default(), 1).expect("a tunnel");
    let lidar = LidarSensor::new(&robot, 1).expect("a pattern").in_tunnel(&tunnel);
    let engine = SceneCaster::new(tunnel.geometry()).expect("good meshes");
    let plain = Bvh::new(tunnel.geometry());
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let pose = |t: f64| Transform::from_xyz_rpy([20.0 + 0.6 * t, 0.0, 0.33], [0.0; 3]);
    for (name, caster) in [("engine", &engine as &dyn RayCaster), ("plain", &plain)] {
        let mut tenth = 0u64;
        c.bench_function(&format!("lidar scan, {name} caster, one thread"), |b| {
            b.iter(|| {
                tenth += 1;
                one.install(|| lidar.scan(caster, Stamp::from_nanos(tenth * 100_000_000), pose))
            });
        });
        c.bench_function(&format!("ray at the wall, {name} caster"), |b| {
            b.iter(|| caster.cast(black_box([20.0, 0.0, 0.4]), black_box([0.48, 0.6, 0.64]), 40.0));
        });
    }
}

criterion_group!(benches, scan);
criterion_main!(benches);
