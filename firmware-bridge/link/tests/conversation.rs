//! Both ends together: greeting, commands, watchdogs, the emergency stop, over lines good and bad.

mod common;
#[path = "common/virtual_device.rs"]
mod virtual_device;

use adit_link::{
    ActuatorCommand, Command, Decoder, Device, DeviceConfigError, DeviceEvent, Field, Host, HostConfigError,
    HostEvent, Message, Mode, PROTOCOL_VERSION, Phase, Refusal, SendError, Status, Unfit, Welcome,
    reset_answer,
};
use common::{Habits, Line, MS, command, device_config, frame, host_config, text};
use virtual_device::VirtualDevice;

/// A host, a virtual device of three actuators, and the line between them, in true time.
struct Rig {
    host: Host,
    robot: VirtualDevice,
    to_device: Line,
    to_host: Line,
    now_ns: u64,
    /// What the host heard, states left out.
    heard: Vec<HostEvent>,
    states: usize,
    status: Status,
}

fn robot(now_ns: u64) -> VirtualDevice {
    VirtualDevice::new(device_config(3), now_ns / 1000).expect("a good configuration")
}

impl Rig {
    fn new(habits: Habits, seed: u64) -> Self {
        Self {
            host: common::host(),
            robot: robot(0),
            to_device: Line::new(habits, seed),
            to_host: Line::new(habits, seed + 1),
            now_ns: 0,
            heard: Vec::new(),
            states: 0,
            status: Status::Waiting,
        }
    }

    fn connected(habits: Habits, seed: u64) -> Self {
        let mut rig = Self::new(habits, seed);
        rig.run(2000, |_| {});
        assert_eq!(rig.host.phase(), Phase::Connected);
        rig.heard.clear();
        rig
    }

    /// So many milliseconds, each of which begins with `each`; the device reports every 2 ms.
    fn run(&mut self, millis: u64, mut each: impl FnMut(&mut Self)) {
        for _ in 0..millis {
            each(self);
            for _ in 0..10 {
                self.now_ns += MS / 10;
                self.exchange();
            }
            if (self.now_ns / MS).is_multiple_of(2) {
                self.status = self.robot.step(self.now_ns / 1000);
            }
        }
    }

    fn exchange(&mut self) {
        let (now_ns, now_us) = (self.now_ns, self.now_ns / 1000);
        while let Some(bytes) = self.to_device.receive(now_ns) {
            self.robot.device.handle_bytes(&bytes, now_us);
        }
        while let Some(bytes) = self.to_host.receive(now_ns) {
            self.host.handle_bytes(&bytes, now_ns);
        }
        if self.to_device.is_free(now_ns)
            && let Some(bytes) = self.host.poll_transmit(now_ns)
        {
            self.to_device.send(bytes, now_ns);
        }
        if self.to_host.is_free(now_ns)
            && let Some(bytes) = self.robot.device.poll_transmit(now_us)
        {
            self.to_host.send(bytes, now_ns);
        }
        while let Some(event) = self.host.poll_event() {
            match event {
                HostEvent::State(_) => self.states += 1,
                event => self.heard.push(event),
            }
        }
    }

    fn order(&mut self, position_rad: f32) {
        self.host.command(command(&[0, 1, 2], position_rad)).expect("connected and not stopped");
    }

    fn position_rad(&self) -> f32 {
        self.robot.actuators()[0].position_rad
    }
}

const BAD: Habits =
    Habits { byte_ns: 5_000, latency_ns: 300_000, jitter_ns: 2 * MS, loss: 0.1, flips: 0.1, doubles: 0.05 };
const GOOD: Habits = Habits { byte_ns: 5_000, latency_ns: 50_000, ..Habits::PERFECT };

fn greeted(actuators: u8) -> Device {
    let mut device = common::device(actuators);
    device.handle_bytes(&frame(0, &hello(1)), 0);
    assert!(matches!(said(&mut device, 0)[..], [Message::Welcome(_)]));
    assert_eq!(device.poll_event(), Some(DeviceEvent::Greeted { session: 1 }));
    device
}

fn hello(session: u32) -> Message {
    Message::Hello(adit_link::Hello { version: PROTOCOL_VERSION, session })
}

