//! A virtual robot on a network: the simulated world, at the pace of the clock on the wall, behind the wires of a robot as it is sold.
//!
//! ```text
//! network --LowCmd--> SwitchPort --> motors of the world --> LowState --> network
//!                         ^                                     |
//!           sport service'<------------------------------------'     moves the robot until its service is released
//! ```
//!
//! The vendor's services are stand-ins: they answer as the vendor's public library expects, and the gait behind them is Adit's own.

mod sport_stand_in;
mod switch_port;
mod vendor_services;
mod vendor_stand_in;

use robot_interface::time::Stamp;
use stack::config::Robot;
use stack::realtime::{monotonic, sleep_until};

pub(crate) use self::switch_port::SwitchPort;
pub(crate) use self::vendor_stand_in::VendorStandIn;
use crate::mission_file::MissionFile;
use crate::robot_link::RobotNetwork;
use crate::world::World;

/// Lag from which the world no longer tries to catch up, and time is lost.
const MAX_LAG_NANOS: u64 = 20_000_000;

/// A virtual robot, ready to run.
pub(crate) struct VirtualRobot {
    world: World<SwitchPort>,
    vendor: VendorStandIn,
    now: Stamp,
    due: Stamp,
    lost_nanos: u64,
}

impl VirtualRobot {
    /// The robot lies at the start of the mission, in the mission's tunnel, moved by its vendor's gait.
    pub(crate) fn start(file: &MissionFile, robot: &Robot, network: &RobotNetwork) -> anyhow::Result<Self> {
        let (port, vendor) = VendorStandIn::start(robot, file.mission.start_pose(), network, true)?;
        let world = World::new(file, robot, vec![port])?;
        Ok(Self { world, vendor, now: Stamp::ZERO, due: monotonic(), lost_nanos: 0 })
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
        let world = &mut self.world;
        self.vendor.step(self.now, |now| world.serve_motors(now));
        let sample = self.world.step(self.now);
        self.vendor.handle_imu(&sample);
        self.now = self.now.plus_nanos(step_nanos);
    }

    /// Makes the tunnel where the robot has come to, and looks whether its network still works; several times a second.
    pub(crate) fn look_around(&mut self) -> anyhow::Result<()> {
        self.vendor.check()?;
        self.world.take_poses().map(|_| ())
    }

    /// Where the robot really is.
    pub(crate) fn place_m(&self) -> [f64; 3] {
        self.world.truth().map_from_base.isometry.translation.vector.into()
    }

    /// True while the vendor's gait has the motors.
    pub(crate) fn is_vendors(&self) -> bool {
        self.vendor.has_motors()
    }

    /// Time by which the world is late, s: the machine is too slow for it.
    pub(crate) const fn lost_s(&self) -> f64 {
        self.lost_nanos as f64 * 1e-9
    }
}
