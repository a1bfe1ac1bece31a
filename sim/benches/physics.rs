//! What a physics step costs: the robot standing in a furnished tunnel, as in a mission.

use criterion::{Criterion, criterion_group, criterion_main};
use robot_interface::fixtures::{BORED, GO2_MJCF, go2, straight_tunnel};
use robot_interface::frames::Transform;
use sim::engine::rapier::RapierEngine;
use sim::engine::{Engine, JointDrive};
use sim::tunnel::{Tunnel, TunnelDescription};

fn step(c: &mut Criterion) {
    let robot = go2();
    let tunnel =
        Tunnel::generate(&straight_tunnel(BORED, 60.0), &TunnelDescription::default(), 1).expect("a tunnel");
    let start = Transform::from_xyz_rpy([1.0, 0.0, 0.33], [0.0; 3]);
    let mut engine = RapierEngine::new(GO2_MJCF, &robot, tunnel.geometry(), start).expect("an engine");
    // Marking time, so that feet come and go.
    let mut step = 0u32;
    c.bench_function("physics step of 2 ms, marking time in a tunnel", |b| {
        b.iter(|| {
            let phase = f64::from(step % 250) / 250.0 * std::f64::consts::TAU;
            step += 1;
            let drives = std::array::from_fn(|i| {
                let diagonal = if matches!(i / 3, 0 | 3) { 1.0 } else { -1.0 };
                let lift = (diagonal * phase.sin()).max(0.0) * [0.0, 0.3, -0.6][i % 3];
                JointDrive {
                    position_rad: robot.default_pose()[i] + lift,
                    kp: 40.0,
                    kd: 1.0,
                    max_torque_nm: robot.joints.0[i].max_torque_nm.get(),
                    ..JointDrive::default()
                }
            });
            engine.step(&drives);
            engine.truth()
        });
    });
}

criterion_group!(benches, step);
criterion_main!(benches);
