//! What a frame and a cycle of twelve motors cost. At 500 Hz a cycle has 2 ms, nearly all of it the bus's.

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::{Rig, VirtualRig, gearless, go2, standing};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use firmware_bridge::port::BusPort;
use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::go_m8010::{Command, Mode, MotorId, REPLY_LEN, Reply};
use firmware_bridge::protocol::link::VirtualDevice;
use firmware_bridge::protocol::unitree_a1::{self, Model};
use firmware_bridge::protocol::{Frame, FrameReader};
use firmware_bridge::robot::{ReportReader, RobotProtocol, RobotReport};
use robot_interface::joints::JOINTS;
use robot_interface::robot::MotorProtocol;
use robot_interface::time::Stamp;

fn command() -> Command {
    Command {
        id: MotorId::BROADCAST,
        mode: Mode::Foc,
        targets: Impedance { position_rad: 5.1, velocity_rad_s: -2.0, torque_nm: 0.4, kp: 0.5, kd: 0.0125 },
    }
}

fn reply() -> Reply {
    Reply {
        id: MotorId::BROADCAST,
        mode: Mode::Foc,
        torque_nm: 0.4,
        velocity_rad_s: -2.0,
        position_rad: 5.1,
        temperature_c: 41.0,
        error: None,
        foot_force: 0,
    }
}

fn a1_command() -> unitree_a1::Command {
    unitree_a1::Command {
        id: unitree_a1::MotorId(2),
        mode: unitree_a1::Mode::Foc,
        targets: Impedance { position_rad: 5.1, velocity_rad_s: -2.0, torque_nm: 0.4, kp: 0.5, kd: 0.0125 },
    }
}

fn a1_reply() -> unitree_a1::Reply {
    unitree_a1::Reply {
        id: unitree_a1::MotorId(2),
        mode: unitree_a1::Mode::Foc,
        torque_nm: 0.4,
        velocity_rad_s: -2.0,
        position_rad: 5.1,
        temperature_c: 41.0,
        error: 0,
        foot_force: 0,
        gyro_rad_s: [0.1; 3],
        accel_m_s2: [0.0, 0.0, 9.81],
    }
}

fn frames(c: &mut Criterion) {
    let mut group = c.benchmark_group("go_m8010");
    group.throughput(Throughput::Elements(1));
    let command = command();
    group.bench_function("encode", |b| b.iter(|| black_box(&command).encode()));
    let bytes = reply().encode();
    group.bench_function("decode", |b| b.iter(|| Reply::decode(black_box(&bytes))));
    group.finish();

    let mut group = c.benchmark_group("unitree_a1");
    group.throughput(Throughput::Elements(1));
    let a1 = a1_command();
    group.bench_function("encode", |b| b.iter(|| black_box(&a1).encode(Model::A1)));
    let answer = a1_reply().encode();
    group.bench_function("decode", |b| b.iter(|| unitree_a1::Reply::decode(black_box(&answer))));
    group.finish();

    let stream = bytes.repeat(64);
    let mut group = c.benchmark_group("reader");
    group.throughput(Throughput::Bytes((64 * REPLY_LEN) as u64));
    group.bench_function("64_replies", |b| {
        let mut reader = FrameReader::<Reply>::new();
        b.iter(|| {
            let mut rest = black_box(stream.as_slice());
            let mut found = 0;
            while let Some(Ok(_)) = reader.next_frame(&mut rest) {
                found += 1;
            }
            assert_eq!(found, 64);
        });
    });
    group.finish();
}

fn cycle(c: &mut Criterion) {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let mut now = Stamp::ZERO;
    // Both ends: the motors' decoding and answering is included.
    c.bench_function("cycle/twelve_motors_over_loopback", |b| {
        b.iter(|| {
            now = now.plus_nanos(2_000_000);
            rig.cycle_with(now, &commands, |_, reply, port| {
                let _ = port.write(&reply.encode());
            })
        });
    });
    let robot = gearless(MotorProtocol::Adit, 0);
    let mut rig = VirtualRig::new(&robot, || VirtualDevice::of(&[0, 1, 2]).expect("a device"));
    let commands = standing(&robot);
    // The devices' ends too, with their rotors.
    c.bench_function("cycle/four_microcontrollers_over_loopback", |b| {
        b.iter(|| rig.cycle(&commands, |_, _| {}));
    });
}

/// A whole robot's messages: a command made, a report found in its bytes and checked, which is all of a cycle.
fn whole_robot(c: &mut Criterion) {
    for (name, protocol) in
        [("unitree_go", RobotProtocol::UnitreeGo), ("deeprobotics", RobotProtocol::DeepRobotics)]
    {
        let (mut command, mut report) = (Vec::new(), Vec::new());
        protocol.encode_report(&RobotReport::default(), &mut report);
        let mut reader = ReportReader::new(protocol);
        let targets = [Some(Impedance::damping(1.0)); JOINTS];
        c.bench_function(&format!("whole_robot/{name}"), |b| {
            b.iter(|| {
                protocol.encode_command(&targets, &mut command);
                reader.next(&mut report.as_slice())
            });
        });
    }
}

criterion_group!(benches, frames, cycle, whole_robot);
criterion_main!(benches);
