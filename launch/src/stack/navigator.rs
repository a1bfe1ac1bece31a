//! Where to go: the mission's table, the path over the terrain, and the body velocity that follows it.

use planner::follow::Follower;
use planner::gait::Mode;
use planner::mission::{Mission, MissionInput, MissionOutput, MissionPlan, Order};
use planner::path::{NoPath, PathPlanner};
use robot_interface::robot::RobotDescription;
use robot_interface::state::{RobotState, VelocityCommand};
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::{TunnelDesign, TunnelPoint};

use crate::config;

/// What the control process says of the robot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    /// The estimate.
    pub(crate) state: RobotState,
    /// What the legs do.
    pub(crate) mode: Mode,
    /// Whether the trunk tilted so far that the legs were let go.
    pub(crate) fallen: bool,
    /// Whether the estimator has found its footing.
    pub(crate) ready: bool,
}

impl Body {
    /// Whether the robot stands on its feet.
    pub(crate) fn is_standing(&self) -> bool {
        self.mode == Mode::Walk
    }
}

/// What decides where to go: the mission, and the path planner.
pub(crate) struct Navigator {
    pub(crate) mission: Mission,
    planner: PathPlanner,
    design: TunnelDesign,
    path: Option<Vec<[f64; 2]>>,
    no_path: Option<NoPath>,
}

impl Navigator {
    pub(crate) fn new(mission: &config::Mission, robot: &RobotDescription) -> Self {
        Self {
            mission: Mission::new(plan_of(mission)),
            planner: PathPlanner::new(robot),
            design: mission.design.clone(),
            path: None,
            no_path: None,
        }
    }

    /// Decides anew, ten times a second.
    pub(crate) fn step(
        &mut self,
        body: &Body,
        grid: &TerrainGrid,
        now: Stamp,
        order: Option<Order>,
    ) -> MissionOutput {
        let wanted = self.mission.step(&MissionInput {
            now,
            place: self.place(&body.state),
            gait: body.mode,
            fallen: body.fallen,
            ready: body.ready,
            order,
        });
        self.path = wanted.goal_m.and_then(|goal_m| self.plan(&body.state, goal_m, grid));
        wanted
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

    /// Where in the tunnel the robot is, as estimated.
    pub(crate) fn place(&self, state: &RobotState) -> TunnelPoint {
        self.design.to_tunnel(robot_interface::frames::Point::from_coords(state.map_from_base.origin()))
    }

    pub(crate) fn path(&self) -> Option<&[[f64; 2]]> {
        self.path.as_deref()
    }
}

/// Turns the path and what the mission wants into a body velocity.
pub(crate) struct Guide {
    follower: Follower,
    speed_m_s: f64,
    back_up_m_s: Option<f64>,
}

impl Guide {
    pub(crate) fn new(robot: &RobotDescription) -> Self {
        Self { follower: Follower::new(robot), speed_m_s: 0.0, back_up_m_s: None }
    }

    /// Takes what the mission wants, and the path towards it.
    pub(crate) fn follow(&mut self, wanted: &MissionOutput, path: Option<&[[f64; 2]]>) {
        self.speed_m_s = wanted.speed_m_s;
        self.back_up_m_s = wanted.back_up_m_s;
        match path {
            Some(path) => self.follower.set_path(path),
            None => self.follower.clear(),
        }
    }

    /// The body velocity for now.
    pub(crate) fn velocity(&mut self, state: &RobotState) -> VelocityCommand {
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
