//! Frames: golden bytes, damage of every kind, and finding the place again.

mod common;

use adit_link::{
    ActuatorCommand, ActuatorState, Command, Decoder, EncodeError, Fault, Faults, Field, FirmwareVersion,
    FrameError, Hello, Imu, LIST_LEN, MAX_FRAME_LEN, Message, Mode, Refusal, State, Status, TEXT_LEN, Text,
    Unfit, Welcome, encode_frame,
};
use common::{command, frame, impedance, info, one_of_each};
use proptest::prelude::*;

type Found = Result<(u16, Message), FrameError>;

/// CRC-16/IBM-SDLC bit by bit: not the code that the crate uses.
fn sdlc(bytes: &[u8]) -> u16 {
    let crc = bytes.iter().fold(0xFFFF, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    });
    !crc
}

/// The COBS bytes with the right checksum and delimiter behind them.
fn sealed(encoded: &[u8]) -> Vec<u8> {
    let crc = sdlc(encoded);
    let tail = [0x80 | (crc >> 14) as u8, 0x80 | (crc >> 7 & 0x7F) as u8, 0x80 | (crc & 0x7F) as u8, 0];
    [encoded, &tail].concat()
}

/// A body as COBS, block by block: not the code that the crate uses.
fn stuffed(body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 254, "no block is full");
    let block = |block: &[u8]| [&[block.len() as u8 + 1], block].concat();
    body.split(|&byte| byte == 0).flat_map(block).collect()
}

/// What a frame holds, whatever its numbers.
fn body(seq: u16, message: &Message) -> Vec<u8> {
    let mut room = [0; 256];
    let message = postcard::to_slice(message, &mut room).expect("room");
    [&seq.to_le_bytes(), &*message].concat()
}

fn read_all(stream: &[u8], chunk: usize) -> Vec<Found> {
    let mut decoder = Decoder::new();
    let mut found = Vec::new();
    for mut bytes in stream.chunks(chunk) {
        found.extend(std::iter::from_fn(|| decoder.next_frame(&mut bytes)));
    }
    found
}

#[track_caller]
fn check_golden(seq: u16, message: &Message, bytes: &[u8]) {
    assert_eq!(frame(seq, message), bytes);
    assert_eq!(read_all(bytes, bytes.len()), [Ok((seq, message.clone()))]);
}

#[test]
fn golden_emergency_stop() {
    // Sequence number 0x0201, little-endian; message number 7. No zeros: one block of 3, whose code is 4.
    let encoded = [0x04, 0x01, 0x02, 0x07];
    assert_eq!(sdlc(&encoded), 0x93E1, "0b10_0100111_1100001");
    check_golden(0x0201, &Message::EmergencyStop, &[0x04, 0x01, 0x02, 0x07, 0x82, 0xA7, 0xE1, 0x00]);
}

#[test]
fn golden_hello() {
    // Body 00 00 | 00 | 01 | AC 02: sequence number 0, message number 0, version 1, session 300 as a varint
    // (300 = 0b10_0101100). Three zeros end three empty blocks.
    let mut bytes = vec![0x01, 0x01, 0x01, 0x04, 0x01, 0xAC, 0x02];
    assert_eq!(sdlc(&bytes), 0x11B7);
    bytes.extend([0x80, 0xA3, 0xB7, 0x00]);
    check_golden(0, &Message::Hello(Hello { version: 1, session: 300 }), &bytes);
}

#[test]
fn golden_refusal_of_a_version() {
    // Body 03 00 | 0D | 00 | 00 01: sequence number 3, message number 13, about frame 0, reason 0 with version 1.
    let mut bytes = vec![0x02, 0x03, 0x02, 0x0D, 0x01, 0x02, 0x01];
    assert_eq!(sdlc(&bytes), 0x5254);
    bytes.extend([0x81, 0xA4, 0xD4, 0x00]);
    check_golden(3, &Message::Refused { seq: 0, why: Refusal::Version { device: 1 } }, &bytes);
}

