//! A virtual robot on a network: the simulated world, at the pace of the clock on the wall, behind the wires of a robot as it is sold.
//!
//! ```text
//! network --LowCmd--> SwitchPort --> motors of the world --> LowState --> network
//!                         ^                                     |
//!           VendorGait ---'<------------------------------------'     moves the robot until its service is released
//! ```
//!
//! The vendor's services are stand-ins: they answer as the vendor's public library expects, and the gait behind them is Adit's own.

mod switch_port;
mod vendor_gait;
mod vendor_services;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use firmware_bridge::port::{Loopback, loopback};
use robot_interface::time::Stamp;
use stack::config::Robot;
use stack::realtime::{monotonic, sleep_until};

use self::switch_port::SwitchPort;
use self::vendor_gait::VendorGait;
use self::vendor_services::VendorServices;
use crate::mission_file::MissionFile;
use crate::robot_link::{RobotNetwork, SampleLink, robot_end};
use crate::world::World;

/// Lag from which the world no longer tries to catch up, and time is lost.
const MAX_LAG_NANOS: u64 = 20_000_000;

/// A virtual robot, ready to run.
pub(crate) struct VirtualRobot {
    world: World<SwitchPort>,
    gait: VendorGait,
    services: Option<VendorServices>,
    has_motors: Arc<AtomicBool>,
    now: Stamp,
    due: Stamp,
    lost_nanos: u64,
    _link: Option<SampleLink>,
}

impl VirtualRobot {
    /// The robot lies at the start of the mission, in the mission's tunnel, moved by its vendor's gait.
    pub(crate) fn start(file: &MissionFile, robot: &Robot, network: &RobotNetwork) -> anyhow::Result<Self> {
        let has_motors = Arc::new(AtomicBool::new(true));
        let (port, link) = robot_end(network)?;
        let services = link.as_ref().map(|link| VendorServices::open(&link.participant)).transpose()?;
        let (near, far): (Loopback, Loopback) = loopback();
        let switch = SwitchPort::new(port, far, Arc::clone(&has_motors));
        let world = World::new(file, robot, vec![switch])?;
        let gait = VendorGait::new(robot, file.mission.start_pose(), near)?;
        Ok(Self {
            world,
            gait,
            services,
            has_motors,
            now: Stamp::ZERO,
            due: monotonic(),
            lost_nanos: 0,
            _link: link,
        })
    }

    /// One step of 2 ms, when it is time for it.
    pub(crate) fn step(&mut self) {
        let step_nanos = self.world.step_nanos();
        self.due = self.due.plus_nanos(step_nanos);
        sleep_until(self.due);
        let lag = monotonic().nanos().saturating_sub(self.due.nanos());
        if lag > MAX_LAG_NANOS {
            self.lost_nanos += lag;
            self.due = self.due.plus_nanos(lag);
        }
        if let Some(services) = &mut self.services {
            services.serve(self.now, &mut self.gait, &self.has_motors);
        }
        let world = &mut self.world;
        self.gait.step(self.now, |now| world.serve_motors(now));
        let sample = self.world.step(self.now);
        self.gait.handle_imu(&sample);
        self.now = self.now.plus_nanos(step_nanos);
    }

    /// Makes the tunnel where the robot has come to; several times a second.
    pub(crate) fn look_around(&mut self) -> anyhow::Result<()> {
        self.world.take_poses().map(|_| ())
    }

    /// Where the robot really is.
    pub(crate) fn place_m(&self) -> [f64; 3] {
        self.world.truth().map_from_base.isometry.translation.vector.into()
    }

    /// True while the vendor's gait has the motors.
    pub(crate) fn is_vendors(&self) -> bool {
        self.has_motors.load(Ordering::Relaxed)
    }

    /// Time by which the world is late, s: the machine is too slow for it.
    pub(crate) const fn lost_s(&self) -> f64 {
        self.lost_nanos as f64 * 1e-9
    }
}
