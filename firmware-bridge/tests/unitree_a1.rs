//! The A1 and B1 codec against frames that the vendor's own library packed, and against bytes that no motor
//! should send. No reply of a real motor was at hand: the reply's layout is that of the vendor's header.

#![allow(clippy::approx_constant, reason = "the vendor's 2 pi is 6.2832")]

#[path = "common/table.rs"]
mod table;

use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::unitree_a1::{
    COMMAND_LEN, Command, CommandFrame, Mode, Model, MotorId, REPLY_LEN, Reply,
};
use firmware_bridge::protocol::{Frame, FrameReader, WireError};
use proptest::prelude::*;

use table::{hex, rows, single};

const COMMANDS: &str = include_str!("vectors/unitree_a1_commands.tsv");

fn model(kind: &str) -> Model {
    match kind {
        "a1" => Model::A1,
        "b1" => Model::B1,
        other => panic!("{other} in the table"),
    }
}

fn command(row: &[&str]) -> Command {
    Command {
        id: MotorId(row[1].parse().expect("number")),
        mode: Mode::from_byte(row[2].parse().expect("number")),
        targets: Impedance {
            position_rad: single(row[5]),
            velocity_rad_s: single(row[4]),
            torque_nm: single(row[3]),
            kp: single(row[6]),
            kd: single(row[7]),
        },
    }
}

fn reply() -> Reply {
    Reply {
        id: MotorId(2),
        mode: Mode::Foc,
        torque_nm: -1.5,
        velocity_rad_s: 3.25,
        position_rad: 0.0,
        temperature_c: -4.0,
        error: 3,
        foot_force: 0x0102,
        gyro_rad_s: [0.0; 3],
        accel_m_s2: [0.0; 3],
    }
}

#[test]
fn commands_are_packed_as_the_vendor_packs_them() {
    let mut count = 0;
    for row in rows(COMMANDS) {
        assert_eq!(command(&row).encode(model(row[0])).as_slice(), hex(row[8]), "{row:?}");
        count += 1;
    }
    assert_eq!(count, 40, "the whole table was read");
}

#[test]
fn commands_read_back_within_one_step_of_the_wire() {
    for row in rows(COMMANDS) {
        let (sent, model) = (command(&row), model(row[0]));
        let read = CommandFrame::decode(&hex(row[8])).expect("a vendor's frame").read(model);
        assert_eq!((read.id, read.mode), (sent.id, sent.mode));
        let near = |a: f64, b: f64, step: f64| assert!((a - b).abs() < step, "{a} for {b}");
        near(read.targets.torque_nm, sent.targets.torque_nm, 1.0 / 256.0);
        near(read.targets.velocity_rad_s, sent.targets.velocity_rad_s, 1.0 / 128.0);
        near(read.targets.position_rad, sent.targets.position_rad, 6.2832 / 16_384.0);
        near(read.targets.kp, sent.targets.kp, 1.0 / 2048.0);
        near(read.targets.kd, sent.targets.kd, if model == Model::A1 { 1.0 / 1024.0 } else { 1.0 / 512.0 });
    }
}

#[test]
fn out_of_range_saturates_and_what_is_no_number_pulls_nowhere() {
    let wild = |value: f64| Command {
        id: MotorId::BROADCAST,
        mode: Mode::Foc,
        targets: Impedance {
            position_rad: value,
            velocity_rad_s: value,
            torque_nm: value,
            kp: 10.0,
            kd: value,
        },
    };
    for value in [1e12, f64::INFINITY] {
        let bytes = wild(value).encode(Model::A1);
        assert_eq!(bytes[12..20], [0xFF, 0x7F, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F]);
        assert_eq!(bytes[22..24], [0xFF, 0x7F]);
        let bytes = wild(-value).encode(Model::B1);
        assert_eq!(bytes[12..20], [0x00, 0x80, 0x00, 0x80, 0x00, 0x00, 0x00, 0x80]);
        assert_eq!(bytes[22..24], [0x00, 0x00], "a negative damping would drive the joint");
    }
    assert_eq!(wild(f64::NAN).encode(Model::A1)[12..24], [0; 12]);
}

