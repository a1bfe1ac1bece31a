//! Scans of virtual buses of every protocol: who is found, and what is said of whom.

use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::link::VirtualDevice;
use firmware_bridge::protocol::unitree_a1::Model;
use firmware_bridge::protocol::unitree_motors::VirtualMotors;
use firmware_bridge::protocol::{damiao, dynamixel2, feetech, go_m8010};
use firmware_bridge::scan::{Device, Protocol, Scan};
use robot_interface::time::Stamp;

const BUDGET_NANOS: u64 = 20_000_000;

/// Runs a scan; `line` carries what is sent to whoever hears it, and gives what comes back.
fn run(protocol: Protocol, mut line: impl FnMut(Stamp, &[u8]) -> Vec<u8>) -> Scan {
    let mut scan = Scan::new(protocol, BUDGET_NANOS);
    let mut now = Stamp::from_nanos(1);
    while !scan.is_complete() {
        let came = scan.poll_transmit(now).map(|sent| line(now, sent));
        // In two pieces, as a line would.
        if let Some(came) = came {
            let (front, back) = came.split_at(came.len() / 2);
            scan.handle_bytes(now, front);
            scan.handle_bytes(now, back);
        }
        now = scan.poll_timeout().unwrap_or(now);
    }
    scan
}

fn ask(bus: &mut dyn VirtualBus, now: Stamp, sent: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    bus.hear(now, sent, &mut |answer| said.extend_from_slice(answer));
    said
}

fn ids(scan: &Scan) -> Vec<u8> {
    scan.found().iter().map(|device| device.id).collect()
}

/// A bus of each protocol with motors 1, 2 and 7 on it.
fn buses() -> Vec<(Protocol, Box<dyn VirtualBus>)> {
    let damiao = [1, 2, 7].map(|id| damiao::MotorId::new(id).expect("an id"));
    let feetech = [1, 2, 7].map(|id| feetech::ServoId::new(id).expect("an id"));
    vec![
        (Protocol::GoM8010, Box::new(VirtualMotors::go_m8010(&[1, 2, 7]))),
        (Protocol::A1, Box::new(VirtualMotors::a1(Model::A1, &[1, 2, 7]))),
        (Protocol::B1, Box::new(VirtualMotors::a1(Model::B1, &[1, 2, 7]))),
        (Protocol::Dynamixel2, Box::new(dynamixel2::VirtualServos::new(&[1, 2, 7]).expect("ids"))),
        (Protocol::Damiao, Box::new(damiao::VirtualMotors::of(damiao::Model::Dm4310, damiao))),
        (Protocol::Feetech, Box::new(feetech::VirtualServos::of(feetech))),
        (Protocol::Adit, Box::new(VirtualDevice::of(&[1, 2, 7]).expect("a device"))),
    ]
}

#[test]
fn every_protocol_finds_its_own_and_nobody_else() {
    for (protocol, mut bus) in buses() {
        for asked in Protocol::ALL {
            let scan = run(asked, |now, sent| ask(&mut *bus, now, sent));
            // An A1 and a B1 differ in their rate alone, which this line does not have.
            let same = |protocol| if protocol == Protocol::B1 { Protocol::A1 } else { protocol };
            let expected: &[u8] = if same(asked) == same(protocol) { &[1, 2, 7] } else { &[] };
            assert_eq!(ids(&scan), expected, "{protocol:?} asked as {asked:?}");
            assert_eq!((scan.unclear().len(), scan.echoes().0), (0, 0), "{protocol:?} asked as {asked:?}");
            for Device { position_rad, temperature_c, answers, errors, .. } in scan.found() {
                assert!(position_rad.is_some() && temperature_c.is_some(), "{protocol:?}");
                assert_eq!((*answers, errors.len()), (1, 0), "{protocol:?} {errors:?}");
            }
        }
    }
}

#[test]
fn what_a_protocol_tells_of_its_motors_is_told() {
    for (protocol, mut bus) in buses() {
        let scan = run(protocol, |now, sent| ask(&mut *bus, now, sent));
        let device = &scan.found()[0];
        let told = [device.model.is_some(), device.firmware.is_some(), device.voltage_v.is_some()];
        let expected = match protocol {
            Protocol::GoM8010 | Protocol::A1 | Protocol::B1 => [false; 3],
            Protocol::Damiao => [true, true, false],
            Protocol::Dynamixel2 | Protocol::Feetech | Protocol::Adit => [true; 3],
        };
        assert_eq!(told, expected, "{device:?}");
    }
}

