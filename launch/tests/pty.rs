//! The simulator's pseudo-terminals, with the bridge's serial port at their other ends.

#![expect(clippy::disallowed_methods, reason = "real threads need real time")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use firmware_bridge::bridge::MotorBridge;
use firmware_bridge::port::{BusDriver, BusPort, OpenError, PortError, SerialPort, replaceable};
use firmware_bridge::protocol::go_m8010;
use launch::pty::{Pty, PtyError, wait_readable};
use robot_interface::fixtures::go2;
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::time::Stamp;
use sim::engine::JointReading;
use sim::motors::virtual_buses;

const SECOND_NANOS: u64 = 1_000_000_000;

fn serial(path: &Path) -> SerialPort {
    SerialPort::open(path, go_m8010::BAUD).expect("a pseudo-terminal takes any rate")
}

/// Reads until so many bytes have come, or for ten seconds.
fn read_some(port: &mut impl BusPort, count: usize) -> Vec<u8> {
    let begun = Instant::now();
    let mut all = Vec::new();
    while all.len() < count && begun.elapsed() < Duration::from_secs(10) {
        let mut buffer = [0; 100];
        let got = port.read(&mut buffer).expect("open");
        all.extend_from_slice(&buffer[..got]);
        std::thread::yield_now();
    }
    all
}

#[test]
fn every_byte_passes_both_ways_unchanged() {
    let mut near = Pty::new().expect("a pseudo-terminal");
    let mut far = serial(near.path());
    assert!(near.has_peer());
    // Among them what a terminal would act upon: ^C, ^D, ^S, ^Q, carriage return, delete.
    let bytes: Vec<u8> = (0..=255).collect();
    for _ in 0..20 {
        near.write(&bytes).expect("room");
        assert_eq!(read_some(&mut far, 256), bytes);
        far.write(&bytes).expect("room");
        assert_eq!(read_some(&mut near, 256), bytes);
    }
    let mut buffer = [0; 8];
    assert_eq!((near.read(&mut buffer), far.read(&mut buffer)), (Ok(0), Ok(0)), "and there is no echo");
}

#[test]
fn what_nobody_listens_to_is_lost_and_does_not_pile_up() {
    let mut near = Pty::new().expect("a pseudo-terminal");
    for _ in 0..100_000 {
        near.write(&[7; 100]).expect("a wire without a listener takes everything");
    }
    assert_eq!(near.read(&mut [0; 8]), Ok(0));
    let mut far = serial(near.path());
    assert_eq!(far.read(&mut [0; 8]), Ok(0), "nothing of it waited for the one who came later");
    near.write(&[1, 2]).expect("room");
    assert_eq!(read_some(&mut far, 2), [1, 2]);
}

#[test]
fn a_peer_that_does_not_read_is_told_apart_and_catches_up() {
    let mut near = Pty::new().expect("a pseudo-terminal");
    let mut far = serial(near.path());
    let mut written = 0_usize;
    let refused = loop {
        match near.write(&[written as u8; 100]) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100_000, "it piles up without end");
    };
    assert_eq!(refused, PortError::Full);
    // All of every write that was taken arrives, and nothing of the one that was not.
    let mut seen = Vec::new();
    while seen.len() < 100 * written {
        let more = read_some(&mut far, 1);
        assert!(!more.is_empty(), "{} of {}", seen.len(), 100 * written);
        seen.extend(more);
        // What was left over of the last write goes when the port is next used.
        assert_eq!(near.read(&mut [0; 8]), Ok(0));
    }
    let expected: Vec<u8> = (0..written).flat_map(|i| [i as u8; 100]).collect();
    assert!(seen == expected, "{} bytes", seen.len());
}

