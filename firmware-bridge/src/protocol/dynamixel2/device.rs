//! Servos that are not there: a bus of XM430-W350s which answer as the e-manual says.
//!
//! Where the e-manual is silent, they behave so: a read that runs over addresses without a field gives zeros
//! there, and an access error if it touches no field; a stretch that a fast read cannot give is zeros with
//! the access error in its part; a common answer ends before the first servo that is missing; a new
//! registered write takes the place of the old one; a packet that pauses for long is given up. Answers come
//! at once, whatever the return delay.

mod servo;
mod table;

use robot_interface::time::Stamp;

use super::x_series::HardwareError;
use super::{BROADCAST, ErrorByte, FastPart, Instruction, MAX_PACKET_LEN, Packet, PacketError, ServoError};
use crate::protocol::device::VirtualBus;
use crate::protocol::{FrameReader, WireError};
use servo::{Kind, Servo};
use table::TABLE_LEN;

/// A packet whose next byte is later than this does not go on, ns.
const PAUSE_NANOS: u64 = 100_000_000;

/// X-series servos on one bus.
#[derive(Debug)]
pub struct VirtualServos {
    /// In the order of their first ids.
    servos: Vec<Servo>,
    reader: FrameReader<Packet, MAX_PACKET_LEN>,
    heard_at: Stamp,
}

impl VirtualServos {
    /// Servos as they left the factory, but with these ids, in the middle of their turn.
    ///
    /// # Errors
    /// [`PacketError`] if an id is none, or stands twice.
    pub fn new(ids: &[u8]) -> Result<Self, PacketError> {
        // The rules for a sync read's ids are those for a bus.
        if !ids.is_empty() {
            Packet::sync_read(0, 1, ids)?;
        }
        let mut servos: Vec<_> = ids.iter().map(|&id| Servo::new(id)).collect();
        servos.sort_by_key(Servo::id);
        Ok(Self { servos, reader: FrameReader::new(), heard_at: Stamp::ZERO })
    }

    /// Gives a servo faults, as if it had found them itself; returns whether there is such a servo.
    pub fn fail(&mut self, id: u8, faults: HardwareError) -> bool {
        let servo = self.servos.iter_mut().find(|servo| servo.id() == id);
        servo.map(|servo| servo.fail(faults)).is_some()
    }

    fn obey(&mut self, now: Stamp, packet: &Packet, say: &mut dyn FnMut(&[u8])) {
        let (id, params) = (packet.id(), packet.params());
        match packet.instruction() {
            // Another servo's answer.
            Instruction::Status => {}
            Instruction::Ping if id == BROADCAST => {
                // In the order of their ids, which writes may have changed.
                let mut from = 0;
                while let Some(next) = self.servos.iter().map(Servo::id).filter(|&id| id >= from).min() {
                    for servo in self.servos.iter().filter(|servo| servo.id() == next) {
                        answer(servo, Kind::Ping, next, Ok(&servo.identity()), say);
                    }
                    from = next + 1;
                }
            }
            Instruction::SyncRead => self.sync_read(now, params, say),
            Instruction::BulkRead => self.bulk_read(now, params, say),
            Instruction::FastSyncRead => {
                let Some((&[a, b, c, d], ids)) = params.split_first_chunk() else { return };
                let (address, length) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
                self.fast_read(now, ids.iter().map(|&id| (id, address, length)), say);
            }
            Instruction::FastBulkRead => self.fast_read(now, stretches(params), say),
            Instruction::SyncWrite => {
                let Some((&[a, b, c, d], items)) = params.split_first_chunk() else { return };
                let (address, length) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
                for item in items.chunks_exact(1 + usize::from(length)) {
                    for servo in self.servos.iter_mut().filter(|servo| servo.id() == item[0]) {
                        // Nobody answers a write to several, even if it is refused.
                        let _ = servo.write(now, address, &item[1..]);
                    }
                }
            }
            Instruction::BulkWrite => {
                let mut rest = params;
                while let Some((&[id, a, b, c, d], behind)) = rest.split_first_chunk() {
                    let Some((data, behind)) = behind.split_at_checked(u16::from_le_bytes([c, d]).into())
                    else {
                        return;
                    };
                    for servo in self.servos.iter_mut().filter(|servo| servo.id() == id) {
                        let _ = servo.write(now, u16::from_le_bytes([a, b]), data);
                    }
                    rest = behind;
                }
            }
            instruction => {
                for servo in &mut self.servos {
                    if servo.id() == id || id == BROADCAST {
                        single(servo, now, id, instruction, params, say);
                    }
                }
            }
        }
    }

    fn sync_read(&mut self, now: Stamp, params: &[u8], say: &mut dyn FnMut(&[u8])) {
        let Some((&[a, b, c, d], ids)) = params.split_first_chunk() else { return };
        let (address, length) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        for &id in ids {
            self.read(now, (id, address, length), say);
        }
    }

    fn bulk_read(&mut self, now: Stamp, params: &[u8], say: &mut dyn FnMut(&[u8])) {
        for stretch in stretches(params) {
            self.read(now, stretch, say);
        }
    }

