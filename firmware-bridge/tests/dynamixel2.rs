//! The DYNAMIXEL Protocol 2.0 codec against frames of the vendor's e-manual and of its SDK, and against bytes
//! that nobody should send.

use firmware_bridge::protocol::dynamixel2::{
    BROADCAST, BulkRead, BulkWrite, ErrorByte, FactoryReset, FastPart, Instruction, MAX_PACKET_LEN,
    MIN_PACKET_LEN, Packet, PacketError, ServoError,
};
use firmware_bridge::protocol::{FrameReader, WireError};
use proptest::prelude::*;

/// Made by the vendor's SDK; `vectors/make_dynamixel2.py` says how.
const PACKETS: &str = include_str!("vectors/dynamixel2_packets.tsv");

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hex")).collect()
}

fn bytes(packet: &Packet) -> Vec<u8> {
    packet.encode(&mut [0; MAX_PACKET_LEN]).to_vec()
}

fn status(id: u8, params: &[u8]) -> Packet {
    Packet::status(id, ErrorByte::default(), params).expect("a packet")
}

/// CRC-16, poly 0x8005, bit by bit: a second derivation of the codec's tables.
fn crc(bytes: &[u8]) -> [u8; 2] {
    let crc = bytes.iter().fold(0_u16, |crc, &byte| {
        (0..8).fold(
            crc ^ u16::from(byte) << 8,
            |crc, _| {
                if crc >> 15 == 1 { crc << 1 ^ 0x8005 } else { crc << 1 }
            },
        )
    });
    crc.to_le_bytes()
}

fn sealed(mut frame: Vec<u8>) -> Vec<u8> {
    frame.extend(crc(&frame));
    frame
}

#[test]
fn the_manuals_examples_are_packed_as_it_prints_them() {
    assert_eq!(crc(b"123456789"), 0xFEE8_u16.to_le_bytes());
    let sync_write = Packet::sync_write(116, 4, &[(1, [0x96, 0, 0, 0]), (2, [0xAA, 0, 0, 0])]);
    let present = [1, 2].map(|id| BulkRead {
        id,
        address: [144, 146][id as usize - 1],
        length: [2, 1][id as usize - 1],
    });
    let limits =
        [BulkWrite { id: 1, address: 32, data: &[0xA0, 0] }, BulkWrite { id: 2, address: 31, data: &[0x50] }];
    let cases = [
        (Packet::ping(2), "FF FF FD 00 02 03 00 01 19 72"),
        (Packet::ping(1), "FF FF FD 00 01 03 00 01 19 4E"),
        (Packet::ping(BROADCAST), "FF FF FD 00 FE 03 00 01 31 42"),
        (Packet::read(1, 43, 2), "FF FF FD 00 01 07 00 02 2B 00 02 00 2E CD"),
        (Packet::read(1, 132, 4), "FF FF FD 00 01 07 00 02 84 00 04 00 1D 15"),
        (Packet::write(1, 116, &[0, 2, 0, 0]), "FF FF FD 00 01 09 00 03 74 00 00 02 00 00 CA 89"),
        (Packet::reg_write(1, 104, &[0xC8, 0, 0, 0]), "FF FF FD 00 01 09 00 04 68 00 C8 00 00 00 AE 8E"),
        (Packet::action(1), "FF FF FD 00 01 03 00 05 02 CE"),
        (Packet::factory_reset(1, FactoryReset::AllButId), "FF FF FD 00 01 04 00 06 01 A1 E6"),
        (Packet::reboot(1), "FF FF FD 00 01 03 00 08 2F 4E"),
        (Packet::clear_turns(1), "FF FF FD 00 01 08 00 10 01 44 58 4C 22 B1 DC"),
        (Packet::sync_read(132, 4, &[1, 2]), "FF FF FD 00 FE 09 00 82 84 00 04 00 01 02 CE FA"),
        (sync_write, "FF FF FD 00 FE 11 00 83 74 00 04 00 01 96 00 00 00 02 AA 00 00 00 82 87"),
        (Packet::bulk_read(&present), "FF FF FD 00 FE 0D 00 92 01 90 00 02 00 02 92 00 01 00 1A 05"),
        (Packet::bulk_write(&limits), "FF FF FD 00 FE 10 00 93 01 20 00 02 00 A0 00 02 1F 00 01 00 50 B7 68"),
        (Ok(status(1, &[0xA6, 0, 0, 0])), "FF FF FD 00 01 08 00 55 00 A6 00 00 00 8C C0"),
        (Ok(status(1, &[6, 4, 38])), "FF FF FD 00 01 07 00 55 00 06 04 26 65 5D"),
        (Ok(status(1, &[])), "FF FF FD 00 01 04 00 55 00 A1 0C"),
    ];
    for (packet, expected) in cases {
        let packet = packet.expect("a packet");
        assert_eq!(bytes(&packet), hex(expected), "{packet:?}");
        assert_eq!(Packet::decode(&hex(expected)), Ok(packet));
    }
}

