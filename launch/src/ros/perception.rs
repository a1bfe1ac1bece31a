//! `perception`: where in the tunnel, what the ground is like, what is wrong with the lining. Scans and pictures are
//! worked on by a thread each, so that none waits for the other.

mod eyes;
mod scans;

use anyhow::Context as _;
use perception::state::PoseHistory;
use r2r::adit_msgs::msg::{MissionStatus, RobotState as RobotStateMsg, TunnelCorrection as CorrectionMsg};
use r2r::nav_msgs::msg::Odometry;
use r2r::sensor_msgs::msg::{Image, PointCloud2};
use r2r::std_srvs::srv::Trigger;
use r2r::{Node, Publisher, ServiceRequest};
use robot_interface::sensors::LidarScan;
use robot_interface::state::RobotState;
use robot_interface::time::Stamp;

use self::eyes::{Eyes, Sight};
use self::scans::{Job, Scans};
use super::endpoint::{Inbox, respond};
use super::outlet::{Topics, latched_qos, sensor_qos, state_qos};
use super::parameters::Declarations;
use super::shell::{Health, Level, Part};
use super::{Setting, convert};
use recording::{MessageWriter, topic_name};

use recording::messages;
use stack::{Story, markers};

pub(super) struct PerceptionNode {
    setting: Setting,
    scans: Option<Scans>,
    eyes: Option<Eyes>,
    story: Story,
    history: PoseHistory,
    state: Option<RobotState>,
    body: RobotStateMsg,
    /// A scan that waits for the odometry up to its end.
    pending: Option<LidarScan>,
    refused: convert::Refusals,
    defects: usize,
    out: MessageWriter<Topics>,
    correction: Publisher<CorrectionMsg>,
    odometry: Inbox<Odometry>,
    robot_state: Inbox<RobotStateMsg>,
    status: Inbox<MissionStatus>,
    lidar: Inbox<PointCloud2>,
    cameras: Vec<Inbox<Image>>,
    thermal: Vec<Inbox<Image>>,
    report: Inbox<ServiceRequest<Trigger::Service>>,
}

impl PerceptionNode {
    pub(super) fn new(
        node: &mut Node,
        declared: &mut Declarations,
        setting: Setting,
    ) -> anyhow::Result<Self> {
        let robot = &setting.robot.description;
        let hot_c = setting.mission.inspection.hot_joint_above_c.get();
        declared.fixed(
            "hot_joint_above_c",
            super::parameters::Value::Number(hot_c),
            "temperature above which a cable joint is a defect, degrees Celsius (the mission's)",
        );
        let topics = Topics::new()
            .with::<ros_msgs::PointCloud2>(node, "/terrain/elevation", state_qos())?
            .with::<ros_msgs::OccupancyGrid>(node, "/terrain/traversability", state_qos())?
            .with::<ros_msgs::MarkerArray>(node, "/defects", latched_qos())?
            .with::<ros_msgs::DefectArray>(node, "/defects/list", latched_qos())?;
        let image = |node: &mut Node, topic: String| Inbox::topic(node, &topic, sensor_qos());
        let cameras = robot.cameras.iter();
        let cameras = cameras.map(|c| image(node, format!("camera/{}/image_raw", topic_name(&c.name))));
        let cameras = cameras.collect::<r2r::Result<_>>()?;
        let thermal = robot.thermal.iter();
        let thermal = thermal.map(|c| image(node, format!("thermal/{}/image_raw", topic_name(&c.name))));
        Ok(Self {
            scans: None,
            eyes: None,
            story: Story::new(&setting.mission),
            history: PoseHistory::new(),
            state: None,
            body: RobotStateMsg::default(),
            pending: None,
            refused: convert::Refusals::default(),
            defects: 0,
            thermal: thermal.collect::<r2r::Result<_>>()?,
            cameras,
            out: MessageWriter::through(topics, robot),
            correction: node.create_publisher("localisation/correction", state_qos())?,
            odometry: Inbox::topic(node, "odom", state_qos())?,
            robot_state: Inbox::topic(node, "robot_state", state_qos())?,
            status: Inbox::topic(node, "mission/status", state_qos())?,
            lidar: Inbox::topic(node, "lidar/points", sensor_qos())?,
            report: Inbox::service(node, "report/write")?,
            setting,
        })
    }

    /// Keeps up with where the robot is; what cannot be is refused.
    fn hear(&mut self) {
        while let Some(message) = self.robot_state.take() {
            self.story.torque(message.torque_peak_nm, message.missed_replies);
            self.body = message;
        }
        let contacts = convert::contacts(&self.body);
        while let Some(message) = self.odometry.take() {
            match convert::state(&message, contacts) {
                Ok(state) => self.moved(state),
                Err(refused) => self.refused.say("odom", &refused),
            }
        }
        while let Some(status) = self.status.take() {
            self.story.status(status.phase);
        }
    }

    fn moved(&mut self, state: RobotState) {
        if self.state.is_some_and(|before| state.stamp < before.stamp) {
            tracing::warn!("time went back: the simulation began anew, and so does the map");
            self.history = PoseHistory::new();
            self.pending = None;
            self.story = Story::new(&self.setting.mission);
            if let (Some(scans), Some(eyes)) = (&self.scans, &self.eyes) {
                scans.begin_anew();
                eyes.begin_anew();
            }
        }
        self.history.push(state.stamp, state.map_from_base);
        self.story.moved(&state);
        self.state = Some(state);
    }

