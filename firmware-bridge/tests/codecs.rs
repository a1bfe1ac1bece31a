//! The same robot on motors of each protocol: whole cycles over loopback ports, with virtual motors at the far ends.

mod common;

use common::{VirtualRig, gearless as robot};
use firmware_bridge::bridge::{BridgeError, CYCLE_NANOS, MotorBridge, MotorFault};
use firmware_bridge::protocol::damiao::{self, Inbound, Model, Register, Value};
use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::link::VirtualDevice;
use firmware_bridge::protocol::unitree_a1;
use firmware_bridge::protocol::unitree_motors::VirtualMotors;
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::{MotorProtocol, RobotDescription};
use robot_interface::units::Positive;

type Rig = VirtualRig<Box<dyn VirtualBus>>;

fn pull() -> JointCommand {
    JointCommand { position_rad: -1.0, kp: 2.0, kd: 0.1, ..JointCommand::default() }
}

fn damiao_motors() -> Box<dyn VirtualBus> {
    let ids = (1..=3).filter_map(damiao::MotorId::new);
    Box::new(damiao::VirtualMotors::of(Model::Dm4340, ids))
}

#[test]
fn joints_go_where_they_are_told_in_every_protocol() {
    type Motors = fn() -> Box<dyn VirtualBus>;
    let cases: [(MotorProtocol, u8, Motors); 5] = [
        (MotorProtocol::GoM8010, 0, || Box::new(VirtualMotors::go_m8010(&[0, 1, 2]))),
        (MotorProtocol::A1, 0, || Box::new(VirtualMotors::a1(unitree_a1::Model::A1, &[0, 1, 2]))),
        (MotorProtocol::B1, 0, || Box::new(VirtualMotors::a1(unitree_a1::Model::B1, &[0, 1, 2]))),
        (MotorProtocol::Damiao, 1, damiao_motors),
        (MotorProtocol::Adit, 250, || Box::new(VirtualDevice::of(&[250, 251, 252]).expect("a device"))),
    ];
    for (protocol, first_id, motors) in cases {
        let mut rig = Rig::new(&robot(protocol, first_id), motors);
        let cycle = rig.run(pull(), 1500);
        assert_eq!(cycle.answered, [true; JOINTS], "{protocol:?}");
        for (joint, state) in cycle.states.joints.iter().enumerate() {
            let limits = rig.bridge.limits()[joint];
            let target = (-1.0_f64).max(limits.lower_rad).min(limits.upper_rad);
            assert!((state.position_rad - target).abs() < 0.02, "{protocol:?} {joint}: {state:?}");
        }
        assert_eq!(cycle.links.map(|link| link.missed), [0; JOINTS], "{protocol:?}");
        assert!(cycle.took_nanos < CYCLE_NANOS, "{protocol:?}: {} ns", cycle.took_nanos);
    }
}

#[test]
fn a_motor_that_starts_disabled_is_enabled_by_its_first_answer() {
    let mut rig = Rig::new(&robot(MotorProtocol::Damiao, 1), damiao_motors);
    let cycle = rig.run(pull(), 1);
    assert!(cycle.states.joints[0].torque_nm.abs() < 0.1, "it was disabled, and did nothing");
    let cycle = rig.run(pull(), 20);
    assert!(cycle.states.joints[0].torque_nm < -0.1, "{:?}", cycle.states.joints[0]);
}

/// Four buses of three Damiao motors; the first motor of each is as `change` makes it.
fn damiao_rig(change: impl Fn(&mut damiao::VirtualMotor)) -> VirtualRig<damiao::VirtualMotors> {
    VirtualRig::new(&robot(MotorProtocol::Damiao, 1), || {
        let mut motors = damiao::VirtualMotors::of(Model::Dm4340, (1..=3).filter_map(damiao::MotorId::new));
        change(motors.motor(FIRST).expect("on the bus"));
        motors
    })
}

/// The first motor of a bus.
fn first(rig: &mut VirtualRig<damiao::VirtualMotors>, bus: usize) -> &mut damiao::VirtualMotor {
    rig.far[bus].1.motor(FIRST).expect("on the bus")
}

const FIRST: damiao::MotorId = damiao::MotorId::new(1).expect("an id");

#[test]
fn a_damiao_motor_is_told_to_let_go_by_itself_before_it_is_enabled() {
    let mut rig = damiao_rig(|motor| motor.set(Register::CONTROL_MODE, Value::Uint(3)));
    let cycle = rig.run(pull(), 20);
    assert!(cycle.states.joints[0].torque_nm < -0.1, "it is driven: {:?}", cycle.states.joints[0]);
    assert_eq!(cycle.links[0].missed, 0, "being asked about registers is no silence");
    for bus in 0..4 {
        let told = [Register::CONTROL_MODE, Register::TIMEOUT].map(|r| first(&mut rig, bus).value(r));
        assert_eq!(told, [Value::Uint(1), Value::Uint(2000)], "impedance, and 100 ms");
    }
    // Commands stop for a fifth of a second: all let go, say so once, and begin anew when commands are back.
    rig.pause(200_000_000);
    let late = rig.run(pull(), 1);
    assert_eq!(late.faults, [Some(MotorFault::CommandsLost); JOINTS]);
    let again = rig.run(pull(), 20);
    assert_eq!((again.faults, again.answered), ([None; JOINTS], [true; JOINTS]));
    assert_eq!(first(&mut rig, 0).state, damiao::State::Enabled);
}

