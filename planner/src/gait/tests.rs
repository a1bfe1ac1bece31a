use nalgebra::{Matrix3, Vector3};
use robot_interface::fixtures::{GO2_POLICY, go2};
use robot_interface::frames::Transform;
use robot_interface::joints::JointMeasurement;

use super::*;

fn upright(now: Stamp) -> RobotState {
    RobotState {
        stamp: now,
        map_from_base: Transform::identity(),
        velocity_m_s: Vector3::zeros(),
        angular_velocity_rad_s: Vector3::zeros(),
        contacts: [true; 4],
        position_covariance_m2: Matrix3::zeros(),
        yaw_sigma_rad: 0.0,
    }
}

/// Joints that are wherever they were last told to be.
fn at(now: Stamp, pose: &[f64; JOINTS]) -> JointStates {
    let joints = pose.map(|position_rad| JointMeasurement { position_rad, ..JointMeasurement::default() });
    JointStates { stamp: now, joints }
}

struct Rig {
    gait: Gait,
    now: Stamp,
    pose: [f64; JOINTS],
    state: RobotState,
    command: VelocityCommand,
    commanded_at: Option<Stamp>,
}

impl Rig {
    fn new() -> Self {
        let robot = go2();
        let gait = Gait::new(&robot, GO2_POLICY).expect("good weights");
        let state = upright(Stamp::ZERO);
        let command = VelocityCommand::default();
        let mut rig =
            Self { gait, now: Stamp::ZERO, pose: robot.lying_pose(), state, command, commanded_at: None };
        rig.run(0.01);
        rig
    }

    /// Runs for so long; returns the greatest step of a commanded position while it was held, rad.
    fn run(&mut self, seconds: f64) -> f64 {
        let mut greatest = 0.0f64;
        for _ in 0..(seconds / 0.002) as usize {
            self.now = self.now.plus_nanos(2_000_000);
            let given = self.commanded_at.unwrap_or(self.now);
            let commands =
                self.gait.step(self.now, &self.state, &at(self.now, &self.pose), (given, self.command));
            for (joint, command) in self.pose.iter_mut().zip(&commands) {
                if command.kp > 0.0 {
                    greatest = greatest.max((command.position_rad - *joint).abs());
                    *joint = command.position_rad;
                }
            }
        }
        greatest
    }
}

#[test]
fn it_stands_up_smoothly_walks_and_lies_down() {
    let mut rig = Rig::new();
    rig.gait.request(GaitMode::StandUp, rig.now).expect("from damped");
    let step = rig.run(GATHER_S + RISE_S);
    assert!(step < 0.01, "jumped by {step} rad");
    for (joint, stand) in rig.pose.iter().zip(go2().default_pose()) {
        assert!((joint - stand).abs() < 1e-3);
    }
    rig.run(SETTLE_S + 0.1);
    assert_eq!(rig.gait.mode(), GaitMode::Walk);
    rig.gait.request(GaitMode::LieDown, rig.now).expect("from walking");
    let step = rig.run(RISE_S + SETTLE_S + 0.1);
    assert!(step < 0.01, "jumped by {step} rad");
    assert_eq!(rig.gait.mode(), GaitMode::Damped);
}

#[test]
fn only_the_transitions_of_the_table_are_allowed() {
    use GaitMode::{Damped, LieDown, StandUp, Walk};
    let allowed = [(Damped, StandUp), (StandUp, LieDown), (Walk, LieDown)];
    for from in [Damped, StandUp, Walk, LieDown] {
        for to in [Damped, StandUp, Walk, LieDown] {
            let mut rig = Rig::new();
            rig.gait.enter(from, rig.now);
            let may = to == Damped || (from, to) == (Walk, Walk) || allowed.contains(&(from, to));
            let asked = rig.gait.request(to, rig.now);
            assert_eq!(asked.is_ok(), may, "{from:?} to {to:?}");
        }
    }
}

