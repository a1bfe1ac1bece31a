//! The virtual motors behind their bytes: the bridge on one end of the wires, the motors on the other.

#![allow(clippy::float_cmp_const, reason = "a motor that damps does so with exactly this constant")]

use firmware_bridge::bridge::{Cycle, MotorBridge, MotorFault};
use firmware_bridge::port::{BusDriver, BusPort, Loopback, loopback};
use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::go_m8010::{Command, Mode, MotorId, Reply};
use robot_interface::fixtures::go2;
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::RobotDescription;
use robot_interface::time::Stamp;
use sim::engine::{JointDrive, JointReading};
use sim::motors::{
    AMBIENT_C, BRAKE_KD, DAMPING_KD, MotorsError, OVERHEAT_C, RECOVERED_C, VirtualBus, drives, virtual_buses,
};

const STEP_NANOS: u64 = 2_000_000;
const SECOND_NANOS: u64 = 1_000_000_000;

/// The Go2 with all its motors on one bus, joint i at id i.
fn go2_on_one_bus() -> RobotDescription {
    let mut robot = go2();
    for (joint, description) in robot.joints.0.iter_mut().enumerate() {
        description.bus = 0;
        description.id = joint as u8;
    }
    robot
}

fn foc(id: u8) -> Command {
    Command {
        id: MotorId::new(id).expect("an address"),
        mode: Mode::Foc,
        targets: Impedance { position_rad: 0.0, velocity_rad_s: 0.0, torque_nm: 1.0, kp: 0.5, kd: 0.0 },
    }
}

struct Rig {
    robot: RobotDescription,
    bridge: MotorBridge,
    driver: BusDriver<Loopback>,
    buses: Vec<VirtualBus<Loopback>>,
    now: Stamp,
}

impl Rig {
    fn new() -> Self {
        let robot = go2();
        let bridge = MotorBridge::new(&robot).expect("a possible wiring");
        let (near, far): (Vec<_>, Vec<_>) = (0..bridge.buses()).map(|_| loopback()).unzip();
        let driver = BusDriver::new(&bridge, near).expect("one port a bus");
        let buses = virtual_buses(&robot, far).expect("one port a bus");
        Self { robot, bridge, driver, buses, now: Stamp::ZERO }
    }

    /// One cycle, `after` the one before it.
    fn cycle(&mut self, after_nanos: u64, readings: &[JointReading; JOINTS]) -> Cycle {
        self.now = self.now.plus_nanos(after_nanos);
        let commands = self.commands();
        let buses = &mut self.buses;
        let serve = |now| {
            for bus in buses.iter_mut() {
                bus.service(now, readings).expect("the wire holds");
            }
        };
        self.driver.exchange(&mut self.bridge, self.now, &commands, serve).expect("sane commands")
    }

    fn commands(&self) -> [JointCommand; JOINTS] {
        self.robot.default_pose().map(|position_rad| JointCommand {
            position_rad,
            velocity_rad_s: 0.5,
            torque_nm: -3.0,
            kp: 20.0,
            kd: 0.5,
        })
    }
}

fn readings() -> [JointReading; JOINTS] {
    std::array::from_fn(|i| JointReading {
        position_rad: -0.9 - 0.01 * i as f64,
        velocity_rad_s: 0.3 * i as f64 - 1.0,
        torque_nm: 2.0 - 0.5 * i as f64,
    })
}

