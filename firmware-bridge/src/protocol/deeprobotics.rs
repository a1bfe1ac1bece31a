//! Datagrams of DEEP Robotics' Lite3 and X30, little-endian, after the vendor's public `Lite3_MotionSDK`, `x30_motion_sdk` and
//! `Lite3_ROS`.
//!
//! ```text
//! | code u32 | value or length of the payload u32 | type u8, count u24 | payload |
//! ```
//!
//! The robot listens on [`ROBOT_PORT`] and reports to [`REPORT_PORT`] at the address in its `network.toml`. There is no checksum:
//! lengths are checked instead. Legs come FL, FR, HL, HR, each with HipX, HipY and Knee.

use std::ops::Range;

/// UDP port at which the robot listens.
pub const ROBOT_PORT: u16 = 43893;
/// UDP port to which it reports.
pub const REPORT_PORT: u16 = 43897;
/// Joints of a robot.
pub const JOINTS: usize = 12;
/// Bytes in front of a payload.
pub const HEADER_LEN: usize = 12;
/// Greatest count that a header carries.
pub const MAX_COUNT: u32 = (1 << 24) - 1;

/// Codes of datagrams.
pub mod code {
    /// To the robot: commands of all joints.
    pub const JOINT_COMMAND: u32 = 0x0111;
    /// To the robot: the SDK gives control back.
    pub const RELEASE_CONTROL: u32 = 0x0113;
    /// To the robot: the SDK takes control; the vendor's library sends it twice.
    pub const TAKE_CONTROL: u32 = 0x0114;
    /// From the robot: state of all joints and of the inertial sensor.
    pub const STATE: u32 = 0x0906;
    /// To the robot: joints find their zeros, on a Lite3, for about 7 s.
    pub const ZERO_JOINTS: u32 = 0x3101_0C05;
    /// To the robot, as a number: velocity forward, m/s.
    pub const VELOCITY_X: u32 = 0x0140;
    /// To the robot, as a number: velocity to the left, m/s.
    pub const VELOCITY_Y: u32 = 0x0145;
    /// To the robot, as a number: angular velocity about the vertical, rad/s.
    pub const YAW_RATE: u32 = 0x0141;
    /// To the robot: heartbeat of whoever drives it, 2 Hz or more.
    pub const HEARTBEAT: u32 = 0x2104_0001;
    /// To the robot: it takes velocities from the network.
    pub const AUTONOMOUS_MODE: u32 = 0x2101_0C03;
    /// To the robot: stands up if it lies, lies down if it stands.
    pub const STAND_OR_LIE: u32 = 0x2101_0202;
    /// To the robot: soft emergency stop.
    pub const EMERGENCY_STOP: u32 = 0x2102_0C0E;
}

/// Refusal of bytes that are no datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// Shorter than its header, or not as long as that says.
    #[error(
        "{found} bytes where its header makes it {expected}: a datagram was cut, or is not DEEP Robotics'"
    )]
    Length {
        /// What the header says, bytes.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// Neither a value nor a payload.
    #[error("type {0}, which no datagram has: it is not DEEP Robotics'")]
    Type(u8),
    /// A payload of another length than any version of it has.
    #[error(
        "a payload of {found} bytes under code {code:#X}, of which lengths of {known:?} are known: the robot's software may be newer"
    )]
    Payload {
        /// Its code.
        code: u32,
        /// Bytes of the payload.
        found: usize,
        /// Lengths that are known.
        known: &'static [usize],
    },
}

/// Target of one joint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JointCommand {
    /// Position, rad.
    pub position_rad: f32,
    /// Velocity, rad/s.
    pub velocity_rad_s: f32,
    /// Torque, N m.
    pub torque_nm: f32,
    /// Stiffness, N m/rad.
    pub kp: f32,
    /// Damping, N m s/rad.
    pub kd: f32,
}

