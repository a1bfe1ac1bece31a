//! Mission state machine: out along the tunnel from station to station, and home again.
//!
//! The [`TABLE`] is all of its transitions; the rest of this module only finds out which event has come.

mod footing;
mod table;

use robot_interface::state::Posture;
use robot_interface::status::{AbortReason, GaitMode, MissionOrder, MissionPhase};
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelPoint;

use crate::battery::BatteryLevel;
use footing::Footing;
use table::next;
pub use table::{Action, Event, TABLE};

/// Distance along the axis to the next goal for the path planner, m: well inside the terrain map.
const AHEAD_M: f64 = 3.0;
/// Close enough to a station or to home, m.
const ARRIVED_M: f64 = 0.15;
/// Less than this is no progress, m.
const PROGRESS_M: f64 = 0.2;
/// Time for which it backs away from where it got stuck, s.
const BACK_UP_S: f64 = 2.5;
/// Forward speed while it backs away, m/s.
const BACK_UP_M_S: f64 = -0.25;
/// Attempts at backing up in a row, after which it gives up.
const MAX_BACK_UPS: u32 = 3;
/// A robot that sinks within this distance of its start never stood, m.
const OFF_THE_START_M: f64 = 0.5;
/// Past the timeout by this factor it lies down wherever it is.
const OVERDUE_FACTOR: f64 = 1.5;

/// Plan of a mission: the stations, and how to walk between them.
#[derive(Clone, Debug, PartialEq)]
pub struct MissionPlan {
    /// Chainage to come home to, m.
    pub home_m: f64,
    /// Chainages at which to stop and inspect, m, ascending; at the last one it turns round.
    pub stations_m: Vec<f64>,
    /// Time at a station, s.
    pub dwell_s: f64,
    /// Distance between pictures on the way out, m.
    pub picture_every_m: f64,
    /// Walking speed out and home, m/s.
    pub speed_m_s: [f64; 2],
    /// Time after which it turns home, s.
    pub timeout_s: f64,
    /// Time without progress that counts as stuck, s.
    pub stuck_after_s: f64,
    /// Height of the base above the ground when the robot stands, m.
    pub standing_height_m: f64,
    /// Greatest angle of the trunk from level when it stands, rad.
    pub max_tilt_rad: f64,
}

/// Input of the state machine, ten times a second.
#[derive(Clone, Copy, Debug)]
pub struct MissionInput {
    /// The time.
    pub now: Stamp,
    /// Place of the robot, as estimated.
    pub place: TunnelPoint,
    /// Present mode of the gait controller.
    pub gait: GaitMode,
    /// True once the gait controller saw a fall.
    pub fallen: bool,
    /// True once the state estimator is ready; the robot does not rise before.
    pub ready: bool,
    /// Posture on its legs; `None` where it is not told.
    pub posture: Option<Posture>,
    /// State of the battery.
    pub battery: BatteryLevel,
    /// Order of the operator, if there is one.
    pub order: Option<MissionOrder>,
}

/// Output of the state machine: what the mission wants now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MissionOutput {
    /// Present phase.
    pub phase: MissionPhase,
    /// A gait mode to ask for.
    pub gait: Option<GaitMode>,
    /// Chainage to plan a path to, m, on the axis; `None` to stand.
    pub goal_m: Option<f64>,
    /// Speed limit, m/s.
    pub speed_m_s: f64,
    /// Backwards speed to walk with straight away, without a path, m/s.
    pub back_up_m_s: Option<f64>,
    /// True when pictures are to be taken now.
    pub picture: bool,
    /// Reason for which it has been given up just now. Another may follow on the way home: the first is the mission's.
    pub given_up: Option<AbortReason>,
}

/// Mission state machine.
#[derive(Clone, Debug)]
pub struct Mission {
    plan: MissionPlan,
    phase: MissionPhase,
    since: Stamp,
    started: Option<Stamp>,
    station: usize,
    next_picture_m: f64,
    best_m: f64,
    best_at: Stamp,
    back_ups: u32,
    footing: Footing,
    abort: Option<AbortReason>,
}

