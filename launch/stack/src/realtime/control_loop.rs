//! Real-time control loop: one cycle every 2 ms over the motor buses, the inertial sensor, the estimate and the gait.

use std::sync::atomic::Ordering;

use firmware_bridge::port::{BusDriver, BusPort, PortError};
use firmware_bridge::protocol::imu::{ImuFrame, ImuReader};
use firmware_bridge::robot::RemoteControl;
use nalgebra::Vector3;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::JOINTS;
use robot_interface::sensors::ImuSample;
use robot_interface::state::VelocityCommand;
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;

use super::clock::{monotonic, sleep_until};
use super::exchange::exchange;
use super::handle::{ControlHandle, ControlReport, LoopEnd, PERIOD_NANOS, Target, TimeBase, Timing, handle};
use super::histogram::Histogram;
use super::sensor_clock::SensorClock;
use crate::authority::estop::StopLevel;
use crate::authority::failsafe::{Failsafe, HoldReason, InputAges};
use crate::config::Robot;
use crate::control::{Control, ModeRefused};

/// Sleep between two polls of the inertial sensor while a sample is due.
const POLL_NANOS: u64 = 40_000;
/// Cycles between two reports: 50 Hz.
const REPORT_EVERY: u64 = 10;
/// Cycles that damp before the loop ends: what was decided in one goes out in the next, and one may be lost on the line.
const LAST_CYCLES: u32 = 5;
/// Silence of the inertial sensor from which the gait's time goes on without it.
const SILENCE_NANOS: u64 = 50_000_000;
/// The most bytes of the inertial sensor taken at once: a terminal keeps no more for a reader that is late.
const MAX_IMU_BYTES: usize = 4096;

/// Ports of the control loop.
pub struct ControlPorts<P> {
    /// One a motor bus.
    pub buses: BusDriver<P>,
    /// The inertial sensor's; `None` of a robot that sends its samples with its joints' states.
    pub imu: Option<P>,
}

/// Inertial sensor's input: frames found in its bytes, stamped, and the newest sample.
struct ImuInput {
    reader: ImuReader,
    clock: SensorClock,
    newest: ImuSample,
    /// Arrival of the newest sample, by the monotonic clock.
    arrived: Option<Stamp>,
}

/// Time of the measurements, and of the gait.
struct LoopTime {
    base: TimeBase,
    /// Time of the newest measurement.
    now: Stamp,
    /// The gait's time: goes on when the sensor falls silent, since a robot that lies down must come to an end.
    gait: Stamp,
}

/// Start to which a simulation that begins anew returns.
struct Restart {
    robot: Robot,
    start: Transform<Map, Base>,
}

/// Decisions of the cycles since the last report, for the next one.
#[derive(Default)]
struct Decided {
    refused: Option<ModeRefused>,
    hold: Option<HoldReason>,
    stop: StopLevel,
    /// Time at which an emergency stop was seen whose damping commands are not on the buses yet.
    estopped_at: Option<Stamp>,
}

/// Real-time control loop: the control process on its ports.
pub struct ControlLoop<P> {
    control: Control,
    ports: ControlPorts<P>,
    failsafe: Failsafe,
    time: LoopTime,
    imu: ImuInput,
    /// In simulation, when each joint last answered, by the time of its world, `[12]`.
    last_answers: [Option<Stamp>; JOINTS],
    target: Option<Target>,
    end: LoopEnd,
    decided: Decided,
    /// The robot's own remote control has said stop, and nobody has cleared that yet.
    remote_stopped: bool,
    restart: Restart,
    timing: Timing,
    cycles: u64,
}

