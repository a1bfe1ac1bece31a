//! Adit's own link to a microcontroller: a sequence number and one of `adit_link`'s messages.

use adit_link::{Decoder, MAX_FRAME_LEN, Message, encode_frame};
use serde_json::{Map, Value};

use super::Refused;

pub(super) const EXAMPLES: &[&str] = &[
    r#"{"seq":1,"hello":{"version":2,"session":7}}"#,
    r#"{"seq":2,"command":{"actuators":[{"id":0,"mode":"impedance","position_rad":0.5,"velocity_rad_s":0.0,"torque_nm":0.0,"kp":20.0,"kd":0.5}]}}"#,
    r#"{"seq":3,"emergency_stop":null}"#,
    r#"{"seq":4,"reset":{"answer":1}}"#,
];

/// The message with no contents; its name stands alone in JSON.
const BARE: &str = "emergency_stop";

pub(super) fn encode(object: &Map<String, Value>) -> Result<Vec<u8>, Refused> {
    let mut object = object.clone();
    let seq = object.remove("seq").and_then(|seq| seq.as_u64()).and_then(|seq| u16::try_from(seq).ok());
    let seq = seq.ok_or_else(|| Refused::new("seq is missing, or not a number from 0 to 65535"))?;
    let value =
        if object.len() == 1 && object.contains_key(BARE) { BARE.into() } else { Value::Object(object) };
    let message: Result<Message, _> = serde_json::from_value(value);
    let message = message.map_err(|error| Refused::new(format!("{error}: see --examples")))?;
    let mut frame = [0; MAX_FRAME_LEN];
    let len = encode_frame(seq, &message, &mut frame).map_err(|error| Refused::new(error.to_string()))?;
    Ok(frame[..len].to_vec())
}

/// The frame that bytes begin with. A frame ends with the first zero byte.
pub(super) fn front_frame(bytes: &[u8]) -> Option<(usize, String)> {
    let len = bytes.iter().take(MAX_FRAME_LEN).position(|byte| *byte == 0)? + 1;
    if len == 1 {
        return None;
    }
    let mut frame = &bytes[..len];
    let (seq, message) = Decoder::new().next_frame(&mut frame)?.ok()?;
    let message = serde_json::to_string(&message).ok()?;
    // An object takes the sequence number in; a name that stands alone becomes a key.
    let json = match message.strip_prefix('{') {
        Some(rest) => format!("{{\"seq\":{seq},{rest}"),
        None => format!("{{\"seq\":{seq},{message}:null}}"),
    };
    Some((len, json))
}
