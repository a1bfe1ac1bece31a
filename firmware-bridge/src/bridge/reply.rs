//! Replies of motors in terms that every protocol shares, at the motor's own side of the gearbox.

use robot_interface::joints::JointMeasurement;
use robot_interface::robot::JointDescription;

use super::fault::MotorFault;

/// A motor's answer to a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum MotorReply {
    Reading(Reading),
    /// The contents of one of its registers.
    Register(RegisterContents),
}

impl MotorReply {
    /// The id of the motor that answers.
    pub(super) const fn id(&self) -> u8 {
        match self {
            Self::Reading(reading) => reading.id,
            Self::Register(register) => register.id,
        }
    }
}

/// Measurements of a motor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) id: u8,
    /// The motor is in a mode that its protocol defines.
    pub(super) defined: bool,
    /// State of the drive, of a motor that must be enabled before it takes commands.
    pub(super) state: Option<DriveState>,
    pub(super) torque_nm: f64,
    pub(super) velocity_rad_s: f64,
    pub(super) position_rad: f64,
    pub(super) temperature_c: f64,
    pub(super) fault: Option<MotorFault>,
}

impl Reading {
    /// The measurement of the joint that the motor moves.
    pub(super) fn at_joint(&self, joint: &JointDescription) -> JointMeasurement {
        JointMeasurement {
            position_rad: joint.joint_position_rad(self.position_rad),
            velocity_rad_s: joint.joint_velocity_rad_s(self.velocity_rad_s),
            torque_nm: joint.joint_torque_nm(self.torque_nm),
            temperature_c: self.temperature_c,
        }
    }
}

/// State of a drive that must be enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DriveState {
    /// The windings are off.
    Disabled,
    /// It takes commands.
    Enabled,
    /// It has let go because commands had stopped.
    CommandsLost,
    /// It has let go because of a fault, which stands until it is cleared.
    Faulted,
}

/// Contents of a motor's register, as raw bytes: what they mean is known to the motor's codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RegisterContents {
    pub(super) id: u8,
    pub(super) register: u8,
    pub(super) bytes: [u8; 4],
}
