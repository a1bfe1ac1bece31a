//! `adit robot simulate`: a virtual robot on a network.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use super::network::NetworkArgs;
use crate::cli::exit::BadInput;
use crate::cli::mission::stop_on_ctrl_c;
use crate::mission_file::MissionFile;
use crate::terminal::{eprint_line, print_line};
use crate::virtual_robot::VirtualRobot;

/// Steps between two looks around: 10 Hz.
const LOOK_STEPS: u64 = 50;
/// Steps between two lines: 1 s.
const LINE_STEPS: u64 = 500;

#[derive(clap::Args)]
pub(in crate::cli) struct SimulateArgs {
    #[command(flatten)]
    network: NetworkArgs,
    /// Mission file, or the name of a built-in mission: its tunnel, and where the robot lies in it
    #[arg(long, value_name = "FILE", default_value = "short")]
    mission: PathBuf,
    /// Seed of everything random [default: the mission's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// End after so many seconds [default: on Ctrl-C]
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// Say nothing while it runs
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let (robot, network) = args.network.load()?;
    if args.seconds.is_some_and(|seconds| !(seconds > 0.0 && seconds <= 1e6)) {
        return Err(
            BadInput::new("--seconds is not from 0 to 1,000,000".to_owned(), "give some seconds").into()
        );
    }
    let mut file = MissionFile::load(&args.mission)?;
    if let Some(seed) = args.seed {
        file.simulation.seed = seed;
    }
    file.check_simulation(&robot)?;
    let stop = stop_on_ctrl_c("the virtual robot is switched off")?;
    let mut virtual_robot =
        VirtualRobot::start(&file, &robot, &network).map_err(super::network::explained)?;
    if !args.quiet {
        eprint_line(format_args!(
            "{} is simulated on {}, domain {}; Ctrl-C ends it",
            robot.description.name, network.interface.name, network.domain
        ));
    }
    let steps = args.seconds.map_or(u64::MAX, |seconds| (seconds * 500.0) as u64);
    for step in 0..steps {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        virtual_robot.step();
        if step.is_multiple_of(LOOK_STEPS) {
            virtual_robot.look_around()?;
        }
        if !args.quiet && step.is_multiple_of(LINE_STEPS) {
            let [x, y, z] = virtual_robot.place_m();
            let master = if virtual_robot.is_vendors() { "its own gait" } else { "the network" };
            let lost = virtual_robot.lost_s();
            print_line(format_args!(
                "{:6.1} s  moved by {master}  at {x:6.2} {y:5.2} {z:5.2} m{}",
                step as f64 / 500.0,
                if lost > 0.5 { format!("  (this machine is {lost:.1} s behind)") } else { String::new() }
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}