/// A robot walked on with its battery at 0 %.
#[test]
fn motors_without_power_are_limp_and_silent() {
    let mut rig = Rig::new();
    let readings = [JointReading { velocity_rad_s: 1.0, torque_nm: 3.0, ..JointReading::default() }; JOINTS];
    assert_eq!(rig.cycle(STEP_NANOS, &readings).answered, [true; JOINTS]);
    rig.buses.iter_mut().for_each(|bus| bus.set_powered(false));
    for _ in 0..5 {
        assert_eq!(rig.cycle(STEP_NANOS, &readings).answered, [false; JOINTS]);
        assert_eq!(drives(&rig.buses, rig.now), [JointDrive::default(); JOINTS], "no torque, and no damping");
        assert!(rig.buses.iter().map(VirtualBus::power_w).sum::<f64>().abs() < 1e-9);
    }
    rig.buses.iter_mut().for_each(|bus| bus.set_powered(true));
    assert_eq!(rig.cycle(STEP_NANOS, &readings).answered, [true; JOINTS]);
}

#[test]
fn commands_and_readings_pass_the_wire_unchanged_but_for_its_resolution() {
    let mut rig = Rig::new();
    let (commands, readings) = (rig.commands(), readings());
    let cycle = rig.cycle(STEP_NANOS, &readings);
    assert_eq!(cycle.answered, [true; JOINTS]);
    for (joint, drive) in drives(&rig.buses, rig.now).iter().enumerate() {
        let wanted = commands[joint];
        let gear = rig.robot.joints.0[joint].gear_ratio.get();
        // Half a step of the wire, seen at the joint.
        let torque_step = 0.5 / 256.0 * gear + 1e-9;
        let gain_step = 0.5 * 25.6 / 32768.0 * gear.powi(2) + 1e-9;
        assert!((drive.position_rad - wanted.position_rad).abs() < 2e-5, "{joint}: {drive:?}");
        assert!((drive.velocity_rad_s - wanted.velocity_rad_s).abs() < 2.1e-3, "{joint}: {drive:?}");
        assert!((drive.torque_nm - wanted.torque_nm).abs() < torque_step, "{joint}: {drive:?}");
        assert!((drive.kp - wanted.kp).abs() < gain_step, "{joint}: {drive:?}");
        assert!((drive.kd - wanted.kd).abs() < gain_step, "{joint}: {drive:?}");
        assert_eq!(drive.max_torque_nm, rig.robot.joints.0[joint].max_torque_nm.get());

        let state = cycle.states.joints[joint];
        assert!((state.position_rad - readings[joint].position_rad).abs() < 2e-5, "{joint}: {state:?}");
        assert!((state.velocity_rad_s - readings[joint].velocity_rad_s).abs() < 2.1e-3, "{joint}: {state:?}");
        assert!((state.torque_nm - readings[joint].torque_nm).abs() < torque_step, "{joint}: {state:?}");
        assert_eq!(state.temperature_c, AMBIENT_C);
    }
}

#[test]
fn a_motor_without_commands_damps_after_a_tenth_of_a_second() {
    let mut rig = Rig::new();
    let before = drives(&rig.buses, rig.now);
    assert!(before.iter().all(|drive| drive.kp == 0.0 && drive.kd == DAMPING_KD), "before the first");
    rig.cycle(STEP_NANOS, &readings());
    // Joint 0 is the first on its bus: its command went out as the cycle began.
    let at = |nanos| rig.buses[0].drive(0, rig.now.plus_nanos(nanos)).expect("on bus 0");
    assert!((at(100_000_000).kp - 20.0).abs() < 0.1, "100 ms old is not too old");
    let stale = at(100_000_001);
    assert_eq!((stale.kp, stale.kd, stale.torque_nm), (0.0, DAMPING_KD, 0.0));
    rig.cycle(SECOND_NANOS, &readings());
    assert!(rig.buses[0].drive(0, rig.now).expect("on bus 0").kp > 19.0, "it recovers");
}

