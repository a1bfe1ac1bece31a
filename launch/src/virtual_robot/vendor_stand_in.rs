//! Everything of a vendor's that a virtual robot has: a gait, the services that order it, and the switch between it and the network.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use firmware_bridge::port::loopback;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::sensors::ImuSample;
use robot_interface::time::Stamp;
use stack::config::Robot;

use super::sport_stand_in::SportStandIn;
use super::switch_port::SwitchPort;
use super::vendor_services::VendorServices;
use crate::robot_link::{LinkError, RobotNetwork, SampleLink, check_alive, robot_end};

/// Stand-in for the vendor's software on a robot.
pub(crate) struct VendorStandIn {
    gait: SportStandIn,
    services: Option<VendorServices>,
    has_motors: Arc<AtomicBool>,
    /// What moves the robot's samples.
    link: Option<SampleLink>,
}

impl VendorStandIn {
    /// Opens the robot's end of its network; returns the motors' port with it. The robot lies at `start`, and the vendor's gait has
    /// its motors or not.
    pub(crate) fn start(
        robot: &Robot,
        start: Transform<Map, Base>,
        network: &RobotNetwork,
        has_motors: bool,
    ) -> anyhow::Result<(SwitchPort, Self)> {
        let (port, link) = robot_end(network)?;
        let services = link.as_ref().map(|link| VendorServices::open(&link.participant)).transpose()?;
        // A robot whose services are not simulated is nobody's.
        let has_motors = Arc::new(AtomicBool::new(has_motors && services.is_some()));
        let (near, far) = loopback();
        let switch = SwitchPort::new(port, far, Arc::clone(&has_motors));
        let gait = SportStandIn::new(robot, start, near)?;
        Ok((switch, Self { gait, services, has_motors, link }))
    }

    /// One control step before the world's; `serve` lets the motors hear and report.
    pub(crate) fn step(&mut self, now: Stamp, serve: impl FnMut(Stamp)) {
        if let Some(services) = &mut self.services {
            services.serve(now, &mut self.gait, &self.has_motors);
        }
        self.gait.step(now, serve);
    }

    /// The inertial sample after the world's step.
    pub(crate) fn handle_imu(&mut self, sample: &ImuSample) {
        self.gait.handle_imu(sample);
    }

    /// An error once nothing can come or go any more.
    pub(crate) fn check(&self) -> Result<(), LinkError> {
        self.link.as_ref().map_or(Ok(()), |link| check_alive(&link.participant))
    }

    /// True while the vendor's gait has the motors.
    pub(crate) fn has_motors(&self) -> bool {
        self.has_motors.load(Ordering::Relaxed)
    }
}
