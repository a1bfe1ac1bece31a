//! Results of one cycle on the buses.

use robot_interface::joints::{JOINTS, JointMeasurement, JointStates};
use robot_interface::time::Stamp;

use super::fault::MotorFault;

/// Counts of what has gone well and wrong between the bridge and one motor, since the start.
///
/// On a request-and-reply bus, whatever arrives while a motor's answer is due is held against that motor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounts {
    /// Answers taken.
    pub replies: u64,
    /// Cycles without an answer.
    pub missed: u64,
    /// Intact replies in another motor's name.
    pub wrong_id: u64,
    /// This motor's replies that came after its slot, in the same cycle: while the next motor was awaited, which
    /// counts each as [`wrong_id`](Self::wrong_id). One that comes later still is a bus's stray bytes.
    pub late: u64,
    /// Broken checksums. Those of a whole bus of Adit's own link stand at the first of its joints.
    pub bad_crc: u64,
    /// Stretches of bytes that were no reply at all.
    pub bad_header: u64,
    /// Intact replies with an undefined mode; with Adit's own link, intact frames without a message, of the whole bus
    /// at the first of its joints.
    pub bad_mode: u64,
    /// Replies without a checksum whose reading cannot follow the one before it.
    pub implausible: u64,
}

/// Counts of what came over one bus besides answers, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusCounts {
    /// Bytes that came when no answer was due.
    pub stray_bytes: u64,
    /// Commands that came back whole before their answer: the adapter hears itself on the two-wire line. No harm
    /// but the time that they take; an adapter that switches its receiver off while it sends has none.
    pub echoes: u64,
}

/// The result of one cycle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cycle {
    /// The joints, stamped with the beginning of the cycle. A joint that did not answer keeps its last
    /// measurement; see [`measured_at`](Self::measured_at).
    pub states: JointStates,
    /// The joints that answered in this cycle, `[12]`.
    pub answered: [bool; JOINTS],
    /// Time at which each measurement arrived; `None`, with a measurement of zeros, if none ever has. `[12]`
    pub measured_at: [Option<Stamp>; JOINTS],
    /// The fault that each motor reported in its last answer, or why it gives none as far as that is known, `[12]`.
    pub faults: [Option<MotorFault>; JOINTS],
    /// The joints whose command was clamped to the joint's limits, or to those that its microcontroller announced, `[12]`.
    pub clamped: [bool; JOINTS],
    /// The state of each link since the start, `[12]`.
    pub links: [LinkCounts; JOINTS],
    /// Bytes since the start that came when no answer was due, over all buses.
    pub stray_bytes: u64,
    /// From the beginning of the cycle to its end, ns.
    pub took_nanos: u64,
}

impl Cycle {
    /// A joint's last measurement and when it arrived, if there is one.
    pub(super) fn measurement(&self, joint: usize) -> Option<(Stamp, JointMeasurement)> {
        self.measured_at[joint].map(|at| (at, self.states.joints[joint]))
    }

    /// Takes a joint's measurement.
    pub(super) const fn measured(
        &mut self,
        joint: usize,
        now: Stamp,
        measurement: JointMeasurement,
        fault: Option<MotorFault>,
    ) {
        self.answered[joint] = true;
        self.measured_at[joint] = Some(now);
        self.faults[joint] = fault;
        self.states.joints[joint] = measurement;
    }
}