/// All that a device has to say at a time.
fn said(device: &mut Device, now_us: u64) -> Vec<Message> {
    let mut stream = Vec::new();
    while let Some(bytes) = device.poll_transmit(now_us) {
        stream.extend_from_slice(bytes);
    }
    let mut rest = stream.as_slice();
    let mut decoder = Decoder::new();
    std::iter::from_fn(|| decoder.next_frame(&mut rest)).map(|found| found.expect("a good line").1).collect()
}

#[test]
fn a_greeting_tells_who_the_device_is() {
    let mut rig = Rig::new(GOOD, 1);
    assert_eq!(rig.host.command(command(&[0, 1, 2], 0.0)), Err(SendError::NotConnected));
    rig.run(10, |_| {});
    let [HostEvent::Connected(Welcome { name, serial: 42, actuators, .. })] = &rig.heard[..] else {
        panic!("{:?}", rig.heard);
    };
    assert_eq!((name, actuators.len()), (&text("FL"), 3));
    assert_eq!(rig.status, Status::Waiting);
}

#[test]
fn a_good_line_moves_the_actuators() {
    let mut rig = Rig::connected(GOOD, 1);
    rig.run(2000, |rig| rig.order(0.5));
    assert_eq!(rig.status, Status::Active);
    assert!((rig.position_rad() - 0.5).abs() < 1e-3, "{}", rig.position_rad());
    assert!(rig.states > 900);
    assert_eq!(rig.heard, []);
    for counts in [rig.host.counts(), rig.robot.device.counts()] {
        assert_eq!((counts.lost, counts.corrupt, counts.doubled, counts.late), (0, 0, 0, 0));
    }
}

#[test]
fn a_bad_line_moves_them_too_and_everything_is_counted() {
    for seed in 0..10 {
        let mut rig = Rig::connected(BAD, 100 * seed);
        let from = rig.robot.device.counts();
        rig.run(3000, |rig| {
            // A bad line may be lost for a moment; whoever commands goes on when it is back.
            let _ = rig.host.command(command(&[0, 1, 2], -0.75));
        });
        assert!((rig.position_rad() + 0.75).abs() < 0.01, "seed {seed}: {}", rig.position_rad());
        let to = rig.robot.device.counts();
        let (frames, lost) = ((to.frames - from.frames) as f64, (to.lost - from.lost) as f64);
        // Vanished or flipped, and not doubled: about 19 in 100 of those sent. Doubled ones count as frames.
        assert!((0.1..0.3).contains(&(lost / frames)), "{to:?}");
        assert!(to.corrupt > from.corrupt && to.doubled > from.doubled && to.unusable == 0, "{to:?}");
    }
}

#[test]
fn without_commands_the_device_damps() {
    let mut rig = Rig::connected(GOOD, 1);
    rig.run(500, |rig| rig.order(0.5));
    rig.run(15, |_| {});
    assert_eq!(rig.status, Status::Active, "not yet");
    rig.run(10, |_| {});
    assert_eq!(rig.status, Status::Late);
    assert!(rig.robot.actuators().iter().all(|actuator| actuator.mode == Mode::Damp));
    assert_eq!(rig.host.phase(), Phase::Connected, "exchanges of times keep the link");
    rig.run(10, |rig| rig.order(0.5));
    assert_eq!(rig.status, Status::Active);
}

#[test]
fn the_watchdog_bites_on_the_microsecond() {
    let mut device = greeted(1);
    assert_eq!(device.drive(5).0, Status::Waiting);
    device.handle_bytes(&frame(1, &Message::Command(command(&[0], 0.5))), 1_000);
    let (status, commands) = device.drive(1_000);
    assert_eq!((status, commands[0].mode, commands[0].position_rad), (Status::Active, Mode::Impedance, 0.5));
    assert_eq!(device.drive(21_000).0, Status::Active);
    let (status, commands) = device.drive(21_001);
    assert_eq!((status, commands[0].mode, commands[0].kd), (Status::Late, Mode::Damp, 2.0));
    assert_eq!(device.poll_event(), Some(DeviceEvent::CommandsLate));
    // A command that is itself no good does not feed it.
    device.handle_bytes(&frame(2, &Message::Command(command(&[7], 0.5))), 22_000);
    assert_eq!(device.drive(22_000).0, Status::Late);
    assert_eq!(said(&mut device, 22_000), [Message::Refused { seq: 2, why: Refusal::UnknownActuator(7) }]);
    device.handle_bytes(&frame(3, &Message::Command(command(&[0], 0.5))), 23_000);
    assert_eq!(device.drive(23_000).0, Status::Active);
    assert_eq!(device.poll_event(), None);
}

