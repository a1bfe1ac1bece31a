//! One bus's part of a cycle where a microcontroller drives its motors: one command to all of them, one state of all
//! of them, over Adit's own link (`adit_link`).
//!
//! The cycle is answered by the first state after this cycle's command was obeyed, which its `command_seq` shows; by
//! any state where none can be obeyed, as while a stop holds. Until the device has answered the greeting nothing is
//! driven. A measurement is stamped with its arrival, as on every other bus: the device's time would be exact to half
//! of the way there and back only.

use adit_link::{
    ActuatorCommand, ActuatorInfo, ActuatorState, Command, Faults, Host, HostConfig, HostEvent, List, Mode,
    SendError, State, Status, Welcome,
};
use robot_interface::joints::JOINTS;
use robot_interface::robot::JointDescription;
use robot_interface::time::Stamp;

use super::cycle::{BusCounts, Cycle};
use super::fault::MotorFault;
use super::limits::EncodableLimits;
use super::reply::Reading;
use super::wiring::Motor;
use crate::protocol::Impedance;
use crate::protocol::go_m8010::COMMAND_TIMEOUT_NANOS;
use crate::protocol::link::session;

/// The link carries whatever a single can hold; what a motor takes, its microcontroller announces.
pub(super) const LIMITS: EncodableLimits = EncodableLimits {
    torque_nm: f32::MAX as f64,
    velocity_rad_s: f32::MAX as f64,
    position_rad: f32::MAX as f64,
    kp: f32::MAX as f64,
    kd: f32::MAX as f64,
};

/// The longest of a command and of a state, without the actuators, and an actuator's share of both, bytes.
const FRAMES_LEN: usize = 37;
const ACTUATOR_LEN: usize = 43;

/// Bytes of a command to so many actuators and of their state, at most.
pub(super) const fn exchange_len(motors: usize) -> usize {
    FRAMES_LEN + motors * ACTUATOR_LEN
}

const MS: u64 = 1_000_000;

const fn config(first_session: u32) -> HostConfig {
    HostConfig {
        link_timeout_ns: COMMAND_TIMEOUT_NANOS,
        hello_interval_ns: 20 * MS,
        sync_interval_ns: 50 * MS,
        retry_interval_ns: 20 * MS,
        max_drift_ppm: 200,
        first_session,
    }
}

/// The host's end of one bus.
#[derive(Clone, Debug)]
pub(super) struct LinkedBus {
    motors: Vec<Motor>,
    slot_nanos: u64,
    /// Made by the first cycle, whose time numbers its sessions.
    host: Option<Host>,
    /// Targets of this cycle, at the motors' side; `None` if they are only read.
    targets: Option<[Impedance; JOINTS]>,
    /// Between the beginning of a cycle and its end.
    begun: bool,
    waiting: Option<Waiting>,
    /// The command of this cycle was not taken.
    refused: bool,
    stray_bytes: u64,
}

/// The state that is awaited.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    asked: Stamp,
    deadline: Stamp,
    /// The command's sequence number. `None` if the device obeys none, and any state will do.
    command: Option<u16>,
}

impl LinkedBus {
    /// For at most [`LIST_LEN`](adit_link::LIST_LEN) motors, which have so much of each cycle.
    pub(super) const fn new(motors: Vec<Motor>, slot_nanos: u64) -> Self {
        Self {
            motors,
            slot_nanos,
            host: None,
            targets: None,
            begun: false,
            waiting: None,
            refused: false,
            stray_bytes: 0,
        }
    }

    /// Begins a cycle that drives the motors to their targets, or only reads them.
    pub(super) fn begin(
        &mut self,
        now: Stamp,
        targets: Option<&[Impedance; JOINTS]>,
        clamped: &mut [bool; JOINTS],
    ) {
        if self.host.is_none() {
            // A test makes one of these constants.
            self.host = Host::new(config(session(now))).ok();
        }
        self.targets = targets.copied();
        self.begun = true;
        self.waiting = Some(Waiting { asked: now, deadline: now.plus_nanos(self.slot_nanos), command: None });
        self.command(now, clamped);
    }

    pub(super) fn end(&mut self, cycle: &mut Cycle) {
        self.begun = false;
        self.waiting = None;
        for motor in self.motors.iter().filter(|motor| !cycle.answered[motor.joint]) {
            cycle.links[motor.joint].missed += 1;
        }
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.waiting.is_none()
    }

    pub(super) fn deadline(&self) -> Option<Stamp> {
        self.waiting.map(|waiting| waiting.deadline)
    }

    pub(super) fn expire(&mut self, now: Stamp) {
        self.waiting = self.waiting.filter(|waiting| now < waiting.deadline);
    }

