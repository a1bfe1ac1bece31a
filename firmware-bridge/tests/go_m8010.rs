//! The GO-M8010-6 codec against frames that the vendor's own library packed and unpacked, and against
//! bytes that no motor should send.

#![allow(clippy::approx_constant, reason = "the vendor's 2 pi is 6.2832")]

#[path = "common/table.rs"]
mod table;

use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::go_m8010::{COMMAND_LEN, Command, Fault, Mode, MotorId, REPLY_LEN, Reply};
use firmware_bridge::protocol::{FrameReader, WireError};
use proptest::prelude::*;

use table::{hex, rows, single};

const COMMANDS: &str = include_str!("vectors/go_m8010_commands.tsv");
const REPLIES: &str = include_str!("vectors/go_m8010_replies.tsv");

fn id(text: &str) -> MotorId {
    MotorId::new(text.parse().expect("number")).expect("an address")
}

fn mode(text: &str) -> Mode {
    match text {
        "0" => Mode::Brake,
        "1" => Mode::Foc,
        other => panic!("mode {other} in the table"),
    }
}

fn zeros(id: u8, mode: Mode) -> Command {
    Command { id: MotorId::new(id).expect("an address"), mode, targets: Impedance::default() }
}

#[test]
fn commands_are_packed_as_the_vendor_packs_them() {
    let mut count = 0;
    for row in rows(COMMANDS) {
        let command = Command {
            id: id(row[1]),
            mode: mode(row[2]),
            targets: Impedance {
                position_rad: single(row[5]),
                velocity_rad_s: single(row[4]),
                torque_nm: single(row[3]),
                kp: single(row[6]),
                kd: single(row[7]),
            },
        };
        assert_eq!(command.encode().as_slice(), hex(row[8]), "{row:?}");
        count += 1;
    }
    assert_eq!(count, 60, "the whole table was read");
}

#[test]
fn commands_read_back_within_one_step_of_the_wire() {
    for row in rows(COMMANDS) {
        let command = Command::decode(&hex(row[8])).expect("a vendor's frame");
        assert_eq!((command.id, command.mode), (id(row[1]), mode(row[2])));
        let near = |value: f64, text: &str, step: f64| {
            let error = (single(text) - value).abs();
            assert!(error < step, "{value} for {text}");
        };
        near(command.targets.torque_nm, row[3], 1.0 / 256.0);
        near(command.targets.velocity_rad_s, row[4], 6.2832 / 256.0);
        near(command.targets.position_rad, row[5], 6.2832 / 32768.0);
        near(command.targets.kp, row[6], 25.6 / 32768.0);
        near(command.targets.kd, row[7], 25.6 / 32768.0);
    }
}

#[test]
fn replies_mean_what_the_vendor_says() {
    let mut count = 0;
    for row in rows(REPLIES) {
        let bytes = hex(row[1]);
        let reply = Reply::decode(&bytes).expect("a vendor's frame");
        assert_eq!((reply.id, reply.mode), (id(row[3]), mode(row[4])), "{row:?}");
        for (value, text) in
            [(reply.torque_nm, row[5]), (reply.velocity_rad_s, row[6]), (reply.position_rad, row[7])]
        {
            let vendor = single(text);
            assert!((value - vendor).abs() <= 2e-7 * vendor.abs(), "{value} for {text}: single precision");
        }
        assert_eq!(reply.temperature_c, single(row[8]));
        let fault = match row[9] {
            "0" => None,
            "1" => Some(Fault::Overheat),
            "2" => Some(Fault::Overcurrent),
            "3" => Some(Fault::Overvoltage),
            "4" => Some(Fault::Encoder),
            other => Some(Fault::Undefined(other.parse().expect("number"))),
        };
        assert_eq!(reply.error, fault);
        assert_eq!(reply.foot_force.to_string(), row[10]);
        assert_eq!(reply.encode().as_slice(), bytes, "and packs again to the same bytes");
        count += 1;
    }
    assert_eq!(count, 60, "the whole table was read");
}

#[test]
fn known_good_bytes() {
    let brake = hex("FE EE 00 00 00 00 00 00 00 00 00 00 00 00 00 65 23");
    let foc = hex("FE EE 10 00 00 00 00 00 00 00 00 00 00 00 00 B5 79");
    assert_eq!(zeros(0, Mode::Brake).encode().as_slice(), brake);
    assert_eq!(zeros(0, Mode::Foc).encode().as_slice(), foc);
}