#[test]
fn a_peer_may_go_and_come_back_without_seeing_what_the_former_left() {
    let mut near = Pty::new().expect("a pseudo-terminal");
    for round in 0..5_u8 {
        let mut far = serial(near.path());
        assert_eq!(far.read(&mut [0; 8]), Ok(0), "round {round}: nothing is left of the round before");
        far.write(&[round]).expect("room");
        assert_eq!(read_some(&mut near, 1), [round]);
        for _ in 0..30 {
            near.write(&[round; 200]).expect("room");
        }
        drop(far);
        assert!(!near.has_peer());
        assert_eq!(near.read(&mut [0; 8]), Ok(0), "a peer that is gone is no error");
        near.write(&[99]).expect("nor is writing to nobody");
    }
}

#[test]
fn two_programs_cannot_have_one_port() {
    let near = Pty::new().expect("a pseudo-terminal");
    let first = serial(near.path());
    let error = SerialPort::open(near.path(), go_m8010::BAUD).expect_err("it is taken");
    assert!(matches!(error, OpenError::Busy { .. }) && error.to_string().contains("fuser"), "{error}");
    drop(first);
    serial(near.path());
}

#[test]
fn what_is_no_port_is_refused_with_a_remedy() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    std::fs::write(&file, "text").expect("a file");
    for (path, remedy) in [
        (directory.path().join("none"), "there is no such port"),
        (PathBuf::from("/dev/null"), "no serial port"),
        (file.clone(), "no serial port"),
        (directory.path().to_owned(), "no serial port"),
    ] {
        let error = SerialPort::open(&path, go_m8010::BAUD).expect_err("no port").to_string();
        assert!(error.contains(remedy) && error.contains(&path.display().to_string()), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "text");
    let near = Pty::new().expect("a pseudo-terminal");
    let error = SerialPort::open(near.path(), 0).expect_err("no rate");
    assert!(matches!(error, OpenError::Baud { wanted: 0, .. }), "{error}");
}

#[test]
fn a_link_leads_to_the_newest_and_goes_with_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("adit-0/motor0");
    let old = Pty::linked(&link).expect("a link");
    let mut new = Pty::linked(&link).expect("it replaces the old one");
    drop(old);
    assert_eq!(new.path(), link, "the old one leaves the new one's link alone");
    let mut far = serial(&link);
    new.write(&[5]).expect("room");
    assert_eq!(read_some(&mut far, 1), [5]);
    assert_eq!(std::fs::read_dir(link.parent().expect("has one")).expect("reads").count(), 1, "no litter");
    drop(new);
    assert!(link.symlink_metadata().is_err(), "the link is gone");
    assert_eq!(far.read(&mut [0; 8]), Err(PortError::Closed));
    assert_eq!(far.write(&[0]), Err(PortError::Closed));

    std::fs::write(&link, "somebody's notes").expect("a file");
    assert!(matches!(Pty::linked(&link), Err(PtyError::Occupied(_))));
    assert_eq!(std::fs::read_to_string(&link).expect("still there"), "somebody's notes");
    assert!(matches!(Pty::linked(&link.join("below/a/file")), Err(PtyError::Link { .. })));
}

/// The bridge's side outlives the simulator's: the port is opened again by its link, elsewhere than in the
/// thread that uses it.
#[test]
fn the_bridge_finds_a_simulator_that_has_restarted() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("motor0");
    let open = || SerialPort::open(&link, go_m8010::BAUD);
    let (mut port, mut replacer) = replaceable();
    let mut now = Stamp::ZERO;
    for byte in 0..3 {
        assert!(matches!(replacer.poll(now, open), Some(Err(OpenError::NotFound { .. }))), "not started yet");
        assert_eq!(port.read(&mut [0; 8]), Err(PortError::Closed));
        let mut near = Pty::linked(&link).expect("a link");
        now = now.plus_nanos(SECOND_NANOS);
        assert!(matches!(replacer.poll(now, open), Some(Ok(()))));
        assert_eq!(port.read(&mut [0; 8]), Ok(0), "it is there again");
        near.write(&[byte]).expect("room");
        assert_eq!(read_some(&mut port, 1), [byte]);
        drop(near);
        assert_eq!(port.read(&mut [0; 8]), Err(PortError::Closed));
        assert!(replacer.poll(now, open).is_none(), "not in a tight loop");
        now = now.plus_nanos(SECOND_NANOS);
    }
}

