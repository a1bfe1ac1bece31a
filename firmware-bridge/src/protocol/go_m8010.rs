//! Unitree GO-M8010-6 (RS-485, 4 Mbaud 8N1, strictly request and reply).
//!
//! Formats and scales are those of the bytes that the vendor's library (`unitree_actuator_sdk`) packs and
//! unpacks; its header's comments give other scales, which the motor does not take. All values are
//! rotor-side, before the gearbox. In particular its 2 pi is 6.2832.

use std::ops::Range;

use super::checksum::{checksum, intact, u16_at};
use super::{Frame, Impedance, WireError};

/// Bits a second on the bus.
pub const BAUD: u32 = 4_000_000;
/// Length of a command, bytes.
pub const COMMAND_LEN: usize = 17;
/// Length of a reply, bytes.
pub const REPLY_LEN: usize = 16;

/// Once their last command is older, the virtual motors drop stiffness and targets and damp. Whether a real one does so by
/// itself is not published, and a user of the vendor's library reports one that went on after its program had ended
/// (issue 29 there): whoever stops commanding must send a damping command last.
pub const COMMAND_TIMEOUT_NANOS: u64 = 100_000_000;

/// Greatest torque that a command can carry, N m; beyond it [`Command::encode`] saturates.
pub const MAX_TORQUE_NM: f64 = 127.99;
/// Greatest velocity that a command can carry, rad/s.
pub const MAX_VELOCITY_RAD_S: f64 = 804.0;
/// Greatest position that a command can carry, rad.
pub const MAX_POSITION_RAD: f64 = 411_774.0;
/// Greatest stiffness (N m/rad) and damping (N m s/rad) that a command can carry.
pub const MAX_GAIN: f64 = 25.599;

#[expect(clippy::approx_constant, reason = "the vendor's library rounds it so, and the bytes show it")]
const TWO_PI: f64 = 6.2832;
const TORQUE_SCALE: f64 = 256.0;
const VELOCITY_SCALE: f64 = 256.0 / TWO_PI;
const POSITION_SCALE: f64 = 32_768.0 / TWO_PI;
const GAIN_SCALE: f64 = 32_768.0 / 25.6;

/// Places of a command's fields.
mod command_field {
    use super::Range;

    pub(super) const HEADER: [u8; 2] = [0xFE, 0xEE];
    /// id:4 mode:3 reserved:1, from the lowest bit.
    pub(super) const MODE: usize = 2;
    pub(super) const TORQUE: Range<usize> = 3..5;
    pub(super) const VELOCITY: Range<usize> = 5..7;
    pub(super) const POSITION: Range<usize> = 7..11;
    pub(super) const KP: Range<usize> = 11..13;
    pub(super) const KD: Range<usize> = 13..15;
    pub(super) const CRC: Range<usize> = 15..17;
}

/// Places of a reply's fields.
mod reply_field {
    use super::Range;

    pub(super) const HEADER: [u8; 2] = [0xFD, 0xEE];
    /// id:4 mode:3 reserved:1, from the lowest bit.
    pub(super) const MODE: usize = 2;
    pub(super) const TORQUE: Range<usize> = 3..5;
    pub(super) const VELOCITY: Range<usize> = 5..7;
    pub(super) const POSITION: Range<usize> = 7..11;
    pub(super) const TEMPERATURE: usize = 11;
    /// error:3 foot_force:12 reserved:1, from the lowest bit.
    pub(super) const STATUS: Range<usize> = 12..14;
    pub(super) const CRC: Range<usize> = 14..16;
}

/// A motor's address on its bus, 0 to 14, or [`MotorId::BROADCAST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MotorId(u8);

impl MotorId {
    /// Every motor on the bus; none of them replies.
    pub const BROADCAST: Self = Self(15);

    /// One motor's address; `None` above 14.
    pub const fn new(id: u8) -> Option<Self> {
        if id < Self::BROADCAST.0 { Some(Self(id)) } else { None }
    }

    /// The plain number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Mode of a motor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Windings shorted: the rotor turns, but heavily. Targets are ignored.
    Brake,
    /// Field-oriented control: the impedance law of the command's targets and gains.
    Foc,
    /// The encoder is calibrated: the rotor turns by itself, so the motor must be off the robot.
    Calibrate,
    /// A number (3 to 7) without a published meaning.
    Undefined(u8),
}

