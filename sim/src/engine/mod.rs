//! Physics engine as a trait: what motors ask of it, and what sensors and scoring may see of it.
//!
//! [`Engine`] is small so that a second engine can stand beside the first as a witness.

pub mod rapier;
mod ray_caster;

use std::sync::Arc;

use nalgebra::Vector3;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::{JOINTS, LEGS};

pub use ray_caster::{BadMesh, SceneCaster, ScenePart};

use crate::geometry::RayCaster;

/// Standard gravity, m/s^2, along -z of `map`.
pub const GRAVITY_M_S2: f64 = 9.806_65;

/// A robot in a world that stands still.
pub trait Engine: Send {
    /// Time that a step takes, s.
    fn dt_s(&self) -> f64;

    /// Goes one step on, each joint driven as asked.
    fn step(&mut self, drives: &[JointDrive; JOINTS]);

    /// Readings of the motors' sensors, `[12]` in the order of [`robot_interface::joints::JOINT_NAMES`].
    fn joints(&self) -> [JointReading; JOINTS];

    /// Ground truth about the robot; for sensors and scoring only.
    fn truth(&self) -> GroundTruth;

    /// Answers ray casts against the world as it is made now, without the robot; usable beside [`Engine::step`].
    fn ray_caster(&self) -> Arc<dyn RayCaster>;
}

/// Ground truth: the robot's real pose and motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroundTruth {
    /// Pose of the trunk.
    pub map_from_base: Transform<Map, Base>,
    /// Velocity of the trunk's origin in `map`, m/s.
    pub velocity_m_s: Vector3<f64>,
    /// Angular velocity in the base frame, rad/s.
    pub angular_velocity_rad_s: Vector3<f64>,
    /// Specific force at the inertial sensor in the base frame, m/s^2, mean over the last step.
    pub specific_force_m_s2: Vector3<f64>,
    /// Feet that the world pushes, FL FR RL RR.
    pub contacts: [bool; LEGS],
}

/// Impedance drive of a joint during a step:
/// `torque = kp (q - q_now) + kd (dq - dq_now) + torque_nm`, within `max_torque_nm` either way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JointDrive {
    /// Wanted position, rad.
    pub position_rad: f64,
    /// Wanted velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Stiffness, N m/rad.
    pub kp: f64,
    /// Damping, N m s/rad.
    pub kd: f64,
    /// Feed-forward torque, N m.
    pub torque_nm: f64,
    /// Greatest torque of the motor at the joint, N m.
    pub max_torque_nm: f64,
}

/// Reading of a motor's sensors at its joint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JointReading {
    /// Position, rad.
    pub position_rad: f64,
    /// Velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Torque that the motor applied in the last step, N m.
    pub torque_nm: f64,
}
