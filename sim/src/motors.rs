//! Virtual motors, twelve of them, on buses or in a whole robot: they decode the bytes that the bridge sends, answer in the vendor's
//! bytes, heat up, and damp when nobody commands them.
//!
//! Motors on a bus answer each command; a whole robot reports by itself, every [`REPORT_NANOS`], with its inertial sensor and battery.
//!
//! Sans-IO but for the [`BusPort`] that a bus is given. The heating is a first-order model, one heat
//! capacity and one resistance to the air: `C dT/dt = k tau^2 - (T - T_ambient) / R`.

mod wire;

use firmware_bridge::port::{BusPort, PortError};
use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::go_m8010::COMMAND_TIMEOUT_NANOS;
use firmware_bridge::robot::RobotReport;
use robot_interface::joints::{JOINT_NAMES, JOINTS};
use robot_interface::robot::{JointDescription, RobotDescription};
use robot_interface::time::Stamp;

use self::wire::{Order, Wire};
use crate::engine::{JointDrive, JointReading};

/// Simulated time between two reports of a whole robot: 500 Hz.
pub const REPORT_NANOS: u64 = 2_000_000;

/// Damping at the joint while a motor's commands are stale or it is too hot, N m s/rad: a robot of 15 kg
/// sinks to the ground in about a second rather than dropping.
pub const DAMPING_KD: f64 = 4.0;
/// Damping at the joint while windings are shorted, N m s/rad.
pub const BRAKE_KD: f64 = 10.0;

/// Temperature of the air and of a motor at the start, degrees Celsius.
pub const AMBIENT_C: f64 = 22.0;
/// A motor this hot, degrees Celsius, reports that and damps...
pub const OVERHEAT_C: f64 = 90.0;
/// ...until it has cooled to this.
pub const RECOVERED_C: f64 = 80.0;
/// Heat of the windings at full torque, W; it goes by the torque's square.
const FULL_HEAT_W: f64 = 200.0;
/// Half a kilogram of copper and steel, J/K.
const HEAT_CAPACITY_J_K: f64 = 225.0;
/// From the windings to the air, K/W.
const THERMAL_RESISTANCE_K_W: f64 = 1.5;

/// Refusal of a robot whose virtual motors cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MotorsError {
    /// A protocol that the simulated motors do not speak.
    #[error(
        "simulated motors speak go-m8010-6, unitree-go and deeprobotics only: leave [motors] out of the robot file for a simulation"
    )]
    Protocol,
    /// An address that a motor cannot have.
    #[error("{joint}: motor id {id} is not possible: ids go from 0 to {most}")]
    Id {
        /// The joint's name.
        joint: &'static str,
        /// The id.
        id: u8,
        /// The greatest that is possible.
        most: u8,
    },
    /// A joint on a bus that has no port.
    #[error("{joint}: on bus {bus}, but there are {ports} ports: give each bus of the robot file one port")]
    Bus {
        /// The joint's name.
        joint: &'static str,
        /// The bus.
        bus: usize,
        /// Ports given.
        ports: usize,
    },
}

/// One bus with its motors, or a whole robot. Behaves as real ones do: only whole, intact frames in a motor's own name (or
/// to all) move it, and only those in its own name are answered.
#[derive(Debug)]
pub struct VirtualBus<P> {
    port: P,
    wire: Wire,
    motors: Vec<VirtualMotor>,
    rejected: u64,
    /// False while the motors have no power.
    powered: bool,
}

#[derive(Clone, Copy, Debug)]
struct VirtualMotor {
    joint: usize,
    id: u8,
    description: JointDescription,
    /// The last order and when it came.
    order: Option<(Stamp, Order)>,
    temperature_c: f64,
    overheated: bool,
    connected: bool,
    served: Option<Stamp>,
    /// Drawn from the battery, W; negative where the joint drives the motor.
    power_w: f64,
}

/// The buses of a robot, one a port, in the order of the robot file.
///
/// # Errors
/// [`MotorsError`] if the wiring is not possible.
pub fn virtual_buses<P: BusPort>(
    robot: &RobotDescription,
    ports: Vec<P>,
) -> Result<Vec<VirtualBus<P>>, MotorsError> {
    let wire = Wire::of(robot.motors.protocol).ok_or(MotorsError::Protocol)?;
    let (count, most) = (ports.len(), wire.max_id());
    let bus = |port| VirtualBus { port, wire: wire.clone(), motors: Vec::new(), rejected: 0, powered: true };
    let mut buses: Vec<_> = ports.into_iter().map(bus).collect();
    for (joint, description) in robot.joints.0.into_iter().enumerate() {
        let (name, id) = (JOINT_NAMES[joint], description.id);
        if id > most {
            return Err(MotorsError::Id { joint: name, id, most });
        }
        buses
            .get_mut(description.bus)
            .ok_or(MotorsError::Bus { joint: name, bus: description.bus, ports: count })?
            .motors
            .push(VirtualMotor::new(joint, id, description));
    }
    Ok(buses)
}

/// Drives of all joints now, `[12]`.
pub fn drives<P: BusPort>(buses: &[VirtualBus<P>], now: Stamp) -> [JointDrive; JOINTS] {
    std::array::from_fn(|joint| buses.iter().find_map(|bus| bus.drive(joint, now)).unwrap_or_default())
}

