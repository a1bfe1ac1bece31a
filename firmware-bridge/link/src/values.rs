//! Messages about one actuator, and the numbers that they may have.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Mode of an actuator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// No current: the joint moves freely, and a standing robot falls.
    Off,
    /// Windings shorted: the joint turns, but heavily. Targets and gains are ignored.
    Brake,
    /// Torque against the movement, `-kd * velocity`. Targets and `kp` are ignored.
    Damp,
    /// `torque = kp (position - is) + kd (velocity - is) + torque_nm`.
    Impedance,
}

/// A command to one actuator, on the joint's side of the gearbox.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActuatorCommand {
    /// Number of the actuator.
    pub id: u8,
    /// The mode.
    pub mode: Mode,
    /// Wanted position, rad.
    pub position_rad: f32,
    /// Wanted velocity, rad/s.
    pub velocity_rad_s: f32,
    /// Feed-forward torque, N m.
    pub torque_nm: f32,
    /// Stiffness, N m/rad, not negative.
    pub kp: f32,
    /// Damping, N m s/rad, not negative.
    pub kd: f32,
}

impl ActuatorCommand {
    /// Only damping.
    pub const fn damp(id: u8, kd: f32) -> Self {
        Self { id, mode: Mode::Damp, position_rad: 0.0, velocity_rad_s: 0.0, torque_nm: 0.0, kp: 0.0, kd }
    }

    /// The torque that [`mode`](Self::mode) asks for at a position (rad) and velocity (rad/s), N m: without a
    /// limit, which is for whoever knows the motor. Braking is the motor's doing: no torque is asked for.
    pub fn torque_at(&self, position_rad: f32, velocity_rad_s: f32) -> f32 {
        match self.mode {
            Mode::Off | Mode::Brake => 0.0,
            Mode::Damp => -self.kd * velocity_rad_s,
            Mode::Impedance => {
                let spring = self.kp * (self.position_rad - position_rad);
                spring + self.kd * (self.velocity_rad_s - velocity_rad_s) + self.torque_nm
            }
        }
    }

    pub(crate) fn check(&self) -> Result<(), Unfit> {
        let id = Some(self.id);
        finite(id, Field::Position, self.position_rad)?;
        finite(id, Field::Velocity, self.velocity_rad_s)?;
        finite(id, Field::Torque, self.torque_nm)?;
        not_negative(id, Field::Kp, self.kp)?;
        not_negative(id, Field::Kd, self.kd)
    }
}

/// Measurements of one actuator, on the joint's side of the gearbox.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActuatorState {
    /// Number of the actuator.
    pub id: u8,
    /// Its mode.
    pub mode: Mode,
    /// Position, rad.
    pub position_rad: f32,
    /// Velocity, rad/s.
    pub velocity_rad_s: f32,
    /// Torque, N m.
    pub torque_nm: f32,
    /// Temperature of the hottest part that is measured, degrees Celsius.
    pub temperature_c: f32,
    /// Its faults.
    pub faults: Faults,
}

impl ActuatorState {
    pub(crate) fn check(&self) -> Result<(), Unfit> {
        let id = Some(self.id);
        finite(id, Field::Position, self.position_rad)?;
        finite(id, Field::Velocity, self.velocity_rad_s)?;
        finite(id, Field::Torque, self.torque_nm)?;
        finite(id, Field::Temperature, self.temperature_c)
    }
}

/// An actuator as the device announces it. Commands beyond its limits are refused.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActuatorInfo {
    /// Its number in commands and states.
    pub id: u8,
    /// Greatest feed-forward torque that is taken, N m.
    pub max_torque_nm: f32,
    /// Greatest velocity that is taken, rad/s.
    pub max_velocity_rad_s: f32,
    /// Greatest stiffness that is taken, N m/rad.
    pub max_kp: f32,
    /// Greatest damping that is taken, N m s/rad.
    pub max_kd: f32,
}

impl ActuatorInfo {
    pub(crate) fn check(&self) -> Result<(), Unfit> {
        not_negative(Some(self.id), Field::Torque, self.max_torque_nm)?;
        not_negative(Some(self.id), Field::Velocity, self.max_velocity_rad_s)?;
        not_negative(Some(self.id), Field::Kp, self.max_kp)?;
        not_negative(Some(self.id), Field::Kd, self.max_kd)
    }

    /// Returns whether it takes these numbers.
    pub(crate) fn takes(&self, command: &ActuatorCommand) -> bool {
        command.torque_nm.abs() <= self.max_torque_nm
            && command.velocity_rad_s.abs() <= self.max_velocity_rad_s
            && command.kp <= self.max_kp
            && command.kd <= self.max_kd
    }
}

/// Faults of an actuator: a set, one bit each. Bits without a name are kept as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Faults(pub u16);

impl Faults {
    /// All is well.
    pub const NONE: Self = Self(0);
    /// Too hot.
    pub const OVERHEAT: Self = Self(1);
    /// Too much current.
    pub const OVERCURRENT: Self = Self(1 << 1);
    /// Supply voltage too high.
    pub const OVERVOLTAGE: Self = Self(1 << 2);
    /// Supply voltage too low.
    pub const UNDERVOLTAGE: Self = Self(1 << 3);
    /// The encoder's reading cannot be right.
    pub const ENCODER: Self = Self(1 << 4);
    /// The power stage reports a fault.
    pub const POWER_STAGE: Self = Self(1 << 5);
    /// The actuator does not answer the microcontroller.
    pub const SILENT: Self = Self(1 << 6);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether all of `other` are in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Name of a number that was unfit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Position.
    Position,
    /// Velocity.
    Velocity,
    /// Torque.
    Torque,
    /// Stiffness.
    Kp,
    /// Damping.
    Kd,
    /// Temperature.
    Temperature,
    /// Supply voltage.
    SupplyVoltage,
    /// Angular velocity.
    AngularVelocity,
    /// Specific force.
    SpecificForce,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Position => "position",
            Self::Velocity => "velocity",
            Self::Torque => "torque",
            Self::Kp => "stiffness",
            Self::Kd => "damping",
            Self::Temperature => "temperature",
            Self::SupplyVoltage => "supply voltage",
            Self::AngularVelocity => "angular velocity",
            Self::SpecificForce => "specific force",
        })
    }
}

/// A number that no message may carry: not finite, or negative where that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unfit {
    /// The actuator, where the number is one's.
    pub actuator: Option<u8>,
    /// The number.
    pub field: Field,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.field)?;
        if let Some(id) = self.actuator {
            write!(f, " of actuator {id}")?;
        }
        f.write_str(" is not a finite number, or is negative where it must not be: check what computes it")
    }
}

impl core::error::Error for Unfit {}

pub(crate) fn finite(actuator: Option<u8>, field: Field, value: f32) -> Result<(), Unfit> {
    if value.is_finite() { Ok(()) } else { Err(Unfit { actuator, field }) }
}

fn not_negative(actuator: Option<u8>, field: Field, value: f32) -> Result<(), Unfit> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(Unfit { actuator, field }) }
}
