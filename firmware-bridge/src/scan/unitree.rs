//! Unitree's motors: a command in a mode that does not drive, with all targets zero. There is nothing else to ask.

use robot_interface::time::Stamp;

use super::{Device, Heard, Probe};
use crate::bridge::MotorFault;
use crate::wire::go_m8010::{self, MotorId};
use crate::wire::unitree_a1::{self, Model};
use crate::wire::{FrameReader, Impedance};

#[derive(Default)]
pub(super) struct GoM8010 {
    reader: FrameReader<go_m8010::Reply>,
}

impl Probe for GoM8010 {
    fn question(&mut self, _: Stamp, id: u8, n: usize, _: &Device) -> Option<Vec<u8>> {
        self.reader.clear();
        let id = MotorId::new(id).filter(|_| n == 0)?;
        Some(go_m8010::Command::idle(id).encode().to_vec())
    }

    fn hear(&mut self, _: Stamp, id: u8, mut bytes: &[u8], heard: &mut Heard) {
        while let Some(found) = self.reader.next_frame(&mut bytes) {
            let Some(reply) = found.ok().filter(|reply| reply.id.get() == id) else { continue };
            heard.answers += 1;
            heard.device.position_rad = Some(reply.position_rad);
            heard.device.temperature_c = Some(reply.temperature_c);
            heard.device.errors.extend(reply.error.map(|fault| MotorFault::from(fault).remedy().to_owned()));
        }
    }
}

pub(super) struct A1 {
    model: Model,
    reader: FrameReader<unitree_a1::Reply>,
}

impl A1 {
    pub(super) const fn new(model: Model) -> Self {
        Self { model, reader: FrameReader::new() }
    }
}

impl Probe for A1 {
    fn question(&mut self, _: Stamp, id: u8, n: usize, _: &Device) -> Option<Vec<u8>> {
        self.reader.clear();
        let command = unitree_a1::Command {
            id: unitree_a1::MotorId(id),
            mode: unitree_a1::Mode::Idle,
            targets: Impedance::default(),
        };
        (n == 0).then(|| command.encode(self.model).to_vec())
    }

    fn hear(&mut self, _: Stamp, id: u8, mut bytes: &[u8], heard: &mut Heard) {
        while let Some(found) = self.reader.next_frame(&mut bytes) {
            let Some(reply) = found.ok().filter(|reply| reply.id.0 == id) else { continue };
            heard.answers += 1;
            heard.device.position_rad = Some(reply.position_rad);
            heard.device.temperature_c = Some(reply.temperature_c);
            if reply.error != 0 {
                heard.device.errors.push(format!(
                    "error {}: look it up in the motor's manual before it is driven",
                    reply.error
                ));
            }
        }
    }
}
