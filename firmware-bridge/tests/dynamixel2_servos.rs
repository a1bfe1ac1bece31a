//! Virtual DYNAMIXEL servos, and the master that asks them.

use std::f64::consts::PI;

use allocation_counter::measure;
use firmware_bridge::protocol::FrameReader;
use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::dynamixel2::x_series::{HardwareError, RAD_PER_TICK, address, ticks};
use firmware_bridge::protocol::dynamixel2::{
    BROADCAST, ErrorByte, Event, FactoryReset, Instruction, MAX_PACKET_LEN, Master, Packet, PacketError,
    Request, ServoError, VirtualServos,
};
use proptest::prelude::*;
use robot_interface::time::Stamp;

const MILLI: u64 = 1_000_000;
/// What the master gives each servo, ns.
const BUDGET: u64 = 3 * MILLI;

/// Servos, and the time that passes for them.
struct Rig {
    servos: VirtualServos,
    now: Stamp,
}

impl Rig {
    fn new(ids: &[u8]) -> Self {
        Self { servos: VirtualServos::new(ids).expect("a bus"), now: Stamp::ZERO }
    }

    /// All that is answered to a packet.
    fn answers(&mut self, packet: Result<Packet, PacketError>) -> Vec<Packet> {
        let mut buffer = [0; MAX_PACKET_LEN];
        let bytes = self.raw(packet.expect("a packet").encode(&mut buffer));
        let (mut reader, mut rest) = (FrameReader::<Packet, MAX_PACKET_LEN>::new(), bytes.as_slice());
        std::iter::from_fn(|| reader.next_frame(&mut rest)).map(|packet| packet.expect("intact")).collect()
    }

    fn raw(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut heard = Vec::new();
        self.servos.hear(self.now, bytes, &mut |answer| heard.extend(answer));
        heard
    }

    /// The error of the only answer.
    fn error(&mut self, packet: Result<Packet, PacketError>) -> Option<ServoError> {
        let answers = self.answers(packet);
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers[0].error().expect("a status packet").error
    }

    fn number(&mut self, id: u8, address: u16, length: u16) -> i32 {
        let answers = self.answers(Packet::read(id, address, length));
        let params = answers[0].params();
        let mut bytes = [0; 4];
        bytes[..params.len()].copy_from_slice(params);
        i32::from_le_bytes(bytes)
    }

    fn wait(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now = self.now.plus_nanos(MILLI);
            self.answers(Packet::ping(BROADCAST));
        }
    }

    /// All that a master learns from a request, with what `line` makes of the servos' bytes.
    fn ask(&mut self, master: &mut Master, request: Request<'_>, line: fn(Vec<u8>) -> Vec<u8>) -> Vec<Event> {
        let packet = master.begin(self.now, request).expect("a possible request");
        let bytes = line(self.raw(packet.encode(&mut [0; MAX_PACKET_LEN])));
        let (mut rest, mut events) = (bytes.as_slice(), Vec::new());
        events.extend(std::iter::from_fn(|| master.handle_bytes(self.now, &mut rest)));
        while let Some(due) = master.poll_timeout() {
            self.now = due;
            events.extend(std::iter::from_fn(|| master.handle_timeout(due)));
        }
        assert!(master.is_idle());
        events
    }
}

fn write(id: u8, address: u16, data: &[u8]) -> Result<Packet, PacketError> {
    Packet::write(id, address, data)
}

#[test]
fn ids_answer_a_ping_in_their_order_whoever_was_named_first() {
    let mut rig = Rig::new(&[9, 3, 200]);
    let ids =
        |rig: &mut Rig| -> Vec<u8> { rig.answers(Packet::ping(BROADCAST)).iter().map(Packet::id).collect() };
    assert_eq!(ids(&mut rig), [3, 9, 200]);
    assert_eq!(rig.error(write(3, address::ID, &[100])), None, "answered with the old id");
    assert_eq!(ids(&mut rig), [9, 100, 200]);
    assert!(rig.answers(Packet::ping(3)).is_empty());
    assert_eq!(VirtualServos::new(&[1, 1]).err(), Some(PacketError::RepeatedId(1)));
    assert_eq!(VirtualServos::new(&[253]).err(), Some(PacketError::Id(253)));
    assert!(VirtualServos::new(&[]).is_ok());
}

