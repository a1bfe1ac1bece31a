//! Whole cycles over loopback ports: mapping, limits, and what a broken motor, wire or controller costs.

mod common;

use common::{Rig, go2, honest, standing};
use firmware_bridge::bridge::{BridgeError, CYCLE_NANOS, CommandError, MotorBridge, MotorFault};
use firmware_bridge::port::{BusDriver, BusPort, PortCount, PortError, loopback};
use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::go_m8010::{Command, Fault, Mode, MotorId, Reply};
use proptest::prelude::*;
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::RobotDescription;
use robot_interface::time::Stamp;
use robot_interface::units::Positive;

const ALL: [bool; JOINTS] = [true; JOINTS];

fn all_but(joint: usize) -> [bool; JOINTS] {
    std::array::from_fn(|i| i != joint)
}

fn stamp(cycle: u64) -> Stamp {
    Stamp::from_nanos(1_000_000_000 + cycle * CYCLE_NANOS)
}

#[test]
fn gear_direction_and_offset_are_applied_once_each_way() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let cycle = rig.cycle(stamp(0), &commands, honest);
    // By hand, for the joint with everything: FR_calf, reversed, ratio 12.134, zero at -2.7227 rad.
    let heard = rig.heard(5);
    assert!((heard.targets.position_rad - -12.134 * (-1.5 + 2.7227)).abs() < 1e-4, "{heard:?}");
    assert!((heard.targets.velocity_rad_s - -12.134 * 0.4).abs() < 0.013, "{heard:?}");
    assert!((heard.targets.torque_nm - -2.5 / 12.134).abs() < 0.002, "{heard:?}");
    assert!((heard.targets.kp - 20.0 / (12.134 * 12.134)).abs() < 4e-4, "{heard:?}");
    assert!((heard.targets.kd - 0.5 / (12.134 * 12.134)).abs() < 4e-4, "{heard:?}");
    for (state, command) in cycle.states.joints.iter().zip(&commands) {
        assert!((state.position_rad - command.position_rad).abs() < 2e-5, "{state:?}");
        assert!((state.velocity_rad_s - command.velocity_rad_s).abs() < 2.1e-3, "{state:?}");
        assert!((state.torque_nm - command.torque_nm).abs() < 0.03, "{state:?}");
        assert_eq!(state.temperature_c, 40.0);
    }
    assert_eq!((cycle.answered, cycle.clamped), (ALL, [false; JOINTS]));
    assert_eq!(cycle.states.stamp, stamp(0));
}

#[test]
fn a_cycle_takes_the_time_that_its_bytes_take_on_the_bus() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    // Three motors a bus, 33 bytes each at 2.5 us a byte.
    assert_eq!(rig.cycle(stamp(0), &commands, honest).took_nanos, 3 * 33 * 2_500);
}

#[test]
fn one_dead_motor_costs_its_own_slot_and_nothing_else() {
    for dead in 0..JOINTS {
        let mut rig = Rig::new(go2());
        let commands = standing(&rig.robot);
        rig.cycle(stamp(0), &commands, honest);
        let (bus, id) = (rig.robot.joints.0[dead].bus, rig.robot.joints.0[dead].id);
        for round in 1..4 {
            let cycle = rig.cycle_with(stamp(round), &commands, |on, reply, port| {
                if (on, reply.id.get()) != (bus, id) {
                    port.write(&reply.encode()).expect("room");
                }
            });
            assert_eq!(cycle.answered, all_but(dead));
            assert_eq!(cycle.links[dead].missed, round);
            assert!(cycle.took_nanos < CYCLE_NANOS / 2, "{} ns with joint {dead} dead", cycle.took_nanos);
            assert_eq!(cycle.states.joints[dead].temperature_c, 40.0, "its last measurement stays");
            let age = stamp(round).seconds_since(cycle.measured_at[dead].expect("it once answered"));
            assert!(age > 0.001 * round as f64, "and tells its age: {age}");
        }
    }
}

