//! Damiao motors behind the vendor's USB-CAN adapter. What the bits of an impedance command and of a feedback mean
//! depends on the motor's model (`--model`).

use firmware_bridge::wire::Impedance;
use firmware_bridge::wire::damiao::{
    Access, Action, Answer, Feedback, INBOUND_LEN, Inbound, Kind, Motion, MotorId, OUTBOUND_LEN, Outbound,
    Ranges, Register, RegisterReply, Request, State, Value as RegisterValue,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Refused, json};

pub(super) const EXAMPLES: &[&str] = &[
    r#"{"action":"impedance","id":1,"q":0.0,"dq":0.0,"kp":0.0,"kd":0.0,"tau":0.0}"#,
    r#"{"action":"enable","id":1}"#,
    r#"{"action":"disable","id":1}"#,
    r#"{"action":"set_zero","id":1}"#,
    r#"{"action":"clear_fault","id":1}"#,
    r#"{"action":"position_velocity","id":1,"q":1.0,"dq":2.0}"#,
    r#"{"action":"velocity","id":1,"dq":2.0}"#,
    r#"{"action":"position_force","id":1,"q":1.0,"dq":2.0,"current_share":0.5}"#,
    r#"{"action":"refresh","id":1}"#,
    r#"{"action":"read","id":1,"register":"PMAX"}"#,
    r#"{"action":"write","id":1,"register":"CTRL_MODE","value":1}"#,
    r#"{"action":"save","id":1}"#,
    r#"{"action":"feedback","id":1,"master":17,"state":1,"q":0.5,"dq":0.0,"tau":0.0,"mos_temp_c":30,"rotor_temp_c":32}"#,
];

#[derive(Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Message {
    Impedance {
        id: u8,
        q: f32,
        dq: f32,
        kp: f32,
        kd: f32,
        tau: f32,
    },
    Enable {
        id: u8,
    },
    Disable {
        id: u8,
    },
    SetZero {
        id: u8,
    },
    ClearFault {
        id: u8,
    },
    PositionVelocity {
        id: u8,
        q: f32,
        dq: f32,
    },
    Velocity {
        id: u8,
        dq: f32,
    },
    PositionForce {
        id: u8,
        q: f32,
        dq: f32,
        current_share: f32,
    },
    Refresh {
        id: u8,
    },
    Read {
        id: u8,
        register: String,
    },
    Write {
        id: u8,
        register: String,
        value: f64,
    },
    Save {
        id: u8,
    },
    Feedback {
        id: u8,
        master: u16,
        /// 0 disabled, 1 enabled, 8 to 14 a fault.
        state: u8,
        q: f32,
        dq: f32,
        tau: f32,
        mos_temp_c: u8,
        rotor_temp_c: u8,
    },
    Register {
        id: u8,
        master: u16,
        register: String,
        value: f64,
    },
}

pub(super) fn encode(object: &Map<String, Value>, ranges: &Ranges) -> Result<Vec<u8>, Refused> {
    let mut object = object.clone();
    // The commonest one may go without its name.
    if !object.contains_key("action") {
        let kind = if object.contains_key("mos_temp_c") { "feedback" } else { "impedance" };
        object.insert("action".to_owned(), kind.into());
    }
    let message = serde_json::from_value(Value::Object(object));
    let message: Message = message.map_err(|error| Refused::new(format!("{error}: see --examples")))?;
    let id = |id| MotorId::new(id).ok_or_else(|| Refused::new(format!("id is {id}: it goes from 1 to 15")));
    let (to, action) = match message {
        Message::Impedance { id: to, q, dq, kp, kd, tau } => {
            let targets = Impedance {
                position_rad: q.into(),
                velocity_rad_s: dq.into(),
                torque_nm: tau.into(),
                kp: kp.into(),
                kd: kd.into(),
            };
            (to, Action::Impedance(targets))
        }
        Message::Enable { id: to } => (to, Action::Enable),
        Message::Disable { id: to } => (to, Action::Disable),
        Message::SetZero { id: to } => (to, Action::SetZero),
        Message::ClearFault { id: to } => (to, Action::ClearFault),
        Message::PositionVelocity { id: to, q, dq } => {
            (to, Action::PositionVelocity { position_rad: q.into(), velocity_rad_s: dq.into() })
        }
        Message::Velocity { id: to, dq } => (to, Action::Velocity { velocity_rad_s: dq.into() }),
        Message::PositionForce { id: to, q, dq, current_share } => {
            let (position_rad, velocity_rad_s) = (q.into(), dq.into());
            (to, Action::PositionForce { position_rad, velocity_rad_s, current_share: current_share.into() })
        }
        Message::Refresh { id: to } => (to, Action::Refresh),
        Message::Read { id: to, register } => (to, Action::Read(named(&register)?)),
        Message::Write { id: to, register, value } => {
            let register = named(&register)?;
            (to, Action::Write(register, register_value(register, value)?))
        }
        Message::Save { id: to } => (to, Action::Save),
        Message::Feedback { .. } | Message::Register { .. } => return answer(&message, ranges),
    };
    Ok(Request { id: id(to)?, action }.encode(ranges).to_vec())
}

