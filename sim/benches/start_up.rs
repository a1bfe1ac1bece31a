//! Cost of a world's start over the tunnel's length: the plan, the stretches around the robot, and their shapes for the
//! physics. It must not grow.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use robot_interface::fixtures::{BORED, straight_tunnel};
use sim::camera::SIGHT_M;
use sim::engine::ScenePart;
use sim::tunnel::{TunnelDescription, TunnelPlan};

fn start_up(c: &mut Criterion) {
    let mut group = c.benchmark_group("start of a world");
    group.sample_size(10);
    for length_m in [12.0, 60.0, 200.0, 2_000.0, 20_000.0, 100_000.0] {
        let design = straight_tunnel(BORED, length_m);
        group.bench_with_input(BenchmarkId::from_parameter(length_m), &design, |b, design| {
            b.iter(|| {
                let plan =
                    TunnelPlan::new(design, &TunnelDescription::default(), black_box(1)).expect("a plan");
                let near = plan.within([1.0 - f64::from(SIGHT_M), 1.0 + f64::from(SIGHT_M)]);
                let parts =
                    near.map(|index| ScenePart::new(plan.stretch(index).geometry()).expect("good meshes"));
                parts.map(|part| part.triangles()).sum::<usize>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, start_up);
criterion_main!(benches);
