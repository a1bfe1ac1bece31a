//! A person with a robot's legs in hand, and what the calibration makes of it.

mod common;

use common::go2;
use firmware_bridge::calibrate::{Calibration, Stop, Task, Trouble, Zero};
use robot_interface::joints::JOINTS;
use robot_interface::robot::{JointDescription, RobotDescription};
use robot_interface::time::Stamp;
use robot_interface::units::{Finite, Positive};

const STEP_NANOS: u64 = 10_000_000;
const TOLERANCE_RAD: f64 = 0.1;

/// A robot whose true joints may differ from its file.
struct Hands {
    calibration: Calibration,
    truth: [JointDescription; JOINTS],
    joint_rad: [f64; JOINTS],
    /// Motors that do not answer.
    silent: [bool; JOINTS],
    /// What a motor has lost by restarting, rotor rad.
    lost: [f64; JOINTS],
    now: Stamp,
    troubles: Vec<Trouble>,
}

impl Hands {
    fn new(file: &RobotDescription, truth: [JointDescription; JOINTS]) -> Self {
        let mut this = Self {
            calibration: Calibration::by_stops(file.joints.0, TOLERANCE_RAD),
            joint_rad: file.default_pose(),
            truth,
            silent: [false; JOINTS],
            lost: [0.0; JOINTS],
            now: Stamp::from_nanos(1),
            troubles: Vec::new(),
        };
        this.pass(0.5);
        this
    }

    /// Time goes by, and the motors are read.
    fn pass(&mut self, seconds: f64) {
        for _ in 0..(seconds * 1e9) as u64 / STEP_NANOS {
            self.read();
        }
    }

    fn read(&mut self) {
        self.now = self.now.plus_nanos(STEP_NANOS);
        for joint in (0..JOINTS).filter(|joint| !self.silent[*joint]) {
            let rotor = self.truth[joint].rotor_position_rad(self.joint_rad[joint]) - self.lost[joint];
            self.troubles.extend(self.calibration.handle_reading(self.now, joint, rotor).err());
        }
        self.troubles.extend(self.calibration.handle_time(self.now).err());
    }

    /// Moves a joint within half a second, and holds it.
    fn bring(&mut self, joint: usize, to_rad: f64) {
        let from = self.joint_rad[joint];
        for step in 1..=50 {
            self.joint_rad[joint] = from + (to_rad - from) * f64::from(step) / 50.0;
            self.read();
        }
        self.pass(0.4);
    }

    fn stop_rad(&self, joint: usize, stop: Stop) -> f64 {
        match stop {
            Stop::Lower => self.truth[joint].lower_rad.get(),
            Stop::Upper => self.truth[joint].upper_rad.get(),
        }
    }

    /// Does what is asked, as it should be done.
    fn obey(&mut self) -> Result<(), Trouble> {
        let Some(Task::Move { joint, stop }) = self.calibration.task() else { return Ok(()) };
        self.bring(joint, self.stop_rad(joint, stop));
        self.calibration.confirm(self.now)
    }

    fn obey_to_the_end(&mut self) -> [Zero; JOINTS] {
        for _ in 0..4 * JOINTS {
            if let Err(trouble) = self.obey() {
                self.troubles.push(trouble);
            }
        }
        self.calibration.zeros().expect("everything is known")
    }
}

fn finite(value: f64) -> Finite {
    Finite::try_from(value).expect("a number")
}

/// The Go2 with zeros that its file does not know.
fn offset(robot: &RobotDescription) -> [JointDescription; JOINTS] {
    let mut truth = robot.joints.0;
    for (joint, description) in truth.iter_mut().enumerate() {
        description.zero_offset_rad = finite(0.4 - 0.07 * joint as f64);
    }
    truth
}

fn assert_is(found: &[Zero; JOINTS], truth: &[JointDescription; JOINTS]) {
    for (zero, joint) in found.iter().zip(truth) {
        assert!((zero.zero_offset_rad - joint.zero_offset_rad.get()).abs() < 1e-9, "{zero:?} {joint:?}");
        assert_eq!(zero.reversed, joint.reversed);
    }
}

