//! Joint commands to motor frames and back, without I/O.
//!
//! A cycle: [`begin_cycle`](MotorBridge::begin_cycle) takes twelve joint commands; then, for each bus,
//! [`poll_transmit`](MotorBridge::poll_transmit) gives what to send, [`handle_bytes`](MotorBridge::handle_bytes)
//! takes what came, [`handle_timeout`](MotorBridge::handle_timeout) what did not;
//! [`end_cycle`](MotorBridge::end_cycle) gives the joints' states. The buses of motors are strictly request
//! and reply, so each motor has a slot of the cycle: one that is dead costs its slot and nothing else. A bus of
//! Adit's own link has a microcontroller that is told of all its motors at once, and one slot.
//!
//! [`begin_reading`](MotorBridge::begin_reading) begins a cycle that asks and does not drive.
//!
//! The bridge never repeats a command by itself. If the caller falls silent, so does the bus, and what the motors do then
//! is their own affair: Damiao's are set up to let go ([`COMMAND_TIMEOUT_NANOS`](crate::wire::go_m8010::COMMAND_TIMEOUT_NANOS)),
//! Unitree's may hold their last command. So the caller's last command must be damping.

mod bus;
mod cycle;
mod dialect;
mod error;
mod fault;
mod limits;
mod line;
mod linked;
mod prepare;

use robot_interface::joints::{JOINT_NAMES, JOINTS, JointCommand, JointMeasurement, JointStates};
use robot_interface::robot::{JointDescription, RobotDescription};
use robot_interface::time::Stamp;

pub use self::bus::BusCounts;
use self::bus::{Bus, Motor};
pub use self::cycle::{Cycle, LinkCounts};
pub use self::dialect::baud;
use self::dialect::{Dialect, Heard, Most, Outgoing, Reading};
pub use self::error::BridgeError;
pub use self::fault::MotorFault;
pub use self::limits::{CommandError, CommandLimits};
use self::line::Line;
use self::linked::Linked;
use self::prepare::Preparation;
use crate::wire::damiao::State;
use crate::wire::{Impedance, WireError};

/// Nominal cycle: 500 Hz.
pub const CYCLE_NANOS: u64 = 2_000_000;

/// The bridge between joint commands and the motor buses. Allocates only in [`new`](Self::new).
#[derive(Clone, Debug)]
pub struct MotorBridge {
    joints: [JointDescription; JOINTS],
    limits: [CommandLimits; JOINTS],
    dialect: Dialect,
    buses: Vec<Line>,
    frames: [Outgoing; JOINTS],
    /// How far each motor has come that must be enabled before it takes a command, `[12]`.
    prepared: [Preparation; JOINTS],
    /// Whose motor has said that it is disabled, `[12]`.
    disabled: [bool; JOINTS],
    /// Which motors have said anything in this cycle, `[12]`.
    replied: [bool; JOINTS],
    /// How many readings in a row were refused because they cannot be, `[12]`.
    implausible: [u8; JOINTS],
    /// When the current cycle began; `None` between cycles.
    begun: Option<Stamp>,
    round_trip_nanos: [Option<u64>; JOINTS],
    last: Cycle,
}

impl MotorBridge {
    /// A bridge for a robot's wiring, at [`CYCLE_NANOS`] a cycle.
    ///
    /// # Errors
    /// [`BridgeError`] if the wiring is not possible.
    pub fn new(robot: &RobotDescription) -> Result<Self, BridgeError> {
        Self::with_cycle(robot, CYCLE_NANOS)
    }

