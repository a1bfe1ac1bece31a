//! The thread of the world: motors served as their bytes come, a physics step every 2 ms.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use firmware_bridge::port::BusPort;
use firmware_bridge::protocol::imu::ImuFrame;
use robot_interface::time::Stamp;
use sim::motors::VirtualBus;

use super::capture::{CaptureRequest, Inlets};
use super::robot_line::RobotLine;
use super::shared::Shared;
use crate::pty::{Pty, wait_readable};
use crate::virtual_robot::VendorStandIn;
use crate::world::World;
use stack::realtime::{monotonic, prioritise};

/// Steps between two scans: 10 Hz.
const SCAN_STEPS: u64 = 50;
/// Below the bridge's, so that on one machine the motors never keep their master from asking.
const PRIORITY: u8 = 40;
/// Lag from which the world no longer tries to catch up, and time is lost.
const MAX_LAG_NANOS: u64 = 20_000_000;
/// Age, simulated, from which a bus's command is late; how long is waited between two looks, and in all.
const LATE_NANOS: u64 = 4_000_000;
const WAIT_NANOS: u64 = 500_000;
const MAX_PATIENCE_NANOS: u64 = 1_000_000_000;
/// Sleep between two looks for commands over a network.
const LOOK_NANOS: u64 = 100_000;
/// While the world stands still.
const IDLE: Duration = Duration::from_millis(5);

/// The running thread; ends when dropped.
pub(super) struct WorldThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl WorldThread {
    pub(super) fn start(
        world: World<RobotLine>,
        imu: Option<Pty>,
        vendor: Option<VendorStandIn>,
        shared: Arc<Shared>,
        inlets: Inlets,
    ) -> anyhow::Result<Self> {
        let ours = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("world".to_owned())
            .spawn(move || {
                if let Err(warning) = prioritise(PRIORITY) {
                    tracing::warn!("{warning}");
                }
                run(world, imu, vendor, &ours, &inlets)
            })
            .context("cannot start the thread of the simulated world")?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// An error if the thread has ended by itself.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(thread) = self.thread.take()
        {
            thread.join().unwrap_or_else(|_| Err(anyhow!("the simulated world panicked")))?;
        }
        Ok(())
    }
}

impl Drop for WorldThread {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic's payload was printed where it happened.
            let _ = thread.join();
        }
    }
}

fn run(
    mut world: World<RobotLine>,
    mut imu: Option<Pty>,
    mut vendor: Option<VendorStandIn>,
    shared: &Shared,
    inlets: &Inlets,
) -> anyhow::Result<()> {
    let step_nanos = world.step_nanos();
    let (mut now, mut steps, mut sequence) = (Stamp::ZERO, 0u64, 0u16);
    let (mut due, mut patience) = (monotonic(), MAX_PATIENCE_NANOS);
    while !shared.has_ended() {
        if !shared.running.load(Ordering::Relaxed) {
            std::thread::sleep(IDLE);
            due = monotonic();
            continue;
        }
        due = due.plus_nanos(step_nanos);
        serve_until(&mut world, now, due)?;
        wait_for_commands(&mut world, now, &mut patience)?;
        if let Some(vendor) = &mut vendor {
            vendor.step(now, |now| world.serve_motors(now));
        }
        let sample = world.step(now);
        if let Some(vendor) = &mut vendor {
            vendor.handle_imu(&sample);
        }
        now = now.plus_nanos(step_nanos);
        steps += 1;
        if let Some(imu) = &mut imu {
            // Nobody listens, or too slowly: as on a wire, the sample is lost.
            let _ = imu.write(&ImuFrame::of_sample(sequence, &sample).encode());
        }
        sequence = sequence.wrapping_add(1);
        // Whoever reads it may have been interrupted meanwhile: the world does not wait for him.
        if let Ok(mut truth) = shared.truth.try_lock() {
            *truth = Some((now, world.truth().map_from_base));
        }
        if let Ok(mut battery) = shared.battery.try_lock() {
            *battery = world.battery(now);
        }
        if steps.is_multiple_of(SCAN_STEPS) {
            vendor.as_ref().map_or(Ok(()), VendorStandIn::check)?;
            let unplugged = shared.unplugged.load(Ordering::Relaxed);
            for (bus, line) in world.buses.iter_mut().enumerate() {
                line.port_mut().set(unplugged >> bus & 1 == 0)?;
            }
            offer(&inlets.scans, world.take_poses()?);
            if shared.picture.swap(false, Ordering::Relaxed) {
                let capture = CaptureRequest { stamp: now, scene: world.scene(), truth: world.last_poses() };
                if !offer(&inlets.captures, capture) {
                    shared.lost_pictures.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        let lag = monotonic().nanos().saturating_sub(due.nanos());
        if lag > MAX_LAG_NANOS {
            shared.lost_nanos.fetch_add(lag, Ordering::Relaxed);
            due = due.plus_nanos(lag);
        }
    }
    Ok(())
}

/// Answers the motors' buses until it is time for the next step.
fn serve_until(world: &mut World<RobotLine>, now: Stamp, due: Stamp) -> anyhow::Result<()> {
    loop {
        let left = due.nanos().saturating_sub(monotonic().nanos());
        if left == 0 {
            return Ok(());
        }
        if world.buses.iter().any(|bus| bus.port().is_network()) {
            world.serve_motors(now);
            std::thread::sleep(Duration::from_nanos(left.min(LOOK_NANOS)));
            continue;
        }
        let ports = world.buses.iter().filter_map(|bus| bus.port().pty());
        if wait_readable(ports, Duration::from_nanos(left)).context("cannot wait for the motor buses")? {
            world.serve_motors(now);
        }
    }
}

/// Lets the world stand still for a moment when the bridge's commands are late: the machine is slow then, and the
/// robot must not fall because of it. Whoever is silent for longer is not waited for again until it speaks.
fn wait_for_commands(world: &mut World<RobotLine>, now: Stamp, patience: &mut u64) -> anyhow::Result<()> {
    let late = |world: &World<RobotLine>| {
        // A line that nobody has open is a line that was unplugged.
        let open = world.buses.iter().filter(|bus| bus.port().has_peer());
        let heard = open.filter_map(VirtualBus::commanded);
        heard.min().is_some_and(|at| now.nanos().saturating_sub(at.nanos()) > LATE_NANOS)
    };
    while late(world) && *patience > 0 {
        let begun = monotonic();
        serve_until(world, now, begun.plus_nanos(WAIT_NANOS))?;
        *patience = patience.saturating_sub(monotonic().nanos() - begun.nanos());
    }
    if !late(world) {
        *patience = MAX_PATIENCE_NANOS;
    }
    Ok(())
}

/// Hands an item to a sensor; returns false if it did not take it: one that is still busy misses it, as real ones drop frames.
fn offer<T>(inlet: &SyncSender<T>, item: T) -> bool {
    inlet.try_send(item).is_ok()
}
