//! Joints behind microcontrollers of Adit's own link: whole cycles over loopback ports, with virtual devices at the far
//! ends that are unplugged, restarted, stopped, of another version, or other than the robot's file says.

mod common;

use adit_link::{
    ActuatorCommand, ActuatorInfo, Decoder, DeviceConfig, Faults, FirmwareVersion, Hello, MAX_FRAME_LEN,
    Message, Mode, Refusal, Status, Text, encode_frame,
};
use common::{VirtualRig, gearless};
use firmware_bridge::bridge::{BridgeError, CYCLE_NANOS, Cycle, MotorBridge, MotorFault};
use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::link::VirtualDevice;
use firmware_bridge::safety::{Cause, PowerState, Safety};
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::{MotorProtocol, RobotDescription};
use robot_interface::time::Stamp;

/// A device, and what was said to it and by it.
struct Spy {
    device: Option<VirtualDevice>,
    ears: [Decoder; 2],
    heard: Vec<Message>,
    said: Vec<Message>,
}

impl Spy {
    fn of(device: Option<VirtualDevice>) -> Self {
        Self { device, ears: [Decoder::new(), Decoder::new()], heard: Vec::new(), said: Vec::new() }
    }

    fn device(&mut self) -> &mut VirtualDevice {
        self.device.as_mut().expect("it is there")
    }

    fn last_command(&self) -> &[ActuatorCommand] {
        let last = self.heard.iter().rev().find_map(|message| match message {
            Message::Command(command) => Some(&command.actuators),
            _ => None,
        });
        last.expect("a command")
    }
}

impl VirtualBus for Spy {
    fn hear(&mut self, now: Stamp, mut bytes: &[u8], say: &mut dyn FnMut(&[u8])) {
        let Self { device, ears: [to_device, to_host], heard, said } = self;
        if let Some(device) = device {
            device.hear(now, bytes, &mut |mut frame| {
                say(frame);
                said.extend(to_host.next_frame(&mut frame).map(|found| found.expect("intact").1));
            });
        }
        while let Some(found) = to_device.next_frame(&mut bytes) {
            heard.push(found.expect("the bridge sends whole frames").1);
        }
    }
}

type Rig = VirtualRig<Spy>;

fn robot() -> RobotDescription {
    gearless(MotorProtocol::Adit, 0)
}

fn three() -> Option<VirtualDevice> {
    VirtualDevice::of(&[0, 1, 2])
}

fn rig() -> Rig {
    Rig::new(&robot(), || Spy::of(three()))
}

fn pull() -> JointCommand {
    JointCommand { position_rad: -1.0, kp: 2.0, kd: 0.1, ..JointCommand::default() }
}

/// Which joints of the first bus, and of all others.
fn of_bus_0<T: Copy>(joints: [T; JOINTS]) -> ([T; 3], [T; 9]) {
    (std::array::from_fn(|i| joints[i]), std::array::from_fn(|i| joints[3 + i]))
}

#[test]
fn without_an_answer_to_the_greeting_nothing_is_driven() {
    let mut rig = Rig::new(&robot(), || Spy::of(None));
    let cycle = rig.run(pull(), 50);
    assert_eq!((cycle.answered, cycle.links[7].missed), ([false; JOINTS], 50));
    for (_, spy) in &rig.far {
        // One each 20 ms.
        assert_eq!(spy.heard.len(), 5, "{:?}", spy.heard);
        assert!(spy.heard.iter().all(|message| matches!(message, Message::Hello(_))), "{:?}", spy.heard);
    }
    // Plugged in now.
    rig.far.iter_mut().for_each(|(_, spy)| spy.device = three());
    let cycle = rig.run(pull(), 20);
    assert_eq!(cycle.answered, [true; JOINTS]);
}

#[test]
fn each_bridge_begins_another_session() {
    let sessions = [1_000_000_000, 1_000_500_000].map(|begun| {
        let mut bridge = MotorBridge::new(&robot()).expect("a possible wiring");
        let now = Stamp::from_nanos(begun);
        bridge.begin_reading(now);
        let mut frame = bridge.poll_transmit(0, now).expect("a greeting");
        match Decoder::new().next_frame(&mut frame) {
            Some(Ok((_, Message::Hello(Hello { session, .. })))) => session,
            other => panic!("{other:?}"),
        }
    });
    assert_ne!(sessions[0], sessions[1]);
}