#[test]
fn both_stops_of_each_joint_give_its_zero_and_its_direction() {
    let robot = go2();
    let truth = offset(&robot);
    let mut hands = Hands::new(&robot, truth);
    assert_eq!(hands.calibration.task(), Some(Task::Move { joint: 0, stop: Stop::Lower }));
    assert_is(&hands.obey_to_the_end(), &truth);
    assert_eq!((hands.troubles.len(), hands.calibration.task()), (0, None));
}

#[test]
fn stops_that_give_way_a_little_split_the_difference() {
    let robot = go2();
    let mut hands = Hands::new(&robot, robot.joints.0);
    hands.truth[0].lower_rad = finite(-1.0872);
    let zeros = hands.obey_to_the_end();
    assert!((zeros[0].zero_offset_rad - 0.02).abs() < 1e-9, "{:?}", zeros[0]);
}

#[test]
fn the_joint_that_moved_instead_is_named() {
    let robot = go2();
    let mut hands = Hands::new(&robot, robot.joints.0);
    hands.bring(4, 2.0);
    assert_eq!(hands.calibration.confirm(hands.now), Err(Trouble::WrongJoint { asked: 0, moved: 4 }));
    hands.obey().expect("the lower stop");
    hands.bring(1, 3.0);
    let trouble = hands.calibration.confirm(hands.now).expect_err("another joint");
    assert!(trouble.to_string().contains("FL_thigh_joint that moved"), "{trouble}");
    assert_eq!(hands.calibration.task(), Some(Task::Move { joint: 0, stop: Stop::Lower }), "begun anew");
    assert_is(&hands.obey_to_the_end(), &robot.joints.0);
}

#[test]
fn a_direction_that_is_not_the_files_is_asked_for_twice_and_then_believed() {
    let robot = go2();
    let mut truth = robot.joints.0;
    truth[7].reversed = !truth[7].reversed;
    let mut hands = Hands::new(&robot, truth);
    assert_is(&hands.obey_to_the_end(), &truth);
    assert_eq!(hands.troubles, [Trouble::Direction { joint: 7 }]);
}

#[test]
fn stops_in_the_wrong_order_are_told_and_forgiven() {
    let robot = go2();
    let mut hands = Hands::new(&robot, robot.joints.0);
    for stop in [Stop::Upper, Stop::Lower] {
        hands.bring(0, hands.stop_rad(0, stop));
        hands.troubles.extend(hands.calibration.confirm(hands.now).err());
    }
    assert_eq!(hands.troubles, [Trouble::Direction { joint: 0 }]);
    assert_is(&hands.obey_to_the_end(), &robot.joints.0);
}

#[test]
fn too_little_travel_and_a_wrong_gear_ratio_are_told_with_what_would_fit() {
    let robot = go2();
    let mut hands = Hands::new(&robot, robot.joints.0);
    hands.obey().expect("the lower stop");
    hands.bring(0, 0.5);
    let trouble = hands.calibration.confirm(hands.now).expect_err("half the way");
    assert!(matches!(trouble, Trouble::Travel { joint: 0, .. }), "{trouble:?}");

    let mut truth = robot.joints.0;
    truth[0].gear_ratio = Positive::try_from(12.134).expect("a ratio");
    let mut hands = Hands::new(&robot, truth);
    hands.obey().expect("the lower stop");
    let trouble = hands.obey().expect_err("another motor's ratio").to_string();
    assert!(trouble.contains("12.134, as FL_calf_joint has it"), "{trouble}");
}