/// The e-manual's two examples of a common answer.
#[test]
fn the_manuals_fast_answers_are_read_and_packed() {
    let sync = "FF FF FD 00 FE 19 00 55 00 03 A6 00 00 00 84 08
                00 07 1F 08 00 00 16 CA  00 04 FF 03 00 00 D1 9E";
    let bulk = "FF FF FD 00 FE 14 00 55 00 03 A6 00 00 00 67 A4  00 07 A5 01 24 74  00 04 1F D9 C1";
    let part = |id, data| FastPart { id, error: ErrorByte::default(), data };
    let cases: [(&str, [FastPart<'_>; 3]); 2] = [
        (sync, [part(3, &[0xA6, 0, 0, 0]), part(7, &[0x1F, 8, 0, 0]), part(4, &[0xFF, 3, 0, 0])]),
        (bulk, [part(3, &[0xA6, 0, 0, 0]), part(7, &[0xA5, 1]), part(4, &[0x1F])]),
    ];
    for (frame, parts) in cases {
        let packet = Packet::decode(&hex(frame)).expect("intact");
        let lengths = parts.map(|part| part.data.len());
        let found: Vec<_> = packet.fast_parts(lengths).map(|part| part.expect("intact")).collect();
        assert_eq!(found, parts);
        let made = Packet::fast_status(parts.into_iter()).expect("it fits");
        assert_eq!(bytes(&made), hex(frame));
        // Asked for other lengths, the checksums within do not fit.
        assert!(packet.fast_parts([3, 2, 1]).any(|part| part.is_err()));
    }
}

/// A common answer is not stuffed, so FF FF FD in it stays as it is.
#[test]
fn a_fast_answer_is_not_stuffed() {
    let data = [0xFF, 0xFF, 0xFD, 0xFD];
    let parts =
        [1, 2].map(|id| FastPart { id, error: ErrorByte { alert: id == 2, error: None }, data: &data });
    let packet = Packet::fast_status(parts.into_iter()).expect("it fits");
    assert_eq!(bytes(&packet).len(), 8 + 2 * (4 + data.len()));
    let read = Packet::decode(&bytes(&packet)).expect("intact");
    assert_eq!(read.fast_parts([4, 4]).collect::<Result<Vec<_>, _>>(), Ok(parts.to_vec()));
}

#[test]
fn frames_of_the_vendors_sdk_are_packed_alike_and_read() {
    let (mut count, mut bare, mut stuffed) = (0, 0, 0);
    for row in PACKETS.lines().filter(|line| !line.starts_with('#')) {
        let row: Vec<_> = row.split('\t').collect();
        let (id, instruction) = (row[1].parse().expect("an id"), hex(row[2])[0]);
        let (params, frame) = (hex(row[3]), hex(row[4]));
        let packet = Packet::raw(id, instruction, &params).expect("a packet");
        assert_eq!(Packet::decode(&frame), Ok(packet.clone()), "{}", row[0]);
        if row[0] == "bare" {
            bare += 1;
        } else {
            assert_eq!(bytes(&packet), frame, "{}", row[0]);
        }
        stuffed += usize::from(row[0] == "stuffed" && frame.len() > 10 + params.len());
        count += 1;
    }
    assert_eq!((count, bare), (107, 3), "the whole table was read");
    assert!(stuffed > 30, "{stuffed} needed stuffing");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let long = [0; MAX_PACKET_LEN];
    assert_eq!(Packet::ping(253), Err(PacketError::Id(253)));
    assert_eq!(Packet::ping(255), Err(PacketError::Id(255)));
    assert_eq!(Packet::read(BROADCAST, 0, 1), Err(PacketError::Broadcast(Instruction::Read)));
    assert_eq!(Packet::read(1, 0, 0), Err(PacketError::Empty));
    assert_eq!(Packet::write(1, 0, &[]), Err(PacketError::Empty));
    assert_eq!(Packet::sync_read(0, 1, &[]), Err(PacketError::Empty));
    assert_eq!(Packet::sync_read(0, 1, &[3, 4, 3]), Err(PacketError::RepeatedId(3)));
    assert_eq!(Packet::sync_read(0, 1, &[BROADCAST]), Err(PacketError::Id(BROADCAST)));
    let uneven = Packet::sync_write(0, 2, &[(1, vec![1, 2]), (2, vec![1])]);
    assert_eq!(uneven, Err(PacketError::DataLength { id: 2, expected: 2, found: 1 }));
    let all = Packet::factory_reset(BROADCAST, FactoryReset::All);
    assert_eq!(all, Err(PacketError::Broadcast(Instruction::FactoryReset)));
    assert!(Packet::factory_reset(BROADCAST, FactoryReset::AllButId).is_ok());
    // Head, instruction, address and checksum take twelve bytes.
    assert!(Packet::write(1, 0, &long[..MAX_PACKET_LEN - 12]).is_ok());
    assert_eq!(
        Packet::write(1, 0, &long[..MAX_PACKET_LEN - 11]),
        Err(PacketError::TooLong(MAX_PACKET_LEN + 1))
    );
    let mut stuffed = long;
    stuffed[..3].copy_from_slice(&[0xFF, 0xFF, 0xFD]);
    assert_eq!(
        Packet::write(1, 0, &stuffed[..MAX_PACKET_LEN - 12]),
        Err(PacketError::TooLong(MAX_PACKET_LEN + 1))
    );
    for error in [PacketError::Id(253), PacketError::RepeatedId(3), PacketError::Empty] {
        assert!(error.to_string().contains(": "), "{error} names a remedy");
    }
}

#[test]
fn every_error_byte_survives() {
    for byte in 0..=255 {
        let error = ErrorByte::from_byte(byte);
        assert_eq!((error.byte(), error.alert), (byte, byte >= 0x80));
    }
    assert_eq!(ErrorByte::from_byte(0x87), ErrorByte { alert: true, error: Some(ServoError::Access) });
    for byte in 0..=255 {
        assert_eq!(Instruction::from_byte(byte).byte(), byte);
    }
}

#[test]
fn a_frame_cut_at_any_byte_is_refused() {
    for frame in [bytes(&Packet::ping(7).expect("a packet")), bytes(&status(7, &[0xFF, 0xFF, 0xFD, 1, 2, 3]))]
    {
        for found in 0..frame.len() {
            let expected = if found < 7 { MIN_PACKET_LEN } else { frame.len() };
            let refused = Packet::decode(&frame[..found]);
            assert_eq!(refused, Err(WireError::Length { expected, found }));
        }
        let longer = [frame.as_slice(), &[0]].concat();
        let (expected, found) = (frame.len(), frame.len() + 1);
        assert_eq!(Packet::decode(&longer), Err(WireError::Length { expected, found }));
    }
}

#[test]
fn impossible_lengths_and_ids_are_refused_at_once() {
    let mut reader = FrameReader::<Packet, MAX_PACKET_LEN>::new();
    for (head, error) in [
        ("FF FF FD 00 01 02 00", WireError::Length { expected: MIN_PACKET_LEN, found: 9 }),
        ("FF FF FD 00 01 00 00", WireError::Length { expected: MIN_PACKET_LEN, found: 7 }),
        ("FF FF FD 00 01 FA 03", WireError::Length { expected: MAX_PACKET_LEN, found: 1025 }),
        ("FF FF FD 00 01 FF FF", WireError::Length { expected: MAX_PACKET_LEN, found: 65542 }),
        ("FF FF FD 00 FD", WireError::Address(253)),
        ("FF FF FD 00 FF", WireError::Address(255)),
        ("FF FF FD FD", WireError::Header { expected: 0, found: 0xFD }),
    ] {
        reader.clear();
        let head = hex(head);
        assert_eq!(reader.next_frame(&mut &head[..]), Some(Err(error)), "{head:02X?}");
    }
    // A status packet without its error byte, with the right checksum.
    let short = sealed(hex("FF FF FD 00 01 03 00 55"));
    assert!(matches!(Packet::decode(&short), Err(WireError::Length { .. })));
}

#[test]
fn any_flipped_bit_is_noticed() {
    for row in PACKETS.lines().filter(|line| !line.starts_with('#')) {
        let frame = hex(row.split('\t').nth(4).expect("a frame"));
        for bit in 0..8 * frame.len() {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Packet::decode(&flipped).is_err(), "bit {bit} of {row}");
        }
    }
}

/// What a reader finds in a stream given in pieces of `chunk` bytes.
fn read_all(stream: &[u8], chunk: usize) -> (Vec<Packet>, usize) {
    let mut reader = FrameReader::<Packet, MAX_PACKET_LEN>::new();
    let (mut found, mut errors) = (Vec::new(), 0);
    for mut piece in stream.chunks(chunk) {
        while let Some(result) = reader.next_frame(&mut piece) {
            match result {
                Ok(packet) => found.push(packet),
                Err(_) => errors += 1,
            }
        }
    }
    (found, errors)
}

/// Noise that starts as the longest packet must not swallow the good ones behind it.
#[test]
fn noise_that_claims_a_long_frame_costs_nothing() {
    let good: Vec<_> = (1..4).map(|id| status(id, &[id; 4])).collect();
    let mut stream = hex("FF FF FD 00 05 F9 03 55 00 12");
    stream.extend(good.iter().flat_map(bytes));
    for chunk in [1, 3, 7, 1000] {
        let (found, errors) = read_all(&stream, chunk);
        assert_eq!((found, errors > 0), (good.clone(), true), "in pieces of {chunk}");
    }
}

fn any_byte() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => Just(vec![0xFF]),
        1 => Just(vec![0xFD]),
        2 => Just(vec![0xFF, 0xFF, 0xFD]),
    ]
}