#[test]
fn a_whole_bus_of_dead_motors_still_ends_within_the_cycle() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let cycle = rig.cycle_with(stamp(0), &commands, |bus, reply, port| {
        if bus != 2 {
            port.write(&reply.encode()).expect("room");
        }
    });
    assert_eq!(cycle.answered, std::array::from_fn(|joint| !(6..9).contains(&joint)));
    assert!(cycle.took_nanos <= CYCLE_NANOS * 9 / 10, "{}", cycle.took_nanos);
    assert_eq!(cycle.measured_at[6], None, "it never answered, and says so");
}

#[test]
fn a_line_that_babbles_without_end_costs_its_own_bus() {
    for noise in [[0xFD; 40], [0x55; 40]] {
        let mut rig = Rig::new(go2());
        let commands = standing(&rig.robot);
        for round in 0..5 {
            let far = &mut rig.far;
            let serve = |_| {
                // Nobody minds if the port is full: the line babbles on.
                let _ = far[0].port.write(&noise);
                for end in &mut far[1..] {
                    end.serve(|reply, port| port.write(&reply.encode()).expect("room"));
                }
            };
            let start = stamp(round);
            let cycle = rig.driver.exchange(&mut rig.bridge, start, &commands, serve).expect("sane commands");
            assert_eq!(cycle.answered, std::array::from_fn(|joint| joint >= 3));
            assert!(cycle.took_nanos < CYCLE_NANOS, "{}", cycle.took_nanos);
            assert!(cycle.links[0].bad_header > 0);
        }
    }
}

/// Replies damaged in one way each, and the count that should notice.
#[test]
fn damaged_replies_are_counted_against_their_motor_and_change_nothing() {
    fn wrong_id(bus: usize, mut reply: Reply) -> Vec<u8> {
        if (bus, reply.id.get()) == (1, 1) {
            reply.id = MotorId::new(9).expect("an address");
            reply.position_rad = 1000.0;
        }
        reply.encode().to_vec()
    }
    fn bad_crc(bus: usize, mut reply: Reply) -> Vec<u8> {
        let hit = (bus, reply.id.get()) == (1, 1);
        reply.position_rad += if hit { 1000.0 } else { 0.0 };
        let mut bytes = reply.encode();
        bytes[14] ^= u8::from(hit);
        bytes.to_vec()
    }
    fn bad_header(bus: usize, mut reply: Reply) -> Vec<u8> {
        let hit = (bus, reply.id.get()) == (1, 1);
        reply.position_rad += if hit { 1000.0 } else { 0.0 };
        let mut bytes = reply.encode();
        bytes[0] ^= u8::from(hit);
        bytes.to_vec()
    }
    fn cut_short(bus: usize, reply: Reply) -> Vec<u8> {
        let kept = if (bus, reply.id.get()) == (1, 1) { 9 } else { 16 };
        reply.encode()[..kept].to_vec()
    }
    let cases: [(&str, common::Tamper, [u64; 3]); 4] = [
        ("wrong id", wrong_id, [1, 0, 0]),
        ("bad checksum", bad_crc, [0, 1, 0]),
        ("bad header", bad_header, [0, 0, 1]),
        ("cut short", cut_short, [0, 0, 0]),
    ];
    const HIT: usize = 4;
    for (name, tamper, expected) in cases {
        let mut rig = Rig::new(go2());
        let commands = standing(&rig.robot);
        let before = rig.cycle(stamp(0), &commands, honest);
        let cycle = rig.cycle(stamp(1), &commands, tamper);
        assert_eq!(cycle.answered, all_but(HIT), "{name}");
        assert_eq!(cycle.states.joints, before.states.joints, "{name}");
        for (joint, link) in cycle.links.iter().enumerate() {
            let counts = [link.wrong_id, link.bad_crc, link.bad_header];
            assert_eq!(counts, if joint == HIT { expected } else { [0; 3] }, "{name}, joint {joint}");
            assert_eq!(link.missed, u64::from(joint == HIT), "{name}, joint {joint}");
        }
        let after = rig.cycle(stamp(2), &commands, honest);
        assert_eq!(after.answered, ALL, "{name}: and the next cycle is whole");
    }
}