impl Mission {
    /// A mission that has not begun.
    pub fn new(plan: MissionPlan) -> Self {
        Self {
            next_picture_m: plan.home_m,
            best_m: plan.home_m,
            footing: Footing::new(plan.standing_height_m, plan.max_tilt_rad),
            plan,
            phase: MissionPhase::Idle,
            since: Stamp::ZERO,
            started: None,
            station: 0,
            best_at: Stamp::ZERO,
            back_ups: 0,
            abort: None,
        }
    }

    /// Changes the walking speeds, out and home, m/s.
    pub const fn set_speeds(&mut self, speed_m_s: [f64; 2]) {
        self.plan.speed_m_s = speed_m_s;
    }

    /// Returns the present phase.
    pub const fn phase(&self) -> MissionPhase {
        self.phase
    }

    /// Returns the reason for which it is being or was given up; `None` if it was not.
    pub const fn abort_reason(&self) -> Option<AbortReason> {
        self.abort
    }

    /// True if it came home with nothing left out.
    pub fn completed(&self) -> bool {
        self.phase == MissionPhase::Done && self.abort.is_none()
    }

    /// True on the way out and at a station.
    pub const fn outbound(&self) -> bool {
        self.phase.is_outbound()
    }

    /// Goes on by one step.
    pub fn step(&mut self, input: &MissionInput) -> MissionOutput {
        self.footing.handle_posture(input.now, input.gait, input.posture.as_ref());
        let mut given_up = None;
        if let Some(event) = self.event(input)
            && let Some((to, action)) = next(self.phase, event)
        {
            given_up = self.act(action);
            self.enter(to, input);
        }
        MissionOutput { given_up, ..self.output(input) }
    }

    /// The event that has come and that the table has a row for; the gravest first.
    fn event(&mut self, input: &MissionInput) -> Option<Event> {
        let here = input.place.chainage_m;
        let in_phase_s = input.now.seconds_since(self.since);
        let total_s = self.started.map_or(0.0, |s| input.now.seconds_since(s));
        let counts = |event| next(self.phase, event).is_some();
        let has_sunk = self.footing.has_sunk(input.now);
        let at_start = self.station == 0 && (here - self.plan.home_m).abs() < OFF_THE_START_M;
        let anywhere = [
            (Event::Fell, input.fallen),
            (Event::LetGo, input.gait == GaitMode::Damped),
            (Event::Stop, input.order == Some(MissionOrder::Stop)),
            (Event::BatteryCritical, input.battery == BatteryLevel::Critical),
            (Event::NotRisen, has_sunk && at_start),
            (Event::Sank, has_sunk),
            (Event::Overdue, total_s > OVERDUE_FACTOR * self.plan.timeout_s),
            (Event::Timeout, total_s > self.plan.timeout_s),
            (Event::GoHome, input.order == Some(MissionOrder::GoHome)),
            (Event::Pause, input.order == Some(MissionOrder::Pause)),
            (Event::Resume, input.order == Some(MissionOrder::Resume)),
            (Event::BatteryLow, input.battery == BatteryLevel::Low),
            (Event::BatteryUnknown, input.battery == BatteryLevel::Unknown),
        ];
        if let Some((event, _)) = anywhere.into_iter().find(|(event, is)| *is && counts(*event)) {
            return Some(event);
        }
        match self.phase {
            MissionPhase::Idle => input.ready.then_some(Event::Ready),
            MissionPhase::StandUp => match input.gait {
                GaitMode::Walk if self.footing.has_risen() => Some(Event::Standing),
                GaitMode::Walk => Some(Event::NotRisen),
                // The legs were let go again while it rose.
                GaitMode::Damped if self.footing.has_begun() => Some(Event::NotRisen),
                GaitMode::Damped | GaitMode::StandUp | GaitMode::LieDown => None,
            },
            MissionPhase::Go => {
                let station = self.plan.stations_m.get(self.station).copied().unwrap_or(here);
                if here >= station - ARRIVED_M { Some(Event::Arrived) } else { self.stuck(input, here) }
            }
            MissionPhase::Return => {
                let home = here <= self.plan.home_m + ARRIVED_M;
                if home { Some(Event::Arrived) } else { self.stuck(input, -here) }
            }
            MissionPhase::Inspect if in_phase_s >= self.plan.dwell_s => {
                let last = self.station + 1 >= self.plan.stations_m.len();
                Some(if last { Event::AllInspected } else { Event::Inspected })
            }
            MissionPhase::BackUpOut | MissionPhase::BackUpHome => {
                (in_phase_s >= BACK_UP_S).then_some(Event::BackedUp)
            }
            MissionPhase::LieDown => (input.gait == GaitMode::Damped).then_some(Event::Lying),
            MissionPhase::Inspect
            | MissionPhase::PausedOut
            | MissionPhase::PausedHome
            | MissionPhase::Done => None,
        }
    }

