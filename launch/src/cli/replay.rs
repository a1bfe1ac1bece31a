//! `adit replay`: a recording published on the ROS 2 graph again, or (`--lockstep`) judged anew without one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::exit::INTERRUPTED;
use super::mission::{TerminalObserver, all_complete, stop_on_ctrl_c};
use crate::lockstep::{Recorded, Replayed};
use crate::mission_file::MissionFile;
use crate::run::{self, Filed};
use crate::terminal::print_line;
use report::Verdict;
use stack::config::{Mission, Robot};

/// Arguments of `adit replay`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The recording, such as runs/cable-tunnel/run.mcap, or several files or a folder that it was split into
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Judge the recording anew, on this computer alone: places, ground and defects into a new report
    #[arg(long, conflicts_with_all = ["rate", "ros"])]
    lockstep: bool,
    /// Folder for the new report's files; an earlier run there is moved aside [default: runs/<mission>-replay]
    #[arg(long, value_name = "DIR", requires = "lockstep")]
    out: Option<PathBuf>,
    /// The mission that was recorded (its tunnel's design): a file, or the name of a built-in one
    #[arg(long, value_name = "FILE", default_value = "cable-tunnel", requires = "lockstep")]
    mission: PathBuf,
    /// The robot that was recorded: a built-in name or a .toml file [default: the mission's]
    #[arg(long, value_name = "NAME", requires = "lockstep")]
    robot: Option<PathBuf>,
    /// Namespace of the recorded robot's topics
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, requires = "lockstep")]
    namespace: String,
    /// Go by the robot's file where the recording tells of other mounts of its sensors, or other lenses
    #[arg(long, requires = "lockstep")]
    other_mounts: bool,
    /// Print the result only
    #[arg(long, requires = "lockstep")]
    quiet: bool,
    /// How many times as fast as it was recorded it is published
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    rate: f64,
    /// What ROS 2 is told: --ros-args -r FROM:=TO ... (up to the end of the line)
    #[arg(long = "ros-args", num_args = 0.., allow_hyphen_values = true, value_name = "ROS ARGUMENTS")]
    ros: Option<Vec<String>>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.lockstep { judge(args) } else { publish(args) }
}

fn judge(args: &Args) -> anyhow::Result<ExitCode> {
    let file = MissionFile::load(&args.mission)?;
    let robot = Robot::load(args.robot.as_deref().unwrap_or(Path::new(&file.mission.robot)))?;
    let recorded = Recorded::open(&args.files, &args.namespace, &robot.description, args.other_mounts)?;
    let folder =
        args.out.clone().unwrap_or_else(|| Path::new("runs").join(format!("{}-replay", file.mission.name)));
    let stop = stop_on_ctrl_c("the report of what was read so far is written")?;
    let mut observer = TerminalObserver::new(&file.mission, args.quiet, Arc::clone(&stop));
    let Filed { result: replayed, incomplete } =
        run::replay(recorded, &file.mission, &robot, &mut observer, &folder)?;
    let wall_s = observer.finish();
    print(&file.mission, &replayed, wall_s, &folder);
    Ok(match (all_complete(&incomplete) && !replayed.no_scan_used, stop.load(Ordering::Relaxed)) {
        (_, true) => ExitCode::from(INTERRUPTED),
        (true, false) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
    })
}

/// Prints the result of the replay, in a few lines.
fn print(mission: &Mission, replayed: &Replayed, wall_s: f64, folder: &Path) {
    let summary = &replayed.summary;
    match &summary.verdict {
        Verdict::Completed => {
            print_line(format_args!("{}: replayed; the mission was completed", mission.name))
        }
        Verdict::Aborted { reason } => {
            print_line(format_args!("{}: replayed; the mission was NOT completed: {reason}", mission.name));
        }
    }
    print_line(format_args!(
        "  defects      {} found in {} pictures",
        summary.defects.len(),
        replayed.pictures
    ));
    if let Some(agreement) = &replayed.agreement {
        print_line(format_args!("  position     {agreement}"));
    }
    print_line(format_args!("  walked       {:.1} m", summary.distance_walked_m));
    let factor = summary.simulated_s / wall_s.max(1e-9);
    print_line(format_args!(
        "  time         {:.0} s replayed in {wall_s:.0} s ({factor:.1} x real time)",
        summary.simulated_s
    ));
    for warning in summary.warnings.iter().filter(|warning| Some(*warning) != replayed.agreement.as_ref()) {
        print_line(format_args!("  note         {warning}"));
    }
    print_line(format_args!("  report       {}", folder.join("report.html").display()));
}

/// The program with the ROS 2 nodes reads the same arguments.
#[cfg(not(feature = "ros"))]
fn publish(_args: &Args) -> anyhow::Result<ExitCode> {
    super::handover::run()
}

#[cfg(feature = "ros")]
fn publish(args: &Args) -> anyhow::Result<ExitCode> {
    use std::sync::atomic::AtomicBool;

    use anyhow::Context as _;

    if !(args.rate > 0.0 && args.rate <= 100.0) {
        return Err(super::exit::BadInput {
            message: format!("--rate {} is not possible", args.rate),
            help: "give a factor above 0 and up to 100".to_owned(),
        }
        .into());
    }
    super::node::log_to_terminal();
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
    let done = crate::ros::replay(&args.files, args.rate, &stop)?;
    print_line(format_args!(
        "{} messages published, {} left out, {} damaged parts skipped",
        done.messages, done.left_out, done.damaged
    ));
    Ok(if stop.load(Ordering::Relaxed) { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}