    /// The next of the host's frames. Outside a cycle there are none: who falls silent, damps his motors.
    pub(super) fn poll_transmit(&mut self, now: Stamp) -> Option<&[u8]> {
        self.host.as_mut().filter(|_| self.begun)?.poll_transmit(now.nanos())
    }

    /// Releases a confirmed stop; false if there is none.
    pub(super) fn reset_stop(&mut self) -> bool {
        self.host.as_mut().is_some_and(|host| host.reset().is_ok())
    }

    pub(super) fn counts(&self) -> BusCounts {
        let echoes = self.host.as_ref().map_or(0, |host| host.counts().echoes);
        BusCounts { stray_bytes: self.stray_bytes, echoes }
    }

    /// Takes bytes that arrived.
    pub(super) fn handle_bytes(
        &mut self,
        now: Stamp,
        bytes: &[u8],
        joints: &[JointDescription; JOINTS],
        round_trip_nanos: &mut [Option<u64>; JOINTS],
        cycle: &mut Cycle,
    ) {
        let Some(host) = &mut self.host else {
            self.stray_bytes += bytes.len() as u64;
            return;
        };
        host.handle_bytes(bytes, now.nanos());
        while let Some(event) = self.host.as_mut().and_then(Host::poll_event) {
            match event {
                HostEvent::Connected(welcome) => {
                    self.meet(&welcome, cycle);
                    self.command(now, &mut cycle.clamped);
                }
                HostEvent::Mismatched(_) => {
                    for motor in &self.motors {
                        cycle.faults[motor.joint] = Some(MotorFault::OtherVersion);
                    }
                }
                // What it did before this cycle's command is not known: the cycle counts as missed.
                HostEvent::Restarted => self.waiting = None,
                HostEvent::Refused { seq, .. } => {
                    if let Some(waiting) = &mut self.waiting
                        && waiting.command == Some(seq)
                    {
                        (waiting.command, self.refused) = (None, true);
                    }
                }
                HostEvent::State(state) => self.answered(now, &state, joints, round_trip_nanos, cycle),
                // A lost device is greeted anew; what was said in words has no place in a cycle.
                HostEvent::Lost { .. }
                | HostEvent::Stopped
                | HostEvent::Released
                | HostEvent::Imu(_)
                | HostEvent::Fault(_)
                | HostEvent::Log(_)
                | HostEvent::ClockStepped => {}
            }
        }
        if let (Some(host), Some(first)) = (&self.host, self.motors.first()) {
            let (link, counts) = (&mut cycle.links[first.joint], host.counts());
            (link.bad_crc, link.bad_mode) = (counts.corrupt, counts.unusable);
        }
    }

    fn meet(&self, welcome: &Welcome, cycle: &mut Cycle) {
        for motor in &self.motors {
            let announced = welcome.actuators.iter().any(|info| info.id == motor.id);
            cycle.faults[motor.joint] = (!announced).then_some(MotorFault::NotAnnounced);
        }
    }

    /// Hands the host this cycle's command to all that the device has announced, if it is there.
    fn command(&mut self, now: Stamp, clamped: &mut [bool; JOINTS]) {
        let (Some(host), Some(waiting)) = (&mut self.host, &mut self.waiting) else { return };
        let Some(welcome) = host.connected() else { return };
        let mut actuators = List::new();
        for info in &welcome.actuators {
            let motor = self.motors.iter().find(|motor| motor.id == info.id);
            let command = match (motor, &self.targets) {
                (None, _) => undriven(info.id, Mode::Off),
                (Some(_), None) => undriven(info.id, Mode::Brake),
                (Some(motor), Some(targets)) => {
                    let (command, less) = within(info, &targets[motor.joint]);
                    clamped[motor.joint] |= less;
                    command
                }
            };
            // One list is as long as the other.
            let _ = actuators.push(command);
        }
        waiting.asked = now;
        (waiting.command, self.refused) = match host.command(Command { actuators }) {
            Ok(seq) => (Some(seq), false),
            // A stop, which the states tell of.
            Err(SendError::Stopped) => (None, false),
            Err(_) => (None, true),
        };
    }

