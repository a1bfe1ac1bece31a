//! The control process without its ports and clocks: motor cycles in, joint commands out.

use anyhow::Context;
use firmware_bridge::bridge::{Cycle, MotorBridge};
use perception::localise::TunnelCorrection;
use perception::state::{PoseHistory, StateEstimator};
use planner::gait::{Gait, Mode, Refused};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::{JOINTS, JointCommand, JointMeasurement, JointStates};
use robot_interface::sensors::ImuSample;
use robot_interface::state::{RobotState, VelocityCommand};
use robot_interface::time::Stamp;

use super::Body;
use crate::config::Robot;

/// Damping of the joints before the gait has spoken, N m s/rad.
const IDLE_DAMPING: f64 = 3.0;

/// State estimate and gait, with the bridge that their commands go through.
pub(crate) struct Control {
    bridge: MotorBridge,
    estimator: StateEstimator,
    gait: Gait,
    commands: [JointCommand; JOINTS],
    joints: JointStates,
    torque_peak_nm: f64,
    missed: u64,
}

impl Control {
    /// The control process of a robot that lies at `start`; `bus_nanos` is the longest that a cycle on the motor
    /// buses may take, [`CYCLE_NANOS`](firmware_bridge::bridge::CYCLE_NANOS) on a robot.
    ///
    /// # Errors
    /// When the robot's wiring or its policy cannot be used.
    pub(crate) fn new(
        robot: &Robot,
        start: Transform<Map, Base>,
        now: Stamp,
        bus_nanos: u64,
    ) -> anyhow::Result<Self> {
        let description = &robot.description;
        let lying = description.lying_pose();
        let joints =
            lying.map(|position_rad| JointMeasurement { position_rad, ..JointMeasurement::default() });
        Ok(Self {
            bridge: MotorBridge::with_cycle(description, bus_nanos)
                .context("the robot's motor buses cannot be used")?,
            estimator: StateEstimator::new(description, start, now),
            gait: Gait::new(description, &robot.policy)?,
            commands: [JointCommand::damping(IDLE_DAMPING); JOINTS],
            joints: JointStates { stamp: now, joints },
            torque_peak_nm: 0.0,
            missed: 0,
        })
    }

    /// Forgets the estimate: the robot lies at `start` again, at `now`, with its legs let go.
    #[cfg(feature = "ros")]
    pub(crate) fn begin_anew(&mut self, robot: &Robot, start: Transform<Map, Base>, now: Stamp) {
        self.estimator = StateEstimator::new(&robot.description, start, now);
        self.joints.stamp = now;
        // Letting go is never refused.
        let _ = self.gait.request(Mode::Damped, now);
    }

    /// The bridge, and the commands of the cycle that is due.
    pub(crate) fn bus(&mut self) -> (&mut MotorBridge, &[JointCommand; JOINTS]) {
        (&mut self.bridge, &self.commands)
    }

    /// Takes what a cycle on the motor buses gave, measured at `now`.
    pub(crate) fn handle_cycle(&mut self, cycle: &Cycle, now: Stamp) {
        self.joints = JointStates { stamp: now, joints: cycle.states.joints };
        self.missed += cycle.answered.iter().filter(|a| !**a).count() as u64;
        let torques = self.joints.torques();
        self.torque_peak_nm = torques.iter().fold(self.torque_peak_nm, |peak, t| peak.max(t.abs()));
        self.estimator.handle_joints(&self.joints);
    }

    /// Takes an inertial sample.
    pub(crate) fn handle_imu(&mut self, sample: &ImuSample) {
        self.estimator.handle_imu(sample);
    }

    /// Takes a measurement against the tunnel.
    pub(crate) fn handle_correction(&mut self, correction: &TunnelCorrection) {
        self.estimator.handle_correction(correction);
    }

    /// The commands of the next cycle, towards a body velocity that was given at its stamp.
    pub(crate) fn step(&mut self, now: Stamp, velocity: (Stamp, VelocityCommand)) {
        self.commands = self.gait.step(now, &self.estimator.state(), &self.joints, velocity);
    }

    /// Asks for a gait mode.
    ///
    /// # Errors
    /// When it cannot follow the present one.
    pub(crate) fn request(&mut self, mode: Mode, now: Stamp) -> Result<(), Refused> {
        self.gait.request(mode, now)
    }

    /// What the robot is and does, as estimated.
    pub(crate) fn body(&self) -> Body {
        Body {
            state: self.estimator.state(),
            mode: self.gait.mode(),
            fallen: self.gait.fallen(),
            ready: self.estimator.is_ready(),
        }
    }

    pub(crate) fn state(&self) -> RobotState {
        self.estimator.state()
    }

    pub(crate) fn joints(&self) -> &JointStates {
        &self.joints
    }

    pub(crate) fn history(&self) -> PoseHistory {
        self.estimator.pose_history().clone()
    }

    /// Motor replies that did not come, over the whole run.
    pub(crate) fn missed_replies(&self) -> u64 {
        self.missed
    }

    /// The greatest torque of any joint since the last call, N m.
    pub(crate) fn take_torque_peak(&mut self) -> f64 {
        std::mem::take(&mut self.torque_peak_nm)
    }
}
