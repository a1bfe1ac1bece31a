//! The Feetech codec against what the vendor's own SDK wrote and read (`vectors/make_feetech.py`), and against bytes
//! that no servo should send.

#![allow(clippy::print_stderr, reason = "figures for whoever runs it with --nocapture")]

use std::f64::consts::{PI, TAU};

use firmware_bridge::protocol::feetech::{
    Errors, Fault, Goal, MAX_PACKET_LEN, MAX_PARAMETERS, Monitor, MonitorReply, Packet, REGISTERS, Reading,
    Register, Request, ServoId, Sign, Status, StatusReader, SyncWrite,
};
use firmware_bridge::protocol::{FrameReader, WireError};
use proptest::prelude::*;

const REQUESTS: &str = include_str!("vectors/feetech_requests.tsv");
const ANSWERS: &str = include_str!("vectors/feetech_answers.tsv");
const TICK: f64 = TAU / 4096.0;

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hex")).collect()
}

fn id(number: u8) -> ServoId {
    if number == 254 { ServoId::BROADCAST } else { ServoId::new(number).expect("an id") }
}

fn request_bytes(request: Request<'_>, number: u8) -> Vec<u8> {
    request.encode(id(number), &mut [0; MAX_PACKET_LEN]).expect("it fits").to_vec()
}

fn status_bytes(status: &Status) -> Vec<u8> {
    status.encode(&mut [0; MAX_PACKET_LEN]).to_vec()
}

fn goal(position: i32, speed: i32, acceleration: i32) -> [u8; Goal::LEN] {
    let goal = Goal {
        position_rad: f64::from(position) * TICK,
        velocity_rad_s: f64::from(speed) * TICK,
        acceleration_rad_s2: f64::from(acceleration) * 100.0 * TICK,
        time: 0,
    };
    goal.registers().expect("a position")
}

#[test]
fn requests_are_packed_as_the_vendor_packs_them() {
    let mut count = 0;
    for row in rows(REQUESTS) {
        let numbers: Vec<i32> = row[2].split_whitespace().filter_map(|n| n.parse().ok()).collect();
        let bytes: Vec<u8> = numbers.iter().map(|n| *n as u8).collect();
        let write = |data| Request::Write { address: Register::ACCELERATION.address, data };
        let number = row[1].parse().expect("id");
        let packed = match (row[0], bytes.as_slice()) {
            ("ping", []) => request_bytes(Request::Ping, number),
            ("read", &[address, len]) => request_bytes(Request::Read { address, len }, number),
            ("write", [address, data @ ..]) => {
                request_bytes(Request::Write { address: *address, data }, number)
            }
            ("reg_write", [address, data @ ..]) => {
                request_bytes(Request::RegWrite { address: *address, data }, number)
            }
            ("action", []) => request_bytes(Request::Action, number),
            ("sync_read", [address, len, ids @ ..]) => {
                request_bytes(Request::SyncRead { address: *address, len: *len, ids }, number)
            }
            ("goal", _) => request_bytes(write(&goal(numbers[0], numbers[1], numbers[2])), number),
            ("wheel", &[_, acceleration]) => {
                let [low, high] = Register::GOAL_VELOCITY.bytes(numbers[0]);
                request_bytes(write(&[acceleration, 0, 0, 0, 0, low, high]), number)
            }
            ("sync_goal", _) => {
                let mut goals = SyncWrite::goals();
                for servo in numbers.chunks_exact(4) {
                    goals.push(id(servo[0] as u8), &goal(servo[1], servo[2], servo[3])).expect("it fits");
                }
                request_bytes(goals.request(), number)
            }
            other => panic!("{other:?} in the table"),
        };
        assert_eq!(packed, hex(row[3]), "{row:?}");
        let packet = Packet::decode(&packed).expect("intact");
        let request = Request::decode(&packet).expect("a request");
        assert_eq!(request_bytes(request, number), packed, "and reads back");
        count += 1;
    }
    assert_eq!(count, 79, "the whole table was read");
}

