//! The loop on loopback ports: what it does when told, when not, and that it allocates nothing.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64};
use std::sync::{Arc, Mutex};

use firmware_bridge::bridge::CYCLE_NANOS;
use firmware_bridge::port::{Loopback, loopback};
use firmware_bridge::protocol::imu::ImuFrame;
use firmware_bridge::protocol::unitree_go::button;
use firmware_bridge::robot::{RobotProtocol, RobotReport};
use sim::engine::JointReading;
use sim::motors::{VirtualBus, drives, virtual_buses};

use super::*;
use crate::control::WhoseGait;
use crate::testing::short_mission;
use crate::vendor_gait::VendorOrder;

/// The motors' end of the buses: what they are to show, and what they were told.
struct Far {
    readings: Mutex<[JointReading; JOINTS]>,
    /// A bit for each joint whose motor is silent.
    silent: AtomicU16,
    /// Greatest stiffness and least damping that the motors follow, as bits of an `f64`.
    commanded: [AtomicU64; 2],
    ended: AtomicBool,
}

/// A robot that lies still, its motors on threads of their own.
struct Rig {
    control: ControlLoop<Loopback>,
    orders: ControlHandle,
    imu: Loopback,
    sequence: u16,
    due: Stamp,
    far: Arc<Far>,
    motors: Option<std::thread::JoinHandle<()>>,
}

impl Rig {
    fn new() -> Self {
        Self::of(TimeBase::System(1_000_000_000), |_| ())
    }

    fn of(time: TimeBase, shape: impl FnOnce(&mut Robot)) -> Self {
        let mission = short_mission();
        let mut robot = Robot::load("go2-serial").expect("built in");
        shape(&mut robot);
        let start = mission.start_pose();
        let mut control = Control::new(&robot, start, Stamp::ZERO, CYCLE_NANOS).expect("a robot");
        let (near, far): (Vec<_>, Vec<_>) = (0..control.bus().0.buses()).map(|_| loopback()).unzip();
        let buses = BusDriver::new(control.bus().0, near).expect("as many");
        let (imu, far_imu) = loopback();
        let buses_far = virtual_buses(&robot.description, far).expect("as many");
        let readings = robot
            .description
            .lying_pose()
            .map(|position_rad| JointReading { position_rad, ..JointReading::default() });
        let far = Arc::new(Far {
            readings: Mutex::new(readings),
            silent: AtomicU16::new(0),
            commanded: [const { AtomicU64::new(0) }; 2],
            ended: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&far);
        let motors = std::thread::spawn(move || serve(buses_far, &theirs));
        let lines = ControlPorts { buses, imu: Some(imu) };
        let (control, orders) = ControlLoop::new(&robot, start, control, lines, time);
        let due = monotonic();
        Self { control, orders, imu: far_imu, sequence: 0, due, far, motors: Some(motors) }
    }

    /// Ends the loop as its thread would. The greatest stiffness and the least damping that the motors were told last.
    fn quit(&mut self) -> [f64; 2] {
        self.orders.quit.store(true, Ordering::Release);
        self.control.run();
        std::thread::sleep(std::time::Duration::from_millis(5));
        self.commanded()
    }

    fn commanded(&self) -> [f64; 2] {
        [0, 1].map(|i| f64::from_bits(self.far.commanded[i].load(Ordering::Relaxed)))
    }

    /// Lies level and still for so many cycles.
    fn run(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.feel([0.0, 0.0, 9.81]);
            self.cycle();
        }
    }

    fn feel(&mut self, specific_force_m_s2: [f32; 3]) {
        self.sequence = self.sequence.wrapping_add(1);
        let frame = ImuFrame {
            sequence: self.sequence,
            time_us: u64::from(self.sequence) * 2000,
            angular_velocity_rad_s: [0.0; 3],
            specific_force_m_s2,
        };
        self.imu.write(&frame.encode()).expect("room");
    }