/// State of one joint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JointState {
    /// Position, rad.
    pub position_rad: f32,
    /// Velocity, rad/s.
    pub velocity_rad_s: f32,
    /// Torque, N m.
    pub torque_nm: f32,
    /// Temperature, degrees Celsius.
    pub temperature_c: f32,
}

/// Inertial sensor, as the robot sends it: angles in degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ImuData {
    /// The sensor's own time.
    pub stamp: i32,
    /// Roll, pitch and yaw, degrees.
    pub rpy_deg: [f32; 3],
    /// Angular velocity. The vendor's files disagree about its unit: degrees a second in a header, rad/s in its own interface.
    pub gyroscope: [f32; 3],
    /// Specific force, m/s^2.
    pub accelerometer: [f32; 3],
}

/// State of a robot ([`code::STATE`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// The robot's time, ms.
    pub tick_ms: u32,
    /// Inertial sensor.
    pub imu: ImuData,
    /// Each joint.
    pub joints: [JointState; JOINTS],
    /// Force at each foot, three numbers each.
    pub contact: Contact,
}

/// Forces at the feet, of which the two robots send numbers of other sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Contact {
    /// Double precision.
    Lite3([f64; JOINTS]),
    /// Single precision.
    X30([f32; JOINTS]),
}

/// Content of a datagram.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A single value.
    Value(u32),
    /// A number in double precision.
    Number(f64),
    /// Commands of all joints.
    JointCommand([JointCommand; JOINTS]),
    /// State of the robot.
    State(State),
    /// A payload that is none of these.
    Payload(Vec<u8>),
}

/// A datagram to or from a robot.
#[derive(Clone, Debug, PartialEq)]
pub struct Datagram {
    /// What it is, see [`code`].
    pub code: u32,
    /// Counts datagrams, at most [`MAX_COUNT`]; the vendor's library leaves it at 0.
    pub count: u32,
    /// What it carries.
    pub content: Content,
}

const CODE: Range<usize> = 0..4;
const VALUE: Range<usize> = 4..8;
const KIND: Range<usize> = 8..12;
const SINGLE_VALUE: u8 = 0;
const WITH_PAYLOAD: u8 = 1;
/// Bytes of [`code::JOINT_COMMAND`]'s payload.
const COMMAND_LEN: usize = 20 * JOINTS;
/// Bytes of [`code::STATE`]'s payload: of a Lite3, whose doubles stand at a multiple of eight, and of an X30.
const STATE_LENS: [usize; 2] = [336, 284];

impl Datagram {
    /// Commands of all joints.
    pub const fn joint_command(joints: [JointCommand; JOINTS]) -> Self {
        Self { code: code::JOINT_COMMAND, count: 0, content: Content::JointCommand(joints) }
    }