    /// A bridge with another cycle. Nine tenths of it are shared out evenly as the slots of a bus's motors.
    ///
    /// # Errors
    /// [`BridgeError`] if the wiring is not possible, or a slot shorter than the bytes' time on the bus.
    pub fn with_cycle(robot: &RobotDescription, cycle_nanos: u64) -> Result<Self, BridgeError> {
        let joints = robot.joints.0;
        let dialect = Dialect::of(&robot.motors)?;
        let (most, ids) = (dialect.most(), dialect.ids());
        let mut wiring: [Vec<Motor>; JOINTS] = Default::default();
        for (joint, description) in joints.iter().enumerate() {
            let name = JOINT_NAMES[joint];
            check_range(name, description, &most)?;
            let id = description.id;
            if !ids.contains(&id) {
                let (least, most) = (*ids.start(), *ids.end());
                return Err(BridgeError::Id { joint: name, id, least, most });
            }
            wiring
                .get_mut(description.bus)
                .ok_or(BridgeError::Bus { joint: name, bus: description.bus })?
                .push(Motor { joint, id });
        }
        let count = wiring.iter().take_while(|motors| !motors.is_empty()).count();
        if let Some(motor) = wiring[count..].iter().flatten().next() {
            let bus = joints[motor.joint].bus;
            return Err(BridgeError::Bus { joint: JOINT_NAMES[motor.joint], bus });
        }
        let buses = wiring.into_iter().take(count).enumerate().map(|(bus, motors)| {
            let (count, most) = (motors.len(), dialect.most_motors());
            if count > most {
                return Err(BridgeError::Crowded { bus, motors: count, most });
            }
            let all_nanos = cycle_nanos / 10 * 9;
            if all_nanos <= dialect.exchange_len(count) as u64 * byte_nanos(dialect) {
                return Err(BridgeError::Overloaded { bus, motors: count, cycle_nanos });
            }
            Ok(match dialect.ears() {
                Some(ears) => Line::Asked(Box::new(Bus::new(motors, all_nanos / count as u64, ears))),
                None => Line::Linked(Box::new(Linked::new(motors, all_nanos))),
            })
        });
        Ok(Self {
            joints,
            limits: joints.map(|joint| CommandLimits::of(&joint, &most, &robot.protection)),
            dialect,
            buses: buses.collect::<Result<_, _>>()?,
            frames: [Outgoing::EMPTY; JOINTS],
            prepared: [dialect.unprepared(); JOINTS],
            disabled: [false; JOINTS],
            replied: [false; JOINTS],
            implausible: [0; JOINTS],
            begun: None,
            round_trip_nanos: [None; JOINTS],
            last: Cycle {
                states: JointStates { stamp: Stamp::ZERO, joints: [JointMeasurement::default(); JOINTS] },
                answered: [false; JOINTS],
                measured_at: [None; JOINTS],
                faults: [None; JOINTS],
                clamped: [false; JOINTS],
                links: [LinkCounts::default(); JOINTS],
                stray_bytes: 0,
                took_nanos: 0,
            },
        })
    }

    /// How many buses there are; they are numbered from 0.
    pub const fn buses(&self) -> usize {
        self.buses.len()
    }

    /// Time that one byte takes on a bus (start bit, eight bits, stop bit), ns.
    pub const fn byte_nanos(&self) -> u64 {
        byte_nanos(self.dialect)
    }

    /// What came over a bus besides answers, since the start.
    pub fn bus_counts(&self, bus: usize) -> BusCounts {
        self.buses.get(bus).map(Line::counts).unwrap_or_default()
    }

    /// From asking each motor to its last answer, ns; `None` if it has never answered. `[12]`
    pub const fn round_trip_nanos(&self) -> &[Option<u64>; JOINTS] {
        &self.round_trip_nanos
    }

    /// What a joint's commands are clamped to, `[12]`.
    pub const fn limits(&self) -> &[CommandLimits; JOINTS] {
        &self.limits
    }

    /// Takes the commands of a new cycle, all or none. A cycle that was not ended is dropped, and its
    /// unanswered motors count as missed.
    ///
    /// # Errors
    /// [`CommandError`] if one of them makes no sense; nothing is sent then.
    pub fn begin_cycle(&mut self, now: Stamp, commands: &[JointCommand; JOINTS]) -> Result<(), CommandError> {
        if self.begun.is_some() {
            self.end_cycle(now);
        }
        let mut admitted = *commands;
        for (joint, command) in admitted.iter_mut().enumerate() {
            *command = self.limits[joint].admit(joint, command)?;
        }
        let targets: [Impedance; JOINTS] = std::array::from_fn(|joint| self.targets(joint, &admitted[joint]));
        for joint in 0..JOINTS {
            self.last.clamped[joint] = admitted[joint] != commands[joint];
            let id = self.joints[joint].id;
            let preparing = self.dialect.prepare(id, self.prepared[joint]);
            self.frames[joint] = preparing.unwrap_or_else(|| self.dialect.drive(id, targets[joint]));
        }
        self.begin(now, Some(&targets));
        Ok(())
    }

    /// Begins a cycle that asks every motor and drives none: a GO-M8010-6 has its windings shorted, an A1 or B1 idles,
    /// a Damiao motor is disabled, a microcontroller is told [`Mode::Brake`](adit_link::Mode::Brake), at which its
    /// firmware must short the windings. A cycle that was not ended is dropped, as in
    /// [`begin_cycle`](Self::begin_cycle).
    ///
    /// Motors that were holding a load let it sink: the robot must lie or hang.
    pub fn begin_reading(&mut self, now: Stamp) {
        if self.begun.is_some() {
            self.end_cycle(now);
        }
        self.last.clamped = [false; JOINTS];
        for (joint, frame) in self.frames.iter_mut().enumerate() {
            *frame = self.dialect.read(self.joints[joint].id, self.prepared[joint], self.disabled[joint]);
        }
        self.begin(now, None);
    }