#[test]
fn noise_before_a_reply_does_not_cost_the_reply() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let cycle = rig.cycle(stamp(0), &commands, |_, reply| {
        let mut bytes = vec![0x00, 0xFD, 0xEE, 0x13, 0xFD];
        bytes.extend(reply.encode());
        bytes
    });
    assert_eq!(cycle.answered, ALL);
    assert!(cycle.links.iter().all(|link| link.bad_header + link.bad_crc > 0 && link.missed == 0));
}

#[test]
fn a_reply_that_comes_after_its_slot_is_not_taken_for_the_next_cycles() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let first = rig.cycle(stamp(0), &commands, honest);
    let late = Reply {
        id: MotorId::new(0).expect("an address"),
        mode: Mode::Foc,
        torque_nm: 0.0,
        velocity_rad_s: 0.0,
        position_rad: 500.0,
        temperature_c: 0.0,
        error: None,
        foot_force: 0,
    };
    rig.far[0].port.write(&late.encode()).expect("room");
    let second = rig.cycle(stamp(1), &commands, honest);
    assert_eq!(second.states.joints, first.states.joints);
    assert_eq!(second.stray_bytes, 16);
    assert_eq!(second.answered, ALL);
}

/// More of them than one read takes: those behind it stood in front of the next true answer, and were taken for it.
#[test]
fn however_many_replies_come_late_none_is_taken_for_a_new_one() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let first = rig.cycle(stamp(0), &commands, honest);
    let late = Reply {
        id: MotorId::new(0).expect("an address"),
        mode: Mode::Foc,
        torque_nm: 0.0,
        velocity_rad_s: 0.0,
        position_rad: 500.0,
        temperature_c: 0.0,
        error: None,
        foot_force: 0,
    };
    for _ in 0..40 {
        rig.far[0].port.write(&late.encode()).expect("room");
    }
    let second = rig.cycle(stamp(1), &commands, honest);
    assert_eq!(second.states.joints, first.states.joints);
    assert_eq!(second.stray_bytes, 40 * 16);
}

#[test]
fn faults_are_told_as_long_as_the_motor_tells_them() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let hot = rig.cycle(stamp(0), &commands, |bus, mut reply| {
        if (bus, reply.id.get()) == (3, 2) {
            reply.error = Some(Fault::Overheat);
        }
        reply.encode().to_vec()
    });
    assert_eq!(hot.faults[11], Some(MotorFault::Overheat));
    assert!(hot.faults[..11].iter().all(Option::is_none));
    assert_eq!(rig.cycle(stamp(1), &commands, honest).faults, [None; JOINTS]);
}

#[test]
fn commands_that_make_no_sense_are_refused_and_none_of_the_twelve_is_sent() {
    let robot = go2();
    type Spoil = fn(&mut JointCommand, f64);
    let spoils: [(&str, Spoil); 5] = [
        ("position_rad", |c, v| c.position_rad = v),
        ("velocity_rad_s", |c, v| c.velocity_rad_s = v),
        ("torque_nm", |c, v| c.torque_nm = v),
        ("kp", |c, v| c.kp = v),
        ("kd", |c, v| c.kd = v),
    ];
    for (name, spoil) in spoils {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut bridge = MotorBridge::new(&robot).expect("a possible wiring");
            let mut commands = standing(&robot);
            spoil(&mut commands[7], value);
            let error = bridge.begin_cycle(stamp(0), &commands).expect_err(name);
            assert!(
                matches!(error, CommandError::NotFinite { joint: "RL_thigh_joint", field, .. } if field == name)
            );
            for bus in 0..4 {
                assert_eq!(bridge.poll_transmit(bus, stamp(0)), None, "{name}");
            }
            assert_eq!(bridge.end_cycle(stamp(0)).links[0].missed, 0, "no cycle was begun");
        }
    }
    let mut bridge = MotorBridge::new(&robot).expect("a possible wiring");
    let mut commands = standing(&robot);
    commands[0].kd = -0.1;
    let error = bridge.begin_cycle(stamp(0), &commands).expect_err("negative");
    assert!(
        matches!(error, CommandError::NegativeGain { joint: "FL_hip_joint", field: "kd", .. }),
        "{error}"
    );
}

