//! One mission from its being asked for to its report.

use planner::gait::Mode;
use planner::mission::{Order, Phase};
use r2r::adit_msgs::action::RunMission;
use r2r::adit_msgs::msg::{MissionStatus, MotionTarget};
use r2r::adit_msgs::srv::{AcquireLease, ReleaseLease};
use r2r::std_srvs::srv::Trigger;
use robot_interface::state::VelocityCommand;
use robot_interface::time::Stamp;

use super::ask::{Ask, Pending};
use super::missions::Goal;
use super::{Known, OWNER};
use crate::ros::Setting;
use crate::ros::convert::time;
use stack::{Guide, Navigator, ending};

/// Between two decisions of the mission, two targets, two words on how far it has come, ns.
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
const BLIND_S: (f64, f64) = (1.0, 10.0);

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The lease has been asked for.
    Leasing,
    /// The robot is led.
    Leading,
    /// The robot lies; the report is being written.
    Reporting,
    /// All is done.
    Over,
}

/// What is to be published.
#[derive(Default)]
pub(super) struct Step {
    pub(super) target: Option<MotionTarget>,
    pub(super) picture: bool,
    pub(super) path: Option<(Stamp, Vec<[f64; 3]>)>,
    pub(super) status: Option<MissionStatus>,
}

pub(super) struct Journey {
    stage: Stage,
    since: Stamp,
    navigator: Navigator,
    guide: Guide,
    goal: Option<Goal>,
    cancelled: bool,
    order: Option<Order>,
    token: String,
    lease: Option<Pending<AcquireLease::Response>>,
    release: Option<Pending<ReleaseLease::Response>>,
    report: Option<Pending<Trigger::Response>>,
    asked: Option<Stamp>,
    decided: Option<Stamp>,
    targeted: Option<Stamp>,
    told: Option<Stamp>,
    mode: Option<Mode>,
    phase: Phase,
    /// Why it was given up, when that is not the mission's own reason.
    failure: Option<String>,
    folder: String,
    start_m: f64,
    farthest_m: f64,
    way_m: f64,
    defects: u32,
}

impl Journey {
    pub(super) fn new(setting: &Setting, now: Stamp, goal: Option<Goal>) -> Self {
        let robot = &setting.robot.description;
        Self {
            stage: Stage::Leasing,
            since: now,
            navigator: Navigator::new(&setting.mission, robot),
            guide: Guide::new(robot),
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
            phase: Phase::Idle,
            failure: None,
            folder: String::new(),
            start_m: setting.mission.inspection.start_m.get(),
            farthest_m: 0.0,
            way_m: 0.0,
            defects: 0,
        }
    }

    pub(super) const fn stage(&self) -> Stage {
        self.stage
    }

