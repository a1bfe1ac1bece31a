//! What a DYNAMIXEL packet costs. Peers, which are too heavy to depend on here, have the same measurements in
//! `dynamixel2_peer/` (the rustypot crate) and `python_sdks.py` (the vendor's SDK, and the other protocols').

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use firmware_bridge::protocol::FrameReader;
use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::dynamixel2::{
    ErrorByte, MAX_PACKET_LEN, Master, Packet, Request, VirtualServos,
};
use robot_interface::time::Stamp;

const IDS: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

fn packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("dynamixel2");
    group.throughput(Throughput::Elements(1));
    let mut buffer = [0; MAX_PACKET_LEN];
    // Made and packed, as a master does for each request.
    group.bench_function("encode/read", |b| {
        b.iter(|| Packet::read(black_box(1), 132, 4).expect("a packet").encode(&mut buffer).len());
    });
    let goals = IDS.map(|id| (id, 2048_i32.to_le_bytes()));
    group.bench_function("encode/sync_write_of_12", |b| {
        b.iter(|| Packet::sync_write(116, 4, black_box(&goals)).expect("a packet").encode(&mut buffer).len());
    });
    let status = Packet::status(1, ErrorByte::default(), &[0xA6, 0, 0, 0]).expect("a packet");
    let bytes = status.encode(&mut buffer).to_vec();
    group.bench_function("decode/status_of_4", |b| b.iter(|| Packet::decode(black_box(&bytes))));
    let stream = bytes.repeat(64);
    group.throughput(Throughput::Elements(64));
    group.bench_function("reader/64_statuses", |b| {
        let mut reader = FrameReader::<Packet, MAX_PACKET_LEN>::new();
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

fn exchange(c: &mut Criterion) {
    let (mut servos, mut master) = (VirtualServos::new(&IDS).expect("a bus"), Master::new(1_000_000));
    // Both ends: the servos' decoding and answering is included.
    c.bench_function("dynamixel2/states_of_12", |b| {
        b.iter(|| {
            let packet = master.begin(Stamp::ZERO, Request::States(&IDS)).expect("a request");
            let mut buffer = [0; MAX_PACKET_LEN];
            let mut events = 0;
            servos.hear(Stamp::ZERO, packet.encode(&mut buffer), &mut |mut answer| {
                while master.handle_bytes(Stamp::ZERO, &mut answer).is_some() {
                    events += 1;
                }
            });
            assert_eq!(events, 12);
        });
    });
}

criterion_group!(benches, packets, exchange);
criterion_main!(benches);
