//! Frames of Damiao motors to JSON.

use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::damiao::{
    Access, Action, Answer, CanFrame, Fault, Feedback, INBOUND_LEN, Inbound, Motion, Outbound,
    REGISTER_CAN_ID, Ranges, Register, Request, State, Value,
};

use super::message::{Message, motor};
use super::register::{Name, numbered, shown};
use crate::wire_tools::frame_json::{Front, front as front_of, json};
use crate::wire_tools::number::{Number, settled};

/// Neither kind has a checksum. A request has a header of three bytes and more; in an answer all that is fixed is
/// checked, which noise passes about once in 2^52 bytes. One with a state that the vendor does not publish, or from an
/// id that feedbacks do not show, is doubtful.
pub(super) fn front(bytes: &[u8], ranges: &Ranges) -> Front {
    let request_front = front_of::<Outbound>(bytes);
    request_front.only_if(bytes, |frame| request(frame, ranges).is_some()).or(|| {
        if bytes.iter().zip([0xAA, 0x11]).any(|(byte, fixed)| *byte != fixed) {
            return Front::Nothing;
        }
        let Some(window) = bytes.get(..INBOUND_LEN) else { return Front::Unfinished };
        let Some(can) = received(window) else { return Front::Nothing };
        let unpublished = matches!(State::from_bits(can.data[0] >> 4), State::Fault(Fault::Undefined(_)));
        let doubtful = register_answer(&can).is_none() && (unpublished || can.data[0] & 0xF == 0);
        Front::Frame { len: INBOUND_LEN, doubtful }
    })
}

pub(super) fn show(frame: &[u8], ranges: &Ranges) -> Option<String> {
    if let Some((id, action)) = request(frame, ranges) {
        return json(&request_message(id, action, ranges));
    }
    let can = received(frame)?;
    let id = u16::from(can.data[0] & 0xF);
    let message = match register_answer(&can) {
        Some((access, register, value)) => Message::Register {
            id,
            master: can.id,
            access: access.into(),
            register: Name::of(&register),
            value: shown(value),
        },
        None => feedback(id, can, ranges)?,
    };
    json(&message)
}

/// The id and action of a request. Ids above 15 are read too, which the library does not drive as their
/// feedbacks do not tell whose they are: another id stands in while the rest is decoded.
fn request(frame: &[u8], ranges: &Ranges) -> Option<(u16, Action)> {
    let mut can = Outbound::decode(frame).ok()?.can;
    let id;
    if can.id == REGISTER_CAN_ID {
        let [low, high, access, number, value @ ..] = can.data;
        id = u16::from_le_bytes([low, high]);
        [can.data[0], can.data[1]] = [1, 0];
        let register = |access| numbered(number, access);
        match Access::from_bits(access) {
            Some(Access::Read) => return Some((id, Action::Read(register(Access::Read)))),
            Some(Access::Write) => {
                let register = register(Access::Write);
                return Some((id, Action::Write(register, Value::from_bytes(register.kind, value))));
            }
            Some(Access::Save) | None => {}
        }
    } else {
        id = can.id & 0xFF;
        can.id = can.id & !0xFF | 1;
    }
    Some((id, Request::decode(&can, ranges).ok()?.action))
}

fn request_message(id: u16, action: Action, ranges: &Ranges) -> Message {
    let real = |value: f64| Number::single(value as f32);
    match action {
        Action::Enable => Message::Enable { id },
        Action::Disable => Message::Disable { id },
        Action::SetZero => Message::SetZero { id },
        Action::ClearFault => Message::ClearFault { id },
        Action::Impedance(targets) => {
            let listed = |t: &Impedance| [t.position_rad, t.velocity_rad_s, t.kp, t.kd, t.torque_nm];
            let [q, dq, kp, kd, tau] = settled(listed(&targets), |[q, dq, kp, kd, tau]| {
                let again = Impedance { position_rad: q, velocity_rad_s: dq, torque_nm: tau, kp, kd };
                listed(&carried_targets(again, ranges).unwrap_or(again))
            });
            Message::Impedance { id, q, dq, kp, kd, tau }
        }
        Action::PositionVelocity { position_rad, velocity_rad_s } => {
            Message::PositionVelocity { id, q: real(position_rad), dq: real(velocity_rad_s) }
        }
        Action::Velocity { velocity_rad_s } => Message::Velocity { id, dq: real(velocity_rad_s) },
        Action::PositionForce { position_rad, velocity_rad_s, current_share } => {
            Message::PositionForce { id, q: real(position_rad), dq: velocity_rad_s, current_share }
        }
        Action::Refresh => Message::Refresh { id },
        Action::Read(register) => Message::Read { id, register: Name::of(&register) },
        Action::Write(register, value) => {
            Message::Write { id, register: Name::of(&register), value: shown(value) }
        }
        Action::Save => Message::Save { id },
    }
}

/// The targets that the frame of an impedance command carries.
fn carried_targets(targets: Impedance, ranges: &Ranges) -> Option<Impedance> {
    let id = motor(1).ok()?;
    let can = Request { id, action: Action::Impedance(targets) }.frame(ranges);
    match Request::decode(&can, ranges).ok()?.action {
        Action::Impedance(targets) => Some(targets),
        _ => None,
    }
}

/// The CAN frame of an answer, as the adapter passes it on.
fn received(frame: &[u8]) -> Option<CanFrame> {
    Inbound::decode(frame).ok()?.can()
}

/// An answer about a register, of whatever number. The two kinds are not marked (see [`Answer::decode`]): a feedback
/// would be of a disabled motor at the lower end of its range.
fn register_answer(can: &CanFrame) -> Option<(Access, Register, Value)> {
    let [id, 0, access, number, value @ ..] = can.data else { return None };
    let access = Access::from_bits(access).filter(|_| id <= 0xF)?;
    let register = numbered(number, access);
    Some((access, register, Value::from_bytes(register.kind, value)))
}

/// A feedback. Its id is 0 where the motor's has nothing in its lowest four bits: another stands in meanwhile.
fn feedback(id: u16, mut can: CanFrame, ranges: &Ranges) -> Option<Message> {
    if id == 0 {
        can.data[0] |= 1;
    }
    let Ok(Some(Answer::Feedback(feedback))) = Answer::decode(&Inbound::received(can)) else { return None };
    let listed = |m: &Motion| [m.position_rad, m.velocity_rad_s, m.torque_nm];
    let exact = listed(&feedback.motion(ranges));
    let [q, dq, tau] = settled(exact, |[position_rad, velocity_rad_s, torque_nm]| {
        let [position, velocity, torque] = ranges.steps(&Motion { position_rad, velocity_rad_s, torque_nm });
        listed(&Feedback { position, velocity, torque, ..feedback }.motion(ranges))
    });
    Some(Message::Feedback {
        id,
        master: can.id,
        state: feedback.state.bits(),
        q,
        dq,
        tau,
        mos_temp_c: feedback.mos_c,
        rotor_temp_c: feedback.rotor_c,
    })
}