    fn cycle(&mut self) {
        self.due = self.due.plus_nanos(PERIOD_NANOS);
        sleep_until(self.due);
        if matches!(self.control.time.base, TimeBase::Sensor) {
            self.control.read_imu();
        }
        self.control.cycle(self.due, false);
    }

    fn want(&mut self, mode: Option<GaitMode>) {
        let target = Target { at: monotonic(), velocity: VelocityCommand::default(), mode };
        self.orders.targets.push(target).expect("room");
    }

    fn mode(&self) -> GaitMode {
        self.control.control.status().mode
    }

    /// The joints that answered by any report, until that is enough: on a loaded machine answers are late, and more than 50
    /// reports are not waited for.
    fn answered_by(&mut self, is_enough: impl Fn(&[bool; JOINTS]) -> bool) -> [bool; JOINTS] {
        let mut all = [false; JOINTS];
        for _ in 0..50 {
            self.run(20);
            for answered in
                std::iter::from_fn(|| self.orders.reports.pop().ok()).map(|report| report.answered)
            {
                all.iter_mut().zip(answered).for_each(|(all, answered)| *all |= answered);
            }
            if is_enough(&all) {
                break;
            }
        }
        all
    }

    fn report(&mut self) -> ControlReport {
        std::iter::from_fn(|| self.orders.reports.pop().ok()).last().expect("it reports")
    }
}

