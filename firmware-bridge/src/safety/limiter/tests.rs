use robot_interface::fixtures::go2;
use robot_interface::joints::JointStates;

use super::*;
use crate::bridge::{CYCLE_NANOS, MotorBridge};

const JOINT: usize = 1;
const KP: f64 = 60.0;

fn at(cycle: u64) -> Stamp {
    Stamp::from_nanos(1_000_000_000 + cycle * CYCLE_NANOS)
}

fn unmeasured() -> Limiter {
    let robot = go2();
    Limiter::new(&robot, MotorBridge::new(&robot).expect("a possible wiring").limits())
}

/// A limiter whose joints are all measured like this.
fn measured(measurement: JointMeasurement) -> Limiter {
    let robot = go2();
    let mut limiter = unmeasured();
    let mut cycle = MotorBridge::new(&robot).expect("a possible wiring").end_cycle(at(0));
    cycle.states = JointStates { stamp: at(0), joints: [measurement; JOINTS] };
    cycle.answered = [true; JOINTS];
    limiter.handle_cycle(&cycle);
    limiter
}

fn resting() -> JointMeasurement {
    JointMeasurement { position_rad: 0.8, temperature_c: 40.0, ..JointMeasurement::default() }
}

fn pull(position_rad: f64) -> JointCommand {
    JointCommand { position_rad, kp: KP, kd: 1.0, ..JointCommand::default() }
}

/// The same command to one joint for so many cycles, the others damped; what is sent at the end.
fn hold(limiter: &mut Limiter, command: JointCommand, cycles: std::ops::Range<u64>) -> JointCommand {
    let mut commands = [JointCommand::damping(1.0); JOINTS];
    commands[JOINT] = command;
    let mut sent = commands;
    for cycle in cycles {
        sent = limiter.admit(at(cycle), &commands, Pace::CALM).expect("sane commands");
    }
    sent[JOINT]
}

#[test]
fn a_target_sets_out_from_where_the_joint_is() {
    let mut limiter = measured(resting());
    let first = hold(&mut limiter, pull(1.5), 0..1);
    assert_eq!(first.position_rad, 0.8, "{first:?}");
    let next = hold(&mut limiter, pull(1.5), 1..2);
    let step = next.position_rad - 0.8;
    assert!(step > 0.0 && step <= 0.5 * 30.1 * 0.002 + 1e-12, "{next:?}");
    assert!(limiter.counts()[JOINT].get(Limit::Slew) == 2);
}

#[test]
fn no_accepted_command_steps_a_joint() {
    let mut limiter = measured(resting());
    let mut last = torque_nm(&hold(&mut limiter, pull(0.8), 0..50), &resting());
    let (mut worst, mut grown) = (0.0_f64, 0.0_f64);
    for (cycle, target) in (50..).zip([-1.5, 3.4, 0.8, 3.4, -1.5].into_iter().flat_map(|t| [t; 150])) {
        let torque = torque_nm(&hold(&mut limiter, pull(target), cycle..cycle + 1), &resting());
        worst = worst.max((torque - last).abs());
        grown = grown.max(torque.abs() - last.abs());
        last = torque;
    }
    assert!(grown <= 23.7 / 10.0 + 1e-9 && grown > 1.0, "{grown} N m more in a cycle");
    // Letting go is no step: from the most there is to nothing it may take one cycle.
    assert!(worst <= 23.7 + 1e-9, "{worst} N m in a cycle");
}

/// The steepest commands that there are, of each kind: torque grows over ten cycles at least.
#[test]
fn torque_grows_gradually_whatever_it_comes_from() {
    let feed_forward = JointCommand { torque_nm: 23.0, ..JointCommand::damping(0.0) };
    let stiffness = JointCommand { kp: 1000.0, ..pull(0.95) };
    let velocity = JointCommand { velocity_rad_s: 30.0, kd: 5.0, ..JointCommand::default() };
    for command in [feed_forward, stiffness, velocity] {
        let mut limiter = measured(resting());
        let mut last = torque_nm(&hold(&mut limiter, JointCommand::damping(1.0), 0..5), &resting());
        for cycle in 5..80 {
            let torque = torque_nm(&hold(&mut limiter, command, cycle..cycle + 1), &resting());
            assert!(torque - last <= 23.7 / 10.0 + 1e-9, "{command:?}: from {last} to {torque} N m");
            last = torque;
        }
        assert!(last > 20.0, "{command:?}: it gets there, {last}");
    }
}

