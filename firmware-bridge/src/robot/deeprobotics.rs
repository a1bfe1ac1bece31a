//! DEEP Robotics' datagrams as targets and reports.
//!
//! The vendor's files disagree about the unit of the angular velocity; rad/s is taken, as in its own interface.

use nalgebra::UnitQuaternion;
use robot_interface::joints::JOINTS;

use super::report::{MAX_READING, MotorReport, MotorTarget, RobotReport};
use crate::protocol::deeprobotics::{
    Contact, Content, Datagram, HEADER_LEN, ImuData, JointCommand, JointState, State, code,
};
use crate::protocol::{Frame, Impedance, WireError};

/// Length of a command, bytes.
pub(super) const COMMAND_LEN: usize = 252;
/// Length of a Lite3's state, bytes.
pub(super) const LITE3_LEN: usize = 348;
/// Length of an X30's state, bytes.
const X30_LEN: usize = 296;

/// A datagram with the robot's state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateDatagram(State);

/// A datagram with the targets of all joints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommandDatagram([JointCommand; JOINTS]);

/// Length of the datagram whose header begins like this, which carries a payload; `None` if more bytes are needed to tell.
fn len_of(bytes: &[u8], known: &[usize]) -> Result<Option<usize>, WireError> {
    let Some(header) = bytes.first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let [_, _, _, _, l0, l1, l2, l3, kind, ..] = *header;
    let payload = u32::from_le_bytes([l0, l1, l2, l3]);
    let found = HEADER_LEN.saturating_add(payload as usize);
    match (kind, known.contains(&found)) {
        (1, true) => Ok(Some(found)),
        (1, false) => Err(WireError::Length { expected: known[0], found }),
        _ => Err(WireError::Impossible { field: "the datagram's type", value: kind.into() }),
    }
}

impl Frame for StateDatagram {
    const HEADER: &'static [u8] = &code::STATE.to_le_bytes();
    const MIN_LEN: usize = X30_LEN;
    const MAX_LEN: usize = LITE3_LEN;

    fn len_of(bytes: &[u8]) -> Result<Option<usize>, WireError> {
        len_of(bytes, &[LITE3_LEN, X30_LEN])
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        match Datagram::decode(bytes) {
            Ok(Datagram { content: Content::State(state), .. }) => plausible(state),
            _ => Err(WireError::Length { expected: Self::MAX_LEN, found: bytes.len() }),
        }
    }
}

/// There is no checksum: what cannot be measured shows that it is no state.
fn plausible(state: State) -> Result<StateDatagram, WireError> {
    let joints = state.joints.iter();
    let numbers = joints.flat_map(|joint| [joint.position_rad, joint.velocity_rad_s, joint.torque_nm]);
    match numbers.into_iter().find(|number| number.is_nan() || number.abs() >= MAX_READING) {
        Some(value) => Err(WireError::Impossible { field: "a joint's state", value: value.to_bits() }),
        None => Ok(StateDatagram(state)),
    }
}

impl Frame for CommandDatagram {
    const HEADER: &'static [u8] = &code::JOINT_COMMAND.to_le_bytes();
    const MIN_LEN: usize = COMMAND_LEN;
    const MAX_LEN: usize = COMMAND_LEN;

    fn len_of(bytes: &[u8]) -> Result<Option<usize>, WireError> {
        len_of(bytes, &[COMMAND_LEN])
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        match Datagram::decode(bytes) {
            Ok(Datagram { content: Content::JointCommand(joints), .. }) => Ok(Self(joints)),
            _ => Err(WireError::Length { expected: COMMAND_LEN, found: bytes.len() }),
        }
    }
}

pub(super) fn encode_command(targets: &[MotorTarget; JOINTS], out: &mut Vec<u8>) {
    let joints = targets.map(|target| {
        target.map_or_else(JointCommand::default, |target| JointCommand {
            position_rad: target.position_rad as f32,
            velocity_rad_s: target.velocity_rad_s as f32,
            torque_nm: target.torque_nm as f32,
            kp: target.kp as f32,
            kd: target.kd as f32,
        })
    });
    Datagram::joint_command(joints).encode_into(out);
}

/// All of them are driven: there is no word for a joint that is not.
pub(super) fn targets(command: &CommandDatagram) -> [MotorTarget; JOINTS] {
    command.0.map(|joint| {
        Some(Impedance {
            position_rad: joint.position_rad.into(),
            velocity_rad_s: joint.velocity_rad_s.into(),
            torque_nm: joint.torque_nm.into(),
            kp: joint.kp.into(),
            kd: joint.kd.into(),
        })
    })
}

pub(super) fn report(StateDatagram(state): &StateDatagram) -> RobotReport {
    let forces: [f64; JOINTS] = match state.contact {
        Contact::Lite3(forces) => forces,
        Contact::X30(forces) => forces.map(f64::from),
    };
    let [roll, pitch, yaw] = state.imu.rpy_deg.map(f32::to_radians);
    RobotReport {
        tick_ms: state.tick_ms,
        orientation: UnitQuaternion::from_euler_angles(roll, pitch, yaw),
        angular_velocity_rad_s: state.imu.gyroscope,
        specific_force_m_s2: state.imu.accelerometer,
        motors: state.joints.map(|joint| MotorReport {
            position_rad: joint.position_rad.into(),
            velocity_rad_s: joint.velocity_rad_s.into(),
            torque_nm: joint.torque_nm.into(),
            temperature_c: joint.temperature_c.into(),
            driven: None,
        }),
        foot_force: std::array::from_fn(|leg| forces[3 * leg + 2]),
        battery: None,
        remote: None,
    }
}

/// As a Lite3 sends it.
pub(super) fn encode_report(report: &RobotReport, out: &mut Vec<u8>) {
    let mut forces = [0.0; JOINTS];
    for (leg, force) in report.foot_force.iter().enumerate() {
        forces[3 * leg + 2] = *force;
    }
    let (roll, pitch, yaw) = report.orientation.euler_angles();
    let state = State {
        tick_ms: report.tick_ms,
        imu: ImuData {
            stamp: report.tick_ms.cast_signed(),
            rpy_deg: [roll, pitch, yaw].map(f32::to_degrees),
            gyroscope: report.angular_velocity_rad_s,
            accelerometer: report.specific_force_m_s2,
        },
        joints: report.motors.map(|motor| JointState {
            position_rad: motor.position_rad as f32,
            velocity_rad_s: motor.velocity_rad_s as f32,
            torque_nm: motor.torque_nm as f32,
            temperature_c: motor.temperature_c as f32,
        }),
        contact: Contact::Lite3(forces),
    };
    Datagram { code: code::STATE, count: 0, content: Content::State(state) }.encode_into(out);
}
