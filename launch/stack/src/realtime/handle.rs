//! The two ends of what the control loop and its process say to each other: targets, corrections and an emergency stop in;
//! reports out. All of it crosses in rings and atomics, so that the loop neither waits nor allocates.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};

use firmware_bridge::protocol::imu::ImuCounts;
use firmware_bridge::robot::BatteryReport;
use firmware_bridge::safety::{LimitCounts, PowerState, Trip};
use perception::localise::TunnelCorrection;
use robot_interface::joints::{JOINTS, JointStates};
use robot_interface::sensors::ImuSample;
use robot_interface::state::VelocityCommand;
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;
use rtrb::{Consumer, Producer, RingBuffer};

use super::histogram::Histogram;
use crate::authority::estop::StopLevel;
use crate::authority::failsafe::{HoldReason, SENSOR_LIFE_S};
use crate::control::{ControlStatus, ModeRefused};
use crate::vendor_gait::VendorOrder;

/// 500 Hz.
pub const PERIOD_NANOS: u64 = 2_000_000;
/// The longest that a cycle on simulated motor buses may take. Their pseudo-terminals are pumped by threads of the
/// kernel, which wait like everybody else on a busy machine; the simulated world stands still meanwhile.
const SIMULATED_BUS_NANOS: u64 = 16_700_000;
/// Age from which the simulated inertial sensor counts as silent, s: when the simulator is late, its world stands still.
const SIMULATED_LIFE_S: f64 = 2.0;

/// Whose time the measurements are stamped with.
#[derive(Clone, Copy, Debug)]
pub enum TimeBase {
    /// The inertial sensor's: in simulation, which may be slower than the clock on the wall.
    Sensor,
    /// The system's: what is added to the monotonic clock, ns.
    System(u64),
}

impl TimeBase {
    /// The longest that a cycle on the motor buses may take, ns.
    pub const fn bus_nanos(self) -> u64 {
        match self {
            Self::Sensor => SIMULATED_BUS_NANOS,
            Self::System(_) => PERIOD_NANOS,
        }
    }

    /// Age from which the inertial sensor counts as silent, s.
    pub(super) const fn imu_life_s(self) -> f64 {
        match self {
            Self::Sensor => SIMULATED_LIFE_S,
            Self::System(_) => SENSOR_LIFE_S,
        }
    }
}

/// Target of whoever leads the robot.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Arrival, by the monotonic clock.
    pub at: Stamp,
    /// Body velocity.
    pub velocity: VelocityCommand,
    /// Gait mode to ask for.
    pub mode: Option<GaitMode>,
}

/// Handle to the control loop. Dropping it ends the loop, with the robot laid down.
pub struct ControlHandle {
    /// Targets to follow; the newest counts.
    pub targets: Producer<Target>,
    /// Corrections of the estimate.
    pub corrections: Producer<TunnelCorrection>,
    /// Level of the emergency stop: the number of a [`StopLevel`].
    pub estop: Arc<AtomicU8>,
    /// Request to clear a joint's trouble that somebody has looked at, if it is gone.
    pub clear: Arc<AtomicBool>,
    /// Set to have the robot laid down and the loop ended.
    pub quit: Arc<AtomicBool>,
    /// Reports, 50 a second.
    pub reports: Consumer<ControlReport>,
    /// Orders to the vendor's gait, if that walks.
    pub orders: Consumer<VendorOrder>,
    /// Heartbeats of the loop: one a cycle at least, and more while it waits for a simulated world.
    pub beats: Arc<AtomicU64>,
}

/// Statistics of the deadlines, since the start.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Lateness of each cycle's beginning.
    pub late: Histogram,
    /// From the beginning of a cycle to the last motor's answer.
    pub bus: Histogram,
    /// From the beginning of a cycle to its end.
    pub took: Histogram,
    /// From an emergency stop's being seen to the damping commands' being on the buses; there is one each time.
    pub stop: Histogram,
    /// Missed deadlines: cycles that were not over when the next one was due.
    pub missed_deadlines: u64,
}

/// Report of the control loop, 50 a second.
#[derive(Clone, Copy, Debug)]
pub struct ControlReport {
    /// Joints as last heard.
    pub joints: JointStates,
    /// Joints that answered in the last cycle, `[12]`.
    pub answered: [bool; JOINTS],
    /// Newest inertial sample.
    pub imu: ImuSample,
    /// State of the robot.
    pub status: ControlStatus,
    /// Cause for which targets are not followed.
    pub hold: Option<HoldReason>,
    /// Level of the emergency stop.
    pub stop: StopLevel,
    /// True if that is the word of the robot's own remote control, until the fault is cleared.
    pub remote_stopped: bool,
    /// Battery of a robot that reports it with its joints.
    pub battery: Option<BatteryReport>,
    /// Power state of the motors.
    pub power: PowerState,
    /// Joint's trouble that stops the robot.
    pub trip: Option<Trip>,
    /// Counts of each limit's actions, `[12]`.
    pub limited: [LimitCounts; JOINTS],
    /// Refusal of a mode that was asked for since the last report.
    pub refused: Option<ModeRefused>,
    /// Greatest torque of any joint since the last report, N m.
    pub torque_peak_nm: f64,
    /// Motor replies that did not come, since the start.
    pub missed_replies: u64,
    /// Failures of each bus's port, as far as there are buses.
    pub port_failures: [u64; JOINTS],
    /// Counts of the inertial sensor's line.
    pub imu_counts: ImuCounts,
    /// Deadlines kept and missed.
    pub timing: Timing,
}

/// The loop's end of a [`ControlHandle`].
pub(super) struct LoopEnd {
    pub(super) targets: Consumer<Target>,
    pub(super) corrections: Consumer<TunnelCorrection>,
    pub(super) estop: Arc<AtomicU8>,
    pub(super) clear: Arc<AtomicBool>,
    pub(super) quit: Arc<AtomicBool>,
    pub(super) reports: Producer<ControlReport>,
    pub(super) orders: Producer<VendorOrder>,
    pub(super) beats: Arc<AtomicU64>,
}

/// Returns a handle and its loop's end.
pub(super) fn handle() -> (ControlHandle, LoopEnd) {
    let (targets_in, targets) = RingBuffer::new(16);
    let (corrections_in, corrections) = RingBuffer::new(16);
    let (reports, reports_out) = RingBuffer::new(64);
    let (orders, orders_out) = RingBuffer::new(64);
    let [clear, quit] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let estop = Arc::new(AtomicU8::new(StopLevel::None as u8));
    let beats = Arc::new(AtomicU64::new(0));
    let handle = ControlHandle {
        targets: targets_in,
        corrections: corrections_in,
        estop: Arc::clone(&estop),
        clear: Arc::clone(&clear),
        quit: Arc::clone(&quit),
        reports: reports_out,
        orders: orders_out,
        beats: Arc::clone(&beats),
    };
    (handle, LoopEnd { targets, corrections, estop, clear, quit, reports, orders, beats })
}
