//! A whole run with its folder: recording, log, score, report.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use recording::MessageWriter;
use report::score::{Fate, Placed, Score, score};
use report::widths::FoundWidth;
use report::{ReportError, RunSummary};
use sim::tunnel::TrueDefect;
use stack::config::{Mission, Robot};
use stack::{Findings, RunOutcome};

use crate::ground_truth::Truth;
use crate::lockstep::{self, Detail, Observer, Recorded, Replayed};
use crate::mission_file::MissionFile;
use crate::run_folder::{Reserve, RunFolder};
use crate::summary::{Simulated, summarise};

/// A run that is over.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Content of the report.
    pub summary: RunSummary,
    /// Comparison with the truth.
    pub score: Score,
    /// Widths of the cracks that were found.
    pub widths: Vec<FoundWidth>,
}

/// Result of a run that left files in a folder.
#[derive(Clone, Debug)]
pub struct Filed<T> {
    /// The result, whatever became of the files.
    pub result: T,
    /// Files that are not complete, each with the reason, for people.
    pub incomplete: Vec<String>,
}

/// Runs a mission and leaves its files in `folder`; an earlier run there is moved aside first. Files that cannot be written
/// cost no more than themselves.
///
/// # Errors
/// If the folder cannot be the run's ([`RunFolderError`](crate::run_folder::RunFolderError)), or the mission cannot be
/// simulated.
pub fn run(
    file: &MissionFile,
    robot: &Robot,
    observer: &mut dyn Observer,
    folder: &Path,
    detail: Detail,
) -> anyhow::Result<Filed<Finished>> {
    in_folder(folder, observer, |files, observer| {
        let (name, seed) = (&file.mission.name, file.simulation.seed);
        tracing::info!("mission {name} seed {seed} robot {}", robot.description.name);
        let mut recorder = MessageWriter::create(&files.recording(), &robot.description)?;
        let begun = now();
        let (outcome, truth) = lockstep::run(file, robot, Some((&mut recorder, detail)), observer)?;
        files.close(recorder);
        let mut finished = judge(file, robot, &outcome, &truth)?;
        finished.summary.wall_s = Some(begun.elapsed().as_secs_f64());
        files.report(&mut finished.summary);
        Ok(finished)
    })
}

/// Replays a recording into `folder`, which gets the files of a run; an earlier one there is moved aside first. The same
/// recording gives the same bytes. Files that cannot be written cost no more than themselves.
///
/// # Errors
/// If the folder cannot be the replay's ([`RunFolderError`](crate::run_folder::RunFolderError)), or the recording cannot be
/// read.
pub fn replay(
    source: Recorded,
    mission: &Mission,
    robot: &Robot,
    observer: &mut dyn Observer,
    folder: &Path,
) -> anyhow::Result<Filed<Replayed>> {
    in_folder(folder, observer, |files, observer| {
        tracing::info!("replay mission {} robot {}", mission.name, robot.description.name);
        let mut recorder = MessageWriter::create(&files.recording(), &robot.description)?;
        let mut replayed = lockstep::replay(source, mission, robot, &mut recorder, observer)?;
        files.close(recorder);
        files.report(&mut replayed.summary);
        Ok(replayed)
    })
}

/// Files of a run while it goes on.
struct Files {
    folder: RunFolder,
    /// Room for the report, which the recording cannot fill.
    reserve: Option<Reserve>,
    incomplete: Vec<String>,
}

impl Files {
    fn recording(&self) -> PathBuf {
        self.folder.path().join("run.mcap")
    }

    fn close(&mut self, recorder: MessageWriter) {
        let lost = match recorder.finish() {
            Ok(recorded) => {
                tracing::info!("recorded {} messages, {} dropped", recorded.messages, recorded.dropped);
                let (dropped, all) = (recorded.dropped, recorded.messages + recorded.dropped);
                (dropped > 0).then(|| format!("{dropped} of {all} messages are missing"))
            }
            Err(error) => Some(error.to_string()),
        };
        self.incomplete
            .extend(lost.map(|why| format!("{} is incomplete: {why}", self.recording().display())));
    }