impl<P: BusPort> ControlLoop<P> {
    /// Returns a loop for a robot that lies at `start`, as its control process knows it, and the handle to it.
    pub fn new(
        robot: &Robot,
        start: Transform<Map, Base>,
        control: Control,
        ports: ControlPorts<P>,
        base: TimeBase,
    ) -> (Self, ControlHandle) {
        let (handle, end) = handle();
        let histogram = Histogram::new();
        let zero = Vector3::zeros();
        let at_rest =
            ImuSample { stamp: Stamp::ZERO, angular_velocity_rad_s: zero, linear_acceleration_m_s2: zero };
        let this = Self {
            control,
            ports,
            failsafe: Failsafe::new(base.imu_life_s()),
            time: LoopTime { base, now: Stamp::ZERO, gait: Stamp::ZERO },
            imu: ImuInput {
                reader: ImuReader::new(),
                clock: SensorClock::default(),
                newest: at_rest,
                arrived: None,
            },
            last_answers: [None; JOINTS],
            target: None,
            end,
            decided: Decided::default(),
            remote_stopped: false,
            restart: Restart { robot: robot.clone(), start },
            timing: Timing {
                late: histogram,
                bus: histogram,
                took: histogram,
                stop: histogram,
                missed_deadlines: 0,
            },
            cycles: 0,
        };
        (this, handle)
    }

    /// Runs until told to quit; a robot that stands is laid down first. The last that the motors are told is to damp.
    pub fn run(&mut self) {
        let mut due = monotonic();
        let mut damped_cycles = 0;
        loop {
            sleep_until(due);
            let quit = self.end.quit.load(Ordering::Acquire) || self.end.targets.is_abandoned();
            if quit && damped_cycles >= LAST_CYCLES {
                return;
            }
            // This cycle sends what the one before decided.
            let damped = quit && self.control.status().mode == GaitMode::Damped;
            damped_cycles = if damped { damped_cycles + 1 } else { 0 };
            if matches!(self.time.base, TimeBase::Sensor) && !quit {
                due = self.wait_for_sample(due);
            }
            self.cycle(due, quit);
            due = due.plus_nanos(PERIOD_NANOS);
            let late = monotonic().nanos().saturating_sub(due.nanos());
            if late > 0 {
                self.timing.missed_deadlines += 1;
                // Whole periods are left out, so that the rhythm stays and nothing is made up for in a rush.
                due = due.plus_nanos(late / PERIOD_NANOS * PERIOD_NANOS);
            }
        }
    }

    /// In simulation the rhythm is the sensor's: a world that is slow is not to be run ahead of. When the cycle may
    /// begin; a sensor that has fallen silent for good is not waited for.
    fn wait_for_sample(&mut self, due: Stamp) -> Stamp {
        let before = self.imu.reader.counts().frames;
        let mut now = due;
        loop {
            self.end.beats.fetch_add(1, Ordering::Relaxed);
            if self.ports.imu.is_none() {
                self.ports.buses.receive(self.control.bus().0, now);
            }
            self.read_imu();
            let silent =
                self.imu.arrived.is_none_or(|at| now.seconds_since(at) > self.time.base.imu_life_s());
            if self.imu.reader.counts().frames > before || silent || self.end.quit.load(Ordering::Relaxed) {
                return now;
            }
            now = monotonic().plus_nanos(POLL_NANOS);
            sleep_until(now);
        }
    }

    /// One period.
    fn cycle(&mut self, due: Stamp, quit: bool) {
        let begun = monotonic();
        self.end.beats.fetch_add(1, Ordering::Relaxed);
        self.timing.late.add(begun.nanos().saturating_sub(due.nanos()));
        let joints_at = self.exchange(begun);
        // In simulation what came meanwhile is for the next cycle, which then begins at once: were it taken here,
        // that cycle would wait for a sample, and the world for that cycle's commands.
        if quit || matches!(self.time.base, TimeBase::System(_)) {
            self.read_imu();
        }
        while let Ok(correction) = self.end.corrections.pop() {
            self.control.handle_correction(&correction);
        }
        while let Ok(target) = self.end.targets.pop() {
            // A mode that was asked for is kept until it is dealt with: the next velocity must not take its place.
            let mode = target.mode.or(self.target.and_then(|before| before.mode));
            self.target = Some(Target { mode, ..target });
        }
        self.decide(joints_at, quit);
        self.timing.took.add(monotonic().nanos() - begun.nanos());
        if self.cycles.is_multiple_of(REPORT_EVERY) {
            self.report();
        }
        self.cycles += 1;
    }