    fn read(&mut self, now: Stamp, (id, address, length): (u8, u16, u16), say: &mut dyn FnMut(&[u8])) {
        for servo in self.servos.iter_mut().filter(|servo| servo.id() == id) {
            servo.run_to(now);
            answer(servo, Kind::Read, id, servo.read(address, length), say);
        }
    }

    fn fast_read(
        &mut self,
        now: Stamp,
        stretches: impl Iterator<Item = (u8, u16, u16)> + Clone,
        say: &mut dyn FnMut(&[u8]),
    ) {
        const ZEROS: [u8; TABLE_LEN] = [0; TABLE_LEN];
        self.servos.iter_mut().for_each(|servo| servo.run_to(now));
        let servos = &self.servos;
        let parts = stretches.map(|(id, address, length)| {
            let servo = servos.iter().find(|servo| servo.id() == id && servo.answers(Kind::Read));
            let (data, error) = match servo.map(|servo| servo.read(address, length)) {
                Some(Ok(data)) => (data, None),
                _ => (&ZEROS[..TABLE_LEN.min(length.into())], Some(ServoError::Access)),
            };
            let alert = servo.is_some_and(Servo::has_fault);
            (servo.is_some(), FastPart { id, error: ErrorByte { alert, error }, data })
        });
        let all = parts.clone().map(|(_, part)| part);
        let Ok(packet) = Packet::fast_status(all) else { return };
        let mut buffer = [0; MAX_PACKET_LEN];
        let bytes = packet.encode(&mut buffer);
        let there = parts.take_while(|(there, _)| *there).map(|(_, part)| part.wire_len());
        let len = there.sum::<usize>();
        if len > 0 {
            say(&bytes[..bytes.len().min(FastPart::HEAD_LEN + len)]);
        }
    }
}

impl VirtualBus for VirtualServos {
    fn hear(&mut self, now: Stamp, mut bytes: &[u8], say: &mut dyn FnMut(&[u8])) {
        if now > self.heard_at.plus_nanos(PAUSE_NANOS) {
            self.reader.clear();
        }
        if !bytes.is_empty() {
            self.heard_at = now;
        }
        while let Some(heard) = self.reader.next_frame(&mut bytes) {
            match heard {
                Ok(packet) => self.obey(now, &packet, say),
                Err(WireError::Crc { .. }) => {
                    // The refused packet without its first byte: FF FD 00, id, length, instruction.
                    let &[_, _, _, id, _, _, instruction, ..] = self.reader.held() else { continue };
                    if Instruction::from_byte(instruction) != Instruction::Status {
                        for servo in self.servos.iter().filter(|servo| servo.id() == id) {
                            answer(servo, Kind::Other, id, Err(ServoError::Crc), say);
                        }
                    }
                }
                Err(_) => {}
            }
        }
    }
}

/// Stretches of a bulk read, one a device: id, address and length.
fn stretches(params: &[u8]) -> impl Iterator<Item = (u8, u16, u16)> + Clone {
    params
        .chunks_exact(5)
        .map(|item| (item[0], u16::from_le_bytes([item[1], item[2]]), u16::from_le_bytes([item[3], item[4]])))
}

/// An instruction to one servo, or to each of all.
fn single(
    servo: &mut Servo,
    now: Stamp,
    to: u8,
    instruction: Instruction,
    params: &[u8],
    say: &mut dyn FnMut(&[u8]),
) {
    servo.run_to(now);
    // It answers as it was when it was asked: with the id and the level that it may change now.
    let id = servo.id();
    let mut say_if = |servo: &Servo, kind, result: Result<&[u8], ServoError>| {
        if to != BROADCAST {
            answer(servo, kind, id, result, say);
        }
    };
    match instruction {
        Instruction::Ping => say_if(servo, Kind::Ping, Ok(&servo.identity())),
        Instruction::Read => {
            let result = match *params {
                [a, b, c, d] => servo.read(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])),
                _ => Err(ServoError::DataLength),
            };
            say_if(servo, Kind::Read, result);
        }
        _ => {
            let answers = servo.answers(Kind::Other);
            let result = servo.change(now, to == BROADCAST, instruction, params);
            if answers && to != BROADCAST {
                send(id, ErrorByte { alert: servo.has_fault(), error: result.err() }, &[], say);
            }
        }
    }
}

/// A servo's answer, if its status return level lets it give one.
fn answer(servo: &Servo, kind: Kind, id: u8, result: Result<&[u8], ServoError>, say: &mut dyn FnMut(&[u8])) {
    if servo.answers(kind) {
        let error = ErrorByte { alert: servo.has_fault(), error: result.err() };
        send(id, error, result.unwrap_or(&[]), say);
    }
}

fn send(id: u8, error: ErrorByte, params: &[u8], say: &mut dyn FnMut(&[u8])) {
    // A servo's id is one, and its table fits a packet even if it is all stuffing.
    if let Ok(packet) = Packet::status(id, error, params) {
        say(packet.encode(&mut [0; MAX_PACKET_LEN]));
    }
}