#[test]
fn a_write_that_is_refused_changes_nothing() {
    let mut rig = Rig::new(&[1]);
    // The limits stand side by side: the first is allowed, the second is not.
    let both = [2000_u32.to_le_bytes(), 5000_u32.to_le_bytes()].concat();
    assert_eq!(rig.error(write(1, address::MAX_POSITION_LIMIT, &both)), Some(ServoError::DataRange));
    assert_eq!(rig.number(1, address::MAX_POSITION_LIMIT, 4), 4095);
    for (address, data, error) in [
        (address::MODEL_NUMBER, &[1, 2][..], ServoError::Access),
        (address::GOAL_POSITION, &[1, 2, 3], ServoError::DataLength),
        (address::GOAL_POSITION + 1, &[1, 2, 3, 4], ServoError::Access),
        (address::GOAL_POSITION, &[0xFF, 0xFF, 0xFF, 0xFF], ServoError::DataLimit),
        (address::GOAL_VELOCITY, &[201, 0, 0, 0], ServoError::DataLimit),
        (address::GOAL_VELOCITY, &[0, 0x10, 0, 0], ServoError::DataRange),
        (address::OPERATING_MODE, &[2], ServoError::DataRange),
        (address::ID, &[253], ServoError::DataRange),
        (71, &[0], ServoError::Access),
        (168, &[0, 0], ServoError::Access),
        (0xFFFF, &[0], ServoError::Access),
    ] {
        assert_eq!(rig.error(write(1, address, data)), Some(error), "{address} {data:?}");
    }
    // A negative velocity within the limit, and what is in use: fields side by side.
    assert_eq!(rig.error(write(1, address::GOAL_VELOCITY, &(-200_i32).to_le_bytes())), None);
    assert_eq!(rig.error(write(1, address::TORQUE_ENABLE, &[1, 1])), None);
    assert_eq!(rig.error(write(1, address::RETURN_DELAY, &[0])), Some(ServoError::Access));
    assert_eq!(rig.error(Packet::read(1, 147, 1)), Some(ServoError::Access));
    assert_eq!(rig.error(Packet::read(1, 71, 2)), Some(ServoError::Access));
    assert_eq!(rig.error(Packet::read(1, 70, 3)), None);
    assert_eq!(rig.error(Packet::raw(1, 0x20, &[])), Some(ServoError::Instruction));
    assert_eq!(rig.error(Packet::raw(1, Instruction::Read.byte(), &[0])), Some(ServoError::DataLength));
}

#[test]
fn a_broken_instruction_is_complained_of_by_whom_it_names_and_has_no_effect() {
    let mut rig = Rig::new(&[1, 2]);
    let mut buffer = [0; MAX_PACKET_LEN];
    let mut frame = write(2, address::LED, &[1]).expect("a packet").encode(&mut buffer).to_vec();
    *frame.last_mut().expect("a byte") ^= 1;
    let answer = rig.raw(&frame);
    let crc = Packet::status(2, ErrorByte { alert: false, error: Some(ServoError::Crc) }, &[]);
    assert_eq!(Packet::decode(&answer), Ok(crc.expect("a packet")));
    assert_eq!(rig.number(2, address::LED, 1), 0);
    frame[4] = BROADCAST;
    assert_eq!(rig.raw(&frame), [], "nobody answers for all");
}

#[test]
fn a_packet_in_pieces_is_heard_and_one_that_breaks_off_is_given_up() {
    let mut rig = Rig::new(&[1]);
    let ping = Packet::ping(1).expect("a packet").encode(&mut [0; MAX_PACKET_LEN]).to_vec();
    assert_eq!(rig.raw(&ping[..4]), []);
    rig.now = rig.now.plus_nanos(20 * MILLI);
    assert_eq!(rig.raw(&ping[4..]).len(), 14);
    // The beginning of a packet of a thousand bytes, and later a whole one.
    assert_eq!(rig.raw(&[0xFF, 0xFF, 0xFD, 0, 1, 0xE8, 3]), []);
    rig.now = rig.now.plus_nanos(200 * MILLI);
    assert_eq!(rig.raw(&ping).len(), 14);
}