#[test]
fn a_cut_line_is_noticed_at_both_ends_and_mends() {
    let mut rig = Rig::connected(GOOD, 1);
    rig.run(100, |rig| rig.order(0.5));
    (rig.to_device.habits.loss, rig.to_host.habits.loss) = (1.0, 1.0);
    rig.run(250, |rig| {
        let _ = rig.host.command(command(&[0, 1, 2], 0.5));
    });
    assert_eq!(rig.status, Status::Late);
    assert!(
        matches!(rig.heard[..], [HostEvent::Lost { silent_ns: 200_000_000..=202_000_000 }]),
        "{:?}",
        rig.heard
    );
    assert_eq!(rig.host.command(command(&[0, 1, 2], 0.5)), Err(SendError::NotConnected));
    (rig.to_device.habits.loss, rig.to_host.habits.loss) = (0.0, 0.0);
    rig.run(100, |_| {});
    assert!(matches!(rig.heard[1..], [HostEvent::Connected(_)]), "{:?}", rig.heard);
    assert_eq!(rig.status, Status::Waiting, "what was commanded before the cut is forgotten");
}

#[test]
fn a_device_that_starts_anew_is_greeted_anew() {
    let mut rig = Rig::connected(GOOD, 1);
    rig.run(100, |rig| rig.order(0.5));
    rig.robot = robot(rig.now_ns);
    // Long before the link counts as lost.
    rig.run(20, |rig| {
        let _ = rig.host.command(command(&[0, 1, 2], 0.5));
    });
    assert_eq!(rig.status, Status::Active);
    assert!(matches!(rig.heard[..], [HostEvent::Restarted, HostEvent::Connected(_)]), "{:?}", rig.heard);
}

#[test]
fn a_host_that_starts_anew_is_obeyed_whatever_its_numbers() {
    let mut device = greeted(1);
    device.handle_bytes(&frame(500, &Message::Command(command(&[0], 0.5))), 10);
    assert_eq!(device.drive(10).0, Status::Active);
    device.handle_bytes(&frame(490, &hello(2)), 20);
    assert_eq!(device.drive(20).0, Status::Waiting, "the host of before is gone");
    device.handle_bytes(&frame(491, &Message::Command(command(&[0], 0.25))), 30);
    assert_eq!(device.drive(30).1[0].position_rad, 0.25);
    // Once more, by a host that does not choose another session.
    device.handle_bytes(&frame(0, &hello(2)), 40);
    assert_eq!(device.drive(40).0, Status::Waiting);
    device.handle_bytes(&frame(1, &Message::Command(command(&[0], 0.75))), 50);
    assert_eq!(device.drive(50).1[0].position_rad, 0.75);
}

#[test]
fn doubled_and_late_commands_are_not_obeyed() {
    let mut device = greeted(1);
    let mut send = |seq, position| {
        device.handle_bytes(&frame(seq, &Message::Command(command(&[0], position))), 10);
        device.drive(10).1[0].position_rad
    };
    assert_eq!(send(2, 0.2), 0.2);
    assert_eq!(send(5, 0.5), 0.5);
    assert_eq!(send(5, 0.9), 0.5, "doubled");
    assert_eq!(send(3, 0.3), 0.5, "late");
    assert_eq!(send(3, 0.9), 0.5, "late and doubled");
    assert_eq!(send(6, 0.6), 0.6);
    let counts = device.counts();
    assert_eq!((counts.lost, counts.late, counts.doubled), (2, 1, 2), "1 and 4 never came");
}

