use firmware_bridge::bridge::{CYCLE_NANOS, MotorFault};
use firmware_bridge::port::{BusDriver, BusPort, Loopback, loopback};
use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::link::VirtualDevice;
use nalgebra::Vector3;
use robot_interface::robot::MotorProtocol;

use super::*;
use crate::testing::short_mission;

/// FR_thigh_joint.
const HIT: usize = 4;

/// A control process whose motors stand where they were told to, and one of which can be changed.
struct Rig {
    control: Control,
    answered: [bool; JOINTS],
    now: Stamp,
    fault: Option<MotorFault>,
    temperature_c: f64,
}

impl Rig {
    fn new() -> Self {
        let robot = Robot::load("go2-serial").expect("built in");
        let mission = short_mission();
        let control = Control::new(&robot, mission.start_pose(), Stamp::ZERO, CYCLE_NANOS).expect("a robot");
        Self { control, answered: [true; JOINTS], now: Stamp::ZERO, fault: None, temperature_c: 40.0 }
    }

    /// A rig on its legs.
    fn walking() -> Self {
        let mut rig = Self::new();
        rig.run(700);
        rig.control.request(GaitMode::StandUp, rig.now).expect("it lies");
        rig.run(1500);
        assert_eq!(
            (rig.control.status().mode, rig.control.safety().power()),
            (GaitMode::Walk, PowerState::Active)
        );
        rig
    }

    fn run(&mut self, cycles: u32) {
        for _ in 0..cycles {
            self.now = self.now.plus_nanos(CYCLE_NANOS);
            let (bridge, commands) = self.control.bus();
            let mut cycle = bridge.end_cycle(self.now);
            for (joint, command) in cycle.states.joints.iter_mut().zip(commands) {
                joint.temperature_c = 40.0;
                joint.position_rad = if command.kp > 0.0 { command.position_rad } else { joint.position_rad };
            }
            for calf in [2, 5, 8, 11] {
                cycle.states.joints[calf].position_rad = cycle.states.joints[calf].position_rad.min(-0.9);
            }
            cycle.states.joints[HIT].temperature_c = self.temperature_c;
            cycle.faults[HIT] = self.fault;
            cycle.answered = self.answered;
            self.control.handle_cycle(&cycle, self.now);
            self.control.handle_imu(&ImuSample {
                stamp: self.now,
                angular_velocity_rad_s: Vector3::zeros(),
                linear_acceleration_m_s2: Vector3::new(0.0, 0.0, 9.81),
            });
            self.control.step(self.now, (self.now, VelocityCommand::default()));
        }
    }
}

#[test]
fn a_hot_motor_lays_the_robot_down_and_keeps_it_there_until_somebody_has_looked() {
    let mut rig = Rig::walking();
    rig.temperature_c = 90.0;
    rig.run(10);
    assert_eq!(rig.control.status().mode, GaitMode::LieDown);
    assert_eq!(rig.control.safety().power(), PowerState::Standing, "it is still held on its way down");
    rig.run(1000);
    assert_eq!(
        (rig.control.status().mode, rig.control.safety().power()),
        (GaitMode::Damped, PowerState::Faulted)
    );
    rig.temperature_c = 40.0;
    rig.run(10);
    let refused = rig.control.request(GaitMode::StandUp, rig.now).expect_err("nobody has looked");
    assert!(refused.to_string().contains("FR_thigh_joint: 90 degrees"), "{refused}");
    rig.control.clear_trouble().expect("it has cooled");
    rig.control.request(GaitMode::StandUp, rig.now).expect("it may rise again");
    rig.run(10);
    assert_eq!(rig.control.safety().power(), PowerState::Standing);
}

#[test]
fn an_encoder_fault_lets_go_at_once() {
    let mut rig = Rig::walking();
    rig.fault = Some(MotorFault::Encoder);
    rig.run(6);
    assert_eq!(
        (rig.control.status().mode, rig.control.safety().power()),
        (GaitMode::Damped, PowerState::Faulted)
    );
    let (_, commands) = rig.control.bus();
    assert!(commands.iter().all(|command| command.kp == 0.0 && command.kd > 0.0));
    assert!(rig.control.clear_trouble().is_err(), "it is still there");
}

#[test]
fn an_emergency_stop_lets_go_until_somebody_asks_the_robot_to_rise() {
    let mut rig = Rig::walking();
    rig.control.cut(rig.now);
    assert_eq!(rig.control.safety().power(), PowerState::Damped, "at once, not with the gait's next step");
    rig.run(500);
    assert_eq!(
        (rig.control.status().mode, rig.control.safety().power()),
        (GaitMode::Damped, PowerState::Damped)
    );
    rig.control.request(GaitMode::StandUp, rig.now).expect("it is asked to");
    rig.run(2);
    assert_eq!(rig.control.safety().power(), PowerState::Standing);
}

/// The pose was that of the mission's file until then: whatever rose on its back would not have been let go.
#[test]
fn it_rises_only_when_it_knows_which_way_is_up() {
    let mut rig = Rig::new();
    rig.run(10);
    assert_eq!(rig.control.request(GaitMode::StandUp, rig.now), Err(ModeRefused::NotReady));
    rig.run(690);
    assert_eq!(rig.control.request(GaitMode::StandUp, rig.now), Ok(()));
}

