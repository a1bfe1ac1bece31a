//! `sim`: the tunnel, the robot in it, and its sensors and motors, at the pace of the clock on the wall or slower.
//!
//! The motors and the inertial sensor are behind pseudo-terminals, where the bridge finds them as it would find
//! real ones; a robot that is reached over a network is on the loopback interface. Ground truth is published for people and tests (`ground_truth/odom`); no other node listens to it.
//! Deactivated, the world stands still, and `/clock` with it.

mod capture;
mod hotplug_port;
mod robot_line;
mod sensors;
mod shared;
mod world;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use r2r::nav_msgs::msg::Odometry;
use r2r::rosgraph_msgs::msg::Clock;
use r2r::std_msgs::msg::Empty;
use r2r::std_srvs::srv::SetBool;
use r2r::{Node, Publisher, ServiceRequest};
use robot_interface::time::Stamp;

use self::hotplug_port::HotplugPort;
use self::robot_line::RobotLine;
use self::sensors::Sensors;
use self::shared::Shared;
use self::world::WorldThread;
use super::convert::time;
use super::endpoint::{Inbox, respond};
use super::lifecycle_node::{Health, Level, NodeBehaviour};
use super::parameters::Declarations;
use super::settings::NodeSettings;
use super::simulated_ports::{imu_port, motor_port};
use super::topic_publishers::{TopicPublishers, publisher};
use crate::mission_file::MissionFile;
use crate::pty::Pty;
use crate::robot_link::RobotNetwork;
use crate::virtual_robot::VendorStandIn;
use crate::world::World;
use recording::{MessageWriter, topics};
use stack::WhoseGait;
use stack::config::Robot;

/// Interval between two `/clock`s, simulated.
const CLOCK_NANOS: u64 = 4_000_000;
/// Interval between two true poses, simulated.
const TRUTH_NANOS: u64 = 50_000_000;

/// Interval between two messages of the battery, simulated.
const BATTERY_NANOS: u64 = 1_000_000_000;

pub(super) struct SimNode {
    file: MissionFile,
    robot: Robot,
    ports_dir: PathBuf,
    /// Of a robot that is reached over one.
    network: Option<RobotNetwork>,
    gait: WhoseGait,
    shared: Arc<Shared>,
    topics: Option<MessageWriter<TopicPublishers>>,
    camera_topics: Option<MessageWriter<TopicPublishers>>,
    running: Option<(WorldThread, Sensors)>,
    trigger: Inbox<Empty>,
    /// One a motor bus.
    plugs: Vec<Inbox<ServiceRequest<SetBool::Service>>>,
    clock: Publisher<Clock>,
    truth: Publisher<Odometry>,
    battery: MessageWriter<TopicPublishers>,
    clocked: Stamp,
    told: Stamp,
    weighed: Stamp,
}

impl SimNode {
    pub(super) fn new(node: &mut Node, settings: NodeSettings, file: MissionFile) -> anyhow::Result<Self> {
        let description = &settings.robot.description;
        let mut cameras = TopicPublishers::new();
        for camera in &description.cameras {
            cameras = cameras.with_camera(node, &topics::CAMERA_IMAGE, &camera.name)?.with_camera(
                node,
                &topics::CAMERA_INFO,
                &camera.name,
            )?;
        }
        for camera in &description.thermal {
            cameras = cameras.with_camera(node, &topics::THERMAL_IMAGE, &camera.name)?;
        }
        let plugs =
            (0..description.buses()).map(|bus| Inbox::service(node, &format!("sim/motor{bus}/plugged")));
        let plugs = plugs.collect::<r2r::Result<_>>()?;
        let lidar = TopicPublishers::new().with(node, &topics::LIDAR_POINTS)?;
        let mut battery = TopicPublishers::new();
        if description.battery.is_some() {
            battery = battery.with(node, &topics::BATTERY_STATE)?;
        }
        Ok(Self {
            battery: MessageWriter::through(battery, description),
            topics: Some(MessageWriter::through(lidar, description)),
            camera_topics: Some(MessageWriter::through(cameras, description)),
            network: settings.network()?,
            gait: settings.gait,
            ports_dir: settings.ports_dir.context("the simulator needs --ports-dir for its serial ports")?,
            file,
            robot: settings.robot,
            shared: Arc::default(),
            running: None,
            plugs,
            trigger: Inbox::topic(node, &topics::CAMERA_TRIGGER)?,
            clock: publisher(node, &topics::CLOCK)?,
            truth: publisher(node, &topics::GROUND_TRUTH)?,
            clocked: Stamp::ZERO,
            told: Stamp::ZERO,
            weighed: Stamp::ZERO,
        })
    }
}