#[test]
fn numbers_wrap_in_the_middle_of_a_conversation() {
    let mut rig = Rig::connected(GOOD, 3);
    rig.run(70_000, |rig| rig.order(0.5));
    let counts = rig.robot.device.counts();
    assert!(counts.frames > 1 << 16, "{counts:?}");
    assert_eq!((counts.lost, counts.doubled, counts.late), (0, 0, 0));
    assert_eq!((rig.status, &rig.heard[..]), (Status::Active, &[][..]));
}

#[test]
fn other_versions_are_turned_away_and_told_the_remedy() {
    let mut device = common::device(1);
    device.handle_bytes(&frame(0, &Message::Hello(adit_link::Hello { version: 9, session: 1 })), 0);
    assert_eq!(device.poll_event(), Some(DeviceEvent::TurnedAway { version: 9 }));
    let why = Refusal::Version { device: PROTOCOL_VERSION };
    assert_eq!(said(&mut device, 0), [Message::Refused { seq: 0, why }]);
    device.handle_bytes(&frame(1, &Message::Command(command(&[0], 0.5))), 0);
    assert_eq!(said(&mut device, 0), [Message::Refused { seq: 1, why: Refusal::NoSession }]);
    assert_eq!(device.drive(0).0, Status::Waiting);

    let mut host = common::host();
    assert!(host.poll_transmit(0).is_some());
    host.handle_bytes(&frame(0, &Message::Refused { seq: 0, why: Refusal::Version { device: 7 } }), MS);
    let Some(HostEvent::Mismatched(why)) = host.poll_event() else { panic!("no word of it") };
    assert_eq!(
        why.to_string(),
        "the device speaks version 7 of the link: flash firmware built with the host's version, or install the \
         Adit that speaks version 7"
    );
    assert_eq!(host.phase(), Phase::Mismatched { device: 7 });
    assert_eq!(host.command(command(&[0], 0.5)), Err(SendError::NotConnected));
    assert!(host.poll_transmit(60 * MS).is_some(), "greeted on, since it may be flashed anew");
}

#[test]
fn unfit_commands_do_not_leave_the_host() {
    let mut rig = Rig::connected(GOOD, 1);
    let unfit = Unfit { actuator: Some(1), field: Field::Torque };
    let mut wrong = command(&[0, 1, 2], 0.5);
    wrong.actuators[1].torque_nm = f32::NAN;
    assert_eq!(rig.host.command(wrong.clone()), Err(SendError::Unfit(unfit)));
    let beyond: [fn(&mut ActuatorCommand); 5] = [
        |it| it.torque_nm = 46.0,
        |it| it.torque_nm = -46.0,
        |it| it.velocity_rad_s = -22.0,
        |it| it.kp = 1e6,
        |it| it.kd = 51.0,
    ];
    for spoil in beyond {
        let mut wrong = command(&[0, 1, 2], 0.5);
        spoil(&mut wrong.actuators[1]);
        assert_eq!(rig.host.command(wrong), Err(SendError::Refused(Refusal::BeyondLimits(1))));
    }
    let refused = |rig: &mut Rig, ids: &[u8]| rig.host.command(command(ids, 0.5)).unwrap_err();
    assert_eq!(refused(&mut rig, &[0, 1]), SendError::Refused(Refusal::MissingActuator(2)));
    assert_eq!(refused(&mut rig, &[0, 1, 1]), SendError::Refused(Refusal::RepeatedActuator(1)));
    assert_eq!(refused(&mut rig, &[0, 1, 2, 3]), SendError::Refused(Refusal::UnknownActuator(3)));
}

