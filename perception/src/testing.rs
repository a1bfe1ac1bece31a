//! What several modules' tests share.

use robot_interface::robot::RobotDescription;

/// The Go2 as its file in `launch/robots` describes it.
pub(crate) fn go2() -> RobotDescription {
    toml::from_str(include_str!("../../launch/robots/go2.toml")).expect("the robot file is valid")
}