#[test]
fn commands_that_go_too_far_are_clamped_to_the_joint() {
    let mut rig = Rig::new(go2());
    let mut commands = standing(&rig.robot);
    let far = |sign: f64| JointCommand {
        position_rad: sign * 1e12,
        velocity_rad_s: sign * 1e12,
        torque_nm: sign * 1e12,
        kp: 1e12,
        kd: 1e12,
    };
    commands[3] = far(1.0);
    commands[8] = far(-1.0);
    let cycle = rig.cycle(stamp(0), &commands, honest);
    assert_eq!(cycle.clamped, std::array::from_fn(|joint| joint == 3 || joint == 8));
    for (joint, sign) in [(3, 1.0), (8, -1.0)] {
        let (state, limits) = (cycle.states.joints[joint], rig.bridge.limits()[joint]);
        let stop = if sign > 0.0 { limits.upper_rad } else { limits.lower_rad };
        assert!((state.position_rad - stop).abs() < 2e-5, "{state:?}");
        assert!((state.velocity_rad_s - sign * limits.max_velocity_rad_s).abs() < 2.1e-3, "{state:?}");
        assert!((state.torque_nm - sign * limits.max_torque_nm).abs() < 0.03, "{state:?}");
        let (heard, description) = (rig.heard(joint), rig.robot.joints.0[joint]);
        assert!((description.joint_gain(heard.targets.kp) - 200.0).abs() < 0.1, "{heard:?}");
        assert!((description.joint_gain(heard.targets.kd) - 10.0).abs() < 0.1, "{heard:?}");
    }
}

#[test]
fn damping_has_no_stiffness_on_any_joint() {
    let mut rig = Rig::new(go2());
    rig.cycle(stamp(0), &[JointCommand::damping(4.0); JOINTS], honest);
    for joint in 0..JOINTS {
        let heard = rig.heard(joint);
        assert!(
            heard.targets.kp == 0.0 && heard.targets.torque_nm == 0.0 && heard.targets.kd > 0.02,
            "{heard:?}"
        );
    }
}

#[test]
fn a_silent_bridge_asks_for_nothing() {
    let mut bridge = MotorBridge::new(&go2()).expect("a possible wiring");
    assert_eq!(bridge.poll_transmit(0, stamp(0)), None);
    assert_eq!((bridge.poll_timeout(), bridge.is_complete()), (None, true));
    bridge.handle_bytes(99, stamp(0), &[1, 2, 3]);
    bridge.handle_bytes(1, stamp(0), &[1, 2, 3]);
    assert_eq!(bridge.end_cycle(stamp(0)).stray_bytes, 3);
    assert_eq!(bridge.poll_transmit(99, stamp(0)), None);
}

#[test]
fn an_unplugged_adapter_costs_its_own_bus() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    rig.cycle(stamp(0), &commands, honest);
    // The far end of bus 2 goes away: its motors now sit on a port that nobody is joined to.
    rig.far[2].port = loopback().0;
    let far = &mut rig.far;
    let serve = |_| {
        for bus in [0, 1, 3] {
            far[bus].serve(|reply, port| port.write(&reply.encode()).expect("room"));
        }
    };
    let cycle = rig.driver.exchange(&mut rig.bridge, stamp(1), &commands, serve).expect("sane commands");
    assert_eq!(cycle.answered, std::array::from_fn(|joint| !(6..9).contains(&joint)));
    let (failures, last) = rig.driver.failures(2);
    assert!(failures > 0);
    assert_eq!(last, Some(PortError::Closed));
    assert_eq!(rig.driver.failures(0), (0, None));
}

