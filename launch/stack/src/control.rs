//! The control process without its ports and clocks: motor cycles in, joint commands out.

use firmware_bridge::bridge::{Cycle, MotorBridge};
use firmware_bridge::safety::{PowerRefused, PowerState, Safety, Severity};
use perception::localise::TunnelCorrection;
use perception::state::{PoseHistory, StateEstimator};
use planner::gait::{Gait, GaitModeRefused};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::{JOINT_NAMES, JOINTS, JointCommand, JointMeasurement, JointStates};
use robot_interface::sensors::ImuSample;
use robot_interface::state::{Posture, RobotState, VelocityCommand};
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;

use crate::config::Robot;
use crate::error::StackError;
use crate::posture::PostureGauge;
use crate::vendor_gait::{VendorGait, VendorOrder};

/// Damping of the joints before the gait's first command, N m s/rad.
const IDLE_DAMPING: f64 = 3.0;
/// Cycles that motors and microcontrollers have to forget their faults and stops in, once somebody has looked at them:
/// 0.1 s at 500 Hz.
const CLEARING_CYCLES: u8 = 50;

/// State of the robot as the control process reports it.
#[derive(Clone, Copy, Debug)]
pub struct ControlStatus {
    /// The estimate.
    pub state: RobotState,
    /// Mode of the gait controller.
    pub mode: GaitMode,
    /// True once the trunk has tilted so far that the legs were let go.
    pub fallen: bool,
    /// True once the estimator has found its footing and every joint has answered.
    pub ready: bool,
    /// Posture on the legs.
    pub posture: Posture,
}

/// Reason for which a gait mode was not granted.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ModeRefused {
    /// The legs are doing something else.
    #[error(transparent)]
    Gait(#[from] GaitModeRefused),
    /// A joint has a trouble.
    #[error(transparent)]
    Power(#[from] PowerRefused),
    /// A joint has never answered: its position is not known.
    #[error("{0} has not answered since the start: check its motor and its bus")]
    Unheard(&'static str),
    /// The direction of gravity is not known yet, and a fall would not be noticed.
    #[error(
        "the state estimate is not ready: let the robot lie still for a second, with its inertial sensor answering"
    )]
    NotReady,
}

/// Whose gait walks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhoseGait {
    /// Adit's: joints are commanded.
    #[default]
    Own,
    /// The vendor's: its service is given orders, and joints are only read.
    Vendor,
}

/// Gait controller of either kind.
enum GaitController {
    Own(Box<Gait>),
    Vendor(VendorGait),
}

impl GaitController {
    fn mode(&self) -> GaitMode {
        match self {
            Self::Own(gait) => gait.mode(),
            Self::Vendor(gait) => gait.mode(),
        }
    }

    fn fallen(&self) -> bool {
        match self {
            Self::Own(gait) => gait.fallen(),
            Self::Vendor(gait) => gait.fallen(),
        }
    }

    fn request(&mut self, mode: GaitMode, now: Stamp) -> Result<(), GaitModeRefused> {
        match self {
            Self::Own(gait) => gait.request(mode, now),
            Self::Vendor(gait) => gait.request(mode, now),
        }
    }
}

/// State estimate and gait, with the watch over the joints and the bridge that their commands go through.
pub struct Control {
    bridge: MotorBridge,
    safety: Safety,
    estimator: StateEstimator,
    posture: PostureGauge,
    gait: GaitController,
    /// The newest order to the vendor's service that nobody has taken.
    order: Option<VendorOrder>,
    commands: [JointCommand; JOINTS],
    joints: JointStates,
    /// Joints that have answered since the start, and in the last cycle. `[12]`
    ever_answered: [bool; JOINTS],
    answered: [bool; JOINTS],
    /// True if somebody has asked the robot to rise since its legs were last let go.
    rise_requested: bool,
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
    /// If the robot's wiring or its policy cannot be used.
    pub fn new(
        robot: &Robot,
        start: Transform<Map, Base>,
        now: Stamp,
        bus_nanos: u64,
    ) -> Result<Self, StackError> {
        let description = &robot.description;
        let lying = description.lying_pose();
        let joints =
            lying.map(|position_rad| JointMeasurement { position_rad, ..JointMeasurement::default() });
        let bridge = MotorBridge::with_cycle(description, bus_nanos)?;
        Ok(Self {
            safety: Safety::new(description, bridge.limits()),
            bridge,
            estimator: StateEstimator::new(description, start, now),
            posture: PostureGauge::new(description),
            gait: GaitController::Own(Box::new(Gait::new(description, &robot.policy)?)),
            order: None,
            commands: [JointCommand::damping(IDLE_DAMPING); JOINTS],
            joints: JointStates { stamp: now, joints },
            ever_answered: [false; JOINTS],
            answered: [false; JOINTS],
            rise_requested: false,
            torque_peak_nm: 0.0,
            missed: 0,
            clearing: 0,
        })
    }