#[test]
fn answers_mean_what_the_vendor_reads() {
    let mut count = 0;
    for row in rows(ANSWERS) {
        let status = Status::decode(&hex(row[4])).expect("the vendor's SDK took it");
        assert_eq!(
            (status.id.get().to_string(), status.errors.0.to_string()),
            (row[0].into(), row[1].into())
        );
        assert_eq!(status.parameters.as_slice(), hex(row[2].trim_matches('-')));
        if let (&[low, high, ..], Ok(position)) = (status.parameters.as_slice(), row[3].parse::<i32>()) {
            assert_eq!(Register::POSITION.number([low, high]), position);
        }
        assert_eq!(status_bytes(&status), hex(row[4]));
        count += 1;
    }
    assert_eq!(count, 60, "the whole table was read");
}

/// The examples of the protocol manual.
#[test]
fn known_good_bytes() {
    assert_eq!(request_bytes(Request::Ping, 1), hex("FF FF 01 02 01 FB"));
    assert_eq!(request_bytes(Request::Reset, 0), hex("FF FF 00 02 06 F7"));
    assert_eq!(request_bytes(Request::read(Register::POSITION), 1), hex("FF FF 01 04 02 38 02 BE"));
    let answer = Status::decode(&hex("FF FF 01 04 00 18 05 DD")).expect("intact");
    assert_eq!(Monitor::new(id(1)).register(Register::POSITION, &answer), Some(0x518));
}

#[test]
fn signs_stand_where_the_registers_have_them() {
    for (register, number, bytes) in [
        (Register::POSITION, -1, "01 80"),
        (Register::POSITION, 4095, "FF 0F"),
        (Register::LOAD, -1000, "E8 07"),
        (Register::LOAD, 1000, "E8 03"),
        (Register::OFFSET, -2047, "FF 0F"),
        (Register::GOAL_VELOCITY, -3400, "48 8D"),
        (Register::ID, 7, "07 00"),
    ] {
        assert_eq!(register.bytes(number).to_vec(), hex(bytes), "{number} in {}", register.name);
        assert_eq!(register.number(register.bytes(number)), number);
    }
    assert_eq!(Register::LOAD.number([0x00, 0x04]), 0, "minus zero");
    assert_eq!(Register::LOAD.number(Register::LOAD.bytes(5000)), 1023, "saturates below its sign");
}

#[test]
fn registers_do_not_overlap() {
    for pair in REGISTERS.windows(2) {
        assert!(pair[0].address + pair[0].len <= pair[1].address, "{pair:?}");
    }
    assert_eq!(Register::named("Present_Position"), Some(Register::POSITION));
}

#[test]
fn a_goal_never_becomes_the_fastest_by_rounding() {
    let slow = Goal { position_rad: PI, velocity_rad_s: 1e-6, acceleration_rad_s2: 1e-6, time: 0 };
    assert_eq!(slow.registers(), Some([1, 0, 8, 0, 0, 1, 0]));
    let nan = f64::NAN;
    assert_eq!(Goal { velocity_rad_s: nan, ..slow }.registers(), Some([1, 0, 8, 0, 0, 1, 0]));
    assert_eq!(Goal { position_rad: nan, ..slow }.registers(), None, "there is nowhere to go");
    let fast = Goal { position_rad: 1e9, velocity_rad_s: 1e9, acceleration_rad_s2: f64::INFINITY, time: 0 };
    assert_eq!(fast.registers(), Some([0xFF, 0xFF, 0x7F, 0, 0, 0xFF, 0x7F]));
    let back = Goal { position_rad: -PI, velocity_rad_s: 0.0, acceleration_rad_s2: 0.0, time: 9 };
    assert_eq!(back.registers(), Some([0, 0, 0x88, 9, 0, 0, 0]));
}

#[test]
fn a_reading_is_in_si_units() {
    let registers = hex("00 04 F4 81 64 04 7B 1F 00 20 01 00 00 14 80");
    let reading = Reading::from_registers(&registers).expect("fifteen bytes");
    let near = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-9, "{value} for {expected}");
    near(reading.position_rad, TAU / 4.0);
    near(reading.velocity_rad_s, -500.0 * TICK);
    near(reading.load, -0.1);
    near(reading.voltage_v, 12.3);
    near(reading.temperature_c, 31.0);
    near(reading.current_a, -0.13);
    assert_eq!((reading.moving, reading.errors.has(Fault::Overload)), (true, true));
}

