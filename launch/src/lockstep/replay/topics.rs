//! Selection of the topics of a recording that a replay is made from, and checks of their types.

use std::collections::BTreeMap;

use recording::{Topic, TopicSpec, topic_name, topics};
use robot_interface::robot::RobotDescription;
use stack::config::ConfigError;

/// Content of a topic's messages. Cameras by their place in the robot description's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Odometry,
    Scan,
    Picture(usize),
    /// As JPEG or PNG.
    Compressed(usize),
    Lens(usize),
    Thermal(usize),
    Joints,
    Status,
    /// `/tf_static`: where the sensors sit.
    Mounts,
}

impl Role {
    /// The topic in the table.
    const fn topic(self) -> &'static TopicSpec {
        match self {
            Self::Odometry => &topics::ODOM,
            Self::Scan => &topics::LIDAR_POINTS,
            Self::Picture(_) => &topics::CAMERA_IMAGE,
            Self::Compressed(_) => &topics::CAMERA_COMPRESSED,
            Self::Lens(_) => &topics::CAMERA_INFO,
            Self::Thermal(_) => &topics::THERMAL_IMAGE,
            Self::Joints => &topics::JOINT_STATES,
            Self::Status => &topics::MISSION_STATUS,
            Self::Mounts => &topics::TF_STATIC,
        }
    }

    pub(super) const fn shows(self) -> bool {
        matches!(self, Self::Picture(_) | Self::Compressed(_) | Self::Thermal(_))
    }
}

/// Returns the content of each topic that is of use, and what a reader of the report must know of those that are missing.
/// `damage` is what the file is known to lack.
///
/// # Errors
/// If a topic that there must be is not there, or one is of another type than it has to be.
pub(super) fn roles(
    file: &str,
    namespace: &str,
    topics: &[&Topic],
    robot: &RobotDescription,
    damage: Option<&str>,
) -> Result<(BTreeMap<String, Role>, Vec<String>), ConfigError> {
    let (mut roles, mut strangers) = (BTreeMap::new(), Vec::new());
    let namespace = namespace.trim_matches('/');
    for topic in topics {
        let inner = match namespace {
            "" => Some(topic.name.as_str()),
            namespace => topic.name.strip_prefix('/').and_then(|name| name.strip_prefix(namespace)),
        };
        let Some(found) = inner.and_then(|name| role_of(name, robot)) else { continue };
        match found {
            Ok(role) => {
                check_type(file, topic, role)?;
                roles.insert(topic.name.clone(), role);
            }
            Err(camera) if !strangers.contains(&camera) => strangers.push(camera),
            Err(_) => {}
        }
    }
    // Of the same picture in two forms the one that was not compressed is taken.
    let raw: Vec<_> = roles.values().copied().filter(|role| matches!(role, Role::Picture(_))).collect();
    roles
        .retain(|_, role| !matches!(role, Role::Compressed(camera) if raw.contains(&Role::Picture(*camera))));

    let known = || {
        let thermal = robot.thermal.iter().map(|camera| camera.name.as_str());
        robot.cameras.iter().map(|camera| camera.name.as_str()).chain(thermal).collect::<Vec<_>>().join(", ")
    };
    let strange = format!(
        "it holds pictures of {}, but the robot {} has only {}",
        strangers.join(", "),
        robot.name,
        known()
    );
    let own_robot = "give the file of the robot that made the recording with --robot, with all of its [[cameras]] and \
                     [[thermal]]";
    if !roles.values().any(|role| *role == Role::Odometry) {
        return Err(missing(file, "/odom (nav_msgs/msg/Odometry)", topics, damage));
    }
    if !roles.values().any(|role| role.shows()) {
        return Err(if strangers.is_empty() {
            let pictures = "/camera/NAME/image_raw, its /compressed, or /thermal/NAME/image_raw";
            missing(file, pictures, topics, damage)
        } else {
            ConfigError::of_file(file, strange, own_robot)
        });
    }
    let mut notes = Vec::new();
    if !strangers.is_empty() {
        notes.push(format!("In the recording, {strange}: the others are left out; {own_robot}."));
    }
    if !roles.values().any(|role| *role == Role::Scan) {
        notes.push(
            "The recording has no /lidar/points: the ground is not known, and the place was not checked."
                .to_owned(),
        );
    }
    Ok((roles, notes))
}

/// The role of a topic; the name of its camera if the robot has none of that name.
fn role_of(name: &str, robot: &RobotDescription) -> Option<Result<Role, String>> {
    let plain = [Role::Odometry, Role::Scan, Role::Joints, Role::Status, Role::Mounts];
    if let Some(role) = plain.into_iter().find(|role| role.topic().name == name) {
        return Some(Ok(role));
    }
    let of_cameras: [fn(usize) -> Role; 4] = [Role::Picture, Role::Compressed, Role::Lens, Role::Thermal];
    of_cameras.into_iter().find_map(|role| {
        let camera = role(0).topic().camera_in(name)?;
        let thermal = matches!(role(0), Role::Thermal(_));
        let place = if thermal {
            robot.thermal.iter().position(|known| topic_name(&known.name) == camera)
        } else {
            robot.cameras.iter().position(|known| topic_name(&known.name) == camera)
        };
        Some(place.map(role).ok_or_else(|| camera.to_owned()))
    })
}

