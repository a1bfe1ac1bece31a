//! DYNAMIXEL and Feetech servos: a ping or a read, then what they measure. Nothing is written.

use robot_interface::time::Stamp;

use super::probe::{Device, Probe, ProbeResult, ProtocolEntry};
use crate::protocol::dynamixel2::{Event, MAX_ID, MAX_PACKET_LEN, Master, Request};
use crate::protocol::feetech::{self, Monitor, ServoId, StatusReader};

pub(super) const DYNAMIXEL2: ProtocolEntry = ProtocolEntry {
    name: "dynamixel2",
    title: "DYNAMIXEL Protocol 2.0",
    bauds: &[57_600, 1_000_000, 115_200, 2_000_000, 3_000_000, 4_000_000],
    ids: 0..=MAX_ID,
    drives: None,
    probe: |budget_nanos| Box::new(Dynamixel { master: Master::new(budget_nanos) }),
};
pub(super) const FEETECH: ProtocolEntry = ProtocolEntry {
    name: "feetech",
    title: "Feetech SMS/STS servos",
    bauds: &[feetech::BAUD, 500_000, 115_200],
    ids: 0..=253,
    drives: None,
    probe: |_| Box::<Feetech>::default(),
};

/// A model by the number in its register.
struct XSeriesModel {
    number: u16,
    name: &'static str,
}

/// Models whose control table is the X series' (e-manual, "Model Number"): only theirs is read further.
const X_SERIES: [XSeriesModel; 13] = [
    XSeriesModel { number: 1000, name: "XH430-W350" },
    XSeriesModel { number: 1010, name: "XH430-W210" },
    XSeriesModel { number: 1020, name: "XM430-W350" },
    XSeriesModel { number: 1030, name: "XM430-W210" },
    XSeriesModel { number: 1040, name: "XH430-V350" },
    XSeriesModel { number: 1050, name: "XH430-V210" },
    XSeriesModel { number: 1060, name: "XL430-W250" },
    XSeriesModel { number: 1070, name: "XC430-W150" },
    XSeriesModel { number: 1080, name: "XC430-W240" },
    XSeriesModel { number: 1120, name: "XM540-W270" },
    XSeriesModel { number: 1130, name: "XM540-W150" },
    XSeriesModel { number: 1190, name: "XL330-M077" },
    XSeriesModel { number: 1200, name: "XL330-M288" },
];
/// Register 3 of an STS3215.
const STS3215: u16 = 777;

struct Dynamixel {
    master: Master,
}

impl Probe for Dynamixel {
    fn question(&mut self, now: Stamp, id: u8, n: usize, known: &Device) -> Option<Vec<u8>> {
        let named = |model: &&str| X_SERIES.iter().any(|known| known.name == *model);
        let is_x_series = known.model.as_deref().is_some_and(|model| named(&model));
        let request = match n {
            0 => Request::Ping(id),
            1 if is_x_series => Request::States(&[id]),
            2 if is_x_series => Request::HardwareErrors(&[id]),
            _ => return None,
        };
        let packet = self.master.begin(now, request).ok()?;
        Some(packet.encode(&mut [0; MAX_PACKET_LEN]).to_vec())
    }

    fn handle_bytes(&mut self, now: Stamp, asked: u8, mut bytes: &[u8], result: &mut ProbeResult) {
        let device = &mut result.device;
        while let Some(event) = self.master.handle_bytes(now, &mut bytes) {
            match event {
                Event::Found { id, model, firmware, alert } if id == asked => {
                    let name = X_SERIES.iter().find(|known| known.number == model).map(|known| known.name);
                    device.model = Some(name.map_or_else(|| format!("model {model}"), str::to_owned));
                    device.firmware = Some(firmware.to_string());
                    if alert && name.is_none() {
                        device.errors.push(
                            "it has a fault: read its hardware error status in the vendor's tool".to_owned(),
                        );
                    }
                }
                Event::State { id, state, .. } if id == asked => {
                    device.position_rad = Some(state.position_rad);
                    device.temperature_c = Some(state.temperature_c);
                    device.voltage_v = Some(state.voltage_v);
                }
                Event::Hardware { id, faults } if id == asked => {
                    device.errors.extend(faults.remedies().map(str::to_owned));
                }
                Event::Refused { id, error } if id == asked => device.errors.push(error.to_string()),
                // Once it has answered, the master did not ask for another answer of the same name.
                Event::Stray { id } if id == asked => {}
                _ => continue,
            }
            result.answers += 1;
        }
    }
}

#[derive(Default)]
struct Feetech {
    reader: StatusReader,
}

impl Probe for Feetech {
    fn question(&mut self, _: Stamp, id: u8, n: usize, _: &Device) -> Option<Vec<u8>> {
        self.reader.clear();
        let monitor = Monitor::new(ServoId::new(id)?);
        match n {
            // No echo can be taken for its answer.
            0 => Some(monitor.probe().to_vec()),
            1 => Some(monitor.request().to_vec()),
            _ => None,
        }
    }

    fn handle_bytes(&mut self, _: Stamp, id: u8, mut bytes: &[u8], result: &mut ProbeResult) {
        let Some(monitor) = ServoId::new(id).map(Monitor::new) else { return };
        let device = &mut result.device;
        while let Some(found) = self.reader.next_frame(&mut bytes) {
            match found.ok().and_then(|status| monitor.interpret(&status)) {
                Some(feetech::MonitorReply::Identity(identity, _)) => {
                    let [major, minor] = identity.firmware;
                    device.firmware = Some(format!("{major}.{minor}"));
                    device.model = Some(match identity.model {
                        STS3215 => "STS3215".to_owned(),
                        other => format!("model {other}"),
                    });
                }
                Some(feetech::MonitorReply::Reading(reading)) => {
                    device.position_rad = Some(reading.position_rad);
                    device.temperature_c = Some(reading.temperature_c);
                    device.voltage_v = Some(reading.voltage_v);
                    device.errors = reading.errors.faults().map(|fault| fault.to_string()).collect();
                }
                // A whole answer that says nothing would be a ping's; none was asked for.
                Some(feetech::MonitorReply::Done(_)) | None => continue,
            }
            result.answers += 1;
        }
    }
}