#[test]
fn a_fall_or_nonsense_ends_in_damping() {
    let mut rig = Rig::new();
    rig.gait.request(GaitMode::StandUp, rig.now).expect("from damped");
    rig.run(4.0);
    rig.state.map_from_base = Transform::from_xyz_rpy([0.0; 3], [1.2, 0.0, 0.0]);
    rig.run(0.01);
    assert!(rig.gait.fallen() && rig.gait.mode() == GaitMode::Damped);

    let mut rig = Rig::new();
    rig.gait.request(GaitMode::StandUp, rig.now).expect("from damped");
    rig.state.angular_velocity_rad_s.x = f64::NAN;
    let commands = rig.gait.step(rig.now, &rig.state, &at(rig.now, &rig.pose), (rig.now, rig.command));
    assert!(commands.iter().all(|c| c.kp == 0.0 && c.kd > 0.0));
    assert_eq!(rig.gait.mode(), GaitMode::Damped);
}

#[test]
fn commands_are_slewed_and_grow_stale() {
    let mut rig = Rig::new();
    rig.gait.request(GaitMode::StandUp, rig.now).expect("from damped");
    rig.run(GATHER_S + RISE_S + SETTLE_S + 0.05);
    rig.command = VelocityCommand { vx_m_s: 5.0, vy_m_s: 0.0, wz_rad_s: f64::INFINITY };
    rig.run(0.1);
    assert_eq!(rig.gait.command, VelocityCommand::default(), "an infinite command is none");
    rig.command.wz_rad_s = 0.0;
    rig.run(0.1);
    let vx = rig.gait.command.vx_m_s;
    assert!(vx > 0.2 && vx <= 0.31, "5 policy steps of 0.05: {vx}");
    rig.run(2.0);
    assert!((rig.gait.command.vx_m_s - go2().gait.max_command[0]).abs() < 1e-9, "limited");
    rig.commanded_at = Some(rig.now);
    rig.run(COMMAND_LIFE_S + 1.0);
    assert_eq!(rig.gait.command.vx_m_s, 0.0, "a stale command stops it");
}

/// At zero command the policy steps on the spot and turns by 0.2 rad/s: it once turned the cameras away from
/// the wall that they were to look at.
#[test]
fn without_a_command_it_comes_to_stand_still() {
    let mut rig = Rig::new();
    rig.gait.request(GaitMode::StandUp, rig.now).expect("from damped");
    rig.command.vx_m_s = 0.5;
    rig.run(GATHER_S + RISE_S + SETTLE_S + 1.0);
    assert_ne!(rig.gait.target, rig.gait.stand, "it walks");
    rig.commanded_at = Some(rig.now);
    rig.run(COMMAND_LIFE_S + 0.3 + STILL_AFTER_S + TO_HELD_POSE_S);
    let held = rig.gait.step(rig.now, &rig.state, &at(rig.now, &rig.pose), (Stamp::ZERO, rig.command));
    for (command, stand) in held.iter().zip(go2().default_pose()) {
        assert!(
            (command.position_rad - stand).abs() < 1e-9 && command.kp.total_cmp(&RISE_GAINS.kp).is_eq(),
            "{command:?}"
        );
    }
    rig.commanded_at = None;
    rig.run(TO_POLICY_S + 0.05);
    let walked = rig.gait.step(rig.now, &rig.state, &at(rig.now, &rig.pose), (rig.now, rig.command));
    assert!(walked.iter().all(|c| (c.kp - go2().gait.kp.get()).abs() < 1e-9), "the policy walks again");
}

#[test]
fn a_command_from_another_clock_is_none() {
    let mut rig = Rig::new();
    rig.gait.request(GaitMode::StandUp, rig.now).expect("from damped");
    rig.command.vx_m_s = 0.5;
    rig.commanded_at = Some(Stamp::from_nanos(u64::MAX));
    rig.run(GATHER_S + RISE_S + SETTLE_S + 0.5);
    assert_eq!(rig.gait.command, VelocityCommand::default());
}

