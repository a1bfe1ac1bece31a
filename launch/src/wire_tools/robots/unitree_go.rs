//! `unitree-go`: low-level commands and state, requests to services and their answers.

use firmware_bridge::protocol::unitree_go::{
    LowCmd, LowState, MOTORS, MotorCmd, MotorState, Request, RequestHeader, RequestIdentity, RequestPolicy,
    Response, ResponseHeader,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire_tools::frame_json::{FrameInputError, MessageJson, json};
use crate::wire_tools::number::Number;

pub(super) const MESSAGES: MessageJson = MessageJson { encode, decode, examples: EXAMPLES };

const EXAMPLES: &[&str] = &[
    r#"{"motors":[{"mode":1,"q":0.1,"dq":0,"tau":0,"kp":20,"kd":0.5}]}"#,
    r#"{"tick":1200,"imu":{"quaternion":[1,0,0,0],"gyroscope":[0,0,0],"accelerometer":[0,0,9.81],"rpy":[0,0,0],"temperature_c":40},"motors":[{"mode":1,"q":0.1,"dq":0,"tau_est":0,"temperature_c":30,"lost":0}],"foot_force":[20,20,20,20],"battery":{"soc_percent":80,"current_ma":-2000},"power_v":29.5}"#,
    r#"{"id":1,"api_id":1008,"parameter":{"x":0.3,"y":0,"z":0},"noreply":true}"#,
    r#"{"id":1,"api_id":1001,"code":0,"data":{"form":"0","name":"normal"}}"#,
];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Motor {
    mode: u8,
    q: Number,
    dq: Number,
    tau: Number,
    kp: Number,
    kd: Number,
}

/// Up to 20 motors; those left out are not driven.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    motors: Vec<Motor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc_ok: Option<bool>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportedMotor {
    mode: u8,
    q: Number,
    dq: Number,
    tau_est: Number,
    temperature_c: i8,
    lost: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Imu {
    quaternion: [Number; 4],
    gyroscope: [Number; 3],
    accelerometer: [Number; 3],
    rpy: [Number; 3],
    temperature_c: i8,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Battery {
    soc_percent: u8,
    current_ma: i32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    tick: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc_ok: Option<bool>,
    imu: Imu,
    motors: Vec<ReportedMotor>,
    foot_force: [i16; 4],
    battery: Battery,
    power_v: Number,
}

/// A request if there is no `code`, else an answer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    id: i64,
    api_id: i64,
    #[serde(default)]
    lease_id: i64,
    #[serde(default)]
    priority: i32,
    #[serde(default)]
    noreply: bool,
    #[serde(default)]
    parameter: Value,
    #[serde(default)]
    binary: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    #[serde(default)]
    id: i64,
    api_id: i64,
    code: i32,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    binary: Vec<u8>,
}

fn encode(object: Value) -> Result<Vec<u8>, FrameInputError> {
    let has = |key: &str| object.get(key).is_some();
    let mut sample = Vec::new();
    match (has("api_id"), has("code"), has("motors"), has("imu")) {
        (true, false, ..) => {
            let asked: Asked = read(object)?;
            let identity = RequestIdentity { id: asked.id, api_id: asked.api_id };
            let policy = RequestPolicy { priority: asked.priority, noreply: asked.noreply };
            let header = RequestHeader { identity, lease_id: asked.lease_id, policy };
            let parameter = text_of(&asked.parameter);
            sample = Request { header, parameter: &parameter, binary: asked.binary }.encode();
        }
        (true, true, ..) => {
            let answered: Answered = read(object)?;
            let identity = RequestIdentity { id: answered.id, api_id: answered.api_id };
            let header = ResponseHeader { identity, code: answered.code };
            let data = text_of(&answered.data);
            sample = Response { header, data: &data, binary: answered.binary }.encode();
        }
        (_, _, true, false) => {
            let command: Command = read(object)?;
            low_cmd(&command)?.encode_into(&mut sample);
        }
        (_, _, true, true) => {
            let state: State = read(object)?;
            low_state(&state)?.encode_into(&mut sample);
        }
        _ => {
            return Err(FrameInputError::new(
                "a command has motors, a state imu and motors, a request api_id, an answer api_id and code: see --examples",
            ));
        }
    }
    Ok(sample)
}

fn read<T: serde::de::DeserializeOwned>(object: Value) -> Result<T, FrameInputError> {
    crate::wire_tools::frame_json::read(object)
}

/// What goes along as JSON is given as that, or as its text.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The way back: JSON as that, other text as a text, nothing as nothing.
fn value_of(text: &str) -> Value {
    let same = |value: &Value| serde_json::to_string(value).is_ok_and(|again| again == text);
    match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) if same(&value) => value,
        _ if text.is_empty() => Value::Null,
        _ => Value::from(text),
    }
}

fn fitting<T>(motors: &[T]) -> Result<(), FrameInputError> {
    if motors.len() <= MOTORS {
        return Ok(());
    }
    Err(FrameInputError::new(format!("{} motors: a message has {MOTORS}", motors.len())))
}

/// In single precision, as the message has it; what a motor is sent is finite.
fn single(number: Number, field: &str) -> Result<f32, FrameInputError> {
    let value = number.finite(field)? as f32;
    if value.is_finite() {
        return Ok(value);
    }
    Err(FrameInputError::new(format!("{field} is more than single precision holds")))
}

