//! Unitree A1 and B1 motors (RS-485, 4.8 and 6.0 Mbaud 8N1, strictly request and reply): one format, in which
//! only the scale of the damping differs.
//!
//! Formats and scales are those of the bytes that the vendor's library (`unitree_actuator_sdk`) packs, and of
//! its header `motor_msg_A1B1.h`. All values are rotor-side, before the gearbox; its 2 pi is 6.2832.
//!
//! The checksum of either frame covers whole words of four bytes from its beginning and ends early: in a
//! command the last two bytes before it (a reserved word's upper half) are not protected, in a reply the
//! sensor error byte and one reserved byte.

use std::ops::Range;

use crc::{CRC_32_MPEG_2, Crc, Table};

use super::{Frame, Impedance, WireError};

/// Length of a command, bytes.
pub const COMMAND_LEN: usize = 34;
/// Length of a reply, bytes.
pub const REPLY_LEN: usize = 78;

/// Greatest torque that a command can carry, N m; beyond it [`Command::encode`] saturates.
pub const MAX_TORQUE_NM: f64 = i16::MAX as f64 / TORQUE_SCALE;
/// Greatest velocity that a command can carry, rad/s.
pub const MAX_VELOCITY_RAD_S: f64 = i16::MAX as f64 / VELOCITY_SCALE;
/// Greatest position that a command can carry, rad.
pub const MAX_POSITION_RAD: f64 = i32::MAX as f64 / POSITION_SCALE;
/// Greatest stiffness that a command can carry, N m/rad.
pub const MAX_KP: f64 = i16::MAX as f64 / KP_SCALE;

const HEADER: [u8; 2] = [0xFE, 0xEE];
#[expect(clippy::approx_constant, reason = "the vendor's library rounds it so, and the bytes show it")]
const TWO_PI: f64 = 6.2832;
const TORQUE_SCALE: f64 = 256.0;
const VELOCITY_SCALE: f64 = 128.0;
const POSITION_SCALE: f64 = 16_384.0 / TWO_PI;
const KP_SCALE: f64 = 2048.0;
/// 2000 degrees/s over 2^15, in rad/s.
const GYRO_SCALE: f64 = 2000.0 / 32_768.0 * TWO_PI / 360.0;
/// 8 g over 2^15, in m/s^2.
const ACCEL_SCALE: f64 = 8.0 * 9.806_65 / 32_768.0;

static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_MPEG_2);

/// Model of the motor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// A1: gear ratio 9.1.
    A1,
    /// B1: gear ratio 8.66.
    B1,
}

impl Model {
    /// Bits a second on the bus.
    pub const fn baud(self) -> u32 {
        match self {
            Self::A1 => 4_800_000,
            Self::B1 => 6_000_000,
        }
    }

    /// Greatest damping that a command can carry, N m s/rad.
    pub const fn max_kd(self) -> f64 {
        i16::MAX as f64 / self.kd_scale()
    }

    const fn kd_scale(self) -> f64 {
        match self {
            Self::A1 => 1024.0,
            Self::B1 => 512.0,
        }
    }
}

/// Places of the fields that both frames have.
mod field {
    use super::Range;

    pub(super) const ID: usize = 2;
    pub(super) const MODE: usize = 4;
    pub(super) const TORQUE: Range<usize> = 12..14;
    pub(super) const VELOCITY: Range<usize> = 14..16;
}

/// Places of a command's own fields.
mod command_field {
    use super::Range;

    /// Parameters to be changed: 0xFF for none.
    pub(super) const MODIFY: usize = 5;
    pub(super) const POSITION: Range<usize> = 16..20;
    pub(super) const KP: Range<usize> = 20..22;
    pub(super) const KD: Range<usize> = 22..24;
    pub(super) const CRC: Range<usize> = 30..34;
    /// Seven words.
    pub(super) const PROTECTED: Range<usize> = 0..28;
}

/// Places of a reply's own fields.
mod reply_field {
    use super::Range;

    pub(super) const TEMPERATURE: usize = 6;
    pub(super) const ERROR: usize = 7;
    pub(super) const POSITION: Range<usize> = 30..34;
    pub(super) const GYRO: [Range<usize>; 3] = [38..40, 40..42, 42..44];
    pub(super) const ACCEL: [Range<usize>; 3] = [44..46, 46..48, 48..50];
    pub(super) const FOOT_FORCE: Range<usize> = 69..71;
    pub(super) const CRC: Range<usize> = 74..78;
    /// Eighteen words.
    pub(super) const PROTECTED: Range<usize> = 0..72;
}

/// A motor's address on its bus, or [`MotorId::BROADCAST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MotorId(pub u8);

