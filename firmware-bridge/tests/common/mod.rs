//! The far end of the buses, for tests and benches: motors that answer each command at once and stand
//! exactly where they were told to.

#![allow(dead_code, reason = "no test or bench uses all of it")]

use firmware_bridge::bridge::{Cycle, MotorBridge};
use firmware_bridge::port::{BusDriver, BusPort, Loopback, loopback};
use firmware_bridge::wire::FrameReader;
use firmware_bridge::wire::go_m8010::{Command, Reply};
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::RobotDescription;
use robot_interface::time::Stamp;

/// The Go2, as its file says.
pub(crate) fn go2() -> RobotDescription {
    toml::from_str(include_str!("../../../launch/robots/go2.toml")).expect("the Go2's file reads")
}

/// What a motor's reply becomes before it is sent: nothing, itself, something broken.
pub(crate) type Tamper = fn(bus: usize, reply: Reply) -> Vec<u8>;

/// A bridge, its ports, and the motors at their other ends.
pub(crate) struct Rig {
    pub(crate) robot: RobotDescription,
    pub(crate) bridge: MotorBridge,
    pub(crate) driver: BusDriver<Loopback>,
    pub(crate) far: Vec<Far>,
}

/// One bus, seen from its motors.
pub(crate) struct Far {
    pub(crate) port: Loopback,
    reader: FrameReader<Command>,
    /// The last command to each id.
    pub(crate) heard: [Option<Command>; 15],
}

impl Rig {
    pub(crate) fn new(robot: RobotDescription) -> Self {
        let bridge = MotorBridge::new(&robot).expect("a possible wiring");
        let (near, far): (Vec<_>, Vec<_>) = (0..bridge.buses()).map(|_| loopback()).unzip();
        let driver = BusDriver::new(&bridge, near).expect("one port a bus");
        let far =
            far.into_iter().map(|port| Far { port, reader: FrameReader::new(), heard: [None; 15] }).collect();
        Self { robot, bridge, driver, far }
    }

    /// One cycle in which `answer` writes what the motors say.
    pub(crate) fn cycle_with(
        &mut self,
        now: Stamp,
        commands: &[JointCommand; JOINTS],
        mut answer: impl FnMut(usize, &Reply, &mut Loopback),
    ) -> Cycle {
        let far = &mut self.far;
        let serve = |_| {
            for (bus, end) in far.iter_mut().enumerate() {
                end.serve(|reply, port| answer(bus, reply, port));
            }
        };
        self.driver.exchange(&mut self.bridge, now, commands, serve).expect("sane commands")
    }

    /// One cycle with every reply tampered with.
    pub(crate) fn cycle(&mut self, now: Stamp, commands: &[JointCommand; JOINTS], tamper: Tamper) -> Cycle {
        self.cycle_with(now, commands, |bus, reply, port| {
            port.write(&tamper(bus, *reply)).expect("room");
        })
    }

    /// The last command that a joint's motor heard.
    pub(crate) fn heard(&self, joint: usize) -> Command {
        let description = &self.robot.joints.0[joint];
        self.far[description.bus].heard[usize::from(description.id)].expect("a command")
    }
}

impl Far {
    /// Reads the commands that have arrived and lets `answer` write what the motors say.
    pub(crate) fn serve(&mut self, mut answer: impl FnMut(&Reply, &mut Loopback)) {
        let mut buffer = [0; 256];
        let count = self.port.read(&mut buffer).expect("open");
        let mut bytes = &buffer[..count];
        while let Some(command) = self.reader.next_frame(&mut bytes) {
            let command = command.expect("the bridge sends whole frames");
            self.heard[usize::from(command.id.get())] = Some(command);
            let reply = Reply {
                id: command.id,
                mode: command.mode,
                torque_nm: command.targets.torque_nm,
                velocity_rad_s: command.targets.velocity_rad_s,
                position_rad: command.targets.position_rad,
                temperature_c: 40.0,
                error: None,
                foot_force: 0,
            };
            answer(&reply, &mut self.port);
        }
    }
}

/// A reply as it is.
pub(crate) fn honest(_: usize, reply: Reply) -> Vec<u8> {
    reply.encode().to_vec()
}

/// Standing, with a little of everything.
pub(crate) fn standing(robot: &RobotDescription) -> [JointCommand; JOINTS] {
    robot.default_pose().map(|position_rad| JointCommand {
        position_rad,
        velocity_rad_s: 0.4,
        torque_nm: 2.5,
        kp: 20.0,
        kd: 0.5,
    })
}