#[test]
fn a_device_that_restarts_is_missed_greeted_anew_and_driven_again() {
    let mut rig = rig();
    rig.run(pull(), 100);
    rig.far[0].1.device().restart();
    let cycle = rig.run(pull(), 1);
    assert_eq!(of_bus_0(cycle.answered), ([false; 3], [true; 9]));
    let cycle = rig.run(pull(), 5);
    assert_eq!(cycle.answered, [true; JOINTS]);
    assert_eq!(cycle.links[0].missed, 1);
    assert_eq!(rig.far[0].1.last_command()[1].mode, Mode::Impedance);
    let greetings = rig.far[0].1.heard.iter().filter(|message| matches!(message, Message::Hello(_)));
    assert_eq!(greetings.count(), 2);
}

#[test]
fn a_device_that_is_lost_and_comes_back_is_greeted_anew() {
    let mut rig = rig();
    rig.run(pull(), 10);
    let away = rig.far[0].1.device.take();
    let cycle = rig.run(pull(), 100);
    assert_eq!(of_bus_0(cycle.answered), ([false; 3], [true; 9]));
    assert!(cycle.links[..3].iter().all(|link| link.missed == 100), "{:?}", cycle.links);
    rig.far[0].1.device = away;
    let cycle = rig.run(pull(), 20);
    assert_eq!(cycle.answered, [true; JOINTS]);
}

#[test]
fn a_stop_at_the_device_trips_and_holds_until_somebody_resets_it() {
    let robot = robot();
    let mut rig = rig();
    // That of the device's reports where it obeys no command.
    rig.period_nanos = 5_000_000;
    let mut safety = Safety::new(&robot, rig.bridge.limits());
    for (joint, description) in robot.joints.0.iter().enumerate() {
        let within = (-1.0_f64).max(description.lower_rad.get()).min(description.upper_rad.get());
        let actuator = &mut rig.far[joint / 3].1.device().actuators_mut()[joint % 3];
        actuator.rotor.position_rad = description.rotor_position_rad(within);
    }
    safety.request(PowerState::Damped).expect("from off");
    safety.request(PowerState::Standing).expect("from damped");
    let watched = |rig: &mut Rig, safety: &mut Safety, cycles| {
        let mut last = None;
        for _ in 0..cycles {
            let cycle = rig.run(pull(), 1);
            safety.handle_cycle(&cycle);
            last = Some(cycle);
        }
        last.expect("some cycles")
    };
    watched(&mut rig, &mut safety, 10);
    let now = rig.now();
    rig.far[0].1.device().stop(now);
    let cycle = watched(&mut rig, &mut safety, 50);
    let (here, elsewhere) = of_bus_0(cycle.faults);
    assert_eq!((here, elsewhere), ([Some(MotorFault::Stopped); 3], [None; 9]));
    let trip = safety.trip().expect("it is stopped");
    assert!(matches!(trip.cause, Cause::Motor(MotorFault::Stopped)), "{trip}");
    assert_eq!(safety.power(), PowerState::Faulted, "a pressed button lets all joints go at once");
    // Not by itself, however long.
    watched(&mut rig, &mut safety, 1000);
    assert!(safety.clear().is_err(), "it is still there");
    let asks = |rig: &Rig| rig.far[0].1.heard.iter().filter(|it| matches!(it, Message::Reset { .. })).count();
    assert_eq!(asks(&rig), 0);
    rig.bridge.clear_faults();
    let cycle = watched(&mut rig, &mut safety, 5);
    assert_eq!((cycle.faults, cycle.answered), ([None; JOINTS], [true; JOINTS]));
    assert_eq!(rig.far[0].1.last_command()[0].mode, Mode::Impedance);
    safety.clear().expect("nobody presses it any more");
    // What is reset while nothing holds does not release the next one.
    rig.bridge.clear_faults();
    let now = rig.now();
    rig.far[0].1.device().stop(now);
    let cycle = watched(&mut rig, &mut safety, 50);
    assert_eq!(cycle.faults[0], Some(MotorFault::Stopped));
}

#[test]
fn a_stop_outlives_the_restart_of_its_device() {
    let mut rig = rig();
    rig.run(pull(), 10);
    let now = rig.now();
    rig.far[0].1.device().stop(now);
    rig.run(pull(), 50);
    rig.far[0].1.device().restart();
    let cycle = rig.run(pull(), 200);
    assert_eq!(cycle.faults[2], Some(MotorFault::Stopped));
    let obeyed = |it: &Message| matches!(it, Message::State(state) if state.status == Status::Active);
    assert!(obeyed(&rig.far[1].1.said[rig.far[1].1.said.len() - 1]));
    assert!(!rig.far[0].1.said.iter().rev().take(20).any(obeyed));
}