#[test]
fn a_stop_that_was_passed_before_it_was_confirmed_does_not_count() {
    let robot = go2();
    let mut hands = Hands::new(&robot, robot.joints.0);
    hands.obey().expect("the lower stop");
    // A stop that gives way, or that was not the stop: further, and back.
    hands.bring(0, 1.4);
    hands.bring(0, 1.0);
    assert!(matches!(
        hands.calibration.confirm(hands.now),
        Err(Trouble::PastStop { joint: 0, beyond_rad }) if (beyond_rad - 0.4).abs() < 1e-9
    ));
}

#[test]
fn a_joint_that_moves_is_waited_for_and_loses_nothing() {
    let robot = go2();
    let mut hands = Hands::new(&robot, robot.joints.0);
    hands.obey().expect("the lower stop");
    hands.joint_rad[0] += 0.1;
    hands.read();
    assert_eq!(hands.calibration.confirm(hands.now), Err(Trouble::Moving { joint: 0 }));
    hands.obey().expect("the upper stop");
    assert_eq!(hands.calibration.task(), Some(Task::Move { joint: 1, stop: Stop::Lower }));
}

#[test]
fn a_motor_that_falls_silent_is_asked_for_anew_whatever_was_known() {
    let robot = go2();
    let mut hands = Hands::new(&robot, robot.joints.0);
    for _ in 0..5 {
        hands.obey().expect("it goes well");
    }
    // A joint that is done, while another one is under way.
    hands.silent[0] = true;
    hands.pass(0.5);
    assert_eq!(hands.troubles, [Trouble::Silent { joint: 0 }], "told once");
    assert_eq!(hands.calibration.task(), Some(Task::Move { joint: 0, stop: Stop::Lower }));
    assert_eq!(hands.calibration.confirm(hands.now), Err(Trouble::Silent { joint: 0 }));
    hands.silent[0] = false;
    hands.lost[0] = 1.7;
    let mut truth = robot.joints.0;
    // It counts from elsewhere now.
    truth[0].zero_offset_rad = finite(1.7 / truth[0].gear_ratio.get());
    assert_is(&hands.obey_to_the_end(), &truth);
}

#[test]
fn a_reading_that_jumps_is_a_restart() {
    let robot = go2();
    let mut hands = Hands::new(&robot, robot.joints.0);
    hands.obey().expect("the lower stop");
    hands.lost[0] = -3.0;
    hands.read();
    assert_eq!(hands.troubles, [Trouble::Rebooted { joint: 0 }]);
    assert_eq!(hands.calibration.task(), Some(Task::Move { joint: 0, stop: Stop::Lower }));
}

#[test]
fn what_is_no_number_is_refused_and_what_was_known_with_it() {
    let robot = go2();
    for poison in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut hands = Hands::new(&robot, robot.joints.0);
        hands.obey().expect("the lower stop");
        let result = hands.calibration.handle_reading(hands.now, 0, poison);
        assert_eq!(result, Err(Trouble::NotANumber { joint: 0 }));
        assert_is(&hands.obey_to_the_end(), &robot.joints.0);
    }
    let mut calibration = Calibration::by_stops(robot.joints.0, TOLERANCE_RAD);
    assert_eq!(calibration.handle_reading(Stamp::ZERO, JOINTS, 0.0), Ok(()), "nobody's reading");
}

#[test]
fn a_known_pose_gives_all_zeros_at_once() {
    let robot = go2();
    let truth = offset(&robot);
    let mut hands = Hands::new(&robot, truth);
    hands.calibration = Calibration::by_pose(robot.joints.0, robot.lying_pose());
    hands.joint_rad = robot.lying_pose();
    assert_eq!(hands.calibration.confirm(hands.now), Err(Trouble::Silent { joint: 0 }), "not seen yet");
    hands.read();
    assert_eq!(
        hands.calibration.confirm(hands.now),
        Err(Trouble::Moving { joint: 0 }),
        "not for long enough"
    );
    hands.pass(0.5);
    assert_eq!(hands.calibration.task(), Some(Task::Pose));
    hands.calibration.confirm(hands.now).expect("it lies");
    assert_is(&hands.calibration.zeros().expect("known"), &truth);
}
