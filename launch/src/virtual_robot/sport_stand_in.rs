//! Stand-in for the vendor's gait: Adit's own, which moves a virtual robot until its service is released.

use firmware_bridge::bridge::CYCLE_NANOS;
use firmware_bridge::port::{BusDriver, Loopback};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::sensors::ImuSample;
use robot_interface::state::{RobotState, VelocityCommand};
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;
use stack::config::Robot;
use stack::{Control, ModeRefused};

/// Time for which a velocity counts, s.
const VELOCITY_LIFE_S: f64 = 1.0;

pub(super) struct SportStandIn {
    control: Control,
    driver: BusDriver<Loopback>,
    velocity: (Stamp, VelocityCommand),
}

impl SportStandIn {
    pub(super) fn new(robot: &Robot, start: Transform<Map, Base>, port: Loopback) -> anyhow::Result<Self> {
        let mut control = Control::new(robot, start, Stamp::ZERO, CYCLE_NANOS)?;
        let driver = BusDriver::new(control.bus().0, vec![port])?;
        Ok(Self { control, driver, velocity: (Stamp::ZERO, VelocityCommand::default()) })
    }

    /// One control step; `serve` lets the motors hear and report.
    pub(super) fn step(&mut self, now: Stamp, serve: impl FnMut(Stamp)) {
        let (bridge, commands) = self.control.bus();
        // Its commands are finite; one that was not would be refused whole.
        if let Ok(cycle) = self.driver.exchange(bridge, now, commands, serve) {
            self.control.handle_cycle(&cycle, now);
        }
        let (at, velocity) = self.velocity;
        let is_fresh = now.seconds_since(at) < VELOCITY_LIFE_S;
        self.control.step(now, (now, if is_fresh { velocity } else { VelocityCommand::default() }));
    }

    pub(super) fn handle_imu(&mut self, sample: &ImuSample) {
        self.control.handle_imu(sample);
    }

    /// Asks for a mode.
    pub(super) fn request(&mut self, mode: GaitMode, now: Stamp) -> Result<(), ModeRefused> {
        self.control.request(mode, now)
    }

    /// Walks with a velocity for a while.
    pub(super) const fn walk(&mut self, now: Stamp, velocity: VelocityCommand) {
        self.velocity = (now, velocity);
    }

    pub(super) fn mode(&self) -> GaitMode {
        self.control.status().mode
    }

    pub(super) fn state(&self) -> RobotState {
        self.control.state()
    }
}