/// Bytes among which those that look like a header are common.
fn any_params(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any_byte(), 0..longest / 3).prop_map(|parts| parts.concat())
}

fn any_id() -> impl Strategy<Value = u8> {
    prop_oneof![9 => 0..253_u8, 1 => Just(BROADCAST)]
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let instruction =
        (any_id(), any::<u8>().prop_filter("not a status", |&byte| byte != 0x55), any_params(60))
            .prop_map(|(id, instruction, params)| Packet::raw(id, instruction, &params).expect("a packet"));
    let status = (0..253_u8, any::<u8>(), any_params(60)).prop_map(|(id, error, params)| {
        Packet::status(id, ErrorByte::from_byte(error), &params).expect("a packet")
    });
    prop_oneof![instruction, status]
}

proptest! {
    #[test]
    fn a_packet_survives_its_bytes(
        id in any_id(), instruction in any::<u8>(), params in any_params(1200),
    ) {
        match Packet::raw(id, instruction, &params) {
            Ok(packet) => {
                let frame = bytes(&packet);
                prop_assert!(frame.len() <= MAX_PACKET_LEN);
                // No header but the first, and stuffing behind each of its beginnings.
                let body = &frame[7..frame.len() - 2];
                let stuffed = body.windows(3).enumerate().all(|(i, three)| {
                    three != [0xFF, 0xFF, 0xFD] || body.get(i + 3) == Some(&0xFD)
                });
                prop_assert!(stuffed, "{:02X?}", frame);
                prop_assert_eq!(&frame[frame.len() - 2..], crc(&frame[..frame.len() - 2]));
                prop_assert_eq!((packet.id(), packet.instruction().byte()), (id, instruction));
                prop_assert_eq!(Packet::decode(&frame), Ok(packet));
            }
            Err(PacketError::TooLong(len)) => prop_assert!(len > MAX_PACKET_LEN),
            Err(PacketError::Empty | PacketError::Broadcast(_)) => prop_assert_eq!(instruction, 0x55),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        noise in prop::collection::vec(any_byte(), 0..100), length in 0..40_u8, chunk in 1..30_usize,
    ) {
        let noise = noise.concat();
        let _ = read_all(&noise, chunk);
        // Behind a possible head, with the right checksum.
        let end = noise.len().min(length.into());
        let head = [&[0xFF, 0xFF, 0xFD, 0, BROADCAST, end as u8 + 2, 0], &noise[..end]].concat();
        if let Ok(packet) = Packet::decode(&sealed(head)) {
            let _ = packet.fast_parts([usize::from(length); 4]).count();
        }
    }

    #[test]
    fn chunks_do_not_matter(packets in prop::collection::vec(any_packet(), 1..6), chunk in 1..80_usize) {
        let stream: Vec<u8> = packets.iter().flat_map(bytes).collect();
        prop_assert_eq!(read_all(&stream, chunk), (packets, 0));
    }

    /// Noise made mostly of header bytes, before frames and after a cut one.
    #[test]
    fn the_place_is_found_again_within_two_frames(
        noise in prop::collection::vec(any_byte(), 1..60), cut in any_packet(), kept in 1..30_usize,
        packets in prop::collection::vec(any_packet(), 3..6), chunk in 1..80_usize,
    ) {
        let cut = bytes(&cut);
        let mut stream = noise.concat();
        stream.extend(&cut[..kept.min(cut.len() - 1)]);
        stream.extend(packets.iter().flat_map(bytes));
        let (found, errors) = read_all(&stream, chunk);
        prop_assert!(errors > 0);
        // All but the first: once in 65536 a false start passes its checksum and takes it along.
        prop_assert!(found.ends_with(&packets[1..]), "{} of {}", found.len(), packets.len());
    }
}