#[test]
fn an_emergency_stop_holds_until_the_right_answer() {
    let mut device = greeted(1);
    let order = Message::Command(command(&[0], 0.5));
    device.handle_bytes(&frame(1, &order), 10);
    device.handle_bytes(&frame(2, &Message::EmergencyStop), 20);
    assert_eq!(device.drive(20).0, Status::Stopped);
    assert_eq!(device.drive(20).1[0].mode, Mode::Damp);
    let [Message::Stopped(first)] = said(&mut device, 20)[..] else { panic!("not told") };
    device.handle_bytes(&frame(3, &order), 30);
    assert_eq!(said(&mut device, 30), [Message::Refused { seq: 3, why: Refusal::Stopped }]);

    device.handle_bytes(&frame(4, &Message::Reset { answer: first.challenge }), 40);
    let [Message::Stopped(second), Message::Refused { seq: 4, why: Refusal::WrongAnswer }] =
        said(&mut device, 40)[..]
    else {
        panic!("not refused");
    };
    assert_ne!(first.challenge, second.challenge);
    device.handle_bytes(&frame(5, &Message::Reset { answer: reset_answer(first.challenge) }), 50);
    assert_eq!(device.drive(50).0, Status::Stopped, "the answer of before a wrong one is void");
    let [Message::Stopped(third), _] = said(&mut device, 50)[..] else { panic!("not told") };
    device.handle_bytes(&frame(6, &Message::Reset { answer: reset_answer(third.challenge) }), 60);
    assert_eq!(said(&mut device, 60), [Message::Ack { seq: 6 }]);
    assert_eq!(device.drive(60).0, Status::Waiting, "damped until the next command");
    device.handle_bytes(&frame(7, &order), 70);
    assert_eq!(device.drive(70).0, Status::Active);
}

#[test]
fn a_stop_needs_no_greeting_and_no_number() {
    let mut device = common::device(1);
    device.handle_bytes(&frame(77, &Message::EmergencyStop), 0);
    assert_eq!(device.drive(0).0, Status::Stopped);
    let mut device = greeted(1);
    device.handle_bytes(&frame(0, &Message::EmergencyStop), 0);
    assert_eq!(device.drive(0).0, Status::Stopped, "number 0 was the greeting's");
    // The stop outlives a new session.
    device.handle_bytes(&frame(1, &hello(2)), 10);
    assert_eq!(device.drive(10).0, Status::Stopped);
}

#[test]
fn a_stop_and_its_reset_get_through_a_bad_line() {
    for seed in 0..20 {
        let mut rig = Rig::connected(Habits { loss: 0.4, ..BAD }, 1000 + 10 * seed);
        rig.host.emergency_stop();
        rig.run(100, |_| {});
        assert_eq!(rig.status, Status::Stopped, "seed {seed}");
        rig.run(900, |_| {});
        for _ in 0..10 {
            if rig.host.is_stopped() {
                // A doubled stop behind a reset draws a new challenge: then it is asked for again.
                let _ = rig.host.reset();
                rig.run(300, |_| {});
            }
        }
        assert!(!rig.host.is_stopped(), "seed {seed}: {:?}", rig.heard);
        rig.run(1000, |rig| {
            let _ = rig.host.command(command(&[0, 1, 2], 0.5));
        });
        assert!(matches!(rig.status, Status::Active | Status::Late), "seed {seed}: {:?}", rig.status);
    }
}

#[test]
fn the_host_holds_the_stop_of_a_device_that_starts_anew() {
    let mut rig = Rig::connected(GOOD, 1);
    rig.robot.device.stop(rig.now_ns / 1000);
    rig.run(10, |_| {});
    assert!(rig.heard.contains(&HostEvent::Stopped) && rig.host.is_stopped());
    rig.robot = robot(rig.now_ns);
    rig.run(500, |_| {});
    assert_eq!(rig.host.phase(), Phase::Connected);
    assert_eq!(rig.status, Status::Stopped);
    rig.host.reset().expect("confirmed again");
    rig.run(20, |_| {});
    assert!(rig.heard.contains(&HostEvent::Released) && rig.status == Status::Waiting);
    assert_eq!(rig.host.reset(), Err(SendError::NotStopped));
}

#[test]
fn a_stop_goes_before_a_command_that_waits() {
    let mut rig = Rig::connected(GOOD, 1);
    rig.order(0.5);
    rig.host.emergency_stop();
    assert_eq!(rig.host.command(command(&[0, 1, 2], 0.5)), Err(SendError::Stopped));
    assert_eq!(rig.host.reset(), Err(SendError::NotConfirmed));
    let first = rig.host.poll_transmit(rig.now_ns).map(<[u8]>::to_vec).expect("a frame");
    let found = Decoder::new().next_frame(&mut first.as_slice());
    assert!(matches!(found, Some(Ok((_, Message::EmergencyStop)))));
}

