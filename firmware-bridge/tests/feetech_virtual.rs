//! A master and virtual Feetech servos, talking in bytes.

use std::f64::consts::{PI, TAU};

use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::feetech::{
    Errors, Fault, Goal, MAX_PACKET_LEN, Monitor, MonitorReply, Reading, Register, Request, ServoId, Status,
    StatusReader, SyncWrite, VirtualServos,
};
use robot_interface::time::Stamp;

fn id(number: u8) -> ServoId {
    ServoId::new(number).expect("an id")
}

fn ms(milliseconds: u64) -> Stamp {
    Stamp::from_nanos(milliseconds * 1_000_000)
}

fn servos(ids: &[u8]) -> VirtualServos {
    VirtualServos::of(ids.iter().map(|number| id(*number)))
}

fn answers(bus: &mut VirtualServos, now: Stamp, bytes: &[u8]) -> Vec<Status> {
    let mut reader = StatusReader::new();
    let mut found = Vec::new();
    // One byte at a time: pieces may be of any size.
    for byte in bytes {
        bus.hear(now, &[*byte], &mut |mut said| {
            while let Some(status) = reader.next_frame(&mut said) {
                found.push(status.expect("an answer"));
            }
        });
    }
    found
}

fn ask(bus: &mut VirtualServos, now: Stamp, to: ServoId, request: Request<'_>) -> Vec<Status> {
    let mut buffer = [0; MAX_PACKET_LEN];
    let bytes = request.encode(to, &mut buffer).expect("it fits").to_vec();
    answers(bus, now, &bytes)
}

fn write(bus: &mut VirtualServos, now: Stamp, number: u8, register: Register, value: i32) -> Vec<Status> {
    let data = register.bytes(value);
    let data = &data[..usize::from(register.len)];
    ask(bus, now, id(number), Request::Write { address: register.address, data })
}

fn read(bus: &mut VirtualServos, now: Stamp, number: u8, register: Register) -> i32 {
    let monitor = Monitor::new(id(number));
    let found = answers(bus, now, &monitor.register_request(register));
    monitor.register(register, &found[0]).expect("its number")
}

fn reading(bus: &mut VirtualServos, now: Stamp, number: u8) -> Reading {
    let monitor = Monitor::new(id(number));
    match monitor.interpret(&answers(bus, now, &monitor.request())[0]) {
        Some(MonitorReply::Reading(reading)) => reading,
        other => panic!("{other:?}"),
    }
}

fn go_to(position_rad: f64) -> [u8; Goal::LEN] {
    let goal = Goal { position_rad, velocity_rad_s: PI, acceleration_rad_s2: 20.0, time: 0 };
    goal.registers().expect("a position")
}

