//! The robot's estimated state, and what it is asked to do.

use nalgebra::{Matrix3, Vector3};

use crate::frames::{Base, Map, Transform};
use crate::time::Stamp;

/// Estimated state of the robot's trunk: pose, velocity, contacts and uncertainty (never as simulated).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobotState {
    /// The time the estimate is for.
    pub stamp: Stamp,
    /// Pose of the trunk.
    pub map_from_base: Transform<Map, Base>,
    /// Linear velocity of the trunk in the base frame, m/s.
    pub velocity_m_s: Vector3<f64>,
    /// Angular velocity of the trunk in the base frame, rad/s, bias removed.
    pub angular_velocity_rad_s: Vector3<f64>,
    /// Feet that carry weight, FL FR RL RR.
    pub contacts: [bool; 4],
    /// Covariance of the position in `map`, m^2, `[x, y, z]`.
    pub position_covariance_m2: Matrix3<f64>,
    /// One-sigma of the heading, rad.
    pub yaw_sigma_rad: f64,
}

impl RobotState {
    /// Returns the one-sigma of the position along a horizontal direction in `map`, m; `heading_rad` is counter-clockwise
    /// from x.
    pub fn position_sigma_along(&self, heading_rad: f64) -> f64 {
        let (sin, cos) = heading_rad.sin_cos();
        let along = Vector3::new(cos, sin, 0.0);
        (self.position_covariance_m2 * along).dot(&along).max(0.0).sqrt()
    }
}

/// How the robot stands on its legs, as their joints measure it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Posture {
    /// Height of the base above the ground under its feet, m: of those that carry weight, or of the lowest one.
    pub height_m: f64,
    /// Angle between the trunk's up and the world's, rad.
    pub tilt_rad: f64,
    /// Distance from the standing pose of the joint that is farthest from it, rad.
    pub joint_error_rad: f64,
    /// That joint's place in [`JOINT_NAMES`](crate::joints::JOINT_NAMES).
    pub joint_error_of: usize,
}

/// A body velocity to walk at, in the base frame's horizontal projection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VelocityCommand {
    /// Forward, m/s.
    pub vx_m_s: f64,
    /// To the left, m/s.
    pub vy_m_s: f64,
    /// Turning, rad/s, counter-clockwise positive.
    pub wz_rad_s: f64,
}
