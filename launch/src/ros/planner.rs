//! `planner`: the mission, the path over the terrain, and the body velocity, which goes to the bridge under a lease.
//!
//! | what is missing                         | for   | what follows                                  |
//! |-----------------------------------------|-------|-----------------------------------------------|
//! | odometry, the robot's state or terrain  | 1 s   | the robot is told to stand                    |
//! | the same                                | 10 s  | the mission is given up: it lies down         |
//! | the lease (somebody else took it)       | -     | the mission is given up; nothing more is sent |

mod ask;
mod journey;
mod missions;

use r2r::adit_msgs::msg::{DefectArray, MissionStatus, MotionTarget, RobotState as RobotStateMsg};
use r2r::adit_msgs::srv::{AcquireLease, ReleaseLease};
use r2r::nav_msgs::msg::{OccupancyGrid, Odometry};
use r2r::sensor_msgs::msg::PointCloud2;
use r2r::std_msgs::msg::Empty;
use r2r::std_srvs::srv::Trigger;
use r2r::{Node, Publisher, QosProfile};
use robot_interface::state::RobotState;
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;

use self::ask::Ask;
use self::journey::{Journey, Stage};
use self::missions::Missions;
use super::bridge::says::MODES;
use super::endpoint::Inbox;
use super::outlet::{Topics, latched_qos, state_qos};
use super::parameters::Declarations;
use super::shell::{Health, Level, Part};
use super::{Setting, convert};
use recording::MessageWriter;
use recording::messages;
use stack::Body;

/// Name under which the lease is taken.
const OWNER: &str = "planner";

/// What is known of the robot and the ground, and since when, by the monotonic clock.
#[derive(Default)]
struct Known {
    state: Option<(Stamp, RobotState)>,
    robot: Option<(Stamp, RobotStateMsg)>,
    grid: Option<(Stamp, TerrainGrid)>,
    defects: u32,
}

impl Known {
    /// Time since the oldest of what is needed came, s; infinite if something never came.
    fn age_s(&self, now: Stamp) -> f64 {
        let at = [
            self.state.as_ref().map(|(at, _)| *at),
            self.robot.as_ref().map(|(at, _)| *at),
            self.grid.as_ref().map(|(at, _)| *at),
        ];
        at.iter().map(|at| at.map_or(f64::INFINITY, |at| now.seconds_since(at))).fold(0.0, f64::max)
    }

    fn body(&self) -> Option<Body> {
        let (_, state) = self.state.as_ref()?;
        let (_, robot) = self.robot.as_ref()?;
        let mode = MODES.iter().find(|(_, name)| *name == robot.mode)?.0;
        Some(Body { state: *state, mode, fallen: robot.fallen, ready: robot.ready })
    }
}

pub(super) struct PlannerNode {
    setting: Setting,
    known: Known,
    elevation: Option<PointCloud2>,
    journey: Option<Journey>,
    missions: Missions,
    ask: Ask,
    refused: convert::Refusals,
    out: MessageWriter<Topics>,
    status: Publisher<MissionStatus>,
    targets: Publisher<MotionTarget>,
    trigger: Publisher<Empty>,
    odometry: Inbox<Odometry>,
    robot_state: Inbox<RobotStateMsg>,
    elevations: Inbox<PointCloud2>,
    traversability: Inbox<OccupancyGrid>,
    defects: Inbox<DefectArray>,
}

