//! A whole run with its folder: recording, log, score, report.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use robot_interface::defect::DefectClass;
use sim::tunnel::TrueDefect;

use crate::config::{Mission, Robot};
use crate::lockstep::{self, Detail, Observer, Outcome, Replayed, Source, Truth};
use crate::picture;
use crate::record::Recorder;
use crate::report::{
    self, Coverage, ElevationPicture, Limits, Localisation, ProfileRow, ReportDefect, RunSummary, TruthFate,
    TruthRow, Verdict,
};
use crate::score::{Fate, Placed, Score, score};
use crate::stack::{Findings, place_of};

/// Of the ten samples a second one in this many goes into the report's profile and paths.
const PROFILE_EVERY: usize = 5;

/// A run that is over, with its files written.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What the report says.
    pub summary: RunSummary,
    /// How it compares with the truth.
    pub score: Score,
}

/// Runs a mission and leaves its files in `folder`; an earlier run there is moved aside first.
///
/// # Errors
/// When the mission cannot be simulated, or its files cannot be written.
pub fn run(
    mission: &Mission,
    robot: &Robot,
    observer: &mut dyn Observer,
    folder: &Path,
    detail: Detail,
) -> anyhow::Result<Finished> {
    in_folder(folder, || {
        tracing::info!("mission {} seed {} robot {}", mission.name, mission.seed, robot.description.name);
        let mut recorder = Recorder::create(&folder.join("run.mcap"), &robot.description)?;
        let begun = now();
        let outcome = lockstep::run(mission, robot, Some((&mut recorder, detail)), observer)?;
        close(recorder)?;
        let mut finished = judge(mission, robot, &outcome)?;
        finished.summary.wall_s = Some(begun.elapsed().as_secs_f64());
        report::write_all(folder, &finished.summary)?;
        Ok(finished)
    })
}

/// Replays a recording into `folder`, which gets the files of a run; an earlier one there is moved aside first. The same
/// recording gives the same bytes.
///
/// # Errors
/// When the recording cannot be read, or the files cannot be written.
pub fn replay(
    source: Source,
    mission: &Mission,
    robot: &Robot,
    observer: &mut dyn Observer,
    folder: &Path,
) -> anyhow::Result<Replayed> {
    in_folder(folder, || {
        tracing::info!("replay mission {} robot {}", mission.name, robot.description.name);
        let mut recorder = Recorder::create(&folder.join("run.mcap"), &robot.description)?;
        let replayed = lockstep::replay(source, mission, robot, &mut recorder, observer)?;
        close(recorder)?;
        report::write_all(folder, &replayed.summary)?;
        Ok(replayed)
    })
}

