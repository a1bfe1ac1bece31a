//! Navigator: the mission's state machine and the path planner over the terrain; and the velocity controller that follows
//! the path.

use planner::follow::Follower;
use planner::mission::{AbortReason, Mission, MissionInput, MissionOutput, MissionPlan, Order};
use planner::path::{NoPath, PathPlanner};
use robot_interface::robot::RobotDescription;
use robot_interface::state::{RobotState, VelocityCommand};
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::{TunnelDesign, TunnelPoint};

use crate::config;
use crate::control::ControlStatus;

/// Progress of a mission along the tunnel, as estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MissionProgress {
    /// Chainage of the robot, m.
    pub chainage_m: f64,
    /// Way along the tunnel so far, out and back, m.
    pub way_m: f64,
}

/// The mission's state machine and the path planner.
pub struct Navigator {
    mission: Mission,
    start_m: f64,
    farthest_m: f64,
    progress: MissionProgress,
    planner: PathPlanner,
    design: TunnelDesign,
    path: Option<Vec<[f64; 2]>>,
    no_path: Option<NoPath>,
}

impl Navigator {
    /// Returns a navigator at the mission's beginning.
    pub fn new(mission: &config::Mission, robot: &RobotDescription) -> Self {
        Self {
            mission: Mission::new(plan_of(mission)),
            start_m: mission.inspection.start_m.get(),
            farthest_m: 0.0,
            progress: MissionProgress::default(),
            planner: PathPlanner::new(robot),
            design: mission.design.clone(),
            path: None,
            no_path: None,
        }
    }

    /// Decides anew, ten times a second: steps the mission and plans the path towards its goal.
    pub fn step(
        &mut self,
        status: &ControlStatus,
        grid: &TerrainGrid,
        now: Stamp,
        order: Option<Order>,
    ) -> MissionOutput {
        let wanted = self.mission.step(&MissionInput {
            now,
            place: self.place(&status.state),
            gait: status.mode,
            fallen: status.fallen,
            ready: status.ready,
            order,
        });
        self.path = wanted.goal_m.and_then(|goal_m| self.plan(&status.state, goal_m, grid));
        self.advance(&status.state);
        wanted
    }

    /// Keeps count of the way.
    fn advance(&mut self, state: &RobotState) {
        let chainage_m = self.place(state).chainage_m;
        let out_m = chainage_m - self.start_m;
        self.farthest_m = self.farthest_m.max(out_m);
        let way_m = if self.mission.outbound() { out_m } else { 2.0 * self.farthest_m - out_m };
        self.progress = MissionProgress { chainage_m, way_m: way_m.max(0.0) };
    }

    fn plan(&mut self, state: &RobotState, goal_m: f64, grid: &TerrainGrid) -> Option<Vec<[f64; 2]>> {
        let goal = self.design.to_map(TunnelPoint { chainage_m: goal_m, left_m: 0.0, up_m: 0.0 }).coords;
        let here = state.map_from_base.origin();
        let planned = self.planner.plan(grid, [here.x, here.y], [goal.x, goal.y]);
        // Said once for as long as it lasts.
        let refused = planned.as_ref().err().copied();
        if let Some(reason) = refused.filter(|_| refused != self.no_path) {
            tracing::warn!("path: {reason}");
        }
        self.no_path = refused;
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

    /// Returns the reason for which the mission was given up, if it was.
    pub fn abort_reason(&self) -> Option<AbortReason> {
        self.mission.abort_reason()
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

fn plan_of(mission: &config::Mission) -> MissionPlan {
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
    }
}
