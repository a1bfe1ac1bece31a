//! A robot's motor ports, opened: real ones, or a virtual robot's.

use std::time::Duration;

use firmware_bridge::bridge::{MotorBridge, baud};
use firmware_bridge::port::{BusDriver, PortDevice, SerialPort};

use super::VirtualRobot;
use stack::config::{ConfigError, Robot};

/// The virtual motors' thread notices after this time that somebody has opened their ports.
const WAKES_UP: Duration = Duration::from_millis(10);

/// The ports of a robot, and what is behind them.
pub(crate) struct Buses {
    pub(crate) robot: Robot,
    pub(crate) bridge: MotorBridge,
    pub(crate) driver: BusDriver<SerialPort>,
    /// The ports' devices, to look for others that open them.
    pub(crate) devices: Vec<PortDevice>,
    /// After the driver: its ports close first.
    pub(crate) motors: Option<VirtualRobot>,
}

impl Buses {
    /// Opens the ports that the robot's file names.
    pub(crate) fn real(name: &str, cycle_nanos: u64) -> anyhow::Result<Self> {
        Self::of(Robot::load(name)?, name, cycle_nanos)
    }

    /// Opens the ports that a robot's file of this name has named.
    pub(crate) fn of(robot: Robot, name: &str, cycle_nanos: u64) -> anyhow::Result<Self> {
        let description = &robot.description;
        let Some(named) = &description.ports else {
            let message = format!("the robot file of {} names no serial ports", description.name);
            return Err(ConfigError::of_file(
                name,
                message,
                "add [ports] with motors and imu, or use --virtual",
            )
            .into());
        };
        let (ports, buses) = (named.motors.len(), description.buses());
        if ports != buses {
            let message = format!("it names {ports} motor ports for {buses} buses");
            return Err(ConfigError::of_file(name, message, "give each bus one port, in their order").into());
        }
        let baud = baud(description.motors.protocol);
        let ports = named.motors.iter().map(|path| SerialPort::open(path, baud));
        let ports = ports.collect::<Result<Vec<_>, _>>()?;
        Self::new(robot, ports, None, cycle_nanos)
    }

    /// Starts a virtual robot and opens its ports.
    pub(crate) fn virtual_of(name: &str, cycle_nanos: u64) -> anyhow::Result<Self> {
        let robot = Robot::load(name)?;
        let motors = VirtualRobot::start(&robot.description)?;
        let baud = baud(robot.description.motors.protocol);
        let ports = motors.paths().iter().map(|path| SerialPort::open(path, baud));
        let ports = ports.collect::<Result<Vec<_>, _>>()?;
        std::thread::sleep(WAKES_UP);
        Self::new(robot, ports, Some(motors), cycle_nanos)
    }

    fn new(
        robot: Robot,
        ports: Vec<SerialPort>,
        motors: Option<VirtualRobot>,
        cycle_nanos: u64,
    ) -> anyhow::Result<Self> {
        let bridge = MotorBridge::with_cycle(&robot.description, cycle_nanos)?;
        let devices = ports.iter().filter_map(SerialPort::device).collect();
        let driver = BusDriver::new(&bridge, ports)?;
        Ok(Self { robot, bridge, driver, devices, motors })
    }
}
