//! `adit campaign`: one mission over many seeds, as a table.

use std::process::ExitCode;

use super::BadInput;
use crate::config::{Mission, Robot};
use crate::lockstep::{Observer, Progress};
use crate::run::{self, Finished};

/// Arguments of `adit campaign`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Mission file, or the name of a built-in mission
    #[arg(default_value = "cable-tunnel")]
    file: String,
    /// Robot: a built-in name or a .toml file [default: the mission's]
    #[arg(long, value_name = "NAME")]
    robot: Option<String>,
    /// Seeds, first and last
    #[arg(long, value_name = "A-B", default_value = "1-20")]
    seeds: String,
}

struct Silent;

impl Observer for Silent {
    fn progress(&mut self, _: &Progress) {}

    fn stop_requested(&self) -> bool {
        false
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut mission = Mission::load(&args.file)?;
    let robot = Robot::load(args.robot.as_deref().unwrap_or(&mission.robot))?;
    let seeds = parse_seeds(&args.seeds).ok_or_else(|| BadInput {
        message: format!("--seeds {:?} is not a range", args.seeds),
        help: "give the first and the last seed, such as 1-20".to_owned(),
    })?;
    println!(
        "| seed | completed | found | missed | false | unseen | recall | precision | far end off | time, simulated / taken |"
    );
    println!("|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut all = Vec::new();
    for seed in seeds {
        mission.seed = seed;
        let finished = run::dry_run(&mission, &robot, &mut Silent)?;
        println!("{}", row(seed, &finished));
        all.push(finished);
    }
    let total = |count: fn(&Finished) -> usize| all.iter().map(count).sum::<usize>();
    let (found, missed) = (total(|f| f.score.found()), total(|f| f.score.missed()));
    let (reports, wrong) = (total(|f| f.score.confirmed.len()), total(|f| f.score.false_reports()));
    let completed = total(|f| usize::from(f.summary.verdict.completed()));
    println!(
        "\n{completed} of {} completed; over all: recall {:.2} ({found} of {}), precision {:.2} ({} of {reports})",
        all.len(),
        found as f64 / (found + missed).max(1) as f64,
        found + missed,
        (reports - wrong) as f64 / reports.max(1) as f64,
        reports - wrong,
    );
    Ok(if completed == all.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(seed: u64, finished: &Finished) -> String {
    let (summary, score) = (&finished.summary, &finished.score);
    let ratio = |v: Option<f64>| v.map_or("-".to_owned(), |v| format!("{v:.2}"));
    let off = summary
        .localisation
        .map_or("-".to_owned(), |l| format!("{:.2} m, {:.1} %", l.far_end_error_m, 100.0 * l.far_end_share));
    format!(
        "| {seed} | {} | {} | {} | {} | {} | {} | {} | {off} | {:.0} s / {:.0} s |",
        if summary.verdict.completed() { "yes" } else { "NO" },
        score.found(),
        score.missed(),
        score.false_reports(),
        score.not_visible(),
        ratio(score.recall()),
        ratio(score.precision()),
        summary.simulated_s,
        summary.wall_s.unwrap_or(f64::NAN),
    )
}

fn parse_seeds(text: &str) -> Option<std::ops::RangeInclusive<u64>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_number_or_a_range() {
        assert_eq!(parse_seeds("1-20"), Some(1..=20));
        assert_eq!(parse_seeds("7"), Some(7..=7));
        for wrong in ["", "a-b", "5-3", "-3", "1-"] {
            assert_eq!(parse_seeds(wrong), None, "{wrong}");
        }
    }
}
