//! `adit robot`: robots as they are sold, on their networks, without ROS.

mod find;
mod simulate;
mod walk;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::exit::BadInput;
use crate::robot_link::{LinkError, RobotNetwork};
use stack::config::Robot;

#[derive(Subcommand)]
pub(super) enum RobotCommand {
    /// List robots on a network: how they are reached, their battery, and who drives them
    ///
    /// Listens for Unitree's DDS topics and for DEEP Robotics' datagrams. Nothing is sent to a robot, but for what DDS says to be
    /// found itself.
    Find(find::FindArgs),
    /// Take a robot over, stand it up, walk it ahead, lay it down and let go
    ///
    /// The first thing to try on a robot that hangs on a stand or has room ahead. The vendor's own service is asked to lay it down and
    /// is released first. Ctrl-C lays it down; its remote control (Unitree: L2 and B) lets go of all joints at once.
    Walk(walk::WalkArgs),
    /// Be a robot on a network, in simulation: the same wires, with stand-ins for the vendor's services
    Simulate(simulate::SimulateArgs),
}

/// The robot and the way to it.
#[derive(clap::Args)]
pub(super) struct NetworkArgs {
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
    fn load(&self) -> anyhow::Result<(Robot, RobotNetwork)> {
        let robot = Robot::load(&self.robot)?;
        robot.check_control_cycle()?;
        let network =
            RobotNetwork::of(&robot.description, self.interface.as_deref(), self.domain).map_err(refused)?;
        Ok((robot, network))
    }
}

pub(super) fn run(command: &RobotCommand) -> anyhow::Result<ExitCode> {
    match command {
        RobotCommand::Find(args) => find::run(args),
        RobotCommand::Walk(args) => walk::run(args),
        RobotCommand::Simulate(args) => simulate::run(args),
    }
}

/// A way that cannot be used is bad input, but for what the system refuses.
pub(super) fn refused(error: LinkError) -> anyhow::Error {
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
        | LinkError::Commanded { .. } => error.into(),
    }
}

/// As [`refused`], of an error that may be another one.
fn explained(error: anyhow::Error) -> anyhow::Error {
    match error.downcast() {
        Ok(link) => refused(link),
        Err(other) => other,
    }
}
