//! `adit record` and `adit replay`: the graph's messages into a file, and out of it again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

use super::{BadInput, INTERRUPTED, node};
use crate::ros::{self, NodeName};

/// Arguments of `adit record`.
#[derive(clap::Args)]
pub(super) struct RecordArgs {
    /// Folder for run.mcap; an earlier one is kept
    #[arg(long, value_name = "DIR", default_value = "runs/record")]
    out: PathBuf,
    /// What ROS 2 is told: --ros-args -p use_sim_time:=true ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ROS ARGUMENTS")]
    ros: Vec<String>,
}

pub(super) fn record(args: &RecordArgs) -> anyhow::Result<ExitCode> {
    node::run(&node::Args::of(NodeName::Recorder, args.out.clone(), args.ros.clone()))
}

/// Arguments of `adit replay`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The recording, such as runs/cable-tunnel/run.mcap
    file: PathBuf,
    /// How many times as fast as it was recorded
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    rate: f64,
    /// What ROS 2 is told: --ros-args -r FROM:=TO ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ROS ARGUMENTS")]
    ros: Vec<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    node::check_ros_args(&args.ros)?;
    if !(args.rate > 0.0 && args.rate <= 100.0) {
        return Err(BadInput {
            message: format!("--rate {} is not possible", args.rate),
            help: "give a factor above 0 and up to 100".to_owned(),
        }
        .into());
    }
    node::log_to_terminal();
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
    let done = ros::replay(&args.file, args.rate, &stop)?;
    println!(
        "{} messages published, {} left out, {} damaged parts skipped",
        done.messages, done.left_out, done.damaged
    );
    Ok(if stop.load(Ordering::Relaxed) { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}
