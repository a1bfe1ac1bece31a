//! The control table of the vendor's X series, in SI units.
//!
//! Addresses and scales are those of the e-manual's page on the XM430-W350 ("Control Table"); other models
//! of the series differ in the current's scale, some in the voltage's limits. Numbers are little-endian, and
//! negative ones two's complement.

use std::f64::consts::TAU;

use super::{Packet, PacketError};

/// Model number of the XM430-W350.
pub const XM430_W350: u16 = 1020;

/// Radians of one step of a position: 4096 a turn (e-manual: 0.088 deg).
pub const RAD_PER_TICK: f64 = TAU / 4096.0;
/// Radians a second of one step of a velocity (e-manual: 0.229 rev/min).
pub const RAD_S_PER_UNIT: f64 = 0.229 * TAU / 60.0;
/// Amperes of one step of a current (e-manual: 2.69 mA).
pub const AMPERE_PER_UNIT: f64 = 0.002_69;
/// Volts of one step of a voltage (e-manual: 0.1 V).
pub const VOLT_PER_UNIT: f64 = 0.1;
/// Greatest goal position either way in steps: 256 turns (e-manual, "Extended Position Control Mode").
pub const MAX_TICKS: i32 = 1_048_575;

/// Places of the fields in the control table.
pub mod address {
    /// Model number, `u16`, read only.
    pub const MODEL_NUMBER: u16 = 0;
    /// Firmware version, `u8`, read only.
    pub const FIRMWARE_VERSION: u16 = 6;
    /// Id, `u8`.
    pub const ID: u16 = 7;
    /// Baud rate, `u8`: a number from a table.
    pub const BAUD_RATE: u16 = 8;
    /// Return delay, `u8`, 2 us a step.
    pub const RETURN_DELAY: u16 = 9;
    /// Operating mode, `u8`.
    pub const OPERATING_MODE: u16 = 11;
    /// Velocity above which the servo counts as moving, `u32`.
    pub const MOVING_THRESHOLD: u16 = 24;
    /// Greatest temperature, `u8`, degrees Celsius.
    pub const TEMPERATURE_LIMIT: u16 = 31;
    /// Greatest goal PWM, `u16`.
    pub const PWM_LIMIT: u16 = 36;
    /// Greatest goal current, `u16`.
    pub const CURRENT_LIMIT: u16 = 38;
    /// Greatest goal velocity, `u32`.
    pub const VELOCITY_LIMIT: u16 = 44;
    /// Greatest goal position in position mode, `u32`.
    pub const MAX_POSITION_LIMIT: u16 = 48;
    /// Least goal position in position mode, `u32`.
    pub const MIN_POSITION_LIMIT: u16 = 52;
    /// Faults that switch torque off, `u8`.
    pub const SHUTDOWN: u16 = 63;
    /// Torque on or off, `u8`.
    pub const TORQUE_ENABLE: u16 = 64;
    /// Light on or off, `u8`.
    pub const LED: u16 = 65;
    /// Instructions that are answered, `u8`: 0 pings, 1 reads too, 2 everything.
    pub const STATUS_RETURN_LEVEL: u16 = 68;
    /// Flag: a write is registered, `u8`, read only.
    pub const REGISTERED_INSTRUCTION: u16 = 69;
    /// Faults, `u8`, read only.
    pub const HARDWARE_ERROR_STATUS: u16 = 70;
    /// Goal PWM, `i16`.
    pub const GOAL_PWM: u16 = 100;
    /// Goal current, `i16`.
    pub const GOAL_CURRENT: u16 = 102;
    /// Goal velocity, `i32`.
    pub const GOAL_VELOCITY: u16 = 104;
    /// Goal position, `i32`.
    pub const GOAL_POSITION: u16 = 116;
    /// Milliseconds, `u16`, read only, wrap after 32767.
    pub const REALTIME_TICK: u16 = 120;
    /// Flag: it moves, `u8`, read only.
    pub const MOVING: u16 = 122;
    /// PWM, `i16`, read only.
    pub const PRESENT_PWM: u16 = 124;
    /// Current, `i16`, read only.
    pub const PRESENT_CURRENT: u16 = 126;
    /// Velocity, `i32`, read only.
    pub const PRESENT_VELOCITY: u16 = 128;
    /// Position, `i32`, read only.
    pub const PRESENT_POSITION: u16 = 132;
    /// Velocity that the servo steers for, `i32`, read only.
    pub const VELOCITY_TRAJECTORY: u16 = 136;
    /// Position that the servo steers for, `i32`, read only.
    pub const POSITION_TRAJECTORY: u16 = 140;
    /// Voltage of the supply, `u16`, read only.
    pub const PRESENT_INPUT_VOLTAGE: u16 = 144;
    /// Temperature, `u8`, degrees Celsius, read only.
    pub const PRESENT_TEMPERATURE: u16 = 146;
}

/// Bytes of a state: from the present current to the temperature.
pub const STATE_LEN: usize = (address::PRESENT_TEMPERATURE + 1 - address::PRESENT_CURRENT) as usize;