    /// Writes the report, of which each file is there on its own.
    fn report(&mut self, summary: &mut RunSummary) {
        if let Some(lost) = self.incomplete.first() {
            summary.warnings.push(format!("The recording is not complete: {lost}."));
        }
        self.reserve = None;
        let failures = report::write_each(self.folder.path(), summary);
        failures.iter().for_each(|failure| tracing::error!("{failure}"));
        self.incomplete.extend(failures.iter().map(ReportError::to_string));
    }
}

/// Does a run's work with its log in `folder`; an earlier run there is moved aside first.
fn in_folder<T>(
    folder: &Path,
    observer: &mut dyn Observer,
    work: impl FnOnce(&mut Files, &mut dyn Observer) -> anyhow::Result<T>,
) -> anyhow::Result<Filed<T>> {
    let folder = RunFolder::claim(folder)?;
    let log = File::create(folder.path().join("run.log"))
        .with_context(|| format!("cannot write into {}: choose another --out", folder.path().display()))?;
    let reserve = Reserve::take(folder.path());
    if reserve.as_ref().is_some_and(Reserve::is_short) {
        let folder = folder.path().display();
        observer.warn(&format!("the disk of {folder} is almost full: the recording may not fit on it"));
    }
    let mut files = Files { folder, reserve, incomplete: Vec::new() };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log)
        // Where the log cannot be written, the run goes on.
        .log_internal_errors(false)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .finish();
    let result = tracing::subscriber::with_default(subscriber, || work(&mut files, observer))?;
    Ok(Filed { result, incomplete: files.incomplete })
}

/// Runs a mission without leaving files; what was found, and what there was to find, is given beside the summary.
///
/// # Errors
/// If the mission cannot be simulated.
pub fn dry_run(
    file: &MissionFile,
    robot: &Robot,
    observer: &mut dyn Observer,
) -> anyhow::Result<(Finished, Findings, Truth)> {
    let begun = now();
    let (outcome, truth) = lockstep::run(file, robot, None, observer)?;
    let mut finished = judge(file, robot, &outcome, &truth)?;
    finished.summary.wall_s = Some(begun.elapsed().as_secs_f64());
    Ok((finished, outcome.findings, truth))
}

/// The machine's clock, for saying how long a run took: nothing else depends on it.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}

/// Scores a simulated run against its truth.
fn judge(file: &MissionFile, robot: &Robot, outcome: &RunOutcome, truth: &Truth) -> anyhow::Result<Finished> {
    let score = score_of(&outcome.findings, truth);
    let simulated = Simulated { seed: file.simulation.seed, truth, score: &score };
    let summary = summarise(&file.mission, robot, outcome, Some(&simulated))?;
    let widths = widths_of(&outcome.findings, truth, &score);
    Ok(Finished { summary, score, widths })
}

/// Compares what was found with the truth.
pub fn score_of(findings: &Findings, truth: &Truth) -> Score {
    let placed: Vec<Placed> =
        findings.defects.iter().map(|d| Placed { class: d.class, bounds: d.bounds }).collect();
    score(&placed, &placed_truth(truth))
}

/// The true defects, and whether any camera could have seen each.
pub(crate) fn placed_truth(truth: &Truth) -> Vec<(Placed, bool)> {
    let placed = |d: &TrueDefect| Placed { class: d.class, bounds: d.bounds };
    truth.defects.iter().map(|d| (placed(d), truth.visible.contains(&d.id))).collect()
}

/// Widths of the cracks that were found, each as the report that is nearest to it gives it.
pub fn widths_of(findings: &Findings, truth: &Truth, score: &Score) -> Vec<FoundWidth> {
    let fates = truth.defects.iter().zip(&score.fates);
    fates
        .filter_map(|(defect, fate)| {
            let Fate::Found(report) = fate else { return None };
            let reported = findings.defects.get(*report)?.width?;
            Some(FoundWidth { reported, true_mm: defect.width_mm? })
        })
        .collect()
}
