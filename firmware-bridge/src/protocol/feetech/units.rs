//! Goals and readings in SI units.

use std::f64::consts::TAU;

use super::super::WireError;
use super::{Errors, Register};

/// Steps of a turn.
pub const TICKS_PER_TURN: f64 = 4096.0;
/// Angle of a tick, rad.
const TICK_RAD: f64 = TAU / TICKS_PER_TURN;
/// Step of the acceleration, rad/s^2.
const ACCELERATION_RAD_S2: f64 = 100.0 * TICK_RAD;
/// Step of the voltage, V.
const VOLTAGE_V: f64 = 0.1;
/// Step of the current, A.
const CURRENT_A: f64 = 0.0065;
/// Step of the load, as a share of the greatest.
const LOAD: f64 = 0.001;

/// Goal of a servo: registers 41 to 47 in one write, as the vendor's `WritePosEx`.
///
/// The Python SDK writes a negative position as a two's complement there, which the servo takes for a large
/// one; its C++ counterpart and this code write the sign bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Position from tick 0, rad.
    pub position_rad: f64,
    /// Greatest velocity on the way, rad/s; 0 for the servo's own.
    pub velocity_rad_s: f64,
    /// Acceleration, rad/s^2; 0 for the servo's own.
    pub acceleration_rad_s2: f64,
    /// Register 44, which the vendor's SDK leaves 0.
    pub time: u16,
}

impl Goal {
    /// Length of its registers, bytes.
    pub const LEN: usize = 7;

    /// The registers from [`Register::ACCELERATION`] on, each rounded to the nearest. Out of range saturates.
    ///
    /// A slow velocity or acceleration is at least one step, for 0 would be the fastest. What is not a number
    /// becomes 0 or, of velocity and acceleration, one step: `None` if the position is not a number, because then
    /// there is nowhere to go.
    pub fn registers(&self) -> Option<[u8; Self::LEN]> {
        if self.position_rad.is_nan() {
            return None;
        }
        // `as` saturates.
        let position = (self.position_rad / TICK_RAD).round() as i32;
        let limit = |value: f64, step: f64| match value {
            0.0 => 0,
            value => ((value / step).round() as i32).max(1),
        };
        let [acceleration, _] =
            Register::ACCELERATION.bytes(limit(self.acceleration_rad_s2, ACCELERATION_RAD_S2));
        let [p0, p1] = Register::GOAL_POSITION.bytes(position);
        let [t0, t1] = self.time.to_le_bytes();
        let [v0, v1] = Register::GOAL_VELOCITY.bytes(limit(self.velocity_rad_s, TICK_RAD));
        Some([acceleration, p0, p1, t0, t1, v0, v1])
    }

    /// The goal that registers stand for.
    pub fn from_registers(registers: [u8; Self::LEN]) -> Self {
        let [acceleration, p0, p1, t0, t1, v0, v1] = registers;
        Self {
            position_rad: f64::from(Register::GOAL_POSITION.number([p0, p1])) * TICK_RAD,
            velocity_rad_s: f64::from(Register::GOAL_VELOCITY.number([v0, v1])) * TICK_RAD,
            acceleration_rad_s2: f64::from(acceleration) * ACCELERATION_RAD_S2,
            time: u16::from_le_bytes([t0, t1]),
        }
    }
}

/// Measurements and state of a servo: registers 56 to 70 in one read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Position from tick 0, rad.
    pub position_rad: f64,
    /// Velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Drive of the motor as a share of the greatest, -1 to 1. It is no torque in N m.
    pub load: f64,
    /// Supply voltage, V.
    pub voltage_v: f64,
    /// Temperature, degrees Celsius.
    pub temperature_c: f64,
    /// Its faults.
    pub errors: Errors,
    /// It has not reached its goal.
    pub moving: bool,
    /// Current, A.
    pub current_a: f64,
}

impl Reading {
    /// Address of the first register.
    pub const ADDRESS: u8 = Register::POSITION.address;
    /// Length of the registers, bytes.
    pub const LEN: usize = 15;

    /// The reading in the registers from [`Reading::ADDRESS`] on.
    ///
    /// # Errors
    /// [`WireError::Length`] if they are not [`Reading::LEN`] bytes.
    pub fn from_registers(registers: &[u8]) -> Result<Self, WireError> {
        let registers: &[u8; Self::LEN] = registers
            .try_into()
            .or(Err(WireError::Length { expected: Self::LEN, found: registers.len() }))?;
        let number = |register: Register| {
            let at = usize::from(register.address - Self::ADDRESS);
            let high = if register.len == 2 { registers[at + 1] } else { 0 };
            register.number([registers[at], high])
        };
        let scaled = |register, step: f64| f64::from(number(register)) * step;
        Ok(Self {
            position_rad: scaled(Register::POSITION, TICK_RAD),
            velocity_rad_s: scaled(Register::VELOCITY, TICK_RAD),
            load: scaled(Register::LOAD, LOAD),
            voltage_v: scaled(Register::VOLTAGE, VOLTAGE_V),
            temperature_c: scaled(Register::TEMPERATURE, 1.0),
            errors: Errors(number(Register::ERRORS) as u8),
            moving: number(Register::MOVING) != 0,
            current_a: scaled(Register::CURRENT, CURRENT_A),
        })
    }
}
