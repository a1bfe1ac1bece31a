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
    /// With --lockstep, the namespace of the recorded robot's topics; else the one that they are published in, before their names
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    namespace: String,
    /// Domain in which the recording is published [default: the environment's ROS_DOMAIN_ID]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=232), conflicts_with = "lockstep")]
    domain_id: Option<u8>,
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
    let is_used = replayed.summary.limits.covered_share > 0.0 && !replayed.no_scan_used;
    Ok(match (all_complete(&incomplete) && is_used, stop.load(Ordering::Relaxed)) {
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
    let namespace = match args.namespace.as_str() {
        "" => String::new(),
        given => super::domain::namespace(given)?,
    };
    if let Some(error) = args.domain_id.and_then(in_domain) {
        return Err(error);
    }
    super::node::log_to_terminal();
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
    let done = crate::ros::replay(&args.files, &namespace, args.rate, &stop)?;
    let done = done.map_err(|conflict| super::domain::in_the_way(&conflict))?;
    print_line(format_args!(
        "{} messages published, {} left out, {} damaged parts skipped",
        done.messages, done.left_out, done.damaged
    ));
    Ok(if stop.load(Ordering::Relaxed) { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}

/// Becomes this very program in another domain, of which ROS 2 is told by the environment alone; comes back if that is this one's
/// already, or with the error.
#[cfg(feature = "ros")]
fn in_domain(id: u8) -> Option<anyhow::Error> {
    use std::os::unix::process::CommandExt as _;

    use super::domain::DOMAIN_VARIABLE;

    let id = id.to_string();
    if std::env::var(DOMAIN_VARIABLE).is_ok_and(|there| there == id) {
        return None;
    }
    let error = match std::env::current_exe() {
        Ok(program) => {
            let args = std::env::args_os().skip(1);
            std::process::Command::new(program).args(args).env(DOMAIN_VARIABLE, id).exec()
        }
        Err(error) => error,
    };
    Some(anyhow::Error::from(error).context("cannot start again in another domain"))
}
