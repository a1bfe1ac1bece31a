//! One run of the whole chain, from the controller to the motors, with one kind of fault.
//!
//! Time is the bus's: it passes by the bytes that cross it, and the far end waits until the system has carried what
//! was written. So a run follows from its seed, on a busy machine too.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use firmware_bridge::bridge::{CYCLE_NANOS, Cycle, MotorBridge};
use firmware_bridge::port::{
    BusDriver, BusPort, FaultPort, PortError, PortFault, Replaceable, Replacer, SerialPort, replaceable,
};
use firmware_bridge::protocol::go_m8010::{self, Fault};
use firmware_bridge::safety::Safety;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use robot_interface::joints::JOINTS;
use robot_interface::robot::RobotDescription;
use robot_interface::time::Stamp;

use super::controller::Controller;
use super::far::{FarBus, Metered};
use super::judge::{Findings, Judge};
use super::kind::Kind;

/// Cycles with faults: 0.3 s.
pub(crate) const FAULTY: u64 = 150;
/// Cycles before the first fault, in which the robot comes to be driven.
const QUIET: u64 = 10;
/// Cycles in which every motor must have answered again: 1 s.
pub(crate) const MAX_RECOVERY: u64 = 500;
/// Cycles after that in which no answer may be missing.
const AFTER: u64 = 10;
/// Longest a trouble of the far end lasts, cycles.
const LONGEST: u64 = 60;
/// The helper looks after the ports this often, cycles.
const LOOK: u64 = 5;

/// What an episode came to.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    pub(crate) seed: u64,
    pub(crate) findings: Findings,
    pub(crate) injected: u64,
    pub(crate) lost: u64,
    /// From the end of the faults to the end of the first cycle in which every motor answered; `None` for never.
    pub(crate) recovery_nanos: Option<u64>,
    /// Answers missing after that.
    pub(crate) missing_after: u64,
    /// How often the system did not carry bytes in time, which is no fault of the chain.
    pub(crate) stuck: u64,
    pub(crate) trips: u64,
}

/// Shows the judge what the bridge writes, before anything happens to it.
struct Tap<P> {
    port: P,
    judge: Rc<RefCell<Judge>>,
}

impl<P: BusPort> BusPort for Tap<P> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.judge.borrow_mut().wrote(bytes);
        self.port.write(bytes)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.port.read(buffer)
    }
}

type Line = Tap<FaultPort<Replaceable<Metered>>>;

struct Episode {
    kind: Kind,
    chance: StdRng,
    judge: Rc<RefCell<Judge>>,
    bridge: MotorBridge,
    driver: BusDriver<Line>,
    safety: Safety,
    controller: Controller,
    replacers: Vec<Replacer<Metered>>,
    far: Vec<FarBus>,
    /// When each port is plugged in again, and each motor well again: the cycle.
    plugged_at: Vec<u64>,
    well_at: [u64; JOINTS],
    injected: u64,
    trips: u64,
    now: Stamp,
    cycle: u64,
}

/// Runs one, with its links in a directory of its own.
pub(crate) fn run(robot: &RobotDescription, kind: Kind, seed: u64, directory: &Path) -> Outcome {
    let mut episode = Episode::new(robot, kind, seed, directory);
    episode.set_rates(|_| 0.0);
    for _ in 0..QUIET {
        episode.step(true);
    }
    episode.set_rates(|fault| kind.port_rate(fault));
    for _ in 0..FAULTY {
        episode.trouble();
        episode.step(true);
    }
    episode.calm();
    let begun = episode.now;
    let mut recovery_nanos = None;
    for _ in 0..MAX_RECOVERY {
        let Some(cycle) = episode.step(false) else { continue };
        if cycle.answered == [true; JOINTS] {
            let at = episode.now.nanos() - begun.nanos();
            recovery_nanos = Some(at - CYCLE_NANOS + cycle.took_nanos);
            break;
        }
    }
    let mut missing_after = 0;
    for _ in 0..AFTER {
        let cycle = episode.step(false).expect("sane commands");
        missing_after += cycle.answered.iter().filter(|answered| !**answered).count() as u64;
    }
    episode.outcome(seed, recovery_nanos, missing_after)
}

/// So many cycles in which nothing is wrong but one motor that neither hears nor answers.
pub(crate) fn with_a_dead_motor(
    robot: &RobotDescription,
    dead: usize,
    cycles: usize,
    directory: &Path,
) -> Vec<Cycle> {
    let mut episode = Episode::new(robot, Kind::Nothing, 1, directory);
    let joint = robot.joints.0[dead];
    episode.far[joint.bus].motors.motors_mut()[usize::from(joint.id)].connected = false;
    (0..cycles).filter_map(|_| episode.step(false)).collect()
}

impl Episode {
    fn new(robot: &RobotDescription, kind: Kind, seed: u64, directory: &Path) -> Self {
        let judge = Rc::new(RefCell::new(Judge::new(robot)));
        let bridge = MotorBridge::new(robot).expect("a possible wiring");
        let buses = bridge.buses();
        let (near, replacers): (Vec<_>, Vec<_>) = (0..buses).map(|_| replaceable()).unzip();
        let lines = near.into_iter().enumerate().map(|(bus, port)| {
            let port = FaultPort::new(port, seed ^ ((bus as u64 + 1) << 48));
            Tap { port, judge: Rc::clone(&judge) }
        });
        Self {
            kind,
            chance: StdRng::seed_from_u64(seed),
            driver: BusDriver::new(&bridge, lines.collect()).expect("one port a bus"),
            safety: Safety::new(robot, bridge.limits()),
            bridge,
            controller: Controller::new(robot, seed ^ 0x5EED),
            judge,
            replacers,
            far: (0..buses).map(|bus| FarBus::new(bus, directory)).collect(),
            plugged_at: vec![0; buses],
            well_at: [0; JOINTS],
            injected: 0,
            trips: 0,
            now: Stamp::from_nanos(1_000_000_000),
            cycle: 0,
        }
    }

