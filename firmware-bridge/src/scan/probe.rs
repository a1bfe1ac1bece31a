//! The contract of a protocol that can be scanned for.

use std::ops::RangeInclusive;

use robot_interface::robot::MotorProtocol;
use robot_interface::time::Stamp;

/// A device that was found under one id. What the protocol does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// Its id.
    pub id: u8,
    /// Name that it gives itself.
    pub model: Option<String>,
    /// Its firmware's version.
    pub firmware: Option<String>,
    /// Position, rad: a Unitree motor's rotor, every other one's shaft.
    pub position_rad: Option<f64>,
    /// Temperature, degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Supply voltage, V.
    pub voltage_v: Option<f64>,
    /// Its faults, each with the remedy.
    pub errors: Vec<String>,
    /// The most intact answers to one question: more than 1 are several motors under one id.
    pub answers: u32,
}

/// Result of the bytes after a question.
#[derive(Debug, Default)]
pub(super) struct ProbeResult {
    /// Intact answers in the id's name.
    pub(super) answers: u32,
    /// The device by these answers, on top of what was known.
    pub(super) device: Device,
}

/// One protocol's questions.
pub(super) trait Probe {
    /// The `n`th question to an id: the first is always asked, others only of a motor that answered, until `None`.
    fn question(&mut self, now: Stamp, id: u8, n: usize, known: &Device) -> Option<Vec<u8>>;

    /// Takes bytes that came after the question.
    fn handle_bytes(&mut self, now: Stamp, id: u8, bytes: &[u8], result: &mut ProbeResult);

    /// Other devices that the questions to the last id have found.
    fn others(&mut self) -> Vec<Device> {
        Vec::new()
    }
}

/// A protocol's facts and its probe.
pub(super) struct ProtocolEntry {
    /// The name that people write.
    pub(super) name: &'static str,
    /// The motors' name in full.
    pub(super) title: &'static str,
    /// The rates at which such motors are usually found, bits a second: as delivered first.
    pub(super) bauds: &'static [u32],
    /// Every id that is asked.
    pub(super) ids: RangeInclusive<u8>,
    /// Its name in a robot's file, if joints can be driven by it.
    pub(super) drives: Option<MotorProtocol>,
    /// Makes a probe; each answer is waited for so long, ns.
    pub(super) probe: fn(u64) -> Box<dyn Probe + Send>,
}
