//! The Damiao codec against frames that other people's code packed and read (`vectors/make_damiao.py` says whose),
//! and against bytes that no motor or adapter should send.

use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::damiao::adapter::{INBOUND_LEN, OUTBOUND_LEN};
use firmware_bridge::protocol::damiao::{
    Access, Action, Answer, CanFrame, Fault, Feedback, Inbound, Kind, Model, MotorId, Outbound, Ranges,
    Register, RegisterReply, Report, Request, State, Value,
};
use firmware_bridge::protocol::{Frame, WireError};
use proptest::prelude::*;

const COMMANDS: &str = include_str!("vectors/damiao_commands.tsv");
const FEEDBACK: &str = include_str!("vectors/damiao_feedback.tsv");
const ZERO: Impedance =
    Impedance { position_rad: 0.0, velocity_rad_s: 0.0, torque_nm: 0.0, kp: 0.0, kd: 0.0 };

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hex")).collect()
}

fn id(number: u8) -> MotorId {
    MotorId::new(number).expect("an id")
}

fn ranges() -> Ranges {
    Model::Dm4310.ranges()
}

fn impedance(targets: Impedance) -> [u8; OUTBOUND_LEN] {
    Request { id: id(1), action: Action::Impedance(targets) }.encode(&ranges())
}

fn action(kind: &str, values: &[f64]) -> Action {
    let register = |name| Register::named(name).expect("a register");
    match (kind, values) {
        ("mit" | "mit_out", &[position_rad, velocity_rad_s, kp, kd, torque_nm]) => {
            Action::Impedance(Impedance { position_rad, velocity_rad_s, torque_nm, kp, kd })
        }
        ("enable", []) => Action::Enable,
        ("disable", []) => Action::Disable,
        ("set_zero", []) => Action::SetZero,
        ("clear_fault", []) => Action::ClearFault,
        ("position_velocity", &[position_rad, velocity_rad_s]) => {
            Action::PositionVelocity { position_rad, velocity_rad_s }
        }
        ("velocity", &[velocity_rad_s]) => Action::Velocity { velocity_rad_s },
        ("position_force", &[position_rad, velocity_rad_s, current_share]) => {
            Action::PositionForce { position_rad, velocity_rad_s, current_share }
        }
        ("refresh", []) => Action::Refresh,
        ("save", []) => Action::Save,
        (kind, values) => match (kind.split_once(':').expect("a register"), values) {
            (("read", name), []) => Action::Read(register(name)),
            (("write", name), &[value]) => Action::Write(
                register(name),
                match register(name).kind {
                    Kind::Float => Value::Float(value as f32),
                    Kind::Uint => Value::Uint(value as u32),
                },
            ),
            other => panic!("{other:?} in the table"),
        },
    }
}

#[test]
fn requests_are_packed_as_others_pack_them() {
    let mut count = 0;
    for row in rows(COMMANDS) {
        let values: Vec<f64> = row[3].split_whitespace().map(|v| v.parse().expect("number")).collect();
        let request = Request { id: id(row[1].parse().expect("id")), action: action(row[0], &values) };
        let ranges = Model::named(row[2]).map_or(ranges(), Model::ranges);
        assert_eq!(request.encode(&ranges).as_slice(), hex(row[4]), "{row:?}");

        let outbound = Outbound::decode(&hex(row[4])).expect("a frame for the adapter");
        let read = Request::decode(&outbound.can, &ranges).expect("a request");
        assert_eq!(read.frame(&ranges).id, outbound.can.id, "{row:?}");
        if !row[0].starts_with("mit") {
            assert_eq!(read.frame(&ranges), outbound.can, "reads back as what it was: {row:?}");
        }
        count += 1;
    }
    assert_eq!(count, 213, "the whole table was read");
}

#[test]
fn feedback_means_what_others_read() {
    let mut count = 0;
    for row in rows(FEEDBACK) {
        let bytes = hex(row[0]);
        let inbound = Inbound::decode(&bytes).expect("a frame");
        let Ok(Some(Answer::Feedback(feedback))) = Answer::decode(&inbound) else { panic!("{row:?}") };
        assert_eq!(feedback.id.get().to_string(), row[1]);
        assert_eq!(feedback.master, u16::from(feedback.id.get()) + 0x10);
        let motion = feedback.motion(&Model::named(row[2]).expect("a model").ranges());
        for (value, text) in
            [(motion.position_rad, row[4]), (motion.velocity_rad_s, row[5]), (motion.torque_nm, row[6])]
        {
            let other: f64 = text.parse().expect("number");
            assert!((value - other).abs() <= 1e-5, "{value} for {text}: single precision");
        }
        assert_eq!(
            (feedback.mos_c.to_string(), feedback.rotor_c.to_string()),
            (row[7].into(), row[8].into())
        );
        assert_eq!(Answer::Feedback(feedback).inbound().encode().as_slice(), bytes);
        count += 1;
    }
    assert_eq!(count, 60, "the whole table was read");
}

