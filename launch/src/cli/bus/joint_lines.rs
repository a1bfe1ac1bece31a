//! One line a joint of what `adit bus monitor` shows.

use robot_interface::joints::{JOINT_NAMES, JOINTS};
use robot_interface::time::Stamp;

use crate::bus_tools::reading::{Reading, Snapshot};

/// One joint over the time between two snapshots.
pub(super) struct JointLine {
    pub(super) name: &'static str,
    pub(super) bus: usize,
    pub(super) id: u8,
    /// Answers a second.
    pub(super) rate_hz: f64,
    /// Since the start: answered, missed, late, broken checksums, noise, in another's name.
    pub(super) counts: [u64; 6],
    /// `None` if it has never answered.
    pub(super) measured: Option<[f64; 4]>,
    pub(super) fault: Option<&'static str>,
}

/// Each joint's line; rates are those since `before`.
pub(super) fn joint_lines(
    reading: &Reading,
    before: &(Stamp, Snapshot),
    after: &(Stamp, Snapshot),
) -> Vec<JointLine> {
    let passed_s = after.0.seconds_since(before.0);
    let line = |joint: usize| {
        let description = &reading.joints[joint];
        let cycle = &after.1.cycle;
        let (link, was) = (cycle.links[joint], before.1.cycle.links[joint]);
        let state = cycle.states.joints[joint];
        let measured = [state.position_rad, state.velocity_rad_s, state.torque_nm, state.temperature_c];
        JointLine {
            name: JOINT_NAMES[joint],
            bus: description.bus,
            id: description.id,
            rate_hz: if passed_s > 0.0 { (link.replies - was.replies) as f64 / passed_s } else { 0.0 },
            counts: [
                link.replies,
                link.missed,
                link.late,
                link.bad_crc,
                link.bad_header + link.bad_mode,
                link.wrong_id,
            ],
            measured: cycle.measured_at[joint].map(|_| measured),
            fault: cycle.faults[joint].map(firmware_bridge::bridge::MotorFault::remedy),
        }
    };
    (0..JOINTS).map(line).collect()
}

/// The words for [`JointLine::counts`].
pub(super) const COUNTS: [&str; 6] = ["answered", "missed", "late", "checksum", "noise", "foreign"];