#[test]
fn a_motor_with_other_ranges_than_its_models_is_neither_believed_nor_enabled() {
    let mut rig = damiao_rig(|motor| motor.set(Register::TORQUE_RANGE, Value::Float(10.0)));
    let cycle = rig.run(pull(), 50);
    let is_first = |joint: usize| joint.is_multiple_of(3);
    assert_eq!(cycle.answered, std::array::from_fn(|joint| !is_first(joint)));
    assert_eq!(cycle.faults, std::array::from_fn(|joint| is_first(joint).then_some(MotorFault::Ranges)));
    assert_eq!(cycle.measured_at[0], None);
    (0..4).for_each(|bus| first(&mut rig, bus).set(Register::TORQUE_RANGE, Value::Float(28.0)));
    assert!(!rig.run(pull(), 20).answered[0], "an operator looks first");
    rig.bridge.clear_faults();
    let cycle = rig.run(pull(), 20);
    assert_eq!((cycle.answered, cycle.faults), ([true; JOINTS], [None; JOINTS]));
}

#[test]
fn a_fault_that_a_motor_keeps_is_cleared_by_an_operator_only() {
    let mut rig = damiao_rig(|_| ());
    rig.run(pull(), 20);
    first(&mut rig, 0).rotor.temperature_c = 120.0;
    assert_eq!(rig.run(pull(), 2).faults[0], Some(MotorFault::Overheat));
    first(&mut rig, 0).rotor.temperature_c = 30.0;
    assert_eq!(rig.run(pull(), 50).faults[0], Some(MotorFault::Overheat), "it keeps it");
    rig.bridge.clear_faults();
    assert_eq!(rig.run(pull(), 20).faults[0], None);
    assert_eq!(first(&mut rig, 0).state, damiao::State::Enabled);
}

#[test]
fn reading_enables_nothing_and_lets_go_what_was_enabled() {
    let mut rig = damiao_rig(|_| ());
    rig.run(pull(), 20);
    for _ in 0..20 {
        rig.read();
    }
    assert_eq!(rig.read().answered, [true; JOINTS]);
    for bus in 0..4 {
        assert_eq!(first(&mut rig, bus).state, damiao::State::Disabled);
    }
}

/// The reading of a frame without a checksum, one of whose bits has flipped.
#[test]
fn a_reading_that_cannot_be_is_not_believed_unless_it_stays() {
    let flip = |bus: usize, said: &mut [u8]| {
        if bus == 1 && said.len() == damiao::INBOUND_LEN && said[7] & 0x0F == 2 {
            // The position's highest bit: 12.5 rad.
            said[8] ^= 0x80;
        }
    };
    let mut rig = Rig::new(&robot(MotorProtocol::Damiao, 1), damiao_motors);
    let before = rig.run(JointCommand::damping(0.1), 10);
    let spoilt = rig.cycle(&[JointCommand::damping(0.1); JOINTS], flip);
    assert_eq!(spoilt.states.joints[4].position_rad, before.states.joints[4].position_rad);
    assert_eq!((spoilt.answered[4], spoilt.links[4].implausible), (false, 1), "{:?}", spoilt.links[4]);
    for _ in 0..3 {
        rig.cycle(&[JointCommand::damping(0.1); JOINTS], flip);
    }
    let moved = rig.cycle(&[JointCommand::damping(0.1); JOINTS], flip);
    let jump = (moved.states.joints[4].position_rad - before.states.joints[4].position_rad).abs();
    assert!((jump - 12.5).abs() < 0.01, "it stayed there, so it is there: {jump}");
}

#[test]
fn a_motors_own_fault_is_told_whatever_its_protocol() {
    let mut rig = Rig::new(&robot(MotorProtocol::Damiao, 1), damiao_motors);
    rig.run(JointCommand::damping(0.1), 5);
    let cycle = rig.cycle(&[JointCommand::damping(0.1); JOINTS], |bus, said| {
        if bus == 0 && said.len() == damiao::INBOUND_LEN {
            let mut inbound = Inbound::decode(said).expect("an answer");
            inbound.data[0] = inbound.data[0] & 0x0F | 0xD0;
            said.copy_from_slice(&inbound.encode());
        }
    });
    assert_eq!(cycle.faults[0], Some(MotorFault::CommandsLost));
    assert_eq!(cycle.faults[3], None);
}

#[test]
fn what_a_protocol_cannot_do_is_refused_with_the_remedy() {
    let refusal = |change: &dyn Fn(&mut RobotDescription)| {
        let mut robot = robot(MotorProtocol::Damiao, 1);
        change(&mut robot);
        MotorBridge::new(&robot).expect_err("impossible")
    };
    let error = refusal(&|robot| robot.motors.model = None);
    assert!(error == BridgeError::Model && error.to_string().contains("DM4310"), "{error}");
    let error = refusal(&|robot| robot.joints.0[2].id = 0);
    assert!(error.to_string().contains("from 1 to 15"), "{error}");
    let error = refusal(&|robot| {
        robot.joints.0[0].max_torque_nm = Positive::try_from(29.0).expect("positive");
    });
    assert!(matches!(error, BridgeError::Range { quantity: "max_torque_nm", .. }), "{error}");
    let text = "protocol = \"canopen\"";
    let refused = toml::from_str::<robot_interface::robot::MotorsDescription>(text).expect_err("not known");
    assert!(refused.to_string().contains("go-m8010-6"), "{refused}");
}
