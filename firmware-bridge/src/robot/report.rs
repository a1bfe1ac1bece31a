//! What a whole robot is told, and what it reports, in whichever language.

use nalgebra::UnitQuaternion;
use robot_interface::joints::JOINTS;

use crate::protocol::Impedance;
use crate::protocol::unitree_go::button::{B, L2};

/// Greatest angle, velocity or torque of a state without a checksum that is believed, in its unit.
pub(super) const MAX_READING: f32 = 1000.0;

/// What a motor is told: its joint's impedance about a target; `None` does not drive it.
pub type MotorTarget = Option<Impedance>;

/// State of one motor as its robot reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MotorReport {
    /// Angle of the joint, rad.
    pub position_rad: f64,
    /// Angular velocity of the joint, rad/s.
    pub velocity_rad_s: f64,
    /// Torque at the joint, N m.
    pub torque_nm: f64,
    /// Temperature, degrees Celsius.
    pub temperature_c: f64,
    /// Whether it is driven; `None` if the robot does not say.
    pub driven: Option<bool>,
}

/// State of a robot's battery.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatteryReport {
    /// Charge, percent.
    pub charge_percent: u8,
    /// Current, A; negative while it is drained.
    pub current_a: f64,
    /// Supply, V.
    pub supply_v: f64,
}

/// Buttons of a robot's remote control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteControl {
    /// The buttons that are pressed, a bit each, as [`unitree_go::button`](crate::protocol::unitree_go::button) has them.
    pub buttons: u16,
}

impl RemoteControl {
    /// The vendor's combination for "let go of all joints" is pressed: L2 and B.
    pub const fn is_stop(self) -> bool {
        self.buttons & (L2 | B) == L2 | B
    }
}

/// Report of a robot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobotReport {
    /// The robot's time, ms since it was switched on; 0 of one that does not count.
    pub tick_ms: u32,
    /// Orientation of the trunk as the robot estimates it; where yaw is zero is its own affair.
    pub orientation: UnitQuaternion<f32>,
    /// Angular velocity of the trunk about x, y, z, rad/s.
    pub angular_velocity_rad_s: [f32; 3],
    /// Specific force along x, y, z, m/s^2: +9.81 upwards at rest.
    pub specific_force_m_s2: [f32; 3],
    /// Each motor, in the vendor's order, `[12]`.
    pub motors: [MotorReport; JOINTS],
    /// Load of each foot in the vendor's order of legs and unit, `[4]`.
    pub foot_force: [f64; 4],
    /// Battery; `None` if this message does not carry it.
    pub battery: Option<BatteryReport>,
    /// Remote control; `None` if this message does not carry it.
    pub remote: Option<RemoteControl>,
}

impl Default for RobotReport {
    fn default() -> Self {
        Self {
            tick_ms: 0,
            orientation: UnitQuaternion::identity(),
            angular_velocity_rad_s: [0.0; 3],
            specific_force_m_s2: [0.0; 3],
            motors: [MotorReport::default(); JOINTS],
            foot_force: [0.0; 4],
            battery: None,
            remote: None,
        }
    }
}
