//! `unitree_go::msg::dds_::LowCmd_`.

use adit_cdr::{CdrReadError, ENCAPSULATION};
use serde::{Deserialize, Serialize};

use super::{HEAD, MOTORS, checksum};

/// Command of one motor: the joint's impedance about a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MotorCmd {
    /// 1 drives it (field-oriented control), 0 does not.
    pub mode: u8,
    /// Position, rad.
    pub q: f32,
    /// Velocity, rad/s.
    pub dq: f32,
    /// Torque, N m.
    pub tau: f32,
    /// Stiffness, N m/rad.
    pub kp: f32,
    /// Damping, N m s/rad.
    pub kd: f32,
    /// Not used.
    pub reserve: [u32; 3],
}

/// Command of the battery's electronics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BmsCmd {
    /// 0xA5 switches it off.
    pub off: u8,
    /// Not used.
    pub reserve: [u8; 3],
}

/// Low-level command of a whole robot (`rt/lowcmd`). The motors do what the last one says; the vendor's own gait must have let go
/// of them before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LowCmd {
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
    /// Each motor, in the vendor's order.
    pub motors: [MotorCmd; MOTORS],
    /// The battery's electronics.
    pub bms: BmsCmd,
    /// What the remote control sent, as the robot passes it on.
    #[serde(with = "adit_cdr::array")]
    pub wireless_remote: [u8; 40],
    /// Colours of the lamps.
    pub led: [u8; 12],
    /// Fans.
    pub fan: [u8; 2],
    /// Output pin.
    pub gpio: u8,
    /// Not used.
    pub reserve: u32,
    /// Checksum, see [`LowCmd::checksum`].
    pub crc: u32,
}

impl LowCmd {
    /// Bytes of a sample, encapsulation included.
    pub const SAMPLE_LEN: usize = 812;
    /// Where the first motor begins in the body.
    const MOTORS_AT: usize = 22;

    /// A low-level command that drives no motor, its checksum not yet filled in.
    pub fn new() -> Self {
        Self {
            head: HEAD,
            level_flag: 0xFF,
            frame_reserve: 0,
            sn: [0; 2],
            version: [0; 2],
            bandwidth: 0,
            motors: [MotorCmd::default(); MOTORS],
            bms: BmsCmd::default(),
            wireless_remote: [0; 40],
            led: [0; 12],
            fan: [0; 2],
            gpio: 0,
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

    /// The command in a sample; whether its checksum is right is for [`checksum`](Self::checksum) to tell.
    ///
    /// # Errors
    /// [`CdrReadError`] if it is too short, or not little-endian plain CDR.
    pub fn decode(sample: &[u8]) -> Result<Self, CdrReadError> {
        adit_cdr::deserialize(sample)
    }

    /// The checksum that the other fields give. A receiver drops commands that carry another.
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

impl Default for LowCmd {
    fn default() -> Self {
        Self::new()
    }
}