impl NodeBehaviour for SimNode {
    fn configure(&mut self, _parameters: &Declarations) -> anyhow::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let description = &self.robot.description;
        let (ports, imu, vendor) = match &self.network {
            Some(network) => {
                let start = self.file.mission.start_pose();
                let has_motors = self.gait == WhoseGait::Vendor;
                let (port, vendor) = VendorStandIn::start(&self.robot, start, network, has_motors)?;
                (vec![RobotLine::Network { port, plugged: true }], None, Some(vendor))
            }
            None => {
                let serial = |bus| {
                    HotplugPort::new(motor_port(&self.ports_dir, bus))
                        .map(|port| RobotLine::Serial(Box::new(port)))
                };
                let ports = (0..self.plugs.len()).map(serial).collect::<Result<Vec<_>, _>>()?;
                (ports, Some(Pty::linked(&imu_port(&self.ports_dir))?), None)
            }
        };
        let world = World::new(&self.file, &self.robot, ports)?;
        let (lidar, cameras) = (self.topics.take(), self.camera_topics.take());
        let (lidar, cameras) = lidar.zip(cameras).context("the simulator was taken down: start it anew")?;
        let sensors =
            Sensors::start(&self.file.simulation, description, Arc::clone(&self.shared), lidar, cameras)?;
        let world = WorldThread::start(world, imu, vendor, Arc::clone(&self.shared), sensors.inlets())?;
        self.running = Some((world, sensors));
        Ok(())
    }

    fn activate(&mut self) -> anyhow::Result<()> {
        self.shared.set_running(true);
        Ok(())
    }

    fn deactivate(&mut self) -> bool {
        self.shared.set_running(false);
        true
    }

    fn tick(
        &mut self,
        _node: &mut Node,
        _now: Stamp,
        _parameters: &Declarations,
        active: bool,
    ) -> anyhow::Result<()> {
        for (bus, requests) in self.plugs.iter_mut().enumerate() {
            while let Some(request) = requests.take() {
                let plugged = request.message.data;
                self.shared.set_plugged(bus, plugged);
                let message = if plugged { "plugged in" } else { "unplugged" }.to_owned();
                tracing::info!("motor bus {bus}: {message}");
                respond(request, SetBool::Response { success: true, message });
            }
        }
        if self.trigger.newest().is_some() && active {
            self.shared.want_picture();
        }
        if let Some((world, sensors)) = &mut self.running {
            world.check()?;
            sensors.check()?;
        }
        let Some((simulated, pose)) = self.shared.truth() else { return Ok(()) };
        if simulated >= self.clocked.plus_nanos(CLOCK_NANOS) {
            self.clocked = simulated;
            self.clock.publish(&Clock { clock: time(simulated) })?;
        }
        if simulated >= self.told.plus_nanos(TRUTH_NANOS) {
            self.told = simulated;
            let mut message = Odometry::default();
            message.header.stamp = time(simulated);
            message.header.frame_id = "map".to_owned();
            message.child_frame_id = "base_link".to_owned();
            let (p, q) = (pose.isometry.translation.vector, pose.isometry.rotation);
            let there = &mut message.pose.pose;
            (there.position.x, there.position.y, there.position.z) = (p.x, p.y, p.z);
            let turned = &mut there.orientation;
            (turned.x, turned.y, turned.z, turned.w) = (q.i, q.j, q.k, q.w);
            self.truth.publish(&message)?;
        }
        if simulated >= self.weighed.plus_nanos(BATTERY_NANOS)
            && let Some(sample) = self.shared.battery()
        {
            self.weighed = simulated;
            self.battery.battery(&sample)?;
        }
        Ok(())
    }

    fn health(&self) -> Health {
        let late = self.shared.late_s();
        let slow = late > 0.5;
        Health {
            level: if slow { Level::Warn } else { Level::Ok },
            message: if slow {
                "slower than the clock: simulated time lags, and the bridge goes by it".to_owned()
            } else {
                "keeping pace".to_owned()
            },
            values: vec![
                ("simulated_s", format!("{:.1}", self.shared.truth().map_or(0.0, |(t, _)| t.seconds()))),
                ("lost_s", format!("{late:.2}")),
                ("lost_pictures", self.shared.lost_pictures().to_string()),
            ],
        }
    }
}
