//! What a physics step costs: the robot standing in a furnished tunnel, as in a mission.

use criterion::{Criterion, criterion_group, criterion_main};
use robot_interface::frames::Transform;
use robot_interface::robot::RobotDescription;
use robot_interface::tunnel::{Alignment, Section, SectionShape, Segment, TunnelDesign};
use sim::engine::rapier::RapierEngine;
use sim::engine::{Engine, JointDrive};
use sim::tunnel::{Tunnel, TunnelDescription};

fn step(c: &mut Criterion) {
    let robot: RobotDescription =
        toml::from_str(include_str!("../../launch/robots/go2.toml")).expect("a robot");
    let segment = Segment { length_m: 60.0, curvature_per_m: 0.0, grade: 0.0 };
    let shape = SectionShape::Circular { diameter_m: 3.0, floor_height_m: 0.45 };
    let design = TunnelDesign {
        alignment: Alignment::new(vec![segment]).expect("an alignment"),
        section: Section::new(shape).expect("a section"),
    };
    let tunnel = Tunnel::generate(&design, &TunnelDescription::default(), 1).expect("a tunnel");
    let mjcf = include_str!("../../launch/robots/go2/go2.xml");
    let start = Transform::from_xyz_rpy([1.0, 0.0, 0.33], [0.0; 3]);
    let mut engine = RapierEngine::new(mjcf, &robot, tunnel.geometry(), start).expect("an engine");
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