    /// The bytes. A count above [`MAX_COUNT`] goes round.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Puts the bytes into `out`, whose former contents are lost.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.clear();
        out.resize(HEADER_LEN, 0);
        let mut put = |numbers: &[f32]| numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
        let (kind, value) = match &self.content {
            Content::Value(value) => (SINGLE_VALUE, Some(*value)),
            Content::Number(number) => {
                out.extend(number.to_le_bytes());
                (WITH_PAYLOAD, None)
            }
            Content::JointCommand(joints) => {
                for JointCommand { position_rad, velocity_rad_s, torque_nm, kp, kd } in joints {
                    put(&[*position_rad, *velocity_rad_s, *torque_nm, *kp, *kd]);
                }
                (WITH_PAYLOAD, None)
            }
            Content::State(state) => {
                encode_state(state, out);
                (WITH_PAYLOAD, None)
            }
            Content::Payload(bytes) => {
                out.extend(bytes);
                (WITH_PAYLOAD, None)
            }
        };
        let payload = (out.len() - HEADER_LEN) as u32;
        out[CODE].copy_from_slice(&self.code.to_le_bytes());
        out[VALUE].copy_from_slice(&value.unwrap_or(payload).to_le_bytes());
        out[KIND].copy_from_slice(&(u32::from(kind) | self.count << 8).to_le_bytes());
    }

    /// The datagram of these bytes.
    ///
    /// # Errors
    /// [`DatagramError`] if they are not one datagram, whole and alone.
    pub fn decode(bytes: &[u8]) -> Result<Self, DatagramError> {
        let Some((header, payload)) = bytes.split_first_chunk::<HEADER_LEN>() else {
            return Err(DatagramError::Length { expected: HEADER_LEN, found: bytes.len() });
        };
        let mut fields = Fields(header);
        let (code, value, kind) = (fields.u32(), fields.u32(), fields.u32());
        let count = kind >> 8;
        let expected = match kind as u8 {
            SINGLE_VALUE => HEADER_LEN,
            WITH_PAYLOAD => HEADER_LEN.saturating_add(value as usize),
            other => return Err(DatagramError::Type(other)),
        };
        if bytes.len() != expected {
            return Err(DatagramError::Length { expected, found: bytes.len() });
        }
        let of_length = |known: &'static [usize]| {
            let found = payload.len();
            if known.contains(&found) { Ok(()) } else { Err(DatagramError::Payload { code, found, known }) }
        };
        let content = match (kind as u8, code) {
            (SINGLE_VALUE, _) => Content::Value(value),
            (_, code::JOINT_COMMAND) => {
                of_length(&[COMMAND_LEN])?;
                Content::JointCommand(decode_command(&mut Fields(payload)))
            }
            (_, code::STATE) => {
                of_length(&STATE_LENS)?;
                Content::State(decode_state(payload))
            }
            (_, code::VELOCITY_X | code::VELOCITY_Y | code::YAW_RATE) => {
                of_length(&[8])?;
                Content::Number(Fields(payload).f64())
            }
            _ => Content::Payload(payload.to_vec()),
        };
        Ok(Self { code, count, content })
    }
}

fn encode_state(state: &State, out: &mut Vec<u8>) {
    let State { tick_ms, imu, joints, contact } = state;
    out.extend(tick_ms.to_le_bytes());
    out.extend(imu.stamp.to_le_bytes());
    let mut put = |numbers: &[f32]| numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
    [imu.rpy_deg, imu.gyroscope, imu.accelerometer].iter().for_each(|three| put(three));
    for JointState { position_rad, velocity_rad_s, torque_nm, temperature_c } in joints {
        put(&[*position_rad, *velocity_rad_s, *torque_nm, *temperature_c]);
    }
    match contact {
        Contact::X30(forces) => put(forces),
        Contact::Lite3(forces) => {
            out.extend([0; 4]);
            forces.iter().for_each(|force| out.extend(force.to_le_bytes()));
        }
    }
}

fn decode_command(fields: &mut Fields<'_>) -> [JointCommand; JOINTS] {
    std::array::from_fn(|_| {
        let [position_rad, velocity_rad_s, torque_nm, kp, kd] = fields.f32s();
        JointCommand { position_rad, velocity_rad_s, torque_nm, kp, kd }
    })
}

/// Of a payload of one of the [`STATE_LENS`].
fn decode_state(payload: &[u8]) -> State {
    let mut fields = Fields(payload);
    let tick_ms = fields.u32();
    let stamp = fields.u32().cast_signed();
    let [rpy_deg, gyroscope, accelerometer] = [(); 3].map(|()| fields.f32s());
    let joints = std::array::from_fn(|_| {
        let [position_rad, velocity_rad_s, torque_nm, temperature_c] = fields.f32s();
        JointState { position_rad, velocity_rad_s, torque_nm, temperature_c }
    });
    let contact = if payload.len() == STATE_LENS[0] {
        fields.u32();
        Contact::Lite3([(); JOINTS].map(|()| fields.f64()))
    } else {
        Contact::X30(fields.f32s())
    };
    State { tick_ms, imu: ImuData { stamp, rpy_deg, gyroscope, accelerometer }, joints, contact }
}

