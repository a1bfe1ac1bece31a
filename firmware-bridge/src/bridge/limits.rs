//! Limits of joint commands: one is refused if it makes no sense, and clamped if it goes too far.

use robot_interface::joints::{JOINT_NAMES, JointCommand};
use robot_interface::robot::{JointDescription, Protection};

use super::error::BridgeError;

/// The greatest values that a protocol's command can carry, at the motor's side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct EncodableLimits {
    pub(super) torque_nm: f64,
    pub(super) velocity_rad_s: f64,
    pub(super) position_rad: f64,
    pub(super) kp: f64,
    pub(super) kd: f64,
}

impl EncodableLimits {
    /// Everything that the joint's limits allow must fit the frame; then nothing saturates silently there.
    ///
    /// # Errors
    /// [`BridgeError::Range`] names the first limit that does not fit.
    pub(super) fn check(&self, name: &'static str, joint: &JointDescription) -> Result<(), BridgeError> {
        let extremes =
            [joint.lower_rad.get(), joint.upper_rad.get()].map(|q| joint.rotor_position_rad(q).abs());
        let needs = [
            ("max_torque_nm", joint.rotor_torque_nm(joint.max_torque_nm.get()).abs(), self.torque_nm),
            (
                "max_velocity_rad_s",
                joint.rotor_velocity_rad_s(joint.max_velocity_rad_s.get()).abs(),
                self.velocity_rad_s,
            ),
            ("lower_rad", extremes[0], self.position_rad),
            ("upper_rad", extremes[1], self.position_rad),
        ];
        for (quantity, value, most) in needs {
            // A ratio beyond all reason gives infinities, or even zero times infinity.
            if value.is_nan() || value > most {
                return Err(BridgeError::Range { joint: name, quantity, value, most });
            }
        }
        Ok(())
    }
}

/// Refusal of a set of commands. Nothing of the set is sent.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// Not a number, or infinite.
    #[error(
        "{joint}: {field} is {value}: the controller has diverged, stop the robot and look for the cause"
    )]
    NotFinite {
        /// The joint's name.
        joint: &'static str,
        /// The command's number that it is.
        field: &'static str,
        /// The number.
        value: f64,
    },
    /// A gain below zero, which would drive the joint away from its target.
    #[error("{joint}: {field} is {value}, and gains must not be negative: correct the controller")]
    NegativeGain {
        /// The joint's name.
        joint: &'static str,
        /// The gain that it is.
        field: &'static str,
        /// The gain.
        value: f64,
    },
}

/// The limits of one joint's commands, joint-side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommandLimits {
    /// Lower stop, rad: the description's `lower_rad`.
    pub lower_rad: f64,
    /// Upper stop, rad: the description's `upper_rad`.
    pub upper_rad: f64,
    /// Greatest speed either way, rad/s: the description's `max_velocity_rad_s`.
    pub max_velocity_rad_s: f64,
    /// Greatest feed-forward torque either way, N m: the description's `max_torque_nm`.
    pub max_torque_nm: f64,
    /// Greatest stiffness, N m/rad: the description's, or what the frame can carry if that is less.
    pub max_kp: f64,
    /// Greatest damping, N m s/rad: the description's, or what the frame can carry if that is less.
    pub max_kd: f64,
}

impl CommandLimits {
    /// The limits that follow from a joint's description.
    pub(super) fn of(joint: &JointDescription, encodable: &EncodableLimits, protection: &Protection) -> Self {
        Self {
            lower_rad: joint.lower_rad.get(),
            upper_rad: joint.upper_rad.get(),
            max_velocity_rad_s: joint.max_velocity_rad_s.get(),
            max_torque_nm: joint.max_torque_nm.get(),
            max_kp: joint.joint_gain(encodable.kp).min(protection.max_kp()),
            max_kd: joint.joint_gain(encodable.kd).min(protection.max_kd()),
        }
    }

    /// The command within these limits. `joint` is its place in [`JOINT_NAMES`].
    ///
    /// # Errors
    /// [`CommandError`] if a number is not finite or a gain is negative.
    pub fn admit(&self, joint: usize, command: &JointCommand) -> Result<JointCommand, CommandError> {
        let fields = [
            ("position_rad", command.position_rad),
            ("velocity_rad_s", command.velocity_rad_s),
            ("torque_nm", command.torque_nm),
            ("kp", command.kp),
            ("kd", command.kd),
        ];
        let joint = JOINT_NAMES[joint];
        if let Some(&(field, value)) = fields.iter().find(|(_, value)| !value.is_finite()) {
            return Err(CommandError::NotFinite { joint, field, value });
        }
        if let Some(&(field, value)) = fields[3..].iter().find(|(_, gain)| *gain < 0.0) {
            return Err(CommandError::NegativeGain { joint, field, value });
        }
        Ok(JointCommand {
            position_rad: command.position_rad.max(self.lower_rad).min(self.upper_rad),
            velocity_rad_s: symmetric(command.velocity_rad_s, self.max_velocity_rad_s),
            torque_nm: symmetric(command.torque_nm, self.max_torque_nm),
            kp: command.kp.min(self.max_kp),
            kd: command.kd.min(self.max_kd),
        })
    }
}

/// Not `clamp`: that panics when a description's limits are the wrong way round.
const fn symmetric(value: f64, limit: f64) -> f64 {
    value.max(-limit).min(limit)
}
