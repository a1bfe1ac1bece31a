//! A robot's motors where there is no robot: pseudo-terminals in place of its serial ports, and a thread of this
//! process that answers on them in their protocol's bytes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use firmware_bridge::bridge::virtual_bus;
use firmware_bridge::port::BusPort;
use firmware_bridge::protocol::device::VirtualBus;
use robot_interface::joints::JOINTS;
use robot_interface::robot::{JointDescription, RobotDescription};

use crate::pty::{Pty, wait_readable};
use stack::realtime::{monotonic, prioritise};

/// Time within which the thread notices that it is to end, or that the hand has moved, when nobody asks anything.
const POLL_PERIOD: Duration = Duration::from_millis(5);
/// Speed at which the hand moves a joint, rad/s: it passes its whole range within a second.
const HAND_RAD_S: f64 = 6.3;

/// Angles at which a hand holds the rotors, rad; `None` for those that it does not hold. `[12]`
type Hand = [Option<f64>; JOINTS];

/// The motors of a robot, alive until dropped.
pub(crate) struct VirtualRobot {
    paths: Vec<PathBuf>,
    hand: Arc<Mutex<Hand>>,
    quit: Arc<AtomicBool>,
    /// The priority that the thread is to take, 0 for an ordinary one.
    priority: Arc<AtomicU8>,
    thread: Option<JoinHandle<()>>,
}

impl VirtualRobot {
    /// Motors of the robot's protocol, wired as its file says, all at rest at zero.
    pub(crate) fn start(robot: &RobotDescription) -> anyhow::Result<Self> {
        let buses: Vec<Bus> = (0..robot.buses()).map(|bus| Bus::new(bus, robot)).collect::<Result<_, _>>()?;
        let paths = buses.iter().map(|bus| bus.pty.path().to_owned()).collect();
        let hand = Arc::new(Mutex::new([None; JOINTS]));
        let quit = Arc::new(AtomicBool::new(false));
        let priority = Arc::new(AtomicU8::new(0));
        let (its_hand, its_quit, its_priority) =
            (Arc::clone(&hand), Arc::clone(&quit), Arc::clone(&priority));
        let thread = std::thread::Builder::new()
            .name("motors".to_owned())
            .spawn(move || serve(buses, &its_hand, &its_quit, &its_priority))
            .context("cannot start the thread of the virtual motors")?;
        Ok(Self { paths, hand, quit, priority, thread: Some(thread) })
    }

    /// Paths of the buses' ports, in their order.
    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Answers from now on at a real-time priority, as far as the system permits: real motors wait for no scheduler.
    pub(crate) fn prioritise(&self, priority: u8) {
        self.priority.store(priority, Ordering::Relaxed);
    }

    /// Moves a joint's rotor by hand to an angle, rad, at a person's speed, and holds it there.
    pub(crate) fn hold(&self, joint: usize, rotor_rad: f64) {
        let mut hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        hand[joint] = Some(rotor_rad);
    }
}

impl Drop for VirtualRobot {
    fn drop(&mut self) {
        self.quit.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic was printed where it happened.
            let _ = thread.join();
        }
    }
}

struct Bus {
    pty: Pty,
    motors: Box<dyn VirtualBus + Send>,
    hands: Vec<Finger>,
}

/// A rotor that the hand can take hold of.
struct Finger {
    joint: usize,
    id: u8,
    /// Speed at which it turns the rotor, rad/s.
    rad_s: f64,
}

impl Bus {
    fn new(bus: usize, robot: &RobotDescription) -> anyhow::Result<Self> {
        let here = robot.joints.0.iter().enumerate().filter(|(_, joint)| joint.bus == bus);
        let finger = |(joint, description): (usize, &JointDescription)| Finger {
            joint,
            id: description.id,
            rad_s: HAND_RAD_S * description.gear_ratio.get(),
        };
        let hands: Vec<Finger> = here.map(finger).collect();
        Ok(Self { pty: Pty::new()?, motors: virtual_bus(robot, bus)?, hands })
    }

    /// The hand moves what it holds, for as long as has passed.
    fn follow(&mut self, hand: &Hand, passed_s: f64) {
        for finger in &self.hands {
            let (Some(target), Some(rotor)) = (hand[finger.joint], self.motors.rotor(finger.id)) else {
                continue;
            };
            let step = finger.rad_s * passed_s;
            rotor.position_rad += (target - rotor.position_rad).clamp(-step, step);
            rotor.velocity_rad_s = 0.0;
        }
    }
}

fn serve(mut buses: Vec<Bus>, hand: &Mutex<Hand>, quit: &AtomicBool, priority: &AtomicU8) {
    let mut moved = monotonic();
    while !quit.load(Ordering::Relaxed) {
        if wait_readable(buses.iter().map(|bus| &bus.pty), POLL_PERIOD).is_err() {
            // Nothing can be waited on any more: whoever asks finds no answers, and says so.
            return;
        }
        let wanted = priority.swap(0, Ordering::Relaxed);
        if wanted > 0 {
            // Whoever measures is told of his own thread, which may not either.
            let _ = prioritise(wanted);
        }
        let now = monotonic();
        let held = *hand.lock().unwrap_or_else(PoisonError::into_inner);
        for Bus { pty, motors, .. } in &mut buses {
            let mut buffer = [0; 512];
            let count = pty.read(&mut buffer).unwrap_or(0);
            // A line that nobody reads loses the answer, as a wire does.
            motors.hear(now, &buffer[..count], &mut |answer| {
                let _ = pty.write(answer);
            });
        }
        if held.iter().any(Option::is_some) {
            let passed_s = now.seconds_since(moved);
            buses.iter_mut().for_each(|bus| bus.follow(&held, passed_s));
        }
        moved = now;
    }
}
