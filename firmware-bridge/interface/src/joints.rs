//! Legs, joints, and a joint's commands and measurements. All joint-side: after the gearbox.

use serde::{Deserialize, Serialize};

use crate::time::Stamp;

/// Number of legs.
pub const LEGS: usize = 4;
/// Number of actuated joints.
pub const JOINTS: usize = 12;

/// A leg, in the order in which arrays of four are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Leg {
    /// Front left.
    FL,
    /// Front right.
    FR,
    /// Rear left.
    RL,
    /// Rear right.
    RR,
}

impl Leg {
    /// All legs in array order.
    pub const ALL: [Self; LEGS] = [Self::FL, Self::FR, Self::RL, Self::RR];

    /// Place in arrays of four.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name used in joint and frame names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FL => "FL",
            Self::FR => "FR",
            Self::RL => "RL",
            Self::RR => "RR",
        }
    }

    /// +1 for the left legs, -1 for the right ones.
    pub const fn side(self) -> f64 {
        match self {
            Self::FL | Self::RL => 1.0,
            Self::FR | Self::RR => -1.0,
        }
    }

    /// +1 for the front legs, -1 for the rear ones.
    pub const fn front(self) -> f64 {
        match self {
            Self::FL | Self::FR => 1.0,
            Self::RL | Self::RR => -1.0,
        }
    }
}

/// Joint names in array order: three a leg, hip (abduction), thigh, calf.
pub const JOINT_NAMES: [&str; JOINTS] = [
    "FL_hip_joint",
    "FL_thigh_joint",
    "FL_calf_joint",
    "FR_hip_joint",
    "FR_thigh_joint",
    "FR_calf_joint",
    "RL_hip_joint",
    "RL_thigh_joint",
    "RL_calf_joint",
    "RR_hip_joint",
    "RR_thigh_joint",
    "RR_calf_joint",
];

/// Impedance command to one joint: `torque = kp (q - q_now) + kd (dq - dq_now) + torque_nm`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JointCommand {
    /// Wanted position, rad.
    pub position_rad: f64,
    /// Wanted velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Feed-forward torque, N m.
    pub torque_nm: f64,
    /// Stiffness, N m/rad.
    pub kp: f64,
    /// Damping, N m s/rad.
    pub kd: f64,
}

impl JointCommand {
    /// No stiffness, damping only: a stopped robot's joints.
    pub const fn damping(kd: f64) -> Self {
        Self { position_rad: 0.0, velocity_rad_s: 0.0, torque_nm: 0.0, kp: 0.0, kd }
    }
}

/// Measurement of a joint by its motor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JointMeasurement {
    /// Position, rad.
    pub position_rad: f64,
    /// Velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Torque, N m.
    pub torque_nm: f64,
    /// Motor temperature, degrees Celsius.
    pub temperature_c: f64,
}

/// All joints at one time, in the order of [`JOINT_NAMES`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointStates {
    /// Time of the measurement.
    pub stamp: Stamp,
    /// One a joint, `[12]`.
    pub joints: [JointMeasurement; JOINTS],
}

impl JointStates {
    /// Positions, rad, `[12]`.
    pub fn positions(&self) -> [f64; JOINTS] {
        self.joints.map(|j| j.position_rad)
    }

    /// Velocities, rad/s, `[12]`.
    pub fn velocities(&self) -> [f64; JOINTS] {
        self.joints.map(|j| j.velocity_rad_s)
    }

    /// Torques, N m, `[12]`.
    pub fn torques(&self) -> [f64; JOINTS] {
        self.joints.map(|j| j.torque_nm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_leg_order() {
        for leg in Leg::ALL {
            for name in &JOINT_NAMES[3 * leg.index()..3 * leg.index() + 3] {
                assert!(name.starts_with(leg.name()));
            }
        }
    }
}