#[test]
fn after_a_pause_everything_begins_anew() {
    let mut limiter = measured(resting());
    assert_eq!(hold(&mut limiter, pull(0.9), 0..100).kp, KP);
    // 0.1 s later the motor has let go by itself.
    let first = hold(&mut limiter, pull(0.9), 151..152);
    assert_eq!(torque_nm(&first, &resting()), 0.0);
}

#[test]
fn torque_stays_within_the_joints() {
    let mut limiter = measured(resting());
    let sent = hold(&mut limiter, JointCommand { torque_nm: 20.0, ..pull(3.0) }, 0..200);
    let torque = torque_nm(&sent, &resting());
    assert!((torque - 23.7).abs() < 1e-9, "{torque}");
    assert!(sent.torque_nm >= 0.0 && sent.position_rad >= 0.8, "taken back, not turned round: {sent:?}");
    assert!(limiter.counts()[JOINT].get(Limit::Torque) > 0);
}

#[test]
fn a_warm_motor_is_derated_and_says_why() {
    let torque_at = |temperature_c| {
        let warm = JointMeasurement { temperature_c, ..resting() };
        let mut limiter = measured(warm);
        let torque = torque_nm(&hold(&mut limiter, pull(1.15), 0..100), &warm);
        (torque, limiter.counts()[JOINT].get(Limit::Temperature) > 0)
    };
    let (full, derated) = torque_at(70.0);
    assert!((full - 21.0).abs() < 1e-9 && !derated, "{full}");
    let (half_way, derated) = torque_at(77.5);
    assert!((half_way - 0.7 * 23.7).abs() < 1e-9 && derated, "{half_way}");
    let (hot, derated) = torque_at(84.999);
    assert!((hot - 0.4 * 23.7).abs() < 1e-2 && derated, "{hot}");
}

#[test]
fn a_fast_joint_is_not_made_faster_but_may_be_braked() {
    let fast = |velocity_rad_s| JointMeasurement { velocity_rad_s, ..resting() };
    let sent_torque = |velocity_rad_s| {
        let mut limiter = measured(fast(velocity_rad_s));
        let command = JointCommand { torque_nm: 20.0, kd: 0.0, ..pull(0.8) };
        (torque_nm(&hold(&mut limiter, command, 0..100), &fast(velocity_rad_s)), limiter)
    };
    assert_eq!(sent_torque(20.0).0, 20.0);
    let (torque, limiter) = sent_torque(0.95 * 30.1);
    assert!((torque - 23.7 / 2.0).abs() < 1e-9, "{torque}");
    assert!(limiter.counts()[JOINT].get(Limit::Velocity) > 0);
    assert_eq!(sent_torque(40.0).0, 0.0);
    assert_eq!(sent_torque(-40.0).0, 20.0, "braking");
}

#[test]
fn all_joints_together_stay_within_the_power() {
    let running = JointMeasurement { velocity_rad_s: 14.0, ..resting() };
    let mut limiter = measured(running);
    let command = JointCommand { torque_nm: 22.0, ..JointCommand::damping(0.0) };
    let mut sent = [command; JOINTS];
    for cycle in 0..50 {
        sent = limiter.admit(at(cycle), &[command; JOINTS], Pace::CALM).expect("sane commands");
    }
    let power: f64 = sent.iter().map(|c| torque_nm(c, &running) * 14.0).sum();
    assert!((power - 2000.0).abs() < 1e-6, "{power} W instead of {}", 12.0 * 22.0 * 14.0);
    assert!(limiter.counts().iter().all(|counts| counts.get(Limit::Power) > 0));
}

