//! The command line: `adit mission`, `adit inspect`, `adit model`, `adit learn`, `adit campaign`, `adit setup`, `adit env`, `adit up`,
//! `adit record`, `adit replay`, `adit node`, `adit wire`, `adit bus`, `adit robot`,
//! `adit doctor`.
//!
//! Exit codes: 0 done as asked; 1 the mission was not completed, or something failed on the way, be it that a file or
//! standard output is not complete; 2 the input could not be used (nothing has been written then); 130 stopped by Ctrl-C.
//! `adit up` is meant to be stopped by Ctrl-C: that is 0 (1 if a node says that its work failed, as of a lost mission), and 130 is a second Ctrl-C that did not wait for the order.

mod bus;
mod campaign;
mod doctor;
mod domain;
mod exit;
mod gait;
#[cfg(not(feature = "ros"))]
mod handover;
mod inspect;
mod learn;
#[cfg(feature = "ros")]
mod look;
mod mission;
mod model;
mod node;
mod record;
mod replay;
mod robot;
mod setup;
mod up;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::run_folder::RunFolderError;
use crate::terminal;
use crate::weights::WeightsError;
use exit::{BAD_INPUT, BadInput, FAILED};
use host::setup::SetupError;
use recording::PlaybackError;
use stack::config::ConfigError;

/// Inspects tunnels with a walking robot: on a robot, or in simulation.
#[derive(Parser)]
#[command(name = "adit", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Walk a simulated tunnel faster than real time, and report what is wrong with it
    Mission(mission::Args),
    /// Look for defects in photographs
    Inspect(inspect::Args),
    /// Say how good the defect model is
    #[command(subcommand)]
    Model(model::Model),
    /// Let the defect model learn from what a person corrected
    #[command(subcommand)]
    Learn(learn::Learn),
    /// Run a mission for many seeds and print the table of results
    Campaign(campaign::Args),
    /// Record every topic of the ROS 2 graph, until Ctrl-C
    ///
    /// `adit setup ros` comes first.
    Record(record::Args),
    /// Publish a recording again, or judge it anew (--lockstep)
    ///
    /// The recording is published on the ROS 2 graph, at the pace at which it was recorded (`adit setup ros` comes first).
    /// With --lockstep the robot's perception works on it once more instead, without ROS 2 and as fast as the machine
    /// allows, and a new report is written: to judge an old run by a new defect model or new settings.
    Replay(replay::Args),
    /// Be one node of the ROS 2 graph (`adit up` starts them all)
    ///
    /// `adit setup ros` comes first.
    Node(node::Args),
    /// Look at the ROS 2 graph for what is in the way of `adit up`
    #[cfg(feature = "ros")]
    #[command(hide = true)]
    Look(look::Args),
    /// Set up what Adit needs beside itself
    #[command(subcommand)]
    Setup(setup::Setup),
    /// Print what a shell needs: eval "$(adit env ros)"
    #[command(subcommand)]
    Env(setup::Env),
    /// Start the robot's ROS 2 nodes and keep them running until Ctrl-C
    Up(up::Args),
    /// Turn frames of motor buses and messages of robots into JSON, and JSON into those
    #[command(subcommand)]
    Wire(wire::Wire),
    /// Look at the motor buses: who is on them, how they do, how fast they are
    #[command(subcommand)]
    Bus(bus::Bus),
    /// Find, walk or simulate robots as they are sold, on their networks
    #[command(subcommand)]
    Robot(robot::RobotCommand),
    /// Look at this machine: ports, real time, network, disk; say what to change for a robot
    Doctor(doctor::Args),
}

/// Parses the command line and runs it; errors go to standard error, once.
pub fn main() -> ExitCode {
    match run() {
        Ok(code) => match terminal::take_failure() {
            None => code,
            Some(error) => {
                terminal::eprint_line(format_args!("error: standard output is not complete: {error}"));
                if code == ExitCode::SUCCESS { ExitCode::FAILURE } else { code }
            }
        },
        Err(error) => {
            terminal::eprint_line(format_args!("error: {error:#}"));
            ExitCode::from(if is_bad_input(&error) { BAD_INPUT } else { FAILED })
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Mission(args) => mission::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Model(what) => model::run(&what),
        Command::Learn(what) => learn::run(&what),
        Command::Campaign(args) => campaign::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Node(args) => node::run(&args),
        #[cfg(feature = "ros")]
        Command::Look(args) => look::run(&args),
        Command::Setup(what) => setup::setup(&what),
        Command::Env(what) => setup::env(&what),
        Command::Up(args) => up::run(&args),
        Command::Wire(what) => wire::run(&what),
        Command::Bus(what) => bus::run(&what),
        Command::Robot(what) => robot::run(&what),
        Command::Doctor(args) => doctor::run(&args),
    }
}

fn is_bad_input(error: &anyhow::Error) -> bool {
    let missing = matches!(error.downcast_ref(), Some(SetupError::Missing { .. }));
    missing
        || error.is::<ConfigError>()
        || error.is::<BadInput>()
        || error.is::<PlaybackError>()
        || error.is::<RunFolderError>()
        || error.is::<WeightsError>()
}