#[test]
fn golden_command() {
    let actuator = ActuatorCommand {
        id: 1,
        mode: Mode::Impedance,
        position_rad: 1.0,
        velocity_rad_s: -2.0,
        torque_nm: 0.5,
        kp: 20.0,
        kd: 0.25,
    };
    let message = Message::Command(Command { actuators: [actuator].into_iter().collect() });
    // Body 07 00 | 02 | 01 | 01 | 03 | 00 00 80 3F | 00 00 00 C0 | 00 00 00 3F | 00 00 A0 41 | 00 00 80 3E:
    // sequence number 7, message number 2, one actuator, its id, mode 3, then five little-endian singles.
    let mut bytes =
        vec![0x02, 0x07, 0x05, 0x02, 0x01, 0x01, 0x03, 0x01, 0x03, 0x80, 0x3F, 0x01, 0x01, 0x02, 0xC0];
    bytes.extend([0x01, 0x01, 0x02, 0x3F, 0x01, 0x03, 0xA0, 0x41, 0x01, 0x03, 0x80, 0x3E]);
    assert_eq!(sdlc(&bytes), 0x72B0);
    bytes.extend([0x81, 0xE5, 0xB0, 0x00]);
    check_golden(7, &message, &bytes);
}

#[test]
fn golden_state() {
    let actuator = ActuatorState {
        id: 2,
        mode: Mode::Damp,
        position_rad: 1.0,
        velocity_rad_s: 0.0,
        torque_nm: -0.5,
        temperature_c: 40.0,
        faults: Faults::OVERHEAT.with(Faults::ENCODER),
    };
    let message = Message::State(State {
        time_us: 300,
        status: Status::Active,
        command_seq: Some(7),
        supply_v: 24.0,
        actuators: [actuator].into_iter().collect(),
    });
    // Body 00 01 | 03 | AC 02 | 01 | 01 07 | 00 00 C0 41 | 01 | 02 | 02 | 00 00 80 3F | 00 00 00 00 |
    // 00 00 00 BF | 00 00 20 42 | 11: sequence number 256, message number 3, 300 us, active, some command 7,
    // 24 V, one actuator: id 2, mode 2, four singles, fault bits 0 and 4.
    let mut bytes = vec![0x01, 0x08, 0x01, 0x03, 0xAC, 0x02, 0x01, 0x01, 0x07, 0x01, 0x06, 0xC0, 0x41, 0x01];
    bytes.extend([0x02, 0x02, 0x01, 0x03, 0x80, 0x3F, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x02, 0xBF]);
    bytes.extend([0x01, 0x04, 0x20, 0x42, 0x11]);
    assert_eq!(sdlc(&bytes), 0x200E);
    bytes.extend([0x80, 0xC0, 0x8E, 0x00]);
    check_golden(0x0100, &message, &bytes);
}

#[test]
fn the_checksum_is_the_catalogues() {
    assert_eq!(sdlc(b"123456789"), 0x906E, "the catalogue's check value");
}

#[test]
fn message_numbers_do_not_change() {
    for (number, message) in one_of_each().iter().enumerate() {
        let body = body(0x0101, message);
        assert_eq!(usize::from(body[2]), number);
        assert_eq!(frame(0x0101, message), sealed(&stuffed(&body)), "{message:?}");
    }
}

#[test]
fn the_longest_of_each_kind_fit() {
    let full: Text = std::iter::repeat_n('x', TEXT_LEN).collect();
    let id = u8::MAX;
    let state = ActuatorState {
        id,
        mode: Mode::Impedance,
        position_rad: 1.1,
        velocity_rad_s: 1.1,
        torque_nm: 1.1,
        temperature_c: 1.1,
        faults: Faults(u16::MAX),
    };
    let longest = [
        Message::Welcome(Welcome {
            version: u16::MAX,
            session: u32::MAX,
            firmware: FirmwareVersion { major: u16::MAX, minor: u16::MAX, patch: u16::MAX },
            serial: u64::MAX,
            name: full.clone(),
            actuators: std::iter::repeat_n(info(id), LIST_LEN).collect(),
        }),
        Message::Command(command(&[id; LIST_LEN], 0.8)),
        Message::State(State {
            time_us: u64::MAX,
            status: Status::Stopped,
            command_seq: Some(u16::MAX),
            supply_v: 1.1,
            actuators: std::iter::repeat_n(state, LIST_LEN).collect(),
        }),
        Message::Fault(Fault { time_us: u64::MAX, actuator: Some(id), faults: Faults(u16::MAX), text: full }),
    ];
    for message in longest {
        let bytes = frame(u16::MAX, &message);
        assert!(bytes.len() <= MAX_FRAME_LEN);
        assert_eq!(read_all(&bytes, 1), [Ok((u16::MAX, message.clone()))]);
    }
}

