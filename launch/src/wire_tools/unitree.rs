//! Unitree's motors: `go-m8010-6`, `a1`, `b1`. Values are rotor-side.

use firmware_bridge::protocol::go_m8010::{self, Fault};
use firmware_bridge::protocol::unitree_a1::{self, CommandFrame, Model};
use firmware_bridge::protocol::{Frame, Impedance};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::frame_json::{Damaged, FrameInputError, FrameJson, Front, damaged, front, json};
use super::number::{Number, settled};

pub(super) const GO_M8010: FrameJson = FrameJson {
    encode: |object, _| encode_go(object),
    front: |bytes, _| front_go(bytes),
    damaged: |bytes, _| damaged_of::<go_m8010::Command, go_m8010::Reply>(4, bytes),
    show: |frame, _| show_go(frame),
    examples: GO_EXAMPLES,
};
pub(super) const A1: FrameJson = FrameJson {
    encode: |object, _| encode_a1(object, Model::A1),
    front: |bytes, _| front_a1(bytes),
    damaged: |bytes, _| damaged_of::<CommandFrame, unitree_a1::Reply>(8, bytes),
    show: |frame, _| show_a1(frame, Model::A1),
    examples: A1_EXAMPLES,
};
pub(super) const B1: FrameJson = FrameJson {
    encode: |object, _| encode_a1(object, Model::B1),
    front: |bytes, _| front_a1(bytes),
    damaged: |bytes, _| damaged_of::<CommandFrame, unitree_a1::Reply>(8, bytes),
    show: |frame, _| show_a1(frame, Model::B1),
    examples: A1_EXAMPLES,
};

const GO_EXAMPLES: &[&str] = &[
    r#"{"id":3,"mode":1,"tau":1.0,"dq":6.28,"q":6.28,"kp":1.0,"kd":0.05}"#,
    r#"{"id":3,"mode":1,"tau":1.0,"dq":6.28,"q":6.28,"temp_c":35,"error":0,"foot_force":0}"#,
];
const A1_EXAMPLES: &[&str] = &[
    r#"{"id":2,"mode":10,"tau":1.0,"dq":6.28,"q":6.28,"kp":0.5,"kd":3.0}"#,
    r#"{"id":2,"mode":10,"tau":1.0,"dq":6.28,"q":6.28,"temp_c":35,"error":0,"foot_force":0}"#,
];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    id: u8,
    mode: u8,
    tau: f64,
    dq: f64,
    q: f64,
    kp: f64,
    kd: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    id: u8,
    mode: u8,
    tau: f64,
    dq: f64,
    q: f64,
    temp_c: Number,
    error: u8,
    foot_force: i16,
}

impl Command {
    /// As it is to be shown; `carried` is what a frame carries of targets.
    fn new(id: u8, mode: u8, targets: &Impedance, carried: impl Fn(Impedance) -> Impedance) -> Self {
        let listed = |t: &Impedance| [t.torque_nm, t.velocity_rad_s, t.position_rad, t.kp, t.kd];
        let [tau, dq, q, kp, kd] = settled(listed(targets), |[tau, dq, q, kp, kd]| {
            listed(&carried(Self { id, mode, tau, dq, q, kp, kd }.targets()))
        });
        Self { id, mode, tau, dq, q, kp, kd }
    }

    /// In single precision, as the vendor's library takes them.
    fn targets(&self) -> Impedance {
        let single = |value: f64| f64::from(value as f32);
        Impedance {
            position_rad: single(self.q),
            velocity_rad_s: single(self.dq),
            torque_nm: single(self.tau),
            kp: single(self.kp),
            kd: single(self.kd),
        }
    }
}

enum Message {
    Command(Command),
    Reply(Reply),
}

/// A reply is what has a temperature.
fn message(object: Value) -> Result<Message, FrameInputError> {
    let read = if object.get("temp_c").is_some() {
        serde_json::from_value(object).map(Message::Reply)
    } else {
        serde_json::from_value(object).map(Message::Command)
    };
    read.map_err(|error| {
        FrameInputError::new(format!(
            "{error}: a command has id, mode, tau, dq, q, kp, kd; a reply id, mode, tau, dq, q, temp_c, error, foot_force"
        ))
    })
}

fn in_range(field: &str, value: i64, most: i64) -> Result<(), FrameInputError> {
    if (0..=most).contains(&value) {
        return Ok(());
    }
    Err(FrameInputError::new(format!("{field} is {value}: it goes from 0 to {most}")))
}

