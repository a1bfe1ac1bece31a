use proptest::prelude::*;

use robot_interface::joints::JOINTS;

use super::*;
use crate::protocol::unitree_go::LowCmd;
use crate::protocol::{Impedance, WireError};

const BOTH: [RobotProtocol; 2] = [RobotProtocol::UnitreeGo, RobotProtocol::DeepRobotics];

fn target(i: usize) -> Impedance {
    Impedance {
        position_rad: 0.125 * i as f64,
        velocity_rad_s: -0.5,
        torque_nm: 2.0,
        kp: 20.0 + i as f64,
        kd: 0.5,
    }
}

fn told() -> RobotReport {
    let motor = |i: usize| MotorReport {
        position_rad: -0.25 * i as f64,
        velocity_rad_s: 1.5,
        torque_nm: -3.0,
        temperature_c: 41.0,
        driven: Some(i.is_multiple_of(2)),
    };
    RobotReport {
        tick_ms: 123_456,
        orientation: nalgebra::UnitQuaternion::identity(),
        angular_velocity_rad_s: [0.1, 0.2, 0.3],
        specific_force_m_s2: [0.0, 0.5, 9.75],
        motors: std::array::from_fn(motor),
        foot_force: [10.0, 20.0, 30.0, 40.0],
        battery: Some(BatteryReport { charge_percent: 77, current_a: -2.5, supply_v: 29.5 }),
        remote: Some(RemoteControl { buttons: 0x0220 }),
    }
}

#[test]
fn commands_and_reports_come_back_from_a_stream_with_noise() {
    for protocol in BOTH {
        let targets = std::array::from_fn(|i| Some(target(i)));
        let (mut command, mut report) = (Vec::new(), Vec::new());
        protocol.encode_command(&targets, &mut command);
        protocol.encode_report(&told(), &mut report);
        assert_eq!((command.len(), report.len()), (protocol.command_len(), protocol.report_len()));
        let mut reader = CommandReader::new(protocol);
        let stream = [&[7, 0, 1, 0][..], &command, &command].concat();
        let mut found = Vec::new();
        for mut piece in stream.chunks(100) {
            found.extend(std::iter::from_fn(|| reader.next(&mut piece)).filter_map(Result::ok));
        }
        assert_eq!(found, [targets, targets], "{protocol:?}");
        let mut reader = ReportReader::new(protocol);
        let stream = [&report[..50], &report, &[9; 30], &report].concat();
        let mut found = Vec::new();
        for mut piece in stream.chunks(64) {
            found.extend(std::iter::from_fn(|| reader.next(&mut piece)).filter_map(Result::ok));
        }
        let mut expected = told();
        if protocol == RobotProtocol::DeepRobotics {
            (expected.battery, expected.remote) = (None, None);
            expected.motors.iter_mut().for_each(|motor| motor.driven = None);
        }
        assert_eq!(found, [expected, expected], "{protocol:?}");
    }
}

#[test]
fn a_motor_without_a_target_is_not_driven_and_the_vendors_words_for_none_pull_nowhere() {
    let mut targets = [Some(target(3)); JOINTS];
    targets[5] = None;
    let mut sample = Vec::new();
    RobotProtocol::UnitreeGo.encode_command(&targets, &mut sample);
    let mut command = LowCmd::decode(&sample).expect("a command");
    assert_eq!((command.motors[4].mode, command.motors[5].mode), (1, 0));
    (command.motors[0].q, command.motors[1].dq) = (2.146e9, 16_000.0);
    let read = unitree_go::targets(&command);
    assert_eq!(read[5], None);
    assert_eq!(read[0].map(|t| (t.kp, t.kd)), Some((0.0, 0.5)));
    assert_eq!(read[1].map(|t| (t.kp, t.kd)), Some((23.0, 0.0)));
}

#[test]
fn a_changed_sample_is_refused_but_a_simulators_without_checksum_is_taken() {
    let mut sample = Vec::new();
    RobotProtocol::UnitreeGo.encode_report(&told(), &mut sample);
    let read = |sample: &[u8]| ReportReader::new(RobotProtocol::UnitreeGo).next(&mut &sample[..]);
    sample[100] ^= 1;
    assert!(matches!(read(&sample), Some(Err(WireError::Crc { .. }))));
    let crc_at = sample.len() - 4;
    sample[crc_at..].fill(0);
    // Neither has it the first bytes.
    sample[4..6].fill(0);
    let report = read(&sample).expect("whole").expect("taken");
    assert_eq!(report.motors[0].driven, None, "its mode says nothing");
}

/// A DDS library may leave whatever it had in the gaps between fields.
#[test]
fn dirty_gaps_are_no_damage() {
    let mut sample = Vec::new();
    RobotProtocol::UnitreeGo.encode_report(&told(), &mut sample);
    // Behind the mode of the second motor.
    sample[4 + 125..4 + 128].fill(0xCD);
    let read = ReportReader::new(RobotProtocol::UnitreeGo).next(&mut sample.as_slice());
    assert_eq!(read, Some(Ok(told())));
}

#[test]
fn the_remote_stops_by_l2_and_b_alone() {
    use crate::protocol::unitree_go::button::{A, B, L2};
    let stops = |buttons| RemoteControl { buttons }.is_stop();
    assert!(stops(L2 | B) && stops(L2 | B | A));
    assert!(!stops(L2) && !stops(B) && !stops(L2 | A) && !stops(0));
}

#[test]
fn nothing_is_allocated_once_there_is_room() {
    for protocol in BOTH {
        let (mut command, mut report) = (Vec::with_capacity(1280), Vec::with_capacity(1280));
        let mut reader = ReportReader::new(protocol);
        let targets = [Some(target(1)); JOINTS];
        protocol.encode_report(&told(), &mut report);
        let allocated = allocation_counter::measure(|| {
            protocol.encode_command(&targets, &mut command);
            assert!(reader.next(&mut report.as_slice()).is_some());
        });
        assert_eq!(allocated.count_total, 0, "{protocol:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1500), head in 0usize..4) {
        let heads: [&[u8]; 4] = [&[], &[0, 1, 0, 0, 0xFE, 0xEF], &[6, 9, 0, 0, 80, 1, 0, 0, 1], &[0x11, 1, 0, 0, 240, 0, 0, 0, 1]];
        let bytes = [heads[head], &bytes].concat();
        for protocol in BOTH {
            let (mut reports, mut commands) = (ReportReader::new(protocol), CommandReader::new(protocol));
            let mut rest = bytes.as_slice();
            while reports.next(&mut rest).is_some() {}
            let mut rest = bytes.as_slice();
            while commands.next(&mut rest).is_some() {}
        }
    }
}