#[test]
fn an_echoing_line_commands_nobody() {
    let mut device = greeted(1);
    device.handle_bytes(&frame(9, &Message::Ack { seq: 1 }), 0);
    let mut host = common::host();
    host.handle_bytes(&frame(9, &Message::EmergencyStop), 0);
    assert_eq!((device.counts().echoes, host.counts().echoes), (1, 1));
    assert!(!host.is_stopped() && said(&mut device, 0).is_empty());
}

#[test]
fn what_the_device_reports_arrives() {
    let mut rig = Rig::connected(GOOD, 1);
    let sent = common::one_of_each();
    for message in &sent {
        match message.clone() {
            Message::Imu(sample) => rig.robot.device.report_imu(sample).unwrap(),
            Message::Fault(fault) => rig.robot.device.report_fault(fault),
            Message::Log(line) => rig.robot.device.log(line),
            _ => {}
        }
    }
    rig.run(20, |_| {});
    assert!(matches!(rig.heard[..], [HostEvent::Fault(_), HostEvent::Imu(_), HostEvent::Log(_)]));
}

#[test]
fn configurations_that_cannot_be_are_refused() {
    let refused = |change: fn(&mut adit_link::DeviceConfig)| {
        let mut config = device_config(2);
        change(&mut config);
        Device::new(config).unwrap_err()
    };
    assert_eq!(refused(|c| c.command_timeout_us = 0), DeviceConfigError::Zero("command_timeout_us"));
    assert_eq!(refused(|c| c.actuators[1].id = 0), DeviceConfigError::Repeated(0));
    let unfit = Unfit { actuator: Some(0), field: Field::Kd };
    assert_eq!(refused(|c| c.damping_nm_s_rad = -1.0), DeviceConfigError::Unfit(unfit));
    let refused = |change: fn(&mut adit_link::HostConfig)| {
        let mut config = host_config();
        change(&mut config);
        Host::new(config).unwrap_err()
    };
    assert_eq!(refused(|c| c.retry_interval_ns = 0), HostConfigError::Zero("retry_interval_ns"));
    assert_eq!(refused(|c| c.sync_interval_ns = 200 * MS), HostConfigError::SyncTooRare);
    assert_eq!(refused(|c| c.max_drift_ppm = 10_001), HostConfigError::Drift(10_001));
}

#[test]
fn an_empty_command_is_for_a_device_without_actuators() {
    let mut device = greeted(0);
    let empty = Command { actuators: adit_link::List::new() };
    device.handle_bytes(&frame(1, &Message::Command(empty)), 10);
    assert_eq!(device.drive(10).0, Status::Active);
}

#[test]
fn the_host_says_when_it_has_something_to_do() {
    let mut rig = Rig::connected(GOOD, 1);
    rig.robot.device.stop(0);
    rig.run(20, |_| {});
    let silent_until = |rig: &mut Rig| {
        while rig.host.poll_transmit(rig.now_ns).is_some() {}
        let due_ns = rig.host.poll_timeout();
        assert!(rig.host.poll_transmit(due_ns - 1).is_none(), "nothing before");
        assert!(rig.host.poll_transmit(due_ns).is_some(), "and something then");
        due_ns - rig.now_ns
    };
    assert!(silent_until(&mut rig) <= 50 * MS, "times are exchanged");
    rig.host.reset().expect("confirmed");
    assert_eq!(silent_until(&mut rig), 5 * MS, "the reset is repeated");
}

#[test]
fn an_answer_to_another_greeting_is_none() {
    let mut host = common::host();
    assert!(host.poll_transmit(0).is_some());
    let Message::Welcome(mut welcome) = common::one_of_each().swap_remove(1) else { panic!("not there") };
    host.handle_bytes(&frame(0, &Message::Welcome(welcome.clone())), MS);
    assert_eq!((host.phase(), host.poll_event()), (Phase::Greeting, None));
    welcome.session = host_config().first_session;
    welcome.version = 7;
    host.handle_bytes(&frame(1, &Message::Welcome(welcome.clone())), MS);
    assert_eq!(host.phase(), Phase::Mismatched { device: 7 });
    welcome.version = PROTOCOL_VERSION;
    host.handle_bytes(&frame(2, &Message::Welcome(welcome)), MS);
    assert_eq!(host.phase(), Phase::Connected, "it was flashed anew");
}