fn encode_go(object: Value) -> Result<Vec<u8>, FrameInputError> {
    let id = |id: u8| {
        in_range("id (15 is everybody)", id.into(), 15)?;
        Ok(go_m8010::MotorId::new(id).unwrap_or(go_m8010::MotorId::BROADCAST))
    };
    let mode = |mode: u8| {
        in_range("mode (0 brake, 1 FOC, 2 calibrate)", mode.into(), 7)?;
        Ok(go_m8010::Mode::from_bits(mode))
    };
    Ok(match message(object)? {
        Message::Command(command) => {
            go_m8010::Command { id: id(command.id)?, mode: mode(command.mode)?, targets: command.targets() }
                .encode()
                .to_vec()
        }
        Message::Reply(reply) => {
            in_range("error", reply.error.into(), 7)?;
            in_range("foot_force", reply.foot_force.into(), 4095)?;
            let reply = go_m8010::Reply {
                id: id(reply.id)?,
                mode: mode(reply.mode)?,
                torque_nm: reply.tau,
                velocity_rad_s: reply.dq,
                position_rad: reply.q,
                temperature_c: reply.temp_c.finite("temp_c")?,
                error: Fault::from_bits(reply.error),
                foot_force: reply.foot_force.cast_unsigned(),
            };
            reply.encode().to_vec()
        }
    })
}

fn front_go(bytes: &[u8]) -> Front {
    front::<go_m8010::Command>(bytes).or(|| front::<go_m8010::Reply>(bytes))
}

/// What may be a command and what may be a reply; their lengths differ.
fn damaged_of<Command: Frame, Reply: Frame>(digits: usize, bytes: &[u8]) -> Vec<Damaged> {
    let kinds = [damaged::<Command>("command", digits, bytes), damaged::<Reply>("reply", digits, bytes)];
    kinds.into_iter().flatten().collect()
}

fn show_go(frame: &[u8]) -> Option<String> {
    if let Ok(command) = go_m8010::Command::decode(frame) {
        let go_m8010::Command { id, mode, targets } = command;
        let carried = |targets| {
            let again = go_m8010::Command::decode(&go_m8010::Command { id, mode, targets }.encode());
            again.map_or(targets, |again| again.targets)
        };
        return json(&Command::new(id.get(), mode.bits(), &targets, carried));
    }
    let reply = go_m8010::Reply::decode(frame).ok()?;
    let listed = |r: &go_m8010::Reply| [r.torque_nm, r.velocity_rad_s, r.position_rad];
    let [tau, dq, q] = settled(listed(&reply), |[torque_nm, velocity_rad_s, position_rad]| {
        let again = go_m8010::Reply { torque_nm, velocity_rad_s, position_rad, ..reply };
        listed(&go_m8010::Reply::decode(&again.encode()).unwrap_or(again))
    });
    json(&Reply {
        id: reply.id.get(),
        mode: reply.mode.bits(),
        tau,
        dq,
        q,
        temp_c: Number::Whole(reply.temperature_c as i64),
        error: Fault::bits(reply.error),
        foot_force: reply.foot_force.cast_signed(),
    })
}

fn encode_a1(object: Value, model: Model) -> Result<Vec<u8>, FrameInputError> {
    use unitree_a1::{Mode, MotorId};
    Ok(match message(object)? {
        Message::Command(command) => unitree_a1::Command {
            id: MotorId(command.id),
            mode: Mode::from_byte(command.mode),
            targets: command.targets(),
        }
        .encode(model)
        .to_vec(),
        Message::Reply(reply) => unitree_a1::Reply {
            id: MotorId(reply.id),
            mode: Mode::from_byte(reply.mode),
            torque_nm: reply.tau,
            velocity_rad_s: reply.dq,
            position_rad: reply.q,
            temperature_c: reply.temp_c.finite("temp_c")?,
            error: reply.error,
            foot_force: reply.foot_force,
            gyro_rad_s: [0.0; 3],
            accel_m_s2: [0.0; 3],
        }
        .encode()
        .to_vec(),
    })
}

fn front_a1(bytes: &[u8]) -> Front {
    front::<CommandFrame>(bytes).or(|| front::<unitree_a1::Reply>(bytes))
}

fn show_a1(frame: &[u8], model: Model) -> Option<String> {
    if let Ok(frame) = CommandFrame::decode(frame) {
        let unitree_a1::Command { id, mode, targets } = frame.read(model);
        let carried = |targets| {
            let again = CommandFrame::decode(&unitree_a1::Command { id, mode, targets }.encode(model));
            again.map_or(targets, |again| again.read(model).targets)
        };
        return json(&Command::new(id.0, mode.byte(), &targets, carried));
    }
    let reply = unitree_a1::Reply::decode(frame).ok()?;
    let listed = |r: &unitree_a1::Reply| [r.torque_nm, r.velocity_rad_s, r.position_rad];
    let [tau, dq, q] = settled(listed(&reply), |[torque_nm, velocity_rad_s, position_rad]| {
        let again = unitree_a1::Reply { torque_nm, velocity_rad_s, position_rad, ..reply };
        listed(&unitree_a1::Reply::decode(&again.encode()).unwrap_or(again))
    });
    json(&Reply {
        id: reply.id.0,
        mode: reply.mode.byte(),
        tau,
        dq,
        q,
        temp_c: Number::Whole(reply.temperature_c as i64),
        error: reply.error,
        foot_force: reply.foot_force,
    })
}
