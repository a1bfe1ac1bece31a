//! `adit bus`: the motor buses by themselves. Nothing here drives a motor.

mod bench;
mod calibrate;
mod monitor;
mod scan;
mod screen;
mod table;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use clap::Subcommand;
use firmware_bridge::port::OpenError;

use super::{BAD_INPUT, BadInput};
use crate::bus_tools::ports::Buses;

/// What to do with the buses.
#[derive(Subcommand)]
pub(super) enum Bus {
    /// Look who is on a port: every id is asked, no motor is driven: let the robot lie
    Scan(scan::Args),
    /// Watch a robot's motors and their lines; they are only read and hold nothing: let the robot lie
    Monitor(monitor::Args),
    /// Measure the motors' cycle beside a loop that only moves the same bytes; the robot lies here too
    Bench(bench::Args),
    /// Find where the joints' zeros lie: somebody moves each joint to its stops by hand, nothing is driven
    Calibrate(calibrate::Args),
}

pub(super) fn run(what: &Bus) -> anyhow::Result<ExitCode> {
    let result = match what {
        Bus::Scan(args) => scan::run(args),
        Bus::Monitor(args) => monitor::run(args),
        Bus::Bench(args) => bench::run(args),
        Bus::Calibrate(args) => calibrate::run(args),
    };
    // A port that cannot be opened is a wrong port, and the message says what to give instead.
    result.or_else(|error| match error.downcast::<OpenError>() {
        Ok(refused) => {
            eprintln!("error: {refused}");
            Ok(ExitCode::from(BAD_INPUT))
        }
        Err(other) => Err(other),
    })
}

/// Whose buses.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// Robot whose file names the ports: a built-in name or a .toml file
    #[arg(long, value_name = "NAME|FILE")]
    robot: Option<String>,
    /// Motors that are not there, wired as this robot's
    #[arg(long = "virtual", value_name = "ROBOT")]
    virtual_robot: Option<String>,
}

impl Whose {
    fn open(&self, cycle_nanos: u64) -> anyhow::Result<Buses> {
        match (&self.robot, &self.virtual_robot) {
            (Some(name), _) => Buses::real(name, cycle_nanos),
            (None, Some(name)) => Buses::virtual_of(name, cycle_nanos),
            (None, None) => Err(bad_input("whose buses?", "give --robot or --virtual")),
        }
    }
}

fn bad_input(message: impl Into<String>, help: impl Into<String>) -> anyhow::Error {
    BadInput { message: message.into(), help: help.into() }.into()
}

/// Prints to standard output; `false` once nobody reads it any more.
fn print(text: &str) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads the output has seen enough, as `head` has.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        written => Ok(written.map(|()| true)?),
    }
}

/// Set by the first Ctrl-C; a second one ends the process.
fn stop_on_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(super::INTERRUPTED));
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}