#[test]
fn every_error_says_what_to_do() {
    let all: Vec<Fault> = Errors(0x7F).faults().collect();
    assert_eq!(all.len(), 7);
    assert_eq!(all.iter().copied().fold(Errors::NONE, Errors::with), Errors(0x7F));
    for fault in all {
        assert!(fault.to_string().contains(':'), "{fault} names a remedy");
    }
    assert_eq!(Errors(32).faults().collect::<Vec<_>>(), [Fault::Overload]);
}

#[test]
fn an_answer_cut_at_any_byte_is_refused() {
    let answer = status_bytes(&Status::new(id(3), Errors::NONE, &[1, 2, 3, 4]).expect("it fits"));
    for length in 0..answer.len() {
        let error = Status::decode(&answer[..length]).expect_err("cut");
        assert!(matches!(error, WireError::Length { found, .. } if found == length), "{error}");
    }
    let longer = [answer.as_slice(), &[0]].concat();
    assert!(matches!(Status::decode(&longer), Err(WireError::Length { .. })));
}

#[test]
fn impossible_fields_are_refused() {
    let refuse = |text: &str| {
        let mut bytes = hex(text);
        let sum: u32 = bytes[2..].iter().copied().map(u32::from).sum();
        bytes.push(!(sum as u8));
        Status::decode(&bytes).expect_err("refused")
    };
    assert!(matches!(refuse("FF FE 01 02 00"), WireError::Header { found: 0xFE, .. }));
    assert!(matches!(refuse("FF FF FE 02 00"), WireError::Impossible { value: 0xFE, .. }), "nobody");
    assert!(matches!(refuse("FF FF FF 02 00"), WireError::Impossible { value: 0xFF, .. }));
    assert!(matches!(refuse("FF FF 01 00 00"), WireError::Impossible { value: 0, .. }), "shorter than short");
    assert!(matches!(refuse("FF FF 01 01 00"), WireError::Impossible { value: 1, .. }));
    assert!(matches!(refuse("FF FF 01 F7 00"), WireError::Impossible { value: 0xF7, .. }), "too long");
    assert!(matches!(refuse("FF FF 01 02 80"), WireError::Impossible { value: 0x80, .. }), "errors' top bit");
    let wrong = Status::decode(&hex("FF FF 01 02 00 FD"));
    assert_eq!(wrong, Err(WireError::Crc { expected: 0xFC, found: 0xFD }));
}

#[test]
fn what_does_not_fit_is_not_sent() {
    let data = [0; MAX_PARAMETERS];
    assert!(Request::Write { address: 0, data: &data[1..] }.packet(id(1)).is_ok());
    assert!(matches!(
        Request::Write { address: 0, data: &data }.packet(id(1)),
        Err(WireError::Length { expected: MAX_PACKET_LEN, .. })
    ));
    let mut goals = SyncWrite::goals();
    assert!(matches!(goals.push(id(1), &[0; 6]), Err(WireError::Length { expected: 7, found: 6 })));
    let pushed = (0..40).take_while(|n| goals.push(id(*n), &[0; 7]).is_ok()).count();
    assert_eq!(pushed, 30, "thirty servos' goals in one packet");
    assert!(
        goals.request().packet(ServoId::BROADCAST).is_ok(),
        "the one that did not fit left nothing behind"
    );
}

#[test]
fn instructions_that_are_none_are_refused() {
    let decode = |code: u8, parameters: &[u8]| {
        let packet = Packet { id: id(1), code, parameters: parameters.try_into().expect("it fits") };
        Request::decode(&packet).map(|_| ())
    };
    assert!(matches!(decode(0x01, &[1]), Err(WireError::Length { .. })), "a ping with parameters");
    assert!(matches!(decode(0x02, &[1]), Err(WireError::Length { .. })));
    assert!(matches!(decode(0x83, &[41, 2, 1, 0, 0, 2]), Err(WireError::Length { .. })), "half a block");
    for code in [0x00, 0x07, 0x7F, 0x81, 0x84, 0xFF] {
        assert!(matches!(decode(code, &[]), Err(WireError::Impossible { .. })), "{code:02X}");
    }
}

