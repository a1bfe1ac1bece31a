//! Hand-over to `adit-ros`, for commands that need ROS 2: this program becomes that one, in the environment that
//! `adit setup ros` made. It reads the same arguments, as both are built from one definition.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use host::setup::RosEnvironment;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    let environment = RosEnvironment::find(None)?;
    let program = environment.ensure_built()?;
    let variables = environment.variables();
    // It only comes back when it could not be started.
    let error = Command::new(&program).args(std::env::args_os().skip(1)).envs(variables).exec();
    Err(anyhow::Error::from(error).context(format!("cannot start {}", program.display())))
}
