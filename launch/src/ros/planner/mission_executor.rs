//! Executor of one mission, from its being asked for to its report.

use r2r::adit_msgs::action::RunMission;
use r2r::adit_msgs::msg::{MissionStatus, MotionTarget};
use r2r::adit_msgs::srv::{AcquireLease, ReleaseLease};
use r2r::std_srvs::srv::Trigger;
use robot_interface::state::VelocityCommand;
use robot_interface::status::{Ending, GaitMode, MissionOrder, MissionPhase, MissionState};
use robot_interface::time::Stamp;

use super::goal::Goal;
use super::inputs::Inputs;
use super::requests::{Pending, ServiceClients};
use crate::ros::convert::time;
use crate::ros::settings::NodeSettings;
use stack::{Navigator, NavigatorInput, VelocityController};

/// Name under which the lease is taken.
const OWNER: &str = "planner";
/// Interval between two decisions of the mission, two targets, two words on how far it has come, ns.
const DECIDE_NANOS: u64 = 100_000_000;
const TARGET_NANOS: u64 = 20_000_000;
const STATUS_NANOS: u64 = 200_000_000;
/// The lease: for how long it is asked for, and how long before its end it is renewed, s.
const LEASE_S: f64 = 4.0;
const RENEW_NANOS: u64 = 1_000_000_000;
/// The longest that the lease, and the report, are waited for, s.
const LEASE_WITHIN_S: f64 = 5.0;
const REPORT_WITHIN_S: f64 = 90.0;
/// Without news of the robot or the ground it stands after the first time, and gives up after the second, s.
const STAND_WHEN_BLIND_S: f64 = 1.0;
const GIVE_UP_WHEN_BLIND_S: f64 = 10.0;
/// Without news it cannot be seen that the robot lies, s: then no more targets are sent, and the bridge's failsafe lays it
/// down.
const END_WHEN_BLIND_S: f64 = 20.0;
/// The longest that the robot of a lost mission is given to lie, s: the bridge's failsafe begins that after ten.
const SETTLE_WITHIN_S: f64 = 20.0;
/// Reason for which a lost mission was given up.
pub(super) const PLANNER_DIED: &str = "the planner died";

/// Stage of a mission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The lease has been asked for.
    Leasing,
    /// The robot walks the mission.
    Executing,
    /// The mission was lost with its planner; the bridge lays the robot down.
    Settling,
    /// The robot lies; the report is being written.
    Reporting,
    /// All is done.
    Over,
}

/// Messages to be published.
#[derive(Default)]
pub(super) struct Step {
    pub(super) target: Option<MotionTarget>,
    pub(super) picture: bool,
    pub(super) path: Option<(Stamp, Vec<[f64; 3]>)>,
    pub(super) status: Option<MissionStatus>,
}

pub(super) struct MissionExecutor {
    stage: Stage,
    since: Stamp,
    navigator: Navigator,
    velocity_controller: VelocityController,
    goal: Option<Goal>,
    cancelled: bool,
    order: Option<MissionOrder>,
    token: String,
    lease: Option<Pending<AcquireLease::Response>>,
    release: Option<Pending<ReleaseLease::Response>>,
    report: Option<Pending<Trigger::Response>>,
    asked: Option<Stamp>,
    decided: Option<Stamp>,
    targeted: Option<Stamp>,
    told: Option<Stamp>,
    mode: Option<GaitMode>,
    phase: MissionPhase,
    /// Reason for which it was given up, when that is not the mission's own reason.
    failure: Option<String>,
    folder: String,
    defects: u32,
}

impl MissionExecutor {
    pub(super) fn new(settings: &NodeSettings, now: Stamp, goal: Option<Goal>) -> Self {
        let robot = &settings.robot.description;
        Self {
            stage: Stage::Leasing,
            since: now,
            navigator: Navigator::new(&settings.mission, robot),
            velocity_controller: VelocityController::new(robot),
            goal,
            cancelled: false,
            order: None,
            token: String::new(),
            lease: None,
            release: None,
            report: None,
            asked: None,
            decided: None,
            targeted: None,
            told: None,
            mode: None,
            phase: MissionPhase::Idle,
            failure: None,
            folder: String::new(),
            defects: 0,
        }
    }