    /// Leaves walking to the vendor's gait, of a robot that lies.
    #[must_use]
    pub fn with_gait_of(mut self, whose: WhoseGait, robot: &Robot) -> Self {
        if whose == WhoseGait::Vendor {
            self.gait = GaitController::Vendor(VendorGait::new(robot.description.gait.max_command));
        }
        self
    }

    /// True if the vendor's gait walks: joints are to be read and not commanded.
    pub const fn is_vendors(&self) -> bool {
        matches!(self.gait, GaitController::Vendor(_))
    }

    /// The order to the vendor's service that the last step made.
    pub const fn take_order(&mut self) -> Option<VendorOrder> {
        self.order.take()
    }

    /// Forgets the estimate: the robot lies at `start` again, at `now`, with its legs let go.
    pub fn begin_anew(&mut self, robot: &Robot, start: Transform<Map, Base>, now: Stamp) {
        self.estimator = StateEstimator::new(&robot.description, start, now);
        self.joints.stamp = now;
        // Letting go is never refused.
        let _ = self.gait.request(GaitMode::Damped, now);
    }

    /// The bridge, and the commands of the cycle that is due.
    pub fn bus(&mut self) -> (&mut MotorBridge, &[JointCommand; JOINTS]) {
        (&mut self.bridge, &self.commands)
    }

    /// Takes what a cycle on the motor buses gave, measured at `now`. A joint that has never answered is taken to be as
    /// in the lying pose; until all have, the legs tell nothing of the robot's motion.
    pub fn handle_cycle(&mut self, cycle: &Cycle, now: Stamp) {
        self.watch(cycle);
        self.joints.stamp = now;
        for joint in (0..JOINTS).filter(|joint| self.ever_answered[*joint]) {
            self.joints.joints[joint] = cycle.states.joints[joint];
        }
        let torques = self.joints.torques();
        self.torque_peak_nm = torques.iter().fold(self.torque_peak_nm, |peak, t| peak.max(t.abs()));
        if self.never_answered().is_none() {
            self.estimator.handle_joints(&self.joints);
        }
    }

    /// Takes of a cycle only what stops the robot: for one between which and the last no time has gone by.
    pub fn watch(&mut self, cycle: &Cycle) {
        self.answered = cycle.answered;
        for (ever, answered) in self.ever_answered.iter_mut().zip(cycle.answered) {
            *ever |= answered;
            self.missed += u64::from(!answered);
        }
        self.safety.handle_cycle(cycle);
        if self.clearing > 0 {
            self.clearing = if self.safety.clear().is_ok() { 0 } else { self.clearing - 1 };
        }
    }

