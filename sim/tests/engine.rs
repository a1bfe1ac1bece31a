//! The Go2 in rapier: it stands where it is told to, twice the same, and its sensors make sense.

use nalgebra::UnitQuaternion;
use robot_interface::fixtures::{GO2_MJCF, go2};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::JOINTS;
use robot_interface::robot::RobotDescription;
use sim::engine::rapier::RapierEngine;
use sim::engine::{Engine, GRAVITY_M_S2, JointDrive};
use sim::geometry::{Shape, Solid, StaticGeometry};

fn flat_floor(friction: f32) -> StaticGeometry {
    let shape = Shape::Mesh {
        vertices: vec![[-9.0, -9.0, 0.0], [9.0, -9.0, 0.0], [9.0, 9.0, 0.0], [-9.0, 9.0, 0.0]],
        indices: vec![[0, 1, 2], [0, 2, 3]],
    };
    StaticGeometry { solids: vec![Solid { id: 0, shape, friction }] }
}

fn lying(robot: &RobotDescription, mjcf: &str) -> RapierEngine {
    let start = Transform::<Map, Base>::from_xyz_rpy([0.0, 0.0, 0.12], [0.0; 3]);
    RapierEngine::new(mjcf, robot, &flat_floor(0.8), start).expect("the model fits")
}

fn drives(robot: &RobotDescription, pose: [f64; JOINTS], kp: f64) -> [JointDrive; JOINTS] {
    std::array::from_fn(|i| JointDrive {
        position_rad: pose[i],
        kp,
        kd: 1.0,
        max_torque_nm: robot.joints.0[i].max_torque_nm.get(),
        ..JointDrive::default()
    })
}

/// Lies for half a second, rises in two, stands for one and a half.
fn stand_up(engine: &mut RapierEngine, robot: &RobotDescription) {
    let (low, high) = (robot.lying_pose(), robot.default_pose());
    for k in 0..2000 {
        let part = ((f64::from(k) * 0.002 - 0.5) / 2.0).clamp(0.0, 1.0);
        let pose = std::array::from_fn(|i| low[i] + part * (high[i] - low[i]));
        engine.step(&drives(robot, pose, 60.0));
    }
}

#[test]
fn it_stands_up_and_feels_its_weight() {
    let robot = go2();
    let mut engine = lying(&robot, GO2_MJCF);
    stand_up(&mut engine, &robot);
    let truth = engine.truth();
    let height = truth.map_from_base.origin().z;
    assert!((0.26..0.36).contains(&height), "stands at {height} m");
    assert!(truth.contacts.iter().all(|c| *c), "{:?}", truth.contacts);
    assert!((truth.specific_force_m_s2.norm() - GRAVITY_M_S2).abs() < 0.5, "{}", truth.specific_force_m_s2);
    // Knees carry the trunk: they hold against bending by torque of the same sign.
    let knees: Vec<f64> = engine.joints().iter().skip(2).step_by(3).map(|j| j.torque_nm).collect();
    assert!(knees.iter().all(|t| t.abs() > 1.0 && t.signum() == knees[0].signum()), "{knees:?}");
}

#[test]
fn two_runs_are_the_same_to_the_bit() {
    let robot = go2();
    let run = || {
        let mut engine = lying(&robot, GO2_MJCF);
        stand_up(&mut engine, &robot);
        engine.truth()
    };
    assert_eq!(run(), run());
}

#[test]
fn without_drive_it_lies_and_nothing_moves() {
    let robot = go2();
    let mut engine = lying(&robot, GO2_MJCF);
    for _ in 0..1000 {
        engine.step(&drives(&robot, [0.0; JOINTS], 0.0));
    }
    let truth = engine.truth();
    assert!(truth.map_from_base.origin().z < 0.2 && truth.velocity_m_s.norm() < 0.02, "{truth:?}");
}

#[test]
fn motors_pull_no_more_than_they_can() {
    let robot = go2();
    let mut engine = lying(&robot, GO2_MJCF);
    let mut hard = drives(&robot, robot.default_pose(), 500.0);
    for drive in &mut hard {
        drive.max_torque_nm = 2.0;
    }
    for _ in 0..500 {
        engine.step(&hard);
    }
    assert!(engine.truth().map_from_base.origin().z < 0.2, "2 N m cannot lift it");
    assert!(engine.joints().iter().all(|j| j.torque_nm.abs() <= 2.0));
}