#[test]
fn a_scan_finds_who_is_there() {
    let mut bus = servos(&[1, 7, 253]);
    let mut found = Vec::new();
    for number in 0..254 {
        let monitor = Monitor::new(id(number));
        for status in answers(&mut bus, ms(1), &monitor.probe()) {
            match monitor.interpret(&status) {
                Some(MonitorReply::Identity(identity, Errors::NONE)) if identity.model == 777 => {
                    found.push(number)
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(found, [1, 7, 253]);
    let pinged = answers(&mut bus, ms(1), &Monitor::new(id(7)).ping());
    assert_eq!(Monitor::new(id(7)).interpret(&pinged[0]), Some(MonitorReply::Done(Errors::NONE)));
    assert_eq!(Monitor::new(id(1)).interpret(&pinged[0]), None, "another's answer");
}

#[test]
fn only_with_its_torque_on_a_servo_goes_anywhere() {
    let mut bus = servos(&[1]);
    let goal = Request::Write { address: Register::ACCELERATION.address, data: &go_to(1.5 * PI) };
    reading(&mut bus, ms(0), 1);
    ask(&mut bus, ms(0), id(1), goal);
    assert!((reading(&mut bus, ms(1000), 1).position_rad - PI).abs() < 1e-9);

    write(&mut bus, ms(1000), 1, Register::TORQUE, 1);
    let under_way = reading(&mut bus, ms(1300), 1);
    assert!(under_way.moving && (under_way.velocity_rad_s - PI).abs() < 0.1, "{under_way:?}");
    let there = reading(&mut bus, ms(4000), 1);
    assert!(!there.moving && (there.position_rad - 1.5 * PI).abs() < TAU / 4096.0, "{there:?}");
    assert!((there.voltage_v - 12.0).abs() < 1e-9 && there.temperature_c > 20.0);
}

#[test]
fn angle_limits_hold() {
    let mut bus = servos(&[1]);
    write(&mut bus, ms(0), 1, Register::MIN_POSITION, 2000);
    write(&mut bus, ms(0), 1, Register::MAX_POSITION, 2100);
    write(&mut bus, ms(0), 1, Register::TORQUE, 1);
    write(&mut bus, ms(0), 1, Register::GOAL_POSITION, 4000);
    assert!((read(&mut bus, ms(3000), 1, Register::POSITION) - 2100).abs() <= 1);
    write(&mut bus, ms(3000), 1, Register::GOAL_POSITION, 0);
    assert!((read(&mut bus, ms(6000), 1, Register::POSITION) - 2000).abs() <= 1);
}

#[test]
fn without_limits_positions_go_below_zero() {
    let mut bus = servos(&[1]);
    write(&mut bus, ms(0), 1, Register::MAX_POSITION, 0);
    write(&mut bus, ms(0), 1, Register::TORQUE, 1);
    write(&mut bus, ms(0), 1, Register::GOAL_POSITION, -3000);
    let there = reading(&mut bus, ms(8000), 1);
    assert!((there.position_rad + 3000.0 * TAU / 4096.0).abs() < 0.003, "{there:?}");
}

#[test]
fn velocities_are_followed_in_their_mode() {
    let mut bus = servos(&[1]);
    write(&mut bus, ms(0), 1, Register::MODE, 1);
    write(&mut bus, ms(0), 1, Register::GOAL_VELOCITY, -1000);
    write(&mut bus, ms(0), 1, Register::TORQUE, 1);
    assert_eq!(read(&mut bus, ms(2000), 1, Register::VELOCITY), -1000);
}

#[test]
fn calling_the_position_the_middle_moves_nothing() {
    let mut bus = servos(&[1]);
    bus.servo(id(1)).expect("a servo").sensor = 1000.0;
    assert_eq!(read(&mut bus, ms(0), 1, Register::POSITION), 1000);
    write(&mut bus, ms(1), 1, Register::TORQUE, 128);
    assert_eq!(read(&mut bus, ms(2), 1, Register::POSITION), 2048);
    assert_eq!(read(&mut bus, ms(2), 1, Register::OFFSET), -1048);
}

#[test]
fn what_is_written_under_lock_is_forgotten() {
    let mut bus = servos(&[1]);
    write(&mut bus, ms(0), 1, Register::MAX_POSITION, 3000);
    assert_eq!(read(&mut bus, ms(0), 1, Register::MAX_POSITION), 3000, "it counts until then");
    bus.servo(id(1)).expect("a servo").power_cycle();
    assert_eq!(read(&mut bus, ms(1), 1, Register::MAX_POSITION), 4095);

    write(&mut bus, ms(1), 1, Register::LOCK, 0);
    write(&mut bus, ms(1), 1, Register::ID, 9);
    write(&mut bus, ms(1), 9, Register::MAX_POSITION, 3000);
    bus.servo(id(9)).expect("its new id").power_cycle();
    assert_eq!(read(&mut bus, ms(2), 9, Register::MAX_POSITION), 3000);
    assert_eq!(read(&mut bus, ms(2), 9, Register::LOCK), 1);
    assert_eq!(read(&mut bus, ms(2), 9, Register::TORQUE), 0);

    ask(&mut bus, ms(3), id(9), Request::Reset);
    assert_eq!(read(&mut bus, ms(4), 9, Register::MAX_POSITION), 4095, "as delivered, but for the id");
}

#[test]
fn the_status_level_says_who_answers_what() {
    let mut bus = servos(&[1]);
    assert_eq!(write(&mut bus, ms(0), 1, Register::STATUS_LEVEL, 0).len(), 1, "still by the old level");
    assert_eq!(write(&mut bus, ms(0), 1, Register::TORQUE, 1).len(), 0);
    assert_eq!(ask(&mut bus, ms(0), id(1), Request::Ping).len(), 1);
    assert_eq!(read(&mut bus, ms(0), 1, Register::TORQUE), 1, "it was written nevertheless");
    assert_eq!(write(&mut bus, ms(0), 1, Register::STATUS_LEVEL, 1).len(), 0);
    assert_eq!(write(&mut bus, ms(0), 1, Register::TORQUE, 0).len(), 1);
}

#[test]
fn what_only_shows_the_state_cannot_be_written() {
    let mut bus = servos(&[1]);
    write(&mut bus, ms(0), 1, Register::POSITION, 17);
    write(&mut bus, ms(0), 1, Register::MODEL, 17);
    write(&mut bus, ms(0), 1, Register::ID, 254);
    assert_eq!(read(&mut bus, ms(0), 1, Register::POSITION), 2048);
    assert_eq!(read(&mut bus, ms(0), 1, Register::MODEL), 777);
}

#[test]
fn a_waiting_write_waits_for_the_action() {
    let mut bus = servos(&[1, 2]);
    for number in [1, 2] {
        let data = &[1];
        ask(&mut bus, ms(0), id(number), Request::RegWrite { address: Register::TORQUE.address, data });
        assert_eq!(read(&mut bus, ms(0), number, Register::TORQUE), 0);
    }
    assert!(ask(&mut bus, ms(0), ServoId::BROADCAST, Request::Action).is_empty());
    assert_eq!([1, 2].map(|number| read(&mut bus, ms(0), number, Register::TORQUE)), [1, 1]);
}

#[test]
fn many_are_written_and_read_at_once() {
    let mut bus = servos(&[1, 2, 3]);
    let mut goals = SyncWrite::goals();
    for (number, position) in [(1, 2.0), (3, 4.0)] {
        goals.push(id(number), &go_to(position)).expect("it fits");
    }
    assert!(ask(&mut bus, ms(0), ServoId::BROADCAST, goals.request()).is_empty());
    let ids = &[3, 5, 1];
    let (address, len) = (Register::ACCELERATION.address, Goal::LEN as u8);
    let found = ask(&mut bus, ms(0), ServoId::BROADCAST, Request::SyncRead { address, len, ids });
    assert_eq!(found.iter().map(|status| status.id.get()).collect::<Vec<_>>(), [3, 1], "in the order asked");
    assert_eq!(found[0].parameters.as_slice(), go_to(4.0));
}

#[test]
fn errors_come_with_every_answer_and_an_overload_lets_go() {
    let mut bus = servos(&[1]);
    write(&mut bus, ms(0), 1, Register::TORQUE, 1);
    bus.servo(id(1)).expect("a servo").errors = Errors::NONE.with(Fault::Overload);
    let found = ask(&mut bus, ms(1), id(1), Request::Ping);
    assert!(found[0].errors.has(Fault::Overload));
    assert!(reading(&mut bus, ms(1), 1).errors.has(Fault::Overload));
    assert_eq!(read(&mut bus, ms(1), 1, Register::TORQUE), 0);
}

#[test]
fn noise_is_passed_over_without_a_word() {
    let mut bus = servos(&[1]);
    let probe = Monitor::new(id(1)).probe();
    let mut broken = probe;
    broken[7] ^= 1;
    assert!(answers(&mut bus, ms(0), &broken).is_empty());
    assert!(answers(&mut bus, ms(0), &[0xFF, 0xFF, 0xFF, 0x00, 0x55]).is_empty());
    assert!(answers(&mut bus, ms(0), &probe).is_empty(), "it stands in what claims to be a long packet");
    assert_eq!(answers(&mut bus, ms(100), &probe).len(), 1, "a pause ends that");
    assert!(
        ask(&mut bus, ms(100), id(1), Request::Read { address: 80, len: 200 }).is_empty(),
        "beyond the table"
    );
}

#[test]
fn nothing_allocates() {
    let mut bus = servos(&[1, 2]);
    let monitor = Monitor::new(id(2));
    let mut reader = StatusReader::new();
    let mut heard = None;
    let allocations = allocation_counter::measure(|| {
        let mut goals = SyncWrite::goals();
        goals.push(id(2), &go_to(1.0)).expect("it fits");
        let mut buffer = [0; MAX_PACKET_LEN];
        let write = goals.request().encode(ServoId::BROADCAST, &mut buffer).expect("it fits");
        for asked in [write, &monitor.request()] {
            bus.hear(ms(1), asked, &mut |mut said| {
                while let Some(Ok(status)) = reader.next_frame(&mut said) {
                    heard = monitor.interpret(&status);
                }
            });
        }
    });
    assert!(matches!(heard, Some(MonitorReply::Reading(_))));
    assert_eq!(allocations.count_total, 0);
}
