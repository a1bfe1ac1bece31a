//! Posture of the robot on its legs, from the joints' angles and the trunk's attitude.

use nalgebra::Vector3;
use perception::kinematics::Kinematics;
use robot_interface::joints::{JOINTS, JointStates};
use robot_interface::robot::RobotDescription;
use robot_interface::state::{Posture, RobotState};

/// What a posture is measured by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostureGauge {
    kinematics: Kinematics,
    standing: [f64; JOINTS],
}

impl PostureGauge {
    pub(crate) fn new(robot: &RobotDescription) -> Self {
        Self { kinematics: Kinematics::new(&robot.legs), standing: robot.default_pose() }
    }

    /// Returns the posture of a robot in this state, with its joints so.
    pub(crate) fn measure(&self, state: &RobotState, joints: &JointStates) -> Posture {
        let angles = joints.positions();
        let up = state.map_from_base.rotation().inverse() * Vector3::z();
        let below = self.kinematics.legs(&angles).map(|leg| -leg.foot.coords.coords.dot(&up));
        let standing = || below.iter().zip(state.contacts).filter(|(_, stands)| *stands);
        let feet = standing().count();
        let centre_m = if feet > 0 {
            standing().map(|(below_m, _)| below_m).sum::<f64>() / feet as f64
        } else {
            below.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        };
        let errors = angles.iter().zip(&self.standing).map(|(angle, wanted)| (angle - wanted).abs());
        let (joint_error_of, joint_error_rad) =
            errors.enumerate().fold((0, 0.0), |far, one| if one.1 > far.1 { one } else { far });
        Posture {
            height_m: centre_m + self.kinematics.foot_radius_m(),
            tilt_rad: up.z.clamp(-1.0, 1.0).acos(),
            joint_error_rad,
            joint_error_of,
        }
    }
}

#[cfg(test)]
mod tests {
    use robot_interface::fixtures::go2;
    use robot_interface::frames::Transform;
    use robot_interface::joints::JointMeasurement;
    use robot_interface::time::Stamp;

    use super::*;

    fn posture(angles: [f64; JOINTS], rpy: [f64; 3], contacts: [bool; 4]) -> Posture {
        let state = RobotState {
            stamp: Stamp::ZERO,
            map_from_base: Transform::from_xyz_rpy([7.0, 2.0, -3.0], rpy),
            velocity_m_s: Vector3::zeros(),
            angular_velocity_rad_s: Vector3::zeros(),
            contacts,
            position_covariance_m2: nalgebra::Matrix3::zeros(),
            yaw_sigma_rad: 0.0,
        };
        let joints =
            angles.map(|position_rad| JointMeasurement { position_rad, ..JointMeasurement::default() });
        PostureGauge::new(&go2()).measure(&state, &JointStates { stamp: Stamp::ZERO, joints })
    }

    #[test]
    fn standing_and_lying_are_told_apart_by_the_legs_alone() {
        let robot = go2();
        let standing = posture(robot.default_pose(), [0.0; 3], [true; 4]);
        let height_m = robot.body.standing_height_m.get();
        assert!((standing.height_m - height_m).abs() < 0.03, "{standing:?}");
        assert!(standing.joint_error_rad < 1e-9 && standing.tilt_rad < 1e-9, "{standing:?}");
        for contacts in [[true; 4], [false; 4], [false, true, false, false]] {
            let lying = posture(robot.lying_pose(), [0.0; 3], contacts);
            assert!(lying.height_m < 0.45 * height_m, "{lying:?}");
            assert!(lying.joint_error_rad > 1.0, "{lying:?}");
        }
    }

    #[test]
    fn one_joint_that_lags_is_named_and_a_lean_is_measured() {
        let mut angles = go2().default_pose();
        angles[8] -= 0.9;
        let lame = posture(angles, [0.3, 0.0, 2.0], [true; 4]);
        assert_eq!((lame.joint_error_of, (lame.joint_error_rad - 0.9).abs() < 1e-9), (8, true));
        assert!((lame.tilt_rad - 0.3).abs() < 1e-9, "{lame:?}");
    }

    /// Feet in the air say nothing of the height.
    #[test]
    fn the_height_is_that_over_the_feet_that_stand() {
        let mut angles = go2().default_pose();
        angles[2] -= 0.8;
        let walking = posture(angles, [0.0; 3], [false, true, true, true]);
        let standing = posture(go2().default_pose(), [0.0; 3], [true; 4]);
        assert!((walking.height_m - standing.height_m).abs() < 1e-9, "{walking:?}");
    }
}
