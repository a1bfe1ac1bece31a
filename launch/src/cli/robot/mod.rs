//! `adit robot`: robots as they are sold, on their networks, without ROS.

mod find;
mod network;
mod simulate;
mod walk;

use std::process::ExitCode;

use clap::Subcommand;

pub(super) use network::refused;

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

pub(super) fn run(command: &RobotCommand) -> anyhow::Result<ExitCode> {
    match command {
        RobotCommand::Find(args) => find::run(args),
        RobotCommand::Walk(args) => walk::run(args),
        RobotCommand::Simulate(args) => simulate::run(args),
    }
}