#[test]
fn the_status_return_level_is_kept() {
    let mut rig = Rig::new(&[1]);
    for (level, ping, read, write_led) in [(0, 1, 0, 0), (1, 1, 1, 0), (2, 1, 1, 1)] {
        rig.answers(write(1, address::STATUS_RETURN_LEVEL, &[level]));
        let counts = [
            Packet::ping(1),
            Packet::read(1, 0, 2),
            write(1, address::LED, &[1]),
            Packet::sync_read(0, 2, &[1]),
            Packet::fast_sync_read(0, 2, &[1]),
        ]
        .map(|packet| rig.answers(packet).len());
        assert_eq!(counts, [ping, read, write_led, read, read], "level {level}");
    }
    assert!(rig.answers(write(BROADCAST, address::LED, &[0])).is_empty());
    assert_eq!(rig.number(1, address::LED, 1), 0, "but it was obeyed");
}

#[test]
fn reads_of_several_are_answered_in_the_order_asked() {
    let mut rig = Rig::new(&[1, 2, 3]);
    let ids: Vec<u8> = rig.answers(Packet::sync_read(132, 4, &[3, 9, 1])).iter().map(Packet::id).collect();
    assert_eq!(ids, [3, 1], "and 9 is not there");
    let fast = rig.answers(Packet::fast_sync_read(132, 4, &[3, 1, 2]));
    let parts: Vec<_> = fast[0].fast_parts([4; 3]).map(|part| part.expect("intact")).collect();
    let expected = 2048_i32.to_le_bytes();
    assert!(parts.iter().map(|part| (part.id, part.data)).eq([3, 1, 2].map(|id| (id, &expected[..]))));
    // One that is missing ends the common answer: whole parts, but no whole packet.
    let request = Packet::fast_sync_read(132, 4, &[3, 9, 1]).expect("a packet");
    let answer = rig.raw(request.encode(&mut [0; MAX_PACKET_LEN]));
    assert_eq!((answer.len(), answer[5]), (8 + 8, 1 + 3 * 8));
}

#[test]
fn a_registered_write_waits_for_its_action() {
    let mut rig = Rig::new(&[1, 2]);
    assert_eq!(rig.error(Packet::action(1)), Some(ServoError::Instruction));
    for id in [1, 2] {
        assert_eq!(rig.error(Packet::reg_write(id, address::LED, &[1])), None);
        assert_eq!(rig.number(id, address::REGISTERED_INSTRUCTION, 1), 1);
        assert_eq!(rig.number(id, address::LED, 1), 0);
    }
    assert_eq!(rig.error(Packet::reg_write(1, address::LED, &[7])), Some(ServoError::DataRange));
    assert!(rig.answers(Packet::action(BROADCAST)).is_empty());
    for id in [1, 2] {
        assert_eq!(rig.number(id, address::LED, 1), 1);
        assert_eq!(rig.number(id, address::REGISTERED_INSTRUCTION, 1), 0);
    }
}

#[test]
fn a_reboot_and_a_factory_reset_change_what_they_should() {
    let mut rig = Rig::new(&[5]);
    let setup = |rig: &mut Rig| {
        for (address, data) in [
            (address::BAUD_RATE, 3),
            (address::RETURN_DELAY, 5),
            (address::LED, 1),
            (address::TORQUE_ENABLE, 1),
        ] {
            assert_eq!(rig.error(write(5, address, &[data])), None);
        }
    };
    let settings = |rig: &mut Rig, id| {
        [address::BAUD_RATE, address::RETURN_DELAY, address::LED, address::TORQUE_ENABLE]
            .map(|address| rig.number(id, address, 1))
    };
    setup(&mut rig);
    assert_eq!(rig.error(Packet::reboot(5)), None);
    assert_eq!(settings(&mut rig, 5), [3, 5, 0, 0]);
    for (option, baud, id) in
        [(FactoryReset::AllButIdAndBaud, 3, 5), (FactoryReset::AllButId, 1, 5), (FactoryReset::All, 1, 1)]
    {
        setup(&mut rig);
        assert_eq!(rig.error(Packet::factory_reset(5, option)), None, "{option:?}");
        assert_eq!(settings(&mut rig, id), [baud, 250, 0, 0], "{option:?}");
        assert_eq!(rig.number(id, address::MODEL_NUMBER, 2), 1020);
        assert_eq!(rig.number(id, address::PRESENT_POSITION, 4), 2048, "where it stands is no setting");
    }
    // A packet that no builder makes: all at once would have id 1.
    let mut rig = Rig::new(&[4, 5]);
    assert!(rig.answers(Packet::raw(BROADCAST, Instruction::FactoryReset.byte(), &[0xFF])).is_empty());
    assert_eq!(rig.answers(Packet::ping(BROADCAST)).len(), 2);
    assert_eq!(rig.answers(Packet::ping(4)).len(), 1);
}