    /// An operator has looked at the cause of the motors' faults: over the next cycles, motors that keep theirs until
    /// they are told are told to forget them, and emergency stops that hold at microcontrollers are released. A fault
    /// whose cause is still there comes back; a stop that is not confirmed yet stays, and so does one whose link is
    /// lost. Returns whether there was anything to clear.
    pub fn clear_faults(&mut self) -> bool {
        let told = self.prepared.iter_mut().fold(false, |any, motor| any | motor.forgive());
        self.buses.iter_mut().fold(told, |any, line| match line {
            Line::Linked(bus) => any | bus.reset_stop(),
            Line::Asked(_) => any,
        })
    }

    fn begin(&mut self, now: Stamp, targets: Option<&[Impedance; JOINTS]>) {
        (self.last.answered, self.replied) = ([false; JOINTS], [false; JOINTS]);
        self.begun = Some(now);
        for line in &mut self.buses {
            line.begin(now, targets, &mut self.last.clamped);
        }
    }

    /// The next frame to send on a bus; `None` when nothing is left for now. Where motors are asked one by one, it
    /// is somebody's turn, and his slot begins now.
    pub fn poll_transmit(&mut self, bus: usize, now: Stamp) -> Option<&[u8]> {
        match self.buses.get_mut(bus)? {
            Line::Asked(bus) => {
                let motor = bus.ask(now)?;
                Some(self.frames[motor.joint].bytes())
            }
            Line::Linked(bus) => bus.poll_transmit(now),
        }
    }

