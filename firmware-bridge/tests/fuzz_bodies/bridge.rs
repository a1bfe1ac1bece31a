//! The motor bridge, with bytes on any bus at any time.

use std::sync::LazyLock;

use adit_link::{
    ActuatorInfo, ActuatorState, Faults, FirmwareVersion, MAX_FRAME_LEN, Message, Mode, PROTOCOL_VERSION,
    Refusal, State, Status, Stopped, Text, Welcome, encode_frame,
};
use firmware_bridge::bridge::{CYCLE_NANOS, Cycle, MotorBridge};
use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::go_m8010::{COMMAND_TIMEOUT_NANOS, Command, MotorId, Reply};
use firmware_bridge::protocol::link::VirtualDevice;
use robot_interface::fixtures::go2;
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::MotorProtocol;
use robot_interface::time::Stamp;

/// Nothing but reading and wiring goes before it, which is done once.
static BRIDGE: LazyLock<MotorBridge> = LazyLock::new(|| of(MotorProtocol::GoM8010));
static LINKED: LazyLock<MotorBridge> = LazyLock::new(|| of(MotorProtocol::Adit));

fn of(protocol: MotorProtocol) -> MotorBridge {
    let mut robot = go2();
    robot.motors.protocol = protocol;
    MotorBridge::new(&robot).expect("a possible wiring")
}

/// The data is a list of steps: which bus, how long after the last, how many bytes, and these.
///
/// Whatever comes, all that is known of the joints is finite, no answer counts that was not asked for, and the second
/// cycle behind it is whole.
pub(crate) fn handle_bytes(data: &[u8]) {
    let mut bridge = BRIDGE.clone();
    let now = steps(&mut bridge, data);
    honest_cycle(&mut bridge, now);
    let cycle = honest_cycle(&mut bridge, now.plus_nanos(CYCLE_NANOS));
    assert_eq!(cycle.answered, [true; JOINTS]);
}

/// The same with microcontrollers of Adit's own link. They are back once what the noise made of them is lost.
pub(crate) fn linked_bytes(data: &[u8]) {
    let mut bridge = LINKED.clone();
    let mut now = steps(&mut bridge, data);
    let mut devices: Vec<_> =
        (0..bridge.buses()).map(|_| VirtualDevice::of(&[0, 1, 2]).expect("a device")).collect();
    // What passed for a welcome is lost first, and what passed for a stop is told to the device and released.
    let latest = now.plus_nanos(3 * COMMAND_TIMEOUT_NANOS);
    loop {
        let cycle = linked_cycle(&mut bridge, &mut devices, now);
        if cycle.answered == [true; JOINTS] && cycle.faults == [None; JOINTS] {
            return;
        }
        assert!(now < latest, "{cycle:?}");
        bridge.clear_faults();
        now = now.plus_nanos(CYCLE_NANOS);
    }
}

/// What a device says, as steps: the session is that of a bridge that begins when these do.
pub(crate) fn linked_steps() -> Vec<Vec<u8>> {
    let info =
        |id| ActuatorInfo { id, max_torque_nm: 9.0, max_velocity_rad_s: 9.0, max_kp: 9.0, max_kd: 9.0 };
    let welcome = |version| {
        Message::Welcome(Welcome {
            version,
            session: 1_000_000,
            firmware: FirmwareVersion { major: 1, minor: 0, patch: 0 },
            serial: 1,
            name: Text::new(),
            actuators: [info(0), info(1), info(1)].into_iter().collect(),
        })
    };
    let state = |status, command_seq| {
        let actuator = |id| ActuatorState {
            id,
            mode: Mode::Damp,
            position_rad: 1.0,
            velocity_rad_s: 0.0,
            torque_nm: 0.0,
            temperature_c: 30.0,
            faults: Faults(u16::from(id) << 5),
        };
        let actuators = [0, 2, 2, 9].into_iter().map(actuator).collect();
        Message::State(State { time_us: 1, status, command_seq, supply_v: 24.0, actuators })
    };
    let said = [
        welcome(PROTOCOL_VERSION),
        welcome(PROTOCOL_VERSION + 1),
        state(Status::Active, Some(1)),
        state(Status::Stopped, None),
        Message::Stopped(Stopped { by_device: true, challenge: 5 }),
        Message::Ack { seq: 2 },
        Message::Refused { seq: 1, why: Refusal::NoSession },
        Message::Refused { seq: 1, why: Refusal::Stopped },
        Message::Refused { seq: 0, why: Refusal::Version { device: 1 } },
    ];
    let step = |(seq, message)| {
        let mut frame = [0; MAX_FRAME_LEN];
        let len = encode_frame(seq, message, &mut frame).expect("it fits");
        [&[0, 1, len as u8], &frame[..len]].concat()
    };
    (0..).zip(&said).map(step).collect()
}

fn steps(bridge: &mut MotorBridge, mut data: &[u8]) -> Stamp {
    let mut now = Stamp::from_nanos(1_000_000_000);
    bridge.begin_cycle(now, &[JointCommand::damping(1.0); JOINTS]).expect("sane commands");
    while let [bus, wait, count, rest @ ..] = data {
        now = now.plus_nanos(u64::from(*wait) * 10_000);
        bridge.handle_timeout(now);
        for each in 0..bridge.buses() {
            while bridge.poll_transmit(each, now).is_some() {}
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
    now
}

fn linked_cycle(bridge: &mut MotorBridge, devices: &mut [VirtualDevice], now: Stamp) -> Cycle {
    bridge.begin_cycle(now, &[JointCommand::damping(1.0); JOINTS]).expect("sane commands");
    for (bus, device) in devices.iter_mut().enumerate() {
        // The greeting, its answer, the command and its.
        for _ in 0..3 {
            let mut said = Vec::new();
            while let Some(frame) = bridge.poll_transmit(bus, now) {
                device.hear(now, frame, &mut |answer| said.extend_from_slice(answer));
            }
            bridge.handle_bytes(bus, now, &said);
        }
    }
    let cycle = bridge.end_cycle(now);
    check(&cycle);
    cycle
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
