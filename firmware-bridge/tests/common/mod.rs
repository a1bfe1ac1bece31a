//! The far end of the buses, for tests and benches: motors that answer each command at once and stand
//! exactly where they were told to.

#![allow(dead_code, reason = "no test or bench uses all of it")]

use firmware_bridge::bridge::{CYCLE_NANOS, Cycle, MotorBridge};
use firmware_bridge::port::{BusDriver, BusPort, Loopback, loopback};
use firmware_bridge::protocol::FrameReader;
use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::go_m8010::{Command, Reply};
pub(crate) use robot_interface::fixtures::go2;
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::{MotorProtocol, RobotDescription};
use robot_interface::time::Stamp;
use robot_interface::units::{Finite, Positive};

/// A robot without gearboxes, whose motors speak this: three a bus, numbered from `first_id`.
pub(crate) fn gearless(protocol: MotorProtocol, first_id: u8) -> RobotDescription {
    let mut robot = go2();
    robot.motors.protocol = protocol;
    robot.motors.model = (protocol == MotorProtocol::Damiao).then(|| "DM4340".to_owned());
    for (i, joint) in robot.joints.0.iter_mut().enumerate() {
        joint.id = first_id + (i % 3) as u8;
        joint.zero_offset_rad = Finite::try_from(0.0).expect("finite");
        joint.gear_ratio = Positive::try_from(1.0).expect("positive");
        joint.max_torque_nm = Positive::try_from(20.0).expect("positive");
        joint.max_velocity_rad_s = Positive::try_from(8.0).expect("positive");
    }
    robot
}

/// A bridge, its ports, and virtual motors of any protocol at their other ends.
pub(crate) struct VirtualRig<M> {
    pub(crate) bridge: MotorBridge,
    pub(crate) driver: BusDriver<Loopback>,
    pub(crate) far: Vec<(Loopback, M)>,
    /// From one cycle's beginning to the next.
    pub(crate) period_nanos: u64,
    now: Stamp,
}

/// The motors at the far ends take what has come, and answer.
fn serve<M: VirtualBus>(far: &mut [(Loopback, M)], now: Stamp, change: &impl Fn(usize, &mut [u8])) {
    let mut buffer = [0; 512];
    for (bus, (port, motors)) in far.iter_mut().enumerate() {
        let count = port.read(&mut buffer).expect("open");
        motors.hear(now, &buffer[..count], &mut |answer| {
            let mut said = [0; 256];
            let said = &mut said[..answer.len()];
            said.copy_from_slice(answer);
            change(bus, said);
            port.write(said).expect("room");
        });
    }
}

impl<M: VirtualBus> VirtualRig<M> {
    pub(crate) fn new(robot: &RobotDescription, motors: impl Fn() -> M) -> Self {
        let bridge = MotorBridge::new(robot).expect("a possible wiring");
        let (near, far): (Vec<_>, Vec<_>) = (0..bridge.buses()).map(|_| loopback()).unzip();
        let driver = BusDriver::new(&bridge, near).expect("one port a bus");
        let far = far.into_iter().map(|port| (port, motors())).collect();
        Self { bridge, driver, far, period_nanos: CYCLE_NANOS, now: Stamp::from_nanos(1_000_000_000) }
    }

    /// When the next cycle begins.
    pub(crate) const fn now(&self) -> Stamp {
        self.now
    }

    /// A cycle with every answer changed on its way.
    pub(crate) fn cycle(
        &mut self,
        commands: &[JointCommand; JOINTS],
        change: impl Fn(usize, &mut [u8]),
    ) -> Cycle {
        let start = self.now;
        self.now = start.plus_nanos(self.period_nanos);
        let far = &mut self.far;
        let serve = |now| serve(far, now, &change);
        self.driver.exchange(&mut self.bridge, start, commands, serve).expect("sane commands")
    }

    /// A cycle that reads and does not drive.
    pub(crate) fn read(&mut self) -> Cycle {
        let start = self.now;
        self.now = start.plus_nanos(self.period_nanos);
        self.bridge.begin_reading(start);
        while !self.bridge.is_complete() {
            self.driver.poll(&mut self.bridge, start);
            serve(&mut self.far, start, &|_, _| {});
        }
        self.bridge.end_cycle(start)
    }

    /// Nothing is commanded for so long.
    pub(crate) fn pause(&mut self, nanos: u64) {
        self.now = self.now.plus_nanos(nanos);
    }

    pub(crate) fn run(&mut self, command: JointCommand, cycles: u32) -> Cycle {
        for _ in 1..cycles {
            self.cycle(&[command; JOINTS], |_, _| {});
        }
        self.cycle(&[command; JOINTS], |_, _| {})
    }
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