#[test]
fn everything_huge_saturates_as_the_vendors_library_does() {
    let expected = hex("FE EE 11 FD 7F F5 7F 6D DB FF 7F FE 7F FE 7F 19 0D");
    for huge in [1e9, 1e300, f64::INFINITY] {
        let command = Command {
            targets: Impedance {
                position_rad: huge,
                velocity_rad_s: huge,
                torque_nm: huge,
                kp: huge,
                kd: huge,
            },
            ..zeros(1, Mode::Foc)
        };
        assert_eq!(command.encode().as_slice(), expected, "{huge}");
    }
    let targets = Impedance { torque_nm: -1e9, velocity_rad_s: -1e9, kp: -1.0, ..Impedance::damping(-1e9) };
    let negative = Command { targets, ..zeros(1, Mode::Foc) };
    let read = Command::decode(&negative.encode()).expect("intact");
    assert_eq!((read.targets.torque_nm, read.targets.kp, read.targets.kd), (-32765.0 / 256.0, 0.0, 0.0));
}

#[test]
fn what_is_not_a_number_pulls_nowhere() {
    let nan = f64::NAN;
    let targets = Impedance { position_rad: nan, kp: 20.0, ..Impedance::damping(0.5) };
    let lost = Command { targets, ..zeros(2, Mode::Foc) };
    for bytes in [lost.encode(), lost.encode_nearest()] {
        let read = Command::decode(&bytes).expect("intact");
        assert_eq!((read.targets.position_rad, read.targets.kp, read.targets.kd), (0.0, 0.0, 0.5));
    }
    let targets = Impedance { torque_nm: nan, velocity_rad_s: nan, kp: nan, kd: nan, ..targets };
    let all = Command { targets, ..lost };
    assert_eq!(all.encode(), zeros(2, Mode::Foc).encode());
}

#[test]
fn a_frame_cut_at_any_byte_is_refused() {
    let command = zeros(3, Mode::Foc).encode();
    for length in 0..COMMAND_LEN {
        let expected = Err(WireError::Length { expected: COMMAND_LEN, found: length });
        assert_eq!(Command::decode(&command[..length]), expected);
    }
    let reply = hex(rows(REPLIES).next().expect("a row")[1]);
    for length in 0..REPLY_LEN {
        let expected = Err(WireError::Length { expected: REPLY_LEN, found: length });
        assert_eq!(Reply::decode(&reply[..length]), expected);
    }
    let longer = [reply.as_slice(), &[0]].concat();
    assert_eq!(Reply::decode(&longer), Err(WireError::Length { expected: REPLY_LEN, found: REPLY_LEN + 1 }));
}