    /// Takes bytes that arrived on a bus. What is not the awaited motor's intact reply is counted in
    /// [`LinkCounts`] and changes nothing else.
    pub fn handle_bytes(&mut self, bus: usize, now: Stamp, mut bytes: &[u8]) {
        let bus = match self.buses.get_mut(bus) {
            Some(Line::Asked(bus)) => bus,
            Some(Line::Linked(bus)) => {
                bus.handle_bytes(now, bytes, &self.joints, &mut self.round_trip_nanos, &mut self.last);
                return;
            }
            None => return,
        };
        loop {
            let Some(motor) = bus.waiting() else {
                bus.counts.stray_bytes += bytes.len() as u64;
                return;
            };
            let noise = bus.skip_echo(self.frames[motor.joint].bytes(), &mut bytes);
            let link = &mut self.last.links[motor.joint];
            link.bad_header += noise;
            match bus.ears.next(&mut bytes) {
                None => return,
                Some(Ok(Heard::Reading(reading))) if !reading.defined => link.bad_mode += 1,
                Some(Ok(heard)) if heard.id() == motor.id => {
                    let joint = motor.joint;
                    match heard {
                        Heard::Register(reply) => {
                            self.last.faults[joint] = self.dialect.learn(&mut self.prepared[joint], &reply);
                        }
                        Heard::Reading(reading) => {
                            if let Some(state) = reading.state {
                                self.disabled[joint] = state == State::Disabled;
                                self.prepared[joint].heed(state);
                            }
                            // Otherwise nobody knows what its numbers mean.
                            if self.prepared[joint].is_fit() {
                                let measured = measurement(&self.joints[joint], &reading);
                                let before = self.last.measurement(joint);
                                if !self.dialect.is_checked()
                                    && self.implausible[joint] < MOST_IMPLAUSIBLE
                                    && before.is_some_and(|b| !can_be(&self.joints[joint], b, now, &measured))
                                {
                                    self.implausible[joint] += 1;
                                    self.last.links[joint].implausible += 1;
                                    continue;
                                }
                                self.implausible[joint] = 0;
                                self.last.measured(joint, now, measured, reading.fault);
                            }
                        }
                    }
                    self.round_trip_nanos[joint] = Some(bus.answered(now));
                    self.last.links[joint].replies += 1;
                    self.replied[joint] = true;
                }
                Some(Ok(heard)) => {
                    link.wrong_id += 1;
                    if let Some(late) = bus.asked_before(heard.id())
                        && !self.last.answered[late.joint]
                    {
                        self.last.links[late.joint].late += 1;
                    }
                }
                Some(Err(WireError::Crc { .. })) => link.bad_crc += 1,
                Some(Err(
                    WireError::Header { .. }
                    | WireError::Length { .. }
                    | WireError::Address(_)
                    | WireError::Impossible { .. }
                    | WireError::Reading { .. },
                )) => link.bad_header += 1,
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) next has something to do.
    pub fn poll_timeout(&self) -> Option<Stamp> {
        self.buses.iter().filter_map(Line::deadline).min()
    }

    /// Gives up on motors whose slots are over, so that the next ones are asked.
    pub fn handle_timeout(&mut self, now: Stamp) {
        for line in &mut self.buses {
            line.expire(now);
        }
    }

    /// Every motor has been asked and has answered or used up its slot.
    pub fn is_complete(&self) -> bool {
        self.buses.iter().all(Line::is_complete)
    }

    /// Ends the cycle, complete or not, and tells what is known. A motor that has not answered, or was not
    /// even asked, counts as missed. Between cycles it repeats what the last one told.
    pub fn end_cycle(&mut self, now: Stamp) -> Cycle {
        if let Some(begun) = self.begun.take() {
            for line in &mut self.buses {
                line.end();
            }
            for joint in 0..JOINTS {
                if !self.replied[joint] && !self.last.answered[joint] {
                    self.last.links[joint].missed += 1;
                    self.prepared[joint].miss();
                }
            }
            self.last.states.stamp = begun;
            self.last.took_nanos = now.nanos().saturating_sub(begun.nanos());
        }
        self.last.stray_bytes = self.buses.iter().map(|line| line.counts().stray_bytes).sum();
        self.last
    }

    /// A joint command as its motor is to have it.
    fn targets(&self, joint: usize, command: &JointCommand) -> Impedance {
        let description = &self.joints[joint];
        Impedance {
            torque_nm: description.rotor_torque_nm(command.torque_nm),
            velocity_rad_s: description.rotor_velocity_rad_s(command.velocity_rad_s),
            position_rad: description.rotor_position_rad(command.position_rad),
            kp: description.rotor_gain(command.kp),
            kd: description.rotor_gain(command.kd),
        }
    }
}

const fn byte_nanos(dialect: Dialect) -> u64 {
    (10 * 1_000_000_000_u64).div_ceil(dialect.baud() as u64)
}

/// A motor's reply as its joint's measurement.
fn measurement(joint: &JointDescription, heard: &Reading) -> JointMeasurement {
    JointMeasurement {
        position_rad: joint.joint_position_rad(heard.position_rad),
        velocity_rad_s: joint.joint_velocity_rad_s(heard.velocity_rad_s),
        torque_nm: joint.joint_torque_nm(heard.torque_nm),
        temperature_c: heard.temperature_c,
    }
}

/// Readings in a row that are refused because they cannot be: after that the joint may really be elsewhere, as when
/// its motor lost power.
const MOST_IMPLAUSIBLE: u8 = 3;
/// How much farther than its speed allows a joint may have gone between two readings, rad.
const READING_SLACK_RAD: f64 = 0.1;

/// Whether a joint can have gone from one measurement to another in the time between them.
fn can_be(
    joint: &JointDescription,
    (at, before): (Stamp, JointMeasurement),
    now: Stamp,
    measured: &JointMeasurement,
) -> bool {
    let farthest = 1.5 * joint.max_velocity_rad_s.get() * now.seconds_since(at).max(0.0) + READING_SLACK_RAD;
    (measured.position_rad - before.position_rad).abs() <= farthest
}

/// Everything that the joint's limits allow must fit the frame; then nothing saturates silently there.
fn check_range(name: &'static str, joint: &JointDescription, most: &Most) -> Result<(), BridgeError> {
    let extremes = [joint.lower_rad.get(), joint.upper_rad.get()].map(|q| joint.rotor_position_rad(q).abs());
    let needs = [
        ("max_torque_nm", joint.rotor_torque_nm(joint.max_torque_nm.get()).abs(), most.torque_nm),
        (
            "max_velocity_rad_s",
            joint.rotor_velocity_rad_s(joint.max_velocity_rad_s.get()).abs(),
            most.velocity_rad_s,
        ),
        ("lower_rad", extremes[0], most.position_rad),
        ("upper_rad", extremes[1], most.position_rad),
    ];
    for (quantity, value, most) in needs {
        // A ratio beyond all reason gives infinities, or even zero times infinity.
        if value.is_nan() || value > most {
            return Err(BridgeError::Range { joint: name, quantity, value, most });
        }
    }
    Ok(())
}