impl Rig {
    /// The far ends of the buses are gone then.
    fn stop_motors(&mut self) {
        self.far.ended.store(true, Ordering::Relaxed);
        if let Some(motors) = self.motors.take() {
            motors.join().expect("the motors' thread ends");
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop_motors();
    }
}

fn serve(mut buses: Vec<VirtualBus<Loopback>>, far: &Far) {
    while !far.ended.load(Ordering::Relaxed) {
        let readings = *far.readings.lock().expect("no test panics with it");
        let silent = far.silent.load(Ordering::Relaxed);
        for bus in &mut buses {
            (0..JOINTS).for_each(|joint| bus.set_connected(joint, silent & 1 << joint == 0));
            // Its other end goes when the test is over.
            let _ = bus.service(monotonic(), &readings);
        }
        let driven = drives(&buses, monotonic());
        let stiffest = driven.iter().fold(0.0_f64, |most, drive| most.max(drive.kp));
        let least = driven.iter().fold(f64::INFINITY, |least, drive| least.min(drive.kd));
        far.commanded[0].store(stiffest.to_bits(), Ordering::Relaxed);
        far.commanded[1].store(least.to_bits(), Ordering::Relaxed);
        std::thread::sleep(std::time::Duration::from_micros(50));
    }
}

#[test]
fn it_rises_when_asked_and_an_emergency_stop_lets_go_in_the_same_cycle() {
    let mut rig = Rig::new();
    rig.run(700);
    assert!(rig.report().status.ready, "it has lain still for more than a second");
    rig.want(Some(GaitMode::StandUp));
    rig.run(2);
    assert_eq!(rig.mode(), GaitMode::StandUp);
    rig.orders.estop.store(StopLevel::Cut as u8, Ordering::Release);
    rig.run(1);
    assert_eq!(rig.mode(), GaitMode::Damped);
    // The damping commands go out with the next cycle's first bytes.
    rig.run(12);
    let report = rig.report();
    assert!(report.stop == StopLevel::Cut && report.hold == Some(HoldReason::Estopped));
    assert_eq!(report.timing.stop.count(), 1);
    rig.want(Some(GaitMode::StandUp));
    rig.run(2);
    assert_eq!(rig.mode(), GaitMode::Damped, "not before the reset");
    rig.orders.estop.store(StopLevel::None as u8, Ordering::Release);
    rig.run(2);
    assert_eq!(rig.mode(), GaitMode::Damped, "a reset moves nothing, and the old wish is forgotten");
}

/// The loop returned as soon as it had decided to damp: the last that the motors had been told was to hold the lying
/// pose, with all the stiffness of lying down, until their own watchdogs ended it.
#[test]
fn the_last_that_the_motors_hear_is_to_damp() {
    for cut in [false, true] {
        let mut rig = Rig::new();
        rig.run(700);
        rig.want(Some(GaitMode::StandUp));
        rig.run(600);
        assert!(rig.commanded()[0] > 10.0, "it rises: {:?}", rig.commanded());
        let level = if cut { StopLevel::Cut } else { StopLevel::None };
        rig.orders.estop.store(level as u8, Ordering::Release);
        // 4 N m s/rad is what the virtual motors damp with by themselves, and not yet after so short a time.
        let [stiffness, damping] = rig.quit();
        assert_eq!(rig.mode(), GaitMode::Damped);
        assert!(stiffness == 0.0 && (damping - 3.0).abs() < 0.1, "cut {cut}: {stiffness} {damping}");
    }
}

#[test]
fn a_silent_inertial_sensor_lays_it_down() {
    let mut rig = Rig::new();
    rig.run(700);
    rig.report();
    rig.want(Some(GaitMode::StandUp));
    rig.run(20);
    for _ in 0..70 {
        rig.cycle();
    }
    assert_eq!(rig.mode(), GaitMode::LieDown);
    assert_eq!(rig.report().hold, Some(HoldReason::NoImu));
    // The gait's time went twice as fast then, and so did the robot on its way down.
    (0..600).for_each(|_| rig.cycle());
    assert_eq!(rig.mode(), GaitMode::LieDown, "it takes 1.8 s");
    (0..300).for_each(|_| rig.cycle());
    assert_eq!(rig.mode(), GaitMode::Damped);
}

/// Each repeated frame was stamped with the present and taken for a restarted sensor: one that hung was never silent.
#[test]
fn a_sensor_that_repeats_itself_is_silent() {
    let mut rig = Rig::new();
    rig.run(700);
    rig.report();
    rig.want(Some(GaitMode::StandUp));
    rig.run(20);
    for _ in 0..70 {
        rig.sequence -= 1;
        rig.feel([0.0, 0.0, 9.81]);
        rig.cycle();
    }
    assert_eq!(rig.mode(), GaitMode::LieDown);
    let report = rig.report();
    assert_eq!(report.hold, Some(HoldReason::NoImu));
    assert!(report.imu_counts.out_of_order >= 60 && report.imu_counts.restarts == 0);
}

/// While the simulated sensor was silent, and the world's time with it, motors' troubles were not looked at.
#[test]
fn a_motor_in_trouble_is_heeded_while_the_world_stands_still() {
    let mut rig = Rig::of(TimeBase::Sensor, |_| ());
    rig.run(700);
    rig.want(Some(GaitMode::StandUp));
    rig.run(20);
    assert_eq!(rig.mode(), GaitMode::StandUp);
    rig.far.readings.lock().expect("no test panics with it")[4].position_rad = 9.0;
    (0..12).for_each(|_| rig.cycle());
    assert_eq!(rig.mode(), GaitMode::Damped);
    assert!(rig.control.control.safety().trip().is_some());
}

/// An old reading went out as fresh.
#[test]
fn a_report_tells_which_joints_have_answered() {
    let mut rig = Rig::new();
    assert_eq!(rig.answered_by(|answered| *answered == [true; JOINTS]), [true; JOINTS]);
    rig.far.silent.store(1 << 4, Ordering::Relaxed);
    // What was asked before.
    rig.run(20);
    let _ = rig.report();
    let others = std::array::from_fn(|joint| joint != 4);
    assert_eq!(rig.answered_by(|answered| (0..JOINTS).all(|joint| answered[joint] || joint == 4)), others);
}

/// Of samples that arrived together only the oldest was used, and stamped with the time of its arrival; and no more
/// than thirteen were read in a cycle.
#[test]
fn samples_that_arrive_together_are_all_used_as_they_were_taken() {
    let mut rig = Rig::new();
    rig.run(100);
    let (rejected, before) = (rig.control.control.rejected_samples(), rig.control.imu.newest.stamp);
    let begun = monotonic();
    sleep_until(begun.plus_nanos(40_000_000));
    rig.due = monotonic();
    (0..20).for_each(|_| rig.feel([0.0, 0.0, 9.81]));
    rig.cycle();
    assert_eq!(rig.control.imu.reader.counts().frames, 120);
    assert_eq!(rig.control.control.rejected_samples(), rejected);
    let passed_s = rig.control.imu.newest.stamp.seconds_since(before);
    assert!((passed_s - 0.04).abs() < 0.005, "{passed_s}");
}

/// The service answered "lying down", and the velocity that came in the same tick took the request's place.
#[test]
fn a_mode_outlives_the_velocities_that_follow_it() {
    let mut rig = Rig::new();
    rig.run(700);
    rig.want(Some(GaitMode::StandUp));
    rig.want(None);
    rig.run(2);
    assert_eq!(rig.mode(), GaitMode::StandUp);
    rig.want(Some(GaitMode::StandUp));
    rig.want(Some(GaitMode::LieDown));
    (0..3).for_each(|_| rig.want(None));
    rig.run(2);
    assert_eq!(rig.mode(), GaitMode::LieDown, "the later of two modes counts");
}

/// Failures were told of the first four buses only.
#[test]
fn each_of_twelve_buses_tells_its_failures() {
    let mut rig = Rig::of(TimeBase::System(1_000_000_000), |robot| {
        for (bus, joint) in robot.description.joints.0.iter_mut().enumerate() {
            joint.bus = bus;
        }
    });
    rig.stop_motors();
    rig.run(12);
    let failures = rig.report().port_failures;
    assert!(failures.iter().all(|count| *count > 0), "{failures:?}");
}

#[test]
fn an_old_target_is_not_followed() {
    let mut rig = Rig::new();
    rig.run(20);
    rig.want(None);
    rig.run(20);
    assert_eq!(rig.report().hold, None);
    rig.run(300);
    assert_eq!(rig.report().hold, Some(HoldReason::NoTarget));
}

#[test]
fn the_loop_allocates_nothing() {
    let mut rig = Rig::new();
    rig.run(700);
    rig.want(Some(GaitMode::StandUp));
    let info = allocation_counter::measure(|| {
        rig.run(1600);
        rig.want(None);
        rig.run(100);
        rig.orders.estop.store(StopLevel::Cut as u8, Ordering::Release);
        rig.run(20);
        // A sensor that falls silent, and one that babbles.
        for _ in 0..70 {
            rig.cycle();
        }
        for _ in 0..10 {
            rig.feel([f32::NAN, 0.0, 1e9]);
            rig.cycle();
        }
    });
    assert_eq!(info.count_total, 0, "{info:?}");
    let control = allocation_counter::measure(|| drop(std::hint::black_box(vec![1])));
    assert!(control.count_total > 0, "the counter counts");
}

/// A loop that waited for a slow simulated world looked like one that hangs: its process ended itself after a second, and the
/// mission with it.
#[test]
fn the_heart_beats_while_the_loop_waits_for_a_world_that_stands_still() {
    let mut rig = Rig::of(TimeBase::Sensor, |_| ());
    rig.run(20);
    let beats = |rig: &Rig| rig.orders.beats.load(Ordering::Relaxed);
    let (cycles, before) = (rig.control.cycles, beats(&rig));
    let begun = monotonic();
    rig.control.wait_for_sample(begun);
    assert!(monotonic().seconds_since(begun) > 1.0, "it waits for longer than a loop may hang");
    assert!(rig.control.cycles == cycles && beats(&rig) > before + 100, "{}", beats(&rig) - before);
    rig.run(1);
    assert!(rig.control.cycles == cycles + 1);
}

/// A robot over a network: its inertial sensor and its remote control come with its joints.
struct NetworkRig {
    control: ControlLoop<Loopback>,
    orders: ControlHandle,
    far: Loopback,
    report: RobotReport,
    due: Stamp,
    sent: usize,
}

impl NetworkRig {
    fn new(whose: WhoseGait) -> Self {
        let mission = short_mission();
        let robot = Robot::load("go2").expect("built in");
        let start = mission.start_pose();
        let mut control = Control::new(&robot, start, Stamp::ZERO, CYCLE_NANOS)
            .expect("a robot")
            .with_gait_of(whose, &robot);
        let (near, far) = loopback();
        let buses = BusDriver::new(control.bus().0, vec![near]).expect("one bus");
        let lines = ControlPorts { buses, imu: None };
        let lying = robot.description.lying_pose();
        let mut report = RobotReport { specific_force_m_s2: [0.0, 0.0, 9.81], ..RobotReport::default() };
        for (joint, position_rad) in robot.description.joints.0.iter().zip(lying) {
            let motor = &mut report.motors[usize::from(joint.id)];
            (motor.position_rad, motor.temperature_c, motor.driven) = (position_rad, 30.0, Some(true));
        }
        let (control, orders) = ControlLoop::new(&robot, start, control, lines, TimeBase::System(0));
        Self { control, orders, far, report, due: monotonic(), sent: 0 }
    }

