//! A microcontroller of Adit's own link: it is greeted, and asked for the time, which keeps it talking. No actuator is
//! commanded; a device that was greeted damps.

use adit_link::{
    Decoder, Hello, MAX_FRAME_LEN, Message, PROTOCOL_VERSION, State, Status, TimeRequest, Welcome,
    encode_frame,
};
use robot_interface::robot::MotorProtocol;
use robot_interface::time::Stamp;

use super::probe::{Device, Probe, ProbeResult, ProtocolEntry};
use crate::bridge::MotorFault;
use crate::protocol::link::{BAUD, session};

pub(super) const ADIT: ProtocolEntry = ProtocolEntry {
    name: "adit",
    title: "Adit's own link to a microcontroller",
    bauds: &[BAUD],
    ids: 0..=0,
    drives: Some(MotorProtocol::Adit),
    probe: |_| Box::<Link>::default(),
};

#[derive(Default)]
struct Link {
    decoder: Decoder,
    session: u32,
    /// All its actuators as far as they are known, the first one too.
    actuators: Vec<Device>,
}

impl Probe for Link {
    fn question(&mut self, now: Stamp, _: u8, n: usize, _: &Device) -> Option<Vec<u8>> {
        let message = match n {
            0 => {
                (self.decoder, self.session) = (Decoder::new(), session(now));
                Message::Hello(Hello { version: PROTOCOL_VERSION, session: self.session })
            }
            1 if !self.actuators.is_empty() => {
                Message::TimeRequest(TimeRequest { t1_ns: now.nanos(), padding: [0; 16] })
            }
            _ => return None,
        };
        let mut frame = [0; MAX_FRAME_LEN];
        let len = encode_frame(n as u16, &message, &mut frame).ok()?;
        // What other protocols' questions have left at the device ends with the first zero.
        Some([&[0], &frame[..len]].concat())
    }

    fn handle_bytes(&mut self, _: Stamp, _: u8, mut bytes: &[u8], result: &mut ProbeResult) {
        while let Some(found) = self.decoder.next_frame(&mut bytes) {
            let Ok((_, message)) = found else { continue };
            match message {
                Message::Welcome(welcome) if welcome.session == self.session => {
                    result.answers += 1;
                    self.meet(&welcome, result.answers);
                }
                // They come by themselves: two of them are not two devices.
                Message::State(state) if !self.actuators.is_empty() => {
                    result.answers = result.answers.max(1);
                    self.take(&state);
                }
                Message::Refused { why, .. } => {
                    result.answers += 1;
                    result.device.errors = vec![why.to_string()];
                }
                _ => {}
            }
            if let Some(first) = self.actuators.first() {
                result.device = first.clone();
            }
        }
    }

    fn others(&mut self) -> Vec<Device> {
        self.actuators.drain(..).skip(1).collect()
    }
}

impl Link {
    fn meet(&mut self, welcome: &Welcome, answers: u32) {
        let firmware = welcome.firmware;
        let device = |id| Device {
            id,
            model: Some(welcome.name.as_str().to_owned()),
            firmware: Some(format!("{}.{}.{}", firmware.major, firmware.minor, firmware.patch)),
            answers,
            ..Device::default()
        };
        self.actuators = welcome.actuators.iter().map(|info| device(info.id)).collect();
        if self.actuators.is_empty() {
            self.actuators = vec![Device {
                errors: vec!["it announces no actuators: there is nothing to drive".to_owned()],
                ..device(0)
            }];
        }
    }

    fn take(&mut self, state: &State) {
        for actuator in &state.actuators {
            let Some(device) = self.actuators.iter_mut().find(|device| device.id == actuator.id) else {
                continue;
            };
            device.position_rad = Some(actuator.position_rad.into());
            device.temperature_c = Some(actuator.temperature_c.into());
            device.voltage_v = Some(state.supply_v.into());
            let stopped = (state.status == Status::Stopped).then_some(MotorFault::Stopped);
            let faults = stopped.or_else(|| MotorFault::of_link(actuator.faults));
            device.errors = faults.iter().map(|fault| fault.remedy().to_owned()).collect();
        }
    }
}
