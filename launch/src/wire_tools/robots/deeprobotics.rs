//! `deeprobotics`: commands of joints, state, single values and numbers.

use firmware_bridge::protocol::deeprobotics::{
    Contact, Content, Datagram, ImuData, JOINTS, JointCommand, JointState, MAX_COUNT, State, code,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire_tools::frame_json::{FrameInputError, MessageJson, json, read};
use crate::wire_tools::hex::{parse_hex, to_hex};
use crate::wire_tools::number::Number;

pub(super) const MESSAGES: MessageJson = MessageJson { encode, decode, examples: EXAMPLES };

const EXAMPLES: &[&str] = &[
    r#"{"joints":[{"q":0,"dq":0,"tau":0,"kp":30,"kd":1},{"q":-0.65,"dq":0,"tau":0,"kp":30,"kd":1},{"q":1.3,"dq":0,"tau":0,"kp":30,"kd":1},{"q":0,"dq":0,"tau":0,"kp":30,"kd":1},{"q":-0.65,"dq":0,"tau":0,"kp":30,"kd":1},{"q":1.3,"dq":0,"tau":0,"kp":30,"kd":1},{"q":0,"dq":0,"tau":0,"kp":30,"kd":1},{"q":-0.65,"dq":0,"tau":0,"kp":30,"kd":1},{"q":1.3,"dq":0,"tau":0,"kp":30,"kd":1},{"q":0,"dq":0,"tau":0,"kp":30,"kd":1},{"q":-0.65,"dq":0,"tau":0,"kp":30,"kd":1},{"q":1.3,"dq":0,"tau":0,"kp":30,"kd":1}]}"#,
    r#"{"code":276,"value":0}"#,
    r#"{"code":320,"number":0.3}"#,
    r#"{"code":2305,"payload":"00112233"}"#,
];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Commanded {
    q: Number,
    dq: Number,
    tau: Number,
    kp: Number,
    kd: Number,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    joints: Vec<Commanded>,
    #[serde(default, skip_serializing_if = "is_zero")]
    count: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reported {
    q: Number,
    dq: Number,
    tau: Number,
    temperature_c: Number,
}

/// Angles in degrees, as they are sent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Imu {
    stamp: i32,
    rpy_deg: [Number; 3],
    gyroscope: [Number; 3],
    accelerometer: [Number; 3],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    tick_ms: u32,
    /// `lite3` or `x30`, by the size of the numbers at the feet.
    robot: Robot,
    imu: Imu,
    joints: Vec<Reported>,
    contact_force: Vec<Number>,
    #[serde(default, skip_serializing_if = "is_zero")]
    count: u32,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Robot {
    Lite3,
    X30,
}

/// One of the three says what it carries.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    code: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    count: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn encode(object: Value) -> Result<Vec<u8>, FrameInputError> {
    let has = |key: &str| object.get(key).is_some();
    let datagram = match (has("joints"), has("imu")) {
        (true, false) => {
            let Command { joints, count } = read(object)?;
            let joints = all_joints(&joints, |joint| {
                let one = |number: Number, field| number.finite(field).map(|value| value as f32);
                Ok(JointCommand {
                    position_rad: one(joint.q, "q")?,
                    velocity_rad_s: one(joint.dq, "dq")?,
                    torque_nm: one(joint.tau, "tau")?,
                    kp: one(joint.kp, "kp")?,
                    kd: one(joint.kd, "kd")?,
                })
            })?;
            Datagram { count, ..Datagram::joint_command(joints) }
        }
        (true, true) => {
            let shown: Shown = read(object)?;
            let content = Content::State(state(&shown)?);
            Datagram { code: code::STATE, count: shown.count, content }
        }
        _ => other(read(object)?)?,
    };
    if datagram.count > MAX_COUNT {
        return Err(FrameInputError::new(format!(
            "count is {}: it goes from 0 to {MAX_COUNT}",
            datagram.count
        )));
    }
    Ok(datagram.encode())
}

fn all_joints<T, J: Copy + Default>(
    given: &[T],
    one: impl Fn(&T) -> Result<J, FrameInputError>,
) -> Result<[J; JOINTS], FrameInputError> {
    if given.len() != JOINTS {
        return Err(FrameInputError::new(format!("{} joints: a robot has {JOINTS}", given.len())));
    }
    let mut joints = [J::default(); JOINTS];
    for (to, given) in joints.iter_mut().zip(given) {
        *to = one(given)?;
    }
    Ok(joints)
}

fn state(shown: &Shown) -> Result<State, FrameInputError> {
    let real = |number: Number| number.value() as f32;
    let joints = all_joints(&shown.joints, |joint| {
        Ok(JointState {
            position_rad: real(joint.q),
            velocity_rad_s: real(joint.dq),
            torque_nm: real(joint.tau),
            temperature_c: real(joint.temperature_c),
        })
    })?;
    let forces: [f64; JOINTS] = all_joints(&shown.contact_force, |force| Ok(force.value()))?;
    let contact = match shown.robot {
        Robot::Lite3 => Contact::Lite3(forces),
        Robot::X30 => Contact::X30(forces.map(|force| force as f32)),
    };
    let imu = ImuData {
        stamp: shown.imu.stamp,
        rpy_deg: shown.imu.rpy_deg.map(real),
        gyroscope: shown.imu.gyroscope.map(real),
        accelerometer: shown.imu.accelerometer.map(real),
    };
    Ok(State { tick_ms: shown.tick_ms, imu, joints, contact })
}

fn other(other: Other) -> Result<Datagram, FrameInputError> {
    let content = match (other.value, other.number, other.payload) {
        (Some(value), None, None) => Content::Value(value),
        (None, Some(number), None) => Content::Number(number.finite("number")?),
        (None, None, Some(digits)) => Content::Payload(parse_hex(&digits)?),
        _ => {
            return Err(FrameInputError::new(
                "a datagram has joints, or code and one of value, number and payload: see --examples",
            ));
        }
    };
    Ok(Datagram { code: other.code, count: other.count, content })
}

fn decode(bytes: &[u8]) -> Result<String, FrameInputError> {
    let Datagram { code, count, content } =
        Datagram::decode(bytes).map_err(|e| FrameInputError::new(e.to_string()))?;
    let plain = Other { code, value: None, number: None, payload: None, count };
    let line = match content {
        Content::JointCommand(joints) => json(&Command { joints: joints.map(commanded).into(), count }),
        Content::State(state) => json(&shown(&state, count)),
        Content::Value(value) => json(&Other { value: Some(value), ..plain }),
        Content::Number(number) => json(&Other { number: Some(Number::Real(number)), ..plain }),
        Content::Payload(payload) => json(&Other { payload: Some(to_hex(&payload)), ..plain }),
    };
    line.ok_or_else(|| FrameInputError::new("it cannot be shown"))
}

fn commanded(joint: JointCommand) -> Commanded {
    let JointCommand { position_rad, velocity_rad_s, torque_nm, kp, kd } = joint;
    let [q, dq, tau, kp, kd] = [position_rad, velocity_rad_s, torque_nm, kp, kd].map(Number::single);
    Commanded { q, dq, tau, kp, kd }
}

fn shown(state: &State, count: u32) -> Shown {
    let reported = |joint: JointState| {
        let JointState { position_rad, velocity_rad_s, torque_nm, temperature_c } = joint;
        let [q, dq, tau, temperature_c] =
            [position_rad, velocity_rad_s, torque_nm, temperature_c].map(Number::single);
        Reported { q, dq, tau, temperature_c }
    };
    let (robot, contact_force) = match state.contact {
        Contact::Lite3(forces) => (Robot::Lite3, forces.map(Number::Real)),
        Contact::X30(forces) => (Robot::X30, forces.map(Number::single)),
    };
    Shown {
        tick_ms: state.tick_ms,
        robot,
        imu: Imu {
            stamp: state.imu.stamp,
            rpy_deg: state.imu.rpy_deg.map(Number::single),
            gyroscope: state.imu.gyroscope.map(Number::single),
            accelerometer: state.imu.accelerometer.map(Number::single),
        },
        joints: state.joints.map(reported).into(),
        contact_force: contact_force.into(),
        count,
    }
}