#[test]
fn it_goes_where_it_is_sent_and_turns_are_cleared_at_a_standstill() {
    let mut rig = Rig::new(&[1]);
    assert_eq!(rig.error(write(1, address::OPERATING_MODE, &[4])), None);
    assert_eq!(rig.error(write(1, address::TORQUE_ENABLE, &[1])), None);
    assert_eq!(rig.error(write(1, address::GOAL_POSITION, &10_000_i32.to_le_bytes())), None);
    rig.wait(40);
    assert!(
        rig.number(1, address::PRESENT_VELOCITY, 4) > 0 && rig.number(1, address::PRESENT_CURRENT, 2) > 0
    );
    assert_eq!(rig.number(1, address::MOVING, 1), 1);
    assert_eq!(rig.error(Packet::clear_turns(1)), Some(ServoError::ResultFail));
    rig.wait(3000);
    assert!((rig.number(1, address::PRESENT_POSITION, 4) - 10_000).abs() <= 1);
    assert_eq!(rig.error(Packet::clear_turns(1)), None);
    assert!((rig.number(1, address::PRESENT_POSITION, 4) - (10_000 - 2 * 4096)).abs() <= 1);
    let other = Packet::raw(1, Instruction::Clear.byte(), &[0x01, 0, 0, 0, 0]);
    assert_eq!(rig.error(other), Some(ServoError::DataRange));
}

#[test]
fn velocity_current_and_pwm_drive_it_too() {
    for (mode, address, goal) in [
        (1, address::GOAL_VELOCITY, &100_i32.to_le_bytes()[..]),
        (0, address::GOAL_CURRENT, &100_i16.to_le_bytes()),
        (16, address::GOAL_PWM, &400_i16.to_le_bytes()),
    ] {
        let mut rig = Rig::new(&[1]);
        assert_eq!(rig.error(write(1, address::OPERATING_MODE, &[mode])), None);
        assert_eq!(rig.error(write(1, address::TORQUE_ENABLE, &[1])), None);
        assert_eq!(rig.error(write(1, address, goal)), None);
        rig.wait(500);
        let velocity = rig.number(1, address::PRESENT_VELOCITY, 4);
        assert!(velocity > 50, "mode {mode}: {velocity}");
    }
}

#[test]
fn a_fault_takes_the_torque_until_a_reboot() {
    let mut rig = Rig::new(&[1]);
    assert_eq!(rig.error(write(1, address::TORQUE_ENABLE, &[1])), None);
    assert!(rig.servos.fail(1, HardwareError::OVERLOAD) && !rig.servos.fail(9, HardwareError::OVERLOAD));
    assert_eq!(rig.number(1, address::TORQUE_ENABLE, 1), 0);
    let again = rig.answers(write(1, address::TORQUE_ENABLE, &[1]));
    assert_eq!(again[0].error(), Some(ErrorByte { alert: true, error: Some(ServoError::ResultFail) }));
    assert_eq!(rig.answers(Packet::ping(1))[0].error(), Some(ErrorByte { alert: true, error: None }));
    rig.answers(Packet::reboot(1));
    assert_eq!(rig.answers(Packet::ping(1))[0].error(), Some(ErrorByte::default()));
    assert_eq!(rig.error(write(1, address::TORQUE_ENABLE, &[1])), None);
}

