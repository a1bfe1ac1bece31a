//! Adit's own link to a microcontroller: a sequence number and one of `adit_link`'s messages.

use adit_link::{Decoder, FrameError, MAX_FRAME_LEN, Message, encode_frame};
use serde_json::{Map, Value};

use super::frame_json::{Codec, Damaged, FrameInputError, FrameJson, Front, json, read};
use super::hex::to_hex;

pub(super) const FRAMES: FrameJson = FrameJson { encode, front, damaged, show, examples: EXAMPLES };

const EXAMPLES: &[&str] = &[
    r#"{"seq":1,"hello":{"version":2,"session":7}}"#,
    r#"{"seq":2,"command":{"actuators":[{"id":0,"mode":"impedance","position_rad":0.5,"velocity_rad_s":0.0,"torque_nm":0.0,"kp":20.0,"kd":0.5}]}}"#,
    r#"{"seq":3,"emergency_stop":null}"#,
    r#"{"seq":4,"reset":{"answer":1}}"#,
];

/// The message with no contents; its name stands alone in JSON.
const BARE: &str = "emergency_stop";

fn encode(object: Value, _: &Codec) -> Result<Vec<u8>, FrameInputError> {
    let mut object: Map<String, Value> = read(object)?;
    let seq = object.remove("seq").and_then(|seq| seq.as_u64()).and_then(|seq| u16::try_from(seq).ok());
    let seq = seq.ok_or_else(|| FrameInputError::new("seq is missing, or not a number from 0 to 65535"))?;
    let value =
        if object.len() == 1 && object.contains_key(BARE) { BARE.into() } else { Value::Object(object) };
    let message: Message = read(value)?;
    let mut frame = [0; MAX_FRAME_LEN];
    let len =
        encode_frame(seq, &message, &mut frame).map_err(|error| FrameInputError::new(error.to_string()))?;
    Ok(frame[..len].to_vec())
}

/// A frame ends with the first zero byte.
fn front(bytes: &[u8], _: &Codec) -> Front {
    let bytes = &bytes[..bytes.len().min(MAX_FRAME_LEN)];
    match bytes.iter().position(|byte| *byte == 0) {
        None if bytes.len() < MAX_FRAME_LEN => Front::Unfinished,
        None | Some(0) => Front::Nothing,
        Some(end) if message(&bytes[..=end]).is_some() => Front::Frame { len: end + 1, doubtful: false },
        Some(_) => Front::Nothing,
    }
}

/// Between any two zero bytes a checksum does not fit: it is a frame's if a message stands before it.
fn damaged(bytes: &[u8], _: &Codec) -> Vec<Damaged> {
    let bytes = &bytes[..bytes.len().min(MAX_FRAME_LEN)];
    let damaged = || {
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let frame = &bytes[..=end];
        let Err(FrameError::Checksum { expected, found }) = Decoder::new().next_frame(&mut &*frame)? else {
            return None;
        };
        let mended = [&bytes[..end - found.len()], &expected[..], &[0]].concat();
        message(&mended)?;
        let [carried, computed] = [found, expected].map(|checksum| format!("0x{}", to_hex(&checksum)));
        Some(Damaged { kind: "frame", len: frame.len(), carried, computed })
    };
    damaged().into_iter().collect()
}

fn message(mut frame: &[u8]) -> Option<(u16, Message)> {
    Decoder::new().next_frame(&mut frame)?.ok()
}

fn show(frame: &[u8], _: &Codec) -> Option<String> {
    let (seq, message) = message(frame)?;
    let message = json(&message)?;
    // An object takes the sequence number in; a name that stands alone becomes a key.
    Some(match message.strip_prefix('{') {
        Some(rest) => format!("{{\"seq\":{seq},{rest}"),
        None => format!("{{\"seq\":{seq},{message}:null}}"),
    })
}
