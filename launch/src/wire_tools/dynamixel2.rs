//! DYNAMIXEL Protocol 2.0: packets in both directions, by the names of the vendor's e-manual.
//!
//! The common answer to a fast read (a status of id 254) is shown with all devices' parts in `params`, as it does not
//! tell how long each is: `error` and the first parameter, an id, are the first device's; behind its data stand two
//! bytes of checksum and the next device's error, id and data.

use firmware_bridge::protocol::dynamixel2::{
    BROADCAST, BulkRead, BulkWrite, ErrorByte, FactoryReset, FastPart, Instruction, MAX_PACKET_LEN, Packet,
    PacketError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::frame_json::{Codec, FrameInputError, FrameJson, damaged, front, json, read};

pub(super) const FRAMES: FrameJson = FrameJson {
    encode,
    front: |bytes, _| front::<Packet>(bytes),
    damaged: |bytes, _| damaged::<Packet>("packet", 4, bytes).into_iter().collect(),
    show,
    examples: EXAMPLES,
};

const EXAMPLES: &[&str] = &[
    r#"{"instruction":"ping","id":2}"#,
    r#"{"instruction":"read","id":1,"address":43,"length":2}"#,
    r#"{"instruction":"write","id":1,"address":116,"data":[0,8,0,0]}"#,
    r#"{"instruction":"reg_write","id":1,"address":116,"data":[0,8,0,0]}"#,
    r#"{"instruction":"action","id":1}"#,
    r#"{"instruction":"factory_reset","id":1,"option":1}"#,
    r#"{"instruction":"reboot","id":1}"#,
    r#"{"instruction":"clear","id":1,"params":[1,68,88,76,34]}"#,
    r#"{"instruction":"sync_read","address":132,"length":4,"ids":[1,2]}"#,
    r#"{"instruction":"sync_write","address":116,"length":4,"items":[{"id":1,"data":[150,0,0,0]},{"id":2,"data":[170,0,0,0]}]}"#,
    r#"{"instruction":"fast_sync_read","address":132,"length":4,"ids":[1,2]}"#,
    r#"{"instruction":"bulk_read","items":[{"id":1,"address":144,"length":2},{"id":2,"address":146,"length":1}]}"#,
    r#"{"instruction":"bulk_write","items":[{"id":1,"address":32,"data":[160,0]},{"id":2,"address":31,"data":[80]}]}"#,
    r#"{"instruction":"fast_bulk_read","items":[{"id":1,"address":144,"length":2},{"id":2,"address":146,"length":1}]}"#,
    r#"{"instruction":"status","id":1,"error":0,"params":[166,0,0,0]}"#,
    r#"{"instruction":"status","id":254,"error":0,"params":[3,1,2,3,4]}"#,
    r#"{"instruction":"other","id":1,"code":32,"params":[]}"#,
];

/// A packet with what its parameters mean.
#[derive(Serialize, Deserialize)]
#[serde(tag = "instruction", rename_all = "snake_case", deny_unknown_fields)]
enum Message {
    Ping { id: u8 },
    Read { id: u8, address: u16, length: u16 },
    Write { id: u8, address: u16, data: Vec<u8> },
    RegWrite { id: u8, address: u16, data: Vec<u8> },
    Action { id: u8 },
    FactoryReset { id: u8, option: u8 },
    Reboot { id: u8 },
    Clear { id: u8, params: Vec<u8> },
    SyncRead { address: u16, length: u16, ids: Vec<u8> },
    SyncWrite { address: u16, length: u16, items: Vec<Item> },
    FastSyncRead { address: u16, length: u16, ids: Vec<u8> },
    BulkRead { items: Vec<Stretch> },
    BulkWrite { items: Vec<Block> },
    FastBulkRead { items: Vec<Stretch> },
    Status { id: u8, error: u8, params: Vec<u8> },
    Other { id: u8, code: u8, params: Vec<u8> },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    id: u8,
    data: Vec<u8>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    id: u8,
    address: u16,
    length: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    id: u8,
    address: u16,
    data: Vec<u8>,
}

impl From<Stretch> for BulkRead {
    fn from(Stretch { id, address, length }: Stretch) -> Self {
        Self { id, address, length }
    }
}

fn encode(object: Value, _: &Codec) -> Result<Vec<u8>, FrameInputError> {
    let message = read(object)?;
    let packet = packet(&message).map_err(|error| FrameInputError::new(error.to_string()))?;
    Ok(packet.encode(&mut [0; MAX_PACKET_LEN]).to_vec())
}

fn packet(message: &Message) -> Result<Packet, PacketError> {
    match message {
        Message::Ping { id } => Packet::ping(*id),
        Message::Read { id, address, length } => Packet::read(*id, *address, *length),
        Message::Write { id, address, data } => Packet::write(*id, *address, data),
        Message::RegWrite { id, address, data } => Packet::reg_write(*id, *address, data),
        Message::Action { id } => Packet::action(*id),
        Message::FactoryReset { id, option } => match FactoryReset::from_byte(*option) {
            Some(option) => Packet::factory_reset(*id, option),
            None => Packet::raw(*id, Instruction::FactoryReset.byte(), &[*option]),
        },
        Message::Reboot { id } => Packet::reboot(*id),
        Message::Clear { id, params } => Packet::raw(*id, Instruction::Clear.byte(), params),
        Message::SyncRead { address, length, ids } => Packet::sync_read(*address, *length, ids),
        Message::FastSyncRead { address, length, ids } => Packet::fast_sync_read(*address, *length, ids),
        Message::SyncWrite { address, length, items } => {
            let items: Vec<_> = items.iter().map(|item| (item.id, &item.data)).collect();
            Packet::sync_write(*address, *length, &items)
        }
        Message::BulkRead { items } => {
            Packet::bulk_read(&items.iter().map(|item| (*item).into()).collect::<Vec<_>>())
        }
        Message::FastBulkRead { items } => {
            Packet::fast_bulk_read(&items.iter().map(|item| (*item).into()).collect::<Vec<_>>())
        }
        Message::BulkWrite { items } => {
            let items = items.iter().map(|Block { id, address, data }| BulkWrite {
                id: *id,
                address: *address,
                data,
            });
            Packet::bulk_write(&items.collect::<Vec<_>>())
        }
        // Several devices wrote it together. Where one's part ends, the packet does not tell, but those who asked know;
        // as a single part it is the same bytes.
        Message::Status { id: BROADCAST, error, params } => {
            let (&id, data) = params.split_first().ok_or(PacketError::Empty)?;
            let error = ErrorByte::from_byte(*error);
            Packet::fast_status(std::iter::once(FastPart { id, error, data }))
        }
        Message::Status { id, error, params } => Packet::status(*id, ErrorByte::from_byte(*error), params),
        Message::Other { id, code, params } => Packet::raw(*id, *code, params),
    }
}

fn show(frame: &[u8], _: &Codec) -> Option<String> {
    let packet = Packet::decode(frame).ok()?;
    let other = || Message::Other {
        id: packet.id(),
        code: packet.instruction().byte(),
        params: packet.params().to_vec(),
    };
    json(&message(&packet).unwrap_or_else(other))
}

/// The meaning of a packet; `None` if its parameters are not those of its instruction.
fn message(packet: &Packet) -> Option<Message> {
    let (id, params) = (packet.id(), packet.params());
    let single = || params.is_empty().then_some(id);
    let addressed = || params.split_first_chunk().map(|(address, data)| (u16::from_le_bytes(*address), data));
    Some(match packet.instruction() {
        Instruction::Ping => Message::Ping { id: single()? },
        Instruction::Action => Message::Action { id: single()? },
        Instruction::Reboot => Message::Reboot { id: single()? },
        Instruction::Read => {
            let (address, length) = addressed()?;
            Message::Read { id, address, length: u16::from_le_bytes(length.try_into().ok()?) }
        }
        Instruction::Write => {
            let (address, data) = addressed()?;
            Message::Write { id, address, data: data.to_vec() }
        }
        Instruction::RegWrite => {
            let (address, data) = addressed()?;
            Message::RegWrite { id, address, data: data.to_vec() }
        }
        Instruction::FactoryReset => match *params {
            [option] => Message::FactoryReset { id, option },
            _ => return None,
        },
        Instruction::Clear => Message::Clear { id, params: params.to_vec() },
        Instruction::Status => Message::Status { id, error: packet.error()?.byte(), params: params.to_vec() },
        Instruction::SyncRead if id == BROADCAST => {
            let (address, length, ids) = sync(params)?;
            Message::SyncRead { address, length, ids: ids.to_vec() }
        }
        Instruction::FastSyncRead if id == BROADCAST => {
            let (address, length, ids) = sync(params)?;
            Message::FastSyncRead { address, length, ids: ids.to_vec() }
        }
        Instruction::SyncWrite if id == BROADCAST => {
            let (address, length, rest) = sync(params)?;
            let blocks = rest.chunks_exact(usize::from(length) + 1);
            if !blocks.remainder().is_empty() {
                return None;
            }
            let item = |block: &[u8]| block.split_first().map(|(&id, data)| Item { id, data: data.to_vec() });
            Message::SyncWrite { address, length, items: blocks.filter_map(item).collect() }
        }
        Instruction::BulkRead if id == BROADCAST => Message::BulkRead { items: stretches(params)? },
        Instruction::FastBulkRead if id == BROADCAST => Message::FastBulkRead { items: stretches(params)? },
        Instruction::BulkWrite if id == BROADCAST => Message::BulkWrite { items: blocks(params)? },
        _ => return None,
    })
}

fn sync(params: &[u8]) -> Option<(u16, u16, &[u8])> {
    let (&[a0, a1, l0, l1], rest) = params.split_first_chunk()?;
    Some((u16::from_le_bytes([a0, a1]), u16::from_le_bytes([l0, l1]), rest))
}

fn stretches(params: &[u8]) -> Option<Vec<Stretch>> {
    let stretch = |&[id, a0, a1, l0, l1]: &[u8; 5]| Stretch {
        id,
        address: u16::from_le_bytes([a0, a1]),
        length: u16::from_le_bytes([l0, l1]),
    };
    let (items, rest) = params.as_chunks();
    rest.is_empty().then(|| items.iter().map(stretch).collect())
}

fn blocks(mut params: &[u8]) -> Option<Vec<Block>> {
    let mut blocks = Vec::new();
    while !params.is_empty() {
        let (&[id, a0, a1, l0, l1], rest) = params.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(u16::from_le_bytes([l0, l1]).into())?;
        blocks.push(Block { id, address: u16::from_le_bytes([a0, a1]), data: data.to_vec() });
        params = rest;
    }
    Some(blocks)
}