    fn run(&mut self, cycles: u32) {
        let mut message = Vec::new();
        for _ in 0..cycles {
            self.report.tick_ms += 2;
            RobotProtocol::UnitreeGo.encode_report(&self.report, &mut message);
            self.far.write(&message).expect("room");
            self.due = self.due.plus_nanos(PERIOD_NANOS);
            sleep_until(self.due);
            self.control.cycle(self.due, false);
            self.sent += self.far.read(&mut [0; 4096]).expect("open");
        }
    }

    fn want(&mut self, mode: Option<GaitMode>) {
        let target = Target { at: monotonic(), velocity: VelocityCommand::default(), mode };
        self.orders.targets.push(target).expect("room");
    }

    fn latest(&mut self) -> ControlReport {
        std::iter::from_fn(|| self.orders.reports.pop().ok()).last().expect("it reports")
    }
}

#[test]
fn a_robot_over_a_network_rises_and_its_remote_control_lets_go() {
    let mut rig = NetworkRig::new(WhoseGait::Own);
    rig.run(600);
    let report = rig.latest();
    assert!(report.status.ready && report.imu_counts.frames >= 580, "{:?}", report.imu_counts);
    rig.want(Some(GaitMode::StandUp));
    rig.run(10);
    assert_eq!(rig.latest().status.mode, GaitMode::StandUp);
    rig.report.remote = Some(RemoteControl { buttons: button::L2 | button::B });
    rig.run(2);
    rig.report.remote = Some(RemoteControl::default());
    rig.run(20);
    let report = rig.latest();
    assert!(report.remote_stopped && report.stop == StopLevel::Cut && report.status.mode == GaitMode::Damped);
    rig.want(Some(GaitMode::StandUp));
    rig.run(20);
    assert_eq!(rig.latest().status.mode, GaitMode::Damped, "not before somebody has cleared it");
    rig.orders.clear.store(true, Ordering::Release);
    rig.run(20);
    assert!(!rig.latest().remote_stopped);
}

#[test]
fn the_vendors_gait_is_given_orders_and_no_joint_a_command() {
    let mut rig = NetworkRig::new(WhoseGait::Vendor);
    rig.run(600);
    rig.want(Some(GaitMode::StandUp));
    rig.run(20);
    assert_eq!(rig.orders.orders.pop().ok(), Some(VendorOrder::StandUp));
    rig.orders.estop.store(StopLevel::Cut as u8, Ordering::Release);
    rig.run(20);
    assert_eq!(rig.orders.orders.pop().ok(), Some(VendorOrder::Damp));
    assert_eq!((rig.sent, rig.latest().status.mode), (0, GaitMode::Damped));
}

#[test]
fn a_robot_that_starts_again_is_followed() {
    let mut rig = NetworkRig::new(WhoseGait::Own);
    rig.run(600);
    assert!(rig.latest().status.ready);
    rig.report.tick_ms = 10;
    rig.run(300);
    let report = rig.latest();
    assert!(
        report.imu_counts.restarts == 1 && report.hold == Some(HoldReason::NoTarget),
        "{:?}",
        report.hold
    );
}