#[test]
fn known_good_bytes() {
    let zero =
        hex("55 AA 1E 03 01 00 00 00 0A 00 00 00 00 01 00 00 00 00 08 00 00 7F FF 7F F0 00 00 07 FF 00");
    assert_eq!(impedance(ZERO).as_slice(), zero);
    let enable =
        hex("55 AA 1E 03 01 00 00 00 0A 00 00 00 00 01 00 00 00 00 08 00 00 FF FF FF FF FF FF FF FC 00");
    assert_eq!(Request { id: id(1), action: Action::Enable }.encode(&ranges()).as_slice(), enable);
    let heard = Inbound::decode(&hex("AA 11 08 11 00 00 00 11 80 00 80 08 00 1E 1C 55")).expect("a frame");
    let Ok(Some(Answer::Feedback(feedback))) = Answer::decode(&heard) else { panic!("no feedback") };
    assert_eq!((feedback.id, feedback.state, feedback.mos_c), (id(1), State::Enabled, 30));
    assert!(feedback.motion(&ranges()).position_rad.abs() < 2e-4);
}

#[test]
fn an_adapter_that_leaves_the_length_empty_is_understood() {
    let bytes = hex("AA 11 00 11 00 00 00 11 80 00 80 08 00 1E 1C 55");
    let inbound = Inbound::decode(&bytes).expect("a frame");
    assert!(matches!(Answer::decode(&inbound), Ok(Some(Answer::Feedback(_)))));
}

#[test]
fn every_code_of_a_state_is_told_apart_and_says_what_to_do() {
    let named = [0_u8, 1, 8, 9, 0xA, 0xB, 0xC, 0xD, 0xE];
    for code in 0..16 {
        let can = CanFrame { id: 0x11, data: [code << 4 | 1, 0x80, 0, 0x80, 8, 0, 30, 30] };
        let Ok(Some(Answer::Feedback(feedback))) = Answer::decode(&Inbound::received(can)) else {
            panic!("{code}")
        };
        assert_eq!(feedback.frame(), can);
        let undefined = matches!(feedback.state, State::Fault(Fault::Undefined(_)));
        assert_eq!(undefined, !named.contains(&code), "{code:X}");
        if let State::Fault(fault) = feedback.state {
            assert!(fault.to_string().contains(':'), "{fault} names a remedy");
        }
    }
}

#[test]
fn out_of_range_saturates() {
    for (sign, expected) in [(1.0, "FFFF FFFF FFFF FFFF"), (-1.0, "0000 0000 0000 0000")] {
        for huge in [1e9, 1e300, f64::INFINITY] {
            let huge = sign * huge;
            let all =
                Impedance { position_rad: huge, velocity_rad_s: huge, torque_nm: huge, kp: huge, kd: huge };
            assert_eq!(&impedance(all)[21..29], hex(expected), "{huge}");
        }
    }
}

/// 0.7 of 10000 steps is a little less than 7000 in binary, and came out as 6999; the vendor's libraries take the steps.
#[test]
fn limits_of_a_position_force_command_are_the_nearest_steps() {
    for share in 0..=10_000_u16 {
        let (current_share, velocity_rad_s) = (f64::from(share) / 10_000.0, f64::from(share) / 100.0);
        let action = Action::PositionForce { position_rad: 1.0, velocity_rad_s, current_share };
        let data = Request { id: id(1), action }.frame(&ranges()).data;
        let step = share.to_le_bytes();
        assert_eq!(data[4..], [step[0], step[1], step[0], step[1]], "{share}");
    }
}

#[test]
fn what_is_not_a_number_pulls_nowhere() {
    let nan = f64::NAN;
    let lost = Impedance { position_rad: nan, kp: 20.0, ..ZERO };
    assert_eq!(impedance(lost), impedance(ZERO));
    let all = Impedance { position_rad: nan, velocity_rad_s: nan, torque_nm: nan, kp: nan, kd: nan };
    assert_eq!(impedance(all), impedance(ZERO));
    let lost = Action::PositionVelocity { position_rad: nan, velocity_rad_s: 3.0 };
    assert_eq!(Request { id: id(1), action: lost }.frame(&ranges()).data, [0; 8], "a velocity of zero");
}