#[test]
fn a_master_finds_moves_and_watches_servos() {
    let (mut rig, mut master) = (Rig::new(&[2, 7, 252]), Master::new(BUDGET));
    let found = rig.ask(&mut master, Request::Scan, |bytes| bytes);
    let expected = [2, 7, 252].map(|id| Event::Found { id, model: 1020, firmware: 46, alert: false });
    assert_eq!(found, expected);
    assert_eq!(rig.now, Stamp::from_nanos(253 * BUDGET));
    assert_eq!(rig.ask(&mut master, Request::Ping(7), |bytes| bytes), expected[1..2]);
    assert_eq!(rig.ask(&mut master, Request::Ping(8), |bytes| bytes), [Event::Silent { id: 8 }]);

    assert_eq!(rig.ask(&mut master, Request::Torque(&[2, 7], true), |bytes| bytes), []);
    assert_eq!(rig.ask(&mut master, Request::GoalPositions(&[(2, PI / 2.0), (7, 4.0)]), |bytes| bytes), []);
    rig.wait(2000);
    rig.servos.fail(7, HardwareError::INPUT_VOLTAGE);
    let events = rig.ask(&mut master, Request::States(&[7, 2, 252]), |bytes| bytes);
    assert_eq!(events.len(), 3);
    for (event, (expected_id, position_rad)) in events.iter().zip([(7, 4.0), (2, PI / 2.0), (252, PI)]) {
        let Event::State { id, state, alert } = *event else { panic!("{event:?}") };
        assert_eq!((id, alert), (expected_id, id == 7));
        assert!((state.position_rad - position_rad).abs() < 2.0 * RAD_PER_TICK, "{state:?}");
        assert!((state.voltage_v - 12.0).abs() < 1e-9 && state.temperature_c > 20.0, "{state:?}");
        assert!(state.velocity_rad_s.abs() < 0.1 && state.current_a.abs() < 0.1, "{state:?}");
    }
    let faults = rig.ask(&mut master, Request::HardwareErrors(&[2, 7]), |bytes| bytes);
    let none = Event::Hardware { id: 2, faults: HardwareError::default() };
    assert_eq!(faults, [none, Event::Hardware { id: 7, faults: HardwareError::INPUT_VOLTAGE }]);
    assert_eq!(HardwareError::INPUT_VOLTAGE.remedies().count(), 1);
}

/// Each servo gets its time, and those that say nothing are named in their place.
#[test]
fn a_master_waits_for_each_servo_no_longer_than_it_is_told() {
    let (mut rig, mut master) = (Rig::new(&[3, 5]), Master::new(BUDGET));
    let ids = |events: &[Event]| -> Vec<(u8, bool)> {
        let id = |event: &Event| match *event {
            Event::Hardware { id, .. } => (id, true),
            Event::Silent { id } => (id, false),
            other => panic!("{other:?}"),
        };
        events.iter().map(id).collect()
    };
    let events = rig.ask(&mut master, Request::HardwareErrors(&[1, 2, 3, 4, 5, 6, 7]), |bytes| bytes);
    let expected = [1, 2, 3, 4, 5, 6, 7].map(|id| (id, id == 3 || id == 5));
    assert_eq!(ids(&events), expected);
    // The two behind the last answer took their time.
    assert_eq!(rig.now, Stamp::from_nanos(2 * BUDGET));
    let events = rig.ask(&mut master, Request::HardwareErrors(&[3, 4]), |_| Vec::new());
    assert_eq!(ids(&events), [(3, false), (4, false)]);
    assert_eq!(rig.now, Stamp::from_nanos(4 * BUDGET));
}

