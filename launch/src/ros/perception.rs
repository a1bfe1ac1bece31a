//! `perception`: localisation, mapping and inspection, on the perception pipeline of `stack`. Scans and pictures are
//! worked on by a thread each, so that none waits for the other.

mod inspection_thread;
mod mapping_thread;
mod mission_watch;

use anyhow::Context as _;
use r2r::adit_msgs::msg::{MissionStatus, RobotState as RobotStateMsg, TunnelCorrection as CorrectionMsg};
use r2r::nav_msgs::msg::Odometry;
use r2r::sensor_msgs::msg::{Image, PointCloud2};
use r2r::std_srvs::srv::Trigger;
use r2r::{Node, Publisher, ServiceRequest};
use recording::{MessageWriter, topics};
use robot_interface::joints::LEGS;
use robot_interface::state::RobotState;
use robot_interface::status::MissionState;
use robot_interface::time::Stamp;
use stack::{CameraImage, OdometryEvent, PerceptionPipeline, Source};

use self::inspection_thread::InspectionThread;
use self::mapping_thread::MappingThread;
use self::mission_watch::MissionWatch;
use super::convert;
use super::endpoint::{Inbox, respond};
use super::lifecycle_node::{Health, Level, NodeBehaviour};
use super::parameters::Declarations;
use super::sender_check::OwnedInbox;
use super::settings::NodeSettings;
use super::topic_publishers::{TopicPublishers, publisher};
use crate::run_folder::ReportFiles;
use crate::summary::summarise;

/// Way of a mission from which a node that first hears of it has begun late, m.
const LATE_M: f64 = 0.5;
/// Said of its report then.
const BEGAN_LATE: &str = "Perception began anew during the mission, as after a crash: what was seen before is not in this report, but \
                          may be in an earlier one beside it.";

pub(super) struct PerceptionNode {
    settings: NodeSettings,
    pipeline: PerceptionPipeline,
    mapping: Option<MappingThread>,
    inspection: Option<InspectionThread>,
    contacts: [bool; LEGS],
    refused: convert::Refusals,
    out: MessageWriter<TopicPublishers>,
    correction: Publisher<CorrectionMsg>,
    odometry: OwnedInbox<Odometry>,
    robot_state: OwnedInbox<RobotStateMsg>,
    status: OwnedInbox<MissionStatus>,
    lidar: Inbox<PointCloud2>,
    cameras: Vec<Inbox<Image>>,
    thermal: Vec<Inbox<Image>>,
    report: Inbox<ServiceRequest<Trigger::Service>>,
    report_files: ReportFiles,
    watch: MissionWatch,
    /// True if the mission was under way when the node began: what was seen of it before is lost.
    began_late: bool,
}

impl PerceptionNode {
    pub(super) fn new(
        node: &mut Node,
        declared: &mut Declarations,
        settings: NodeSettings,
    ) -> anyhow::Result<Self> {
        let robot = &settings.robot.description;
        let hot_c = settings.mission.inspection.hot_joint_above_c.get();
        declared.fixed(
            "hot_joint_above_c",
            super::parameters::Value::Number(hot_c),
            "temperature above which a cable joint is a defect, degrees Celsius (the mission's)",
        );
        declared.fixed(
            "joint_emissivity",
            super::parameters::Value::Number(settings.mission.inspection.joint_emissivity.get()),
            "emissivity that cable joints are taken to have (the mission's)",
        );
        let topics = TopicPublishers::new()
            .with(node, &topics::ELEVATION)?
            .with(node, &topics::TRAVERSABILITY)?
            .with(node, &topics::DEFECTS)?
            .with(node, &topics::DEFECT_LIST)?;
        let cameras = robot.cameras.iter();
        let cameras = cameras.map(|camera| Inbox::camera(node, &topics::CAMERA_IMAGE, &camera.name));
        let cameras = cameras.collect::<r2r::Result<_>>()?;
        let thermal = robot.thermal.iter();
        let thermal = thermal.map(|camera| Inbox::camera(node, &topics::THERMAL_IMAGE, &camera.name));
        Ok(Self {
            pipeline: PerceptionPipeline::new(&settings.mission, robot, Source::Live),
            mapping: None,
            inspection: None,
            contacts: [false; LEGS],
            refused: convert::Refusals::default(),
            thermal: thermal.collect::<r2r::Result<_>>()?,
            cameras,
            out: MessageWriter::through(topics, robot),
            correction: publisher(node, &topics::CORRECTION)?,
            odometry: OwnedInbox::topic(node, &topics::ODOM, "bridge")?,
            robot_state: OwnedInbox::topic(node, &topics::ROBOT_STATE, "bridge")?,
            status: OwnedInbox::topic(node, &topics::MISSION_STATUS, "planner")?,
            lidar: Inbox::topic(node, &topics::LIDAR_POINTS)?,
            report: Inbox::service(node, "report/write")?,
            report_files: ReportFiles::new(&settings.run_dir),
            watch: MissionWatch::default(),
            began_late: false,
            settings,
        })
    }