#[test]
fn a_joint_that_never_answered_is_damped() {
    let mut limiter = unmeasured();
    let sent = hold(&mut limiter, JointCommand { torque_nm: 3.0, ..pull(1.0) }, 0..50);
    assert_eq!(sent, JointCommand::damping(1.0));
    assert_eq!(limiter.counts()[JOINT].get(Limit::Unmeasured), 50);
    let sent = hold(&mut limiter, JointCommand { kd: 0.0, ..pull(1.0) }, 50..51);
    assert_eq!(sent, JointCommand::damping(LEAST_DAMPING), "it is not left to swing");
}

#[test]
fn what_is_asked_for_within_all_limits_is_sent_as_it_is() {
    let mut limiter = measured(resting());
    let command = JointCommand { position_rad: 0.9, velocity_rad_s: 1.0, torque_nm: 2.0, kp: 20.0, kd: 0.5 };
    assert_eq!(hold(&mut limiter, command, 0..100), command);
    let before = *limiter.counts();
    hold(&mut limiter, command, 100..200);
    assert_eq!(*limiter.counts(), before, "no limit acts any more");
}

#[test]
fn stops_hold_the_target() {
    let mut limiter = measured(resting());
    let sent = hold(&mut limiter, JointCommand { kp: 0.5, ..pull(9.0) }, 0..200);
    assert_eq!(sent.position_rad, 3.4907);
    assert_eq!(limiter.counts()[JOINT].get(Limit::Position), 200);
}

proptest::proptest! {
    /// Whatever is commanded and measured, at either pace: what is sent asks for no more than the joint may give at its
    /// temperature, pulls no further out, and is a number.
    #[test]
    fn nothing_gets_past(
        position in -9.0..9.0, velocity in -99.0..99.0, torque in -99.0..99.0, kp in 0.0..500.0, kd in 0.0..20.0,
        measured_position in proptest::prop_oneof![-2.0..4.0, proptest::sample::select(vec![go2().joints.0[JOINT].lower_rad.get(), go2().joints.0[JOINT].upper_rad.get()])],
        measured_velocity in -50.0..50.0, temperature in 0.0..120.0, brisk in proptest::bool::ANY,
    ) {
        let measurement = JointMeasurement {
            position_rad: measured_position, velocity_rad_s: measured_velocity,
            torque_nm: 0.0, temperature_c: temperature,
        };
        let mut limiter = measured(measurement);
        let command = JointCommand { position_rad: position, velocity_rad_s: velocity, torque_nm: torque, kp, kd };
        let pace = if brisk { Pace::BRISK } else { Pace::CALM };
        for cycle in 0..60 {
            let sent = limiter.admit(at(cycle), &[command; JOINTS], pace).expect("sane commands")[JOINT];
            let limits = limiter.limits(JOINT);
            let most = limits.max_torque_nm * go2().protection.torque_share(temperature);
            proptest::prop_assert!(torque_nm(&sent, &measurement).abs() <= most + 1e-6, "{sent:?}");
            let grown = limits.max_torque_nm * (cycle as f64 * 0.002 / pace.torque_rise_s).min(1.0);
            proptest::prop_assert!(drive_nm(&sent, &measurement).abs() <= grown + kd * measured_velocity.abs() + 1e-6);
            proptest::prop_assert!(sent.velocity_rad_s.abs() <= limits.max_velocity_rad_s);
            proptest::prop_assert!(sent.kp <= kp && sent.kd <= kd);
            let (low, high) = (limits.lower_rad.min(measured_position), limits.upper_rad.max(measured_position));
            proptest::prop_assert!((low - 1e-9..=high + 1e-9).contains(&sent.position_rad), "{sent:?}");
        }
    }

    /// A joint exactly at its stop, whose whole spring is taken back: the target misses the stop by one rounding, and
    /// the stiffness was divided by a stretch of nothing.
    #[test]
    fn a_joint_at_its_very_stop_gets_numbers(kp in 1.0..500.0, way in 0.001..2.0) {
        let limits = *measured(resting()).limits(JOINT);
        let lower = CommandLimits { lower_rad: 0.0, ..limits };
        for (limits, stop, sign) in [(lower, 0.0, 1.0), (limits, limits.upper_rad, -1.0)] {
            let there = JointMeasurement { position_rad: stop, ..resting() };
            let mut command = JointCommand { position_rad: stop + sign * way, kp, ..JointCommand::default() };
            take_back(&mut command, &there, &limits, 1e4);
            proptest::prop_assert!(command.kp.is_finite() && drive_nm(&command, &there).abs() < 1e-9, "{command:?}");
        }
    }
}

