//! The loop itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use firmware_bridge::port::{BusDriver, BusPort};
use firmware_bridge::protocol::imu::{ImuCounts, ImuFrame, ImuReader};
use firmware_bridge::safety::{LimitCounts, Power, Trip};
use nalgebra::Vector3;
use perception::localise::TunnelCorrection;
use planner::estop::StopLevel;
use planner::gait::Mode;
use planner::guard::{Guard, Hold, SENSOR_LIFE_S, Vitals};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::{JOINTS, JointStates};
use robot_interface::sensors::ImuSample;
use robot_interface::state::VelocityCommand;
use robot_interface::time::Stamp;
use rtrb::{Consumer, Producer, RingBuffer};

use super::sensor_clock::SensorClock;
use super::{Histogram, exchange, monotonic, sleep_until};
use crate::config::Robot;
use crate::stack::{Body, Control, ModeRefused};

/// 500 Hz.
pub(crate) const PERIOD_NANOS: u64 = 2_000_000;
/// The longest that a cycle on simulated motor buses may take. Their pseudo-terminals are pumped by threads of the
/// kernel, which wait like everybody else on a busy machine; the simulated world stands still meanwhile.
const SIMULATED_BUS_NANOS: u64 = 16_700_000;
/// Sleep between two looks at the inertial sensor while a sample is due.
const LOOK_NANOS: u64 = 40_000;
/// Cycles between two reports: 50 Hz.
const REPORT_EVERY: u64 = 10;
/// Age from which the simulated inertial sensor counts as silent, s: when the simulator is late, its world stands still.
const SIMULATED_LIFE_S: f64 = 2.0;
/// Cycles that damp before the loop ends: what was decided in one goes out in the next, and one may be lost on the line.
const LAST_CYCLES: u32 = 5;
/// Silence of the inertial sensor from which the gait's time goes on without it.
const SILENCE_NANOS: u64 = 50_000_000;
/// The most bytes of the inertial sensor taken at once: a terminal keeps no more for a reader that is late.
const MOST_IMU_BYTES: usize = 4096;

/// Whose time the measurements are stamped with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TimeBase {
    /// The inertial sensor's: in simulation, which may be slower than the clock on the wall.
    Sensor,
    /// The system's: what is added to the monotonic clock, ns.
    System(u64),
}

impl TimeBase {
    /// The longest that a cycle on the motor buses may take, ns.
    pub(crate) const fn bus_nanos(self) -> u64 {
        match self {
            Self::Sensor => SIMULATED_BUS_NANOS,
            Self::System(_) => PERIOD_NANOS,
        }
    }

    /// Age from which the inertial sensor counts as silent, s.
    const fn imu_life_s(self) -> f64 {
        match self {
            Self::Sensor => SIMULATED_LIFE_S,
            Self::System(_) => SENSOR_LIFE_S,
        }
    }
}

/// What whoever leads wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// When it came, by the monotonic clock.
    pub(crate) at: Stamp,
    pub(crate) velocity: VelocityCommand,
    pub(crate) mode: Option<Mode>,
}

/// The way to the loop. Dropping it ends the loop, with the robot laid down.
pub(crate) struct Orders {
    pub(crate) targets: Producer<Target>,
    pub(crate) corrections: Producer<TunnelCorrection>,
    /// A [`StopLevel`] as a number.
    pub(crate) estop: Arc<AtomicU8>,
    /// Somebody has looked at a joint's trouble: set to have it forgotten, if it is gone.
    pub(crate) clear: Arc<AtomicBool>,
    pub(crate) quit: Arc<AtomicBool>,
    pub(crate) reports: Consumer<Report>,
}

/// How well the deadlines are kept, since the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// How late each cycle began.
    pub(crate) late: Histogram,
    /// From the beginning of a cycle to the last motor's answer.
    pub(crate) bus: Histogram,
    /// From the beginning of a cycle to its end.
    pub(crate) took: Histogram,
    /// From an emergency stop's being seen to the damping commands' being on the buses; there is one each time.
    pub(crate) stop: Histogram,
    /// Cycles that were not over when the next one was due.
    pub(crate) missed: u64,
}