    /// Hands what was heard of the robot and the mission to the pipeline; what cannot be is refused.
    fn hear(&mut self, node: &Node, now: Stamp) {
        for message in self.robot_state.admitted(node, &mut self.refused) {
            self.contacts = convert::contacts(&message);
            self.pipeline.handle_motors(message.torque_peak_nm, message.missed_replies);
            match message.mode.try_into() {
                Ok(mode) => self.pipeline.handle_mode(mode),
                Err(unknown) => self.refused.say("robot_state", unknown),
            }
        }
        let (odometry, sender) = self.odometry.take_all(node);
        self.pipeline.set_contested(sender.is_err());
        for message in odometry {
            match convert::state(&message, self.contacts) {
                Ok(state) => self.handle_odometry(&state, &sender),
                Err(refused) => self.refused.say("odom", refused),
            }
        }
        for status in self.status.admitted(node, &mut self.refused) {
            match convert::mission_state(&status) {
                Ok(state) => {
                    self.began_late |= self.watch.is_new() && status.distance_walked_m > LATE_M;
                    self.watch.handle_status(now, &state);
                    self.pipeline.handle_mission(state);
                }
                Err(unknown) => self.refused.say("mission/status", unknown),
            }
        }
    }

    fn handle_odometry(&mut self, state: &RobotState, sender: &Result<(), String>) {
        if let OdometryEvent::Refused(outlier) = self.pipeline.handle_odometry(state) {
            match sender {
                Ok(()) => self.refused.say("odom", outlier),
                Err(rival) => self.refused.say("odom", format_args!("{outlier}; {rival}")),
            }
        }
    }

    fn map(&mut self) -> anyhow::Result<()> {
        if let Some(cloud) = self.lidar.newest() {
            match convert::scan(&cloud) {
                Ok(scan) => self.pipeline.handle_scan(scan),
                Err(refused) => self.refused.say("lidar/points", refused),
            }
        }
        let Some(mapping) = &mut self.mapping else { return Ok(()) };
        if let Some(job) = self.pipeline.poll_scan() {
            mapping.give(job)?;
        }
        while let Some(result) = mapping.take()? {
            if !self.pipeline.handle_scan_result(&result) {
                continue;
            }
            if let Some(correction) = &result.correction {
                self.correction.publish(&mapping_thread::correction(correction))?;
            }
            self.out.terrain(&result.grid)?;
        }
        Ok(())
    }

    fn inspect(&mut self) -> anyhow::Result<()> {
        for (camera, inbox) in self.cameras.iter_mut().enumerate() {
            while let Some(image) = inbox.take() {
                match convert::picture(&image) {
                    Ok((stamp, image)) => {
                        self.pipeline.handle_image(stamp, CameraImage::Visible { camera, image });
                    }
                    Err(refused) => self.refused.say("a camera's image_raw", refused),
                }
            }
        }
        for (camera, inbox) in self.thermal.iter_mut().enumerate() {
            while let Some(image) = inbox.take() {
                match convert::thermal(&image, camera) {
                    Ok(frame) => self.pipeline.handle_image(frame.stamp, CameraImage::Thermal(frame)),
                    Err(refused) => self.refused.say("a thermal camera's image_raw", refused),
                }
            }
        }
        let Some(inspection) = &mut self.inspection else { return Ok(()) };
        while let Some(job) = self.pipeline.poll_images() {
            inspection.give(job)?;
        }
        if let Some(defects) = inspection.take()? {
            self.pipeline.handle_inspection(&defects);
            let stamp = self.pipeline.newest().map_or(Stamp::ZERO, |state| state.stamp);
            self.out.defects(stamp, &defects, &self.settings.mission.design)?;
        }
        Ok(())
    }