fn check_type(file: &str, topic: &Topic, role: Role) -> Result<(), ConfigError> {
    let wanted = role.topic().type_name;
    let Topic { name, type_name, encoding, .. } = topic;
    if type_name == wanted && encoding == "cdr" {
        return Ok(());
    }
    Err(ConfigError::of_file(
        file,
        format!("its topic {name} is `{type_name}` in `{encoding}`, not `{wanted}` in `cdr`"),
        "record with `adit record` or `ros2 bag record --storage mcap`; a ROS 1 bag has to be converted first, and a topic \
         that only has the same name be remapped",
    ))
}

fn missing(file: &str, what: &str, topics: &[&Topic], damage: Option<&str>) -> ConfigError {
    let mut names: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
    names.sort_unstable();
    let there = if names.is_empty() { "no topic at all".to_owned() } else { names.join(", ") };
    if let Some(damage) = damage {
        return ConfigError::of_file(
            file,
            format!("it is damaged, and there is no {what} in what can be read of it, but {there}. {damage}"),
            "copy the file again from where it was recorded, or replay another one",
        );
    }
    ConfigError::of_file(
        file,
        format!("there is no {what} in it; it has {there}"),
        "replay a recording of `adit mission`, `adit up` or `adit record`; if its topics stand in a namespace, give that \
         with --namespace",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use stack::config::Robot;

    /// A topic and its type.
    type Named<'a> = (&'a str, &'a str);

    fn check(namespace: &str, topics: &[Named<'_>]) -> Result<(Vec<Role>, Vec<String>), String> {
        let robot = Robot::load("go2").expect("built in").description;
        let topic = |(name, type_name): &Named<'_>| Topic {
            name: (*name).to_owned(),
            type_name: (*type_name).to_owned(),
            qos_profile: String::new(),
            encoding: "cdr".to_owned(),
        };
        let topics: Vec<_> = topics.iter().map(topic).collect();
        let found = roles("run.mcap", namespace, &topics.iter().collect::<Vec<_>>(), &robot, None)
            .map_err(|e| e.to_string());
        found.map(|(roles, notes)| (roles.into_values().collect(), notes))
    }

    const ODOM: Named<'_> = ("/odom", "nav_msgs/msg/Odometry");
    const CROWN: Named<'_> = ("/camera/crown/image_raw", "sensor_msgs/msg/Image");
    const SMALL: Named<'_> = ("/camera/crown/image_raw/compressed", "sensor_msgs/msg/CompressedImage");

    #[test]
    fn what_is_of_use_is_found_and_the_better_picture_taken() {
        let other = ("/odometry", "nav_msgs/msg/Odometry");
        let (roles, notes) = check("", &[ODOM, other, SMALL]).expect("enough");
        assert_eq!(roles, [Role::Compressed(1), Role::Odometry]);
        assert!(notes.len() == 1 && notes[0].contains("/lidar/points"), "{notes:?}");
        let (roles, _) = check("", &[ODOM, CROWN, SMALL]).expect("enough");
        assert_eq!(roles, [Role::Picture(1), Role::Odometry]);
        let spaced =
            [("/r1/odom", ODOM.1), ("/r1/thermal/thermal_left/image_raw", CROWN.1), ("/r10/odom", "x")];
        let (roles, _) = check("/r1", &spaced).expect("enough");
        assert_eq!(roles, [Role::Odometry, Role::Thermal(0)]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_with_its_remedy() {
        let drive = ("/camera/drive/image_raw", CROWN.1);
        let cases: [(&[Named<'_>], &str, &str); 6] = [
            (&[], "no topic at all", "replay a recording of"),
            (&[CROWN], "no /odom", "--namespace"),
            (&[ODOM], "no /camera/NAME/image_raw", "--namespace"),
            (&[ODOM, drive], "pictures of drive, but the robot Unitree Go2 has only left, crown", "--robot"),
            (&[("/odom", "nav_msgs/Odometry"), CROWN], "`nav_msgs/Odometry` in `cdr`", "ROS 1"),
            (&[ODOM, (CROWN.0, SMALL.1)], "not `sensor_msgs/msg/Image`", "remapped"),
        ];
        for (topics, message, help) in cases {
            let error = check("", topics).expect_err(message);
            assert!(error.contains(message) && error.contains(help), "{error}");
        }
        let (_, notes) = check("", &[ODOM, CROWN, drive]).expect("enough");
        assert!(notes[0].contains("drive") && notes[0].contains("left out"), "{notes:?}");
    }
}