    fn answered(
        &mut self,
        now: Stamp,
        state: &State,
        joints: &[JointDescription; JOINTS],
        round_trip_nanos: &mut [Option<u64>; JOINTS],
        cycle: &mut Cycle,
    ) {
        let stopped = state.status == Status::Stopped || self.host.as_ref().is_some_and(Host::is_stopped);
        let is_answer =
            |waiting: &Waiting| stopped || waiting.command.is_none_or(|seq| state.command_seq == Some(seq));
        let Some(waiting) = self.waiting.take_if(|waiting| is_answer(waiting)) else { return };
        for actuator in &state.actuators {
            let Some(motor) = self.motors.iter().find(|motor| motor.id == actuator.id) else { continue };
            let joint = motor.joint;
            if actuator.faults.contains(Faults::SILENT) {
                cycle.faults[joint] = Some(MotorFault::Silent);
                continue;
            }
            if cycle.answered[joint] {
                // Twice in one state.
                continue;
            }
            let fault = if stopped {
                Some(MotorFault::Stopped)
            } else if self.refused {
                Some(MotorFault::Refused)
            } else {
                MotorFault::of_link(actuator.faults)
            };
            cycle.measured(joint, now, reading(actuator, fault).at_joint(&joints[joint]), fault);
            cycle.links[joint].replies += 1;
            round_trip_nanos[joint] = Some(now.nanos().saturating_sub(waiting.asked.nanos()));
        }
    }
}

const fn undriven(id: u8, mode: Mode) -> ActuatorCommand {
    ActuatorCommand { mode, ..ActuatorCommand::damp(id, 0.0) }
}

/// The command to an actuator, within what its device has announced that it takes, and whether it is less than what
/// was wanted.
fn within(info: &ActuatorInfo, wanted: &Impedance) -> (ActuatorCommand, bool) {
    let mut less = false;
    let mut held = |value: f64, most: f32| {
        less |= value.abs() > f64::from(most);
        let value = toward_zero(value);
        value.max(-most).min(most)
    };
    let command = ActuatorCommand {
        id: info.id,
        mode: Mode::Impedance,
        position_rad: wanted.position_rad as f32,
        velocity_rad_s: held(wanted.velocity_rad_s, info.max_velocity_rad_s),
        torque_nm: held(wanted.torque_nm, info.max_torque_nm),
        kp: held(wanted.kp, info.max_kp),
        kd: held(wanted.kd, info.max_kd),
    };
    (command, less)
}

/// The nearest single that is no greater: a value at a limit stays within it.
fn toward_zero(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest).abs() <= value.abs() {
        nearest
    } else if nearest > 0.0 {
        nearest.next_down()
    } else {
        nearest.next_up()
    }
}

impl MotorFault {
    /// The first of an actuator's complaints: those that must let it go at once before those that can wait.
    pub(crate) fn of_link(faults: Faults) -> Option<Self> {
        const NAMED: [(Faults, MotorFault); 7] = [
            (Faults::SILENT, MotorFault::Silent),
            (Faults::ENCODER, MotorFault::Encoder),
            (Faults::POWER_STAGE, MotorFault::PowerStage),
            (Faults::OVERCURRENT, MotorFault::Overcurrent),
            (Faults::OVERHEAT, MotorFault::Overheat),
            (Faults::OVERVOLTAGE, MotorFault::Overvoltage),
            (Faults::UNDERVOLTAGE, MotorFault::Undervoltage),
        ];
        let named = NAMED.iter().find(|(bit, _)| faults.contains(*bit)).map(|(_, fault)| *fault);
        named.or_else(|| (faults != Faults::NONE).then(|| Self::Undefined(faults.0.trailing_zeros() as u8)))
    }
}

fn reading(actuator: &ActuatorState, fault: Option<MotorFault>) -> Reading {
    Reading {
        id: actuator.id,
        defined: true,
        state: None,
        torque_nm: actuator.torque_nm.into(),
        velocity_rad_s: actuator.velocity_rad_s.into(),
        position_rad: actuator.position_rad.into(),
        temperature_c: actuator.temperature_c.into(),
        fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_can_be_made_of_the_constants() {
        assert!(Host::new(config(7)).is_ok());
    }

    #[test]
    fn a_single_is_never_beyond_what_it_stands_for() {
        for value in [0.1, -0.1, 23.7, 1.0 / 3.0, -200.0, 0.0, 1e-50, f64::from(f32::MAX)] {
            let single = toward_zero(value);
            assert!(f64::from(single).abs() <= value.abs(), "{value}");
            assert!((f64::from(single) - value).abs() <= value.abs() * 1.2e-7 + 1e-44, "{value}");
        }
        assert!(f64::from(0.1_f32) > 0.1, "the nearest would be beyond");
    }

    #[test]
    fn what_must_let_go_at_once_is_told_first() {
        let fault = MotorFault::of_link;
        assert_eq!(fault(Faults::NONE), None);
        assert_eq!(fault(Faults::OVERHEAT.with(Faults::ENCODER)), Some(MotorFault::Encoder));
        assert_eq!(fault(Faults::UNDERVOLTAGE), Some(MotorFault::Undervoltage));
        assert_eq!(fault(Faults(1 << 9)), Some(MotorFault::Undefined(9)));
    }
}