impl MotorId {
    /// Every motor on the bus; none of them replies.
    pub const BROADCAST: Self = Self(0xBB);
}

/// Mode of a motor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not driven. Targets are ignored.
    Idle,
    /// Slow turning without control, for tests off the robot.
    OpenLoop,
    /// Field-oriented control: the impedance law of the command's targets and gains.
    Foc,
    /// A number without a published meaning.
    Undefined(u8),
}

impl Mode {
    /// The byte of the frame.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Idle => 0,
            Self::OpenLoop => 5,
            Self::Foc => 10,
            Self::Undefined(byte) => byte,
        }
    }

    /// The meaning of a byte.
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::Idle,
            5 => Self::OpenLoop,
            10 => Self::Foc,
            undefined => Self::Undefined(undefined),
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

/// A whole command's bytes. What they mean depends on the motor: [`read`](Self::read).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandFrame([u8; COMMAND_LEN]);

impl Command {
    /// The bytes, exactly as the vendor's library packs them: values truncated toward zero.
    ///
    /// Out of range saturates, infinities too. What is not a number is sent as zero, and a position that
    /// is not a number also takes the stiffness with it, so that the motor is pulled nowhere.
    pub fn encode(&self, model: Model) -> [u8; COMMAND_LEN] {
        self.pack(model, f64::trunc)
    }

    /// As [`encode`](Self::encode), but each value rounded to the nearest that the frame can carry.
    pub fn encode_nearest(&self, model: Model) -> [u8; COMMAND_LEN] {
        self.pack(model, f64::round)
    }