    /// Writes the report of a mission that its planner does not end any more.
    fn write_owed_report(&mut self, state: MissionState) {
        tracing::error!("mission given up: {}", state.text());
        self.pipeline.handle_mission(state);
        match self.write_report() {
            Ok(folder) => tracing::info!("report in {folder}"),
            Err(error) => tracing::error!("no report: {error:#}"),
        }
    }

    fn write_report(&mut self) -> anyhow::Result<String> {
        let inspection = self.inspection.as_mut().context("the node is not configured")?;
        let refused_scans = self.mapping.as_ref().map_or(0, MappingThread::refused);
        let outcome = self.pipeline.outcome(inspection.findings()?, refused_scans);
        let mut summary = summarise(&self.settings.mission, &self.settings.robot, &outcome, None)?;
        if self.began_late {
            summary.warnings.push(BEGAN_LATE.to_owned());
        }
        self.report_files.write(&summary)?;
        self.watch.handle_report();
        Ok(self.settings.run_dir.display().to_string())
    }
}

impl NodeBehaviour for PerceptionNode {
    fn configure(&mut self, _parameters: &Declarations) -> anyhow::Result<()> {
        let robot = &self.settings.robot.description;
        self.mapping = Some(MappingThread::start(robot, &self.settings.mission.design)?);
        self.inspection = Some(InspectionThread::start(&self.settings.mission, robot)?);
        Ok(())
    }

    fn cleanup(&mut self) {
        (self.mapping, self.inspection) = (None, None);
    }

    fn tick(
        &mut self,
        node: &mut Node,
        now: Stamp,
        _parameters: &Declarations,
        active: bool,
    ) -> anyhow::Result<()> {
        self.hear(node, now);
        if let Some(state) = self.watch.poll_orphan(now) {
            self.write_owed_report(state);
        }
        while let Some(request) = self.report.take() {
            let written = self.write_report();
            let success = written.is_ok();
            let message = written.unwrap_or_else(|e| format!("{e:#}"));
            respond(request, Trigger::Response { success, message });
        }
        if !active {
            self.pipeline.discard_waiting();
            self.lidar.newest();
            for inbox in self.cameras.iter_mut().chain(&mut self.thermal) {
                inbox.newest();
            }
            return Ok(());
        }
        self.map()?;
        self.inspect()
    }

    fn health(&self) -> Health {
        let (level, message) = if self.watch.is_orphaned() {
            (Level::Error, "the planner fell silent during a mission: its report was written")
        } else if self.pipeline.newest().is_none() {
            (Level::Warn, "no odometry: is the bridge active?")
        } else if self.began_late && self.watch.is_underway() {
            (Level::Warn, BEGAN_LATE)
        } else {
            (Level::Ok, "perceiving")
        };
        Health {
            level,
            message: message.to_owned(),
            values: vec![
                ("defects", self.pipeline.defects().to_string()),
                ("refused_messages", self.refused.count().to_string()),
                ("odometry_outliers", self.pipeline.refused_odometry().to_string()),
                ("refused_scans", self.mapping.as_ref().map_or(0, MappingThread::refused).to_string()),
                (
                    "pictures_waiting",
                    self.inspection.as_ref().map_or(0, InspectionThread::waiting).to_string(),
                ),
                ("unplaced", self.pipeline.unplaced().to_string()),
            ],
        }
    }

    fn may_end(&mut self, _now: Stamp) -> bool {
        if let Some(state) = self.watch.owed_at_end() {
            self.write_owed_report(state);
            // Asked for once, whether or not it could be written.
            self.watch.handle_report();
        }
        true
    }
}
