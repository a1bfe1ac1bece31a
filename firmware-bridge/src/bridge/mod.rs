//! Joint commands to motor frames and back, without I/O.
//!
//! A cycle: [`begin_cycle`](MotorBridge::begin_cycle) takes twelve joint commands; then, for each bus,
//! [`poll_transmit`](MotorBridge::poll_transmit) gives what to send, [`handle_bytes`](MotorBridge::handle_bytes)
//! takes what came, [`handle_timeout`](MotorBridge::handle_timeout) what did not;
//! [`end_cycle`](MotorBridge::end_cycle) gives the joints' states. The buses of motors are strictly request
//! and reply, so each motor has a slot of the cycle: one that is dead costs its slot and nothing else. A bus of
//! Adit's own link has a microcontroller that is told of all its motors at once, and one slot; so has a whole robot, which also
//! reports its inertial sensor ([`poll_imu`](MotorBridge::poll_imu)) and what else it knows ([`report`](MotorBridge::report)).
//!
//! [`begin_reading`](MotorBridge::begin_reading) begins a cycle that asks and does not drive.
//!
//! The bridge never repeats a command by itself. If the caller falls silent, so does the bus, and what the motors do then
//! is their own affair: Damiao's are set up to let go ([`COMMAND_TIMEOUT_NANOS`](crate::protocol::go_m8010::COMMAND_TIMEOUT_NANOS)),
//! Unitree's may hold their last command. So the caller's last command must be damping.

mod codec;
mod cycle;
mod error;
mod fault;
mod limits;
mod linked_bus;
mod motor_bus;
mod polled_bus;
mod reply;
mod robot_bus;
mod wiring;

use robot_interface::joints::{JOINT_NAMES, JOINTS, JointCommand, JointMeasurement, JointStates};
use robot_interface::robot::{JointDescription, RobotDescription};
use robot_interface::time::Stamp;

pub use self::cycle::{BusCounts, Cycle, LinkCounts};
pub use self::error::BridgeError;
pub use self::fault::MotorFault;
pub use self::limits::{CommandError, CommandLimits};
use self::motor_bus::{BusKind, MotorBus};
pub use self::motor_bus::{baud, virtual_bus};
use crate::protocol::Impedance;
use crate::protocol::imu::ImuFrame;
use crate::robot::RobotReport;

/// Nominal cycle: 500 Hz.
pub const CYCLE_NANOS: u64 = 2_000_000;

