//! The motor bridge, with bytes on any bus at any time.

use std::sync::LazyLock;

use firmware_bridge::bridge::{CYCLE_NANOS, Cycle, MotorBridge};
use firmware_bridge::wire::go_m8010::{Command, MotorId, Reply};
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::RobotDescription;
use robot_interface::time::Stamp;

/// Nothing but reading and wiring goes before it, which is done once.
static BRIDGE: LazyLock<MotorBridge> = LazyLock::new(|| {
    let robot: RobotDescription =
        toml::from_str(include_str!("../../../launch/robots/go2.toml")).expect("the Go2's file reads");
    MotorBridge::new(&robot).expect("a possible wiring")
});

/// The data is a list of steps: which bus, how long after the last, how many bytes, and these.
///
/// Whatever comes, all that is known of the joints is finite, no answer counts that was not asked for, and the second
/// cycle behind it is whole.
pub(crate) fn handle_bytes(mut data: &[u8]) {
    let mut bridge = BRIDGE.clone();
    let mut now = Stamp::from_nanos(1_000_000_000);
    bridge.begin_cycle(now, &[JointCommand::damping(1.0); JOINTS]).expect("sane commands");
    while let [bus, wait, count, rest @ ..] = data {
        now = now.plus_nanos(u64::from(*wait) * 10_000);
        bridge.handle_timeout(now);
        for each in 0..bridge.buses() {
            bridge.poll_transmit(each, now);
        }
        let (bytes, behind) = rest.split_at(rest.len().min(usize::from(*count)));
        bridge.handle_bytes(usize::from(bus % 6), now, bytes);
        data = behind;
        if bridge.is_complete() {
            check(&bridge.end_cycle(now));
            bridge.begin_cycle(now, &[JointCommand::damping(1.0); JOINTS]).expect("sane commands");
        }
    }
    check(&bridge.end_cycle(now));
    honest_cycle(&mut bridge, now);
    let cycle = honest_cycle(&mut bridge, now.plus_nanos(CYCLE_NANOS));
    assert_eq!(cycle.answered, [true; JOINTS]);
}

fn check(cycle: &Cycle) {
    for (joint, state) in cycle.states.joints.iter().enumerate() {
        let values = [state.position_rad, state.velocity_rad_s, state.torque_nm, state.temperature_c];
        assert!(values.iter().all(|value| value.is_finite()), "{state:?}");
        assert_eq!(cycle.measured_at[joint].is_some(), cycle.links[joint].replies > 0);
        assert!(!cycle.answered[joint] || cycle.links[joint].replies > 0);
    }
}

/// Every motor answers what it is asked.
fn honest_cycle(bridge: &mut MotorBridge, now: Stamp) -> Cycle {
    bridge.begin_cycle(now, &[JointCommand::damping(1.0); JOINTS]).expect("sane commands");
    for bus in 0..bridge.buses() {
        while let Some(frame) = bridge.poll_transmit(bus, now) {
            let command = Command::decode(frame).expect("the bridge sends whole frames");
            assert_ne!(command.id, MotorId::BROADCAST);
            let reply = Reply {
                id: command.id,
                mode: command.mode,
                torque_nm: 0.0,
                velocity_rad_s: 0.0,
                position_rad: 0.0,
                temperature_c: 40.0,
                error: None,
                foot_force: 0,
            };
            bridge.handle_bytes(bus, now, &reply.encode());
        }
    }
    let cycle = bridge.end_cycle(now);
    check(&cycle);
    cycle
}