/// On a half-duplex line an adapter may hear itself.
#[test]
fn no_echo_of_a_probe_or_a_request_is_an_answer_and_that_of_a_ping_is_one() {
    let monitor = Monitor::new(id(1));
    for echo in [monitor.probe(), monitor.request()] {
        let status = Status::decode(&echo).expect("it has the form of an answer");
        assert_eq!(monitor.interpret(&status), None);
    }
    let echo = monitor.register_request(Register::MODEL);
    assert_eq!(monitor.register(Register::MODEL, &Status::decode(&echo).expect("the form")), None);
    let ping = Status::decode(&monitor.ping()).expect("the form");
    let complaint = Errors::NONE.with(Fault::Voltage);
    assert_eq!(
        monitor.interpret(&ping),
        Some(MonitorReply::Done(complaint)),
        "so a ping is not the way to scan"
    );
}

/// Which damage the 8-bit sum notices, and which it cannot.
#[test]
fn any_flipped_bit_is_noticed_and_exchanged_bytes_are_not() {
    let answer = status_bytes(&Status::new(id(3), Errors::NONE, &[0x12, 0x34, 0x56]).expect("it fits"));
    for bit in 0..8 * answer.len() {
        let mut flipped = answer.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Status::decode(&flipped).is_err(), "bit {bit}");
    }
    let mut exchanged = answer;
    exchanged.swap(5, 6);
    assert!(Status::decode(&exchanged).is_ok(), "a sum does not know the order");
}

/// Of two flipped bits, the share that passes: the same bit of two bytes, once up and once down.
#[test]
fn two_flipped_bits_pass_about_once_in_sixteen_times() {
    let answer = status_bytes(&Status::new(id(3), Errors::NONE, &[0x12, 0x34, 0x56, 0x78]).expect("it fits"));
    let (mut passed, mut all) = (0, 0);
    for first in 0..8 * answer.len() {
        for second in 0..first {
            let mut flipped = answer.clone();
            flipped[first / 8] ^= 1 << (first % 8);
            flipped[second / 8] ^= 1 << (second % 8);
            passed += usize::from(Status::decode(&flipped).is_ok());
            all += 1;
        }
    }
    let share = f64::from(passed as u32) / f64::from(all as u32);
    eprintln!("{passed} of {all} pairs of flipped bits pass: {share:.4}");
    assert!((0.01..0.07).contains(&share), "{share}");
}

fn read_all(stream: &[u8], chunk: usize) -> (Vec<Status>, usize) {
    let mut reader = StatusReader::new();
    let (mut found, mut errors) = (Vec::new(), 0);
    for mut piece in stream.chunks(chunk) {
        while let Some(result) = reader.next_frame(&mut piece) {
            match result {
                Ok(status) => found.push(status),
                Err(_) => errors += 1,
            }
        }
    }
    (found, errors)
}

fn any_byte() -> impl Strategy<Value = u8> {
    prop_oneof![2 => Just(0xFF_u8), 1 => 0_u8..8, 2 => any::<u8>()]
}

fn any_status() -> impl Strategy<Value = Status> {
    (0_u8..254, 0_u8..128, prop::collection::vec(any_byte(), 0..20)).prop_map(
        |(number, errors, parameters)| Status::new(id(number), Errors(errors), &parameters).expect("it fits"),
    )
}

fn stream_of(answers: &[Status]) -> Vec<u8> {
    answers.iter().flat_map(status_bytes).collect()
}

