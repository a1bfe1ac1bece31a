//! The one bus of a robot that is told of all its joints in one message and reports by itself, whoever asks.
//!
//! A cycle sends one command and is answered by the newest report since the cycle before: one that waited meanwhile is at most a period
//! old, and nobody waits for the next. A cycle that is only to read sends nothing: the robot's own gait may have the motors.

use std::collections::VecDeque;

use robot_interface::joints::JOINTS;
use robot_interface::robot::JointDescription;
use robot_interface::time::Stamp;

use super::cycle::{BusCounts, Cycle};
use super::fault::MotorFault;
use super::limits::EncodableLimits;
use super::reply::Reading;
use super::wiring::Motor;
use crate::protocol::imu::ImuFrame;
use crate::protocol::{Impedance, WireError};
use crate::robot::{MotorTarget, ReportReader, RobotProtocol, RobotReport};

/// Numbers of single precision.
pub(super) const LIMITS: EncodableLimits = EncodableLimits {
    torque_nm: f32::MAX as f64,
    velocity_rad_s: f32::MAX as f64,
    position_rad: f32::MAX as f64,
    kp: f32::MAX as f64,
    kd: f32::MAX as f64,
};

/// Bits a second of the network that such robots have.
pub(super) const BITS_PER_S: u32 = 100_000_000;
/// Inertial samples that wait to be taken, at most: the oldest are lost.
const MAX_SAMPLES: usize = 16;
/// Reports in a row that say "not driven" of a motor that is commanded, before that is a fault: half a second.
const MAX_IGNORED: u16 = 250;

/// The driver's end.
#[derive(Clone, Debug)]
pub(super) struct RobotBus {
    motors: Vec<Motor>,
    slot_nanos: u64,
    protocol: RobotProtocol,
    reader: ReportReader,
    command: Vec<u8>,
    /// The command of this cycle has not been sent.
    unsent: bool,
    /// Time until which a report is waited for; `None` between cycles.
    deadline: Option<Stamp>,
    /// The newest report since the last cycle, and when it came.
    fresh: Option<(Stamp, RobotReport)>,
    /// The newest of all.
    newest: Option<RobotReport>,
    /// Whether this cycle drives the motors.
    driving: bool,
    /// Reports in a row that say that a motor which is commanded is not driven, `[12]` by joint.
    ignored: [u16; JOINTS],
    samples: VecDeque<(Stamp, ImuFrame)>,
    sequence: u16,
    bad_crc: u64,
    bad_header: u64,
}

impl RobotBus {
    /// For motors that have so much of each cycle.
    pub(super) fn new(protocol: RobotProtocol, motors: Vec<Motor>, slot_nanos: u64) -> Self {
        Self {
            motors,
            slot_nanos,
            protocol,
            reader: ReportReader::new(protocol),
            command: Vec::with_capacity(protocol.command_len()),
            unsent: false,
            deadline: None,
            fresh: None,
            newest: None,
            driving: false,
            ignored: [0; JOINTS],
            samples: VecDeque::with_capacity(MAX_SAMPLES),
            sequence: 0,
            bad_crc: 0,
            bad_header: 0,
        }
    }

    /// Begins a cycle that drives the motors to their targets, or only reads them.
    pub(super) fn begin(&mut self, now: Stamp, targets: Option<&[Impedance; JOINTS]>) {
        self.driving = targets.is_some();
        if let Some(targets) = targets {
            let mut commands: [MotorTarget; JOINTS] = [None; JOINTS];
            for motor in &self.motors {
                commands[usize::from(motor.id)] = Some(targets[motor.joint]);
            }
            self.protocol.encode_command(&commands, &mut self.command);
        }
        self.unsent = self.driving;
        self.deadline = Some(now.plus_nanos(self.slot_nanos));
    }

    /// Takes the newest report for all joints; without one they count as missed.
    pub(super) fn end(&mut self, joints: &[JointDescription; JOINTS], cycle: &mut Cycle) {
        (self.deadline, self.unsent) = (None, false);
        let fresh = self.fresh.take();
        for motor in &self.motors {
            let joint = motor.joint;
            let Some((at, report)) = &fresh else {
                cycle.links[joint].missed += 1;
                continue;
            };
            let told = &report.motors[usize::from(motor.id)];
            let is_ignored = self.driving && told.driven == Some(false);
            self.ignored[joint] = if is_ignored { self.ignored[joint].saturating_add(1) } else { 0 };
            let fault = (self.ignored[joint] > MAX_IGNORED).then_some(MotorFault::NotDriven);
            let reading = Reading {
                id: motor.id,
                defined: true,
                state: None,
                torque_nm: told.torque_nm,
                velocity_rad_s: told.velocity_rad_s,
                position_rad: told.position_rad,
                temperature_c: told.temperature_c,
                fault,
            };
            cycle.measured(joint, *at, reading.at_joint(&joints[joint]), fault);
            cycle.links[joint].replies += 1;
        }
        if let Some(motor) = self.motors.first() {
            let link = &mut cycle.links[motor.joint];
            (link.bad_crc, link.bad_header) = (self.bad_crc, self.bad_header);
        }
    }

    /// The command is on its way, and a report is there.
    pub(super) const fn is_complete(&self) -> bool {
        self.deadline.is_none() || (self.fresh.is_some() && !self.unsent)
    }

    /// The command, once a cycle.
    pub(super) fn poll_transmit(&mut self) -> Option<&[u8]> {
        std::mem::take(&mut self.unsent).then_some(self.command.as_slice())
    }

    pub(super) const fn deadline(&self) -> Option<Stamp> {
        if self.is_complete() { None } else { self.deadline }
    }

    /// Gives up on a report that has not come in time.
    pub(super) fn expire(&mut self, now: Stamp) {
        if !self.unsent {
            self.deadline = self.deadline.filter(|deadline| now < *deadline);
        }
    }

    /// Takes bytes that arrived.
    pub(super) fn handle_bytes(&mut self, now: Stamp, mut bytes: &[u8]) {
        while let Some(found) = self.reader.next(&mut bytes) {
            match found {
                Ok(report) => {
                    (self.fresh, self.newest) = (Some((now, report)), Some(report));
                    if self.samples.len() == MAX_SAMPLES {
                        self.samples.pop_front();
                    }
                    self.samples.push_back((now, self.sample(now, &report)));
                    self.sequence = self.sequence.wrapping_add(1);
                }
                Err(WireError::Crc { .. }) => self.bad_crc += 1,
                Err(_) => self.bad_header += 1,
            }
        }
    }

    fn sample(&self, now: Stamp, report: &RobotReport) -> ImuFrame {
        ImuFrame {
            sequence: self.sequence,
            // A robot that does not count is taken to have measured when its report came.
            time_us: if report.tick_ms == 0 { now.nanos() / 1000 } else { u64::from(report.tick_ms) * 1000 },
            angular_velocity_rad_s: report.angular_velocity_rad_s,
            specific_force_m_s2: report.specific_force_m_s2,
        }
    }

    /// The next inertial sample, and when it came.
    pub(super) fn poll_imu(&mut self) -> Option<(Stamp, ImuFrame)> {
        self.samples.pop_front()
    }

    /// The newest report.
    pub(super) const fn report(&self) -> Option<&RobotReport> {
        self.newest.as_ref()
    }

    pub(super) fn counts(&self) -> BusCounts {
        BusCounts::default()
    }
}