/// The bridge between joint commands and the motor buses. Allocates only in [`new`](Self::new).
#[derive(Clone, Debug)]
pub struct MotorBridge {
    joints: [JointDescription; JOINTS],
    limits: [CommandLimits; JOINTS],
    kind: BusKind,
    byte_nanos: u64,
    buses: Vec<MotorBus>,
    /// Beginning of the current cycle; `None` between cycles.
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
        let kind = BusKind::of(&robot.motors)?;
        let encodable = kind.limits();
        for (name, joint) in JOINT_NAMES.into_iter().zip(&joints) {
            encodable.check(name, joint)?;
        }
        let byte_nanos = (10 * 1_000_000_000_u64).div_ceil(baud(robot.motors.protocol).into());
        let buses = wiring::by_bus(&joints, &kind.ids())?.into_iter().enumerate().map(|(bus, motors)| {
            let (count, most) = (motors.len(), kind.max_motors());
            if count > most {
                return Err(BridgeError::Crowded { bus, motors: count, most });
            }
            let nanos = cycle_nanos / 10 * 9;
            if nanos <= kind.exchange_len(count) as u64 * byte_nanos {
                return Err(BridgeError::Overloaded { bus, motors: count, cycle_nanos });
            }
            Ok(kind.bus(motors, nanos))
        });
        Ok(Self {
            joints,
            limits: joints.map(|joint| CommandLimits::of(&joint, &encodable, &robot.protection)),
            kind,
            byte_nanos,
            buses: buses.collect::<Result<_, _>>()?,
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

    /// Number of buses, counted from 0.
    pub const fn buses(&self) -> usize {
        self.buses.len()
    }

    /// Time that one byte takes on a bus (start bit, eight bits, stop bit), ns.
    pub const fn byte_nanos(&self) -> u64 {
        self.byte_nanos
    }

    /// Length of a motor's answer, bytes; `None` where a microcontroller answers for all its motors at once.
    pub fn reply_len(&self) -> Option<usize> {
        self.kind.reply_len()
    }

    /// Counts of what came over a bus besides answers, since the start.
    pub fn bus_counts(&self, bus: usize) -> BusCounts {
        self.buses.get(bus).map(MotorBus::counts).unwrap_or_default()
    }

    /// From asking each motor to its last answer, ns; `None` if it has never answered. `[12]`
    pub const fn round_trip_nanos(&self) -> &[Option<u64>; JOINTS] {
        &self.round_trip_nanos
    }

    /// Limits that a joint's commands are clamped to, `[12]`.
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
        self.last.clamped = std::array::from_fn(|joint| admitted[joint] != commands[joint]);
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
        self.begin(now, None);
    }

    /// An operator has looked at the cause of the motors' faults: over the next cycles, motors that keep theirs until
    /// they are told are told to forget them, and emergency stops that hold at microcontrollers are released. A fault
    /// whose cause is still there comes back; a stop that is not confirmed yet stays, and so does one whose link is
    /// lost. Returns whether there was anything to clear.
    pub fn clear_faults(&mut self) -> bool {
        self.buses.iter_mut().fold(false, |any, bus| any | bus.clear_faults())
    }

    fn begin(&mut self, now: Stamp, targets: Option<&[Impedance; JOINTS]>) {
        self.last.answered = [false; JOINTS];
        self.begun = Some(now);
        for bus in &mut self.buses {
            bus.begin(now, targets, &mut self.last.clamped);
        }
    }

    /// The next frame to send on a bus; `None` when nothing is left for now. Where motors are asked one by one, it
    /// is somebody's turn, and his slot begins now.
    pub fn poll_transmit(&mut self, bus: usize, now: Stamp) -> Option<&[u8]> {
        self.buses.get_mut(bus)?.poll_transmit(now)
    }

    /// Takes bytes that arrived on a bus. What is not the awaited motor's intact reply is counted in
    /// [`LinkCounts`] and changes nothing else.
    pub fn handle_bytes(&mut self, bus: usize, now: Stamp, bytes: &[u8]) {
        if let Some(bus) = self.buses.get_mut(bus) {
            bus.handle_bytes(now, bytes, &self.joints, &mut self.round_trip_nanos, &mut self.last);
        }
    }

    /// The next inertial sample of a robot that sends them with its joints' states, and when it came. A few wait; the oldest are lost.
    pub fn poll_imu(&mut self) -> Option<(Stamp, ImuFrame)> {
        self.buses.iter_mut().find_map(MotorBus::poll_imu)
    }

    /// The newest report of a robot that reports as a whole.
    pub fn report(&self) -> Option<&RobotReport> {
        self.buses.iter().find_map(MotorBus::report)
    }

    /// Time at which [`handle_timeout`](Self::handle_timeout) next has something to do.
    pub fn poll_timeout(&self) -> Option<Stamp> {
        self.buses.iter().filter_map(MotorBus::deadline).min()
    }

    /// Gives up on motors whose slots are over, so that the next ones are asked.
    pub fn handle_timeout(&mut self, now: Stamp) {
        for bus in &mut self.buses {
            bus.expire(now);
        }
    }

    /// Every motor has been asked and has answered or used up its slot.
    pub fn is_complete(&self) -> bool {
        self.buses.iter().all(MotorBus::is_complete)
    }

    /// Ends the cycle, complete or not, and tells what is known. A motor that has not answered, or was not
    /// even asked, counts as missed. Between cycles it repeats what the last one told.
    pub fn end_cycle(&mut self, now: Stamp) -> Cycle {
        if let Some(begun) = self.begun.take() {
            for bus in &mut self.buses {
                bus.end(&self.joints, &mut self.last);
            }
            self.last.states.stamp = begun;
            self.last.took_nanos = now.nanos().saturating_sub(begun.nanos());
        }
        self.last.stray_bytes = self.buses.iter().map(|bus| bus.counts().stray_bytes).sum();
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
