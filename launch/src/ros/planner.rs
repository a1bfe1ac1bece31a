//! `planner`: the mission, the path over the terrain, and the body velocity, which goes to the bridge under a lease.
//!
//! | what is missing                         | for   | what follows                                  |
//! |-----------------------------------------|-------|-----------------------------------------------|
//! | odometry, the robot's state or terrain  | 1 s   | the robot is told to stand                    |
//! | the same                                | 10 s  | the mission is given up: it lies down         |
//! | the same                                | 20 s  | no more targets: the bridge lays it down      |
//! | `battery_state`, once it was heard      | 10 s  | the mission is given up: it comes home        |
//! | the lease (somebody else took it)       | -     | the mission is given up; nothing more is sent |
//!
//! A planner that follows one that died during a mission gives that mission up, and has its report written.

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
use self::mission_executor::{MissionExecutor, PLANNER_DIED, Stage};
use self::mission_services::MissionServices;
use self::requests::ServiceClients;
use super::convert;
use super::endpoint::Inbox;
use super::lifecycle_node::{Health, Level, NodeBehaviour};
use super::parameters::Declarations;
use super::sender_check::OwnedInbox;
use super::settings::NodeSettings;
use super::topic_publishers::{TopicPublishers, publisher};
use crate::run_folder::MissionMarker;
use recording::{MessageWriter, topics};
use stack::realtime::monotonic;
use stack::{OdometryGate, Outlier};

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
    odometry: OwnedInbox<Odometry>,
    gate: OdometryGate,
    robot_state: OwnedInbox<RobotStateMsg>,
    battery: Inbox<BatteryState>,
    elevations: OwnedInbox<PointCloud2>,
    traversability: OwnedInbox<OccupancyGrid>,
    defects: OwnedInbox<DefectArray>,
    marker: MissionMarker,
    /// True if the planner before this one died during a mission, and no other has begun since.
    lost: bool,
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
        let marker = MissionMarker::new(&settings.run_dir);
        let executor = marker.take_over().then(|| MissionExecutor::of_lost_mission(&settings, monotonic()));
        Ok(Self {
            out: MessageWriter::through(topics, &settings.robot.description),
            inputs: Inputs::default(),
            elevation: None,
            lost: executor.is_some() || marker.is_lost(),
            executor,
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
            odometry: OwnedInbox::topic(node, &topics::ODOM, "bridge")?,
            gate: OdometryGate::default(),
            robot_state: OwnedInbox::topic(node, &topics::ROBOT_STATE, "bridge")?,
            battery: Inbox::topic(node, &topics::BATTERY_STATE)?,
            elevations: OwnedInbox::topic(node, &topics::ELEVATION, "perception")?,
            traversability: OwnedInbox::topic(node, &topics::TRAVERSABILITY, "perception")?,
            defects: OwnedInbox::topic(node, &topics::DEFECT_LIST, "perception")?,
            marker,
            settings,
        })
    }

    fn hear(&mut self, node: &Node, now: Stamp) {
        let refused_before = self.refused.count();
        if let Some(robot) = self.robot_state.admitted(node, &mut self.refused).pop() {
            self.inputs.robot = Some((now, robot));
        }
        self.hear_odometry(node, now);
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
        if let Some(defects) = self.defects.admitted(node, &mut self.refused).pop() {
            self.inputs.defects = defects.defects.len() as u32;
        }
        // The two halves of a terrain come one after the other, with one stamp.
        if let Some(elevation) = self.elevations.admitted(node, &mut self.refused).pop() {
            self.elevation = Some(elevation);
        }
        let occupancy = self.traversability.admitted(node, &mut self.refused).pop();
        if let Some(occupancy) = occupancy
            && let Some(elevation) = self.elevation.take_if(|e| e.header.stamp == occupancy.header.stamp)
        {
            match convert::terrain(&elevation, &occupancy) {
                Ok(grid) => self.inputs.grid = Some((now, grid)),
                Err(refused) => self.refused.say("terrain", refused),
            }
        }
        if self.refused.count() > refused_before {
            self.inputs.refusal = Some((now, self.refused.last().to_owned()));
        }
    }

    /// Takes odometry of the bridge's own, as far as it continues the robot's track.
    fn hear_odometry(&mut self, node: &Node, now: Stamp) {
        let robot = self.inputs.robot.as_ref();
        let contacts = robot.map_or([false; 4], |(_, robot)| convert::contacts(robot));
        let (odometry, sender) = self.odometry.take_all(node);
        for message in odometry {
            let state = match convert::state(&message, contacts) {
                Ok(state) => state,
                Err(refused) => {
                    self.refused.say("odom", refused);
                    continue;
                }
            };
            match (self.gate.judge(&state, sender.is_err()), &sender) {
                (Ok(_), _) => self.inputs.state = Some((now, state)),
                (Err(Outlier::Late), _) => {}
                (Err(outlier), Ok(())) => self.refused.say("odom", outlier),
                (Err(outlier), Err(rival)) => self.refused.say("odom", format_args!("{outlier}; {rival}")),
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
        node: &mut Node,
        now: Stamp,
        parameters: &Declarations,
        active: bool,
    ) -> anyhow::Result<()> {
        self.hear(node, now);
        let speed_m_s = [parameters.get("speed_m_s"), parameters.get("return_speed_m_s")];
        let name = &self.settings.mission.name;
        if let Some(order) = self.services.serve(active, name, self.executor.as_mut()) {
            self.executor = Some(MissionExecutor::new(&self.settings, now, order.goal));
            self.lost = false;
            note(self.marker.begin());
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
            note(self.marker.end());
        }
        Ok(())
    }

    fn health(&self) -> Health {
        let doing = self.executor.as_ref().map_or("no mission", MissionExecutor::doing);
        let lost = format!("the mission was given up: {PLANNER_DIED}; start another one by mission/start");
        Health {
            level: if self.lost { Level::Error } else { Level::Ok },
            message: if self.lost { lost } else { doing.to_owned() },
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

    fn ended(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.marker.is_lost(), "the mission was not completed: {PLANNER_DIED}");
        Ok(())
    }
}

/// Says that the run's folder does not take a mark: a planner after this one would not know of the mission.
fn note(marked: std::io::Result<()>) {
    if let Err(error) = marked {
        tracing::warn!("the mission is not marked in the run's folder: {error}");
    }
}

#[cfg(test)]
mod tests;