/// A device of another time: it greets nobody.
struct Older;

impl VirtualBus for Older {
    fn hear(&mut self, _: Stamp, bytes: &[u8], say: &mut dyn FnMut(&[u8])) {
        if !bytes.is_empty() {
            let refused = Message::Refused { seq: 0, why: Refusal::Version { device: 1 } };
            let mut frame = [0; MAX_FRAME_LEN];
            let len = encode_frame(0, &refused, &mut frame).expect("it fits");
            say(&frame[..len]);
        }
    }
}

#[test]
fn a_device_of_another_version_is_told_apart_from_a_silent_one() {
    let mut rig = VirtualRig::new(&robot(), || Older);
    let cycle = rig.run(pull(), 5);
    assert_eq!((cycle.answered, cycle.faults), ([false; JOINTS], [Some(MotorFault::OtherVersion); JOINTS]));
    assert!(MotorFault::OtherVersion.remedy().contains("firmware"));
}

fn config(ids: &[u8], max_torque_nm: f32, max_kp: f32) -> DeviceConfig {
    let info = |&id| ActuatorInfo { id, max_torque_nm, max_velocity_rad_s: 0.3, max_kp, max_kd: 0.7 };
    DeviceConfig {
        name: Text::try_from("FL").expect("short"),
        serial: 7,
        firmware: FirmwareVersion { major: 1, minor: 2, patch: 3 },
        actuators: ids.iter().map(info).collect(),
        command_timeout_us: 100_000,
        damping_nm_s_rad: 0.5,
        stop_interval_us: 20_000,
    }
}

#[test]
fn announced_limits_below_the_files_are_kept_and_nothing_is_refused() {
    // The nearest single to 0.1 is beyond it.
    let device = || VirtualDevice::new(config(&[0, 1, 2], 0.1, 1.1)).ok();
    let mut rig = Rig::new(&robot(), || Spy::of(device()));
    let hard = JointCommand { position_rad: -1.0, velocity_rad_s: -8.0, torque_nm: 20.0, kp: 100.0, kd: 9.0 };
    let cycle = rig.run(hard, 20);
    assert_eq!((cycle.answered, cycle.clamped), ([true; JOINTS], [true; JOINTS]));
    for (_, spy) in &rig.far {
        assert!(!spy.said.iter().any(|message| matches!(message, Message::Refused { .. })), "{:?}", spy.said);
        for command in spy.last_command() {
            let sent = [command.velocity_rad_s, command.torque_nm, command.kp, command.kd];
            // A joint that is reversed is told the opposite.
            assert_eq!(sent.map(f32::abs), [0.3, 0.1, 1.1, 0.7]);
        }
    }
    // Within them nothing is changed.
    let soft = JointCommand { position_rad: -1.0, velocity_rad_s: -0.25, torque_nm: 0.09, kp: 1.0, kd: 0.5 };
    assert!(!rig.run(soft, 1).clamped[0]);
}

#[test]
fn an_id_that_was_not_announced_is_told_and_one_that_nobody_wants_is_off() {
    let mut rig = Rig::new(&robot(), || Spy::of(VirtualDevice::of(&[0, 1, 7])));
    let cycle = rig.run(pull(), 10);
    let missing: [bool; JOINTS] = std::array::from_fn(|joint| joint % 3 == 2);
    assert_eq!(cycle.answered, missing.map(|missing| !missing));
    assert_eq!(cycle.faults, missing.map(|missing| missing.then_some(MotorFault::NotAnnounced)));
    let modes: Vec<_> =
        rig.far[0].1.last_command().iter().map(|command| (command.id, command.mode)).collect();
    assert_eq!(modes, [(0, Mode::Impedance), (1, Mode::Impedance), (7, Mode::Off)]);
    assert_eq!(cycle.links[0].missed, 0, "the others are driven all the same");
}

#[test]
fn a_motor_that_is_silent_behind_its_device_has_not_answered() {
    let mut rig = rig();
    rig.run(pull(), 10);
    rig.far[0].1.device().actuators_mut()[1].faults = Faults::SILENT.with(Faults::OVERHEAT);
    rig.far[0].1.device().actuators_mut()[2].faults = Faults::POWER_STAGE;
    let cycle = rig.run(pull(), 10);
    assert_eq!(of_bus_0(cycle.answered).0, [true, false, true]);
    assert_eq!(of_bus_0(cycle.faults).0, [None, Some(MotorFault::Silent), Some(MotorFault::PowerStage)]);
    assert_eq!((cycle.links[1].missed, cycle.links[2].missed), (10, 0));
}

