use nalgebra::Vector3;
use robot_interface::frames::Transform;
use robot_interface::joints::JointMeasurement;

use super::*;

fn go2() -> RobotDescription {
    toml::from_str(include_str!("../../../launch/robots/go2.toml")).expect("the robot file is good")
}

const WEIGHTS: &[u8] = include_bytes!("../../../launch/robots/go2/policy/policy.safetensors");

fn upright(now: Stamp) -> RobotState {
    RobotState {
        stamp: now,
        map_from_base: Transform::identity(),
        velocity_m_s: Vector3::zeros(),
        angular_velocity_rad_s: Vector3::zeros(),
        contacts: [true; 4],
        position_sigma_m: Vector3::zeros(),
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
        let gait = Gait::new(&robot, WEIGHTS).expect("good weights");
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
    rig.gait.request(Mode::StandUp, rig.now).expect("from damped");
    let step = rig.run(GATHER_S + RISE_S);
    assert!(step < 0.01, "jumped by {step} rad");
    for (joint, stand) in rig.pose.iter().zip(go2().default_pose()) {
        assert!((joint - stand).abs() < 1e-3);
    }
    rig.run(SETTLE_S + 0.1);
    assert_eq!(rig.gait.mode(), Mode::Walk);
    rig.gait.request(Mode::LieDown, rig.now).expect("from walking");
    let step = rig.run(RISE_S + SETTLE_S + 0.1);
    assert!(step < 0.01, "jumped by {step} rad");
    assert_eq!(rig.gait.mode(), Mode::Damped);
}

#[test]
fn only_the_transitions_of_the_table_are_allowed() {
    use Mode::{Damped, LieDown, StandUp, Walk};
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
    rig.gait.request(Mode::StandUp, rig.now).expect("from damped");
    rig.run(4.0);
    rig.state.map_from_base = Transform::from_xyz_rpy([0.0; 3], [1.2, 0.0, 0.0]);
    rig.run(0.01);
    assert!(rig.gait.fallen() && rig.gait.mode() == Mode::Damped);

    let mut rig = Rig::new();
    rig.gait.request(Mode::StandUp, rig.now).expect("from damped");
    rig.state.angular_velocity_rad_s.x = f64::NAN;
    let commands = rig.gait.step(rig.now, &rig.state, &at(rig.now, &rig.pose), (rig.now, rig.command));
    assert!(commands.iter().all(|c| c.kp == 0.0 && c.kd > 0.0));
    assert_eq!(rig.gait.mode(), Mode::Damped);
}

#[test]
fn commands_are_slewed_and_grow_stale() {
    let mut rig = Rig::new();
    rig.gait.request(Mode::StandUp, rig.now).expect("from damped");
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

#[test]
fn the_network_agrees_with_the_onnx_reference() {
    #[derive(serde::Deserialize)]
    struct Case {
        observation: Vec<f32>,
        action: Vec<f32>,
    }
    let text = include_str!("../../tests/fixtures/policy_reference.json");
    let cases: Vec<Case> = serde_json::from_str(text).expect("JSON");
    let policy = Policy::new(&go2().gait, WEIGHTS).expect("good weights");
    for case in cases {
        let action = policy.infer(&case.observation.try_into().expect("45 numbers")).expect("runs");
        for (ours, reference) in action.iter().zip(&case.action) {
            assert!((ours - reference).abs() < 1e-4 * (1.0 + reference.abs()), "{ours} {reference}");
        }
    }
}

#[test]
fn damaged_weights_are_refused() {
    let gait = go2().gait;
    assert!(Policy::new(&gait, b"not safetensors").is_err());
    assert!(Policy::new(&gait, &WEIGHTS[..WEIGHTS.len() / 2]).is_err());
}
