//! Costs of a plan over the local map, and of a step of the walking policy.

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::CandlePolicy;
use criterion::{Criterion, criterion_group, criterion_main};
use planner::gait::{OBSERVATION, Policy};
use planner::path::PathPlanner;
use robot_interface::fixtures::{GO2_POLICY, go2};
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;

/// 8 x 8 m of tunnel floor, 2.2 m wide, with boxes on it.
fn cluttered() -> TerrainGrid {
    let size = 160;
    let mut grid = TerrainGrid {
        stamp: Stamp::ZERO,
        origin_m: [-4.0, -4.0],
        resolution_m: 0.05,
        size,
        elevation_m: vec![0.0; size * size],
        traversability: vec![0.9; size * size],
    };
    for cell in 0..size * size {
        let [x, y] = grid.centre_of(cell);
        let wall = y.abs() > 1.1;
        let boxes =
            [(-1.0, 0.4), (0.5, -0.4), (1.8, 0.3)].iter().any(|(bx, by)| (x - bx).hypot(y - by) < 0.25);
        if wall || boxes {
            grid.traversability[cell] = 0.0;
        }
    }
    grid
}

fn plan(c: &mut Criterion) {
    let robot = go2();
    let (mut planner, grid) = (PathPlanner::new(&robot), cluttered());
    c.bench_function("plan a path of 6 m over 160 x 160 cells", |b| {
        b.iter(|| planner.plan(black_box(&grid), [-3.0, 0.0], [3.0, 0.0]).expect("there is a way"));
    });
}

fn policy(c: &mut Criterion) {
    let mut group = c.benchmark_group("policy step");
    let mut ours = Policy::new(&go2().gait, GO2_POLICY).expect("good weights");
    let candle = CandlePolicy::new(GO2_POLICY);
    let observation = [0.1; OBSERVATION];
    group.bench_function("adit", |b| b.iter(|| ours.infer(black_box(&observation))));
    group.bench_function("candle", |b| b.iter(|| candle.infer(black_box(&observation))));
    group.finish();
}

criterion_group!(benches, plan, policy);
criterion_main!(benches);
