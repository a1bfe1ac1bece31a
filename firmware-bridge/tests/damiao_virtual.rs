//! A master and virtual Damiao motors, talking in bytes.

use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::damiao::{
    Action, Answer, ControlMode, Fault, Feedback, Identity, Inbound, Model, Monitor, MonitorReply, MotorId,
    Outbound, Reader, Reading, Register, Report, Request, State, Value, VirtualMotor, VirtualMotors,
};
use firmware_bridge::protocol::device::VirtualBus;
use robot_interface::time::Stamp;

const MODEL: Model = Model::Dm4310;

fn id(number: u8) -> MotorId {
    MotorId::new(number).expect("an id")
}

fn ms(milliseconds: u64) -> Stamp {
    Stamp::from_nanos(milliseconds * 1_000_000)
}

fn frames(bus: &mut VirtualMotors, now: Stamp, bytes: &[u8]) -> Vec<Inbound> {
    let mut reader = Reader::new();
    let mut found = Vec::new();
    // One byte at a time: pieces may be of any size.
    for byte in bytes {
        bus.hear(now, &[*byte], &mut |mut said| {
            while let Some(frame) = reader.next_frame(&mut said) {
                found.push(frame.expect("a frame"));
            }
        });
    }
    found
}

fn ask(bus: &mut VirtualMotors, now: Stamp, number: u8, action: Action) -> Option<Answer> {
    let request = Request { id: id(number), action }.encode(&MODEL.ranges());
    let found = frames(bus, now, &request);
    assert!(found.len() <= 1, "{found:?}");
    found.first().map(|frame| Answer::decode(frame).expect("a motor's").expect("an answer"))
}

fn feedback(bus: &mut VirtualMotors, now: Stamp, number: u8, action: Action) -> Feedback {
    match ask(bus, now, number, action) {
        Some(Answer::Feedback(feedback)) => feedback,
        other => panic!("{other:?}"),
    }
}

fn to(position_rad: f64) -> Action {
    Action::Impedance(Impedance { position_rad, velocity_rad_s: 0.0, torque_nm: 0.0, kp: 30.0, kd: 1.0 })
}

