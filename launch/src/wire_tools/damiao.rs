//! Damiao motors behind the vendor's USB-CAN adapter. What the bits of an impedance command and of a feedback mean
//! depends on the motor's model (`--model`).

mod message;
mod register;
mod show;

use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::damiao::{
    Access, Action, Answer, Feedback, Motion, Ranges, RegisterReply, Request, State, adapter::MAX_STANDARD_ID,
};
use serde_json::Value;

use super::frame_json::{FrameInputError, FrameJson, read};
use message::{Message, motor};
use show::{front, show};

pub(super) const FRAMES: FrameJson = FrameJson {
    encode: |object, codec| encode(object, &codec.model.ranges()),
    front: |bytes, codec| front(bytes, &codec.model.ranges()),
    // Neither adapter nor motor adds a checksum.
    damaged: |_, _| Vec::new(),
    show: |frame, codec| show(frame, &codec.model.ranges()),
    examples: EXAMPLES,
};

const EXAMPLES: &[&str] = &[
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
    r#"{"action":"read","id":1,"register":37}"#,
    r#"{"action":"write","id":1,"register":"CTRL_MODE","value":1}"#,
    r#"{"action":"save","id":1}"#,
    r#"{"action":"feedback","id":1,"master":17,"state":1,"q":0.5,"dq":0.0,"tau":0.0,"mos_temp_c":30,"rotor_temp_c":32}"#,
    r#"{"action":"register","id":1,"master":17,"register":"PMAX","value":12.5}"#,
    r#"{"action":"register","id":1,"master":17,"access":"write","register":"CTRL_MODE","value":1}"#,
    r#"{"action":"register","id":1,"master":17,"access":"save","register":"saved","value":0}"#,
];

fn encode(mut object: Value, ranges: &Ranges) -> Result<Vec<u8>, FrameInputError> {
    // The commonest one may go without its name.
    if object.get("action").is_none() {
        let kind = if object.get("mos_temp_c").is_some() { "feedback" } else { "impedance" };
        object["action"] = kind.into();
    }
    let (to, action) = match read(object)? {
        Message::Impedance { id, q, dq, kp, kd, tau } => {
            let targets = Impedance { position_rad: q, velocity_rad_s: dq, torque_nm: tau, kp, kd };
            (id, Action::Impedance(targets))
        }
        Message::Enable { id } => (id, Action::Enable),
        Message::Disable { id } => (id, Action::Disable),
        Message::SetZero { id } => (id, Action::SetZero),
        Message::ClearFault { id } => (id, Action::ClearFault),
        Message::PositionVelocity { id, q, dq } => {
            let (position_rad, velocity_rad_s) = (q.finite("q")?, dq.finite("dq")?);
            (id, Action::PositionVelocity { position_rad, velocity_rad_s })
        }
        Message::Velocity { id, dq } => (id, Action::Velocity { velocity_rad_s: dq.finite("dq")? }),
        Message::PositionForce { id, q, dq: velocity_rad_s, current_share } => {
            let position_rad = q.finite("q")?;
            (id, Action::PositionForce { position_rad, velocity_rad_s, current_share })
        }
        Message::Refresh { id } => (id, Action::Refresh),
        Message::Read { id, register } => (id, Action::Read(register.find(Access::Read)?)),
        Message::Write { id, register, value } => {
            let register = register.find(Access::Write)?;
            (id, Action::Write(register, register::value(&register, value)?))
        }
        Message::Save { id } => (id, Action::Save),
        answer @ (Message::Feedback { .. } | Message::Register { .. }) => {
            return encode_answer(answer, ranges);
        }
    };
    Ok(Request { id: motor(to)?, action }.encode(ranges).to_vec())
}

/// A motor's answer, as the adapter passes it on.
fn encode_answer(answer: Message, ranges: &Ranges) -> Result<Vec<u8>, FrameInputError> {
    let answer = match answer {
        Message::Feedback { id, master, state, q, dq, tau, mos_temp_c, rotor_temp_c } => {
            if state > 0xF {
                return Err(FrameInputError::new(format!("state is {state}: it goes from 0 to 15")));
            }
            let motion = Motion { position_rad: q, velocity_rad_s: dq, torque_nm: tau };
            let [position, velocity, torque] = ranges.steps(&motion);
            let (mos_c, rotor_c) = (mos_temp_c, rotor_temp_c);
            let (id, master, state) = (motor(id)?, can_id(master)?, State::from_bits(state));
            Answer::Feedback(Feedback { id, master, state, position, velocity, torque, mos_c, rotor_c })
        }
        Message::Register { id, master, access, register, value } => {
            let access = if register.is_saved() { Access::Save } else { access.into() };
            let register = register.find(access)?;
            let bytes = register::value(&register, value)?.bytes();
            Answer::Register(RegisterReply {
                id: motor(id)?,
                master: can_id(master)?,
                access,
                register,
                bytes,
            })
        }
        _ => return Err(FrameInputError::new("this is no answer of a motor")),
    };
    Ok(answer.inbound().encode().to_vec())
}

fn can_id(master: u16) -> Result<u16, FrameInputError> {
    if u32::from(master) <= MAX_STANDARD_ID {
        return Ok(master);
    }
    Err(FrameInputError::new(format!("master is {master}: a CAN id goes from 0 to {MAX_STANDARD_ID}")))
}
