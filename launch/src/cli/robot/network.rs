//! The robot and the way to it, as arguments; and what is said of a way that cannot be used.

use std::path::PathBuf;

use crate::cli::exit::BadInput;
use crate::robot_link::{LinkError, RobotNetwork};
use stack::config::Robot;

/// The robot and the way to it.
#[derive(clap::Args)]
pub(in crate::cli) struct NetworkArgs {
    /// Robot: a built-in name or a .toml file
    #[arg(long, value_name = "NAME", default_value = "go2")]
    robot: PathBuf,
    /// Network interface that leads to the robot [default: the robot file's]
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// DDS domain [default: the robot file's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=232))]
    domain: Option<u16>,
}

impl NetworkArgs {
    pub(super) fn load(&self) -> anyhow::Result<(Robot, RobotNetwork)> {
        let robot = Robot::load(&self.robot)?;
        robot.check_control_cycle()?;
        let network =
            RobotNetwork::of(&robot.description, self.interface.as_deref(), self.domain).map_err(refused)?;
        Ok((robot, network))
    }
}

/// A way that cannot be used is bad input, but for what the system refuses.
pub(in crate::cli) fn refused(error: LinkError) -> anyhow::Error {
    match &error {
        LinkError::NoInterface { .. }
        | LinkError::Interface { .. }
        | LinkError::NoAddress
        | LinkError::NoVendorGait
        | LinkError::Serial => {
            let text = error.to_string();
            let (message, help) = text.split_once("\n  help: ").unwrap_or((&text, ""));
            BadInput::new(message.to_owned(), help).into()
        }
        LinkError::Dds(_)
        | LinkError::Socket { .. }
        | LinkError::Thread(_)
        | LinkError::NoRobot { .. }
        | LinkError::GaitReleased
        | LinkError::Ended
        | LinkError::Stopped
        | LinkError::Commanded { .. } => error.into(),
    }
}

/// As [`refused`], of an error that may be another one.
pub(super) fn explained(error: anyhow::Error) -> anyhow::Error {
    match error.downcast() {
        Ok(link) => refused(link),
        Err(other) => other,
    }
}
