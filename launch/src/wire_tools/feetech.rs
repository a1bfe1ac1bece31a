//! Feetech SMS/STS servos. A request and an answer look alike: what stands where a request has its instruction is an
//! answer's errors. What can be read as a request is; one may say which it is by `--answers`.

use firmware_bridge::protocol::feetech::{
    Errors, MAX_PACKET_LEN, MAX_PARAMETERS, Packet, Request, ServoId, Status,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::frame_json::{Codec, FrameInputError, FrameJson, damaged, front, json, read};

pub(super) const FRAMES: FrameJson = FrameJson {
    encode,
    front: |bytes, _| front::<Packet>(bytes),
    damaged: |bytes, _| damaged::<Packet>("packet", 2, bytes).into_iter().collect(),
    show,
    examples: EXAMPLES,
};

const EXAMPLES: &[&str] = &[
    r#"{"instruction":"ping","id":1}"#,
    r#"{"instruction":"read","id":1,"address":56,"length":2}"#,
    r#"{"instruction":"write","id":1,"address":42,"data":[0,8,0,0,232,3]}"#,
    r#"{"instruction":"reg_write","id":1,"address":42,"data":[0,8,0,0,232,3]}"#,
    r#"{"instruction":"action","id":254}"#,
    r#"{"instruction":"reset","id":1}"#,
    r#"{"instruction":"sync_read","address":56,"length":8,"ids":[1,2]}"#,
    r#"{"instruction":"sync_write","address":42,"length":2,"items":[{"id":1,"data":[0,8]},{"id":2,"data":[0,4]}]}"#,
    r#"{"instruction":"status","id":1,"error":0,"params":[24,5]}"#,
];

#[derive(Serialize, Deserialize)]
#[serde(tag = "instruction", rename_all = "snake_case", deny_unknown_fields)]
enum Message {
    Ping { id: u8 },
    Read { id: u8, address: u8, length: u8 },
    Write { id: u8, address: u8, data: Vec<u8> },
    RegWrite { id: u8, address: u8, data: Vec<u8> },
    Action { id: u8 },
    Reset { id: u8 },
    SyncRead { address: u8, length: u8, ids: Vec<u8> },
    SyncWrite { address: u8, length: u8, items: Vec<Item> },
    Status { id: u8, error: u8, params: Vec<u8> },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    id: u8,
    data: Vec<u8>,
}

fn encode(object: Value, _: &Codec) -> Result<Vec<u8>, FrameInputError> {
    let message: Message = read(object)?;
    let everybody = ServoId::BROADCAST;
    match &message {
        Message::Ping { id: to } => encode_request(id(*to)?, Request::Ping),
        Message::Read { id: to, address, length } => {
            encode_request(id(*to)?, Request::Read { address: *address, len: *length })
        }
        Message::Write { id: to, address, data } => {
            encode_request(id(*to)?, Request::Write { address: *address, data: fitting("data", data, 1)? })
        }
        Message::RegWrite { id: to, address, data } => {
            encode_request(id(*to)?, Request::RegWrite { address: *address, data: fitting("data", data, 1)? })
        }
        Message::Action { id: to } => encode_request(id(*to)?, Request::Action),
        Message::Reset { id: to } => encode_request(id(*to)?, Request::Reset),
        Message::SyncRead { address, length, ids } => {
            each_once(ids.iter().copied())?;
            let ids = fitting("ids", ids, 2)?;
            encode_request(everybody, Request::SyncRead { address: *address, len: *length, ids })
        }
        Message::SyncWrite { address, length, items } => {
            each_once(items.iter().map(|item| item.id))?;
            let other = items.iter().find(|item| item.data.len() != usize::from(*length));
            if let Some(Item { id, data }) = other {
                return Err(FrameInputError::new(format!(
                    "data of id {id} are {} bytes where length is {length}: give every servo as many as length says",
                    data.len()
                )));
            }
            let blocks: Vec<u8> = items
                .iter()
                .flat_map(|item| std::iter::once(item.id).chain(item.data.iter().copied()))
                .collect();
            let blocks = fitting("items", &blocks, 2)?;
            encode_request(everybody, Request::SyncWrite { address: *address, len: *length, blocks })
        }
        Message::Status { id: from, error, params } => {
            let status = Status::new(id(*from)?, Errors(*error), fitting("params", params, 0)?);
            let status = status.map_err(|error| FrameInputError::new(error.to_string()))?;
            Ok(status.encode(&mut [0; MAX_PACKET_LEN]).to_vec())
        }
    }
}

fn encode_request(id: ServoId, request: Request<'_>) -> Result<Vec<u8>, FrameInputError> {
    let mut buffer = [0; MAX_PACKET_LEN];
    request
        .encode(id, &mut buffer)
        .map(<[u8]>::to_vec)
        .map_err(|error| FrameInputError::new(error.to_string()))
}

fn id(id: u8) -> Result<ServoId, FrameInputError> {
    match ServoId::new(id) {
        Some(id) => Ok(id),
        None if id == ServoId::BROADCAST.get() => Ok(ServoId::BROADCAST),
        None => Err(FrameInputError::new(format!("id is {id}: it goes from 0 to 253, and 254 is everybody"))),
    }
}

/// Servos that are addressed one by one in a common packet.
fn each_once(ids: impl Iterator<Item = u8> + Clone) -> Result<(), FrameInputError> {
    for (index, id) in ids.clone().enumerate() {
        if ServoId::new(id).is_none() {
            return Err(FrameInputError::new(format!("id {id} is no single servo's: they go from 0 to 253")));
        }
        if ids.clone().take(index).any(|other| other == id) {
            return Err(FrameInputError::new(format!("id {id} is named twice: name each servo once")));
        }
    }
    Ok(())
}

/// Bytes that fit into a packet behind those parameters that stand before them.
fn fitting<'a>(field: &str, bytes: &'a [u8], before: usize) -> Result<&'a [u8], FrameInputError> {
    let most = MAX_PARAMETERS - before;
    if bytes.len() <= most {
        return Ok(bytes);
    }
    let found = bytes.len();
    Err(FrameInputError::new(format!(
        "{field} take {found} bytes where a packet has room for {most}: split them over several"
    )))
}

/// A packet: as an answer if only those are expected, else as a request if it can be one.
fn show(frame: &[u8], codec: &Codec) -> Option<String> {
    let packet = Packet::decode(frame).ok()?;
    let id = packet.id.get();
    let status = || Message::Status { id, error: packet.code, params: packet.parameters.as_slice().to_vec() };
    if codec.answers {
        return json(&status());
    }
    let message = match Request::decode(&packet) {
        Ok(Request::Ping) => Message::Ping { id },
        Ok(Request::Read { address, len }) => Message::Read { id, address, length: len },
        Ok(Request::Write { address, data }) => Message::Write { id, address, data: data.to_vec() },
        Ok(Request::RegWrite { address, data }) => Message::RegWrite { id, address, data: data.to_vec() },
        Ok(Request::Action) => Message::Action { id },
        Ok(Request::Reset) => Message::Reset { id },
        Ok(Request::SyncRead { address, len, ids }) => {
            Message::SyncRead { address, length: len, ids: ids.to_vec() }
        }
        Ok(Request::SyncWrite { address, len, blocks }) => {
            let item = |block: &[u8]| block.split_first().map(|(&id, data)| Item { id, data: data.to_vec() });
            let items = blocks.chunks(usize::from(len) + 1).filter_map(item).collect();
            Message::SyncWrite { address, length: len, items }
        }
        Err(_) => status(),
    };
    json(&message)
}