/// With everything at its greatest, a torque just below makes the bytes of an order: 4.99 N m short of "call this
/// position zero" would have been one.
#[test]
fn no_torque_is_ever_an_order() {
    let most = Impedance { position_rad: 12.5, velocity_rad_s: 30.0, torque_nm: 0.0, kp: 500.0, kd: 5.0 };
    for step in 0..=4095 {
        let torque_nm = -10.0 + (f64::from(step) + 0.5) * 20.0 / 4095.0;
        let request = Request { id: id(1), action: Action::Impedance(Impedance { torque_nm, ..most }) };
        let read = Request::decode(&request.frame(&ranges()), &ranges()).expect("a request");
        let Action::Impedance(read) = read.action else { panic!("{torque_nm} became {read:?}") };
        assert!((read.torque_nm - torque_nm).abs() < 0.03, "{} for {torque_nm}", read.torque_nm);
    }
}

#[test]
fn only_looking_is_harmless() {
    assert!(Action::Refresh.is_harmless() && Action::Read(Register::MASTER_ID).is_harmless());
    for action in [Action::Enable, Action::Disable, Action::SetZero, Action::Impedance(ZERO), Action::Save] {
        assert!(!action.is_harmless(), "{action:?}");
    }
}

#[test]
fn a_frame_cut_at_any_byte_is_refused() {
    let answer = hex("AA 11 08 11 00 00 00 11 80 00 80 08 00 1E 1C 55");
    for length in (0..40).filter(|length| *length != INBOUND_LEN) {
        let bytes: Vec<u8> = answer.iter().copied().cycle().take(length).collect();
        let expected = Err(WireError::Length { expected: INBOUND_LEN, found: length });
        assert_eq!(Inbound::decode(&bytes), expected);
    }
    let request = impedance(ZERO);
    for length in (0..70).filter(|length| *length != OUTBOUND_LEN) {
        let bytes: Vec<u8> = request.iter().copied().cycle().take(length).collect();
        let expected = Err(WireError::Length { expected: OUTBOUND_LEN, found: length });
        assert_eq!(Outbound::decode(&bytes), expected);
        assert_eq!(<Outbound as Frame>::decode(&bytes), expected);
    }
}

#[test]
fn impossible_fields_are_refused() {
    let answer = hex("AA 11 08 11 00 00 00 11 80 00 80 08 00 1E 1C 55");
    let with = |at: usize, byte: u8| {
        let mut bytes = answer.clone();
        bytes[at] = byte;
        Inbound::decode(&bytes)
    };
    assert!(matches!(with(0, 0x55), Err(WireError::Header { expected: 0xAA, .. })));
    assert!(matches!(with(15, 0xAA), Err(WireError::Header { expected: 0x55, .. })));
    assert!(matches!(with(1, 0x10), Err(WireError::Impossible { .. })), "a report that no adapter makes");
    assert!(matches!(with(2, 9), Err(WireError::Impossible { .. })), "nine bytes on CAN");
    assert!(matches!(with(4, 8), Err(WireError::Impossible { .. })), "a standard id above 7FF");
    let remote = with(2, 0x88).expect("another node's remote frame");
    assert_eq!((remote.can(), Answer::decode(&remote)), (None, Ok(None)));
    let nobody = with(7, 0x10).expect("a whole frame");
    assert!(matches!(Answer::decode(&nobody), Err(WireError::Impossible { value: 0, .. })));
}

#[test]
fn reports_of_the_adapter_carry_no_answer() {
    for report in [Report::Heartbeat, Report::Sent, Report::SendFailed, Report::BusError] {
        let frame = Inbound { report, format: 0xFF, id: u32::MAX, data: [0xAA; 8] };
        assert_eq!(Inbound::decode(&frame.encode()), Ok(frame));
        assert_eq!(Answer::decode(&frame), Ok(None));
    }
}

