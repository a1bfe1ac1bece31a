//! Navigator: the mission's state machine, the battery's monitor and the path planner over the terrain; and the velocity
//! controller that follows the path.

use planner::battery::BatteryMonitor;
use planner::follow::Follower;
use planner::mission::{Mission, MissionInput, MissionOutput, MissionPlan};
use planner::path::PathPlanner;
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::BatterySample;
use robot_interface::state::{RobotState, VelocityCommand};
use robot_interface::status::{MissionOrder, MissionPhase, MissionState};
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::{TunnelDesign, TunnelPoint};

use crate::blockage::BlockageLog;
use crate::config;
use crate::control::ControlStatus;
use crate::ending::{Circumstances, EndingLog};

/// Progress of a mission along the tunnel, as estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MissionProgress {
    /// Chainage of the robot, m.
    pub chainage_m: f64,
    /// Way along the tunnel so far, out and back, m.
    pub way_m: f64,
}

/// Inputs of a decision.
#[derive(Clone, Copy, Debug)]
pub struct NavigatorInput<'a> {
    /// The time.
    pub now: Stamp,
    /// State of the control process.
    pub status: &'a ControlStatus,
    /// The ground around the robot.
    pub grid: &'a TerrainGrid,
    /// The battery's newest sample, if one came since the last decision.
    pub battery: Option<&'a BatterySample>,
    /// Order of the operator, if there is one.
    pub order: Option<MissionOrder>,
}

/// The mission's state machine, the battery's monitor and the path planner.
pub struct Navigator {
    mission: Mission,
    battery: BatteryMonitor,
    blockage: BlockageLog,
    ending: EndingLog,
    standing_height_m: f64,
    way_ahead_m: f64,
    start_m: f64,
    farthest_m: f64,
    progress: MissionProgress,
    planner: PathPlanner,
    design: TunnelDesign,
    path: Option<Vec<[f64; 2]>>,
}

impl Navigator {
    /// Returns a navigator at the mission's beginning.
    pub fn new(mission: &config::Mission, robot: &RobotDescription) -> Self {
        Self {
            mission: Mission::new(plan_of(mission, robot)),
            battery: battery_of(mission, robot),
            blockage: BlockageLog::new(mission.limits.stuck_after_s.get()),
            ending: EndingLog::default(),
            standing_height_m: robot.body.standing_height_m.get(),
            way_ahead_m: way_m(mission),
            start_m: mission.inspection.start_m.get(),
            farthest_m: 0.0,
            progress: MissionProgress::default(),
            planner: PathPlanner::new(robot),
            design: mission.design.clone(),
            path: None,
        }
    }

    /// Decides anew, ten times a second: steps the mission and plans the path towards its goal.
    pub fn step(&mut self, input: &NavigatorInput<'_>) -> MissionOutput {
        let NavigatorInput { now, status, grid, battery, order } = *input;
        let place = self.place(&status.state);
        if let Some(sample) = battery {
            self.weigh(now, sample);
        }
        let home_m = (place.chainage_m - self.start_m).abs();
        let wanted = self.mission.step(&MissionInput {
            now,
            place,
            gait: status.mode,
            fallen: status.fallen,
            ready: status.ready,
            posture: Some(status.posture),
            battery: self.battery.level(now, home_m),
            order,
        });
        if let Some(reason) = wanted.given_up {
            let circumstances = Circumstances {
                chainage_m: place.chainage_m,
                posture: status.posture,
                standing_height_m: self.standing_height_m,
                charged: self.battery.charged(now),
                home_share: self.battery.home_wh(home_m) / self.battery.pack_wh(),
                blockage: self.blockage.present(now),
            };
            self.ending.handle_given_up(reason, &circumstances);
        }
        if wanted.phase == MissionPhase::Done {
            self.ending.handle_done(place.chainage_m, self.start_m);
        }
        self.path = wanted.goal_m.and_then(|goal_m| self.plan(now, &status.state, goal_m, grid));
        self.advance(&status.state);
        wanted
    }

    /// Takes a sample of the battery; with the first one it is seen whether the pack is enough for the way.
    fn weigh(&mut self, now: Stamp, sample: &BatterySample) {
        let is_first = self.battery.charged(now).is_none();
        self.battery.handle_sample(now, sample, self.progress.way_m);
        if is_first && let Some(left_wh) = self.battery.left_wh(now) {
            let needed_wh = self.battery.way_wh(self.way_ahead_m);
            if needed_wh > left_wh {
                tracing::warn!("{}", short_of_energy(self.way_ahead_m, needed_wh, left_wh));
            }
        }
    }

    /// Keeps count of the way.
    fn advance(&mut self, state: &RobotState) {
        let chainage_m = self.place(state).chainage_m;
        let out_m = chainage_m - self.start_m;
        self.farthest_m = self.farthest_m.max(out_m);
        let way_m = if self.mission.outbound() { out_m } else { 2.0 * self.farthest_m - out_m };
        self.progress = MissionProgress { chainage_m, way_m: way_m.max(0.0) };
    }

