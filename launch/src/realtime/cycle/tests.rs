//! The loop on loopback ports: what it does when told, when not, and that it allocates nothing.

use firmware_bridge::bridge::CYCLE_NANOS;
use firmware_bridge::port::{Loopback, loopback};
use firmware_bridge::wire::imu::ImuFrame;
use sim::engine::JointReading;
use sim::motors::{VirtualBus, virtual_buses};

use super::*;
use crate::config::Mission;
use crate::world::start_pose;

/// A robot that lies still, its motors on threads of their own.
struct Rig {
    control: Loop<Loopback>,
    orders: Orders,
    imu: Loopback,
    sequence: u16,
    due: Stamp,
    ended: Arc<AtomicBool>,
    motors: Option<std::thread::JoinHandle<()>>,
}

impl Rig {
    fn new() -> Self {
        let mission = Mission::load("short").expect("built in");
        let robot = Robot::load("go2").expect("built in");
        let start = start_pose(&mission);
        let mut control = Control::new(&robot, start, Stamp::ZERO, CYCLE_NANOS).expect("a robot");
        let (near, far): (Vec<_>, Vec<_>) = (0..4).map(|_| loopback()).unzip();
        let buses = BusDriver::new(control.bus().0, near).expect("four");
        let (imu, far_imu) = loopback();
        let buses_far = virtual_buses(&robot.description, far).expect("four");
        let readings = robot
            .description
            .lying_pose()
            .map(|position_rad| JointReading { position_rad, ..JointReading::default() });
        let ended = Arc::new(AtomicBool::new(false));
        let ours = Arc::clone(&ended);
        let motors = std::thread::spawn(move || serve(buses_far, &readings, &ours));
        let lines = Lines { buses, imu };
        let time = TimeBase::System(1_000_000_000);
        let (control, orders) = Loop::new(&robot, start, control, lines, time);
        let due = monotonic();
        Self { control, orders, imu: far_imu, sequence: 0, due, ended, motors: Some(motors) }
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
        self.control.cycle(self.due, false);
    }

    fn want(&mut self, mode: Option<Mode>) {
        let target = Target { at: monotonic(), velocity: VelocityCommand::default(), mode };
        self.orders.targets.push(target).expect("room");
    }

    fn mode(&self) -> Mode {
        self.control.control.body().mode
    }

    fn report(&mut self) -> Report {
        std::iter::from_fn(|| self.orders.reports.pop().ok()).last().expect("it reports")
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(motors) = self.motors.take() {
            motors.join().expect("the motors' thread ends");
        }
    }
}

fn serve(mut buses: Vec<VirtualBus<Loopback>>, readings: &[JointReading; JOINTS], ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        for bus in &mut buses {
            // Its other end goes when the test is over.
            let _ = bus.service(monotonic(), readings);
        }
        std::thread::sleep(std::time::Duration::from_micros(50));
    }
}

#[test]
fn it_rises_when_asked_and_an_emergency_stop_lets_go_in_the_same_cycle() {
    let mut rig = Rig::new();
    rig.run(700);
    assert!(rig.report().body.ready, "it has lain still for more than a second");
    rig.want(Some(Mode::StandUp));
    rig.run(2);
    assert_eq!(rig.mode(), Mode::StandUp);
    rig.orders.estop.store(StopLevel::Cut as u8, Ordering::Release);
    rig.run(1);
    assert_eq!(rig.mode(), Mode::Damped);
    // The damping commands go out with the next cycle's first bytes.
    rig.run(12);
    let report = rig.report();
    assert!(report.stop == StopLevel::Cut && report.hold == Some(Hold::Estopped));
    assert_eq!(report.timing.stop.count(), 1);
    rig.want(Some(Mode::StandUp));
    rig.run(2);
    assert_eq!(rig.mode(), Mode::Damped, "not before the reset");
    rig.orders.estop.store(StopLevel::None as u8, Ordering::Release);
    rig.run(2);
    assert_eq!(rig.mode(), Mode::Damped, "a reset moves nothing, and the old wish is forgotten");
}

#[test]
fn a_silent_inertial_sensor_lays_it_down() {
    let mut rig = Rig::new();
    rig.run(700);
    rig.report();
    rig.want(Some(Mode::StandUp));
    rig.run(20);
    for _ in 0..70 {
        rig.cycle();
    }
    assert_eq!(rig.mode(), Mode::LieDown);
    assert_eq!(rig.report().hold, Some(Hold::NoImu));
}

#[test]
fn an_old_target_is_not_followed() {
    let mut rig = Rig::new();
    rig.run(20);
    rig.want(None);
    rig.run(20);
    assert_eq!(rig.report().hold, None);
    rig.run(300);
    assert_eq!(rig.report().hold, Some(Hold::NoTarget));
}

#[test]
fn the_loop_allocates_nothing() {
    let mut rig = Rig::new();
    rig.run(700);
    rig.want(Some(Mode::StandUp));
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
