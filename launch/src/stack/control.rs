//! The control process without its ports and clocks: motor cycles in, joint commands out.

use anyhow::Context;
use firmware_bridge::bridge::{Cycle, MotorBridge};
use firmware_bridge::safety::{Power, PowerRefused, Safety, Severity};
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
/// Cycles that a microcontroller has to release its stop in, once somebody has cleared the trouble: 0.1 s at 500 Hz.
#[cfg(any(test, feature = "ros"))]
const RELEASE_CYCLES: u8 = 50;

/// Why a gait mode was not granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModeRefused {
    /// The legs are doing something else.
    #[error(transparent)]
    Gait(#[from] Refused),
    /// A joint has a trouble.
    #[error(transparent)]
    Power(#[from] PowerRefused),
}

/// State estimate and gait, with the watch over the joints and the bridge that their commands go through.
pub(crate) struct Control {
    bridge: MotorBridge,
    safety: Safety,
    estimator: StateEstimator,
    gait: Gait,
    commands: [JointCommand; JOINTS],
    joints: JointStates,
    torque_peak_nm: f64,
    missed: u64,
    /// Cycles in which a trouble that was cleared may still go away.
    clearing: u8,
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
        let bridge = MotorBridge::with_cycle(description, bus_nanos)
            .context("the robot's motor buses cannot be used")?;
        Ok(Self {
            safety: Safety::new(description, bridge.limits()),
            bridge,
            estimator: StateEstimator::new(description, start, now),
            gait: Gait::new(description, &robot.policy)?,
            commands: [JointCommand::damping(IDLE_DAMPING); JOINTS],
            joints: JointStates { stamp: now, joints },
            torque_peak_nm: 0.0,
            missed: 0,
            clearing: 0,
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
        self.safety.handle_cycle(cycle);
        if self.clearing > 0 {
            self.clearing = if self.safety.clear().is_ok() { 0 } else { self.clearing - 1 };
        }
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
        self.heed_trouble(now);
        let commands = self.gait.step(now, &self.estimator.state(), &self.joints, velocity);
        self.follow_gait();
        // What makes no sense goes on as it is: the bridge refuses it whole, and the motors damp by themselves.
        self.commands = self.safety.admit(now, &commands).unwrap_or(commands);
    }

    /// A joint's trouble lets the legs go, or has the robot lie down first if it can wait so long.
    fn heed_trouble(&mut self, now: Stamp) {
        let Some(trip) = self.safety.trip() else { return };
        let mode = self.gait.mode();
        let wanted = match trip.cause.severity() {
            Severity::Cut => Mode::Damped,
            Severity::Settle if matches!(mode, Mode::Walk | Mode::StandUp) => Mode::LieDown,
            Severity::Settle => mode,
        };
        if wanted != mode {
            // Both can follow whatever the legs do here.
            let _ = self.gait.request(wanted, now);
        }
        if self.gait.mode() == Mode::Damped {
            self.safety.settled();
        }
    }

    /// The motors may do what the gait's mode needs, and no more.
    fn follow_gait(&mut self) {
        let wanted = match self.gait.mode() {
            Mode::Damped => Power::Damped,
            Mode::StandUp | Mode::LieDown => Power::Standing,
            Mode::Walk => Power::Active,
        };
        for next in [Power::Damped, Power::Standing, Power::Active] {
            let up = self.safety.power() < next && next <= wanted;
            let down = next == wanted && self.safety.power() > next;
            if up || down {
                // A faulted joint refuses: what is commanded then is damped, whatever the gait wants.
                let _ = self.safety.request(next);
            }
        }
    }

    /// Asks for a gait mode.
    ///
    /// # Errors
    /// When it cannot follow the present one, or a joint has a trouble and may not be driven.
    pub(crate) fn request(&mut self, mode: Mode, now: Stamp) -> Result<(), ModeRefused> {
        if let Some(trip) = self.safety.trip()
            && mode == Mode::StandUp
        {
            return Err(PowerRefused::Faulted(*trip).into());
        }
        Ok(self.gait.request(mode, now)?)
    }

    /// The watch over the joints.
    pub(crate) const fn safety(&self) -> &Safety {
        &self.safety
    }

    /// Somebody has looked at a joint's trouble. Stops that hold at microcontrollers are released; one that holds no
    /// more within [`RELEASE_CYCLES`] counts as cleared then.
    ///
    /// # Errors
    /// While any joint still has one.
    #[cfg(any(test, feature = "ros"))]
    pub(crate) fn clear_trouble(&mut self) -> Result<(), PowerRefused> {
        self.clearing = if self.bridge.reset_stops() { RELEASE_CYCLES } else { 0 };
        self.safety.clear()
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

#[cfg(test)]
mod tests;