    fn pack(&self, model: Model, whole: fn(f64) -> f64) -> [u8; COMMAND_LEN] {
        use command_field as own;
        // `as` saturates, and turns what is not a number into zero.
        let short = |value: f64, scale: f64| whole(value * scale) as i16;
        let gain = |value: f64, scale: f64| short(value.max(0.0), scale);
        let Impedance { position_rad, velocity_rad_s, torque_nm, kp, kd } = self.targets;
        let kp = if position_rad.is_nan() { 0.0 } else { kp };
        let position = whole(position_rad * POSITION_SCALE) as i32;

        let mut bytes = [0; COMMAND_LEN];
        bytes[..2].copy_from_slice(&HEADER);
        bytes[field::ID] = self.id.0;
        bytes[field::MODE] = self.mode.byte();
        bytes[own::MODIFY] = 0xFF;
        bytes[field::TORQUE].copy_from_slice(&short(torque_nm, TORQUE_SCALE).to_le_bytes());
        bytes[field::VELOCITY].copy_from_slice(&short(velocity_rad_s, VELOCITY_SCALE).to_le_bytes());
        bytes[own::POSITION].copy_from_slice(&position.to_le_bytes());
        bytes[own::KP].copy_from_slice(&gain(kp, KP_SCALE).to_le_bytes());
        bytes[own::KD].copy_from_slice(&gain(kd, model.kd_scale()).to_le_bytes());
        let crc = checksum(&bytes[own::PROTECTED]);
        bytes[own::CRC].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

impl CommandFrame {
    /// The command in the frame to a motor of this model.
    pub fn read(&self, model: Model) -> Command {
        use command_field as own;
        let bytes = &self.0;
        Command {
            id: MotorId(bytes[field::ID]),
            mode: Mode::from_byte(bytes[field::MODE]),
            targets: Impedance {
                torque_nm: f64::from(i16_at(bytes, field::TORQUE)) / TORQUE_SCALE,
                velocity_rad_s: f64::from(i16_at(bytes, field::VELOCITY)) / VELOCITY_SCALE,
                position_rad: f64::from(i32_at(bytes, own::POSITION)) / POSITION_SCALE,
                kp: f64::from(i16_at(bytes, own::KP)) / KP_SCALE,
                kd: f64::from(i16_at(bytes, own::KD)) / model.kd_scale(),
            },
        }
    }
}

impl Frame for CommandFrame {
    const HEADER: &'static [u8] = &HEADER;
    const MIN_LEN: usize = COMMAND_LEN;
    const MAX_LEN: usize = COMMAND_LEN;

    fn len_of(_: &[u8]) -> Result<Option<usize>, WireError> {
        Ok(Some(COMMAND_LEN))
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        intact(bytes, command_field::PROTECTED, command_field::CRC).map(|bytes| Self(*bytes))
    }
}

/// A motor's answer to a command, rotor-side. The fields of the vendor's header that it calls reserved for
/// other sensors are left out; [`encode`](Self::encode) writes zeros there.
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
    /// Its fault as a number; 0 for none.
    pub error: u8,
    /// Raw reading of the foot's force sensor, where the motor has one.
    pub foot_force: i16,
    /// Angular velocity of the motor's own board, rad/s.
    pub gyro_rad_s: [f64; 3],
    /// Acceleration of the motor's own board, m/s^2.
    pub accel_m_s2: [f64; 3],
}

impl Reply {
    /// The bytes, each value rounded to the nearest that the frame can carry; out of range saturates, and
    /// what is not a number becomes zero.
    pub fn encode(&self) -> [u8; REPLY_LEN] {
        use reply_field as own;
        let short = |value: f64, scale: f64| ((value * scale).round() as i16).to_le_bytes();
        let position = (self.position_rad * POSITION_SCALE).round() as i32;

        let mut bytes = [0; REPLY_LEN];
        bytes[..2].copy_from_slice(&HEADER);
        bytes[field::ID] = self.id.0;
        bytes[field::MODE] = self.mode.byte();
        bytes[own::TEMPERATURE] = (self.temperature_c.round() as i8).to_le_bytes()[0];
        bytes[own::ERROR] = self.error;
        bytes[field::TORQUE].copy_from_slice(&short(self.torque_nm, TORQUE_SCALE));
        bytes[field::VELOCITY].copy_from_slice(&short(self.velocity_rad_s, VELOCITY_SCALE));
        bytes[own::POSITION].copy_from_slice(&position.to_le_bytes());
        for axis in 0..3 {
            bytes[own::GYRO[axis].clone()].copy_from_slice(&short(self.gyro_rad_s[axis], 1.0 / GYRO_SCALE));
            bytes[own::ACCEL[axis].clone()].copy_from_slice(&short(self.accel_m_s2[axis], 1.0 / ACCEL_SCALE));
        }
        bytes[own::FOOT_FORCE].copy_from_slice(&self.foot_force.to_le_bytes());
        let crc = checksum(&bytes[own::PROTECTED]);
        bytes[own::CRC].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

impl Frame for Reply {
    const HEADER: &'static [u8] = &HEADER;
    const MIN_LEN: usize = REPLY_LEN;
    const MAX_LEN: usize = REPLY_LEN;

    fn len_of(_: &[u8]) -> Result<Option<usize>, WireError> {
        Ok(Some(REPLY_LEN))
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        use reply_field as own;
        let bytes: &[u8; REPLY_LEN] = intact(bytes, own::PROTECTED, own::CRC)?;
        let scaled = |range: Range<usize>, scale: f64| f64::from(i16_at(bytes, range)) * scale;
        Ok(Self {
            id: MotorId(bytes[field::ID]),
            mode: Mode::from_byte(bytes[field::MODE]),
            torque_nm: scaled(field::TORQUE, 1.0 / TORQUE_SCALE),
            velocity_rad_s: scaled(field::VELOCITY, 1.0 / VELOCITY_SCALE),
            position_rad: f64::from(i32_at(bytes, own::POSITION)) / POSITION_SCALE,
            temperature_c: f64::from(i8::from_le_bytes([bytes[own::TEMPERATURE]])),
            error: bytes[own::ERROR],
            foot_force: i16_at(bytes, own::FOOT_FORCE),
            gyro_rad_s: own::GYRO.map(|range| scaled(range, GYRO_SCALE)),
            accel_m_s2: own::ACCEL.map(|range| scaled(range, ACCEL_SCALE)),
        })
    }
}

/// The bytes as a frame of `N` with the header and the checksum of its protected part.
fn intact<const N: usize>(
    bytes: &[u8],
    protected: Range<usize>,
    crc: Range<usize>,
) -> Result<&[u8; N], WireError> {
    let frame: &[u8; N] = bytes.try_into().or(Err(WireError::Length { expected: N, found: bytes.len() }))?;
    for (expected, &found) in HEADER.into_iter().zip(frame) {
        if expected != found {
            return Err(WireError::Header { expected, found });
        }
    }
    let expected = checksum(&frame[protected]);
    let found = i32_at(frame, crc).cast_unsigned();
    if expected == found { Ok(frame) } else { Err(WireError::Crc { expected, found }) }
}

/// CRC-32/MPEG-2 over little-endian words, each taken from its highest byte.
fn checksum(bytes: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    for word in bytes.chunks_exact(4) {
        digest.update(&[word[3], word[2], word[1], word[0]]);
    }
    digest.finalize()
}

const fn i16_at<const N: usize>(bytes: &[u8; N], field: Range<usize>) -> i16 {
    i16::from_le_bytes([bytes[field.start], bytes[field.start + 1]])
}

const fn i32_at<const N: usize>(bytes: &[u8; N], field: Range<usize>) -> i32 {
    let at = field.start;
    i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