#[test]
fn no_question_drives_a_motor() {
    let asked = |protocol| {
        let mut frames = Vec::new();
        run(protocol, |_, sent| {
            frames.push(sent.to_vec());
            Vec::new()
        });
        frames
    };
    for frame in asked(Protocol::GoM8010) {
        let command = go_m8010::Command::decode(&frame).expect("whole");
        assert_eq!(command, go_m8010::Command::idle(command.id));
        assert_eq!(command.mode, go_m8010::Mode::Brake);
    }
    // And the moving ones: a rotor that is driven turns.
    let mut bus = VirtualMotors::go_m8010(&[0, 1]);
    for motor in bus.motors_mut() {
        motor.rotor.position_rad = 3.0;
    }
    run(Protocol::GoM8010, |now, sent| ask(&mut bus, now, sent));
    assert!(bus.motors().iter().all(|motor| motor.rotor.position_rad == 3.0));
    let mut device = VirtualDevice::of(&[0, 1]).expect("a device");
    device.actuators_mut()[1].rotor.position_rad = 3.0;
    run(Protocol::Adit, |now, sent| ask(&mut device, now, sent));
    assert_eq!((device.actuators()[1].rotor.position_rad, device.device().command_seq()), (3.0, None));
    for frame in asked(Protocol::Damiao) {
        let can = damiao::Outbound::decode(&frame).expect("whole").can;
        let request = damiao::Request::decode(&can, &damiao::Model::Dm4310.ranges()).expect("a request");
        assert!(request.action.is_harmless(), "{request:?}");
    }
}

#[test]
fn an_echo_is_counted_and_neither_a_motor_nor_noise() {
    for (protocol, mut bus) in buses() {
        let scan = run(protocol, |now, sent| [sent, &ask(&mut *bus, now, sent)].concat());
        assert_eq!(ids(&scan), [1, 2, 7], "{protocol:?}");
        let (echoes, questions) = scan.echoes();
        assert!(scan.unclear().is_empty() && echoes == questions, "{protocol:?}: {echoes} of {questions}");
        assert!(scan.found().iter().all(|device| device.answers == 1), "{protocol:?}");
    }
}

#[test]
fn two_motors_under_one_id_show_as_two_answers_or_as_noise() {
    for (protocol, mut bus) in buses() {
        let scan = run(protocol, |now, sent| {
            let said = ask(&mut *bus, now, sent);
            said.repeat(2)
        });
        assert!(scan.found().iter().all(|device| device.answers == 2), "{protocol:?}: {:?}", scan.found());
        let scan =
            run(protocol, |now, sent| ask(&mut *bus, now, sent).iter().map(|byte| byte ^ 0x24).collect());
        assert!(scan.found().is_empty(), "{protocol:?}");
        // A microcontroller is asked once, and has no id.
        let expected: &[u8] = if protocol == Protocol::Adit { &[0] } else { &[1, 2, 7] };
        assert_eq!(scan.unclear().iter().map(|u| u.id).collect::<Vec<_>>(), expected, "{protocol:?}");
    }
}

#[test]
fn what_a_motor_complains_of_comes_with_its_remedy() {
    let mut bus = VirtualMotors::go_m8010(&[3]);
    bus.motors_mut()[0].rotor.temperature_c = 95.0;
    let scan = run(Protocol::GoM8010, |now, sent| ask(&mut bus, now, sent));
    assert!(scan.found()[0].errors[0].contains("cool"), "{:?}", scan.found());
}

#[test]
fn a_microcontroller_is_found_with_its_actuators_and_one_of_another_version_too() {
    let mut device = VirtualDevice::of(&[4, 9]).expect("a device");
    device.actuators_mut()[1].faults = adit_link::Faults::SILENT;
    let scan = run(Protocol::Adit, |now, sent| ask(&mut device, now, sent));
    assert_eq!(ids(&scan), [4, 9]);
    assert_eq!(scan.found()[1].model.as_deref(), Some("virtual"));
    assert_eq!(scan.found()[1].firmware.as_deref(), Some("0.1.0"));
    assert!(
        scan.found()[0].errors.is_empty() && scan.found()[1].errors[0].contains("cable"),
        "{:?}",
        scan.found()
    );
    assert_eq!(scan.progress(), (1, 1));
    let why = adit_link::Refusal::Version { device: 1 };
    let scan = run(Protocol::Adit, |_, _| {
        let mut frame = [0; adit_link::MAX_FRAME_LEN];
        let refused = adit_link::Message::Refused { seq: 0, why };
        let len = adit_link::encode_frame(0, &refused, &mut frame).expect("it fits");
        frame[..len].to_vec()
    });
    assert!(scan.found()[0].errors[0].contains("flash firmware"), "{:?}", scan.found());
}

#[test]
fn an_answer_in_another_name_is_nobodys() {
    let mut bus = VirtualMotors::go_m8010(&[4]);
    let scan = run(Protocol::GoM8010, |now, _| {
        ask(&mut bus, now, &go_m8010::Command::idle(go_m8010::MotorId::new(4).expect("an id")).encode())
    });
    assert_eq!(ids(&scan), [4]);
    assert_eq!(scan.unclear().len(), 14);
}
