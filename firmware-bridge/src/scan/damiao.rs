//! Damiao's motors: their registers are read one after the other, then a feedback. Nothing is written.

use robot_interface::robot::MotorProtocol;
use robot_interface::time::Stamp;

use super::probe::{Device, Probe, ProbeResult, ProtocolEntry};
use crate::protocol::damiao::{
    Answer, BAUD, Identity, Model, Monitor, MonitorReply, MotorId, Reader, Register, State,
};

pub(super) const DAMIAO: ProtocolEntry = ProtocolEntry {
    name: "damiao",
    title: "Damiao motors behind the vendor's USB-CAN adapter",
    bauds: &[BAUD],
    ids: 1..=15,
    drives: Some(MotorProtocol::Damiao),
    probe: |_| Box::<Damiao>::default(),
};

#[derive(Default)]
struct Damiao {
    reader: Reader,
    identity: Option<Identity>,
}

impl Probe for Damiao {
    /// The registers first: without its ranges a feedback's position means nothing.
    fn question(&mut self, _: Stamp, id: u8, n: usize, known: &Device) -> Option<Vec<u8>> {
        self.reader.clear();
        let id = MotorId::new(id)?;
        let monitor = Monitor::new(id, Model::Dm4310.ranges());
        if n == 0 {
            self.identity = Some(Identity::new(id));
            return Some(monitor.register_request(Register::POSITION_RANGE).to_vec());
        }
        // A register that stays silent is asked for once: then the feedback, and that is all.
        let missing = self.identity.and_then(|identity| identity.missing());
        match missing.filter(|_| n <= REGISTERS) {
            Some(register) => Some(monitor.register_request(register).to_vec()),
            None if known.position_rad.is_none() && n <= REGISTERS + 2 => Some(monitor.request().to_vec()),
            None => None,
        }
    }

    fn handle_bytes(&mut self, _: Stamp, id: u8, mut bytes: &[u8], result: &mut ProbeResult) {
        let (Some(id), Some(identity)) = (MotorId::new(id), &mut self.identity) else { return };
        let ranges = identity.ranges().unwrap_or(Model::Dm4310.ranges());
        let monitor = Monitor::new(id, ranges);
        while let Some(found) = self.reader.next_frame(&mut bytes) {
            let Ok(frame) = found else { continue };
            match monitor.interpret(&frame) {
                Some(MonitorReply::Register(..)) => {
                    if let Ok(Some(Answer::Register(reply))) = Answer::decode(&frame) {
                        identity.take(&reply);
                    }
                    let names: Vec<_> = identity.models().map(Model::name).collect();
                    result.device.model = (!names.is_empty()).then(|| names.join(" or "));
                    let version = identity.value(Register::SOFTWARE_VERSION);
                    result.device.firmware = version.map(|version| version.number().to_string());
                }
                Some(MonitorReply::Reading(reading)) => {
                    result.device.position_rad = Some(reading.position_rad);
                    result.device.temperature_c = Some(reading.rotor_c);
                    if let State::Fault(fault) = reading.state {
                        result.device.errors.push(fault.to_string());
                    }
                }
                Some(MonitorReply::Saved) | None => continue,
            }
            result.answers += 1;
        }
    }
}

/// The most registers that are asked for: those of an [`Identity`].
const REGISTERS: usize = 8;
