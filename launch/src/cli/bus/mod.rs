//! `adit bus`: the motor buses by themselves. Nothing here drives a motor.

mod bench;
mod calibrate;
mod common;
mod joint_lines;
mod monitor;
mod scan;
mod screen;
mod table;

use std::process::ExitCode;

use clap::Subcommand;
use firmware_bridge::port::OpenError;

use crate::cli::exit::BAD_INPUT;
use crate::terminal::eprint_line;

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
            eprint_line(format_args!("error: {refused}"));
            Ok(ExitCode::from(BAD_INPUT))
        }
        Err(other) => Err(other),
    })
}
