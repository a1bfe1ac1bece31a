//! `adit mission`: one run, its files, and what came of it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::exit::INTERRUPTED;
use crate::lockstep::{Detail, Observer, Progress};
use crate::mission_file::MissionFile;
use crate::run::{self, Filed, Finished};
use crate::terminal::{eprint_line, print_line};
use report::Verdict;
use report::widths::WidthErrors;
use stack::config::Mission;

/// Arguments of `adit mission`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Mission file, or the name of a built-in mission
    #[arg(default_value = "cable-tunnel")]
    file: PathBuf,
    /// Robot: a built-in name or a .toml file [default: the mission's]
    #[arg(long, value_name = "NAME")]
    robot: Option<PathBuf>,
    /// Seed of everything random [default: the mission's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder for the run's files; an earlier run there is moved aside [default: runs/<name>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Record pictures and scans as the sensors give them, so that `adit replay --lockstep` sees what this run saw: some
    /// 12 MB a picture's place
    #[arg(long)]
    full_recording: bool,
    /// Print the result only
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut file = MissionFile::load(&args.file)?;
    if let Some(seed) = args.seed {
        file.simulation.seed = seed;
    }
    let robot = file.load_robot(args.robot.as_deref())?;
    file.check_simulation(&robot)?;
    let folder = args.out.clone().unwrap_or_else(|| Path::new("runs").join(&file.mission.name));
    if let Some(warning) = stack::battery_warning(&file.mission, &robot.description) {
        eprint_line(format_args!("warning: {warning}"));
    }
    let stop = stop_on_ctrl_c("the robot lies down, then the report is written")?;
    let mut observer = TerminalObserver::new(&file.mission, args.quiet, Arc::clone(&stop));
    let detail = if args.full_recording { Detail::Full } else { Detail::Reduced };
    let Filed { result: finished, incomplete } = run::run(&file, &robot, &mut observer, &folder, detail)?;
    observer.finish();
    print(&file.mission, &finished, &folder);
    let all_complete = all_complete(&incomplete);
    Ok(if finished.summary.verdict.completed() && all_complete {
        ExitCode::SUCCESS
    } else if stop.load(Ordering::Relaxed) {
        ExitCode::from(INTERRUPTED)
    } else {
        ExitCode::FAILURE
    })
}

/// Says which files of a run are not complete; returns true if all are.
pub(super) fn all_complete(incomplete: &[String]) -> bool {
    incomplete.iter().for_each(|text| eprint_line(format_args!("error: {text}")));
    incomplete.is_empty()
}

/// Shows progress on the terminal and passes Ctrl-C on.
pub(super) struct TerminalObserver {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
}

impl TerminalObserver {
    pub(super) fn new(mission: &Mission, quiet: bool, stop: Arc<AtomicBool>) -> Self {
        // Out and back, in centimetres.
        let way_m = 2.0 * (mission.inspection.end_m.get() - mission.inspection.start_m.get());
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new((way_m * 100.0) as u64) };
        let style = ProgressStyle::with_template("{elapsed:>4} [{bar:30}] {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar, stop }
    }

    /// Takes the bar away; how long it was shown, s.
    pub(super) fn finish(self) -> f64 {
        self.bar.finish_and_clear();
        self.bar.elapsed().as_secs_f64()
    }
}

impl Observer for TerminalObserver {
    fn preparing(&mut self, what: &'static str) {
        self.bar.set_message(what);
    }

    fn progress(&mut self, progress: &Progress) {
        self.bar.set_position((progress.way_m * 100.0) as u64);
        let real_time = self.bar.elapsed().as_secs_f64();
        let factor = if real_time > 0.0 { progress.simulated_s / real_time } else { 0.0 };
        self.bar.set_message(format!(
            "chainage {:5.1} m  {:<11}  {} defects  x{factor:.1} real time",
            progress.chainage_m, progress.doing, progress.defects
        ));
    }

    fn warn(&mut self, text: &str) {
        self.bar.suspend(|| eprint_line(format_args!("warning: {text}")));
    }

    fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// The first Ctrl-C asks the run to stop, and says what follows; a second one ends the process.
pub(super) fn stop_on_ctrl_c(then: &'static str) -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        eprint_line(format_args!("\nstopping: {then} (Ctrl-C again ends at once)"));
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}

/// Prints the result of the run, in a few lines.
fn print(mission: &Mission, finished: &Finished, folder: &Path) {
    let (summary, score) = (&finished.summary, &finished.score);
    let percent = |v: Option<f64>| v.map_or("-".to_owned(), |v| format!("{:.0} %", 100.0 * v));
    match &summary.verdict {
        Verdict::Completed => print_line(format_args!("{}: completed", mission.name)),
        Verdict::Aborted { reason } => print_line(format_args!("{}: NOT completed: {reason}", mission.name)),
    }
    print_line(format_args!(
        "  defects      {} found, {} missed, {} false ({} could not be seen); recall {}, precision {}",
        score.found(),
        score.missed(),
        score.false_reports(),
        score.not_visible(),
        percent(score.recall()),
        percent(score.precision()),
    ));
    print_line(format_args!(
        "  lining       {:.0} % of what was to be inspected was seen",
        100.0 * summary.limits.covered_share
    ));
    if let Some(l) = &summary.localisation {
        print_line(format_args!(
            "  position     off by {:.2} m at the far end ({:.1} % of {:.1} m walked), {:.2} m at the end",
            l.far_end_error_m,
            100.0 * l.far_end_share,
            l.far_end_walked_m,
            l.final_error_m
        ));
    }
    if let Some(known) = &summary.position {
        print_line(format_args!(
            "  chainage     known to {:.2} m at the far end and {:.2} m at the end (one sigma)",
            known.far_end_sigma_m, known.final_sigma_m
        ));
    }
    let offsets = &score.offsets_m;
    if !offsets.is_empty() {
        let mean = |i: usize| offsets.iter().map(|o| o[i]).sum::<f64>() / offsets.len() as f64;
        print_line(format_args!(
            "  placement    found defects lie {:.2} m along and {:.2} m around from the truth",
            mean(0),
            mean(1)
        ));
    }
    if let Some(errors) = WidthErrors::of(&finished.widths) {
        print_line(format_args!("  crack widths {errors}"));
    }
    let [out, home] = summary.speeds.map(|speed| {
        let walked = speed.walked_m_s.map_or("-".to_owned(), |walked_m_s| format!("{walked_m_s:.2}"));
        format!("{walked} m/s ({:.2} asked)", speed.asked_m_s)
    });
    print_line(format_args!(
        "  walked       {:.1} m, {}; out at {out}, home at {home}",
        summary.distance_walked_m,
        if summary.fell { "and fell" } else { "without a fall" }
    ));
    if let Some(wall_s) = summary.wall_s {
        let factor = summary.simulated_s / wall_s.max(1e-9);
        print_line(format_args!(
            "  time         {:.0} s simulated in {wall_s:.0} s ({factor:.1} x real time)",
            summary.simulated_s
        ));
    }
    print_line(format_args!("  report       {}", folder.join("report.html").display()));
}