#[test]
fn a_scan_finds_who_is_there_and_moves_nobody() {
    let mut bus = VirtualMotors::of(MODEL, [id(1), id(4), id(15)]);
    let mut found = Vec::new();
    for asked in MotorId::all() {
        let monitor = Monitor::new(asked, MODEL.ranges());
        let sent = Outbound::decode(&monitor.request()).expect("a frame for the adapter");
        assert!(Request::decode(&sent.can, &MODEL.ranges()).expect("a request").action.is_harmless());
        for frame in frames(&mut bus, ms(1), &monitor.request()) {
            match monitor.interpret(&frame) {
                Some(MonitorReply::Reading(Reading { state: State::Disabled, rotor_c: 22.0, .. })) => {
                    found.push(asked)
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(found, [id(1), id(4), id(15)]);
}

#[test]
fn a_monitor_takes_no_other_motors_answer() {
    let mut bus = VirtualMotors::of(MODEL, [id(2)]);
    let monitor = Monitor::new(id(2), MODEL.ranges());
    let frame = frames(&mut bus, ms(1), &monitor.request())[0];
    assert!(monitor.interpret(&frame).is_some() && monitor.under(0x12).interpret(&frame).is_some());
    assert_eq!(monitor.under(0x13).interpret(&frame), None, "under another CAN id");
    assert_eq!(Monitor::new(id(3), MODEL.ranges()).interpret(&frame), None);
}

#[test]
fn an_identity_is_read_register_by_register() {
    let mut bus = VirtualMotors::of(Model::Dm8009, [id(6)]);
    let monitor = Monitor::new(id(6), MODEL.ranges());
    let mut identity = Identity::new(id(6));
    let mut asked = 0;
    while let Some(register) = identity.missing() {
        let frame = frames(&mut bus, ms(1), &monitor.register_request(register))[0];
        let Ok(Some(Answer::Register(reply))) = Answer::decode(&frame) else { panic!("{frame:?}") };
        assert!(identity.take(&reply));
        assert_eq!(monitor.interpret(&frame), Some(MonitorReply::Register(register, reply.value())));
        asked += 1;
    }
    assert_eq!(asked, 8);
    assert_eq!(identity.ranges(), Some(Model::Dm8009.ranges()));
    assert_eq!(identity.models().collect::<Vec<_>>(), [Model::Dm8009]);
    assert_eq!(identity.value(Register::MASTER_ID), Some(Value::Uint(0x16)));
}

#[test]
fn only_an_enabled_motor_goes_anywhere() {
    let mut bus = VirtualMotors::of(MODEL, [id(1)]);
    let still = |bus: &mut VirtualMotors, from: u64| {
        (from..from + 200).map(|at| feedback(bus, ms(at), 1, to(1.0))).last().expect("an answer")
    };
    let disabled = still(&mut bus, 0);
    assert_eq!(disabled.state, State::Disabled);
    assert!(disabled.motion(&MODEL.ranges()).position_rad.abs() < 1e-3);

    assert_eq!(feedback(&mut bus, ms(300), 1, Action::Enable).state, State::Enabled);
    let there = (300..2300).map(|at| feedback(&mut bus, ms(at), 1, to(1.0))).last().expect("an answer");
    assert!((there.motion(&MODEL.ranges()).position_rad - 1.0).abs() < 0.01, "{there:?}");

    assert_eq!(feedback(&mut bus, ms(2400), 1, Action::SetZero).position, 0x7FFF);
    assert_eq!(feedback(&mut bus, ms(2400), 1, Action::Disable).state, State::Disabled);
}

#[test]
fn targets_of_another_control_mode_are_not_followed() {
    let mut bus = VirtualMotors::of(MODEL, [id(1)]);
    feedback(&mut bus, ms(0), 1, Action::Enable);
    let turn = Action::Velocity { velocity_rad_s: 5.0 };
    for at in 0..500 {
        feedback(&mut bus, ms(at), 1, turn);
    }
    let before = feedback(&mut bus, ms(500), 1, Action::Refresh).motion(&MODEL.ranges());
    assert!(before.velocity_rad_s.abs() < 0.02, "{before:?}");
    let mode = Action::Write(Register::CONTROL_MODE, Value::Uint(ControlMode::Velocity as u32));
    assert!(matches!(ask(&mut bus, ms(500), 1, mode), Some(Answer::Register(_))));
    for at in 500..1500 {
        feedback(&mut bus, ms(at), 1, turn);
    }
    let after = feedback(&mut bus, ms(1500), 1, Action::Refresh).motion(&MODEL.ranges());
    assert!((after.velocity_rad_s - 5.0).abs() < 0.1, "{after:?}");
}

#[test]
fn a_fault_holds_until_it_is_cleared() {
    let mut bus = VirtualMotors::of(MODEL, [id(1)]);
    bus.motor(id(1)).expect("a motor").state = State::Fault(Fault::OverCurrent);
    for action in [Action::Enable, to(1.0), Action::Disable, Action::Refresh] {
        assert_eq!(
            feedback(&mut bus, ms(1), 1, action).state,
            State::Fault(Fault::OverCurrent),
            "{action:?}"
        );
    }
    assert_eq!(feedback(&mut bus, ms(1), 1, Action::ClearFault).state, State::Disabled);
    assert_eq!(feedback(&mut bus, ms(1), 1, Action::Enable).state, State::Enabled);
}

#[test]
fn a_motor_that_is_left_alone_lets_go_once_its_timeout_is_set() {
    let mut bus = VirtualMotors::of(MODEL, [id(1)]);
    feedback(&mut bus, ms(0), 1, Action::Enable);
    assert_eq!(feedback(&mut bus, ms(5000), 1, Action::Refresh).state, State::Enabled, "as delivered, never");
    ask(&mut bus, ms(5000), 1, Action::Write(Register::TIMEOUT, Value::Uint(2000)));
    assert_eq!(feedback(&mut bus, ms(5099), 1, Action::Refresh).state, State::Enabled);
    let late = feedback(&mut bus, ms(5200), 1, Action::Refresh);
    assert_eq!(late.state, State::Fault(Fault::CommunicationLost));
}

#[test]
fn what_cannot_be_written_stays() {
    let mut bus = VirtualMotors::of(MODEL, [id(1)]);
    let Some(Answer::Register(reply)) =
        ask(&mut bus, ms(1), 1, Action::Write(Register::SOFTWARE_VERSION, Value::Uint(1)))
    else {
        panic!("no answer")
    };
    assert_eq!(reply.value(), Value::Uint(5013));
    feedback(&mut bus, ms(1), 1, Action::Enable);
    assert_eq!(ask(&mut bus, ms(1), 1, Action::Save), None, "not while it is enabled");
    feedback(&mut bus, ms(1), 1, Action::Disable);
    assert!(matches!(ask(&mut bus, ms(1), 1, Action::Save), Some(Answer::Register(_))));
}

#[test]
fn an_adapter_reports_what_it_sent_if_it_is_asked_to() {
    let mut bus = VirtualMotors::new();
    bus.add(id(1), VirtualMotor::new(id(1), MODEL, 0));
    let can = Request { id: id(1), action: Action::Refresh }.frame(&MODEL.ranges());
    let found = frames(&mut bus, ms(1), &Outbound { can, report: true }.encode());
    assert_eq!(found.iter().map(|frame| frame.report).collect::<Vec<_>>(), [Report::Sent, Report::Received]);
    assert_eq!(found[1].id, 0, "a motor whose MST_ID was never set");
}

#[test]
fn noise_is_passed_over_without_a_word() {
    let mut bus = VirtualMotors::of(MODEL, [id(1)]);
    let request = Request { id: id(1), action: Action::Enable }.encode(&MODEL.ranges());
    for cut in 1..request.len() {
        assert!(frames(&mut bus, ms(1), &request[..cut]).is_empty());
        // What is cut in its data is completed by whatever comes: nothing in the frame can tell.
        let completed = usize::from(cut >= 21);
        assert_eq!(frames(&mut bus, ms(1), &[0xFF; 40]).len(), completed, "{cut}");
        assert!(frames(&mut bus, ms(1), &request[..cut]).is_empty());
        assert_eq!(frames(&mut bus, ms(100), &request).len(), 1, "a pause ends what was cut");
        bus = VirtualMotors::of(MODEL, [id(1)]);
    }
}

#[test]
fn nothing_allocates() {
    let mut bus = VirtualMotors::of(MODEL, [id(1), id(2)]);
    let monitor = Monitor::new(id(2), MODEL.ranges());
    let mut reader = Reader::new();
    let mut heard = None;
    let allocations = allocation_counter::measure(|| {
        let request = Request { id: id(2), action: to(0.5) }.encode(&MODEL.ranges());
        for asked in [request, monitor.request()] {
            bus.hear(ms(1), &asked, &mut |mut said| {
                while let Some(Ok(frame)) = reader.next_frame(&mut said) {
                    heard = monitor.interpret(&frame);
                }
            });
        }
    });
    assert!(matches!(heard, Some(MonitorReply::Reading(_))));
    assert_eq!(allocations.count_total, 0);
}