impl PlannerNode {
    pub(super) fn new(
        node: &mut Node,
        declared: &mut Declarations,
        setting: Setting,
    ) -> anyhow::Result<Self> {
        let inspection = &setting.mission.inspection;
        declared.number(
            "speed_m_s",
            inspection.speed_m_s.get(),
            [0.1, 1.0],
            "walking speed on the way out, m/s",
        );
        declared.number(
            "return_speed_m_s",
            inspection.return_speed_m_s.get(),
            [0.1, 1.0],
            "walking speed on the way home, m/s",
        );
        let topics = Topics::new().with::<ros_msgs::Path>(node, "/plan", state_qos())?;
        Ok(Self {
            out: MessageWriter::through(topics, &setting.robot.description),
            known: Known::default(),
            elevation: None,
            journey: None,
            missions: Missions::new(node)?,
            ask: Ask {
                acquire: node.create_client::<AcquireLease::Service>(
                    "lease/acquire",
                    QosProfile::services_default(),
                )?,
                release: node.create_client::<ReleaseLease::Service>(
                    "lease/release",
                    QosProfile::services_default(),
                )?,
                report: node
                    .create_client::<Trigger::Service>("report/write", QosProfile::services_default())?,
            },
            refused: convert::Refusals::default(),
            status: node.create_publisher("mission/status", state_qos())?,
            targets: node.create_publisher("motion/target", QosProfile::default().keep_last(1))?,
            trigger: node.create_publisher("camera/trigger", QosProfile::default())?,
            odometry: Inbox::topic(node, "odom", state_qos())?,
            robot_state: Inbox::topic(node, "robot_state", state_qos())?,
            elevations: Inbox::topic(node, "terrain/elevation", state_qos())?,
            traversability: Inbox::topic(node, "terrain/traversability", state_qos())?,
            defects: Inbox::topic(node, "defects/list", latched_qos())?,
            setting,
        })
    }

    fn hear(&mut self, now: Stamp) {
        if let Some(robot) = self.robot_state.newest() {
            self.known.robot = Some((now, robot));
        }
        if let Some(odometry) = self.odometry.newest() {
            let robot = self.known.robot.as_ref();
            let contacts = robot.map_or([false; 4], |(_, robot)| convert::contacts(robot));
            match convert::state(&odometry, contacts) {
                Ok(state) => self.known.state = Some((now, state)),
                Err(refused) => self.refused.say("odom", &refused),
            }
        }
        if let Some(defects) = self.defects.newest() {
            self.known.defects = defects.defects.len() as u32;
        }
        // The two halves of a terrain come one after the other, with one stamp.
        if let Some(elevation) = self.elevations.newest() {
            self.elevation = Some(elevation);
        }
        if let Some(occupancy) = self.traversability.newest()
            && let Some(elevation) = self.elevation.take_if(|e| e.header.stamp == occupancy.header.stamp)
        {
            match convert::terrain(&elevation, &occupancy) {
                Ok(grid) => self.known.grid = Some((now, grid)),
                Err(refused) => self.refused.say("terrain", &refused),
            }
        }
    }
}

impl Part for PlannerNode {
    fn deactivate(&mut self) -> bool {
        if let Some(journey) = &mut self.journey {
            journey.stop();
        }
        true
    }

    fn tick(
        &mut self,
        _node: &mut Node,
        now: Stamp,
        parameters: &Declarations,
        active: bool,
    ) -> anyhow::Result<()> {
        self.hear(now);
        let speed_m_s = [parameters.get("speed_m_s"), parameters.get("return_speed_m_s")];
        let name = &self.setting.mission.name;
        if let Some(order) = self.missions.serve(active, name, self.journey.as_mut()) {
            self.journey = Some(Journey::new(&self.setting, now, order.goal));
            tracing::info!("mission {name} begins");
        }
        let Some(journey) = &mut self.journey else { return Ok(()) };
        let step = journey.step(now, &self.known, speed_m_s, &self.ask);
        if let Some(target) = &step.target {
            self.targets.publish(target)?;
        }
        if step.picture {
            self.trigger.publish(&Empty::default())?;
        }
        if let Some((stamp, path)) = &step.path {
            self.out.path(*stamp, path)?;
        }
        if let Some(status) = &step.status {
            self.status.publish(status)?;
        }
        if journey.stage() == Stage::Over {
            self.journey = None;
        }
        Ok(())
    }

    fn health(&self) -> Health {
        let doing = self.journey.as_ref().map_or("no mission", Journey::doing);
        Health {
            level: Level::Ok,
            message: doing.to_owned(),
            values: vec![("refused_messages", self.refused.count().to_string())],
        }
    }

    fn may_end(&mut self, _now: Stamp) -> bool {
        match &mut self.journey {
            Some(journey) => {
                journey.stop();
                false
            }
            None => true,
        }
    }
}