#[test]
fn a_master_says_what_does_not_belong() {
    let (mut rig, mut master) = (Rig::new(&[3]), Master::new(BUDGET));
    // Twice the same answer: two servos with one id.
    let events = rig.ask(&mut master, Request::HardwareErrors(&[3]), |bytes| [&bytes[..], &bytes].concat());
    assert!(matches!(events[..], [Event::Hardware { id: 3, .. }, Event::Stray { id: 3 }]), "{events:?}");
    let events = rig.ask(&mut master, Request::Scan, |bytes| [&bytes[..], &bytes].concat());
    assert!(matches!(events[..], [Event::Found { id: 3, .. }, Event::Stray { id: 3 }]), "{events:?}");
    let events = rig.ask(&mut master, Request::States(&[3]), |bytes| [&[0x17, 0xFF], &bytes[..]].concat());
    assert!(matches!(events[..], [Event::Noise(_), Event::State { id: 3, .. }]), "{events:?}");
    // A servo whose table has no such addresses.
    let refusal = |_| {
        let error = ErrorByte { alert: false, error: Some(ServoError::Access) };
        let packet = Packet::status(3, error, &[]).expect("a packet");
        packet.encode(&mut [0; MAX_PACKET_LEN]).to_vec()
    };
    let events = rig.ask(&mut master, Request::States(&[3]), refusal);
    assert_eq!(events, [Event::Refused { id: 3, error: ServoError::Access }]);
    // An answer after its time, and with nobody waiting.
    let echo = rig.ask(&mut master, Request::Ping(3), |bytes| {
        let ping = Packet::ping(3).expect("a packet");
        [ping.encode(&mut [0; MAX_PACKET_LEN]), &bytes].concat()
    });
    assert!(matches!(echo[..], [Event::Found { id: 3, .. }]), "its own request comes back: {echo:?}");
    assert_eq!(master.begin(rig.now, Request::Ping(BROADCAST)), Err(PacketError::Id(BROADCAST)));
    assert_eq!(master.begin(rig.now, Request::GoalPositions(&[(3, f64::NAN)])), Err(PacketError::Goal(3)));
}

#[test]
fn positions_become_the_nearest_step() {
    assert_eq!(ticks(PI), Some(2048));
    assert_eq!(ticks(-PI / 2.0 - RAD_PER_TICK * 0.4), Some(-1024));
    assert_eq!(ticks(f64::INFINITY), Some(1_048_575));
    assert_eq!(ticks(f64::NAN), None);
}

#[test]
fn asking_and_answering_allocates_nothing() {
    let (mut servos, mut master) = (VirtualServos::new(&[1, 2, 3]).expect("a bus"), Master::new(BUDGET));
    let mut states = 0;
    let info = measure(|| {
        for cycle in 0..50 {
            let now = Stamp::from_nanos(cycle * 10 * MILLI);
            let packet = master.begin(now, Request::States(&[1, 2, 3, 4])).expect("a request");
            let mut buffer = [0; MAX_PACKET_LEN];
            let request = packet.encode(&mut buffer);
            servos.hear(now, request, &mut |mut answer| {
                while let Some(event) = master.handle_bytes(now, &mut answer) {
                    states += usize::from(matches!(event, Event::State { .. }));
                }
            });
        }
    });
    assert_eq!((info.count_total, states), (0, 150), "{info:?}");
}

proptest! {
    /// Whatever is asked: every answer is a packet, and from then on the servos still answer a ping.
    #[test]
    fn any_instruction_is_survived(
        asked in prop::collection::vec(
            (prop_oneof![Just(1), Just(2), Just(BROADCAST)], 0..0x9B_u8, prop::collection::vec(any_edge(), 0..24)),
            1..20,
        ),
    ) {
        let mut rig = Rig::new(&[1, 2]);
        for (id, instruction, params) in asked {
            // All but a common answer that ends too soon can be read: see `answers`.
            if instruction == 0x8A || instruction == 0x9A {
                let packet = Packet::raw(id, instruction, &params).expect("a packet");
                rig.raw(packet.encode(&mut [0; MAX_PACKET_LEN]));
            } else if instruction != 0x55 {
                rig.answers(Packet::raw(id, instruction, &params));
            }
            rig.now = rig.now.plus_nanos(5 * MILLI);
        }
        prop_assert_eq!(rig.answers(Packet::ping(BROADCAST)).len(), 2);
    }
}

/// Bytes of which ids, addresses and lengths at the edges are made.
fn any_edge() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0), Just(1), Just(2), Just(4), Just(64), Just(116), Just(146), Just(0xFF), any::<u8>()]
}