#[test]
fn wiring_that_cannot_be_is_refused() {
    fn refusal(change: fn(&mut RobotDescription)) -> BridgeError {
        let mut robot = go2();
        change(&mut robot);
        MotorBridge::new(&robot).expect_err("impossible wiring")
    }
    let error = refusal(|robot| robot.joints.0[1].id = 15);
    assert!(matches!(error, BridgeError::Id { joint: "FL_thigh_joint", id: 15, .. }), "{error}");
    let error = refusal(|robot| robot.joints.0[9].bus = usize::MAX);
    assert!(matches!(error, BridgeError::Bus { joint: "RR_hip_joint", .. }), "{error}");
    let error = refusal(|robot| robot.joints.0[9..].iter_mut().for_each(|joint| joint.bus = 5));
    assert!(matches!(error, BridgeError::Bus { joint: "RR_hip_joint", bus: 5 }), "{error}");
    let error = refusal(|robot| {
        robot.joints.0[0].gear_ratio = Positive::try_from(1e-3).expect("positive");
    });
    assert!(matches!(error, BridgeError::Range { joint: "FL_hip_joint", .. }), "{error}");
    let error = refusal(|robot| {
        robot.joints.0[0].gear_ratio = Positive::try_from(1e-308).expect("positive");
    });
    assert!(matches!(error, BridgeError::Range { .. }), "{error}");
    let error = MotorBridge::with_cycle(&go2(), 250_000).expect_err("no time");
    assert!(matches!(error, BridgeError::Overloaded { bus: 0, motors: 3, .. }), "{error}");
    let bridge = MotorBridge::new(&go2()).expect("a possible wiring");
    let error = BusDriver::new(&bridge, vec![loopback().0]).expect_err("three ports too few");
    assert_eq!(error, PortCount { buses: 4, ports: 1 });
}

#[test]
fn twelve_motors_on_one_bus_fit_the_cycle_even_with_one_dead() {
    let mut robot = go2();
    for (joint, description) in robot.joints.0.iter_mut().enumerate() {
        description.bus = 0;
        description.id = joint as u8;
    }
    let mut rig = Rig::new(robot);
    let commands = standing(&rig.robot);
    let cycle = rig.cycle_with(stamp(0), &commands, |_, reply, port| {
        if reply.id.get() != 4 {
            port.write(&reply.encode()).expect("room");
        }
    });
    assert_eq!(cycle.answered, all_but(4));
    assert!(cycle.took_nanos < CYCLE_NANOS, "{}", cycle.took_nanos);
}

proptest! {
    /// Whatever arrives, on whatever bus and whenever: no panic, no state that is not a number, and a
    /// joint that heard nothing intact in its own name keeps its measurement.
    #[test]
    fn noise_changes_no_state(noise in prop::collection::vec((0_usize..6, prop::collection::vec(any::<u8>(), 0..50)), 0..20)) {
        let mut rig = Rig::new(go2());
        let commands = standing(&rig.robot);
        let before = rig.cycle(stamp(0), &commands, honest);
        rig.bridge.begin_cycle(stamp(1), &commands).expect("sane commands");
        for (step, (bus, bytes)) in noise.iter().enumerate() {
            let now = stamp(1).plus_nanos(step as u64 * 70_000);
            rig.bridge.handle_timeout(now);
            for each in 0..4 {
                rig.bridge.poll_transmit(each, now);
            }
            rig.bridge.handle_bytes(*bus, now, bytes);
        }
        let during = rig.bridge.end_cycle(stamp(2));
        prop_assert_eq!(during.states.joints, before.states.joints);
        prop_assert_eq!(during.answered, [false; JOINTS]);
        let after = rig.cycle(stamp(3), &commands, honest);
        prop_assert_eq!(after.answered, ALL);
    }

    /// Any finite command reaches its motor within the joint's limits.
    #[test]
    fn nothing_beyond_the_limits_reaches_a_motor(
        joint in 0..JOINTS,
        position_rad in -1e6..1e6, velocity_rad_s in -1e6..1e6, torque_nm in -1e6..1e6,
        kp in 0.0..1e6, kd in 0.0..1e6,
    ) {
        let mut rig = Rig::new(go2());
        let mut commands = standing(&rig.robot);
        commands[joint] = JointCommand { position_rad, velocity_rad_s, torque_nm, kp, kd };
        let state = rig.cycle(stamp(0), &commands, honest).states.joints[joint];
        let limits = rig.bridge.limits()[joint];
        // Half a step of the wire beyond a limit is possible.
        prop_assert!(state.position_rad >= limits.lower_rad - 2e-5 && state.position_rad <= limits.upper_rad + 2e-5);
        prop_assert!(state.velocity_rad_s.abs() <= limits.max_velocity_rad_s + 2.1e-3);
        prop_assert!(state.torque_nm.abs() <= limits.max_torque_nm + 0.03);
    }
}

