//! A whole run with its folder: recording, log, score, report.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use recording::MessageWriter;
use report::RunSummary;
use report::score::{Placed, Score, score};
use robot_interface::defect::DefectClass;
use stack::config::{Mission, Robot};
use stack::{Findings, RunOutcome};

use crate::ground_truth::Truth;
use crate::lockstep::{self, Detail, Observer, Recorded, Replayed};
use crate::mission_file::MissionFile;
use crate::summary::{Simulated, summarise};

/// A run that is over, with its files written.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Content of the report.
    pub summary: RunSummary,
    /// Comparison with the truth.
    pub score: Score,
}

/// Runs a mission and leaves its files in `folder`; an earlier run there is moved aside first.
///
/// # Errors
/// If the mission cannot be simulated, or its files cannot be written.
pub fn run(
    file: &MissionFile,
    robot: &Robot,
    observer: &mut dyn Observer,
    folder: &Path,
    detail: Detail,
) -> anyhow::Result<Finished> {
    in_folder(folder, || {
        let (name, seed) = (&file.mission.name, file.simulation.seed);
        tracing::info!("mission {name} seed {seed} robot {}", robot.description.name);
        let mut recorder = MessageWriter::create(&folder.join("run.mcap"), &robot.description)?;
        let begun = now();
        let (outcome, truth) = lockstep::run(file, robot, Some((&mut recorder, detail)), observer)?;
        close(recorder)?;
        let mut finished = judge(file, robot, &outcome, &truth)?;
        finished.summary.wall_s = Some(begun.elapsed().as_secs_f64());
        report::write_all(folder, &finished.summary)?;
        Ok(finished)
    })
}

/// Replays a recording into `folder`, which gets the files of a run; an earlier one there is moved aside first. The same
/// recording gives the same bytes.
///
/// # Errors
/// If the recording cannot be read, or the files cannot be written.
pub fn replay(
    source: Recorded,
    mission: &Mission,
    robot: &Robot,
    observer: &mut dyn Observer,
    folder: &Path,
) -> anyhow::Result<Replayed> {
    in_folder(folder, || {
        tracing::info!("replay mission {} robot {}", mission.name, robot.description.name);
        let mut recorder = MessageWriter::create(&folder.join("run.mcap"), &robot.description)?;
        let replayed = lockstep::replay(source, mission, robot, &mut recorder, observer)?;
        close(recorder)?;
        report::write_all(folder, &replayed.summary)?;
        Ok(replayed)
    })
}

fn close(recorder: MessageWriter) -> anyhow::Result<()> {
    let recorded = recorder.finish()?;
    tracing::info!("recorded {} messages, {} dropped", recorded.messages, recorded.dropped);
    Ok(())
}

/// Does a run's work with its log in `folder`; an earlier run there is moved aside first.
fn in_folder<T>(folder: &Path, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    make_room(folder)?;
    let log = File::create(folder.join("run.log"))
        .with_context(|| format!("cannot write into {}: choose another --out", folder.display()))?;
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .finish();
    tracing::subscriber::with_default(subscriber, work)
}

/// Runs a mission without leaving files.
///
/// # Errors
/// If the mission cannot be simulated.
pub fn dry_run(file: &MissionFile, robot: &Robot, observer: &mut dyn Observer) -> anyhow::Result<Finished> {
    let begun = now();
    let (outcome, truth) = lockstep::run(file, robot, None, observer)?;
    let mut finished = judge(file, robot, &outcome, &truth)?;
    finished.summary.wall_s = Some(begun.elapsed().as_secs_f64());
    Ok(finished)
}

/// The machine's clock, for saying how long a run took: nothing else depends on it.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}

/// Makes the folder; one that holds an earlier run is first renamed to the next free number.
pub(crate) fn make_room(folder: &Path) -> anyhow::Result<()> {
    if ["run.mcap", "up.log"].iter().any(|file| folder.join(file).exists()) {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let aside: PathBuf = (1..)
            .map(|i| folder.with_file_name(format!("{name}.{i}")))
            .find(|path| !path.exists())
            .context("no free name for the earlier run")?;
        std::fs::rename(folder, &aside).with_context(|| {
            format!("cannot move the earlier run in {} aside: choose another --out", folder.display())
        })?;
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}: choose another --out", folder.display()))
}

/// Scores a simulated run against its truth.
fn judge(file: &MissionFile, robot: &Robot, outcome: &RunOutcome, truth: &Truth) -> anyhow::Result<Finished> {
    let score = score_of(&outcome.findings, truth);
    let simulated = Simulated { seed: file.simulation.seed, truth, score: &score };
    let summary = summarise(&file.mission, robot, outcome, Some(&simulated))?;
    Ok(Finished { summary, score })
}

/// Compares what was found with the truth.
pub fn score_of(findings: &Findings, truth: &Truth) -> Score {
    let placed: Vec<Placed> =
        findings.defects.iter().map(|d| Placed { class: d.class, bounds: d.bounds }).collect();
    let truth: Vec<(Placed, bool)> = truth
        .defects
        .iter()
        .map(|d| {
            // The thermal cameras look at all cables in passing.
            let visible = d.class == DefectClass::HotJoint || truth.visible.contains(&d.id);
            (Placed { class: d.class, bounds: d.bounds }, visible)
        })
        .collect();
    score(&placed, &truth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_run_is_moved_aside_not_overwritten() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("run");
        for expected in 0..3 {
            make_room(&folder).expect("room");
            assert!(!folder.join("run.mcap").exists());
            std::fs::write(folder.join("run.mcap"), expected.to_string()).expect("written");
        }
        let kept =
            |name: &str| std::fs::read_to_string(parent.path().join(name).join("run.mcap")).expect("kept");
        assert_eq!((kept("run.1"), kept("run.2")), ("0".to_owned(), "1".to_owned()));
    }
}
