//! Arguments and output that the subcommands of `adit bus` share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

use crate::bus_tools::ports::Buses;
use crate::cli::exit::{BadInput, INTERRUPTED};

/// The robot whose buses are meant.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct RobotArgs {
    /// Robot whose file names the ports: a built-in name or a .toml file
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) robot: Option<String>,
    /// Motors that are not there, wired as this robot's
    #[arg(long = "virtual", value_name = "ROBOT")]
    pub(super) virtual_robot: Option<String>,
}

impl RobotArgs {
    pub(super) fn open(&self, cycle_nanos: u64) -> anyhow::Result<Buses> {
        match (&self.robot, &self.virtual_robot) {
            (Some(name), _) => Buses::real(name, cycle_nanos),
            (None, Some(name)) => Buses::virtual_of(name, cycle_nanos),
            (None, None) => Err(bad_input("whose buses?", "give --robot or --virtual")),
        }
    }
}

/// Said where nothing came back on any bus.
pub(super) const NO_ANSWER: &str = "no motor has answered: check that the motors have power and that the robot's file \
                                    names the ports of its buses in their order; `adit bus scan` finds who is on which";

pub(super) fn bad_input(message: impl Into<String>, help: impl Into<String>) -> anyhow::Error {
    BadInput { message: message.into(), help: help.into() }.into()
}

/// Set by the first Ctrl-C; a second one ends the process.
pub(super) fn stop_on_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}
