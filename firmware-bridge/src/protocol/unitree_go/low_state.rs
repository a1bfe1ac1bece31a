//! `unitree_go::msg::dds_::LowState_`.

use adit_cdr::{CdrReadError, ENCAPSULATION};
use serde::{Deserialize, Serialize};

use super::{HEAD, MOTORS, checksum};

/// Inertial sensor of the trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImuState {
    /// Orientation, w first.
    pub quaternion: [f32; 4],
    /// Angular velocity, rad/s, in the trunk's frame.
    pub gyroscope: [f32; 3],
    /// Specific force, m/s^2, in the trunk's frame.
    pub accelerometer: [f32; 3],
    /// Roll, pitch and yaw, rad.
    pub rpy: [f32; 3],
    /// Temperature, degrees Celsius. (A signed byte in the vendor's ROS messages, unsigned in its Python library.)
    pub temperature_c: i8,
}

/// State of one motor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MotorState {
    /// 1 while it is driven.
    pub mode: u8,
    /// Position, rad.
    pub q: f32,
    /// Velocity, rad/s.
    pub dq: f32,
    /// Acceleration, rad/s^2.
    pub ddq: f32,
    /// Estimated torque, N m.
    pub tau_est: f32,
    /// Position as read, rad.
    pub q_raw: f32,
    /// Velocity as read, rad/s.
    pub dq_raw: f32,
    /// Acceleration as read, rad/s^2.
    pub ddq_raw: f32,
    /// Temperature, degrees Celsius; see [`ImuState::temperature_c`].
    pub temperature_c: i8,
    /// Frames lost between it and the robot's board.
    pub lost: u32,
    /// Not used.
    pub reserve: [u32; 2],
}

/// State of the battery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BmsState {
    /// Version, high byte.
    pub version_high: u8,
    /// Version, low byte.
    pub version_low: u8,
    /// What it is doing.
    pub status: u8,
    /// Charge, percent.
    pub soc_percent: u8,
    /// Current, mA; negative while it is drained.
    pub current_ma: i32,
    /// Times that it was charged.
    pub cycle: u16,
    /// Temperatures of the cells, degrees Celsius.
    pub bq_ntc_c: [i8; 2],
    /// Temperatures of its controller, degrees Celsius.
    pub mcu_ntc_c: [i8; 2],
    /// Voltages of the cells, mV.
    pub cell_vol_mv: [u16; 15],
}

/// Low-level state of a whole robot (`rt/lowstate`, 500 Hz).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LowState {
    /// [`HEAD`].
    pub head: [u8; 2],
    /// 0xFF for low level.
    pub level_flag: u8,
    /// Not used.
    pub frame_reserve: u8,
    /// Serial number.
    pub sn: [u32; 2],
    /// Version.
    pub version: [u32; 2],
    /// Not used.
    pub bandwidth: u16,
    /// Inertial sensor.
    pub imu: ImuState,
    /// Each motor, in the vendor's order.
    pub motors: [MotorState; MOTORS],
    /// Battery.
    pub bms: BmsState,
    /// Load of each foot, FR, FL, RR, RL, as its sensor counts.
    pub foot_force: [i16; 4],
    /// The same as estimated by the robot.
    pub foot_force_est: [i16; 4],
    /// Time since the robot was switched on, ms.
    pub tick: u32,
    /// What the remote control sends: buttons and sticks.
    #[serde(with = "adit_cdr::array")]
    pub wireless_remote: [u8; 40],
    /// Flags.
    pub bit_flag: u8,
    /// Reel of the motors' converter.
    pub adc_reel: f32,
    /// Temperature of the board, degrees Celsius.
    pub ntc1_c: i8,
    /// The same elsewhere on it.
    pub ntc2_c: i8,
    /// Supply, V.
    pub power_v: f32,
    /// Supply, A.
    pub power_a: f32,
    /// Speeds of the fans, 1/min.
    pub fan_frequency: [u16; 4],
    /// Not used.
    pub reserve: u32,
    /// Checksum, see [`LowState::checksum`]. The vendor's simulator sends 0.
    pub crc: u32,
}

impl LowState {
    /// Bytes of a sample, encapsulation included.
    pub const SAMPLE_LEN: usize = 1180;
    /// Where the first motor begins in the body.
    const MOTORS_AT: usize = 77;

    /// The state of a robot of which nothing is known: all zero.
    pub fn new() -> Self {
        Self {
            head: HEAD,
            level_flag: 0xFF,
            frame_reserve: 0,
            sn: [0; 2],
            version: [0; 2],
            bandwidth: 0,
            imu: ImuState::default(),
            motors: [MotorState::default(); MOTORS],
            bms: BmsState::default(),
            foot_force: [0; 4],
            foot_force_est: [0; 4],
            tick: 0,
            wireless_remote: [0; 40],
            bit_flag: 0,
            adc_reel: 0.0,
            ntc1_c: 0,
            ntc2_c: 0,
            power_v: 0.0,
            power_a: 0.0,
            fan_frequency: [0; 4],
            reserve: 0,
            crc: 0,
        }
    }

    /// Fills in the checksum and puts the sample into `out`, whose former contents are lost. Once `out` holds
    /// [`SAMPLE_LEN`](Self::SAMPLE_LEN) bytes nothing is allocated.
    pub fn encode_into(&mut self, out: &mut Vec<u8>) {
        self.write(out);
        self.crc = checksum(&out[ENCAPSULATION.len()..], Self::MOTORS_AT);
        self.write(out);
    }

    /// The state in a sample; whether its checksum is right is for [`checksum`](Self::checksum) to tell.
    ///
    /// # Errors
    /// [`CdrReadError`] if it is too short, or not little-endian plain CDR.
    pub fn decode(sample: &[u8]) -> Result<Self, CdrReadError> {
        adit_cdr::deserialize(sample)
    }

    /// The checksum that the other fields give.
    pub fn checksum(&self) -> u32 {
        // Not of the bytes that came: a sender may leave anything in their gaps.
        let mut sample = [0; Self::SAMPLE_LEN];
        let written = adit_cdr::serialize_into_slice(&mut sample, self);
        debug_assert!(written.is_ok(), "{written:?}");
        checksum(&sample[ENCAPSULATION.len()..], Self::MOTORS_AT)
    }

    fn write(&self, out: &mut Vec<u8>) {
        // Numbers and arrays all have a CDR form.
        let written = adit_cdr::serialize_into(out, self);
        debug_assert!(written.is_ok() && out.len() == Self::SAMPLE_LEN, "{written:?}");
    }
}

impl Default for LowState {
    fn default() -> Self {
        Self::new()
    }
}
