//! What the bridge publishes: joints, inertial samples, odometry with its transform, and the robot's state.

use firmware_bridge::safety::Limit;
use planner::estop::StopLevel;
use planner::gait::Mode;
use r2r::adit_msgs::msg::RobotState;
use r2r::std_msgs::msg::Header;
use r2r::{Node, Publisher};
use robot_interface::joints::JOINT_NAMES;
use robot_interface::robot::RobotDescription;
use robot_interface::time::Stamp;

use crate::ros::convert::time;
use crate::ros::outlet::{Topics, latched_qos, state_qos};
use recording::MessageWriter;
use recording::messages;
use stack::realtime::Report;

/// The modes of the gait as they are called in messages.
pub(in crate::ros) const MODES: [(Mode, &str); 4] = [
    (Mode::Damped, "damped"),
    (Mode::StandUp, "stand_up"),
    (Mode::Walk, "walk"),
    (Mode::LieDown, "lie_down"),
];

pub(super) struct Says {
    out: MessageWriter<Topics>,
    state: Publisher<RobotState>,
    mounts_told: bool,
    last: Stamp,
}

impl Says {
    pub(super) fn new(node: &mut Node, robot: &RobotDescription) -> r2r::Result<Self> {
        let topics = Topics::new()
            .with::<ros_msgs::JointState>(node, "/joint_states", state_qos())?
            .with::<ros_msgs::Imu>(node, "/imu/data", state_qos())?
            .with::<ros_msgs::Odometry>(node, "/odom", state_qos())?
            .with::<ros_msgs::TfMessage>(node, "/tf", state_qos())?
            .with::<ros_msgs::TfMessage>(node, "/tf_static", latched_qos())?;
        Ok(Self {
            out: MessageWriter::through(topics, robot),
            state: node.create_publisher("robot_state", state_qos())?,
            mounts_told: false,
            last: Stamp::ZERO,
        })
    }

    /// Publishes a report. The state goes out even where a measurement cannot.
    pub(super) fn report(&mut self, report: &Report, owner: &str) -> anyhow::Result<()> {
        let measured = self.measurements(report);
        self.state(report, owner)?;
        measured
    }

    fn measurements(&mut self, report: &Report) -> anyhow::Result<()> {
        let state = &report.body.state;
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

    fn state(&self, report: &Report, owner: &str) -> r2r::Result<()> {
        let state = &report.body.state;
        let mode = MODES.iter().find(|(mode, _)| *mode == report.body.mode).map_or("", |(_, name)| name);
        self.state.publish(&RobotState {
            header: Header { stamp: time(state.stamp), frame_id: "base_link".to_owned() },
            mode: mode.to_owned(),
            ready: report.body.ready,
            fallen: report.body.fallen,
            estopped: report.stop != StopLevel::None,
            stop_level: report.stop.name().to_owned(),
            power: report.power.name().to_owned(),
            fault: report.trip.map(|trip| trip.to_string()).unwrap_or_default(),
            held: report.hold.map(|hold| hold.to_string()).unwrap_or_default(),
            lease_owner: owner.to_owned(),
            contacts: state.contacts.to_vec(),
            torque_peak_nm: report.torque_peak_nm,
            missed_replies: report.missed_replies,
            missed_deadlines: report.timing.missed,
        })
    }
}

/// How well the deadlines are kept, for diagnostics.
pub(super) fn timing(report: &Report) -> Vec<(&'static str, String)> {
    let timing = &report.timing;
    vec![
        ("cycles", timing.late.count().to_string()),
        ("missed_deadlines", timing.missed.to_string()),
        ("late_us", timing.late.in_us()),
        ("bus_round_trip_us", timing.bus.in_us()),
        ("cycle_us", timing.took.in_us()),
        ("estops", timing.stop.count().to_string()),
        ("estop_to_bus_us", timing.stop.in_us()),
    ]
}

/// What the motors may do, and which limits have acted, for diagnostics.
pub(super) fn safety(report: &Report) -> Vec<(&'static str, String)> {
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
