//! Table of topics: name, type and quality of service of each. The recorder, publishers and subscribers on a graph, and
//! replay go by it.

/// Quality of service of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// Many small messages that each replace the one before: joints, odometry, transforms. Reliable, the last ten.
    State,
    /// Large ones that must arrive whole: clouds and pictures. Offered reliably, the last five, so that a subscriber may
    /// choose; one with the sensor-data profile gets them as well.
    Sensor,
    /// The last one, for whoever comes late too (transient local).
    Latched,
    /// Commands, of which the newest counts. Reliable, the last one.
    Command,
    /// Something that happens now and then. Reliable, the last ten.
    Event,
    /// The time. Best effort, the last one.
    Clock,
}

/// One topic, or one a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name below the robot's namespace, such as `/odom`; `{}` stands for a camera's name.
    pub name: &'static str,
    /// Type of its messages, such as `nav_msgs/msg/Odometry`.
    pub type_name: &'static str,
    /// Its quality of service.
    pub qos: Qos,
}

impl TopicSpec {
    const fn new(name: &'static str, type_name: &'static str, qos: Qos) -> Self {
        Self { name, type_name, qos }
    }

    /// Returns the name as a node gives it, relative to its namespace.
    pub fn relative(&self) -> &'static str {
        self.name.trim_start_matches('/')
    }

    /// Returns the topic's name for a camera of this name.
    pub fn of_camera(&self, camera: &str) -> String {
        self.name.replace("{}", &topic_name(camera))
    }

    /// Returns the camera's part of `name`, if that is the name of this topic of some camera.
    pub fn camera_in<'a>(&self, name: &'a str) -> Option<&'a str> {
        let (before, after) = self.name.split_once("{}")?;
        let camera = name.strip_prefix(before)?.strip_suffix(after)?;
        (!camera.is_empty() && !camera.contains('/')).then_some(camera)
    }
}

/// Returns a camera's name as a part of a topic, which may hold letters, digits and underscores.
pub fn topic_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Declares the topics, and `ALL` of them.
macro_rules! topics {
    ($($(#[$doc:meta])+ $constant:ident = $name:literal, $type_name:literal, $qos:ident;)+) => {
        $($(#[$doc])+ pub const $constant: TopicSpec = TopicSpec::new($name, $type_name, Qos::$qos);)+

        /// All topics.
        pub const ALL: &[TopicSpec] = &[$($constant),+];
    };
}

topics! {
    /// Joints, those that answered.
    JOINT_STATES = "/joint_states", "sensor_msgs/msg/JointState", State;
    /// Inertial samples.
    IMU = "/imu/data", "sensor_msgs/msg/Imu", State;
    /// The state estimate.
    ODOM = "/odom", "nav_msgs/msg/Odometry", State;
    /// The state estimate as a transform.
    TF = "/tf", "tf2_msgs/msg/TFMessage", State;
    /// Mounts of the sensors.
    TF_STATIC = "/tf_static", "tf2_msgs/msg/TFMessage", Latched;
    /// The battery.
    BATTERY_STATE = "/battery_state", "sensor_msgs/msg/BatteryState", State;
    /// State of the control process and of the robot.
    ROBOT_STATE = "/robot_state", "adit_msgs/msg/RobotState", State;
    /// Lidar returns.
    LIDAR_POINTS = "/lidar/points", "sensor_msgs/msg/PointCloud2", Sensor;
    /// Pictures of a camera.
    CAMERA_IMAGE = "/camera/{}/image_raw", "sensor_msgs/msg/Image", Sensor;
    /// Pictures of a camera, smaller and as JPEG.
    CAMERA_COMPRESSED = "/camera/{}/image_raw/compressed", "sensor_msgs/msg/CompressedImage", Sensor;
    /// The lens of a camera.
    CAMERA_INFO = "/camera/{}/camera_info", "sensor_msgs/msg/CameraInfo", Sensor;
    /// Frames of a thermal camera, degrees Celsius.
    THERMAL_IMAGE = "/thermal/{}/image_raw", "sensor_msgs/msg/Image", Sensor;
    /// Request to take pictures.
    CAMERA_TRIGGER = "/camera/trigger", "std_msgs/msg/Empty", Event;
    /// Place of the robot in the tunnel's section, measured against its drawings.
    CORRECTION = "/localisation/correction", "adit_msgs/msg/TunnelCorrection", State;
    /// Heights of the ground around the robot.
    ELEVATION = "/terrain/elevation", "sensor_msgs/msg/PointCloud2", State;
    /// Costs of the ground around the robot.
    TRAVERSABILITY = "/terrain/traversability", "nav_msgs/msg/OccupancyGrid", State;
    /// Findings as markers to look at.
    DEFECTS = "/defects", "visualization_msgs/msg/MarkerArray", Latched;
    /// Findings with all their numbers.
    DEFECT_LIST = "/defects/list", "adit_msgs/msg/DefectArray", Latched;
    /// The planned path.
    PLAN = "/plan", "nav_msgs/msg/Path", State;
    /// State of the mission.
    MISSION_STATUS = "/mission/status", "adit_msgs/msg/MissionStatus", State;
    /// Target of the holder of the lease.
    MOTION_TARGET = "/motion/target", "adit_msgs/msg/MotionTarget", Command;
    /// Velocity of a person who holds the lease.
    CMD_VEL = "/cmd_vel", "geometry_msgs/msg/Twist", Command;
    /// Health of the nodes.
    DIAGNOSTICS = "/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", Event;
    /// Simulated time.
    CLOCK = "/clock", "rosgraph_msgs/msg/Clock", Clock;
    /// True pose in simulation, for people and tests.
    GROUND_TRUTH = "/ground_truth/odom", "nav_msgs/msg/Odometry", State;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::messages;

    #[test]
    fn names_are_unique_and_types_with_a_struct_here_are_those_of_the_struct() {
        let names: BTreeSet<_> = ALL.iter().map(|topic| topic.name).collect();
        assert_eq!(names.len(), ALL.len());
        let known = |topic: &TopicSpec| messages::find(&topic.type_name.replace("/msg/", "/"));
        let found = ALL.iter().filter_map(|topic| Some((topic.type_name, known(topic)?.type_name())));
        let found: Vec<_> = found.collect();
        assert!(found.len() > 15 && found.iter().all(|(ours, theirs)| ours == theirs), "{found:?}");
    }

    #[test]
    fn a_cameras_name_is_found_in_its_topics() {
        assert_eq!(CAMERA_IMAGE.of_camera("front left"), "/camera/front_left/image_raw");
        assert_eq!(CAMERA_IMAGE.camera_in("/camera/crown/image_raw"), Some("crown"));
        assert_eq!(CAMERA_COMPRESSED.camera_in("/camera/crown/image_raw/compressed"), Some("crown"));
        for other in
            ["/camera/image_raw", "/camera//image_raw", "/camera/a/b/image_raw", "/thermal/a/image_raw"]
        {
            assert_eq!(CAMERA_IMAGE.camera_in(other), None, "{other}");
        }
        assert_eq!(ODOM.camera_in("/odom"), None);
        assert_eq!(TF_STATIC.relative(), "tf_static");
    }
}
