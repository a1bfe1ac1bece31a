//! The motors read again and again on a thread of its own, for whoever watches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context as _;
use firmware_bridge::bridge::{BusCounts, Cycle};
use firmware_bridge::port::{PortDevice, PortError};
use robot_interface::joints::JOINTS;
use robot_interface::robot::JointDescription;

use super::ports::Buses;
use stack::realtime::{Histogram, exchange, monotonic, sleep_until};

/// State of one bus.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BusState {
    pub(crate) counts: BusCounts,
    /// From asking a motor to its answer.
    pub(crate) round_trip: Histogram,
    pub(crate) port_failures: u64,
    pub(crate) last_failure: Option<PortError>,
}

/// State after a cycle.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// Cycles so far.
    pub(crate) cycles: u64,
    pub(crate) cycle: Cycle,
    pub(crate) buses: Vec<BusState>,
}

/// The thread that reads; it ends when this is dropped.
pub(crate) struct Reading {
    pub(crate) robot: String,
    pub(crate) joints: [JointDescription; JOINTS],
    devices: Vec<PortDevice>,
    latest: Arc<Mutex<Snapshot>>,
    quit: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reading {
    /// Reads so many ns apart.
    pub(crate) fn start(mut buses: Buses, period_nanos: u64) -> anyhow::Result<Self> {
        let state = BusState {
            counts: BusCounts::default(),
            round_trip: Histogram::new(),
            port_failures: 0,
            last_failure: None,
        };
        let first = Snapshot {
            cycles: 0,
            cycle: buses.bridge.end_cycle(monotonic()),
            buses: vec![state; buses.bridge.buses()],
        };
        let robot = &buses.robot.description;
        let (robot, joints, devices) = (robot.name.clone(), robot.joints.0, buses.devices.clone());
        let latest = Arc::new(Mutex::new(first));
        let quit = Arc::new(AtomicBool::new(false));
        let (its_latest, its_quit) = (Arc::clone(&latest), Arc::clone(&quit));
        let thread = std::thread::Builder::new()
            .name("reading".to_owned())
            .spawn(move || read(&mut buses, period_nanos, &its_latest, &its_quit))
            .context("cannot start the thread that reads the motors")?;
        Ok(Self { robot, joints, devices, latest, quit, thread: Some(thread) })
    }

    /// A sentence about others that have opened the ports since they were opened here; `None` if nobody is seen.
    pub(crate) fn intruders(&self) -> Option<String> {
        let mut all: Vec<_> = self.devices.iter().flat_map(|device| device.holders()).collect();
        all.sort_by_key(|holder| holder.pid);
        all.dedup();
        let named: Vec<_> = all.iter().map(ToString::to_string).collect();
        (!named.is_empty()).then(|| {
            format!("{} has opened a motor port as well, and takes answers: stop that one", named.join(", "))
        })
    }

    /// The state after the last cycle.
    pub(crate) fn latest(&self) -> Snapshot {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.quit.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic was printed where it happened.
            let _ = thread.join();
        }
    }
}

fn read(buses: &mut Buses, period_nanos: u64, latest: &Mutex<Snapshot>, quit: &AtomicBool) {
    let mut due = monotonic();
    while !quit.load(Ordering::Relaxed) {
        sleep_until(due);
        let cycle = read_once(buses, period_nanos);
        let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.cycles += 1;
        latest.cycle = cycle;
        for (bus, state) in latest.buses.iter_mut().enumerate() {
            state.counts = buses.bridge.bus_counts(bus);
            (state.port_failures, state.last_failure) = buses.driver.failures(bus);
        }
        let joints = &buses.robot.description.joints.0;
        for (joint, took) in buses.bridge.round_trip_nanos().iter().enumerate() {
            let state = latest.buses.get_mut(joints[joint].bus).filter(|_| cycle.answered[joint]);
            if let (Some(state), Some(nanos)) = (state, took) {
                state.round_trip.add(*nanos);
            }
        }
        drop(latest);
        due = due.plus_nanos(period_nanos).max(monotonic());
    }
}

/// One cycle that drives nothing.
pub(crate) fn read_once(buses: &mut Buses, period_nanos: u64) -> Cycle {
    let begun = monotonic();
    buses.bridge.begin_reading(begun);
    let limit = begun.plus_nanos(period_nanos / 10 * 9);
    let ended = exchange(&mut buses.driver, &mut buses.bridge, begun, limit);
    buses.bridge.end_cycle(ended)
}