    /// The end of a mission whose planner died: it is told, waits until the robot lies, and is reported.
    pub(super) fn of_lost_mission(settings: &NodeSettings, now: Stamp) -> Self {
        tracing::error!("mission given up: {PLANNER_DIED}");
        let failure = Some(PLANNER_DIED.to_owned());
        Self { stage: Stage::Settling, failure, ..Self::new(settings, now, None) }
    }

    pub(super) const fn stage(&self) -> Stage {
        self.stage
    }

    /// Returns what it does, for people.
    pub(super) fn doing(&self) -> &'static str {
        match self.stage {
            Stage::Leasing => "asking for the lease",
            Stage::Executing => self.phase.name(),
            Stage::Settling => "over: the robot lies down",
            Stage::Reporting => "writing the report",
            Stage::Over => "over",
        }
    }

    /// Takes an operator's order.
    pub(super) fn order(&mut self, order: MissionOrder) -> Result<(), String> {
        if self.stage != Stage::Executing {
            return Err(format!("the mission is {}: it cannot take orders now", self.doing()));
        }
        self.order = Some(order);
        Ok(())
    }

    /// The robot is to lie down where it is, and the mission to end.
    pub(super) fn stop(&mut self) {
        match self.stage {
            Stage::Leasing => self.fail("stopped before it began"),
            Stage::Executing => self.order = Some(MissionOrder::Stop),
            Stage::Settling => self.stage = Stage::Reporting,
            Stage::Reporting | Stage::Over => {}
        }
    }

    fn fail(&mut self, reason: &str) {
        tracing::warn!("mission given up: {reason}");
        self.failure.get_or_insert_with(|| reason.to_owned());
        self.stage = Stage::Reporting;
    }

    /// Goes on; called as often as the node looks.
    pub(super) fn step(
        &mut self,
        now: Stamp,
        inputs: &Inputs,
        speed_m_s: [f64; 2],
        clients: &ServiceClients,
    ) -> Step {
        self.hear_cancel();
        self.defects = inputs.defects;
        let mut step = Step::default();
        match self.stage {
            Stage::Leasing => self.take_lease(now, clients),
            Stage::Executing => self.execute(now, inputs, speed_m_s, clients, &mut step),
            Stage::Settling => self.settle(now, inputs),
            Stage::Reporting => self.write_report(now, clients),
            Stage::Over => return step,
        }
        if due(&mut self.told, now, STATUS_NANOS) || self.stage == Stage::Over {
            let status = self.status(inputs);
            if let Some(goal) = &self.goal
                && let Err(error) =
                    goal.handle.publish_feedback(RunMission::Feedback { status: status.clone() })
            {
                tracing::warn!("mission/run: {error}");
            }
            step.status = Some(status);
        }
        if self.stage == Stage::Over {
            self.conclude();
        }
        step
    }

    fn hear_cancel(&mut self) {
        if let Some(goal) = &mut self.goal
            && let Some(request) = goal.cancels.take()
        {
            request.accept();
            self.cancelled = true;
            self.stop();
        }
    }

    fn take_lease(&mut self, now: Stamp, clients: &ServiceClients) {
        self.tend_lease(now, clients);
        if !self.token.is_empty() {
            self.stage = Stage::Executing;
        } else if now.seconds_since(self.since) > LEASE_WITHIN_S {
            self.fail("the bridge did not grant the lease: is it active?");
        }
    }

    /// Asks for the lease and renews it.
    fn tend_lease(&mut self, now: Stamp, clients: &ServiceClients) {
        if let Some(answer) = self.lease.as_mut().and_then(Pending::take) {
            self.lease = None;
            match answer {
                Ok(lease) if lease.granted => self.token = lease.token,
                Ok(lease) => self.fail(&lease.message),
                Err(error) => tracing::warn!("lease/acquire: {error}"),
            }
        }
        if due(&mut self.asked, now, RENEW_NANOS) {
            // An answer that has not come by now does not come any more.
            let request = AcquireLease::Request {
                owner: OWNER.to_owned(),
                duration_s: LEASE_S,
                token: self.token.clone(),
            };
            self.lease = Pending::ask(&clients.acquire, &request)
                .inspect_err(|error| tracing::warn!("lease/acquire: {error}"))
                .ok();
        }
    }

    fn execute(
        &mut self,
        now: Stamp,
        inputs: &Inputs,
        speed_m_s: [f64; 2],
        clients: &ServiceClients,
        step: &mut Step,
    ) {
        self.tend_lease(now, clients);
        // What never came is missed since the mission was asked for.
        let blind_s = inputs.age_s(now).min(now.seconds_since(self.since));
        let heard = inputs.control_status().is_some() && inputs.grid.is_some();
        if self.order == Some(MissionOrder::Stop) && !heard {
            return self.fail("stopped before anything was heard of the robot and the ground");
        }
        if blind_s > GIVE_UP_WHEN_BLIND_S {
            self.order = Some(MissionOrder::Stop);
            self.failure.get_or_insert_with(|| inputs.silence(now));
        }
        if blind_s > END_WHEN_BLIND_S {
            return self.fail(&inputs.silence(now));
        }
        if due(&mut self.decided, now, DECIDE_NANOS) {
            self.decide(inputs, speed_m_s, step);
        }
        if due(&mut self.targeted, now, TARGET_NANOS)
            && let Some(body) = inputs.control_status()
        {
            let velocity = if blind_s > STAND_WHEN_BLIND_S {
                VelocityCommand::default()
            } else {
                self.velocity_controller.velocity(&body.state)
            };
            step.target = Some(self.target(body.state.stamp, velocity));
        }
        if self.phase == MissionPhase::Done {
            self.stage = Stage::Reporting;
        }
    }

    fn decide(&mut self, inputs: &Inputs, speed_m_s: [f64; 2], step: &mut Step) {
        let (Some(body), Some((_, grid))) = (inputs.control_status(), &inputs.grid) else { return };
        self.navigator.set_speeds(speed_m_s);
        // A sample that comes again is no news to the battery's monitor, which goes by its stamp.
        let wanted = self.navigator.step(&NavigatorInput {
            now: body.state.stamp,
            status: &body,
            grid,
            battery: inputs.battery.as_ref(),
            order: self.order.take(),
        });
        if wanted.phase != self.phase {
            tracing::info!("{}", wanted.phase.name());
            self.phase = wanted.phase;
        }
        self.mode = wanted.gait;
        self.velocity_controller.follow(&wanted, self.navigator.path());
        step.picture = wanted.picture;
        let height_m = body.state.map_from_base.origin().z;
        let path = self.navigator.path().unwrap_or_default();
        step.path = Some((body.state.stamp, path.iter().map(|[x, y]| [*x, *y, height_m]).collect()));
    }

    fn target(&mut self, stamp: Stamp, velocity: VelocityCommand) -> MotionTarget {
        let mode = match self.mode.take() {
            Some(mode @ (GaitMode::StandUp | GaitMode::LieDown)) => mode.number(),
            Some(GaitMode::Damped | GaitMode::Walk) | None => 0,
        };
        let mut target = MotionTarget { token: self.token.clone(), mode, ..MotionTarget::default() };
        target.header.stamp = time(stamp);
        target.header.frame_id = "base_link".to_owned();
        (target.twist.linear.x, target.twist.linear.y) = (velocity.vx_m_s, velocity.vy_m_s);
        target.twist.angular.z = velocity.wz_rad_s;
        target
    }

    fn settle(&mut self, now: Stamp, inputs: &Inputs) {
        let lies = inputs.control_status().is_some_and(|status| status.mode == GaitMode::Damped);
        if lies || now.seconds_since(self.since) > SETTLE_WITHIN_S {
            (self.stage, self.since) = (Stage::Reporting, now);
        }
    }

    /// Gives the lease back and has the report written.
    fn write_report(&mut self, now: Stamp, clients: &ServiceClients) {
        if !self.token.is_empty() && self.release.is_none() {
            let request = ReleaseLease::Request { token: std::mem::take(&mut self.token) };
            // Should it not arrive, the lease ends by itself.
            self.release = Pending::ask(&clients.release, &request).ok();
            self.since = now;
        }
        // The status goes first: the report tells how the mission ended.
        if self.report.is_none() && now.seconds_since(self.since) > 0.5 {
            self.report = Pending::ask(&clients.report, &Trigger::Request::default())
                .inspect_err(|error| tracing::warn!("report/write: {error}"))
                .ok();
            self.since = now;
        }
        match self.report.as_mut().and_then(Pending::take) {
            Some(Ok(answer)) => {
                if answer.success {
                    tracing::info!("report in {}", answer.message);
                    self.folder = answer.message;
                } else {
                    tracing::warn!("no report: {}", answer.message);
                }
                self.stage = Stage::Over;
            }
            Some(Err(_)) => self.stage = Stage::Over,
            None if now.seconds_since(self.since) > REPORT_WITHIN_S => {
                tracing::warn!("no report: perception did not answer");
                self.stage = Stage::Over;
            }
            None => {}
        }
    }

    /// Returns how the mission ended.
    fn ended(&self) -> MissionState {
        match &self.failure {
            Some(text) => MissionState::GivenUp(Ending { reason: None, text: text.clone() }),
            None => self.navigator.state(),
        }
    }

    fn status(&self, inputs: &Inputs) -> MissionStatus {
        let state = match self.stage {
            Stage::Leasing => MissionState::Preparing,
            Stage::Executing => MissionState::Underway(self.phase),
            Stage::Settling | Stage::Reporting | Stage::Over => self.ended(),
        };
        let estimate = inputs.control_status().map(|status| status.state);
        let mut status = MissionStatus {
            state: state.number(),
            phase: state.phase_number(),
            abort_reason: state.abort_number(),
            text: state.text().to_owned(),
            chainage_m: estimate.as_ref().map_or(0.0, |estimate| self.navigator.place(estimate).chainage_m),
            distance_walked_m: self.navigator.progress().way_m,
            defects: self.defects,
            ..MissionStatus::default()
        };
        status.header.stamp = time(estimate.map_or(Stamp::ZERO, |estimate| estimate.stamp));
        status.header.frame_id = "map".to_owned();
        status
    }

    /// Tells whoever asked by the action.
    fn conclude(&mut self) {
        let ended = self.ended();
        tracing::info!("mission {ended}");
        let completed = ended == MissionState::Completed;
        let Some(mut goal) = self.goal.take() else { return };
        let result = RunMission::Result {
            completed,
            reason: if completed { String::new() } else { ended.text().to_owned() },
            defects: self.defects,
            distance_walked_m: self.navigator.progress().way_m,
            report: std::mem::take(&mut self.folder),
        };
        let told = if self.cancelled {
            goal.handle.cancel(result)
        } else if completed {
            goal.handle.succeed(result)
        } else {
            goal.handle.abort(result)
        };
        if let Err(error) = told {
            tracing::warn!("mission/run: the result could not be told: {error}");
        }
    }
}

/// Returns true if it is time again; then the present is remembered.
fn due(last: &mut Option<Stamp>, now: Stamp, every_nanos: u64) -> bool {
    let is_due = last.is_none_or(|at| now >= at.plus_nanos(every_nanos));
    if is_due {
        *last = Some(now);
    }
    is_due
}