/// The observation's layout, spelt out slot by slot and not by the code that makes it.
#[test]
fn the_observation_is_laid_out_as_trained() {
    let policy = Policy::new(&go2().gait, GO2_POLICY).expect("good weights");
    let mut state = upright(Stamp::ZERO);
    state.angular_velocity_rad_s = Vector3::new(1.0, 2.0, 4.0);
    state.map_from_base = Transform::from_xyz_rpy([5.0, 6.0, 7.0], [0.0, 0.3, 1.0]);
    let mut joints = at(Stamp::ZERO, &go2().default_pose());
    for (number, name) in robot_interface::joints::JOINT_NAMES.iter().enumerate() {
        match *name {
            "FR_hip_joint" => joints.joints[number].position_rad += 0.1,
            "RL_calf_joint" => joints.joints[number].position_rad += 0.2,
            "FL_thigh_joint" => joints.joints[number].velocity_rad_s = 10.0,
            _ => {}
        }
    }
    let command = VelocityCommand { vx_m_s: 0.6, vy_m_s: -0.1, wz_rad_s: 0.3 };
    let mut expected = [0.0f32; OBSERVATION];
    expected[..3].copy_from_slice(&[0.25, 0.5, 1.0]);
    // Nose down by 0.3 rad: gravity pulls towards the nose.
    expected[3..6].copy_from_slice(&[0.3f32.sin(), 0.0, -0.3f32.cos()]);
    expected[6..9].copy_from_slice(&[0.6, -0.1, 0.3]);
    // FR FL RR RL, hip thigh calf: FR hip is the first joint, RL calf the last, FL thigh the fifth.
    expected[9] = 0.1;
    expected[9 + 11] = 0.2;
    expected[21 + 4] = 0.5;
    for (slot, (found, wanted)) in policy.observe(&state, &joints, &command).iter().zip(expected).enumerate()
    {
        assert!((found - wanted).abs() < 1e-6, "slot {slot}: {found}, not {wanted}");
    }
}

#[test]
fn actions_reach_the_joints_that_they_are_meant_for() {
    let mut policy = Policy::new(&go2().gait, GO2_POLICY).expect("good weights");
    let (state, joints) = (upright(Stamp::ZERO), at(Stamp::ZERO, &go2().default_pose()));
    let command = VelocityCommand { vx_m_s: 0.5, ..VelocityCommand::default() };
    let action = policy.infer(&policy.observe(&state, &joints, &command));
    let target = policy.step(&state, &joints, &command).expect("runs");
    // The policy's third leg is RR, the robot's fourth; its second joint is the thigh.
    assert!((target[9 + 1] - (0.8 + 0.25 * f64::from(action[6 + 1]))).abs() < 1e-6);
    // The policy's first leg is FR, the robot's second; its first joint is the hip.
    assert!((target[3] - 0.125 * f64::from(action[0])).abs() < 1e-6);
    let next = policy.observe(&state, &joints, &command);
    assert_eq!(next[33..45], action, "the last output is the last input");
}

#[test]
fn the_network_agrees_with_the_onnx_reference() {
    #[derive(serde::Deserialize)]
    struct Case {
        observation: Vec<f32>,
        action: Vec<f32>,
    }
    let text = include_str!("../../tests/fixtures/policy_reference.json");
    let cases: Vec<Case> = serde_json::from_str(text).expect("JSON");
    let mut policy = Policy::new(&go2().gait, GO2_POLICY).expect("good weights");
    for case in cases {
        let action = policy.infer(&case.observation.try_into().expect("45 numbers"));
        for (ours, reference) in action.iter().zip(&case.action) {
            assert!((ours - reference).abs() < 1e-4 * (1.0 + reference.abs()), "{ours} {reference}");
        }
    }
}

#[test]
fn damaged_weights_are_refused() {
    let gait = go2().gait;
    assert!(Policy::new(&gait, b"not safetensors").is_err());
    assert!(Policy::new(&gait, &GO2_POLICY[..GO2_POLICY.len() / 2]).is_err());
    let mut poisoned = GO2_POLICY.to_vec();
    let end = poisoned.len();
    poisoned[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(matches!(Policy::new(&gait, &poisoned), Err(PolicyError::NotFinite(_))));
}

#[test]
fn a_description_that_would_panic_is_refused() {
    let refused = |change: &dyn Fn(&mut GaitDescription), key: &str| {
        let mut robot = go2();
        change(&mut robot.gait);
        let error = Gait::new(&robot, GO2_POLICY).expect_err(key).to_string();
        assert!(error.contains(key), "{error}");
    };
    refused(&|g| g.command_slew[1] = -0.1, "command_slew");
    refused(&|g| g.max_command[2] = f64::NAN, "max_command");
    refused(&|g| g.lying_pose_rad[0] = f64::INFINITY, "lying_pose_rad");
    refused(&|g| g.leg_order[3] = g.leg_order[0], "leg_order");
}
