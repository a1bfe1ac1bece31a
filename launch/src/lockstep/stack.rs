//! The robot's side of a run: what would run on a robot, given samples and the mission's file alone.

use anyhow::Context;
use firmware_bridge::bridge::{Cycle, MotorBridge};
use firmware_bridge::port::{BusDriver, Loopback, loopback};
use perception::localise::{TunnelCorrection, TunnelLocaliser};
use perception::scan::deskew;
use perception::state::{PoseHistory, StateEstimator};
use perception::terrain::ElevationMap;
use planner::follow::Follower;
use planner::gait::{Gait, Mode};
use planner::mission::{Mission, MissionInput, MissionOutput, MissionPlan};
use planner::path::{NoPath, PathPlanner};
use robot_interface::frames::{Base, Lidar, Map, Transform};
use robot_interface::joints::{JOINTS, JointCommand, JointMeasurement, JointStates};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{ImuSample, LidarScan};
use robot_interface::state::{RobotState, VelocityCommand};
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::{TunnelDesign, TunnelPoint};

use crate::config;

/// Control steps between two looks of the follower: 50 Hz.
const FOLLOW_EVERY: u64 = 10;
/// Damping of the joints before the gait has spoken, N m s/rad.
const IDLE_DAMPING: f64 = 3.0;

/// The control process: motor buses, state estimate, gait, follower.
pub(super) struct Control {
    bridge: MotorBridge,
    driver: BusDriver<Loopback>,
    estimator: StateEstimator,
    gait: Gait,
    follower: Follower,
    commands: [JointCommand; JOINTS],
    joints: JointStates,
    velocity: (Stamp, VelocityCommand),
    speed_m_s: f64,
    back_up_m_s: Option<f64>,
    steps: u64,
    torque_peak_nm: f64,
    missed: u64,
}

impl Control {
    /// The control process of a robot that lies at `start`, and the far ends of its motor buses.
    pub(super) fn new(
        robot: &config::Robot,
        start: Transform<Map, Base>,
    ) -> anyhow::Result<(Self, Vec<Loopback>)> {
        let description = &robot.description;
        let bridge = MotorBridge::new(description).context("the robot's motor buses cannot be used")?;
        let (near, far): (Vec<_>, Vec<_>) = (0..bridge.buses()).map(|_| loopback()).unzip();
        let driver = BusDriver::new(&bridge, near)?;
        let lying = description.lying_pose();
        let joints =
            lying.map(|position_rad| JointMeasurement { position_rad, ..JointMeasurement::default() });
        let control = Self {
            driver,
            bridge,
            estimator: StateEstimator::new(description, start, Stamp::ZERO),
            gait: Gait::new(description, &robot.policy)?,
            follower: Follower::new(description),
            commands: [JointCommand::damping(IDLE_DAMPING); JOINTS],
            joints: JointStates { stamp: Stamp::ZERO, joints },
            velocity: (Stamp::ZERO, VelocityCommand::default()),
            speed_m_s: 0.0,
            back_up_m_s: None,
            steps: 0,
            torque_peak_nm: 0.0,
            missed: 0,
        };
        Ok((control, far))
    }

    /// One control step: a cycle on the motor buses (`serve` lets the motors answer), then what follows from it.
    pub(super) fn step(&mut self, now: Stamp, serve: impl FnMut(Stamp)) {
        // The gait's commands are finite; one that was not would be refused whole, and the motors' own
        // watchdog damps them.
        if let Ok(cycle) = self.driver.exchange(&mut self.bridge, now, &self.commands, serve) {
            self.take(&cycle);
        }
        self.estimator.handle_joints(&self.joints);
        let state = self.estimator.state();
        if self.steps.is_multiple_of(FOLLOW_EVERY) {
            self.velocity = (now, self.wanted_velocity(&state));
        }
        self.commands = self.gait.step(now, &state, &self.joints, self.velocity);
        self.steps += 1;
    }

    /// Takes an inertial sample.
    pub(super) fn handle_imu(&mut self, sample: &ImuSample) {
        self.estimator.handle_imu(sample);
    }

    fn take(&mut self, cycle: &Cycle) {
        self.joints = cycle.states;
        self.missed += cycle.answered.iter().filter(|a| !**a).count() as u64;
        let torques = self.joints.torques();
        self.torque_peak_nm = torques.iter().fold(self.torque_peak_nm, |peak, t| peak.max(t.abs()));
    }

    fn wanted_velocity(&mut self, state: &RobotState) -> VelocityCommand {
        match self.back_up_m_s {
            Some(vx_m_s) => VelocityCommand { vx_m_s, ..VelocityCommand::default() },
            None => self.follower.command(state, self.speed_m_s),
        }
    }