impl Mode {
    /// The three bits of the frame; of a number beyond them, the lowest three.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Brake => 0,
            Self::Foc => 1,
            Self::Calibrate => 2,
            Self::Undefined(bits) => bits & 0b111,
        }
    }

    /// The meaning of the lowest three bits.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0b111 {
            0 => Self::Brake,
            1 => Self::Foc,
            2 => Self::Calibrate,
            undefined => Self::Undefined(undefined),
        }
    }
}

/// A motor's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Too hot.
    Overheat,
    /// Too much current.
    Overcurrent,
    /// Supply voltage too high.
    Overvoltage,
    /// The encoder's reading cannot be right.
    Encoder,
    /// A number (5 to 7) without a published meaning.
    Undefined(u8),
}

impl Fault {
    /// The three bits of the frame.
    pub const fn bits(fault: Option<Self>) -> u8 {
        match fault {
            None => 0,
            Some(Self::Overheat) => 1,
            Some(Self::Overcurrent) => 2,
            Some(Self::Overvoltage) => 3,
            Some(Self::Encoder) => 4,
            Some(Self::Undefined(number)) => number & 0b111,
        }
    }

    /// The meaning of the lowest three bits.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits & 0b111 {
            0 => None,
            1 => Some(Self::Overheat),
            2 => Some(Self::Overcurrent),
            3 => Some(Self::Overvoltage),
            4 => Some(Self::Encoder),
            number => Some(Self::Undefined(number)),
        }
    }
}

/// A command, rotor-side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Command {
    /// The motor that it is for.
    pub id: MotorId,
    /// The mode.
    pub mode: Mode,
    /// Targets and gains.
    pub targets: Impedance,
}

impl Command {
    /// Asks a motor how it is doing and drives it nowhere.
    pub const fn idle(id: MotorId) -> Self {
        Self { id, mode: Mode::Brake, targets: Impedance::damping(0.0) }
    }

    /// The bytes, exactly as the vendor's library packs them: values truncated toward zero.
    ///
    /// Out of range saturates, infinities too. What is not a number is sent as zero, and a position that
    /// is not a number also takes the stiffness with it, so that the motor is pulled nowhere.
    pub fn encode(&self) -> [u8; COMMAND_LEN] {
        self.pack(f64::trunc)
    }

    /// As [`encode`](Self::encode), but each value rounded to the nearest that the frame can carry. The
    /// small gains of a geared joint lose up to a tenth to truncation; this halves the worst case and
    /// takes away the bias.
    pub fn encode_nearest(&self) -> [u8; COMMAND_LEN] {
        self.pack(f64::round)
    }

    fn pack(&self, whole: fn(f64) -> f64) -> [u8; COMMAND_LEN] {
        use command_field as field;
        // `as` saturates, and turns what is not a number into zero.
        let signed = |value: f64, limit: f64, scale: f64| whole(value.clamp(-limit, limit) * scale);
        let gain = |value: f64| whole(value.clamp(0.0, MAX_GAIN) * GAIN_SCALE) as u16;
        let Impedance { position_rad, velocity_rad_s, torque_nm, kp, kd } = self.targets;
        let kp = if position_rad.is_nan() { 0.0 } else { kp };
        let torque = signed(torque_nm, MAX_TORQUE_NM, TORQUE_SCALE) as i16;
        let velocity = signed(velocity_rad_s, MAX_VELOCITY_RAD_S, VELOCITY_SCALE) as i16;
        let position = signed(position_rad, MAX_POSITION_RAD, POSITION_SCALE) as i32;

        let mut bytes = [0; COMMAND_LEN];
        bytes[..2].copy_from_slice(&field::HEADER);
        bytes[field::MODE] = self.id.0 | self.mode.bits() << 4;
        bytes[field::TORQUE].copy_from_slice(&torque.to_le_bytes());
        bytes[field::VELOCITY].copy_from_slice(&velocity.to_le_bytes());
        bytes[field::POSITION].copy_from_slice(&position.to_le_bytes());
        bytes[field::KP].copy_from_slice(&gain(kp).to_le_bytes());
        bytes[field::KD].copy_from_slice(&gain(kd).to_le_bytes());
        let crc = checksum(&bytes[..field::CRC.start]);
        bytes[field::CRC].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads exactly [`COMMAND_LEN`] bytes: header and checksum are checked.
    ///
    /// # Errors
    /// [`WireError`] that says which of them was wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        use command_field as field;
        let bytes = intact::<COMMAND_LEN>(bytes, field::HEADER)?;
        Ok(Self {
            id: MotorId(bytes[field::MODE] & 0x0F),
            mode: Mode::from_bits(bytes[field::MODE] >> 4),
            targets: Impedance {
                torque_nm: f64::from(i16_at(bytes, field::TORQUE)) / TORQUE_SCALE,
                velocity_rad_s: f64::from(i16_at(bytes, field::VELOCITY)) / VELOCITY_SCALE,
                position_rad: f64::from(i32_at(bytes, field::POSITION)) / POSITION_SCALE,
                kp: f64::from(u16_at(bytes, field::KP)) / GAIN_SCALE,
                kd: f64::from(u16_at(bytes, field::KD)) / GAIN_SCALE,
            },
        })
    }
}