/// What the loop says of itself, 50 times a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) joints: JointStates,
    /// Which of the joints answered in the last cycle, `[12]`.
    pub(crate) answered: [bool; JOINTS],
    pub(crate) imu: ImuSample,
    pub(crate) body: Body,
    pub(crate) hold: Option<Hold>,
    pub(crate) stop: StopLevel,
    pub(crate) power: Power,
    pub(crate) trip: Option<Trip>,
    pub(crate) limited: [LimitCounts; JOINTS],
    /// Why a mode that was asked for since the last report was not granted.
    pub(crate) refused: Option<ModeRefused>,
    pub(crate) torque_peak_nm: f64,
    pub(crate) missed_replies: u64,
    /// A motor bus each, as far as there are buses.
    pub(crate) port_failures: [u64; JOINTS],
    pub(crate) imu_counts: ImuCounts,
    pub(crate) timing: Timing,
}

/// The ports: one a motor bus, and the inertial sensor's.
pub(crate) struct Lines<P> {
    pub(crate) buses: BusDriver<P>,
    pub(crate) imu: P,
}

/// The control process on its ports.
pub(crate) struct Loop<P> {
    robot: Robot,
    start: Transform<Map, Base>,
    control: Control,
    lines: Lines<P>,
    time: TimeBase,
    reader: ImuReader,
    imu_clock: SensorClock,
    guard: Guard,
    /// The time of the newest measurement.
    now: Stamp,
    /// The gait's time: goes on when the sensor falls silent, since a robot that lies down must come to an end.
    gait_now: Stamp,
    imu: ImuSample,
    imu_at: Option<Stamp>,
    /// In simulation, when each joint last answered, by the time of its world, `[12]`.
    heard: [Option<Stamp>; JOINTS],
    target: Option<Target>,
    targets: Consumer<Target>,
    corrections: Consumer<TunnelCorrection>,
    estop: Arc<AtomicU8>,
    clear: Arc<AtomicBool>,
    quit: Arc<AtomicBool>,
    reports: Producer<Report>,
    refused: Option<ModeRefused>,
    hold: Option<Hold>,
    estopped_at: Option<Stamp>,
    stop: StopLevel,
    timing: Timing,
    cycles: u64,
}

impl<P: BusPort> Loop<P> {
    /// A loop for a robot that lies at `start`, as its control process knows it.
    pub(crate) fn new(
        robot: &Robot,
        start: Transform<Map, Base>,
        control: Control,
        lines: Lines<P>,
        time: TimeBase,
    ) -> (Self, Orders) {
        let (targets_in, targets) = RingBuffer::new(16);
        let (corrections_in, corrections) = RingBuffer::new(16);
        let (reports, reports_out) = RingBuffer::new(64);
        let [clear, quit] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let estop = Arc::new(AtomicU8::new(StopLevel::None as u8));
        let histogram = Histogram::new();
        let orders = Orders {
            targets: targets_in,
            corrections: corrections_in,
            estop: Arc::clone(&estop),
            clear: Arc::clone(&clear),
            quit: Arc::clone(&quit),
            reports: reports_out,
        };
        let zero = Vector3::zeros();
        let this = Self {
            robot: robot.clone(),
            start,
            control,
            lines,
            time,
            reader: ImuReader::new(),
            imu_clock: SensorClock::default(),
            guard: Guard::new(time.imu_life_s()),
            now: Stamp::ZERO,
            gait_now: Stamp::ZERO,
            imu: ImuSample {
                stamp: Stamp::ZERO,
                angular_velocity_rad_s: zero,
                linear_acceleration_m_s2: zero,
            },
            imu_at: None,
            heard: [None; JOINTS],
            target: None,
            targets,
            corrections,
            estop,
            clear,
            quit,
            reports,
            refused: None,
            hold: None,
            estopped_at: None,
            stop: StopLevel::None,
            timing: Timing { late: histogram, bus: histogram, took: histogram, stop: histogram, missed: 0 },
            cycles: 0,
        };
        (this, orders)
    }

    /// Runs until told to quit; a robot that stands is laid down first. The last that the motors are told is to damp.
    pub(crate) fn run(&mut self) {
        let mut due = monotonic();
        let mut damped_cycles = 0;
        loop {
            sleep_until(due);
            let quit = self.quit.load(Ordering::Acquire) || self.targets.is_abandoned();
            if quit && damped_cycles >= LAST_CYCLES {
                return;
            }
            // This cycle sends what the one before decided.
            let damped = quit && self.control.body().mode == Mode::Damped;
            damped_cycles = if damped { damped_cycles + 1 } else { 0 };
            if matches!(self.time, TimeBase::Sensor) && !quit {
                due = self.wait_for_sample(due);
            }
            self.cycle(due, quit);
            due = due.plus_nanos(PERIOD_NANOS);
            let late = monotonic().nanos().saturating_sub(due.nanos());
            if late > 0 {
                self.timing.missed += 1;
                // Whole periods are left out, so that the rhythm stays and nothing is made up for in a rush.
                due = due.plus_nanos(late / PERIOD_NANOS * PERIOD_NANOS);
            }
        }
    }