/// A joint that had never answered stood at zero, with the stamp of the others.
#[test]
fn it_rises_only_when_it_has_heard_every_joint() {
    let mut rig = Rig::new();
    rig.answered[HIT] = false;
    rig.run(2000);
    assert!(!rig.control.status().ready);
    assert_eq!(rig.control.request(GaitMode::StandUp, rig.now), Err(ModeRefused::Unheard("FR_thigh_joint")));
    let lying = Robot::load("go2-serial").expect("built in").description.lying_pose();
    assert_eq!(rig.control.joints().joints[HIT].position_rad, lying[HIT]);
    rig.answered[HIT] = true;
    rig.run(2);
    assert_eq!(rig.control.request(GaitMode::StandUp, rig.now), Ok(()));
}

/// They went on without any limit, for the bridge to refuse.
#[test]
fn commands_that_make_no_sense_let_the_legs_go() {
    let mut rig = Rig::walking();
    let mut commands = [JointCommand { kp: 60.0, kd: 1.0, ..JointCommand::default() }; JOINTS];
    commands[HIT].position_rad = f64::NAN;
    rig.control.command(rig.now, &commands);
    let (_, sent) = rig.control.bus();
    let damps =
        |command: &JointCommand| (command.kp, command.torque_nm, command.kd) == (0.0, 0.0, IDLE_DAMPING);
    assert!(sent.iter().all(damps), "{sent:?}");
    rig.run(10);
    assert_eq!(
        (rig.control.status().mode, rig.control.safety().power()),
        (GaitMode::Damped, PowerState::Damped)
    );
}

/// The power state followed the gait wherever it went.
#[test]
fn a_gait_that_rises_unasked_gets_no_power() {
    let mut rig = Rig::walking();
    rig.control.request(GaitMode::Damped, rig.now).expect("never refused");
    rig.run(10);
    rig.control.gait.request(GaitMode::StandUp, rig.now).expect("the gait sees nothing wrong in it");
    rig.run(1500);
    assert_eq!(
        (rig.control.status().mode, rig.control.safety().power()),
        (GaitMode::Walk, PowerState::Damped)
    );
    let (_, sent) = rig.control.bus();
    assert!(sent.iter().all(|command| command.kp == 0.0));
}

#[test]
fn what_a_motor_says_once_stops_nobody() {
    let mut rig = Rig::walking();
    rig.fault = Some(MotorFault::Overcurrent);
    rig.run(2);
    rig.fault = None;
    rig.run(100);
    assert_eq!(rig.control.status().mode, GaitMode::Walk);
}

/// The device that has the stop button, of four.
const PRESSED: usize = 1;
/// Period of a device's reports while it obeys no command.
const REPORT_NANOS: u64 = 5_000_000;

/// A control process on buses of microcontrollers, with virtual ones at their ends.
struct Linked {
    control: Control,
    driver: BusDriver<Loopback>,
    far: Vec<(Loopback, VirtualDevice)>,
    now: Stamp,
}

impl Linked {
    fn new() -> Self {
        let mut robot = Robot::load("go2-serial").expect("built in");
        robot.description.motors.protocol = MotorProtocol::Adit;
        let mission = short_mission();
        let mut control =
            Control::new(&robot, mission.start_pose(), Stamp::ZERO, CYCLE_NANOS).expect("a robot");
        let (near, far): (Vec<_>, Vec<_>) = (0..4).map(|_| loopback()).unzip();
        let driver = BusDriver::new(control.bus().0, near).expect("one port a bus");
        let lying = robot.description.lying_pose();
        let device = |(bus, port): (usize, Loopback)| {
            let mut device = VirtualDevice::of(&[0, 1, 2]).expect("a device");
            for (i, actuator) in device.actuators_mut().iter_mut().enumerate() {
                let joint = 3 * bus + i;
                let rotor = robot.description.joints.0[joint].rotor_position_rad(lying[joint]);
                actuator.rotor.position_rad = rotor;
            }
            (port, device)
        };
        let far = far.into_iter().enumerate().map(device).collect();
        Self { control, driver, far, now: Stamp::ZERO }
    }

    fn run(&mut self, cycles: u32) {
        for _ in 0..cycles {
            self.now = self.now.plus_nanos(REPORT_NANOS);
            let far = &mut self.far;
            let serve = |now| {
                let mut buffer = [0; 512];
                for (port, device) in far.iter_mut() {
                    let count = port.read(&mut buffer).expect("open");
                    device.hear(now, &buffer[..count], &mut |answer| port.write(answer).expect("room"));
                }
            };
            let (bridge, commands) = self.control.bus();
            let commands = *commands;
            let cycle = self.driver.exchange(bridge, self.now, &commands, serve).expect("sane commands");
            self.control.handle_cycle(&cycle, self.now);
            self.control.step(self.now, (self.now, VelocityCommand::default()));
        }
    }
}

#[test]
fn a_stop_at_a_microcontroller_cuts_and_is_released_once_somebody_clears_it() {
    let mut rig = Linked::new();
    rig.run(20);
    assert_eq!((rig.control.safety().power(), rig.control.safety().trip()), (PowerState::Damped, None));
    rig.far[PRESSED].1.stop(rig.now);
    rig.run(200);
    let trip = rig.control.safety().trip().expect("it is stopped");
    assert!(trip.to_string().contains("emergency stop"), "{trip}");
    assert_eq!(rig.control.safety().power(), PowerState::Faulted);
    assert!(rig.control.clear_trouble().is_err(), "the device has not been told yet");
    rig.run(20);
    assert_eq!((rig.control.safety().power(), rig.control.safety().trip()), (PowerState::Damped, None));
    // The next one is another, and waits for another word.
    rig.far[PRESSED].1.stop(rig.now);
    rig.run(300);
    assert_eq!(rig.control.safety().power(), PowerState::Faulted);
}
