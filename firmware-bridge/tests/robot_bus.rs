//! Whole robots behind the bridge: one command and one report a cycle, whatever else comes.

use firmware_bridge::bridge::{CYCLE_NANOS, Cycle, MotorBridge, MotorFault, virtual_bus};
use firmware_bridge::port::{BusDriver, BusPort, Loopback, loopback};
use firmware_bridge::protocol::Impedance;
use firmware_bridge::robot::{
    BatteryReport, CommandReader, MotorReport, MotorTarget, RobotProtocol, RobotReport,
};
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::{MotorProtocol, RobotDescription};
use robot_interface::time::Stamp;

/// The sold Go2 by its own file, or with another language.
fn robot(protocol: MotorProtocol) -> RobotDescription {
    let text = include_str!("../../launch/robots/go2.toml");
    let mut robot: RobotDescription = toml::from_str(text).expect("good");
    robot.motors.protocol = protocol;
    robot
}

/// A bridge, and the robot's end of its line.
struct Rig {
    robot: RobotDescription,
    protocol: RobotProtocol,
    bridge: MotorBridge,
    driver: BusDriver<Loopback>,
    far: Loopback,
    reader: CommandReader,
    now: Stamp,
    tick_ms: u32,
    report: RobotReport,
    heard: Vec<[MotorTarget; JOINTS]>,
}

impl Rig {
    fn of(robot: RobotDescription) -> Self {
        let protocol = RobotProtocol::of(robot.motors.protocol).expect("a whole robot");
        let bridge = MotorBridge::new(&robot).expect("a wiring");
        let (near, far) = loopback();
        let driver = BusDriver::new(&bridge, vec![near]).expect("one bus");
        let motor = |i: usize| MotorReport {
            position_rad: 0.0625 * i as f64,
            velocity_rad_s: 0.5,
            torque_nm: -1.0,
            temperature_c: 33.0,
            driven: Some(true),
        };
        let report = RobotReport {
            motors: std::array::from_fn(motor),
            specific_force_m_s2: [0.0, 0.0, 9.81],
            battery: Some(BatteryReport { charge_percent: 60, current_a: -1.0, supply_v: 28.0 }),
            ..RobotReport::default()
        };
        let reader = CommandReader::new(protocol);
        let now = Stamp::from_nanos(1_000_000_000);
        Self { robot, protocol, bridge, driver, far, reader, now, tick_ms: 0, report, heard: Vec::new() }
    }

    fn new(protocol: MotorProtocol) -> Self {
        Self::of(robot(protocol))
    }

    /// The robot reports.
    fn tell(&mut self) {
        self.tick_ms += 2;
        self.report.tick_ms = self.tick_ms;
        let mut message = Vec::new();
        self.protocol.encode_report(&self.report, &mut message);
        self.far.write(&message).expect("room");
    }

    fn hear(&mut self) {
        let mut buffer = [0; 4096];
        let count = self.far.read(&mut buffer).expect("open");
        let mut bytes = &buffer[..count];
        while let Some(found) = self.reader.next(&mut bytes) {
            self.heard.push(found.expect("a command"));
        }
    }

    /// One cycle, in which nothing comes but what has come before.
    fn cycle(&mut self, commands: Option<&[JointCommand; JOINTS]>) -> Cycle {
        let begun = self.now;
        match commands {
            Some(commands) => self.bridge.begin_cycle(begun, commands).expect("good commands"),
            None => self.bridge.begin_reading(begun),
        }
        let mut now = begun;
        self.driver.poll(&mut self.bridge, now);
        while !self.bridge.is_complete() {
            now = self.bridge.poll_timeout().expect("a slot");
            self.driver.poll(&mut self.bridge, now);
        }
        self.now = begun.plus_nanos(CYCLE_NANOS);
        self.hear();
        self.bridge.end_cycle(now)
    }
}

fn commands() -> [JointCommand; JOINTS] {
    std::array::from_fn(|i| JointCommand {
        position_rad: if i % 3 == 2 { -1.5 } else { 0.03125 * i as f64 },
        kp: 20.0,
        kd: 0.5,
        ..JointCommand::damping(0.5)
    })
}