fn named(register: &str) -> Result<Register, Refused> {
    Register::named(register).ok_or_else(|| {
        Refused::new(format!("no register `{register}`: use the names of the vendor's table, such as PMAX"))
    })
}

fn register_value(register: Register, value: f64) -> Result<RegisterValue, Refused> {
    match register.kind {
        Kind::Float => Ok(RegisterValue::Float(value as f32)),
        Kind::Uint if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) => {
            Ok(RegisterValue::Uint(value as u32))
        }
        Kind::Uint => {
            Err(Refused::new(format!("{} is {value}: it holds a whole number from 0 up", register.name)))
        }
    }
}

/// What a motor says, as the adapter passes it on.
fn answer(message: &Message, ranges: &Ranges) -> Result<Vec<u8>, Refused> {
    let number =
        |id| MotorId::new(id).ok_or_else(|| Refused::new(format!("id is {id}: it goes from 1 to 15")));
    let answer = match message {
        Message::Feedback { id, master, state, q, dq, tau, mos_temp_c, rotor_temp_c } => {
            let motion = Motion {
                position_rad: f64::from(*q),
                velocity_rad_s: f64::from(*dq),
                torque_nm: f64::from(*tau),
            };
            let [position, velocity, torque] = ranges.steps(&motion);
            let (mos_c, rotor_c) = (*mos_temp_c, *rotor_temp_c);
            let (id, master, state) = (number(*id)?, *master, State::from_bits(*state));
            Answer::Feedback(Feedback { id, master, state, position, velocity, torque, mos_c, rotor_c })
        }
        Message::Register { id, master, register, value } => {
            let register = named(register)?;
            let bytes = register_value(register, *value)?.bytes();
            Answer::Register(RegisterReply {
                id: number(*id)?,
                master: *master,
                access: Access::Read,
                register,
                bytes,
            })
        }
        _ => return Err(Refused::new("this is no answer of a motor")),
    };
    Ok(answer.inbound().encode().to_vec())
}

/// The frame that bytes begin with. A request has a header of three bytes and more; an answer has so little that a
/// stream that has lost its place must not believe a single one: `sure` says that it has not.
pub(super) fn front_frame(bytes: &[u8], ranges: &Ranges, sure: bool) -> Option<(usize, String)> {
    if let Some(request) = request(bytes, ranges) {
        return json(OUTBOUND_LEN, &request);
    }
    let answer = heard(bytes, ranges)?;
    let rest = &bytes[INBOUND_LEN..];
    let confirmed = || request(rest, ranges).is_some() || heard(rest, ranges).is_some();
    if sure || confirmed() { json(INBOUND_LEN, &answer) } else { None }
}

fn request(bytes: &[u8], ranges: &Ranges) -> Option<Message> {
    let outbound = Outbound::decode(bytes.get(..OUTBOUND_LEN)?).ok()?;
    let Request { id, action } = Request::decode(&outbound.can, ranges).ok()?;
    let id = id.get();
    Some(match action {
        Action::Enable => Message::Enable { id },
        Action::Disable => Message::Disable { id },
        Action::SetZero => Message::SetZero { id },
        Action::ClearFault => Message::ClearFault { id },
        Action::Impedance(targets) => Message::Impedance {
            id,
            q: targets.position_rad as f32,
            dq: targets.velocity_rad_s as f32,
            kp: targets.kp as f32,
            kd: targets.kd as f32,
            tau: targets.torque_nm as f32,
        },
        Action::PositionVelocity { position_rad, velocity_rad_s } => {
            Message::PositionVelocity { id, q: position_rad as f32, dq: velocity_rad_s as f32 }
        }
        Action::Velocity { velocity_rad_s } => Message::Velocity { id, dq: velocity_rad_s as f32 },
        Action::PositionForce { position_rad, velocity_rad_s, current_share } => Message::PositionForce {
            id,
            q: position_rad as f32,
            dq: velocity_rad_s as f32,
            current_share: current_share as f32,
        },
        Action::Refresh => Message::Refresh { id },
        Action::Read(register) => Message::Read { id, register: register.name.to_owned() },
        Action::Write(register, value) => {
            Message::Write { id, register: register.name.to_owned(), value: value.number() }
        }
        Action::Save => Message::Save { id },
    })
}

fn heard(bytes: &[u8], ranges: &Ranges) -> Option<Message> {
    let inbound = Inbound::decode(bytes.get(..INBOUND_LEN)?).ok()?;
    Some(match Answer::decode(&inbound).ok()?? {
        Answer::Feedback(feedback) => {
            let motion = feedback.motion(ranges);
            Message::Feedback {
                id: feedback.id.get(),
                master: feedback.master,
                state: feedback.state.bits(),
                q: motion.position_rad as f32,
                dq: motion.velocity_rad_s as f32,
                tau: motion.torque_nm as f32,
                mos_temp_c: feedback.mos_c,
                rotor_temp_c: feedback.rotor_c,
            }
        }
        Answer::Register(reply) => Message::Register {
            id: reply.id.get(),
            master: reply.master,
            register: reply.register.name.to_owned(),
            value: reply.value().number(),
        },
    })
}