#[test]
fn a_small_buffer_is_an_error() {
    for message in one_of_each() {
        let len = frame(1, &message).len();
        for room in 0..len {
            assert_eq!(encode_frame(1, &message, &mut vec![0; room]), Err(EncodeError::Buffer), "{room}");
        }
        assert_eq!(encode_frame(1, &message, &mut vec![0; len]), Ok(len));
    }
}

#[test]
fn truncated_at_every_byte_costs_that_frame_only() {
    let next = frame(2, &Message::EmergencyStop);
    for message in one_of_each() {
        let bytes = frame(1, &message);
        for len in 1..bytes.len() - 1 {
            // The rest, and the delimiter of a frame that a sender gave up.
            let stream = [&bytes[..len], &[0], &next].concat();
            let found = read_all(&stream, 7);
            assert!(found[0].is_err(), "{len} bytes of {message:?}");
            assert_eq!(found[1..], [Ok((2, Message::EmergencyStop))]);
        }
    }
}

/// What a decoder finds in a damaged frame between two good ones is never a message that was not sent.
fn nothing_false(damaged: &[u8], message: &Message) {
    let (before, after) = (frame(8, &Message::Ack { seq: 1 }), frame(10, &Message::EmergencyStop));
    let found = read_all(&[&before, damaged, &after].concat(), 64);
    for (seq, said) in found.iter().flatten() {
        let sent = match seq {
            8 => &Message::Ack { seq: 1 },
            9 => message,
            10 => &Message::EmergencyStop,
            _ => panic!("{said:?} was never sent"),
        };
        assert_eq!(said, sent);
    }
    assert_eq!(found[0], Ok((8, Message::Ack { seq: 1 })));
    // A flipped delimiter joins the damaged frame to the next.
    if damaged.last() == Some(&0) {
        assert_eq!(found.last(), Some(&Ok((10, Message::EmergencyStop))));
        assert!(!found[1..].iter().flatten().any(|(seq, _)| *seq == 9), "the damaged frame passed");
    }
}

#[test]
fn one_flipped_bit_anywhere_is_found() {
    for message in one_of_each() {
        let bytes = frame(9, &message);
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            nothing_false(&damaged, &message);
        }
    }
}

#[test]
fn two_flipped_bits_anywhere_are_found() {
    let message = Message::Command(command(&[1], 0.8));
    let bytes = frame(9, &message);
    for first in 0..8 * bytes.len() - 8 {
        for second in first + 1..8 * bytes.len() - 8 {
            let mut damaged = bytes.clone();
            damaged[first / 8] ^= 1 << (first % 8);
            damaged[second / 8] ^= 1 << (second % 8);
            nothing_false(&damaged, &message);
        }
    }
}

#[test]
fn unfit_numbers_are_refused_at_both_ends() {
    for (value, kp) in [(f32::NAN, 1.0), (f32::INFINITY, 1.0), (f32::NEG_INFINITY, 1.0), (0.0, -1.0)] {
        let mut actuator = impedance(3, value);
        actuator.kp = kp;
        let message = Message::Command(Command { actuators: [actuator].into_iter().collect() });
        let field = if kp < 0.0 { Field::Kp } else { Field::Position };
        let unfit = Unfit { actuator: Some(3), field };
        assert_eq!(encode_frame(5, &message, &mut [0; MAX_FRAME_LEN]), Err(EncodeError::Unfit(unfit)));
        let encoded = stuffed(&body(5, &message));
        assert_eq!(read_all(&sealed(&encoded), 64), [Err(FrameError::Unfit { seq: 5, unfit })]);
    }
}

#[test]
fn intact_frames_without_a_message_are_told_apart() {
    let unknown = [Err(FrameError::UnknownMessage { seq: 0x0101 })];
    for body in [&[1, 1, 14][..], &[1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], &[1, 1, 7, 7], &[1, 1, 2, 7]] {
        assert_eq!(read_all(&sealed(&stuffed(body)), 64), unknown, "{body:?}");
    }
    // A code byte that points beyond the end.
    assert_eq!(read_all(&sealed(&[9, 1, 1, 7]), 64), [Err(FrameError::Stuffing)]);
}

#[test]
fn a_stream_without_delimiters_takes_no_memory() {
    let mut stream = vec![0x55; 100_000];
    stream.push(0);
    stream.extend(frame(1, &Message::EmergencyStop));
    assert_eq!(read_all(&stream, 1000), [Err(FrameError::TooLong), Ok((1, Message::EmergencyStop))]);
}