/// The header's offsets, counted by hand: 4 bytes of head, then mode, read bit, temperature, error...
#[test]
fn a_reply_is_laid_out_as_in_the_vendors_header() {
    let bytes = reply().encode();
    assert_eq!(bytes[..8], [0xFE, 0xEE, 2, 0, 10, 0, 0xFC, 3]);
    assert_eq!(bytes[12..16], [0x80, 0xFE, 0xA0, 0x01], "-1.5 x 256 and 3.25 x 128");
    assert_eq!(bytes[69..72], [0x02, 0x01, 0]);
    assert_eq!(Reply::decode(&bytes), Ok(reply()));
}

#[test]
fn every_truncation_and_every_protected_flip_is_refused() {
    let (sent, answer) =
        (command(&rows(COMMANDS).next().expect("a row")).encode(Model::A1), reply().encode());
    for length in 0..COMMAND_LEN {
        assert!(matches!(CommandFrame::decode(&sent[..length]), Err(WireError::Length { .. })));
    }
    for length in 0..REPLY_LEN {
        assert!(matches!(Reply::decode(&answer[..length]), Err(WireError::Length { .. })));
    }
    for bit in 0..8 * COMMAND_LEN {
        let mut flipped = sent;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(CommandFrame::decode(&flipped).is_err(), !(28..30).contains(&(bit / 8)), "bit {bit}");
    }
    for bit in 0..8 * REPLY_LEN {
        let mut flipped = answer;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Reply::decode(&flipped).is_err(), !(72..74).contains(&(bit / 8)), "bit {bit}");
    }
}

/// On a half-duplex line the master hears its own command first, which begins like a reply.
#[test]
fn a_reply_is_found_behind_the_commands_own_echo() {
    let echo = command(&rows(COMMANDS).next().expect("a row")).encode(Model::A1);
    let mut reader = FrameReader::<Reply>::new();
    let stream = [echo.as_slice(), &reply().encode()].concat();
    let mut rest = stream.as_slice();
    let found: Vec<_> = std::iter::from_fn(|| reader.next_frame(&mut rest)).flatten().collect();
    assert_eq!(found, [reply()]);
}

proptest! {
    #[test]
    fn no_bytes_panic_and_two_good_frames_bring_the_reader_back(
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        chunk in 1_usize..40,
    ) {
        let _ = CommandFrame::decode(&noise);
        let _ = Reply::decode(&noise);
        let good = reply().encode();
        let stream = [noise.as_slice(), &good, &good].concat();
        let mut reader = FrameReader::<Reply>::new();
        let mut found = Vec::new();
        for mut piece in stream.chunks(chunk) {
            found.extend(std::iter::from_fn(|| reader.next_frame(&mut piece)).flatten());
        }
        prop_assert!(found.contains(&reply()));
        prop_assert!(found.len() <= 2);
    }

    #[test]
    fn replies_come_back(torque in -120.0..120.0, velocity in -250.0..250.0, position in -1e5..1e5, id: u8) {
        let sent = Reply {
            id: MotorId(id), torque_nm: torque, velocity_rad_s: velocity, position_rad: position, ..reply()
        };
        let read = Reply::decode(&sent.encode()).expect("intact");
        prop_assert!((read.torque_nm - torque).abs() <= 0.5 / 256.0);
        prop_assert!((read.velocity_rad_s - velocity).abs() <= 0.5 / 128.0);
        prop_assert!((read.position_rad - position).abs() <= 0.51 * 6.2832 / 16_384.0);
        prop_assert_eq!(Reply::decode(&read.encode()).expect("intact"), read, "stable once on the wire");
    }
}
