//! What a frame of a Damiao motor costs. On CAN at 1 Mbit/s a command and its answer take about 0.26 ms.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::damiao::adapter::INBOUND_LEN;
use firmware_bridge::protocol::damiao::{
    Action, Answer, Feedback, Inbound, Model, MotorId, Reader, Request, State,
};

fn answer(id: MotorId) -> Answer {
    Answer::Feedback(Feedback {
        id,
        master: 0x10 + u16::from(id.get()),
        state: State::Enabled,
        position: 0x9C34,
        velocity: 0x7AB,
        torque: 0x812,
        mos_c: 41,
        rotor_c: 38,
    })
}

fn frames(c: &mut Criterion) {
    let Some(id) = MotorId::new(3) else { return };
    let ranges = Model::Dm4340.ranges();
    let targets = Impedance { position_rad: 1.2, velocity_rad_s: -2.0, torque_nm: 0.4, kp: 40.0, kd: 1.0 };
    let request = Request { id, action: Action::Impedance(targets) };
    let mut group = c.benchmark_group("damiao");
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode", |b| b.iter(|| black_box(&request).encode(black_box(&ranges))));
    let bytes = answer(id).inbound().encode();
    group.bench_function("decode", |b| {
        b.iter(|| match Answer::decode(&Inbound::decode(black_box(&bytes)).ok()?) {
            Ok(Some(Answer::Feedback(feedback))) => Some(feedback.motion(&ranges)),
            _ => None,
        });
    });
    group.finish();

    let stream: Vec<u8> =
        MotorId::all().cycle().take(64).flat_map(|id| answer(id).inbound().encode()).collect();
    // Every answer with a stray byte behind it, so that the place is lost and nothing is found.
    let broken: Vec<u8> =
        stream.chunks(INBOUND_LEN).flat_map(|frame| [frame, &[0xAA][..]].concat()).collect();
    let mut group = c.benchmark_group("damiao_reader");
    for (name, stream, expected) in [("64_answers", &stream, 64), ("64_answers_out_of_place", &broken, 1)] {
        group.throughput(Throughput::Bytes(stream.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut reader = Reader::new();
                let mut rest = black_box(stream.as_slice());
                let mut found = 0;
                while let Some(result) = reader.next_frame(&mut rest) {
                    found += usize::from(result.is_ok());
                }
                assert_eq!(found, expected);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
