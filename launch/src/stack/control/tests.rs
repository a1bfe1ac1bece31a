use firmware_bridge::bridge::{CYCLE_NANOS, MotorFault};
use nalgebra::Vector3;

use super::*;
use crate::config::Mission;
use crate::world::start_pose;

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
        let robot = Robot::load("go2").expect("built in");
        let mission = Mission::load("short").expect("built in");
        let control = Control::new(&robot, start_pose(&mission), Stamp::ZERO, CYCLE_NANOS).expect("a robot");
        Self { control, answered: [true; JOINTS], now: Stamp::ZERO, fault: None, temperature_c: 40.0 }
    }

    /// A rig on its legs.
    fn walking() -> Self {
        let mut rig = Self::new();
        rig.run(700);
        rig.control.request(Mode::StandUp, rig.now).expect("it lies");
        rig.run(1500);
        assert_eq!((rig.control.body().mode, rig.control.safety().power()), (Mode::Walk, Power::Active));
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
    assert_eq!(rig.control.body().mode, Mode::LieDown);
    assert_eq!(rig.control.safety().power(), Power::Standing, "it is still held on its way down");
    rig.run(1000);
    assert_eq!((rig.control.body().mode, rig.control.safety().power()), (Mode::Damped, Power::Faulted));
    rig.temperature_c = 40.0;
    rig.run(10);
    let refused = rig.control.request(Mode::StandUp, rig.now).expect_err("nobody has looked");
    assert!(refused.to_string().contains("FR_thigh_joint: 90 degrees"), "{refused}");
    rig.control.clear_trouble().expect("it has cooled");
    rig.control.request(Mode::StandUp, rig.now).expect("it may rise again");
    rig.run(10);
    assert_eq!(rig.control.safety().power(), Power::Standing);
}

#[test]
fn an_encoder_fault_lets_go_at_once() {
    let mut rig = Rig::walking();
    rig.fault = Some(MotorFault::Encoder);
    rig.run(6);
    assert_eq!((rig.control.body().mode, rig.control.safety().power()), (Mode::Damped, Power::Faulted));
    let (_, commands) = rig.control.bus();
    assert!(commands.iter().all(|command| command.kp == 0.0 && command.kd > 0.0));
    assert!(rig.control.clear_trouble().is_err(), "it is still there");
}

/// The pose was that of the mission's file until then: whatever rose on its back would not have been let go.
#[test]
fn it_rises_only_when_it_knows_which_way_is_up() {
    let mut rig = Rig::new();
    rig.run(10);
    assert_eq!(rig.control.request(Mode::StandUp, rig.now), Err(ModeRefused::NotReady));
    rig.run(690);
    assert_eq!(rig.control.request(Mode::StandUp, rig.now), Ok(()));
}

/// A joint that had never answered stood at zero, with the stamp of the others.
#[test]
fn it_rises_only_when_it_has_heard_every_joint() {
    let mut rig = Rig::new();
    rig.answered[HIT] = false;
    rig.run(2000);
    assert!(!rig.control.body().ready);
    assert_eq!(rig.control.request(Mode::StandUp, rig.now), Err(ModeRefused::Unheard("FR_thigh_joint")));
    let lying = Robot::load("go2").expect("built in").description.lying_pose();
    assert_eq!(rig.control.joints().joints[HIT].position_rad, lying[HIT]);
    rig.answered[HIT] = true;
    rig.run(2);
    assert_eq!(rig.control.request(Mode::StandUp, rig.now), Ok(()));
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
    assert_eq!((rig.control.body().mode, rig.control.safety().power()), (Mode::Damped, Power::Damped));
}

/// The power state followed the gait wherever it went.
#[test]
fn a_gait_that_rises_unasked_gets_no_power() {
    let mut rig = Rig::walking();
    rig.control.request(Mode::Damped, rig.now).expect("never refused");
    rig.run(10);
    rig.control.gait.request(Mode::StandUp, rig.now).expect("the gait sees nothing wrong in it");
    rig.run(1500);
    assert_eq!((rig.control.body().mode, rig.control.safety().power()), (Mode::Walk, Power::Damped));
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
    assert_eq!(rig.control.body().mode, Mode::Walk);
}
