//! `adit-ros look`: looks at the graph on behalf of `adit up`, which has no ROS 2 in it, before that starts a stack there.

use std::process::ExitCode;

use super::domain::in_the_way;
use super::node::check_ros_args;

/// Arguments of `adit-ros look`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// For a simulated robot, which brings its own time
    #[arg(long)]
    sim: bool,
    /// What ROS 2 is told: --ros-args -r __ns:=NAMESPACE ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ROS ARGUMENTS")]
    ros: Vec<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    check_ros_args(&args.ros)?;
    match crate::ros::conflict_of_stack(args.sim)? {
        Some(conflict) => Err(in_the_way(&conflict).into()),
        None => Ok(ExitCode::SUCCESS),
    }
}