impl<P: BusPort> VirtualBus<P> {
    /// Takes what has arrived, and answers with what the motors' sensors see: `readings` are those of all
    /// joints, `[12]`. Call it at least once a physics step; temperatures follow `now`.
    ///
    /// # Errors
    /// [`PortError`] if the port failed; the motors go on, and damp when no more commands come.
    pub fn service(&mut self, now: Stamp, readings: &[JointReading; JOINTS]) -> Result<(), PortError> {
        for motor in &mut self.motors {
            motor.warm(now, &readings[motor.joint]);
        }
        let mut buffer = [0; 2048];
        let count = self.port.read(&mut buffer)?;
        if !self.powered {
            return Ok(());
        }
        self.rejected += self.wire.hear(now, &buffer[..count], &mut self.motors);
        self.wire.speak(now, &self.motors, readings, &mut self.port)
    }

    /// Tells a whole robot what its other sensors measure; its motors' part of the report is not used. Motors on a bus have no such
    /// sensors.
    pub fn set_sensors(&mut self, sensors: &RobotReport) {
        if let Wire::Robot(robot) = &mut self.wire {
            robot.sensors = *sensors;
        }
    }

    /// Drive of a joint now; `None` if the joint's motor is on another bus.
    pub fn drive(&self, joint: usize, now: Stamp) -> Option<JointDrive> {
        let motor = self.motors.iter().find(|motor| motor.joint == joint)?;
        // Without power nothing shorts the windings either: the joint turns freely.
        Some(if self.powered { motor.drive(now) } else { JointDrive::default() })
    }

    /// Takes its motors' power away, or gives it back. Without it they are limp, hear nothing and say nothing, and have
    /// forgotten what they were told.
    pub fn set_powered(&mut self, powered: bool) {
        if !powered {
            for motor in &mut self.motors {
                motor.order = None;
            }
        }
        self.powered = powered;
    }

    /// Unplugs a joint's motor from the bus, or plugs it in again. It keeps its power: unplugged, it
    /// hears nothing, says nothing, and damps. Joints on other buses are left alone.
    pub fn set_connected(&mut self, joint: usize, connected: bool) {
        for motor in self.motors.iter_mut().filter(|motor| motor.joint == joint) {
            motor.connected = connected;
        }
    }

    /// The port that it was given, for example to wait until there is something to read.
    pub const fn port(&self) -> &P {
        &self.port
    }

    /// The port, to be changed.
    pub const fn port_mut(&mut self) -> &mut P {
        &mut self.port
    }

    /// Time of the newest command for any of its motors.
    pub fn commanded(&self) -> Option<Stamp> {
        self.motors.iter().filter_map(|motor| motor.order.map(|(at, _)| at)).max()
    }

    /// Electrical power that its motors draw, W: what they do at the joints and what heats their windings. What one gives
    /// back the others use, so that the sum may be negative.
    pub fn power_w(&self) -> f64 {
        self.motors.iter().map(|motor| motor.power_w).sum()
    }

    /// Number of frames that were no command.
    pub const fn rejected(&self) -> u64 {
        self.rejected
    }
}

impl VirtualMotor {
    const fn new(joint: usize, id: u8, description: JointDescription) -> Self {
        Self {
            joint,
            id,
            description,
            order: None,
            temperature_c: AMBIENT_C,
            overheated: false,
            connected: true,
            served: None,
            power_w: 0.0,
        }
    }

    fn drive(&self, now: Stamp) -> JointDrive {
        let joint = &self.description;
        let max_torque_nm = joint.max_torque_nm.get();
        let damping = |kd| JointDrive { kd, max_torque_nm, ..JointDrive::default() };
        match self.follows(now) {
            Some(Order::Drive(targets)) => JointDrive {
                position_rad: joint.joint_position_rad(targets.position_rad),
                velocity_rad_s: joint.joint_velocity_rad_s(targets.velocity_rad_s),
                kp: joint.joint_gain(targets.kp),
                kd: joint.joint_gain(targets.kd),
                torque_nm: joint.joint_torque_nm(targets.torque_nm),
                max_torque_nm,
            },
            Some(Order::Brake) => damping(BRAKE_KD),
            None => damping(DAMPING_KD),
        }
    }

    /// What its own sensors see, at the rotor.
    fn measured(&self, reading: &JointReading) -> Impedance {
        Impedance {
            torque_nm: self.description.rotor_torque_nm(reading.torque_nm),
            velocity_rad_s: self.description.rotor_velocity_rad_s(reading.velocity_rad_s),
            position_rad: self.description.rotor_position_rad(reading.position_rad),
            kp: 0.0,
            kd: 0.0,
        }
    }

    /// The order that it follows, unless it damps by itself.
    fn follows(&self, now: Stamp) -> Option<&Order> {
        let fresh = |at: Stamp| now.nanos().saturating_sub(at.nanos()) <= COMMAND_TIMEOUT_NANOS;
        self.order.as_ref().filter(|(at, _)| fresh(*at) && !self.overheated).map(|(_, order)| order)
    }

    /// Heats and cools since the last call, by the torque at the joint.
    fn warm(&mut self, now: Stamp, reading: &JointReading) {
        let dt_s = self.served.map_or(0.0, |last| now.seconds_since(last)).clamp(0.0, 1.0);
        self.served = self.served.max(Some(now));
        let heat_w = FULL_HEAT_W * (reading.torque_nm / self.description.max_torque_nm.get()).powi(2);
        let loss_w = (self.temperature_c - AMBIENT_C) / THERMAL_RESISTANCE_K_W;
        // One that damps by itself has its windings shorted: the joint pays for the heat, and nothing is drawn.
        let driven = matches!(self.follows(now), Some(Order::Drive(_)));
        self.power_w = if driven { reading.torque_nm * reading.velocity_rad_s + heat_w } else { 0.0 };
        self.temperature_c += (heat_w - loss_w) * dt_s / HEAT_CAPACITY_J_K;
        self.overheated = self.temperature_c >= if self.overheated { RECOVERED_C } else { OVERHEAT_C };
    }
}