#[test]
fn messages_read_well_as_json() {
    let said = |message: &Message| serde_json::to_string(message).expect("JSON");
    assert_eq!(said(&Message::EmergencyStop), r#""emergency_stop""#);
    assert_eq!(
        said(&Message::Command(command(&[1], 0.5))),
        r#"{"command":{"actuators":[{"id":1,"mode":"impedance","position_rad":0.5,"velocity_rad_s":0.0,"torque_nm":0.0,"kp":100.0,"kd":20.0}]}}"#
    );
    for message in one_of_each() {
        assert_eq!(serde_json::from_str::<Message>(&said(&message)).expect("JSON"), message);
    }
}

fn any_message() -> impl Strategy<Value = Message> {
    let number = || -1e6_f32..1e6;
    let actuator =
        (any::<u8>(), number(), number(), number(), 0.0_f32..1e3).prop_map(|(id, q, dq, tau, k)| {
            ActuatorCommand {
                id,
                mode: [Mode::Off, Mode::Brake, Mode::Damp, Mode::Impedance][usize::from(id % 4)],
                position_rad: q,
                velocity_rad_s: dq,
                torque_nm: tau,
                kp: k,
                kd: k / 7.0,
            }
        });
    let command = prop::collection::vec(actuator, 0..=LIST_LEN)
        .prop_map(|list| Message::Command(Command { actuators: list.into_iter().collect() }));
    let imu = (any::<u64>(), prop::array::uniform3(number()), prop::array::uniform3(number())).prop_map(
        |(time_us, angular_velocity_rad_s, specific_force_m_s2)| {
            Message::Imu(Imu { time_us, angular_velocity_rad_s, specific_force_m_s2, temperature_c: 20.0 })
        },
    );
    let fault = (any::<u64>(), any::<Option<u8>>(), any::<u16>(), "\\PC{0,16}").prop_map(
        |(time_us, actuator, bits, words)| {
            Message::Fault(Fault { time_us, actuator, faults: Faults(bits), text: common::text(&words) })
        },
    );
    let each = (0..14_usize).prop_map(|index| one_of_each().swap_remove(index));
    prop_oneof![command, imu, fault, each]
}

proptest! {
    #[test]
    fn whatever_is_said_is_heard(messages in prop::collection::vec(any_message(), 1..8), chunk in 1..64_usize) {
        let numbered = messages.into_iter().enumerate().map(|(seq, message)| (seq as u16, message));
        let sent: Vec<_> = numbered.collect();
        let stream: Vec<u8> = sent.iter().flat_map(|(seq, message)| frame(*seq, message)).collect();
        let found: Vec<_> = read_all(&stream, chunk).into_iter().map(Result::unwrap).collect();
        prop_assert_eq!(found, sent);
    }

    #[test]
    fn after_any_noise_the_second_good_frame_is_heard(
        noise in prop::collection::vec(any::<u8>(), 0..600),
        first in any_message(),
        second in any_message(),
        chunk in 1..64_usize,
    ) {
        let stream = [noise, frame(1, &first), frame(2, &second)].concat();
        let found = read_all(&stream, chunk);
        prop_assert_eq!(found.last(), Some(&Ok((2, second))));
    }

    #[test]
    fn a_burst_of_sixteen_bits_is_found(
        message in any_message(), at in any::<prop::sample::Index>(), burst in 1..=u16::MAX,
    ) {
        let bytes = frame(9, &message);
        let start = at.index(8 * bytes.len() - 8 - 16);
        let mut damaged = bytes.clone();
        // Bits go over a serial line from each byte's lowest.
        for bit in (0..16).filter(|bit| burst >> bit & 1 == 1) {
            damaged[(start + bit) / 8] ^= 1 << ((start + bit) % 8);
        }
        nothing_false(&damaged, &message);
    }

    #[test]
    fn no_bytes_panic(stream in prop::collection::vec(any::<u8>(), 0..2000), chunk in 1..300_usize) {
        read_all(&stream, chunk);
    }

    /// Behind the checksum, too: what a faulty sender may say.
    #[test]
    fn no_intact_frame_panics(encoded in prop::collection::vec(1..=u8::MAX, 0..195)) {
        read_all(&sealed(&encoded), 64);
    }

    #[test]
    fn no_intact_body_panics(body in prop::collection::vec(any::<u8>(), 3..190)) {
        read_all(&sealed(&stuffed(&body)), 64);
    }
}