/// What an adapter that hears itself makes of a line: each command comes back before its answer.
fn with_echo(rig: &mut Rig, cycle: u64, spoil: bool) -> firmware_bridge::bridge::Cycle {
    let commands = standing(&rig.robot);
    // The far end's own copy of what was sent: values survive encoding and decoding to the bit.
    rig.cycle_with(stamp(cycle), &commands, |_, reply, port| {
        let command = Command {
            id: reply.id,
            mode: reply.mode,
            targets: Impedance {
                position_rad: reply.position_rad,
                velocity_rad_s: reply.velocity_rad_s,
                torque_nm: reply.torque_nm,
                kp: 0.0,
                kd: 0.0,
            },
        };
        let mut echo = command.encode_nearest();
        echo[5] ^= u8::from(spoil);
        port.write(&echo).expect("room");
        port.write(&reply.encode()).expect("room");
    })
}

#[test]
fn an_echo_is_counted_for_its_bus_and_held_against_nobody() {
    let mut rig = Rig::new(go2());
    let mut sent = Vec::new();
    for cycle in 0..3 {
        rig.bridge.begin_reading(stamp(cycle));
        for bus in 0..4 {
            while let Some(frame) = rig.bridge.poll_transmit(bus, stamp(cycle)) {
                let command = Command::decode(frame).expect("whole");
                let echo_and_reply = [frame, &reply_of(command.id).encode()].concat();
                sent.push(command);
                // Byte by byte, as slow lines give them.
                for byte in echo_and_reply {
                    rig.bridge.handle_bytes(bus, stamp(cycle), &[byte]);
                }
            }
        }
        let result = rig.bridge.end_cycle(stamp(cycle));
        assert_eq!(result.answered, ALL);
        assert!(result.links.iter().all(|link| link.bad_header + link.bad_crc + link.missed == 0));
        assert_eq!(result.stray_bytes, 0);
    }
    assert!((0..4).all(|bus| rig.bridge.bus_counts(bus).echoes == 9));
    for command in sent {
        assert_eq!(command, Command::idle(command.id), "a reading cycle drives nobody");
    }
}

#[test]
fn what_only_begins_like_an_echo_is_noise() {
    let mut rig = Rig::new(go2());
    let result = with_echo(&mut rig, 0, true);
    assert_eq!(result.answered, ALL, "and costs no answer");
    assert!(result.links.iter().all(|link| link.bad_header == 1), "{:?}", result.links);
    assert!((0..4).all(|bus| rig.bridge.bus_counts(bus).echoes == 0));
}

#[test]
fn an_answer_after_its_slot_counts_as_late_for_the_one_who_gave_it() {
    let mut bridge = MotorBridge::new(&go2()).expect("a possible wiring");
    let slot = CYCLE_NANOS / 10 * 9 / 3;
    bridge.begin_reading(stamp(0));
    bridge.poll_transmit(0, stamp(0)).expect("the first is asked");
    let after = stamp(0).plus_nanos(slot);
    bridge.handle_timeout(after);
    bridge.poll_transmit(0, after).expect("the second is asked");
    let [first, second] = [0, 1].map(|id| reply_of(MotorId::new(id).expect("an address")).encode());
    bridge.handle_bytes(0, after.plus_nanos(1000), &first);
    bridge.handle_bytes(0, after.plus_nanos(7000), &second);
    let links = bridge.end_cycle(after.plus_nanos(8000)).links;
    assert_eq!((links[0].late, links[0].missed, links[1].wrong_id, links[1].replies), (1, 1, 1, 1));
    assert_eq!(bridge.round_trip_nanos()[..2], [None, Some(7000)]);
}

fn reply_of(id: MotorId) -> Reply {
    Reply {
        id,
        mode: Mode::Brake,
        torque_nm: 0.0,
        velocity_rad_s: 0.0,
        position_rad: 1.0,
        temperature_c: 30.0,
        error: None,
        foot_force: 0,
    }
}