    /// What it does, for people.
    pub(super) fn doing(&self) -> &'static str {
        match self.stage {
            Stage::Leasing => "asking for the lease",
            Stage::Leading => self.phase.name(),
            Stage::Reporting => "writing the report",
            Stage::Over => "over",
        }
    }

    /// Takes an operator's order.
    pub(super) fn order(&mut self, order: Order) -> Result<(), String> {
        if self.stage != Stage::Leading {
            return Err(format!("the mission is {}: it cannot take orders now", self.doing()));
        }
        self.order = Some(order);
        Ok(())
    }

    /// The robot is to lie down where it is, and the mission to end.
    pub(super) fn stop(&mut self) {
        match self.stage {
            Stage::Leasing => self.fail("stopped before it began"),
            Stage::Leading => self.order = Some(Order::Stop),
            Stage::Reporting | Stage::Over => {}
        }
    }

    fn fail(&mut self, reason: &str) {
        tracing::warn!("mission given up: {reason}");
        self.failure.get_or_insert_with(|| reason.to_owned());
        self.stage = Stage::Reporting;
    }

    /// Goes on; called as often as the node looks.
    pub(super) fn step(&mut self, now: Stamp, known: &Known, speed_m_s: [f64; 2], ask: &Ask) -> Step {
        self.hear_cancel();
        self.defects = known.defects;
        let mut step = Step::default();
        match self.stage {
            Stage::Leasing => self.take_lease(now, ask),
            Stage::Leading => self.lead(now, known, speed_m_s, ask, &mut step),
            Stage::Reporting => self.write_report(now, ask),
            Stage::Over => return step,
        }
        if due(&mut self.told, now, STATUS_NANOS) || self.stage == Stage::Over {
            let status = self.status(known);
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

    fn take_lease(&mut self, now: Stamp, ask: &Ask) {
        self.tend_lease(now, ask);
        if !self.token.is_empty() {
            self.stage = Stage::Leading;
        } else if now.seconds_since(self.since) > LEASE_WITHIN_S {
            self.fail("the bridge did not grant the lease: is it active?");
        }
    }

    /// Asks for the lease and renews it.
    fn tend_lease(&mut self, now: Stamp, ask: &Ask) {
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
            self.lease = Pending::ask(&ask.acquire, &request)
                .inspect_err(|error| tracing::warn!("lease/acquire: {error}"))
                .ok();
        }
    }

    fn lead(&mut self, now: Stamp, known: &Known, speed_m_s: [f64; 2], ask: &Ask, step: &mut Step) {
        self.tend_lease(now, ask);
        let blind_s = known.age_s(now);
        if blind_s.is_finite() && blind_s > BLIND_S.1 {
            self.order = Some(Order::Stop);
            self.failure.get_or_insert_with(|| "nothing was heard of the robot or the ground".to_owned());
        }
        if due(&mut self.decided, now, DECIDE_NANOS) {
            self.decide(known, speed_m_s, step);
        }
        if due(&mut self.targeted, now, TARGET_NANOS)
            && let Some(body) = known.body()
        {
            let velocity = if blind_s > BLIND_S.0 {
                VelocityCommand::default()
            } else {
                self.guide.velocity(&body.state)
            };
            step.target = Some(self.target(body.state.stamp, velocity));
        }
        if self.phase == Phase::Done {
            self.stage = Stage::Reporting;
        }
    }

    fn decide(&mut self, known: &Known, speed_m_s: [f64; 2], step: &mut Step) {
        let (Some(body), Some((_, grid))) = (known.body(), &known.grid) else { return };
        self.navigator.mission.set_speeds(speed_m_s);
        let wanted = self.navigator.step(&body, grid, body.state.stamp, self.order.take());
        if wanted.phase != self.phase {
            tracing::info!("{}", wanted.phase.name());
            self.phase = wanted.phase;
        }
        self.mode = wanted.gait;
        self.guide.follow(&wanted, self.navigator.path());
        step.picture = wanted.picture;
        let height_m = body.state.map_from_base.origin().z;
        let path = self.navigator.path().unwrap_or_default();
        step.path = Some((body.state.stamp, path.iter().map(|[x, y]| [*x, *y, height_m]).collect()));
        let out_m = self.navigator.place(&body.state).chainage_m - self.start_m;
        self.farthest_m = self.farthest_m.max(out_m);
        let outbound = self.navigator.mission.outbound();
        self.way_m = if outbound { out_m } else { 2.0 * self.farthest_m - out_m }.max(0.0);
    }

    fn target(&mut self, stamp: Stamp, velocity: VelocityCommand) -> MotionTarget {
        let mode = match self.mode.take() {
            Some(Mode::StandUp) => "stand_up",
            Some(Mode::LieDown) => "lie_down",
            _ => "",
        };
        let mut target =
            MotionTarget { token: self.token.clone(), mode: mode.to_owned(), ..MotionTarget::default() };
        target.header.stamp = time(stamp);
        target.header.frame_id = "base_link".to_owned();
        (target.twist.linear.x, target.twist.linear.y) = (velocity.vx_m_s, velocity.vy_m_s);
        target.twist.angular.z = velocity.wz_rad_s;
        target
    }

    /// Gives the lease back and has the report written.
    fn write_report(&mut self, now: Stamp, ask: &Ask) {
        if !self.token.is_empty() && self.release.is_none() {
            let request = ReleaseLease::Request { token: std::mem::take(&mut self.token) };
            // Should it not arrive, the lease ends by itself.
            self.release = Pending::ask(&ask.release, &request).ok();
            self.since = now;
        }
        // The status goes first: the report tells how the mission ended.
        if self.report.is_none() && now.seconds_since(self.since) > 0.5 {
            self.report = Pending::ask(&ask.report, &Trigger::Request::default())
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

    fn reason(&self) -> Option<String> {
        self.failure
            .clone()
            .or_else(|| self.navigator.mission.abort_reason().map(|reason| reason.to_string()))
    }

    fn status(&self, known: &Known) -> MissionStatus {
        let state = known.body().map(|body| body.state);
        let phase = match (self.stage, self.reason()) {
            (Stage::Leasing | Stage::Leading, _) => self.doing().to_owned(),
            (_, reason) => ending(reason.as_deref()),
        };
        let mut status = MissionStatus {
            phase,
            chainage_m: state.as_ref().map_or(0.0, |state| self.navigator.place(state).chainage_m),
            distance_walked_m: self.way_m,
            defects: self.defects,
            ..MissionStatus::default()
        };
        status.header.stamp = time(state.map_or(Stamp::ZERO, |state| state.stamp));
        status.header.frame_id = "map".to_owned();
        status
    }

    /// Tells whoever asked by the action.
    fn conclude(&mut self) {
        let reason = self.reason();
        match &reason {
            None => tracing::info!("mission completed"),
            Some(reason) => tracing::info!("mission given up: {reason}"),
        }
        let Some(mut goal) = self.goal.take() else { return };
        let result = RunMission::Result {
            completed: reason.is_none(),
            reason: reason.clone().unwrap_or_default(),
            defects: self.defects,
            distance_walked_m: self.way_m,
            report: std::mem::take(&mut self.folder),
        };
        let told = if self.cancelled {
            goal.handle.cancel(result)
        } else if reason.is_none() {
            goal.handle.succeed(result)
        } else {
            goal.handle.abort(result)
        };
        if let Err(error) = told {
            tracing::warn!("mission/run: the result could not be told: {error}");
        }
    }
}

/// Whether it is time again; then the present is remembered.
fn due(last: &mut Option<Stamp>, now: Stamp, every_nanos: u64) -> bool {
    let is_due = last.is_none_or(|at| now >= at.plus_nanos(every_nanos));
    if is_due {
        *last = Some(now);
    }
    is_due
}