    /// Sends the commands and takes the answers; when the joint heard from longest ago last answered.
    fn exchange(&mut self, begun: Stamp) -> Option<Stamp> {
        let reads_only = self.control.is_vendors();
        let (bridge, commands) = self.control.bus();
        if reads_only {
            bridge.begin_reading(begun);
        } else if bridge.begin_cycle(begun, commands).is_err() {
            // Commands that are no numbers: the motors get none, and damp by themselves.
            return None;
        }
        let limit = begun.plus_nanos(self.time.base.bus_nanos() / 10 * 9);
        let now = exchange(&mut self.ports.buses, bridge, begun, limit);
        let cycle = bridge.end_cycle(now);
        self.timing.bus.add(now.nanos() - begun.nanos());
        if let Some(seen) = self.decided.estopped_at.take() {
            self.timing.stop.add(now.nanos() - seen.nanos());
        }
        let time = match self.time.base {
            TimeBase::Sensor => self.time.now,
            TimeBase::System(offset) => begun.plus_nanos(offset),
        };
        if time > self.control.joints().stamp {
            self.control.handle_cycle(&cycle, time);
        } else {
            // A world that stands still has motors that may be in trouble all the same.
            self.control.watch(&cycle);
        }
        match self.time.base {
            TimeBase::System(_) => {
                cycle.measured_at.iter().try_fold(now, |oldest, at| at.map(|at| oldest.min(at)))
            }
            TimeBase::Sensor => {
                // How long a joint has been silent in the time of its world, counted back from the present.
                for (answered, last) in cycle.answered.iter().zip(&mut self.last_answers) {
                    *last = if *answered { Some(self.time.now) } else { *last };
                }
                let oldest = self
                    .last_answers
                    .iter()
                    .try_fold(self.time.now, |oldest, at| at.map(|at| oldest.min(at)))?;
                let silent_nanos = self.time.now.nanos().saturating_sub(oldest.nanos());
                Some(Stamp::from_nanos(now.nanos().saturating_sub(silent_nanos)))
            }
        }
    }

    /// Takes all inertial samples that have arrived, in their order.
    fn read_imu(&mut self) {
        if self.ports.imu.is_some() {
            self.read_imu_port();
        } else {
            while let Some((arrived, frame)) = self.control.bus().0.poll_imu() {
                let restarts = self.imu.reader.counts().restarts;
                if let Some(frame) = self.imu.reader.admit(frame) {
                    self.take_sample(&frame, self.imu.reader.counts().restarts > restarts, arrived);
                }
            }
        }
        if let TimeBase::System(offset) = self.time.base {
            self.time.now = monotonic().plus_nanos(offset);
        }
    }

    fn read_imu_port(&mut self) {
        let mut buffer = [0; 512];
        for _ in 0..MAX_IMU_BYTES / buffer.len() {
            let Some(Ok(count)) = self.ports.imu.as_mut().map(|port| port.read(&mut buffer)) else { break };
            let arrived = monotonic();
            let mut bytes = &buffer[..count];
            let mut restarts = self.imu.reader.counts().restarts;
            while let Some(frame) = self.imu.reader.next_frame(&mut bytes) {
                let restarted = self.imu.reader.counts().restarts > restarts;
                restarts = self.imu.reader.counts().restarts;
                self.take_sample(&frame, restarted, arrived);
            }
            if count < buffer.len() {
                break;
            }
        }
    }

    fn take_sample(&mut self, frame: &ImuFrame, restarted: bool, arrived: Stamp) {
        let stamp = match self.time.base {
            TimeBase::Sensor => Stamp::from_nanos(frame.time_us.saturating_mul(1000)),
            TimeBase::System(offset) => {
                if restarted {
                    self.imu.clock = SensorClock::default();
                }
                self.imu.clock.stamp(frame.time_us, arrived).plus_nanos(offset)
            }
        };
        if restarted && matches!(self.time.base, TimeBase::Sensor) {
            self.begin_anew(stamp);
        }
        self.imu.newest = frame.sample(stamp);
        self.control.handle_imu(&self.imu.newest);
        (self.time.now, self.imu.arrived) = (self.time.now.max(stamp), Some(arrived));
    }

    /// The simulation has begun anew, and the robot lies at its start. The one place that allocates: the legs are
    /// let go then, and time has jumped anyway.
    #[cold]
    fn begin_anew(&mut self, now: Stamp) {
        self.control.begin_anew(&self.restart.robot, self.restart.start, now);
        (self.time.now, self.time.gait, self.target) = (now, now, None);
        self.last_answers = [None; JOINTS];
    }

