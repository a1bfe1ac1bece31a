//! The gait controller does not allocate after start, whatever mode it is in.

mod common;

use allocation_counter::measure;
use common::CandlePolicy;
use nalgebra::{Matrix3, Vector3};
use planner::gait::{Gait, OBSERVATION};
use robot_interface::fixtures::{GO2_POLICY, go2};
use robot_interface::frames::Transform;
use robot_interface::joints::{JointMeasurement, JointStates};
use robot_interface::state::{RobotState, VelocityCommand};
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;

/// A controller and what it is told.
struct Rig {
    gait: Gait,
    now: Stamp,
    state: RobotState,
    joints: JointStates,
    command: VelocityCommand,
}

impl Rig {
    fn new() -> Self {
        let robot = go2();
        let state = RobotState {
            stamp: Stamp::ZERO,
            map_from_base: Transform::identity(),
            velocity_m_s: Vector3::zeros(),
            angular_velocity_rad_s: Vector3::zeros(),
            contacts: [true; 4],
            position_covariance_m2: Matrix3::zeros(),
            yaw_sigma_rad: 0.0,
        };
        let joints = robot
            .lying_pose()
            .map(|position_rad| JointMeasurement { position_rad, ..JointMeasurement::default() });
        Self {
            gait: Gait::new(&robot, GO2_POLICY).expect("good weights"),
            now: Stamp::ZERO,
            state,
            joints: JointStates { stamp: Stamp::ZERO, joints },
            command: VelocityCommand::default(),
        }
    }

    /// Steps for so long, and says in how many of the steps the mode at their end was `mode`.
    fn run(&mut self, seconds: f64, mode: GaitMode) -> usize {
        let mut count = 0;
        for _ in 0..(seconds * 500.0) as usize {
            self.now = self.now.plus_nanos(2_000_000);
            self.joints.stamp = self.now;
            let commands = self.gait.step(self.now, &self.state, &self.joints, (self.now, self.command));
            for (joint, command) in self.joints.joints.iter_mut().zip(&commands) {
                if command.kp > 0.0 {
                    joint.position_rad = command.position_rad;
                }
            }
            count += usize::from(self.gait.mode() == mode);
        }
        count
    }
}

#[test]
fn no_mode_allocates() {
    let mut rig = Rig::new();
    let info = measure(|| {
        assert_eq!(rig.run(0.1, GaitMode::Damped), 50);
        assert!(rig.gait.request(GaitMode::LieDown, rig.now).is_err(), "a refusal is part of it");
        rig.gait.request(GaitMode::StandUp, rig.now).expect("from damped");
        assert!(rig.run(3.0, GaitMode::StandUp) > 1000);
        rig.command.vx_m_s = 0.5;
        assert_eq!(rig.run(2.0, GaitMode::Walk), 1000);
        // Until it holds the standing pose, and back to walking.
        rig.command.vx_m_s = 0.0;
        assert_eq!(rig.run(3.0, GaitMode::Walk), 1500);
        rig.command.wz_rad_s = 0.3;
        assert_eq!(rig.run(1.0, GaitMode::Walk), 500);
        rig.gait.request(GaitMode::LieDown, rig.now).expect("from walking");
        assert!(rig.run(2.0, GaitMode::LieDown) > 500);
        assert_eq!(rig.gait.mode(), GaitMode::Damped);
    });
    assert_eq!(info.count_total, 0, "{info:?}");
}

#[test]
fn neither_a_fall_nor_nonsense_allocates() {
    let mut rig = Rig::new();
    let info = measure(|| {
        rig.run(0.1, GaitMode::Damped);
        rig.gait.request(GaitMode::StandUp, rig.now).expect("from damped");
        rig.run(3.0, GaitMode::Walk);
        rig.state.map_from_base = Transform::from_xyz_rpy([0.0; 3], [1.5, 0.0, 0.0]);
        rig.run(0.1, GaitMode::Damped);
        assert!(rig.gait.fallen());
        rig.state.map_from_base = Transform::identity();
        rig.gait.request(GaitMode::StandUp, rig.now).expect("it may try again");
        rig.run(3.0, GaitMode::Walk);
        rig.joints.joints[3].velocity_rad_s = f64::NAN;
        assert_eq!(rig.run(0.1, GaitMode::Damped), 50);
        // So far from all that is possible that the network's outputs are no numbers.
        rig.joints.joints[3].velocity_rad_s = 0.0;
        rig.gait.request(GaitMode::StandUp, rig.now).expect("from damped");
        rig.run(2.9, GaitMode::Walk);
        assert_eq!(rig.gait.mode(), GaitMode::Walk);
        rig.state.angular_velocity_rad_s = Vector3::repeat(1e300);
        assert_eq!(rig.run(0.1, GaitMode::Damped), 50);
    });
    assert_eq!(info.count_total, 0, "{info:?}");
}

#[test]
fn the_counter_counts() {
    let candle = CandlePolicy::new(GO2_POLICY);
    let info = measure(|| {
        candle.infer(&[0.1; OBSERVATION]);
    });
    assert!(info.count_total > 0, "candle makes tensors: {info:?}");
}
