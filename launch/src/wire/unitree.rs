//! Unitree's motors: `go-m8010-6`, `a1`, `b1`. Values are rotor-side, in single precision as the vendor's library
//! takes and gives them.

use firmware_bridge::wire::Impedance;
use firmware_bridge::wire::go_m8010::{self, Fault};
use firmware_bridge::wire::unitree_a1::{self, CommandFrame, Model};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Refused, front, json};

pub(super) const GO_EXAMPLES: &[&str] = &[
    r#"{"id":3,"mode":1,"tau":1.0,"dq":6.28,"q":6.28,"kp":1.0,"kd":0.05}"#,
    r#"{"id":3,"mode":1,"tau":1.0,"dq":6.28,"q":6.28,"temp_c":35,"error":0,"foot_force":0}"#,
];
pub(super) const A1_EXAMPLES: &[&str] = &[
    r#"{"id":2,"mode":10,"tau":1.0,"dq":6.28,"q":6.28,"kp":0.5,"kd":3.0}"#,
    r#"{"id":2,"mode":10,"tau":1.0,"dq":6.28,"q":6.28,"temp_c":35,"error":0,"foot_force":0}"#,
];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    id: u8,
    mode: u8,
    tau: f32,
    dq: f32,
    q: f32,
    kp: f32,
    kd: f32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    id: u8,
    mode: u8,
    tau: f32,
    dq: f32,
    q: f32,
    temp_c: f32,
    error: u8,
    foot_force: i16,
}

impl Command {
    fn new(id: u8, mode: u8, targets: &Impedance) -> Self {
        Self {
            id,
            mode,
            tau: targets.torque_nm as f32,
            dq: targets.velocity_rad_s as f32,
            q: targets.position_rad as f32,
            kp: targets.kp as f32,
            kd: targets.kd as f32,
        }
    }

    fn targets(&self) -> Impedance {
        Impedance {
            position_rad: self.q.into(),
            velocity_rad_s: self.dq.into(),
            torque_nm: self.tau.into(),
            kp: self.kp.into(),
            kd: self.kd.into(),
        }
    }
}

enum Message {
    Command(Command),
    Reply(Reply),
}

/// A reply is what has a temperature.
fn read(object: &Map<String, Value>) -> Result<Message, Refused> {
    let value = Value::Object(object.clone());
    let read = if object.contains_key("temp_c") {
        serde_json::from_value(value).map(Message::Reply)
    } else {
        serde_json::from_value(value).map(Message::Command)
    };
    read.map_err(|error| {
        Refused::new(format!(
            "{error}: a command has id, mode, tau, dq, q, kp, kd; a reply id, mode, tau, dq, q, temp_c, error, foot_force"
        ))
    })
}

fn in_range(field: &str, value: i64, most: i64) -> Result<(), Refused> {
    if (0..=most).contains(&value) {
        return Ok(());
    }
    Err(Refused::new(format!("{field} is {value}: it goes from 0 to {most}")))
}

pub(super) fn encode_go(object: &Map<String, Value>) -> Result<Vec<u8>, Refused> {
    let id = |id: u8| {
        in_range("id (15 is everybody)", id.into(), 15)?;
        Ok(go_m8010::MotorId::new(id).unwrap_or(go_m8010::MotorId::BROADCAST))
    };
    let mode = |mode: u8| {
        in_range("mode (0 brake, 1 FOC, 2 calibrate)", mode.into(), 7)?;
        Ok(go_m8010::Mode::from_bits(mode))
    };
    Ok(match read(object)? {
        Message::Command(command) => {
            go_m8010::Command { id: id(command.id)?, mode: mode(command.mode)?, targets: command.targets() }
                .encode()
                .to_vec()
        }
        Message::Reply(reply) => {
            in_range("error", reply.error.into(), 7)?;
            in_range("foot_force", reply.foot_force.into(), 4095)?;
            go_m8010::Reply {
                id: id(reply.id)?,
                mode: mode(reply.mode)?,
                torque_nm: reply.tau.into(),
                velocity_rad_s: reply.dq.into(),
                position_rad: reply.q.into(),
                temperature_c: reply.temp_c.into(),
                error: Fault::from_bits(reply.error),
                foot_force: reply.foot_force.cast_unsigned(),
            }
            .encode()
            .to_vec()
        }
    })
}

pub(super) fn front_go(bytes: &[u8]) -> Option<(usize, String)> {
    if let Some((len, command)) = front::<go_m8010::Command>(bytes) {
        return json(len, &Command::new(command.id.get(), command.mode.bits(), &command.targets));
    }
    let (len, reply) = front::<go_m8010::Reply>(bytes)?;
    json(
        len,
        &Reply {
            id: reply.id.get(),
            mode: reply.mode.bits(),
            tau: reply.torque_nm as f32,
            dq: reply.velocity_rad_s as f32,
            q: reply.position_rad as f32,
            temp_c: reply.temperature_c as f32,
            error: Fault::bits(reply.error),
            foot_force: reply.foot_force.cast_signed(),
        },
    )
}

pub(super) fn encode_a1(object: &Map<String, Value>, model: Model) -> Result<Vec<u8>, Refused> {
    use unitree_a1::{Mode, MotorId};
    Ok(match read(object)? {
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
            torque_nm: reply.tau.into(),
            velocity_rad_s: reply.dq.into(),
            position_rad: reply.q.into(),
            temperature_c: reply.temp_c.into(),
            error: reply.error,
            foot_force: reply.foot_force,
            gyro_rad_s: [0.0; 3],
            accel_m_s2: [0.0; 3],
        }
        .encode()
        .to_vec(),
    })
}

pub(super) fn front_a1(bytes: &[u8], model: Model) -> Option<(usize, String)> {
    if let Some((len, frame)) = front::<CommandFrame>(bytes) {
        let command = frame.read(model);
        return json(len, &Command::new(command.id.0, command.mode.byte(), &command.targets));
    }
    let (len, reply) = front::<unitree_a1::Reply>(bytes)?;
    json(
        len,
        &Reply {
            id: reply.id.0,
            mode: reply.mode.byte(),
            tau: reply.torque_nm as f32,
            dq: reply.velocity_rad_s as f32,
            q: reply.position_rad as f32,
            temp_c: reply.temperature_c as f32,
            error: reply.error,
            foot_force: reply.foot_force,
        },
    )
}
