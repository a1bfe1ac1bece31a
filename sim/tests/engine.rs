//! The Go2 in rapier: it stands where it is told to, twice the same, and its sensors make sense.

use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::JOINTS;
use robot_interface::robot::RobotDescription;
use sim::engine::rapier::RapierEngine;
use sim::engine::{Engine, GRAVITY_M_S2, JointDrive};
use sim::geometry::{Shape, Solid, StaticGeometry};

fn go2() -> RobotDescription {
    toml::from_str(include_str!("../../launch/robots/go2.toml")).expect("the robot file is good")
}

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

const MJCF: &str = include_str!("../../launch/robots/go2/go2.xml");

#[test]
fn it_stands_up_and_feels_its_weight() {
    let robot = go2();
    let mut engine = lying(&robot, MJCF);
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
        let mut engine = lying(&robot, MJCF);
        stand_up(&mut engine, &robot);
        engine.truth()
    };
    assert_eq!(run(), run());
}

#[test]
fn without_drive_it_lies_and_nothing_moves() {
    let robot = go2();
    let mut engine = lying(&robot, MJCF);
    for _ in 0..1000 {
        engine.step(&drives(&robot, [0.0; JOINTS], 0.0));
    }
    let truth = engine.truth();
    assert!(truth.map_from_base.origin().z < 0.2 && truth.velocity_m_s.norm() < 0.02, "{truth:?}");
}

#[test]
fn motors_pull_no_more_than_they_can() {
    let robot = go2();
    let mut engine = lying(&robot, MJCF);
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
    let renamed = MJCF.replace("RL_calf_joint", "RL_knee");
    assert!(refuse(&renamed).contains("RL_calf_joint"), "{}", refuse(&renamed));
}
