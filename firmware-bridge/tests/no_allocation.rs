//! The real-time path does not allocate after start.

mod common;

use allocation_counter::measure;
use common::{Rig, VirtualRig, gearless, go2, honest, standing};
use firmware_bridge::port::{BusPort, PortError, SerialPort, Tty, replaceable};
use firmware_bridge::protocol::go_m8010;
use firmware_bridge::protocol::imu::{ImuFrame, ImuReader};
use firmware_bridge::protocol::link::VirtualDevice;
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::MotorProtocol;
use robot_interface::time::Stamp;

#[test]
fn a_cycle_allocates_nothing_whether_motors_answer_or_not() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let info = measure(|| {
        for cycle in 0..50 {
            let now = Stamp::from_nanos(cycle * 2_000_000);
            let result = rig.cycle_with(now, &commands, |bus, reply, port| {
                // One motor is dead, and one line is noisy.
                if (bus, reply.id.get()) != (2, 1) {
                    port.write(&[0xFD, 0x00, 0xFD]).expect("room");
                    port.write(&reply.encode()).expect("room");
                }
            });
            assert_eq!(result.answered.iter().filter(|answered| !**answered).count(), 1);
        }
    });
    assert_eq!(info.count_total, 0, "{info:?}");
}

/// Neither the greeting, which makes the host's end, nor what follows it: a restart, a stop, noise.
#[test]
fn a_cycle_of_a_linked_bus_allocates_nothing() {
    let robot = gearless(MotorProtocol::Adit, 0);
    let mut rig = VirtualRig::new(&robot, || VirtualDevice::of(&[0, 1, 2]).expect("a device"));
    let info = measure(|| {
        for cycle in 0..200 {
            if cycle == 100 {
                let now = rig.now();
                rig.far[1].1.stop(now);
            }
            let spoil = |bus: usize, said: &mut [u8]| said[3] ^= u8::from(bus == 2 && cycle % 7 == 0);
            rig.cycle(&[JointCommand::damping(1.0); JOINTS], spoil);
        }
        rig.bridge.clear_faults();
        let cycle = rig.run(JointCommand::damping(1.0), 10);
        assert_eq!(cycle.answered, [true; JOINTS]);
    });
    assert_eq!(info.count_total, 0, "{info:?}");
}

/// A pseudo-terminal's master, and the serial port at its other end.
fn line() -> (Tty, SerialPort) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("it can be used");
    let path = ptsname(&master, Vec::new()).expect("it has a name").into_string().expect("of plain letters");
    let master = Tty::new(master).expect("raw mode");
    (master, SerialPort::open(path.as_ref(), go_m8010::BAUD).expect("opens"))
}

#[test]
fn an_inertial_sensor_on_a_serial_line_allocates_nothing() {
    let (mut sensor, mut port) = line();
    let mut reader = ImuReader::new();
    let mut found = 0;
    let info = measure(|| {
        for sequence in 0..500 {
            let frame = ImuFrame {
                sequence,
                time_us: u64::from(sequence) * 2000,
                angular_velocity_rad_s: [0.0; 3],
                specific_force_m_s2: [0.0, 0.0, 9.81],
            };
            sensor.write(&[0xAD, 0x17, 0xAD]).expect("room");
            sensor.write(&frame.encode()).expect("room");
            let mut buffer = [0; 256];
            let count = port.read(&mut buffer).expect("open");
            let mut bytes = &buffer[..count];
            while reader.next_frame(&mut bytes).is_some() {
                found += 1;
            }
        }
    });
    assert_eq!(info.count_total, 0, "{info:?}");
    assert!(found > 0, "the terminal may be slow, but not for ever");
}

/// Neither a full line nor a dead one, nor the change to another.
#[test]
fn a_port_in_trouble_allocates_nothing() {
    let (master, serial) = line();
    let (mut port, mut replacer) = replaceable();
    replacer.poll(Stamp::ZERO, || Ok::<_, ()>(serial));
    let info = measure(|| {
        while port.write(&[1; 250]) != Err(PortError::Full) {}
        assert_eq!(port.read(&mut [0; 8]), Ok(0));
    });
    assert_eq!(info.count_total, 0, "full: {info:?}");
    drop(master);
    let info = measure(|| {
        for _ in 0..10 {
            assert_eq!(port.write(&[1]), Err(PortError::Closed));
            assert_eq!(port.read(&mut [0; 8]), Err(PortError::Closed));
        }
    });
    assert_eq!((info.count_total, info.bytes_current), (0, 0), "closed: {info:?}");
    let (mut master, serial) = line();
    let later = Stamp::from_nanos(1_000_000_000);
    assert_eq!(replacer.poll(later, || Err(())), None, "the dead one is closed first");
    replacer.poll(later.plus_nanos(1_000_000_000), || Ok::<_, ()>(serial));
    let info = measure(|| assert_eq!(port.write(&[1]), Ok(())));
    assert_eq!(info.count_total, 0, "replaced: {info:?}");
    let mut byte = [0];
    while master.read(&mut byte) == Ok(0) {
        std::thread::yield_now();
    }
    assert_eq!(byte, [1]);
}

#[test]
fn the_counter_counts() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let info = measure(|| {
        rig.cycle(Stamp::ZERO, &commands, honest);
    });
    assert!(info.count_total > 0, "this rig's replies are collected in vectors: {info:?}");
}