#[test]
fn a_stop_is_told_again_while_it_holds() {
    let mut device = greeted(1);
    device.stop(1_000);
    assert!(matches!(said(&mut device, 1_000)[..], [Message::Stopped(told)] if told.by_device));
    assert_eq!(said(&mut device, 50_999), []);
    assert!(matches!(said(&mut device, 51_000)[..], [Message::Stopped(_)]));
    device.handle_bytes(&frame(1, &Message::EmergencyStop), 52_000);
    assert!(matches!(said(&mut device, 52_000)[..], [Message::Stopped(_)]), "and at once to whoever asks");
}

#[test]
fn a_confirmation_of_the_stop_before_does_not_take_the_place_of_the_next() {
    let mut rig = Rig::connected(GOOD, 1);
    rig.robot.device.stop(rig.now_ns / 1000);
    rig.run(10, |_| {});
    // Every frame so far has come, so the next few numbers are new.
    let seq = rig.host.counts().frames as u16 + 10;
    let told = frame(seq, &Message::Stopped(adit_link::Stopped { by_device: true, challenge: 1 }));
    rig.host.reset().expect("confirmed");
    rig.host.emergency_stop();
    rig.host.handle_bytes(&told, rig.now_ns);
    let next = rig.host.poll_transmit(rig.now_ns).map(<[u8]>::to_vec).expect("a frame");
    let found = Decoder::new().next_frame(&mut next.as_slice());
    assert!(matches!(found, Some(Ok((_, Message::EmergencyStop)))));
}

#[test]
fn a_reset_does_not_outlive_the_link() {
    let mut rig = Rig::connected(GOOD, 1);
    rig.host.emergency_stop();
    rig.run(10, |_| {});
    (rig.to_device.habits.loss, rig.to_host.habits.loss) = (1.0, 1.0);
    rig.host.reset().expect("confirmed");
    rig.run(300, |_| {});
    (rig.to_device.habits.loss, rig.to_host.habits.loss) = (0.0, 0.0);
    rig.run(500, |_| {});
    assert_eq!((rig.host.phase(), rig.status), (Phase::Connected, Status::Stopped));
}

#[test]
fn times_are_not_translated_by_the_clock_of_a_device_of_before() {
    let mut rig = Rig::connected(GOOD, 1);
    assert!(rig.host.host_time(5).is_some());
    let before = rig.host.host_time(5);
    let seq = rig.host.counts().frames as u16 + 10;
    let unasked = adit_link::TimeReply { t1_ns: rig.now_ns - 5, t2_us: 1, t3_us: 2 };
    rig.host.handle_bytes(&frame(seq, &Message::TimeReply(unasked)), rig.now_ns);
    assert_eq!(rig.host.host_time(5), before, "an answer that nobody asked for");
    rig.robot = robot(rig.now_ns);
    while !rig.heard.iter().any(|event| matches!(event, HostEvent::Connected(_))) {
        rig.now_ns += MS / 10;
        rig.exchange();
    }
    assert_eq!(rig.host.host_time(5), None);
    rig.run(50, |_| {});
    assert!(rig.host.host_time(5).is_some());
}

#[test]
fn intact_frames_that_say_nothing_are_refused_once() {
    let mut device = greeted(1);
    // Body 05 01 | 0E: sequence number 0x0105 and a message number that this version does not have.
    let unknown = [0x04, 0x05, 0x01, 0x0E, 0x81, 0x8E, 0xA9, 0x00];
    device.handle_bytes(&unknown, 10);
    device.handle_bytes(&unknown, 10);
    assert_eq!(said(&mut device, 10), [Message::Refused { seq: 0x0105, why: Refusal::UnknownMessage }]);
    assert_eq!((device.counts().unusable, device.counts().corrupt), (2, 0));
}
