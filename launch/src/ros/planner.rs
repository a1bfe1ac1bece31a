//! `planner`: the mission, the path over the terrain, and the body velocity, which goes to the bridge under a lease.
//!
//! | what is missing                         | for   | what follows                                  |
//! |-----------------------------------------|-------|-----------------------------------------------|
//! | odometry, the robot's state or terrain  | 1 s   | the robot is told to stand                    |
//! | the same                                | 10 s  | the mission is given up: it lies down         |
//! | the same                                | 20 s  | no more targets: the bridge lays it down      |
//! | `battery_state`, once it was heard      | 10 s  | the mission is given up: it comes home        |
//! | the lease (somebody else took it)       | -     | the mission is given up; nothing more is sent |

mod goal;
mod inputs;
mod mission_executor;
mod mission_services;
mod requests;

use r2r::adit_msgs::msg::{DefectArray, MissionStatus, MotionTarget, RobotState as RobotStateMsg};
use r2r::adit_msgs::srv::{AcquireLease, ReleaseLease};
use r2r::nav_msgs::msg::{OccupancyGrid, Odometry};
use r2r::sensor_msgs::msg::{BatteryState, PointCloud2};
use r2r::std_msgs::msg::Empty;
use r2r::std_srvs::srv::Trigger;
use r2r::{Node, Publisher, QosProfile};
use robot_interface::time::Stamp;

use self::inputs::Inputs;
use self::mission_executor::{MissionExecutor, Stage};
use self::mission_services::MissionServices;
use self::requests::ServiceClients;
use super::convert;
use super::endpoint::Inbox;
use super::lifecycle_node::{Health, Level, NodeBehaviour};
use super::parameters::Declarations;
use super::settings::NodeSettings;
use super::topic_publishers::{TopicPublishers, publisher};
use recording::{MessageWriter, topics};

pub(super) struct PlannerNode {
    settings: NodeSettings,
    inputs: Inputs,
    elevation: Option<PointCloud2>,
    executor: Option<MissionExecutor>,
    services: MissionServices,
    clients: ServiceClients,
    refused: convert::Refusals,
    out: MessageWriter<TopicPublishers>,
    status: Publisher<MissionStatus>,
    targets: Publisher<MotionTarget>,
    trigger: Publisher<Empty>,
    odometry: Inbox<Odometry>,
    robot_state: Inbox<RobotStateMsg>,
    battery: Inbox<BatteryState>,
    elevations: Inbox<PointCloud2>,
    traversability: Inbox<OccupancyGrid>,
    defects: Inbox<DefectArray>,
}

impl PlannerNode {
    pub(super) fn new(
        node: &mut Node,
        declared: &mut Declarations,
        settings: NodeSettings,
    ) -> anyhow::Result<Self> {
        let inspection = &settings.mission.inspection;
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
        let topics = TopicPublishers::new().with(node, &topics::PLAN)?;
        Ok(Self {
            out: MessageWriter::through(topics, &settings.robot.description),
            inputs: Inputs::default(),
            elevation: None,
            executor: None,
            services: MissionServices::new(node)?,
            clients: ServiceClients {
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
            status: publisher(node, &topics::MISSION_STATUS)?,
            targets: publisher(node, &topics::MOTION_TARGET)?,
            trigger: publisher(node, &topics::CAMERA_TRIGGER)?,
            odometry: Inbox::topic(node, &topics::ODOM)?,
            robot_state: Inbox::topic(node, &topics::ROBOT_STATE)?,
            battery: Inbox::topic(node, &topics::BATTERY_STATE)?,
            elevations: Inbox::topic(node, &topics::ELEVATION)?,
            traversability: Inbox::topic(node, &topics::TRAVERSABILITY)?,
            defects: Inbox::topic(node, &topics::DEFECT_LIST)?,
            settings,
        })
    }

    fn hear(&mut self, now: Stamp) {
        if let Some(robot) = self.robot_state.newest() {
            self.inputs.robot = Some((now, robot));
        }
        if let Some(odometry) = self.odometry.newest() {
            let robot = self.inputs.robot.as_ref();
            let contacts = robot.map_or([false; 4], |(_, robot)| convert::contacts(robot));
            match convert::state(&odometry, contacts) {
                Ok(state) => self.inputs.state = Some((now, state)),
                Err(refused) => self.refused.say("odom", refused),
            }
        }
        if let Some(battery) = self.battery.newest() {
            match convert::battery(&battery) {
                Ok(mut sample) => {
                    // Drivers that have no clock leave their stamps at zero.
                    if sample.stamp == Stamp::ZERO {
                        sample.stamp = now;
                    }
                    self.inputs.battery = Some(sample);
                }
                Err(refused) => self.refused.say("battery_state", refused),
            }
        }
        if let Some(defects) = self.defects.newest() {
            self.inputs.defects = defects.defects.len() as u32;
        }
        // The two halves of a terrain come one after the other, with one stamp.
        if let Some(elevation) = self.elevations.newest() {
            self.elevation = Some(elevation);
        }
        if let Some(occupancy) = self.traversability.newest()
            && let Some(elevation) = self.elevation.take_if(|e| e.header.stamp == occupancy.header.stamp)
        {
            match convert::terrain(&elevation, &occupancy) {
                Ok(grid) => self.inputs.grid = Some((now, grid)),
                Err(refused) => self.refused.say("terrain", refused),
            }
        }
    }
}

impl NodeBehaviour for PlannerNode {
    fn deactivate(&mut self) -> bool {
        if let Some(executor) = &mut self.executor {
            executor.stop();
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
        let name = &self.settings.mission.name;
        if let Some(order) = self.services.serve(active, name, self.executor.as_mut()) {
            self.executor = Some(MissionExecutor::new(&self.settings, now, order.goal));
            tracing::info!("mission {name} begins");
        }
        let Some(executor) = &mut self.executor else { return Ok(()) };
        let step = executor.step(now, &self.inputs, speed_m_s, &self.clients);
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
        if executor.stage() == Stage::Over {
            self.executor = None;
        }
        Ok(())
    }

    fn health(&self) -> Health {
        let doing = self.executor.as_ref().map_or("no mission", MissionExecutor::doing);
        Health {
            level: Level::Ok,
            message: doing.to_owned(),
            values: vec![("refused_messages", self.refused.count().to_string())],
        }
    }

    fn may_end(&mut self, _now: Stamp) -> bool {
        match &mut self.executor {
            Some(executor) => {
                executor.stop();
                false
            }
            None => true,
        }
    }
}
