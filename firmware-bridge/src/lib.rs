//! Motor buses and the inertial sensor's line of a legged robot: twelve joint commands become the bytes that motors
//! obey, and what motors answer becomes twelve joint states. This crate alone knows a motor's bytes.
//!
//! All but the real ports is sans-IO: bytes and times go in, bytes and states come out. A cycle neither allocates, locks
//! nor waits, so that it runs in a real-time thread; a test counts allocations.
//!
//! # From a command to a motor and back
//!
//! ```text
//!          JointCommand [12]                            JointStates, faults, counts
//!                 |                                                 ^
//!  safety    power states, limits, derating, trips                  |
//!                 |                                                 |
//!  bridge    MotorBridge: gear ratio, direction, zero; whose turn it is, whose answer it was
//!                 |  a codec per protocol                           |
//!  port      BusDriver -------- one BusPort a bus ----------------->|
//!                 |  bytes                                          |  bytes
//!            SerialPort to an adapter, Replaceable, Loopback, FaultPort
//!                 |                                                 |
//!            motors, or the virtual ones of `protocol`
//! ```
//!
//! | module | what it has |
//! |---|---|
//! | [`protocol`]  | frames of Unitree, Damiao, DYNAMIXEL, Feetech and the inertial sensor; virtual devices that speak them |
//! | [`port`]      | ports that never block: serial ones, loopbacks, ones that are replaced when unplugged, ones that inject faults |
//! | [`bridge`]    | the motors' cycle: [`MotorBridge`](bridge::MotorBridge) and a codec per protocol |
//! | [`robot`]     | messages of whole robots, Unitree's and DEEP Robotics', both ends |
//! | [`safety`]    | what keeps motors in check between the gait and the bridge |
//! | [`scan`]      | the search for motors on a bus |
//! | [`calibrate`] | the search for the joints' zeros |
//!
//! Adit's own link to a microcontroller is a crate of its own, `adit-link`, for firmware is built from it too.
//!
//! # One cycle
//!
//! The robot's file says how its motors are wired and what they speak. Here they are virtual, at the far ends of
//! loopbacks; on a robot the driver's ports are [`SerialPort`](port::SerialPort)s.
//!
//! ```
//! use firmware_bridge::bridge::{MotorBridge, virtual_bus};
//! use firmware_bridge::port::{BusDriver, BusPort, loopback};
//! use robot_interface::joints::{JOINTS, JointCommand};
//! use robot_interface::time::Stamp;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let robot = robot_interface::fixtures::go2();
//! let mut bridge = MotorBridge::new(&robot)?;
//! let (near, mut far): (Vec<_>, Vec<_>) = (0..bridge.buses()).map(|_| loopback()).unzip();
//! let mut motors = (0..bridge.buses()).map(|bus| virtual_bus(&robot, bus)).collect::<Result<Vec<_>, _>>()?;
//! let mut driver = BusDriver::new(&bridge, near)?;
//!
//! let commands = [JointCommand::damping(1.0); JOINTS];
//! let cycle = driver.exchange(&mut bridge, Stamp::ZERO, &commands, |now| {
//!     for (port, motors) in far.iter_mut().zip(&mut motors) {
//!         let mut buffer = [0; 256];
//!         let count = port.read(&mut buffer).unwrap_or(0);
//!         motors.hear(now, &buffer[..count], &mut |reply| port.write(reply).expect("room"));
//!     }
//! })?;
//! assert_eq!(cycle.answered, [true; JOINTS]);
//! # Ok(())
//! # }
//! ```
//!
//! `cargo run -p firmware-bridge --example drive_joints` swings the joints of such a robot and prints where they are:
//! a program to begin with. `--example virtual_bus` puts virtual devices behind a pseudo-terminal, for any master.
//!
//! # Safety
//!
//! The bridge never repeats a command by itself: if its caller falls silent, so does the bus. What motors do then differs
//! by protocol ([`bridge`]), so the caller's last command must be damping. A frame that is refused changes nothing
//! and is counted; a motor that does not answer costs its own slot of the cycle alone.

pub mod bridge;
pub mod calibrate;
pub mod port;
pub mod protocol;
pub mod robot;
pub mod safety;
pub mod scan;