    fn decide(&mut self, joints_at: Option<Stamp>, quit: bool) {
        let now = monotonic();
        let clear = self.end.clear.swap(false, Ordering::AcqRel);
        let remote = self.control.bus().0.report().and_then(|report| report.remote);
        self.remote_stopped = remote.is_some_and(RemoteControl::is_stop) || (self.remote_stopped && !clear);
        let stop = match StopLevel::from_number(self.end.estop.load(Ordering::Acquire)) {
            _ if self.remote_stopped || self.is_taken() => StopLevel::Cut,
            level => level,
        };
        if stop == StopLevel::Cut && self.decided.stop != StopLevel::Cut {
            self.decided.estopped_at = Some(now);
        }
        self.decided.stop = stop;
        if clear {
            // A trouble that persists stays, and is told in each report.
            let _ = self.control.clear_trouble();
        }
        let silent_nanos = match (self.time.base, self.imu.arrived) {
            (TimeBase::Sensor, Some(at)) => now.nanos().saturating_sub(at.nanos()),
            // The system's clock goes on by itself.
            _ => 0,
        };
        let silent_nanos = if silent_nanos > SILENCE_NANOS { silent_nanos } else { 0 };
        // Never back, not even when a sensor that had paused goes on where it was.
        self.time.gait = self.time.gait.max(self.time.now.plus_nanos(silent_nanos));
        let ages = InputAges {
            imu: self.imu.arrived,
            joints: joints_at,
            target: self.target.map(|target| target.at),
            stop,
        };
        let mode = self.control.status().mode;
        let action = self.failsafe.judge(now, &ages, mode);
        if let Some(mode) = action.mode {
            // What the failsafe asks for can always follow, but for lying down when that has just begun.
            let _ = self.control.request(mode, self.time.gait);
        }
        if !action.obey
            && let Some(target) = &mut self.target
        {
            // What was refused is not done later: an emergency stop that is reset moves nothing.
            target.mode = None;
        }
        let wanted = self.target.filter(|_| action.obey && !quit);
        if quit && matches!(mode, GaitMode::Walk | GaitMode::StandUp) {
            let _ = self.control.request(GaitMode::LieDown, self.time.gait);
        }
        if let Some(mode) = wanted.and_then(|target| target.mode)
            && let Some(target) = &mut self.target
        {
            // Asked for once: a mode that has ended must not begin again by itself.
            target.mode = None;
            if let Err(refused) = self.control.request(mode, self.time.gait) {
                self.decided.refused = Some(refused);
            }
        }
        if stop == StopLevel::Cut {
            self.control.cut(self.time.gait);
        }
        let velocity = wanted.map_or(VelocityCommand::default(), |target| target.velocity);
        self.control.step(self.time.gait, (self.time.gait, velocity));
        if let Some(order) = self.control.take_order() {
            // Nobody takes orders any more: the vendor's gait stops by itself when none come.
            let _ = self.end.orders.push(order);
        }
        self.decided.hold = action.hold;
    }

    /// Somebody else commands the motors: what this loop says is sent no more.
    fn is_taken(&self) -> bool {
        self.ports.buses.failures(0).1 == Some(PortError::Taken)
    }

    fn report(&mut self) {
        let report = ControlReport {
            joints: *self.control.joints(),
            answered: *self.control.answered(),
            imu: self.imu.newest,
            status: self.control.status(),
            hold: self.decided.hold,
            stop: self.decided.stop,
            remote_stopped: self.remote_stopped,
            battery: self.control.bus().0.report().and_then(|report| report.battery),
            power: self.control.safety().power(),
            trip: self.control.safety().trip().copied(),
            limited: *self.control.safety().limited(),
            refused: self.decided.refused.take(),
            torque_peak_nm: self.control.take_torque_peak(),
            missed_replies: self.control.missed_replies(),
            port_failures: std::array::from_fn(|bus| self.ports.buses.failures(bus).0),
            imu_counts: self.imu.reader.counts(),
            timing: self.timing,
        };
        // Nobody takes reports any more, or too slowly: the newest one is lost, and the robot goes on.
        let _ = self.end.reports.push(report);
    }
}

#[cfg(test)]
mod tests;
