//! Joints' troubles and what follows from them, over whole cycles on loopback ports.

mod common;

use common::{Rig, go2, honest, standing};
use firmware_bridge::bridge::{CYCLE_NANOS, Cycle};
use firmware_bridge::protocol::go_m8010::{Fault, Reply};
use firmware_bridge::safety::{Cause, PowerRefused, PowerState, Safety, Severity};
use robot_interface::time::Stamp;

/// FR_thigh_joint.
const HIT: usize = 4;

fn stamp(cycle: u64) -> Stamp {
    Stamp::from_nanos(1_000_000_000 + cycle * CYCLE_NANOS)
}

/// Replies of motors that stand, with one of them changed.
fn cycle(rig: &mut Rig, number: u64, change: impl Fn(&mut Reply)) -> Cycle {
    let commands = standing(&rig.robot);
    rig.cycle_with(stamp(number), &commands, |bus, reply, port| {
        use firmware_bridge::port::BusPort;
        let mut reply = *reply;
        if (bus, reply.id.get()) == (1, 1) {
            change(&mut reply);
        }
        port.write(&reply.encode()).expect("room");
    })
}

fn active() -> (Rig, Safety) {
    let mut rig = Rig::new(go2());
    let mut safety = Safety::new(&rig.robot, rig.bridge.limits());
    safety.handle_cycle(&cycle(&mut rig, 0, |_| {}));
    for power in [PowerState::Damped, PowerState::Standing, PowerState::Active] {
        safety.request(power).expect("in order");
    }
    (rig, safety)
}

#[test]
fn one_odd_reading_stops_nobody_and_five_do() {
    let (mut rig, mut safety) = active();
    for number in 1..5 {
        safety.handle_cycle(&cycle(&mut rig, number, |reply| reply.temperature_c = 100.0));
    }
    assert_eq!(safety.trip(), None);
    safety.handle_cycle(&cycle(&mut rig, 5, |_| {}));
    for number in 6..11 {
        assert_eq!(safety.trip(), None);
        safety.handle_cycle(&cycle(&mut rig, number, |reply| reply.temperature_c = 100.0));
    }
    let trip = safety.trip().expect("it lasted");
    assert_eq!(trip.joint, HIT);
    assert_eq!(trip.cause, Cause::Hot { temperature_c: 100.0, cut_c: 85.0 });
    assert!(trip.to_string().starts_with("FR_thigh_joint: 100 degrees"), "{trip}");
}

#[test]
fn heat_lets_the_robot_lie_down_first() {
    let (mut rig, mut safety) = active();
    for number in 1..6 {
        safety.handle_cycle(&cycle(&mut rig, number, |reply| reply.error = Some(Fault::Overheat)));
    }
    assert_eq!(safety.trip().map(|trip| trip.cause.severity()), Some(Severity::Settle));
    assert_eq!(safety.power(), PowerState::Active, "it must still be able to lie down");
    safety.request(PowerState::Standing).expect("on its way down");
    assert!(matches!(safety.request(PowerState::Active), Err(PowerRefused::Faulted(_))), "and not up again");
    safety.request(PowerState::Damped).expect("it lies");
    safety.settled();
    assert_eq!(safety.power(), PowerState::Faulted);
}

#[test]
fn a_joint_that_is_not_where_it_says_lets_go_at_once() {
    let changes: [fn(&mut Reply); 2] =
        [|reply| reply.position_rad += 100.0, |reply| reply.error = Some(Fault::Encoder)];
    for change in changes {
        let (mut rig, mut safety) = active();
        for number in 1..6 {
            safety.handle_cycle(&cycle(&mut rig, number, change));
        }
        assert_eq!(safety.power(), PowerState::Faulted);
        let sent = safety.admit(stamp(6), &standing(&rig.robot)).expect("sane commands");
        assert!(sent.iter().all(|command| command.kp == 0.0 && command.torque_nm == 0.0 && command.kd > 0.0));
    }
}

#[test]
fn a_fault_is_cleared_once_it_is_gone() {
    let (mut rig, mut safety) = active();
    for number in 1..6 {
        safety.handle_cycle(&cycle(&mut rig, number, |reply| reply.error = Some(Fault::Encoder)));
    }
    let refused = safety.clear().expect_err("it is still there");
    assert!(refused.to_string().contains("FR_thigh_joint"), "{refused}");
    safety.handle_cycle(&cycle(&mut rig, 7, |_| {}));
    assert!(
        matches!(safety.request(PowerState::Standing), Err(PowerRefused::Faulted(_))),
        "gone, not forgotten"
    );
    safety.clear().expect("it is gone");
    assert_eq!((safety.power(), safety.trip()), (PowerState::Damped, None));
    safety.request(PowerState::Standing).expect("it may rise again");
}

#[test]
fn what_is_not_to_be_driven_is_damped_whatever_is_commanded() {
    let mut rig = Rig::new(go2());
    let mut safety = Safety::new(&rig.robot, rig.bridge.limits());
    safety.handle_cycle(&cycle(&mut rig, 0, |_| {}));
    for _ in 0..2 {
        let sent = safety.admit(stamp(1), &standing(&rig.robot)).expect("sane commands");
        assert!(
            sent.iter().all(|c| c.kp == 0.0 && c.torque_nm == 0.0 && c.kd >= 1.0),
            "{:?}",
            safety.power()
        );
        safety.request(PowerState::Damped).expect("from off");
    }
    let refused = safety.request(PowerState::Active).expect_err("not before standing");
    assert!(refused.to_string().contains("order off, damped, standing, active"), "{refused}");
}

#[test]
fn a_silent_joint_keeps_the_trouble_that_it_had() {
    let (mut rig, mut safety) = active();
    for number in 1..6 {
        safety.handle_cycle(&cycle(&mut rig, number, |reply| reply.error = Some(Fault::Encoder)));
    }
    let commands = standing(&rig.robot);
    let silent = rig.cycle_with(stamp(7), &commands, |_, _, _| {});
    safety.handle_cycle(&silent);
    assert!(safety.clear().is_err(), "it has not said that it is well");
    safety.handle_cycle(&rig.cycle(stamp(8), &commands, honest));
    safety.clear().expect("now it has");
}
