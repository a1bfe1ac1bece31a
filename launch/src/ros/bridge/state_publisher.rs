//! Publisher of the bridge's topics: joints, inertial samples, odometry with its transform, and the robot's state.

use firmware_bridge::safety::Limit;
use r2r::adit_msgs::msg::RobotState;
use r2r::std_msgs::msg::Header;
use r2r::{Node, Publisher};
use robot_interface::joints::JOINT_NAMES;
use robot_interface::robot::RobotDescription;
use robot_interface::time::Stamp;
use stack::authority::estop::StopLevel;
use stack::authority::failsafe::HoldReason;

use crate::ros::convert::time;
use crate::ros::topic_publishers::{TopicPublishers, publisher};
use recording::{MessageWriter, topics};
use stack::realtime::ControlReport;

pub(super) struct StatePublisher {
    out: MessageWriter<TopicPublishers>,
    state: Publisher<RobotState>,
    mounts_told: bool,
    last: Stamp,
}

impl StatePublisher {
    pub(super) fn new(node: &mut Node, robot: &RobotDescription) -> r2r::Result<Self> {
        let topics = TopicPublishers::new()
            .with(node, &topics::JOINT_STATES)?
            .with(node, &topics::IMU)?
            .with(node, &topics::ODOM)?
            .with(node, &topics::TF)?
            .with(node, &topics::TF_STATIC)?;
        Ok(Self {
            out: MessageWriter::through(topics, robot),
            state: publisher(node, &topics::ROBOT_STATE)?,
            mounts_told: false,
            last: Stamp::ZERO,
        })
    }

    /// Publishes a report. The state goes out even where a measurement cannot.
    pub(super) fn report(&mut self, report: &ControlReport, owner: &str) -> anyhow::Result<()> {
        let measured = self.measurements(report);
        self.state(report, owner)?;
        measured
    }

    fn measurements(&mut self, report: &ControlReport) -> anyhow::Result<()> {
        let state = &report.status.state;
        if !self.mounts_told {
            self.out.static_transforms(state.stamp)?;
            self.mounts_told = true;
        }
        // While the sensor is silent there is nothing new to tell of the robot's place.
        if state.stamp != self.last {
            self.last = state.stamp;
            self.out.some_joint_states(&report.joints, &report.answered)?;
            self.out.imu(&report.imu)?;
            self.out.odometry(state)?;
        }
        Ok(())
    }

    fn state(&self, report: &ControlReport, owner: &str) -> r2r::Result<()> {
        let (state, posture) = (&report.status.state, &report.status.posture);
        let power = report.power;
        self.state.publish(&RobotState {
            header: Header { stamp: time(state.stamp), frame_id: "base_link".to_owned() },
            mode: report.status.mode.number(),
            mode_text: report.status.mode.name().to_owned(),
            ready: report.status.ready,
            fallen: report.status.fallen,
            estopped: report.stop != StopLevel::None,
            stop_level: report.stop.number(),
            power: power.number(),
            power_text: power.name().to_owned(),
            fault_text: report.trip.map(|trip| trip.to_string()).unwrap_or_default(),
            hold: report.hold.map_or(0, HoldReason::number),
            hold_text: report.hold.map(|hold| hold.to_string()).unwrap_or_default(),
            lease_owner: owner.to_owned(),
            contacts: state.contacts.to_vec(),
            height_m: posture.height_m,
            tilt_rad: posture.tilt_rad,
            joint_error_rad: posture.joint_error_rad,
            joint_error_of: posture.joint_error_of as u8,
            torque_peak_nm: report.torque_peak_nm,
            missed_replies: report.missed_replies,
            missed_deadlines: report.timing.missed_deadlines,
        })
    }
}

/// Deadlines kept and missed, for diagnostics.
pub(super) fn timing(report: &ControlReport) -> Vec<(&'static str, String)> {
    let timing = &report.timing;
    vec![
        ("cycles", timing.late.count().to_string()),
        ("missed_deadlines", timing.missed_deadlines.to_string()),
        ("late_us", timing.late.in_us()),
        ("bus_round_trip_us", timing.bus.in_us()),
        ("cycle_us", timing.took.in_us()),
        ("estops", timing.stop.count().to_string()),
        ("estop_to_bus_us", timing.stop.in_us()),
    ]
}

/// Power state of the motors, and limits that have acted, for diagnostics.
pub(super) fn safety(report: &ControlReport) -> Vec<(&'static str, String)> {
    let acted = |limit| {
        let joints = JOINT_NAMES.iter().zip(&report.limited);
        let acted = joints.filter(|(_, counts)| counts.get(limit) > 0);
        let text: Vec<_> = acted.map(|(name, counts)| format!("{name} {}", counts.get(limit))).collect();
        (limit.key(), if text.is_empty() { "never".to_owned() } else { text.join(", ") })
    };
    let mut values = vec![
        ("power", report.power.name().to_owned()),
        ("fault", report.trip.map_or_else(|| "none".to_owned(), |trip| trip.to_string())),
        ("stop_level", report.stop.name().to_owned()),
    ];
    values.extend(Limit::ALL.map(acted));
    values
}