    /// A joint that has not answered since the start.
    fn never_answered(&self) -> Option<&'static str> {
        JOINT_NAMES.iter().zip(self.ever_answered).find_map(|(name, answered)| (!answered).then_some(*name))
    }

    /// Takes an inertial sample.
    pub fn handle_imu(&mut self, sample: &ImuSample) {
        self.estimator.handle_imu(sample);
    }

    /// Takes a measurement against the tunnel.
    pub fn handle_correction(&mut self, correction: &TunnelCorrection) {
        self.estimator.handle_correction(correction);
    }

    /// The commands of the next cycle, towards a body velocity that was given at its stamp.
    pub fn step(&mut self, now: Stamp, velocity: (Stamp, VelocityCommand)) {
        self.react_to_trouble(now);
        let state = self.estimator.state();
        match &mut self.gait {
            GaitController::Own(gait) => {
                let commands = gait.step(now, &state, &self.joints, velocity);
                self.command(now, &commands);
            }
            GaitController::Vendor(gait) => {
                self.order = gait.step(now, &state, velocity);
                self.follow_gait();
            }
        }
    }

    /// Passes on what may be sent of the gait's commands.
    fn command(&mut self, now: Stamp, commands: &[JointCommand; JOINTS]) {
        self.follow_gait();
        self.commands = self.safety.admit(now, commands).unwrap_or_else(|_| {
            // The gait has diverged: what it would say next is not to be waited for. Letting go is never refused.
            let _ = self.gait.request(GaitMode::Damped, now);
            self.follow_gait();
            let damping = [JointCommand::damping(IDLE_DAMPING); JOINTS];
            self.safety.admit(now, &damping).unwrap_or(damping)
        });
    }

    /// A joint's trouble lets the legs go, or has the robot lie down first if it can wait so long.
    fn react_to_trouble(&mut self, now: Stamp) {
        let Some(trip) = self.safety.trip() else { return };
        let mode = self.gait.mode();
        let wanted = match trip.cause.severity() {
            Severity::Cut => GaitMode::Damped,
            Severity::Settle if matches!(mode, GaitMode::Walk | GaitMode::StandUp) => GaitMode::LieDown,
            Severity::Settle => mode,
        };
        if wanted != mode {
            // Both can follow whatever the legs do here.
            let _ = self.gait.request(wanted, now);
        }
        if self.gait.mode() == GaitMode::Damped {
            self.safety.settled();
        }
    }

    /// The emergency stop: joints are damped from the next commands on, whatever the gait does, until somebody asks the
    /// robot to rise again.
    pub fn cut(&mut self, now: Stamp) {
        self.rise_requested = false;
        self.safety.cut();
        // Letting go is never refused.
        let _ = self.gait.request(GaitMode::Damped, now);
    }

    /// The motors may do what the gait's mode needs, and no more; and nothing but damp until somebody has asked the
    /// robot to rise, whatever the gait does.
    fn follow_gait(&mut self) {
        let mode = self.gait.mode();
        self.rise_requested &= mode != GaitMode::Damped;
        let wanted = match mode {
            GaitMode::Damped => PowerState::Damped,
            _ if !self.rise_requested => PowerState::Damped,
            GaitMode::StandUp | GaitMode::LieDown => PowerState::Standing,
            GaitMode::Walk => PowerState::Active,
        };
        for next in [PowerState::Damped, PowerState::Standing, PowerState::Active] {
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
    /// If it cannot follow the present one; or, of rising, when a joint has a trouble or has never answered, or the
    /// estimate is not ready.
    pub fn request(&mut self, mode: GaitMode, now: Stamp) -> Result<(), ModeRefused> {
        let rises = mode == GaitMode::StandUp;
        if rises {
            self.may_rise()?;
        }
        self.gait.request(mode, now)?;
        self.rise_requested |= rises;
        Ok(())
    }

    fn may_rise(&self) -> Result<(), ModeRefused> {
        if let Some(trip) = self.safety.trip() {
            return Err(PowerRefused::Faulted(*trip).into());
        }
        if let Some(joint) = self.never_answered() {
            return Err(ModeRefused::Unheard(joint));
        }
        if self.estimator.is_ready() { Ok(()) } else { Err(ModeRefused::NotReady) }
    }

    /// Returns the watch over the joints.
    pub const fn safety(&self) -> &Safety {
        &self.safety
    }

    /// Clears a joint's trouble that somebody has looked at. Stops that hold at microcontrollers are released, and motors
    /// that keep a fault are told to forget it; a trouble that is gone within `CLEARING_CYCLES` counts as cleared then.
    ///
    /// # Errors
    /// While any joint still has one.
    pub fn clear_trouble(&mut self) -> Result<(), PowerRefused> {
        self.clearing = if self.bridge.clear_faults() { CLEARING_CYCLES } else { 0 };
        self.safety.clear()
    }

    /// Returns the state of the robot, as estimated.
    pub fn status(&self) -> ControlStatus {
        let state = self.estimator.state();
        ControlStatus {
            state,
            posture: self.posture.measure(&state, &self.joints),
            mode: self.gait.mode(),
            fallen: self.gait.fallen(),
            ready: self.estimator.is_ready() && self.never_answered().is_none(),
        }
    }

    /// Returns the estimate.
    pub fn state(&self) -> RobotState {
        self.estimator.state()
    }

    /// Returns the joints as they last answered.
    pub fn joints(&self) -> &JointStates {
        &self.joints
    }

    /// Returns which of the joints answered in the last cycle, `[12]`; the others stand as they last answered.
    pub const fn answered(&self) -> &[bool; JOINTS] {
        &self.answered
    }

    /// Returns how many samples the estimator has not used.
    pub const fn rejected_samples(&self) -> u64 {
        self.estimator.diagnostics().rejected_samples
    }

    /// Returns the estimated poses of the last two seconds.
    pub const fn history(&self) -> &PoseHistory {
        self.estimator.pose_history()
    }

    /// Returns how many motor replies did not come, over the whole run.
    pub fn missed_replies(&self) -> u64 {
        self.missed
    }

    /// Returns the greatest torque of any joint since the last call, N m.
    pub fn take_torque_peak(&mut self) -> f64 {
        std::mem::take(&mut self.torque_peak_nm)
    }
}

#[cfg(test)]
mod tests;