/// What of a flipped bit is noticed without a checksum, and what is not, bit by bit.
#[test]
fn flipped_bits_are_noticed_outside_the_data_only() {
    let bytes = hex("AA 11 08 11 00 00 00 11 80 00 80 08 00 1E 1C 55");
    let mut silent = Vec::new();
    for bit in 0..8 * INBOUND_LEN {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // A monitor takes answers of one motor, under one id, in a state with a name.
        let answer = Inbound::decode(&flipped).ok().and_then(|frame| Answer::decode(&frame).ok()?);
        let believed = answer.is_some_and(|answer| answer.id() == id(1) && answer.master() == 0x11);
        if believed {
            silent.push(bit / 8);
        }
    }
    assert!(silent.iter().all(|byte| *byte == 2 || (7..15).contains(byte)), "{silent:?}");
    let in_format = silent.iter().filter(|byte| **byte == 2).count();
    assert_eq!(
        (in_format, silent.len()),
        (1, 61),
        "the length may be 8 or empty; all of the data but the id"
    );
}

fn any_id() -> impl Strategy<Value = MotorId> {
    (1_u8..16).prop_map(id)
}

fn any_feedback() -> impl Strategy<Value = Feedback> {
    let states = prop_oneof![
        Just(State::Disabled),
        Just(State::Enabled),
        Just(State::Fault(Fault::OverVoltage)),
        Just(State::Fault(Fault::CommunicationLost)),
        Just(State::Fault(Fault::Undefined(7))),
    ];
    (any_id(), 0_u16..0x800, states, any::<[u16; 3]>(), any::<[u8; 2]>()).prop_map(
        |(id, master, state, [position, velocity, torque], [mos_c, rotor_c])| Feedback {
            id,
            master,
            state,
            position,
            velocity: velocity & 0xFFF,
            torque: torque & 0xFFF,
            mos_c,
            rotor_c,
        },
    )
}

fn any_register() -> impl Strategy<Value = Register> {
    (0..firmware_bridge::protocol::damiao::REGISTERS.len())
        .prop_map(|at| firmware_bridge::protocol::damiao::REGISTERS[at])
}

proptest! {
    #[test]
    fn a_feedback_survives_its_bytes(feedback in any_feedback()) {
        let bytes = Answer::Feedback(feedback).inbound().encode();
        let read = Answer::decode(&Inbound::decode(&bytes).expect("a frame")).expect("a motor's");
        match read.expect("an answer") {
            Answer::Feedback(read) => prop_assert_eq!(read, feedback),
            // The two kinds of answer overlap where a disabled motor stands at the lower end and races.
            Answer::Register(_) => {
                prop_assert_eq!(feedback.state, State::Disabled);
                prop_assert!(feedback.position < 0x100 && feedback.velocity >> 4 <= 81);
            }
        }
    }

    #[test]
    fn a_register_survives_its_bytes(id in any_id(), register in any_register(), bytes in any::<[u8; 4]>()) {
        for access in [Access::Read, Access::Write] {
            let reply = RegisterReply { id, master: 0x11, access, register, bytes };
            let read = Answer::decode(&Answer::Register(reply).inbound());
            prop_assert_eq!(read, Ok(Some(Answer::Register(reply))));
        }
    }

    #[test]
    fn targets_survive_within_one_step(
        q in -12.5..12.5, dq in -30.0..30.0, tau in -10.0..10.0, kp in 0.0..500.0, kd in 0.0..5.0,
    ) {
        let sent = Impedance { position_rad: q, velocity_rad_s: dq, torque_nm: tau, kp, kd };
        let frame = Request { id: id(9), action: Action::Impedance(sent) }.frame(&ranges());
        let Ok(Request { action: Action::Impedance(read), .. }) = Request::decode(&frame, &ranges()) else {
            panic!("{frame:?}")
        };
        for (read, sent, whole, steps) in [
            (read.position_rad, q, 25.0, 65535.0),
            (read.velocity_rad_s, dq, 60.0, 4095.0),
            (read.torque_nm, tau, 20.0, 4095.0),
            (read.kp, kp, 500.0, 4095.0),
            (read.kd, kd, 5.0, 4095.0),
        ] {
            let below = sent - read;
            prop_assert!((-1e-9..whole / steps + 1e-9).contains(&below), "{read} for {sent}: truncated downward");
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), data in any::<[u8; 8]>()) {
        let _ = Outbound::decode(&bytes);
        if let Ok(inbound) = Inbound::decode(&bytes) {
            let _ = Answer::decode(&inbound);
        }
        for can_id in [1, 0x101, 0x201, 0x301, 0x7FF, 0x80, 0] {
            let _ = Request::decode(&CanFrame { id: can_id, data }, &ranges());
        }
    }
}