/// Rapier makes contacts 2 cm ahead; they once counted as touching, which made a third of all contacts false.
#[test]
fn a_foot_just_above_the_floor_does_not_touch_it() {
    let robot = go2();
    let start = Transform::<Map, Base>::from_xyz_rpy([0.0, 0.0, 0.15], [0.0; 3]);
    let mut engine = RapierEngine::new(GO2_MJCF, &robot, &flat_floor(0.8), start).expect("the model fits");
    let hold = drives(&robot, robot.lying_pose(), 60.0);
    engine.step(&hold);
    assert_eq!(engine.truth().contacts, [false; 4]);
    let weightless = engine.truth().specific_force_m_s2.norm();
    assert!(weightless < 0.5, "in free fall it feels {weightless} m/s^2");
    for _ in 0..500 {
        engine.step(&hold);
    }
    assert!(engine.truth().contacts.contains(&true), "it has landed");
}

#[test]
fn a_torque_without_gains_is_the_torque_that_acts() {
    let robot = go2();
    // In free fall, on every joint: by torque alone, and by a spring so soft that only its torque counts.
    let fall = |kp: f64| {
        let start = Transform::<Map, Base>::from_xyz_rpy([0.0, 0.0, 2.0], [0.0; 3]);
        let mut engine =
            RapierEngine::new(GO2_MJCF, &robot, &flat_floor(0.8), start).expect("the model fits");
        let pull = std::array::from_fn(|i| JointDrive {
            kp,
            torque_nm: [4.0, -8.0, 6.0][i % 3],
            position_rad: robot.lying_pose()[i],
            max_torque_nm: 12.0,
            ..JointDrive::default()
        });
        for _ in 0..20 {
            engine.step(&pull);
        }
        engine.joints().map(|j| j.velocity_rad_s)
    };
    let (alone, spring) = (fall(0.0), fall(1e-3));
    assert!(alone.iter().skip(1).step_by(3).all(|v| *v < -0.5), "the thighs turn: {alone:?}");
    for (a, b) in alone.iter().zip(spring) {
        assert!((a - b).abs() < 0.02 * b.abs() + 0.01, "{alone:?} and {spring:?}");
    }
}

#[test]
fn it_slides_down_a_wet_slope_and_lies_on_a_dry_one() {
    let robot = go2();
    let tilt = 0.45f64;
    let slope = |friction: f32| {
        let mut floor = flat_floor(friction);
        let Shape::Mesh { vertices, .. } = &mut floor.solids[0].shape else { unreachable!("it is a mesh") };
        for corner in vertices {
            corner[2] = -corner[0] * tilt.tan() as f32;
        }
        let start = Transform::<Map, Base>::from_xyz_rpy([0.0, 0.0, 0.16], [0.0, tilt, 0.0]);
        let mut engine = RapierEngine::new(GO2_MJCF, &robot, &floor, start).expect("the model fits");
        for _ in 0..750 {
            engine.step(&drives(&robot, robot.lying_pose(), 60.0));
        }
        engine.truth().map_from_base.origin().x
    };
    // tan 0.45 is 0.48: more than wet concrete holds, less than dry.
    let (wet, dry) = (slope(0.35), slope(0.8));
    assert!(wet > 0.3 && dry < 0.1, "{wet} m and {dry} m");
}

#[test]
fn what_is_felt_adds_up_to_how_it_moved() {
    let robot = go2();
    let mut engine = lying(&robot, GO2_MJCF);
    let (low, high) = (robot.lying_pose(), robot.default_pose());
    let start = engine.truth();
    let (mut turned, mut moved) = (start.map_from_base.rotation(), start.map_from_base.origin());
    for k in 0..1500 {
        let part = (f64::from(k) * 0.002).clamp(0.0, 1.0);
        let pose =
            std::array::from_fn(|i| low[i] + part * (high[i] - low[i]) + 0.1 * (f64::from(k) * 0.02).sin());
        engine.step(&drives(&robot, pose, 40.0));
        let truth = engine.truth();
        turned *= UnitQuaternion::from_scaled_axis(truth.angular_velocity_rad_s * 0.002);
        moved += truth.velocity_m_s * 0.002;
    }
    let end = engine.truth().map_from_base;
    assert!((moved - end.origin()).norm() < 0.01, "{moved} and {}", end.origin());
    assert!(turned.angle_to(&end.rotation()) < 0.02, "{} rad", turned.angle_to(&end.rotation()));
}

#[test]
fn a_model_without_the_joints_is_refused() {
    let robot = go2();
    let start = Transform::<Map, Base>::identity();
    let refuse = |mjcf: &str| {
        RapierEngine::new(mjcf, &robot, &flat_floor(0.8), start)
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default()
    };
    assert!(refuse("not xml").contains("cannot be read"), "{}", refuse("not xml"));
    let renamed = GO2_MJCF.replace("RL_calf_joint", "RL_knee");
    assert!(refuse(&renamed).contains("RL_calf_joint"), "{}", refuse(&renamed));
}