    fn plan(
        &mut self,
        now: Stamp,
        state: &RobotState,
        goal_m: f64,
        grid: &TerrainGrid,
    ) -> Option<Vec<[f64; 2]>> {
        let goal = self.design.to_map(TunnelPoint { chainage_m: goal_m, left_m: 0.0, up_m: 0.0 }).coords;
        let here = state.map_from_base.origin();
        let planned = self.planner.plan(grid, [here.x, here.y], [goal.x, goal.y]);
        self.blockage.handle_plan(now, self.place(state).chainage_m, planned.as_ref().err().copied());
        planned.ok()
    }

    /// Returns where in the tunnel the robot is, as estimated.
    pub fn place(&self, state: &RobotState) -> TunnelPoint {
        self.design.to_tunnel(robot_interface::frames::Point::from_coords(state.map_from_base.origin()))
    }

    /// Returns how far the mission has come at the last step.
    pub const fn progress(&self) -> MissionProgress {
        self.progress
    }

    /// Returns the state of the mission: its phase, or how it ended.
    pub fn state(&self) -> MissionState {
        match self.mission.phase() {
            MissionPhase::Done => self.ending.state(),
            phase => MissionState::Underway(phase),
        }
    }

    /// Changes the walking speeds out and home, m/s.
    pub fn set_speeds(&mut self, speed_m_s: [f64; 2]) {
        self.mission.set_speeds(speed_m_s);
    }

    /// Returns the path that was planned last, `[x, y]` in `map`, m; none while there is no goal, or no way.
    pub fn path(&self) -> Option<&[[f64; 2]]> {
        self.path.as_deref()
    }
}

/// Controller of the body velocity that follows the path at the mission's speed.
pub struct VelocityController {
    follower: Follower,
    speed_m_s: f64,
    back_up_m_s: Option<f64>,
}

impl VelocityController {
    /// Returns a controller that stands.
    pub fn new(robot: &RobotDescription) -> Self {
        Self { follower: Follower::new(robot), speed_m_s: 0.0, back_up_m_s: None }
    }

    /// Takes the mission's output, and the path towards its goal.
    pub fn follow(&mut self, wanted: &MissionOutput, path: Option<&[[f64; 2]]>) {
        self.speed_m_s = wanted.speed_m_s;
        self.back_up_m_s = wanted.back_up_m_s;
        match path {
            Some(path) => self.follower.set_path(path),
            None => self.follower.clear(),
        }
    }

    /// Returns the body velocity for now.
    pub fn velocity(&mut self, state: &RobotState) -> VelocityCommand {
        match self.back_up_m_s {
            Some(vx_m_s) => VelocityCommand { vx_m_s, ..VelocityCommand::default() },
            None => self.follower.command(state, self.speed_m_s),
        }
    }
}

/// Returns a warning if a full pack is less than the mission's way takes, as far as the robot's file tells.
pub fn battery_warning(mission: &config::Mission, robot: &RobotDescription) -> Option<String> {
    let pack_wh = robot.battery.as_ref()?.capacity_wh.get();
    let needed_wh = battery_of(mission, robot).way_wh(way_m(mission));
    (needed_wh > pack_wh).then(|| short_of_energy(way_m(mission), needed_wh, pack_wh))
}

fn short_of_energy(way_m: f64, needed_wh: f64, left_wh: f64) -> String {
    format!(
        "The battery will not do: {way_m:.0} m out and home take some {needed_wh:.1} Wh, and it has {left_wh:.1} Wh. The robot \
         will turn home before the last station; shorten the mission, or state what it really takes as \
         [battery] walking_wh_per_km in the robot's file."
    )
}

/// Returns the length of a mission's way out and home, m.
fn way_m(mission: &config::Mission) -> f64 {
    2.0 * (mission.inspection.end_m.get() - mission.inspection.start_m.get())
}

fn battery_of(mission: &config::Mission, robot: &RobotDescription) -> BatteryMonitor {
    let inspection = &mission.inspection;
    BatteryMonitor::new(robot, inspection.speed_m_s.get().max(inspection.return_speed_m_s.get()))
}

fn plan_of(mission: &config::Mission, robot: &RobotDescription) -> MissionPlan {
    let inspection = &mission.inspection;
    let (home_m, end_m) = (inspection.start_m.get(), inspection.end_m.get());
    let count = ((end_m - home_m) / inspection.station_every_m.get()).ceil().max(1.0) as usize;
    let every = (end_m - home_m) / count as f64;
    MissionPlan {
        home_m,
        stations_m: (1..=count).map(|i| home_m + i as f64 * every).collect(),
        dwell_s: inspection.dwell_s.get(),
        picture_every_m: inspection.picture_every_m.get(),
        speed_m_s: [inspection.speed_m_s.get(), inspection.return_speed_m_s.get()],
        timeout_s: mission.limits.timeout_s.get(),
        stuck_after_s: mission.limits.stuck_after_s.get(),
        standing_height_m: robot.body.standing_height_m.get(),
        max_tilt_rad: robot.body.max_slope_rad.get(),
    }
}