    fn look_at_scans(&mut self) -> anyhow::Result<()> {
        if let Some(cloud) = self.lidar.newest() {
            match convert::scan(&cloud) {
                Ok(scan) => self.pending = Some(scan),
                Err(refused) => self.refused.say("lidar/points", &refused),
            }
        }
        let Some(scans) = &mut self.scans else { return Ok(()) };
        if let (Some(scan), Some(state)) = (&self.pending, self.state) {
            let last_s = scan.points.last().map_or(0.0, |p| f64::from(p.offset_s));
            // The points are laid out by where the robot was: that has to be known up to the last one.
            if state.stamp.seconds_since(scan.stamp) >= last_s
                && let Some(scan) = self.pending.take()
            {
                let standing = self.body.mode == "walk";
                scans.give(Job { scan, state, history: self.history.clone(), standing })?;
            }
        }
        while let Some(perceived) = scans.take()? {
            if let Some(correction) = &perceived.correction {
                self.correction.publish(&scans::correction(correction))?;
            }
            self.out.terrain(&perceived.grid)?;
            if self.body.mode == "walk" {
                self.story.ground(&perceived.grid);
            }
        }
        Ok(())
    }

    fn look_at_pictures(&mut self) -> anyhow::Result<()> {
        for camera in 0..self.cameras.len() {
            while let Some(image) = self.cameras[camera].take() {
                match convert::picture(&image) {
                    Ok((stamp, image)) => self.see(stamp, Sight::Picture { camera, image })?,
                    Err(refused) => self.refused.say("a camera's image_raw", &refused),
                }
            }
        }
        for camera in 0..self.thermal.len() {
            while let Some(image) = self.thermal[camera].take() {
                match convert::thermal(&image, camera) {
                    Ok(frame) => self.see(frame.stamp, Sight::Thermal(frame))?,
                    Err(refused) => self.refused.say("a thermal camera's image_raw", &refused),
                }
            }
        }
        let Some(eyes) = &mut self.eyes else { return Ok(()) };
        if let Some(defects) = eyes.take()? {
            self.defects = defects.len();
            let stamp = self.state.map_or(Stamp::ZERO, |state| state.stamp);
            self.out.defects(stamp, &markers(&defects, &self.setting.mission.design))?;
        }
        Ok(())
    }

    fn see(&mut self, stamp: Stamp, sight: Sight) -> anyhow::Result<()> {
        let Some(eyes) = &mut self.eyes else { return Ok(()) };
        match self.history.pose_at(stamp) {
            Some(pose) => eyes.give(pose, sight),
            None => {
                tracing::warn!("a picture of {:.2} s is not used: no odometry of that time", stamp.seconds());
                Ok(())
            }
        }
    }

    fn write_report(&mut self) -> anyhow::Result<String> {
        let eyes = self.eyes.as_mut().context("the node is not configured")?;
        let refused_scans = self.scans.as_ref().map_or(0, Scans::refused);
        let summary = self.story.summary(&self.setting.robot, eyes.findings()?, refused_scans)?;
        let folder = &self.setting.run_dir;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}: choose another --out", folder.display()))?;
        report::write_all(folder, &summary)?;
        Ok(folder.display().to_string())
    }
}

impl Part for PerceptionNode {
    fn configure(&mut self, _parameters: &Declarations) -> anyhow::Result<()> {
        let robot = &self.setting.robot.description;
        self.scans = Some(Scans::start(robot, &self.setting.mission.design)?);
        self.eyes = Some(Eyes::start(&self.setting.mission, robot)?);
        Ok(())
    }

    fn cleanup(&mut self) {
        (self.scans, self.eyes) = (None, None);
    }

    fn tick(
        &mut self,
        _node: &mut Node,
        _now: Stamp,
        _parameters: &Declarations,
        active: bool,
    ) -> anyhow::Result<()> {
        self.hear();
        while let Some(request) = self.report.take() {
            let written = self.write_report();
            let success = written.is_ok();
            let message = written.unwrap_or_else(|e| format!("{e:#}"));
            respond(request, Trigger::Response { success, message });
        }
        if !active {
            self.pending = None;
            self.lidar.newest();
            for inbox in self.cameras.iter_mut().chain(&mut self.thermal) {
                inbox.newest();
            }
            return Ok(());
        }
        self.look_at_scans()?;
        self.look_at_pictures()
    }

    fn health(&self) -> Health {
        let level = if self.state.is_some() { Level::Ok } else { Level::Warn };
        let message = if self.state.is_some() { "perceiving" } else { "no odometry: is the bridge active?" };
        Health {
            level,
            message: message.to_owned(),
            values: vec![
                ("defects", self.defects.to_string()),
                ("refused_messages", self.refused.count().to_string()),
                ("refused_scans", self.scans.as_ref().map_or(0, Scans::refused).to_string()),
                ("pictures_waiting", self.eyes.as_ref().map_or(0, Eyes::waiting).to_string()),
            ],
        }
    }
}