    /// In simulation the rhythm is the sensor's: a world that is slow is not to be run ahead of. When the cycle may
    /// begin; a sensor that has fallen silent for good is not waited for.
    fn wait_for_sample(&mut self, due: Stamp) -> Stamp {
        let before = self.reader.counts().frames;
        let mut now = due;
        loop {
            self.read_imu();
            let silent = self.imu_at.is_none_or(|at| now.seconds_since(at) > self.time.imu_life_s());
            if self.reader.counts().frames > before || silent || self.quit.load(Ordering::Relaxed) {
                return now;
            }
            now = monotonic().plus_nanos(LOOK_NANOS);
            sleep_until(now);
        }
    }

    /// One period.
    pub(crate) fn cycle(&mut self, due: Stamp, quit: bool) {
        let begun = monotonic();
        self.timing.late.add(begun.nanos().saturating_sub(due.nanos()));
        let joints_at = self.exchange(begun);
        // In simulation what came meanwhile is for the next cycle, which then begins at once: were it taken here,
        // that cycle would wait for a sample, and the world for that cycle's commands.
        if quit || matches!(self.time, TimeBase::System(_)) {
            self.read_imu();
        }
        while let Ok(correction) = self.corrections.pop() {
            self.control.handle_correction(&correction);
        }
        while let Ok(target) = self.targets.pop() {
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
        let (bridge, commands) = self.control.bus();
        if bridge.begin_cycle(begun, commands).is_err() {
            // Commands that are no numbers: the motors get none, and damp by themselves.
            return None;
        }
        let limit = begun.plus_nanos(self.time.bus_nanos() / 10 * 9);
        let now = exchange(&mut self.lines.buses, bridge, begun, limit);
        let cycle = bridge.end_cycle(now);
        self.timing.bus.add(now.nanos() - begun.nanos());
        if let Some(seen) = self.estopped_at.take() {
            self.timing.stop.add(now.nanos() - seen.nanos());
        }
        let time = match self.time {
            TimeBase::Sensor => self.now,
            TimeBase::System(offset) => begun.plus_nanos(offset),
        };
        if time > self.control.joints().stamp {
            self.control.handle_cycle(&cycle, time);
        } else {
            // A world that stands still has motors that may be in trouble all the same.
            self.control.watch(&cycle);
        }
        match self.time {
            TimeBase::System(_) => {
                cycle.measured_at.iter().try_fold(now, |oldest, at| at.map(|at| oldest.min(at)))
            }
            TimeBase::Sensor => {
                // How long a joint has been silent in the time of its world, counted back from the present.
                for (answered, heard) in cycle.answered.iter().zip(&mut self.heard) {
                    *heard = if *answered { Some(self.now) } else { *heard };
                }
                let oldest =
                    self.heard.iter().try_fold(self.now, |oldest, at| at.map(|at| oldest.min(at)))?;
                let silent_nanos = self.now.nanos().saturating_sub(oldest.nanos());
                Some(Stamp::from_nanos(now.nanos().saturating_sub(silent_nanos)))
            }
        }
    }

    /// Takes all inertial samples that have arrived, in their order.
    fn read_imu(&mut self) {
        let mut buffer = [0; 512];
        for _ in 0..MOST_IMU_BYTES / buffer.len() {
            let Ok(count) = self.lines.imu.read(&mut buffer) else { break };
            let arrived = monotonic();
            let mut bytes = &buffer[..count];
            let mut restarts = self.reader.counts().restarts;
            while let Some(frame) = self.reader.next_frame(&mut bytes) {
                let restarted = self.reader.counts().restarts > restarts;
                restarts = self.reader.counts().restarts;
                self.take_sample(&frame, restarted, arrived);
            }
            if count < buffer.len() {
                break;
            }
        }
        if let TimeBase::System(offset) = self.time {
            self.now = monotonic().plus_nanos(offset);
        }
    }

    fn take_sample(&mut self, frame: &ImuFrame, restarted: bool, arrived: Stamp) {
        let stamp = match self.time {
            TimeBase::Sensor => Stamp::from_nanos(frame.time_us.saturating_mul(1000)),
            TimeBase::System(offset) => {
                if restarted {
                    self.imu_clock = SensorClock::default();
                }
                self.imu_clock.stamp(frame.time_us, arrived).plus_nanos(offset)
            }
        };
        if restarted && matches!(self.time, TimeBase::Sensor) {
            self.begin_anew(stamp);
        }
        self.imu = frame.sample(stamp);
        self.control.handle_imu(&self.imu);
        (self.now, self.imu_at) = (self.now.max(stamp), Some(arrived));
    }

    /// The simulation has begun anew, and the robot lies at its start. The one place that allocates: the legs are
    /// let go then, and time has jumped anyway.
    #[cold]
    fn begin_anew(&mut self, now: Stamp) {
        self.control.begin_anew(&self.robot, self.start, now);
        (self.now, self.gait_now, self.target) = (now, now, None);
        self.heard = [None; JOINTS];
    }

    fn decide(&mut self, joints_at: Option<Stamp>, quit: bool) {
        let now = monotonic();
        let stop = StopLevel::from_number(self.estop.load(Ordering::Acquire));
        if stop == StopLevel::Cut && self.stop != StopLevel::Cut {
            self.estopped_at = Some(now);
        }
        self.stop = stop;
        if self.clear.swap(false, Ordering::AcqRel) {
            // A trouble that persists stays, and is told in each report.
            let _ = self.control.clear_trouble();
        }
        let silent_nanos = match (self.time, self.imu_at) {
            (TimeBase::Sensor, Some(at)) => now.nanos().saturating_sub(at.nanos()),
            // The system's clock goes on by itself.
            _ => 0,
        };
        let silent_nanos = if silent_nanos > SILENCE_NANOS { silent_nanos } else { 0 };
        // Never back, not even when a sensor that had paused goes on where it was.
        self.gait_now = self.gait_now.max(self.now.plus_nanos(silent_nanos));
        let vitals =
            Vitals { imu: self.imu_at, joints: joints_at, target: self.target.map(|target| target.at), stop };
        let mode = self.control.body().mode;
        let ruling = self.guard.judge(now, &vitals, mode);
        if let Some(mode) = ruling.mode {
            // What the guard asks for can always follow, but for lying down when that has just begun.
            let _ = self.control.request(mode, self.gait_now);
        }
        if !ruling.obey
            && let Some(target) = &mut self.target
        {
            // What was refused is not done later: an emergency stop that is reset moves nothing.
            target.mode = None;
        }
        let wanted = self.target.filter(|_| ruling.obey && !quit);
        if quit && matches!(mode, Mode::Walk | Mode::StandUp) {
            let _ = self.control.request(Mode::LieDown, self.gait_now);
        }
        if let Some(mode) = wanted.and_then(|target| target.mode)
            && let Some(target) = &mut self.target
        {
            // Asked for once: a mode that has ended must not begin again by itself.
            target.mode = None;
            if let Err(refused) = self.control.request(mode, self.gait_now) {
                self.refused = Some(refused);
            }
        }
        if stop == StopLevel::Cut {
            self.control.cut(self.gait_now);
        }
        let velocity = wanted.map_or(VelocityCommand::default(), |target| target.velocity);
        self.control.step(self.gait_now, (self.gait_now, velocity));
        self.hold = ruling.hold;
    }

    fn report(&mut self) {
        let report = Report {
            joints: *self.control.joints(),
            answered: *self.control.answered(),
            imu: self.imu,
            body: self.control.body(),
            hold: self.hold,
            stop: self.stop,
            power: self.control.safety().power(),
            trip: self.control.safety().trip().copied(),
            limited: *self.control.safety().limited(),
            refused: self.refused.take(),
            torque_peak_nm: self.control.take_torque_peak(),
            missed_replies: self.control.missed_replies(),
            port_failures: std::array::from_fn(|bus| self.lines.buses.failures(bus).0),
            imu_counts: self.reader.counts(),
            timing: self.timing,
        };
        // Nobody takes reports any more, or too slowly: the newest one is lost, and the robot goes on.
        let _ = self.reports.push(report);
    }
}

#[cfg(test)]
mod tests;
