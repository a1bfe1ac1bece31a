//! The command that every motor which can be driven takes, at its own side of the gearbox.

/// Targets of the impedance law `torque = kp (q - q_now) + kd (dq - dq_now) + torque_nm`. The default lets go.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Impedance {
    /// Wanted position, rad.
    pub position_rad: f64,
    /// Wanted velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Feed-forward torque, N m.
    pub torque_nm: f64,
    /// Stiffness, N m/rad, not negative.
    pub kp: f64,
    /// Damping, N m s/rad, not negative.
    pub kd: f64,
}

impl Impedance {
    /// A damper, N m s/rad, and nothing else.
    pub const fn damping(kd: f64) -> Self {
        Self { position_rad: 0.0, velocity_rad_s: 0.0, torque_nm: 0.0, kp: 0.0, kd }
    }
}
