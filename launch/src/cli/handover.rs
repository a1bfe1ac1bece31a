//! What needs ROS 2 is done by `adit-ros`, in the environment that `adit setup ros` made: this program becomes that one.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use host::setup::RosEnvironment;

/// Whatever was given: `adit-ros` reads it.
#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    _all: Vec<OsString>,
}

pub(super) fn run() -> anyhow::Result<ExitCode> {
    let environment = RosEnvironment::find(None)?;
    let program = environment.ensure_built()?;
    let variables = environment.variables();
    // It only comes back when it could not be started.
    let error = Command::new(&program).args(std::env::args_os().skip(1)).envs(variables).exec();
    Err(anyhow::Error::from(error).context(format!("cannot start {}", program.display())))
}