fn close(recorder: Recorder) -> anyhow::Result<()> {
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
/// When the mission cannot be simulated.
pub fn dry_run(mission: &Mission, robot: &Robot, observer: &mut dyn Observer) -> anyhow::Result<Finished> {
    let begun = now();
    let outcome = lockstep::run(mission, robot, None, observer)?;
    let mut finished = judge(mission, robot, &outcome)?;
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

/// What became of a simulated run.
fn judge(mission: &Mission, robot: &Robot, outcome: &Outcome) -> anyhow::Result<Finished> {
    let truth = outcome.truth.as_ref().context("a simulated run has no truth")?;
    let score = score_of(&outcome.findings, truth);
    let summary = summarise(mission, robot, outcome, Some(&score))?;
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

/// Puts what came of a run into words and numbers.
///
/// # Errors
/// When an evidence picture cannot be made.
pub fn summarise(
    mission: &Mission,
    robot: &Robot,
    outcome: &Outcome,
    score: Option<&Score>,
) -> anyhow::Result<RunSummary> {
    let findings = &outcome.findings;
    let samples = &outcome.trace.samples;
    let far = outcome.trace.far_end();
    let truth = outcome.truth.as_ref().zip(score).map(|(truth, score)| truth_rows(&truth.defects, score));
    let every = || samples.iter().step_by(PROFILE_EVERY);
    let seconds = |i: robot_interface::time::Stamp| i.seconds();
    let profile = every().map(|s| ProfileRow {
        time_s: seconds(s.stamp),
        chainage_m: s.chainage_m,
        speed_m_s: s.speed_m_s,
        height_m: s.estimate.origin().z,
        torque_peak_nm: s.torque_peak_nm,
    });
    // Without having walked there is no share of the way to speak of.
    let far = far.filter(|far| far.walked_m > 1.0);
    let localisation = far.zip(outcome.trace.final_error_m()).map(|(far, final_error_m)| Localisation {
        far_end_chainage_m: far.chainage_m,
        far_end_error_m: far.error_m,
        far_end_walked_m: far.walked_m,
        far_end_share: far.error_m / far.walked_m.max(1e-9),
        final_error_m,
    });
    let mosaic = &outcome.mosaic;
    Ok(RunSummary {
        verdict: match outcome.abort {
            None => Verdict::Completed,
            Some(reason) => Verdict::Aborted { reason: reason.to_string() },
        },
        mission: mission.name.clone(),
        robot: robot.description.name.clone(),
        seed: mission.seed,
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        model_version: findings.model_version.clone(),
        simulated_s: outcome.simulated_s,
        wall_s: None,
        distance_walked_m: outcome.trace.walked_m(),
        fell: outcome.abort == Some(planner::mission::AbortReason::Fell),
        design: mission.design.clone(),
        inspected_m: [mission.inspection.start_m.get(), mission.inspection.end_m.get()],
        defects: report_defects(mission, findings, score)?,
        truth,
        recall: score.and_then(Score::recall),
        precision: score.and_then(Score::precision),
        coverage: Coverage {
            cell_m: findings.coverage.cell_m,
            columns: findings.coverage.size[0],
            rows: findings.coverage.size[1],
            chainage0_m: findings.coverage.origin_m[0],
            arc0_m: findings.coverage.origin_m[1],
            mm_per_px: findings.coverage.mm_per_px.clone(),
        },
        limits: Limits {
            median_mm_per_px: findings.median_mm_per_px.unwrap_or(f64::NAN),
            narrowest_crack_mm: findings.median_mm_per_px.map_or(f64::NAN, |mm| mm * findings.crack_px),
            covered_share: findings.covered_share,
        },
        profile: profile.collect(),
        estimate_path: every().map(|s| s.estimate.origin().xy().coords.into()).collect(),
        true_path: every().filter_map(|s| Some(s.truth?.origin().xy().coords.into())).collect(),
        elevation: Some(ElevationPicture {
            origin_m: mosaic.origin_m,
            resolution_m: mosaic.resolution_m,
            width: mosaic.size[0],
            height: mosaic.size[1],
            elevation_m: mosaic.elevation_m.clone(),
        }),
        localisation,
        warnings: warnings(outcome),
    })
}

/// What was really there, and what became of it.
fn truth_rows(defects: &[TrueDefect], score: &Score) -> Vec<TruthRow> {
    let rows = defects.iter().zip(&score.fates).map(|(defect, fate)| TruthRow {
        class: defect.class,
        bounds: defect.bounds,
        width_mm: defect.width_mm,
        fate: match fate {
            Fate::Found(report) => TruthFate::Found(report + 1),
            Fate::Missed => TruthFate::Missed,
            Fate::NotVisible => {
                TruthFate::NotVisible { why: "hidden, out of view, too fine or too pale".to_owned() }
            }
        },
    });
    rows.collect()
}

fn report_defects(
    mission: &Mission,
    findings: &Findings,
    score: Option<&Score>,
) -> anyhow::Result<Vec<ReportDefect>> {
    let rows = findings.defects.iter().enumerate().map(|(i, d)| {
        let picture = d.evidence.and_then(|e| Some((findings.pictures.get(e.frame as usize)?, e.pixels)));
        let evidence = picture.map(|(jpeg, pixels)| picture::evidence(jpeg, pixels)).transpose()?;
        Ok(ReportDefect {
            number: i + 1,
            class: d.class,
            code: d.code.clone(),
            bounds: d.bounds,
            chainage_m: d.centre.chainage_m,
            arc_m: d.centre.arc_m,
            clock_h: d.clock_h,
            position_m: place_of(d, &mission.design).coords.into(),
            length_m: d.length_m,
            width_mm: d.width_mm,
            area_m2: d.area_m2,
            temperature_c: d.temperature_c,
            score: d.score,
            views: d.views as usize,
            mm_per_px: d.mm_per_px,
            outline: d.outline.clone(),
            evidence,
            confirmed: score.and_then(|s| s.confirmed.get(i).copied()),
        })
    });
    rows.collect()
}

fn warnings(outcome: &Outcome) -> Vec<String> {
    let mut warnings = vec![
        "Coverage counts lining that lies behind racks and cables as seen: what stands before the lining is \
         not told apart from it."
            .to_owned(),
    ];
    if outcome.refused_scans > 20 {
        let scans = outcome.refused_scans;
        warnings.push(format!("{scans} lidar scans did not fit the tunnel's design and were not used."));
    }
    if outcome.missed_replies > 0 {
        warnings.push(format!("{} motor replies did not come.", outcome.missed_replies));
    }
    warnings
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