    /// Takes what the mission wants, and the path towards it.
    pub(super) fn follow(&mut self, wanted: &MissionOutput, path: Option<&[[f64; 2]]>, now: Stamp) {
        if let Some(mode) = wanted.gait
            && let Err(refused) = self.gait.request(mode, now)
        {
            tracing::warn!("gait: {refused}");
        }
        self.speed_m_s = wanted.speed_m_s;
        self.back_up_m_s = wanted.back_up_m_s;
        match path {
            Some(path) => self.follower.set_path(path),
            None => self.follower.clear(),
        }
    }

    /// Takes a measurement against the tunnel.
    pub(super) fn correct(&mut self, correction: &TunnelCorrection) {
        self.estimator.handle_correction(correction);
    }

    pub(super) fn state(&self) -> RobotState {
        self.estimator.state()
    }

    pub(super) fn joints(&self) -> &JointStates {
        &self.joints
    }

    pub(super) fn history(&self) -> PoseHistory {
        self.estimator.pose_history().clone()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.estimator.is_ready()
    }

    pub(super) fn gait(&self) -> &Gait {
        &self.gait
    }

    /// Motor replies that did not come, over the whole run.
    pub(super) fn missed_replies(&self) -> u64 {
        self.missed
    }

    /// The greatest torque of any joint since the last call, N m.
    pub(super) fn take_torque_peak(&mut self) -> f64 {
        std::mem::take(&mut self.torque_peak_nm)
    }
}

/// The slower process beside it: where in the tunnel, what the ground is like.
pub(super) struct Surroundings {
    base_from_lidar: Transform<Base, Lidar>,
    localiser: TunnelLocaliser,
    map: ElevationMap,
    standing_height_m: f64,
    grounded: bool,
    refused: u64,
}

/// What a scan told.
pub(super) struct Perceived {
    pub(super) correction: Option<TunnelCorrection>,
    pub(super) grid: TerrainGrid,
}

impl Surroundings {
    pub(super) fn new(robot: &RobotDescription, design: &TunnelDesign) -> Self {
        Self {
            base_from_lidar: robot.lidar.base_from_lidar(),
            localiser: TunnelLocaliser::new(design.clone()),
            map: ElevationMap::new(robot),
            standing_height_m: robot.body.standing_height_m.get(),
            grounded: false,
            refused: 0,
        }
    }

    /// Takes a scan; `state` and `history` are the estimate at its end.
    pub(super) fn perceive(
        &mut self,
        scan: &LidarScan,
        state: &RobotState,
        history: &PoseHistory,
        standing: bool,
    ) -> Perceived {
        let pose_at = |stamp| history.pose_at(stamp);
        let points = deskew(scan, &self.base_from_lidar, pose_at, state.stamp).unwrap_or_default();
        let correction = self.localiser.correct(&points, state);
        self.refused += u64::from(correction.is_err());
        self.map.integrate(scan, pose_at);
        if standing && !self.grounded {
            self.grounded = true;
            let ground_m = state.map_from_base.origin().z - self.standing_height_m;
            self.map.assume_ground(&state.map_from_base, ground_m, state.stamp);
        }
        Perceived { correction: correction.ok(), grid: self.map.grid() }
    }

    /// Scans that did not fit the tunnel's design, over the whole run.
    pub(super) fn refused_scans(&self) -> u64 {
        self.refused
    }
}

/// What decides where to go: the mission, and the path planner.
pub(super) struct Navigator {
    pub(super) mission: Mission,
    planner: PathPlanner,
    design: TunnelDesign,
    path: Option<Vec<[f64; 2]>>,
    no_path: Option<NoPath>,
}

impl Navigator {
    pub(super) fn new(mission: &config::Mission, robot: &RobotDescription) -> Self {
        Self {
            mission: Mission::new(plan_of(mission)),
            planner: PathPlanner::new(robot),
            design: mission.design.clone(),
            path: None,
            no_path: None,
        }
    }

    /// Decides anew, ten times a second.
    pub(super) fn step(
        &mut self,
        control: &Control,
        grid: &TerrainGrid,
        now: Stamp,
        stop: bool,
    ) -> MissionOutput {
        let state = control.state();
        let place = self.place(&state);
        let wanted = self.mission.step(&MissionInput {
            now,
            place,
            gait: control.gait().mode(),
            fallen: control.gait().fallen(),
            ready: control.is_ready(),
            stop,
        });
        self.path = wanted.goal_m.and_then(|goal_m| self.plan(&state, goal_m, grid));
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
    pub(super) fn place(&self, state: &RobotState) -> TunnelPoint {
        self.design.to_tunnel(robot_interface::frames::Point::from_coords(state.map_from_base.origin()))
    }

    pub(super) fn path(&self) -> Option<&[[f64; 2]]> {
        self.path.as_deref()
    }
}

/// Whether the robot stands on its feet.
pub(super) fn is_standing(control: &Control) -> bool {
    control.gait().mode() == Mode::Walk
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
