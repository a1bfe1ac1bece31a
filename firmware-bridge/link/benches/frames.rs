//! What a frame costs. At 1 kHz a cycle has 1 ms, nearly all of it the line's.

use std::hint::black_box;

use adit_link::{
    ActuatorCommand, ActuatorState, Command, Decoder, Faults, LIST_LEN, MAX_FRAME_LEN, Message, Mode, State,
    Status, encode_frame,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn command(count: usize) -> Message {
    let actuator = |id| ActuatorCommand {
        id,
        mode: Mode::Impedance,
        position_rad: 0.81,
        velocity_rad_s: -1.3,
        torque_nm: 4.7,
        kp: 20.1,
        kd: 0.5,
    };
    Message::Command(Command { actuators: (0..count as u8).map(actuator).collect() })
}

fn state(count: usize) -> Message {
    let actuator = |id| ActuatorState {
        id,
        mode: Mode::Impedance,
        position_rad: 0.79,
        velocity_rad_s: -1.1,
        torque_nm: 4.4,
        temperature_c: 41.5,
        faults: Faults::NONE,
    };
    Message::State(State {
        time_us: 123_456_789,
        status: Status::Active,
        command_seq: Some(40_000),
        supply_v: 24.3,
        actuators: (0..count as u8).map(actuator).collect(),
    })
}

fn frames(c: &mut Criterion) {
    for (name, make) in [("command", command as fn(usize) -> Message), ("state", state)] {
        let mut group = c.benchmark_group(name);
        for count in [3, LIST_LEN] {
            let message = make(count);
            let mut frame = [0; MAX_FRAME_LEN];
            let len = encode_frame(40_000, &message, &mut frame).expect("it fits");
            group.throughput(Throughput::Bytes(len as u64));
            group.bench_function(BenchmarkId::new("encode", count), |b| {
                b.iter(|| encode_frame(40_000, black_box(&message), &mut frame));
            });
            group.bench_function(BenchmarkId::new("decode", count), |b| {
                let mut decoder = Decoder::new();
                b.iter(|| decoder.next_frame(&mut black_box(&frame[..len])));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, frames);
criterion_main!(benches);