/// Places of a state's fields, from the present current on.
mod state_field {
    use std::ops::Range;

    pub(super) const CURRENT: Range<usize> = 0..2;
    pub(super) const VELOCITY: Range<usize> = 2..6;
    pub(super) const POSITION: Range<usize> = 6..10;
    pub(super) const VOLTAGE: Range<usize> = 18..20;
    pub(super) const TEMPERATURE: usize = 20;
}

/// Measurements of a servo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServoState {
    /// Angle of the horn, rad; 0 is the reading 0, and the middle of a turn is pi.
    pub position_rad: f64,
    /// Angular velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Motor current, A, with the sign of its torque.
    pub current_a: f64,
    /// Supply, V.
    pub voltage_v: f64,
    /// Temperature inside, degrees Celsius.
    pub temperature_c: f64,
}

impl ServoState {
    /// From what stands at [`address::PRESENT_CURRENT`] and after it.
    pub fn from_bytes(bytes: &[u8; STATE_LEN]) -> Self {
        use state_field as field;
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let long = |at: usize| {
            f64::from(i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
        };
        Self {
            position_rad: long(field::POSITION.start) * RAD_PER_TICK,
            velocity_rad_s: long(field::VELOCITY.start) * RAD_S_PER_UNIT,
            current_a: f64::from(short(field::CURRENT.start).cast_signed()) * AMPERE_PER_UNIT,
            voltage_v: f64::from(short(field::VOLTAGE.start)) * VOLT_PER_UNIT,
            temperature_c: f64::from(bytes[field::TEMPERATURE]),
        }
    }
}

/// The faults of [`address::HARDWARE_ERROR_STATUS`], one a bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardwareError(u8);

impl HardwareError {
    /// Supply outside its limits.
    pub const INPUT_VOLTAGE: Self = Self(1 << 0);
    /// Hotter than its limit.
    pub const OVERHEATING: Self = Self(1 << 2);
    /// The motor's encoder does not work.
    pub const MOTOR_ENCODER: Self = Self(1 << 3);
    /// Electrical shock on the circuit, or too little power to turn the motor.
    pub const ELECTRICAL_SHOCK: Self = Self(1 << 4);
    /// More load than it can bear, for long.
    pub const OVERLOAD: Self = Self(1 << 5);

    /// From the wire.
    pub const fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    /// As on the wire.
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Returns whether there is no fault.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Returns whether all faults of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The remedy of each fault that is there.
    pub fn remedies(self) -> impl Iterator<Item = &'static str> {
        [
            (Self::INPUT_VOLTAGE, "supply voltage: measure it at the servo under load"),
            (Self::OVERHEATING, "too hot: let it cool, then lighten its load"),
            (Self::MOTOR_ENCODER, "motor encoder: have the servo repaired"),
            (Self::ELECTRICAL_SHOCK, "electrical shock: check the supply's current and the wiring"),
            (Self::OVERLOAD, "overload: free the joint, then reboot the servo"),
        ]
        .into_iter()
        .filter_map(move |(fault, remedy)| self.contains(fault).then_some(remedy))
    }
}

/// Asks servos for what [`ServoState`] holds.
///
/// # Errors
/// [`PacketError`] if no servo is named, one twice, or too many.
pub fn read_states(ids: &[u8]) -> Result<Packet, PacketError> {
    Packet::sync_read(address::PRESENT_CURRENT, STATE_LEN as u16, ids)
}

/// Asks servos for their faults.
///
/// # Errors
/// [`PacketError`] if no servo is named, one twice, or too many.
pub fn read_hardware_errors(ids: &[u8]) -> Result<Packet, PacketError> {
    Packet::sync_read(address::HARDWARE_ERROR_STATUS, 1, ids)
}

/// Sends servos to positions in rad; see [`ticks`].
///
/// # Errors
/// [`PacketError`] if no servo is named, one twice, or too many, or a goal is not a number.
pub fn write_goal_positions(goals: &[(u8, f64)]) -> Result<Packet, PacketError> {
    Packet::sync_write_with(address::GOAL_POSITION, 4, goals, |&(id, rad)| {
        ticks(rad).map(|ticks| (id, ticks.to_le_bytes())).ok_or(PacketError::Goal(id))
    })
}

/// Switches servos' torque on or off.
///
/// # Errors
/// [`PacketError`] if no servo is named, one twice, or too many.
pub fn write_torque(ids: &[u8], on: bool) -> Result<Packet, PacketError> {
    Packet::sync_write_with(address::TORQUE_ENABLE, 1, ids, |&id| Ok((id, [u8::from(on)])))
}

/// A position in steps, the nearest; no further than [`MAX_TICKS`] either way. `None` if it is not a number.
pub fn ticks(position_rad: f64) -> Option<i32> {
    let limit = f64::from(MAX_TICKS);
    (!position_rad.is_nan()).then(|| (position_rad / RAD_PER_TICK).round().clamp(-limit, limit) as i32)
}