#[test]
fn waiting_ends_with_bytes_or_with_the_time_and_does_not_spin() {
    let (mut a, b) = (Pty::new().expect("one"), Pty::new().expect("another"));
    let (far_a, mut far_b) = (serial(a.path()), serial(b.path()));
    let begun = Instant::now();
    assert!(!wait_readable([&a, &b], Duration::from_millis(30)).expect("waits"));
    assert!(begun.elapsed() >= Duration::from_millis(30));
    far_b.write(&[1]).expect("room");
    assert!(wait_readable([&a, &b], Duration::from_secs(60)).expect("waits"), "there is a byte");

    // One that nobody has open any more: a look every few milliseconds, no more, and the others still wake it.
    drop(far_a);
    assert_eq!(a.read(&mut [0; 8]), Ok(0));
    assert!(wait_readable([&a, &b], Duration::from_secs(60)).expect("waits"));
    let begun = Instant::now();
    for _ in 0..20 {
        assert!(!wait_readable([&a], Duration::from_secs(60)).expect("waits"));
    }
    assert!(begun.elapsed() >= Duration::from_millis(20), "it sleeps: {:?}", begun.elapsed());
}

#[test]
fn twelve_motors_on_four_buses_answer_through_pseudo_terminals() {
    const CYCLES: usize = 100;
    let robot = go2();
    // A cycle of ten seconds: a loaded machine must not make the test fail. It ends with the last answer.
    let mut bridge = MotorBridge::with_cycle(&robot, 10 * SECOND_NANOS).expect("a possible wiring");
    let masters: Vec<_> = (0..bridge.buses()).map(|_| Pty::new().expect("a pseudo-terminal")).collect();
    let ports: Vec<_> = masters.iter().map(|master| serial(master.path())).collect();
    let mut driver = BusDriver::new(&bridge, ports).expect("one port a bus");
    let readings: [JointReading; JOINTS] = std::array::from_fn(|i| JointReading {
        position_rad: -0.9 - 0.01 * i as f64,
        velocity_rad_s: 0.3 * i as f64 - 1.0,
        torque_nm: 2.0 - 0.5 * i as f64,
    });
    let begun = Instant::now();
    let clock = || Stamp::from_nanos(begun.elapsed().as_nanos() as u64);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let motors = scope.spawn(|| {
            let mut buses = virtual_buses(&robot, masters).expect("one port a bus");
            // Should the other thread fail, this one must not keep the test from ending.
            while !done.load(Ordering::Relaxed) && begun.elapsed() < Duration::from_secs(120) {
                wait_readable(buses.iter().map(|bus| bus.port()), Duration::from_millis(10)).expect("waits");
                for bus in &mut buses {
                    bus.service(clock(), &readings).expect("the wire holds");
                }
            }
            buses.iter().map(|bus| bus.rejected()).sum::<u64>()
        });
        let commands = robot.default_pose().map(|position_rad| JointCommand {
            position_rad,
            kp: 20.0,
            kd: 0.5,
            ..JointCommand::default()
        });
        for cycle in 0..CYCLES {
            bridge.begin_cycle(clock(), &commands).expect("sane commands");
            while !bridge.is_complete() {
                driver.poll(&mut bridge, clock());
                std::thread::yield_now();
            }
            let result = bridge.end_cycle(clock());
            assert_eq!(result.answered, [true; JOINTS], "cycle {cycle}");
            for (state, reading) in result.states.joints.iter().zip(&readings) {
                assert!((state.position_rad - reading.position_rad).abs() < 2e-5, "{state:?}");
            }
            assert_eq!(result.stray_bytes, 0);
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(motors.join().expect("the motors' thread ends"), 0, "every command arrived intact");
    });
}