    /// Watches over progress: `towards` grows in the direction wanted.
    fn stuck(&mut self, input: &MissionInput, towards: f64) -> Option<Event> {
        if towards > self.best_m + PROGRESS_M {
            (self.best_m, self.best_at, self.back_ups) = (towards, input.now, 0);
        }
        let still_s = input.now.seconds_since(self.best_at);
        let event = if self.back_ups < MAX_BACK_UPS { Event::Stuck } else { Event::StuckForGood };
        (still_s > self.plan.stuck_after_s).then_some(event)
    }

    /// Does what goes with a change of phase; returns the reason, if the mission is given up by it.
    fn act(&mut self, action: Action) -> Option<AbortReason> {
        match action {
            Action::Proceed => {}
            Action::NextStation => self.station += 1,
            Action::CountBackUp => self.back_ups += 1,
            Action::GiveUp(reason) => {
                // The first reason is the one that tells.
                self.abort = self.abort.or(Some(reason));
                return Some(reason);
            }
        }
        None
    }

    fn enter(&mut self, to: MissionPhase, input: &MissionInput) {
        let here = input.place.chainage_m;
        match to {
            MissionPhase::StandUp => self.started = Some(input.now),
            MissionPhase::Go => (self.best_m, self.best_at) = (here, input.now),
            MissionPhase::Return => {
                if self.phase != MissionPhase::BackUpHome {
                    self.back_ups = 0;
                }
                (self.best_m, self.best_at) = (-here, input.now);
            }
            // A picture at every station, whenever the last one was.
            MissionPhase::Inspect => self.next_picture_m = self.next_picture_m.min(here),
            _ => {}
        }
        (self.phase, self.since) = (to, input.now);
    }

    fn output(&mut self, input: &MissionInput) -> MissionOutput {
        let here = input.place.chainage_m;
        let last_m = self.plan.stations_m.last().copied().unwrap_or(self.plan.home_m);
        let gait = match (self.phase, input.gait) {
            (MissionPhase::StandUp, GaitMode::Damped) => Some(GaitMode::StandUp),
            (MissionPhase::LieDown, GaitMode::Walk | GaitMode::StandUp) => Some(GaitMode::LieDown),
            _ => None,
        };
        let picture = self.outbound() && here >= self.next_picture_m;
        if picture {
            self.next_picture_m = here + self.plan.picture_every_m;
        }
        let home = self.phase == MissionPhase::Return;
        MissionOutput {
            phase: self.phase,
            gait,
            goal_m: match self.phase {
                MissionPhase::Go => Some((here + AHEAD_M).min(last_m + ARRIVED_M)),
                MissionPhase::Return => Some((here - AHEAD_M).max(self.plan.home_m)),
                _ => None,
            },
            speed_m_s: self.plan.speed_m_s[usize::from(home)],
            back_up_m_s: matches!(self.phase, MissionPhase::BackUpOut | MissionPhase::BackUpHome)
                .then_some(BACK_UP_M_S),
            picture,
            given_up: None,
        }
    }
}

#[cfg(test)]
mod tests;
