//! The physics engine's face: what the motors ask of a joint, and what they feel there.

/// What a motor does at its joint during a step:
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

/// What a motor's sensors see at its joint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JointReading {
    /// Position, rad.
    pub position_rad: f64,
    /// Velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Torque that the motor applied in the last step, N m.
    pub torque_nm: f64,
}
