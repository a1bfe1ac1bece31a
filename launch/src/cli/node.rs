//! `adit node NAME`: one node of the ROS 2 graph, until it is told to stop. `adit up` starts them all.

use std::path::PathBuf;
use std::process::ExitCode;

use super::exit::BadInput;
use super::gait::GaitArg;
use crate::node_name::NodeName;

/// Arguments of `adit node`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Which node
    name: NodeName,
    /// Mission file, or the name of a built-in mission
    #[arg(long, value_name = "FILE", default_value = "cable-tunnel")]
    mission: PathBuf,
    /// Robot: a built-in name or a .toml file [default: the mission's]
    #[arg(long, value_name = "NAME")]
    robot: Option<PathBuf>,
    /// Seed of everything random in the simulated world [default: the mission's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder for the run's files
    #[arg(long, value_name = "DIR", default_value = "runs/ros")]
    run_dir: PathBuf,
    /// Folder of the simulated serial ports [default: the real ones that the robot file names]
    #[arg(long, value_name = "DIR")]
    ports_dir: Option<PathBuf>,
    /// Network interface that leads to a robot that is reached over one [default: the robot file's]
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// DDS domain of such a robot [default: the robot file's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=232))]
    robot_domain: Option<u16>,
    /// Whose gait walks
    #[arg(long, value_enum, default_value_t)]
    gait: GaitArg,
    /// What ROS 2 is told: --ros-args -r FROM:=TO -p NAME:=VALUE ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ROS ARGUMENTS")]
    ros: Vec<String>,
}

#[cfg(feature = "ros")]
impl Args {
    /// A node that needs no mission of its own.
    pub(super) fn of(name: NodeName, run_dir: PathBuf, ros: Vec<String>) -> Self {
        let mission = "cable-tunnel".into();
        Self {
            name,
            mission,
            robot: None,
            seed: None,
            run_dir,
            ports_dir: None,
            interface: None,
            robot_domain: None,
            gait: GaitArg::Adit,
            ros,
        }
    }
}

/// Refuses arguments for ROS 2 that do not say so: r2r reads it from the command line by itself.
pub(super) fn check_ros_args(ros: &[String]) -> Result<(), BadInput> {
    match ros.first().filter(|first| *first != "--ros-args") {
        Some(first) => Err(BadInput {
            message: format!("unexpected argument `{first}`"),
            help: "what is meant for ROS 2 stands behind --ros-args; see --help".to_owned(),
        }),
        None => Ok(()),
    }
}

#[cfg(feature = "ros")]
pub(super) fn log_to_terminal() {
    // A log that nobody reads any more (its pipe is closed when `adit up` is killed) must end no node: saying so on standard
    // error, where that fails too, is a panic.
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).log_internal_errors(false);
    log.with_target(false).without_time().init();
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    check_ros_args(&args.ros)?;
    be(args)
}

/// The program with the ROS 2 nodes reads the same arguments.
#[cfg(not(feature = "ros"))]
fn be(_args: &Args) -> anyhow::Result<ExitCode> {
    super::handover::run()
}

#[cfg(feature = "ros")]
fn be(args: &Args) -> anyhow::Result<ExitCode> {
    use crate::mission_file::MissionFile;
    use crate::ros::{self, NodeSettings};

    let mut file = MissionFile::load(&args.mission)?;
    if let Some(seed) = args.seed {
        file.simulation.seed = seed;
    }
    let robot = file.load_robot(args.robot.as_deref())?;
    if args.name == NodeName::Sim {
        file.check_simulation(&robot)?;
    }
    log_to_terminal();
    let settings = NodeSettings {
        mission: file.mission.clone(),
        robot,
        run_dir: args.run_dir.clone(),
        ports_dir: args.ports_dir.clone(),
        interface: args.interface.clone(),
        robot_domain: args.robot_domain,
        gait: args.gait.whose(),
    };
    ros::run(args.name, settings, file)?;
    Ok(ExitCode::SUCCESS)
}
