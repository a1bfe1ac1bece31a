//! Virtual motors, twelve of them, on buses or in a whole robot: they decode the bytes that the bridge sends, answer in the vendor's
//! bytes, heat up, and damp when nobody commands them.
//!
//! Motors on a bus answer each command; a whole robot reports by itself, every [`REPORT_NANOS`], with its inertial sensor and battery.
//!
//! Sans-IO but for the [`BusPort`] that a bus is given. The heating is a first-order model, one heat
//! capacity and one resistance to the air: `C dT/dt = k tau^2 - (T - T_ambient) / R`.

mod motor;
mod wire;

use firmware_bridge::port::{BusPort, PortError};
use firmware_bridge::robot::RobotReport;
use robot_interface::joints::{JOINT_NAMES, JOINTS};
use robot_interface::robot::RobotDescription;
use robot_interface::time::Stamp;

use self::motor::VirtualMotor;
pub use self::motor::{AMBIENT_C, BRAKE_KD, DAMPING_KD, OVERHEAT_C, RECOVERED_C};
pub use self::wire::REPORT_NANOS;
use self::wire::Wire;
use crate::engine::{JointDrive, JointReading};

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
