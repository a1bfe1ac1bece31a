//! Feetech SMS/STS servos. A request and an answer look alike: what stands where a request has its instruction is an
//! answer's errors. What can be read as a request is; one may say which it is by `--answers`.

use firmware_bridge::wire::feetech::{Errors, MAX_PACKET_LEN, Packet, Request, ServoId, Status, SyncWrite};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Refused, front, json};

pub(super) const EXAMPLES: &[&str] = &[
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

pub(super) fn encode(object: &Map<String, Value>) -> Result<Vec<u8>, Refused> {
    let message = serde_json::from_value(Value::Object(object.clone()));
    let message = message.map_err(|error| Refused::new(format!("{error}: see --examples")))?;
    let mut buffer = [0; MAX_PACKET_LEN];
    let id = |id| match ServoId::new(id) {
        Some(id) => Ok(id),
        None if id == ServoId::BROADCAST.get() => Ok(ServoId::BROADCAST),
        None => Err(Refused::new(format!("id is {id}: it goes from 0 to 253, and 254 is everybody"))),
    };
    let asked = |id: ServoId, request: Request<'_>, buffer: &mut [u8; MAX_PACKET_LEN]| {
        request.encode(id, buffer).map(<[u8]>::to_vec).map_err(|error| Refused::new(error.to_string()))
    };
    let everybody = ServoId::BROADCAST;
    match &message {
        Message::Ping { id: to } => asked(id(*to)?, Request::Ping, &mut buffer),
        Message::Read { id: to, address, length } => {
            asked(id(*to)?, Request::Read { address: *address, len: *length }, &mut buffer)
        }
        Message::Write { id: to, address, data } => {
            asked(id(*to)?, Request::Write { address: *address, data }, &mut buffer)
        }
        Message::RegWrite { id: to, address, data } => {
            asked(id(*to)?, Request::RegWrite { address: *address, data }, &mut buffer)
        }
        Message::Action { id: to } => asked(id(*to)?, Request::Action, &mut buffer),
        Message::Reset { id: to } => asked(id(*to)?, Request::Reset, &mut buffer),
        Message::SyncRead { address, length, ids } => {
            asked(everybody, Request::SyncRead { address: *address, len: *length, ids }, &mut buffer)
        }
        Message::SyncWrite { address, length, items } => {
            let mut writes = SyncWrite::new(*address, *length);
            for item in items {
                writes.push(id(item.id)?, &item.data).map_err(|error| Refused::new(error.to_string()))?;
            }
            asked(everybody, writes.request(), &mut buffer)
        }
        Message::Status { id: from, error, params } => {
            let status = Status::new(id(*from)?, Errors(*error), params);
            let status = status.map_err(|error| Refused::new(error.to_string()))?;
            Ok(status.encode(&mut buffer).to_vec())
        }
    }
}

/// The packet that bytes begin with: as an answer if only those are expected, else as a request if it can be one.
pub(super) fn front_packet(bytes: &[u8], answers: bool) -> Option<(usize, String)> {
    let (len, packet) = front::<Packet>(bytes)?;
    let id = packet.id.get();
    let status = || Message::Status { id, error: packet.code, params: packet.parameters.as_slice().to_vec() };
    if answers {
        return json(len, &status());
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
    json(len, &message)
}
