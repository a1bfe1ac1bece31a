//! Joints as a robot's file describes them, and the transmission between a joint and its motor's rotor.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::joints::{JOINT_NAMES, JOINTS};
use crate::units::{Finite, Positive};

/// One joint and its motor.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointDescription {
    /// Which motor bus, from 0.
    pub bus: usize,
    /// The motor's address on its bus.
    pub id: u8,
    /// Rotor turns per joint turn.
    pub gear_ratio: Positive,
    /// Whether the rotor turns the other way round than the joint.
    #[serde(default)]
    pub reversed: bool,
    /// Joint angle at which the rotor reads zero, rad.
    pub zero_offset_rad: Finite,
    /// Lower stop, rad.
    pub lower_rad: Finite,
    /// Upper stop, rad.
    pub upper_rad: Finite,
    /// Greatest torque at the joint, N m.
    pub max_torque_nm: Positive,
    /// Greatest speed at the joint, rad/s.
    pub max_velocity_rad_s: Positive,
}

/// Joint side to rotor side and back: the one place where gear ratio, direction and zero offset are applied.
impl JointDescription {
    /// Rotor turns per joint turn, negative when the rotor turns the other way.
    fn signed_ratio(&self) -> f64 {
        if self.reversed { -self.gear_ratio.get() } else { self.gear_ratio.get() }
    }

    /// A joint angle as the rotor reads it, rad.
    pub fn rotor_position_rad(&self, joint_rad: f64) -> f64 {
        (joint_rad - self.zero_offset_rad.get()) * self.signed_ratio()
    }

    /// A rotor reading as a joint angle, rad.
    pub fn joint_position_rad(&self, rotor_rad: f64) -> f64 {
        rotor_rad / self.signed_ratio() + self.zero_offset_rad.get()
    }

    /// A joint velocity as the rotor's, rad/s.
    pub fn rotor_velocity_rad_s(&self, joint_rad_s: f64) -> f64 {
        joint_rad_s * self.signed_ratio()
    }

    /// A rotor velocity as the joint's, rad/s.
    pub fn joint_velocity_rad_s(&self, rotor_rad_s: f64) -> f64 {
        rotor_rad_s / self.signed_ratio()
    }

    /// A joint torque as the rotor's, N m.
    pub fn rotor_torque_nm(&self, joint_nm: f64) -> f64 {
        joint_nm / self.signed_ratio()
    }

    /// A rotor torque as the joint's, N m.
    pub fn joint_torque_nm(&self, rotor_nm: f64) -> f64 {
        rotor_nm * self.signed_ratio()
    }

    /// A joint's stiffness or damping as the rotor's (they divide by the square of the ratio).
    pub fn rotor_gain(&self, joint_gain: f64) -> f64 {
        joint_gain / self.gear_ratio.get().powi(2)
    }

    /// A rotor's stiffness or damping as the joint's.
    pub fn joint_gain(&self, rotor_gain: f64) -> f64 {
        rotor_gain * self.gear_ratio.get().powi(2)
    }
}

/// The joints in array order, read from a table by name.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "BTreeMap<String, JointDescription>")]
pub struct JointTable(pub [JointDescription; JOINTS]);

/// Why a robot's joint table was refused.
#[derive(Debug, thiserror::Error)]
pub enum JointTableError {
    /// One is not there.
    #[error("joint `{0}` is missing: add a [joints.{0}] table")]
    Missing(&'static str),
    /// One is not known.
    #[error(
        "unknown joint `{0}`: the joints are FL, FR, RL, RR each with _hip_joint, _thigh_joint, _calf_joint"
    )]
    Unknown(String),
    /// Lower stop above the upper one.
    #[error("joint `{0}`: lower_rad must be less than upper_rad")]
    Range(&'static str),
    /// Two joints share a motor.
    #[error("joints `{0}` and `{1}` have the same bus and id: give each motor its own address")]
    Address(&'static str, &'static str),
}

impl TryFrom<BTreeMap<String, JointDescription>> for JointTable {
    type Error = JointTableError;

    fn try_from(mut map: BTreeMap<String, JointDescription>) -> Result<Self, JointTableError> {
        let mut joints = Vec::with_capacity(JOINTS);
        for name in JOINT_NAMES {
            let joint = map.remove(name).ok_or(JointTableError::Missing(name))?;
            if joint.lower_rad.get() >= joint.upper_rad.get() {
                return Err(JointTableError::Range(name));
            }
            joints.push(joint);
        }
        if let Some(name) = map.into_keys().next() {
            return Err(JointTableError::Unknown(name));
        }
        for (i, a) in joints.iter().enumerate() {
            if let Some(j) = joints[..i].iter().position(|b| (a.bus, a.id) == (b.bus, b.id)) {
                return Err(JointTableError::Address(JOINT_NAMES[j], JOINT_NAMES[i]));
            }
        }
        joints.try_into().map(Self).or(Err(JointTableError::Missing(JOINT_NAMES[0])))
    }
}