/// A falling leg: damping alone asked for thirteen times what its joint has.
#[test]
fn damping_asks_for_no_more_than_the_joint_has() {
    let falling = JointMeasurement { velocity_rad_s: -30.0, ..resting() };
    let mut limiter = measured(falling);
    let sent = hold(&mut limiter, JointCommand::damping(10.0), 0..1);
    let most = limiter.limits(JOINT).max_torque_nm;
    assert!((torque_nm(&sent, &falling) - most).abs() < 1e-9, "{sent:?}");
    assert_eq!(limiter.counts()[JOINT].get(Limit::Torque), 1);
}

/// A fault campaign found it: the target of a joint beyond its stop was taken back to near the joint, and the bridge's
/// own clamp moved it to the stop again, with all the stiffness: 130 N m at a rotor that has 3.7.
#[test]
fn a_joint_beyond_its_stop_is_pulled_back_gently_to_the_stop() {
    let upper_rad = go2().joints.0[JOINT].upper_rad.get();
    let beyond = JointMeasurement { position_rad: upper_rad + 0.2, ..resting() };
    let mut limiter = measured(beyond);
    let stiff = JointCommand { position_rad: 0.0, kp: 1000.0, ..JointCommand::default() };
    for cycle in 0..30 {
        let sent = hold(&mut limiter, stiff, cycle..cycle + 1);
        let most = limiter.limits(JOINT).max_torque_nm * (0.1 * cycle as f64).min(1.0);
        assert!(sent.position_rad <= upper_rad, "{sent:?}");
        assert!(drive_nm(&sent, &beyond).abs() <= most + 1e-9, "cycle {cycle}: {sent:?}");
    }
    let sent = hold(&mut limiter, stiff, 30..31);
    assert!(torque_nm(&sent, &beyond) < -1.0, "it is pulled back all the same: {sent:?}");
}

/// A fault campaign found it: braking took the wanted velocity's part of a command away, and what it had held against
/// was left: a stretched spring of 200 N m at the rotor.
#[test]
fn parts_that_pull_against_each_other_are_not_taken_from_one_alone() {
    let moving = JointMeasurement { velocity_rad_s: 17.0, ..resting() };
    let limits = measured(moving).limits(JOINT).to_owned();
    let mut command =
        JointCommand { position_rad: 2.8, velocity_rad_s: -8.1, torque_nm: 0.0, kp: 400.0, kd: 100.0 };
    let before = drive_nm(&command, &moving);
    take_back(&mut command, &moving, &limits, 1e4);
    let after = drive_nm(&command, &moving);
    assert!(before < 0.0 && after.abs() < 1e-9, "{before} N m became {after}");
}

#[test]
fn a_joint_that_falls_silent_is_damped_and_then_sets_out_from_where_it_is() {
    let mut limiter = measured(resting());
    hold(&mut limiter, pull(1.5), 0..50);
    let mut silent = MotorBridge::new(&go2()).expect("a possible wiring").end_cycle(at(50));
    for unheard in 1..=MAX_UNHEARD {
        limiter.handle_cycle(&silent);
        let sent = hold(&mut limiter, pull(1.5), 49 + u64::from(unheard)..50 + u64::from(unheard));
        assert_eq!(sent.kp > 0.0, unheard < MAX_UNHEARD, "{unheard} answers missing");
    }
    silent.answered = [true; JOINTS];
    silent.states.joints = [JointMeasurement { position_rad: 0.3, ..resting() }; JOINTS];
    limiter.handle_cycle(&silent);
    let sent = hold(&mut limiter, pull(1.5), 80..81);
    assert!((sent.position_rad - 0.3).abs() < 0.1, "{sent:?}");
}