#[test]
fn an_unplugged_motor_damps_and_the_other_eleven_walk_on() {
    let mut rig = Rig::new();
    rig.cycle(STEP_NANOS, &readings());
    rig.buses[1].set_connected(3, false);
    for _ in 0..60 {
        let cycle = rig.cycle(STEP_NANOS, &readings());
        let expected: [bool; JOINTS] = std::array::from_fn(|joint| joint != 3);
        assert_eq!(cycle.answered, expected);
        assert!(cycle.took_nanos < STEP_NANOS, "{}", cycle.took_nanos);
    }
    for (joint, drive) in drives(&rig.buses, rig.now).iter().enumerate() {
        assert_eq!(drive.kp == 0.0, joint == 3, "{joint}: {drive:?}");
    }
    rig.buses[1].set_connected(3, true);
    assert_eq!(rig.cycle(STEP_NANOS, &readings()).answered, [true; JOINTS]);
}

#[test]
fn full_torque_overheats_a_motor_and_rest_cools_it() {
    let mut rig = Rig::new();
    let mut hot = readings();
    hot[2].torque_nm = rig.robot.joints.0[2].max_torque_nm.get();
    let mut last = AMBIENT_C;
    let fault = loop {
        // Heat is slow: a second at a time.
        let cycle = rig.cycle(SECOND_NANOS, &hot);
        assert!(cycle.states.joints[2].temperature_c >= last, "it only gets hotter");
        last = cycle.states.joints[2].temperature_c;
        assert!(rig.now.seconds() < 600.0, "still only {last} degrees");
        if let Some(fault) = cycle.faults[2] {
            break fault;
        }
    };
    assert_eq!(fault, MotorFault::Overheat);
    assert!((last - OVERHEAT_C).abs() < 2.0, "{last}");
    assert!((20.0..400.0).contains(&rig.now.seconds()), "after {} s", rig.now.seconds());
    assert_eq!(rig.buses[0].drive(2, rig.now).expect("on bus 0").kd, DAMPING_KD);

    hot[2].torque_nm = 0.0;
    while rig.cycle(SECOND_NANOS, &hot).faults[2].is_some() {
        assert!(rig.now.seconds() < 2000.0);
    }
    let cooled = rig.cycle(STEP_NANOS, &hot).states.joints[2].temperature_c;
    assert!((cooled - RECOVERED_C).abs() < 2.0, "{cooled}");
    assert!(rig.buses[0].drive(2, rig.now).expect("on bus 0").kp > 19.0);
}

#[test]
fn a_steady_torque_settles_where_heat_and_loss_agree() {
    let mut rig = Rig::new();
    let steady = [JointReading { torque_nm: 8.0, ..JointReading::default() }; JOINTS];
    let mut cycle = rig.cycle(STEP_NANOS, &steady);
    for _ in 0..3000 {
        cycle = rig.cycle(SECOND_NANOS, &steady);
    }
    // The closed form: ambient + R k tau^2, with the torque of the rotor.
    let expected = 22.0 + 1.5 * 14.3 * (8.0_f64 / 6.33).powi(2);
    let settled = cycle.states.joints[0].temperature_c;
    assert!((settled - expected).abs() < 1.0, "{settled} for {expected}");
}

#[test]
fn brake_and_broadcast_are_obeyed_and_a_broadcast_is_not_answered() {
    let (mut master, far) = loopback();
    let mut buses = virtual_buses(&go2_on_one_bus(), vec![far]).expect("one bus");
    let mut brake = |id: MotorId, buses: &mut [VirtualBus<Loopback>]| {
        master.write(&Command { id, mode: Mode::Brake, ..foc(0) }.encode()).expect("room");
        buses[0].service(Stamp::ZERO, &readings()).expect("the wire holds");
        let mut buffer = [0; 64];
        let count = master.read(&mut buffer).expect("open");
        buffer[..count].to_vec()
    };
    let five = MotorId::new(5).expect("an address");
    let answer = Reply::decode(&brake(five, &mut buses)).expect("one whole reply");
    assert_eq!((answer.id, answer.mode), (five, Mode::Brake));
    for (joint, drive) in drives(&buses, Stamp::ZERO).iter().enumerate() {
        assert_eq!(drive.kd == BRAKE_KD, joint == 5, "{joint}: {drive:?}");
    }
    assert!(brake(MotorId::BROADCAST, &mut buses).is_empty());
    assert!(drives(&buses, Stamp::ZERO).iter().all(|drive| drive.kd == BRAKE_KD && drive.kp == 0.0));
    assert!(brake(MotorId::new(14).expect("an address"), &mut buses).is_empty(), "nobody has that id");
}

