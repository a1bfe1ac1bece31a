//! Swings the joints of a robot whose motors are virtual, through the bridge and in its motors' own bytes, and prints where
//! they are: `cargo run -p firmware-bridge --example drive_joints [ROBOT.toml]`.
//!
//! Things to change: the motion in `command`; the robot (another `[motors]` protocol, another wiring); the loopbacks, for
//! `SerialPort::open(path, baud(robot.motors.protocol))` on a robot that hangs in a stand.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::error::Error;

use firmware_bridge::bridge::{CYCLE_NANOS, MotorBridge, virtual_bus};
use firmware_bridge::port::{BusDriver, BusPort, loopback};
use robot_interface::joints::{JOINT_NAMES, JOINTS, JointCommand};
use robot_interface::robot::RobotDescription;
use robot_interface::time::Stamp;

const SECONDS: f64 = 2.0;
/// Cycles between two lines of the table.
const LINE_CYCLES: u64 = 100;
/// Swing to either side, rad, and its rate.
const SWING_RAD: f64 = 0.2;
const SWING_HZ: f64 = 0.5;

fn main() -> Result<(), Box<dyn Error>> {
    let robot = match std::env::args().nth(1) {
        Some(path) => toml::from_str(&std::fs::read_to_string(path)?)?,
        None => robot_interface::fixtures::go2(),
    };

    let mut bridge = MotorBridge::new(&robot)?;
    let (near, mut far): (Vec<_>, Vec<_>) = (0..bridge.buses()).map(|_| loopback()).unzip();
    let mut motors =
        (0..bridge.buses()).map(|bus| virtual_bus(&robot, bus)).collect::<Result<Vec<_>, _>>()?;
    let mut driver = BusDriver::new(&bridge, near)?;

    println!("{:>6}  {:>14}  {:>7} {:>7} {:>7}  {:>7}", "s", "joint", "wanted", "rad", "N m", "C");
    for number in 0..(SECONDS * 1e9) as u64 / CYCLE_NANOS {
        let now = Stamp::from_nanos(number * CYCLE_NANOS);
        let commands = command(&robot, now);
        // The time within the cycle passes by the bytes that cross the buses.
        let cycle = driver.exchange(&mut bridge, now, &commands, |now| {
            for (port, motors) in far.iter_mut().zip(&mut motors) {
                let mut buffer = [0; 256];
                let count = port.read(&mut buffer).unwrap_or(0);
                motors.hear(now, &buffer[..count], &mut |reply| {
                    // A reply that a port has no room for is lost, as on a wire.
                    let _ = port.write(reply);
                });
            }
        })?;
        // One leg is enough to look at.
        for joint in (0..3).filter(|_| number % LINE_CYCLES == 0) {
            let (state, wanted) = (cycle.states.joints[joint], commands[joint].position_rad);
            println!(
                "{:6.2}  {:>14}  {wanted:7.3} {:7.3} {:7.2}  {:7.1}",
                now.nanos() as f64 / 1e9,
                JOINT_NAMES[joint],
                state.position_rad,
                state.torque_nm,
                state.temperature_c,
            );
        }
    }
    Ok(())
}

/// The twelve commands of a moment: every joint swings about its place in the standing pose.
fn command(robot: &RobotDescription, now: Stamp) -> [JointCommand; JOINTS] {
    let swing_rad = SWING_RAD * (std::f64::consts::TAU * SWING_HZ * now.nanos() as f64 / 1e9).sin();
    robot.default_pose().map(|rad| JointCommand {
        position_rad: rad + swing_rad,
        kp: 40.0,
        kd: 1.0,
        ..JointCommand::default()
    })
}