fn low_cmd(command: &Command) -> Result<LowCmd, FrameInputError> {
    fitting(&command.motors)?;
    let mut message = LowCmd::new();
    for (to, motor) in message.motors.iter_mut().zip(&command.motors) {
        *to = MotorCmd {
            mode: motor.mode,
            q: single(motor.q, "q")?,
            dq: single(motor.dq, "dq")?,
            tau: single(motor.tau, "tau")?,
            kp: single(motor.kp, "kp")?,
            kd: single(motor.kd, "kd")?,
            reserve: [0; 3],
        };
    }
    Ok(message)
}

fn low_state(state: &State) -> Result<LowState, FrameInputError> {
    fitting(&state.motors)?;
    let mut message = LowState::new();
    let real = |number: Number| number.value() as f32;
    message.tick = state.tick;
    message.imu.quaternion = state.imu.quaternion.map(real);
    message.imu.gyroscope = state.imu.gyroscope.map(real);
    message.imu.accelerometer = state.imu.accelerometer.map(real);
    message.imu.rpy = state.imu.rpy.map(real);
    message.imu.temperature_c = state.imu.temperature_c;
    for (to, motor) in message.motors.iter_mut().zip(&state.motors) {
        *to = MotorState {
            mode: motor.mode,
            q: real(motor.q),
            dq: real(motor.dq),
            tau_est: real(motor.tau_est),
            temperature_c: motor.temperature_c,
            lost: motor.lost,
            ..MotorState::default()
        };
    }
    message.foot_force = state.foot_force;
    (message.bms.soc_percent, message.bms.current_ma) = (state.battery.soc_percent, state.battery.current_ma);
    message.power_v = real(state.power_v);
    Ok(message)
}

fn decode(sample: &[u8]) -> Result<String, FrameInputError> {
    let wrong = |why: String| FrameInputError::new(why);
    let line = match sample.len() {
        LowCmd::SAMPLE_LEN => {
            let message = LowCmd::decode(sample).map_err(|e| wrong(e.to_string()))?;
            json(&shown_command(&message))
        }
        LowState::SAMPLE_LEN => {
            let message = LowState::decode(sample).map_err(|e| wrong(e.to_string()))?;
            json(&shown_state(&message))
        }
        _ => request(sample).or_else(|| answer(sample)),
    };
    line.ok_or_else(|| {
        wrong(format!(
            "{} bytes: with its 4 bytes of encapsulation a LowCmd has {}, a LowState {}, and they are no request or answer of \
             a service either",
            sample.len(),
            LowCmd::SAMPLE_LEN,
            LowState::SAMPLE_LEN
        ))
    })
}

fn shown_command(message: &LowCmd) -> Command {
    let motor = |motor: &MotorCmd| {
        let [q, dq, tau, kp, kd] = [motor.q, motor.dq, motor.tau, motor.kp, motor.kd].map(Number::single);
        Motor { mode: motor.mode, q, dq, tau, kp, kd }
    };
    Command {
        motors: message.motors.iter().map(motor).collect(),
        crc_ok: Some(message.checksum() == message.crc),
    }
}

fn shown_state(message: &LowState) -> State {
    let LowState { imu, motors, bms, .. } = message;
    let motor = |motor: &MotorState| {
        let [q, dq, tau_est] = [motor.q, motor.dq, motor.tau_est].map(Number::single);
        ReportedMotor {
            mode: motor.mode,
            q,
            dq,
            tau_est,
            temperature_c: motor.temperature_c,
            lost: motor.lost,
        }
    };
    State {
        tick: message.tick,
        crc_ok: Some(message.checksum() == message.crc),
        imu: Imu {
            quaternion: imu.quaternion.map(Number::single),
            gyroscope: imu.gyroscope.map(Number::single),
            accelerometer: imu.accelerometer.map(Number::single),
            rpy: imu.rpy.map(Number::single),
            temperature_c: imu.temperature_c,
        },
        motors: motors.iter().map(motor).collect(),
        foot_force: message.foot_force,
        battery: Battery { soc_percent: bms.soc_percent, current_ma: bms.current_ma },
        power_v: Number::single(message.power_v),
    }
}

/// The request that these bytes are, if they are one to the last byte.
fn request(sample: &[u8]) -> Option<String> {
    let Request { header, parameter, binary } = Request::decode(sample).ok()?;
    let again = Request { header, parameter, binary: binary.clone() };
    let RequestHeader { identity: RequestIdentity { id, api_id }, lease_id, policy } = header;
    let RequestPolicy { priority, noreply } = policy;
    let parameter = value_of(parameter);
    let shown = Asked { id, api_id, lease_id, priority, noreply, parameter, binary };
    (again.encode() == sample).then(|| json(&without_nothing(&shown)))?
}

/// The answer that these bytes are, likewise.
fn answer(sample: &[u8]) -> Option<String> {
    let Response { header, data, binary } = Response::decode(sample).ok()?;
    let again = Response { header, data, binary: binary.clone() };
    let ResponseHeader { identity: RequestIdentity { id, api_id }, code } = header;
    let shown = Answered { id, api_id, code, data: value_of(data), binary };
    (again.encode() == sample).then(|| json(&without_nothing(&shown)))?
}

/// Its fields but for those that say nothing.
fn without_nothing(shown: &impl Serialize) -> Map<String, Value> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(shown) else { return Map::new() };
    fields.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|bytes| !bytes.is_empty()));
    fields
}