#[test]
fn power_is_work_and_heat_and_nothing_is_drawn_while_damping() {
    let (near, far) = loopback();
    let mut buses = virtual_buses(&go2_on_one_bus(), vec![far]).expect("wired");
    let (mut near, mut readings) = (near, readings());
    for reading in &mut readings {
        *reading = JointReading::default();
    }
    (readings[0].torque_nm, readings[0].velocity_rad_s) = (12.66, 3.0);
    let serve = |now, buses: &mut Vec<VirtualBus<Loopback>>| {
        buses[0].service(Stamp::from_nanos(now), &readings).expect("a port in memory");
        buses[0].power_w()
    };
    assert_eq!(serve(0, &mut buses), 0.0, "nobody commands it");
    near.write(&foc(0).encode()).expect("a port in memory");
    serve(STEP_NANOS, &mut buses);
    // 200 W of heat at full torque, and by its square.
    let power_w = serve(2 * STEP_NANOS, &mut buses);
    let heat_w = 200.0 * (12.66_f64 / 23.7).powi(2);
    assert!((power_w - (12.66 * 3.0 + heat_w)).abs() < 1e-9, "{power_w} W");
    assert_eq!(serve(SECOND_NANOS, &mut buses), 0.0, "its commands are old");
}

#[test]
fn broken_commands_move_nothing_and_the_next_good_one_is_heard() {
    let (mut master, far) = loopback();
    let mut buses = virtual_buses(&go2_on_one_bus(), vec![far]).expect("one bus");
    let good = foc(1);
    for at in 0..17 {
        let mut bytes = good.encode();
        bytes[at] ^= 0x40;
        master.write(&bytes).expect("room");
        buses[0].service(Stamp::ZERO, &readings()).expect("the wire holds");
    }
    assert!(buses[0].rejected() > 0);
    assert!(drives(&buses, Stamp::ZERO).iter().all(|drive| drive.kp == 0.0 && drive.torque_nm == 0.0));
    assert_eq!(master.read(&mut [0; 64]), Ok(0), "no answer either");

    master.write(&good.encode()).expect("room");
    buses[0].service(Stamp::ZERO, &readings()).expect("the wire holds");
    let drive = buses[0].drive(1, Stamp::ZERO).expect("on the bus");
    assert!((drive.torque_nm - 6.33).abs() < 0.03 && drive.kp > 0.0, "{drive:?}");
    assert_eq!(master.read(&mut [0; 64]), Ok(16));
}

#[test]
fn wiring_that_cannot_be_is_refused() {
    let ports = || vec![loopback().1, loopback().1];
    let error = virtual_buses(&go2(), ports()).expect_err("four buses, two ports");
    assert!(matches!(error, MotorsError::Bus { joint: "RL_hip_joint", bus: 2, ports: 2 }), "{error}");
    let mut robot = go2();
    robot.joints.0[4].id = 15;
    let error = virtual_buses(&robot, ports()).expect_err("id 15 is everybody");
    assert!(matches!(error, MotorsError::Id { joint: "FR_thigh_joint", id: 15, most: 14 }), "{error}");
}

#[test]
fn a_robot_on_other_motors_cannot_be_simulated_and_is_told_so() {
    let mut robot = Rig::new().robot;
    robot.motors.protocol = robot_interface::robot::MotorProtocol::A1;
    let ports: Vec<Loopback> = (0..4).map(|_| loopback().0).collect();
    let error = sim::motors::virtual_buses(&robot, ports).expect_err("other bytes");
    assert!(error.to_string().contains("leave [motors] out"), "{error}");
}