/// Fields one after the other, of bytes whose length was checked; beyond them all is 0.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_first_chunk::<N>().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *taken
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn f32s<const N: usize>(&mut self) -> [f32; N] {
        [(); N].map(|()| f32::from_le_bytes(self.take()))
    }

    fn f64(&mut self) -> f64 {
        f64::from_le_bytes(self.take())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(contact: Contact) -> State {
        let joint = |i: usize| JointState {
            position_rad: i as f32,
            velocity_rad_s: 0.5,
            torque_nm: -2.0,
            temperature_c: 31.0,
        };
        let imu = ImuData {
            stamp: -7,
            rpy_deg: [1.0, 2.0, 3.0],
            gyroscope: [4.0, 5.0, 6.0],
            accelerometer: [0.0, 0.0, 9.81],
        };
        State { tick_ms: 99, imu, joints: std::array::from_fn(joint), contact }
    }

    #[test]
    fn a_joint_command_has_the_vendors_252_bytes() {
        let mut joints = [JointCommand::default(); JOINTS];
        joints[0] =
            JointCommand { position_rad: 1.0, velocity_rad_s: 2.0, torque_nm: 3.0, kp: 30.0, kd: 1.0 };
        joints[11].kd = 0.5;
        let bytes = Datagram::joint_command(joints).encode();
        assert_eq!(bytes.len(), 252);
        assert_eq!(bytes[..12], [0x11, 1, 0, 0, 240, 0, 0, 0, 1, 0, 0, 0]);
        let first = [1.0f32, 2.0, 3.0, 30.0, 1.0].map(f32::to_le_bytes).concat();
        assert_eq!((&bytes[12..32], &bytes[248..]), (&first[..], &0.5f32.to_le_bytes()[..]));
    }

    #[test]
    fn states_of_both_robots_come_back() {
        for (contact, len) in [(Contact::Lite3([1.5; 12]), 348), (Contact::X30([2.5; 12]), 296)] {
            let sent = state(contact);
            let datagram = Datagram { code: code::STATE, count: 5, content: Content::State(sent) };
            let bytes = datagram.encode();
            assert_eq!(bytes.len(), len);
            assert_eq!((&bytes[12..16], &bytes[16..20]), (&[99, 0, 0, 0][..], &(-7i32).to_le_bytes()[..]));
            assert_eq!(Datagram::decode(&bytes), Ok(datagram));
        }
    }

    #[test]
    fn values_and_numbers_come_back() {
        let take = Datagram { code: code::TAKE_CONTROL, count: 0, content: Content::Value(0) };
        assert_eq!(take.encode(), [0x14, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let walk = Datagram { code: code::VELOCITY_X, count: 1, content: Content::Number(0.4) };
        assert_eq!(walk.encode().len(), 20);
        for datagram in [take, walk] {
            assert_eq!(Datagram::decode(&datagram.encode()), Ok(datagram));
        }
    }

    #[test]
    fn what_is_cut_or_foreign_is_refused_by_its_length() {
        let whole = Datagram::joint_command([JointCommand::default(); JOINTS]).encode();
        for len in 0..whole.len() {
            assert!(matches!(Datagram::decode(&whole[..len]), Err(DatagramError::Length { .. })), "{len}");
        }
        let mut other = whole.clone();
        other[8] = 7;
        assert_eq!(Datagram::decode(&other), Err(DatagramError::Type(7)));
        let content = Content::Payload(vec![0; 300]);
        let newer = Datagram { code: code::STATE, count: 0, content }.encode();
        let refused = Datagram::decode(&newer).expect_err("of no known length").to_string();
        assert!(refused.contains("300") && refused.contains("336"), "{refused}");
    }

    proptest! {
        #[test]
        fn bytes_are_an_error_or_the_same_again(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(datagram) = Datagram::decode(&bytes) {
                prop_assert_eq!(datagram.encode(), bytes);
            }
        }
    }
}
