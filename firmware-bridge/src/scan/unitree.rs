//! Unitree's motors: a command in a mode that does not drive, with all targets zero. There is nothing else to ask.

use robot_interface::robot::MotorProtocol;
use robot_interface::time::Stamp;

use super::probe::{Device, Probe, ProbeResult, ProtocolEntry};
use crate::bridge::MotorFault;
use crate::protocol::go_m8010::{self, MotorId};
use crate::protocol::unitree_a1::{self, Model};
use crate::protocol::{FrameReader, Impedance};

pub(super) const GO_M8010: ProtocolEntry = ProtocolEntry {
    name: "go-m8010-6",
    title: "Unitree GO-M8010-6",
    bauds: &[go_m8010::BAUD],
    ids: 0..=14,
    drives: Some(MotorProtocol::GoM8010),
    probe: |_| Box::<GoM8010>::default(),
};
pub(super) const A1: ProtocolEntry = ProtocolEntry {
    name: "a1",
    title: "Unitree A1",
    bauds: &[Model::A1.baud()],
    ids: 0..=14,
    drives: Some(MotorProtocol::A1),
    probe: |_| Box::new(UnitreeA1::new(Model::A1)),
};
pub(super) const B1: ProtocolEntry = ProtocolEntry {
    name: "b1",
    title: "Unitree B1",
    bauds: &[Model::B1.baud()],
    ids: 0..=14,
    drives: Some(MotorProtocol::B1),
    probe: |_| Box::new(UnitreeA1::new(Model::B1)),
};

#[derive(Default)]
struct GoM8010 {
    reader: FrameReader<go_m8010::Reply>,
}

impl Probe for GoM8010 {
    fn question(&mut self, _: Stamp, id: u8, n: usize, _: &Device) -> Option<Vec<u8>> {
        self.reader.clear();
        let id = MotorId::new(id).filter(|_| n == 0)?;
        Some(go_m8010::Command::idle(id).encode().to_vec())
    }

    fn handle_bytes(&mut self, _: Stamp, id: u8, mut bytes: &[u8], result: &mut ProbeResult) {
        while let Some(found) = self.reader.next_frame(&mut bytes) {
            let Some(reply) = found.ok().filter(|reply| reply.id.get() == id) else { continue };
            result.answers += 1;
            result.device.position_rad = Some(reply.position_rad);
            result.device.temperature_c = Some(reply.temperature_c);
            result.device.errors.extend(reply.error.map(|fault| MotorFault::from(fault).remedy().to_owned()));
        }
    }
}

struct UnitreeA1 {
    model: Model,
    reader: FrameReader<unitree_a1::Reply>,
}

impl UnitreeA1 {
    const fn new(model: Model) -> Self {
        Self { model, reader: FrameReader::new() }
    }
}

impl Probe for UnitreeA1 {
    fn question(&mut self, _: Stamp, id: u8, n: usize, _: &Device) -> Option<Vec<u8>> {
        self.reader.clear();
        let command = unitree_a1::Command {
            id: unitree_a1::MotorId(id),
            mode: unitree_a1::Mode::Idle,
            targets: Impedance::default(),
        };
        (n == 0).then(|| command.encode(self.model).to_vec())
    }

    fn handle_bytes(&mut self, _: Stamp, id: u8, mut bytes: &[u8], result: &mut ProbeResult) {
        while let Some(found) = self.reader.next_frame(&mut bytes) {
            let Some(reply) = found.ok().filter(|reply| reply.id.0 == id) else { continue };
            result.answers += 1;
            result.device.position_rad = Some(reply.position_rad);
            result.device.temperature_c = Some(reply.temperature_c);
            if reply.error != 0 {
                result.device.errors.push(format!(
                    "error {}: look it up in the motor's manual before it is driven",
                    reply.error
                ));
            }
        }
    }
}