proptest! {
    #[test]
    fn an_answer_survives_its_bytes(status in any_status()) {
        prop_assert_eq!(Status::decode(&status_bytes(&status)), Ok(status));
    }

    #[test]
    fn a_register_survives_its_bytes(at in 0..REGISTERS.len(), number in -70_000..70_000) {
        let register = REGISTERS[at];
        let (least, most) = match (register.sign, register.len) {
            (Sign::None, 1) => (0, 255),
            (Sign::None, _) => (0, 65_535),
            (Sign::Bit(bit), _) => (1 - (1 << bit), (1 << bit) - 1),
        };
        prop_assert_eq!(register.number(register.bytes(number)), number.clamp(least, most));
    }

    #[test]
    fn a_goal_survives_its_registers(position in -32767..32768, speed in 0..32768, acceleration in 0..256) {
        let registers = goal(position, speed, acceleration);
        prop_assert_eq!(Goal::from_registers(registers).registers(), Some(registers));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any_byte(), 0..300), chunk in 1_usize..40) {
        let _ = Status::decode(&bytes);
        if let Ok(packet) = Packet::decode(&bytes) {
            let _ = Request::decode(&packet);
        }
        let _ = Reading::from_registers(&bytes);
        let _ = read_all(&bytes, chunk);
        let mut requests = FrameReader::<Packet, MAX_PACKET_LEN>::new();
        let mut rest = bytes.as_slice();
        while requests.next_frame(&mut rest).is_some() {}
    }

    /// Headers in the parameters do not disturb a reader in its place.
    #[test]
    fn chunks_do_not_matter(answers in prop::collection::vec(any_status(), 1..8), chunk in 1_usize..40) {
        prop_assert_eq!(read_all(&stream_of(&answers), chunk), (answers, 0));
    }

    /// Nothing is lost to noise, unless some of it passed for an answer and took good ones along.
    #[test]
    fn the_place_is_found_again_after_noise(
        noise in prop::collection::vec(any_byte(), 1..60), answers in prop::collection::vec(any_status(), 2..9),
        chunk in 1_usize..40,
    ) {
        let stream = [noise.as_slice(), &stream_of(&answers)].concat();
        let (found, _) = read_all(&stream, chunk);
        let by_chance = found.iter().any(|status| !answers.contains(status));
        prop_assert!(by_chance || found == answers, "{found:?} of {answers:?}");
    }

    #[test]
    fn an_answer_cut_short_costs_only_itself(
        cut in any_status(), kept in 0_usize..25, answers in prop::collection::vec(any_status(), 2..8),
    ) {
        let cut_bytes = status_bytes(&cut);
        let stream = [&cut_bytes[..kept.min(cut_bytes.len() - 1)], &stream_of(&answers)].concat();
        let (found, _) = read_all(&stream, 5);
        let by_chance = found.iter().any(|status| !answers.contains(status));
        prop_assert!(by_chance || found == answers, "{found:?} of {answers:?}");
    }
}

/// Numbers without end that are the same every time (xorshift64*).
struct Dice(u64);

impl Dice {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
    }
}

/// The numbers in the module's documentation.
#[test]
fn what_noise_costs_is_measured() {
    const TIMES: usize = 100_000;
    let mut dice = Dice(7);
    let (mut lost, mut worst, mut false_answers, mut monitored) = (0, 0, 0, 0);
    for _ in 0..TIMES {
        let answers: Vec<Status> = (1..6)
            .map(|n| {
                let registers: [u8; 15] = std::array::from_fn(|_| dice.byte());
                Status::new(id(n), Errors::NONE, &registers).expect("it fits")
            })
            .collect();
        let noise: Vec<u8> = (0..40).map(|_| if dice.byte() < 128 { 0xFF } else { dice.byte() }).collect();
        let (found, _) = read_all(&[noise.as_slice(), &stream_of(&answers)].concat(), 64);
        let missing =
            (0..=answers.len()).find(|from| found.ends_with(&answers[*from..])).expect("none at all");
        lost += usize::from(missing > 0);
        worst = worst.max(missing);
        let wrong = found.iter().filter(|status| !answers.contains(status));
        for status in wrong {
            false_answers += 1;
            monitored += usize::from(Monitor::new(id(1)).interpret(status).is_some());
        }
    }
    let share = |count: usize| count as f64 / TIMES as f64;
    eprintln!(
        "after 40 bytes of noise, half of them FF: {:.4} streams lost a good answer, at most {worst}; {:.4} false \
         answers, {:.6} that a monitor of one servo would take",
        share(lost),
        share(false_answers),
        share(monitored)
    );
    assert!(share(lost) < 0.02 && share(false_answers) < 0.05 && share(monitored) < 0.001);
}
