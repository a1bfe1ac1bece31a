//! `adit record`: the graph's messages into a file.

use std::path::PathBuf;
use std::process::ExitCode;

use super::node;

/// Arguments of `adit record`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Folder for run.mcap, new or a run's; an earlier one is kept
    #[arg(long, value_name = "DIR", default_value = "runs/record")]
    out: PathBuf,
    /// What ROS 2 is told: --ros-args -p use_sim_time:=true ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ROS ARGUMENTS")]
    ros: Vec<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    node::check_ros_args(&args.ros)?;
    record(args)
}

/// The program with the ROS 2 nodes reads the same arguments.
#[cfg(not(feature = "ros"))]
fn record(_args: &Args) -> anyhow::Result<ExitCode> {
    super::handover::run()
}

#[cfg(feature = "ros")]
fn record(args: &Args) -> anyhow::Result<ExitCode> {
    use crate::node_name::NodeName;
    use crate::run_folder::RunFolder;

    // Held until the recording is over, unless a run holds it already.
    let _folder = RunFolder::join(&args.out)?;
    node::run(&node::Args::of(NodeName::Recorder, args.out.clone(), args.ros.clone()))
}
