//! What a packet of a Feetech servo costs. At 1 Mbaud a reading's request and answer take 0.29 ms on the bus.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use firmware_bridge::protocol::feetech::{
    Errors, Goal, MAX_PACKET_LEN, Reading, Register, Request, ServoId, Status, StatusReader,
};

fn packets(c: &mut Criterion) {
    let Some(id) = ServoId::new(3) else { return };
    let Ok(answer) = Status::new(id, Errors::NONE, &[0x12; Reading::LEN]) else { return };
    let goal = Goal { position_rad: 1.2, velocity_rad_s: 2.0, acceleration_rad_s2: 10.0, time: 0 };
    let mut group = c.benchmark_group("feetech");
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode", |b| {
        let mut buffer = [0; MAX_PACKET_LEN];
        b.iter(|| {
            let registers = black_box(&goal).registers()?;
            let request = Request::Write { address: Register::ACCELERATION.address, data: &registers };
            request.encode(id, &mut buffer).ok().map(<[u8]>::len)
        });
    });
    let mut buffer = [0; MAX_PACKET_LEN];
    let bytes = answer.encode(&mut buffer);
    group.bench_function("decode", |b| {
        b.iter(|| Reading::from_registers(Status::decode(black_box(bytes)).ok()?.parameters.as_slice()).ok());
    });
    group.finish();

    let stream = bytes.repeat(64);
    let mut group = c.benchmark_group("feetech_reader");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("64_answers", |b| {
        let mut reader = StatusReader::new();
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

criterion_group!(benches, packets);
criterion_main!(benches);