#[test]
fn corrupt_frames_are_counted_at_the_first_joint_and_cost_their_cycle_only() {
    let mut rig = rig();
    rig.run(pull(), 10);
    let spoil = |bus: usize, said: &mut [u8]| {
        if bus == 2 {
            said[5] ^= 0x10;
        }
    };
    let cycle = rig.cycle(&[pull(); JOINTS], spoil);
    assert_eq!(of_bus_0(cycle.answered).0, [true; 3]);
    assert_eq!(cycle.answered[6..9], [false; 3]);
    assert_eq!([5, 6, 7].map(|joint| cycle.links[joint].bad_crc), [0, 1, 0]);
    let cycle = rig.run(pull(), 1);
    assert_eq!((cycle.answered, cycle.links[6].missed), ([true; JOINTS], 1));
}

/// What was measured before a command is not its answer: a port may hold states of long ago.
#[test]
fn a_state_from_before_the_command_does_not_answer_it() {
    let mut rig = rig();
    let commands = [pull(); JOINTS];
    rig.run(pull(), 10);
    let old = rig.far[0].1.said.iter().rev().find(|it| matches!(it, Message::State(_))).expect("one").clone();
    let mut frame = [0; MAX_FRAME_LEN];
    let now = rig.now();
    rig.bridge.begin_cycle(now, &commands).expect("sane commands");
    while rig.bridge.poll_transmit(0, now).is_some() {}
    // Newer by its frame's number, older by what it says.
    let len = encode_frame(500, &old, &mut frame).expect("it fits");
    rig.bridge.handle_bytes(0, now, &frame[..len]);
    assert!(!rig.bridge.end_cycle(now).answered[0]);
}

#[test]
fn a_reading_cycle_brakes_and_drives_nobody() {
    let mut rig = Rig::new(&robot(), || Spy::of(VirtualDevice::of(&[0, 1, 2, 3])));
    let mut cycle: Option<Cycle> = None;
    for _ in 0..3 {
        let now = rig.now();
        rig.bridge.begin_reading(now);
        for (bus, (_, spy)) in rig.far.iter_mut().enumerate() {
            let mut said = Vec::new();
            for _ in 0..3 {
                while let Some(frame) = rig.bridge.poll_transmit(bus, now) {
                    spy.hear(now, frame, &mut |answer| said.extend_from_slice(answer));
                }
                rig.bridge.handle_bytes(bus, now, &std::mem::take(&mut said));
            }
        }
        assert!(rig.bridge.is_complete());
        cycle = Some(rig.bridge.end_cycle(now.plus_nanos(CYCLE_NANOS / 2)));
    }
    assert_eq!(cycle.map(|cycle| cycle.answered), Some([true; JOINTS]));
    for command in rig.far[3].1.last_command() {
        assert_eq!(command.mode, if command.id < 3 { Mode::Brake } else { Mode::Off });
        let numbers =
            [command.position_rad, command.velocity_rad_s, command.torque_nm, command.kp, command.kd];
        assert_eq!(numbers, [0.0; 5]);
    }
    assert_eq!(rig.bridge.poll_transmit(0, rig.now()), None, "between cycles nothing is sent");
}

#[test]
fn more_motors_than_a_device_can_have_are_refused() {
    let mut robot = robot();
    for (i, joint) in robot.joints.0.iter_mut().enumerate() {
        (joint.bus, joint.id) = (0, i as u8);
    }
    let error = MotorBridge::new(&robot).expect_err("twelve behind one");
    assert_eq!(error, BridgeError::Crowded { bus: 0, motors: 12, most: 6 });
    for (i, joint) in robot.joints.0.iter_mut().enumerate() {
        joint.bus = i / 6;
    }
    let bridge = MotorBridge::new(&robot).expect("six behind each of two");
    assert_eq!(bridge.buses(), 2);
    let error = MotorBridge::with_cycle(&robot, 1_000_000).expect_err("1.5 ms of bytes in 0.9 ms");
    assert!(matches!(error, BridgeError::Overloaded { bus: 0, motors: 6, .. }), "{error}");
    // Three a bus go at 1 kHz.
    MotorBridge::with_cycle(&gearless(MotorProtocol::Adit, 0), 1_000_000).expect("0.83 ms in 0.9");
}