    fn set_rates(&mut self, rate: impl Fn(PortFault) -> f64) {
        for bus in 0..self.far.len() {
            let line = self.driver.port_mut(bus).expect("a bus");
            PortFault::ALL.iter().for_each(|&fault| line.port.set_rate(fault, rate(fault)));
        }
    }

    /// The far end's share of what goes wrong in this cycle, and the end of what has.
    fn trouble(&mut self) {
        self.heal(self.cycle);
        let lasts = self.chance.random_range(1..=LONGEST);
        let victim = self.chance.random_range(0..JOINTS);
        let (bus, id) = (victim / 3, victim % 3);
        for kind in
            [Kind::Restart, Kind::Silent, Kind::Complaint, Kind::Heat, Kind::Replugged, Kind::Renumbered]
        {
            if !self.chance.random_bool(self.kind.far_rate(kind)) {
                continue;
            }
            self.injected += 1;
            let far = &mut self.far[bus];
            let motor = &mut far.motors.motors_mut()[id];
            let well_at = &mut self.well_at[victim];
            match kind {
                Kind::Restart => {
                    motor.reboot();
                    self.judge.borrow_mut().restarted(bus, id as u8);
                }
                Kind::Silent => motor.connected = false,
                Kind::Complaint => {
                    let complaints =
                        [Fault::Overheat, Fault::Overcurrent, Fault::Overvoltage, Fault::Encoder];
                    far.complaints[id] = Some(complaints[self.chance.random_range(0..4)]);
                }
                Kind::Heat => motor.rotor.temperature_c = self.chance.random_range(60.0..110.0),
                Kind::Replugged if far.is_plugged() => {
                    far.unplug();
                    self.plugged_at[bus] = self.cycle + lasts;
                }
                // The next one is there before the helper has seen that the last one is gone.
                _ => far.plug(),
            }
            *well_at = (*well_at).max(self.cycle + lasts);
        }
    }

    fn heal(&mut self, cycle: u64) {
        for (bus, far) in self.far.iter_mut().enumerate() {
            if !far.is_plugged() && self.plugged_at[bus] <= cycle {
                far.plug();
            }
            for id in 0..3 {
                if self.well_at[3 * bus + id] <= cycle {
                    let motor = &mut far.motors.motors_mut()[id];
                    motor.connected = true;
                    motor.rotor.temperature_c = motor.rotor.temperature_c.min(40.0);
                    far.complaints[id] = None;
                }
            }
        }
    }

    /// No more faults.
    fn calm(&mut self) {
        self.heal(u64::MAX);
        for bus in 0..self.far.len() {
            let line = self.driver.port_mut(bus).expect("a bus");
            self.injected += PortFault::ALL.iter().map(|&fault| line.port.injected(fault)).sum::<u64>();
            line.port.calm();
        }
    }

    /// One cycle of the chain; `None` if its commands were refused.
    fn step(&mut self, with_nonsense: bool) -> Option<Cycle> {
        if self.cycle.is_multiple_of(LOOK) {
            self.look_after_ports();
        }
        self.controller.operate(&mut self.safety);
        let commands = self.controller.commands(with_nonsense);
        self.judge.borrow_mut().begin(self.cycle, self.safety.power(), self.now);
        let far = &mut self.far;
        let judge = &self.judge;
        let serve = |now| far.iter_mut().for_each(|bus| bus.serve(now, &mut judge.borrow_mut()));
        // What is refused is not sent, and nothing is sent instead.
        let cycle = self
            .safety
            .admit(self.now, &commands)
            .and_then(|admitted| self.driver.exchange(&mut self.bridge, self.now, &admitted, serve));
        let cycle = cycle.ok();
        if let Some(cycle) = &cycle {
            self.judge.borrow_mut().end(cycle);
            let before = self.safety.trip().is_some();
            self.safety.handle_cycle(cycle);
            self.trips += u64::from(!before && self.safety.trip().is_some());
        }
        self.now = self.now.plus_nanos(CYCLE_NANOS);
        self.cycle += 1;
        cycle
    }

    fn look_after_ports(&mut self) {
        for (replacer, far) in self.replacers.iter_mut().zip(&mut self.far) {
            let (link, meter) = (far.link(), Rc::clone(&far.meter));
            let open = || SerialPort::open(link, go_m8010::BAUD).map(|port| Metered::new(port, meter));
            if matches!(replacer.poll(self.now, open), Some(Ok(()))) {
                far.opened();
            }
        }
    }

    fn outcome(self, seed: u64, recovery_nanos: Option<u64>, missing_after: u64) -> Outcome {
        let last = self.bridge.clone().end_cycle(self.now);
        let findings = self.judge.borrow().findings.clone();
        Outcome {
            kind: self.kind,
            seed,
            findings,
            injected: self.injected,
            lost: last.links.iter().map(|link| link.missed).sum(),
            recovery_nanos,
            missing_after,
            stuck: self.far.iter().map(|far| far.stuck).sum(),
            trips: self.trips,
        }
    }
}