impl Frame for Command {
    const HEADER: &'static [u8] = &command_field::HEADER;
    const MIN_LEN: usize = COMMAND_LEN;
    const MAX_LEN: usize = COMMAND_LEN;

    fn len_of(_: &[u8]) -> Result<Option<usize>, WireError> {
        Ok(Some(COMMAND_LEN))
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Self::decode(bytes)
    }
}

/// A motor's answer to a command, rotor-side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reply {
    /// The one that answers.
    pub id: MotorId,
    /// Its mode.
    pub mode: Mode,
    /// Torque, N m.
    pub torque_nm: f64,
    /// Velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Position since switch-on, over all turns, rad.
    pub position_rad: f64,
    /// Temperature, degrees Celsius, in whole degrees on the wire.
    pub temperature_c: f64,
    /// Its faults.
    pub error: Option<Fault>,
    /// Raw reading of the foot's force sensor, 0 to 4095, where the motor has one.
    pub foot_force: u16,
}

impl Reply {
    /// The bytes, each value rounded to the nearest that the frame can carry; out of range saturates, and
    /// what is not a number becomes zero.
    pub fn encode(&self) -> [u8; REPLY_LEN] {
        use reply_field as field;
        let torque = (self.torque_nm * TORQUE_SCALE).round() as i16;
        let velocity = (self.velocity_rad_s * VELOCITY_SCALE).round() as i16;
        let position = (self.position_rad * POSITION_SCALE).round() as i32;
        let temperature = self.temperature_c.round() as i8;
        let status = u16::from(Fault::bits(self.error)) | self.foot_force.min(0x0FFF) << 3;

        let mut bytes = [0; REPLY_LEN];
        bytes[..2].copy_from_slice(&field::HEADER);
        bytes[field::MODE] = self.id.0 | self.mode.bits() << 4;
        bytes[field::TORQUE].copy_from_slice(&torque.to_le_bytes());
        bytes[field::VELOCITY].copy_from_slice(&velocity.to_le_bytes());
        bytes[field::POSITION].copy_from_slice(&position.to_le_bytes());
        bytes[field::TEMPERATURE] = temperature.to_le_bytes()[0];
        bytes[field::STATUS].copy_from_slice(&status.to_le_bytes());
        let crc = checksum(&bytes[..field::CRC.start]);
        bytes[field::CRC].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads exactly [`REPLY_LEN`] bytes: header and checksum are checked (the vendor's own decoder looks at the
    /// checksum only).
    ///
    /// # Errors
    /// [`WireError`] that says which of them was wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        use reply_field as field;
        let bytes = intact::<REPLY_LEN>(bytes, field::HEADER)?;
        let status = u16_at(bytes, field::STATUS);
        Ok(Self {
            id: MotorId(bytes[field::MODE] & 0x0F),
            mode: Mode::from_bits(bytes[field::MODE] >> 4),
            torque_nm: f64::from(i16_at(bytes, field::TORQUE)) / TORQUE_SCALE,
            velocity_rad_s: f64::from(i16_at(bytes, field::VELOCITY)) / VELOCITY_SCALE,
            position_rad: f64::from(i32_at(bytes, field::POSITION)) / POSITION_SCALE,
            temperature_c: f64::from(i8::from_le_bytes([bytes[field::TEMPERATURE]])),
            error: Fault::from_bits((status & 0b111) as u8),
            foot_force: status >> 3 & 0x0FFF,
        })
    }
}

impl Frame for Reply {
    const HEADER: &'static [u8] = &reply_field::HEADER;
    const MIN_LEN: usize = REPLY_LEN;
    const MAX_LEN: usize = REPLY_LEN;

    fn len_of(_: &[u8]) -> Result<Option<usize>, WireError> {
        Ok(Some(REPLY_LEN))
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Self::decode(bytes)
    }
}

const fn i16_at<const N: usize>(bytes: &[u8; N], field: Range<usize>) -> i16 {
    u16_at(bytes, field).cast_signed()
}

const fn i32_at<const N: usize>(bytes: &[u8; N], field: Range<usize>) -> i32 {
    let at = field.start;
    i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