#[test]
fn a_cycle_is_one_command_and_one_report_in_the_vendors_order() {
    for protocol in [MotorProtocol::UnitreeGo, MotorProtocol::DeepRobotics] {
        let mut rig = Rig::new(protocol);
        // The joints of one leg turn the other way round.
        for joint in &mut rig.robot.joints.0[..3] {
            joint.reversed = true;
        }
        let mut rig = Rig::of(rig.robot);
        rig.tell();
        let cycle = rig.cycle(Some(&commands()));
        assert_eq!(cycle.answered, [true; JOINTS]);
        let [sent] = rig.heard[..] else { panic!("{} commands", rig.heard.len()) };
        for (joint, (command, description)) in commands().iter().zip(&rig.robot.joints.0).enumerate() {
            let sign = if joint < 3 { -1.0 } else { 1.0 };
            let target: Impedance = sent[usize::from(description.id)].expect("driven");
            let position_rad = sign * command.position_rad;
            assert_eq!((target.position_rad, target.kp, target.kd), (position_rad, 20.0, 0.5), "{joint}");
            let told = rig.report.motors[usize::from(description.id)];
            let measured = cycle.states.joints[joint];
            assert_eq!(measured.position_rad, sign * told.position_rad, "{joint}");
            assert_eq!((measured.torque_nm, measured.temperature_c), (sign * told.torque_nm, 33.0));
        }
        let battery = rig.bridge.report().and_then(|report| report.battery);
        assert_eq!(battery.is_some(), protocol == MotorProtocol::UnitreeGo);
    }
}

#[test]
fn a_report_counts_for_one_cycle_and_without_one_all_joints_are_missed() {
    let mut rig = Rig::new(MotorProtocol::UnitreeGo);
    rig.tell();
    assert_eq!(rig.cycle(Some(&commands())).answered, [true; JOINTS]);
    let cycle = rig.cycle(Some(&commands()));
    assert_eq!((cycle.answered, cycle.links[5].missed, rig.heard.len()), ([false; JOINTS], 1, 2));
    assert!(cycle.took_nanos > CYCLE_NANOS / 2, "it was waited for");
    // Two that waited are one answer, by the newer of them; both inertial samples are there.
    while rig.bridge.poll_imu().is_some() {}
    rig.tell();
    rig.report.motors[0].position_rad = 0.25;
    rig.tell();
    let cycle = rig.cycle(Some(&commands()));
    let joint = rig.robot.joints.0.iter().position(|joint| joint.id == 0).expect("a motor 0");
    assert_eq!((cycle.states.joints[joint].position_rad, cycle.links[joint].replies), (0.25, 2));
    let times = std::iter::from_fn(|| rig.bridge.poll_imu()).map(|(_, frame)| frame.time_us);
    assert_eq!(times.collect::<Vec<_>>(), [4000, 6000]);
}

#[test]
fn who_only_reads_sends_nothing() {
    let mut rig = Rig::new(MotorProtocol::UnitreeGo);
    rig.tell();
    assert_eq!(rig.cycle(None).answered, [true; JOINTS]);
    assert!(rig.heard.is_empty());
}

#[test]
fn joints_that_ignore_commands_are_told_within_a_second() {
    let mut rig = Rig::new(MotorProtocol::UnitreeGo);
    rig.report.motors[7].driven = Some(false);
    let joint = rig.robot.joints.0.iter().position(|joint| joint.id == 7).expect("a motor 7");
    let faults = (0..500).map(|_| {
        rig.tell();
        rig.cycle(Some(&commands())).faults
    });
    let faults: Vec<_> = faults.collect();
    assert_eq!(faults[200], [None; JOINTS], "it may take a moment");
    let told = faults[499];
    assert_eq!(told[joint], Some(MotorFault::NotDriven));
    assert_eq!(told.iter().flatten().count(), 1);
    // Who only reads does not expect them to be driven.
    rig.tell();
    assert_eq!(rig.cycle(None).faults, [None; JOINTS]);
}

#[test]
fn noise_and_damage_are_counted_and_change_nothing() {
    let mut rig = Rig::new(MotorProtocol::UnitreeGo);
    let mut message = Vec::new();
    rig.report.tick_ms = 9;
    rig.protocol.encode_report(&rig.report, &mut message);
    message[200] ^= 4;
    rig.far.write(&message).expect("room");
    rig.far.write(&[0xFE; 300]).expect("room");
    rig.tell();
    let cycle = rig.cycle(Some(&commands()));
    assert_eq!((cycle.answered, cycle.links[0].replies), ([true; JOINTS], 1));
    assert!(cycle.links[0].bad_crc >= 1, "{:?}", cycle.links[0]);
}

#[test]
fn there_are_no_virtual_motors_of_a_whole_robot_alone() {
    let refused = virtual_bus(&robot(MotorProtocol::DeepRobotics), 0).err().expect("no motor bus");
    assert!(refused.to_string().contains("adit robot"), "{refused}");
}