#[test]
fn any_flipped_bit_is_noticed() {
    for row in rows(REPLIES) {
        let bytes = hex(row[1]);
        for bit in 0..8 * REPLY_LEN {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = Reply::decode(&flipped).expect_err("a flipped bit");
            match bit {
                0..16 => assert!(matches!(error, WireError::Header { .. }), "{error}"),
                _ => assert!(matches!(error, WireError::Crc { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn a_mode_that_is_not_defined_is_told_as_a_number() {
    // A vendor-shaped frame of mode 5 with its right checksum (CRC-16/KERMIT), computed bit by bit here.
    let mut bytes = zeros(0, Mode::Brake).encode();
    bytes[2] = 5 << 4;
    let crc = bytes[..15].iter().fold(0_u16, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    });
    bytes[15..].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(Command::decode(&bytes).map(|command| command.mode), Ok(Mode::Undefined(5)));
}

/// All that a reader finds in a stream given in chunks of the sizes that `chunk` cycles through.
fn read_all(stream: &[u8], chunk: &[usize]) -> (Vec<Reply>, usize) {
    let mut reader = FrameReader::<Reply>::new();
    let (mut found, mut errors, mut rest) = (Vec::new(), 0, stream);
    for &size in chunk.iter().cycle() {
        let (mut now, later) = rest.split_at(size.min(rest.len()));
        while let Some(result) = reader.next_frame(&mut now) {
            match result {
                Ok(reply) => found.push(reply),
                Err(_) => errors += 1,
            }
        }
        rest = later;
        if rest.is_empty() {
            return (found, errors);
        }
    }
    (found, errors)
}

fn any_id() -> impl Strategy<Value = MotorId> {
    (0_u8..15).prop_map(|id| MotorId::new(id).expect("an address"))
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Brake), Just(Mode::Foc), Just(Mode::Calibrate)]
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let fault = prop_oneof![
        Just(None),
        Just(Some(Fault::Overheat)),
        Just(Some(Fault::Overcurrent)),
        Just(Some(Fault::Overvoltage)),
        Just(Some(Fault::Encoder)),
        (5_u8..8).prop_map(|n| Some(Fault::Undefined(n))),
    ];
    let motion = (any::<i16>(), any::<i16>(), any::<i32>());
    (any_id(), any_mode(), motion, any::<i8>(), fault, 0_u16..4096).prop_map(
        |(id, mode, (torque, velocity, position), temperature, error, foot_force)| Reply {
            id,
            mode,
            torque_nm: f64::from(torque) / 256.0,
            velocity_rad_s: f64::from(velocity) / (256.0 / 6.2832),
            position_rad: f64::from(position) / (32768.0 / 6.2832),
            temperature_c: f64::from(temperature),
            error,
            foot_force,
        },
    )
}

proptest! {
    #[test]
    fn a_reply_survives_its_bytes(reply in any_reply()) {
        prop_assert_eq!(Reply::decode(&reply.encode()), Ok(reply));
    }

    #[test]
    fn a_command_survives_its_bytes(
        id in any_id(), mode in any_mode(),
        torque_nm in -127.9..127.9, velocity_rad_s in -803.0..803.0, position_rad in -4e5..4e5,
        kp in 0.0..25.5, kd in 0.0..25.5,
    ) {
        let command = Command { id, mode, targets: Impedance { position_rad, velocity_rad_s, torque_nm, kp, kd } };
        let near = |read: Command, steps: f64| {
            (read.id, read.mode) == (id, mode)
                && (read.targets.torque_nm - torque_nm).abs() <= steps / 256.0
                && (read.targets.velocity_rad_s - velocity_rad_s).abs() <= steps * 6.2832 / 256.0
                && (read.targets.position_rad - position_rad).abs() <= steps * 6.2832 / 32768.0
                && (read.targets.kp - kp).abs() <= steps * 25.6 / 32768.0
                && (read.targets.kd - kd).abs() <= steps * 25.6 / 32768.0
        };
        let truncated = Command::decode(&command.encode()).expect("intact");
        prop_assert!(near(truncated, 1.0 + 1e-6), "{truncated:?}");
        prop_assert!(truncated.targets.kd <= kd + 1e-12 && truncated.targets.torque_nm.abs() <= torque_nm.abs() + 1e-12);
        let nearest = Command::decode(&command.encode_nearest()).expect("intact");
        prop_assert!(near(nearest, 0.5 + 1e-6), "{nearest:?}");
        prop_assert_eq!(nearest.encode_nearest(), command.encode_nearest());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = Command::decode(&bytes);
        let _ = Reply::decode(&bytes);
        let _ = read_all(&bytes, &[3]);
    }

    #[test]
    fn chunks_do_not_matter(
        replies in prop::collection::vec(any_reply(), 1..8),
        chunk in prop::collection::vec(1_usize..40, 1..6),
    ) {
        let stream: Vec<u8> = replies.iter().flat_map(Reply::encode).collect();
        prop_assert_eq!(read_all(&stream, &chunk), (replies, 0));
    }

    /// Noise made mostly of header bytes, so that false starts are common, before, between and after.
    #[test]
    fn the_place_is_found_again_after_noise(
        noise in prop::collection::vec(prop_oneof![Just(0xFD_u8), Just(0xEE), any::<u8>()], 1..60),
        replies in prop::collection::vec(any_reply(), 2..5),
        chunk in 1_usize..40,
    ) {
        let mut stream = noise;
        stream.extend(replies.iter().flat_map(Reply::encode));
        let (found, errors) = read_all(&stream, &[chunk]);
        prop_assert!(errors > 0);
        // All but one: once in 65536 a false start passes its checksum and takes the first good frame along.
        prop_assert!(found.ends_with(&replies[1..]), "{} of {}", found.len(), replies.len());
    }

    #[test]
    fn a_frame_cut_short_costs_only_itself(
        cut in any_reply(), kept in 0..REPLY_LEN, after in prop::collection::vec(any_reply(), 2..4),
    ) {
        let mut stream = cut.encode()[..kept].to_vec();
        stream.extend(after.iter().flat_map(Reply::encode));
        let (found, _) = read_all(&stream, &[5]);
        prop_assert!(found.ends_with(&after[1..]));
    }
}
