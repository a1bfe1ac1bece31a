//! `adit record`: the graph's messages into a file.

use std::path::PathBuf;
use std::process::ExitCode;

use super::node;
use crate::ros::NodeName;
use crate::run_folder::RunFolder;

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
    // Held until the recording is over, unless a run holds it already.
    let _folder = RunFolder::join(&args.out)?;
    node::run(&node::Args::of(NodeName::Recorder, args.out.clone(), args.ros.clone()))
}
