//! `adit campaign`: one mission over many seeds, as a table.

mod marks_file;

use std::path::PathBuf;
use std::process::ExitCode;

use robot_interface::defect::DefectClass;

use super::exit::BadInput;
use crate::lockstep::{Observer, Progress, survey};
use crate::mission_file::MissionFile;
use crate::run::{self, Finished};
use crate::terminal::{eprint_line, print_line};
use marks_file::MarksFile;
use report::RunSummary;
use report::score::{Fate, Score};
use report::widths::{FoundWidth, WidthErrors};
use stack::config::Robot;

/// Arguments of `adit campaign`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Mission file, or the name of a built-in mission
    #[arg(default_value = "cable-tunnel")]
    file: PathBuf,
    /// Robot: a built-in name or a .toml file [default: the mission's]
    #[arg(long, value_name = "NAME")]
    robot: Option<PathBuf>,
    /// Seeds, first and last
    #[arg(long, value_name = "A-B", default_value = "1-20")]
    seeds: String,
    /// Carry the cameras along the tunnel instead of walking: what the defect model alone does, and much faster
    #[arg(long)]
    eyes_only: bool,
    /// File for a line of JSON for each mark on the lining: by what it is judged, and which true defects it is. What the
    /// defects' confidence is fitted to
    #[arg(long, value_name = "FILE")]
    marks: Option<PathBuf>,
}

struct Silent;

impl Observer for Silent {
    fn progress(&mut self, _: &Progress) {}

    fn warn(&mut self, text: &str) {
        eprint_line(format_args!("warning: {text}"));
    }

    fn stop_requested(&self) -> bool {
        false
    }
}

/// Result of a seed.
struct Line {
    findings: Vec<DefectClass>,
    truth: Vec<DefectClass>,
    score: Score,
    widths: Vec<FoundWidth>,
    /// Of a walked one.
    summary: Option<RunSummary>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut file = MissionFile::load(&args.file)?;
    let robot = file.load_robot(args.robot.as_deref())?;
    file.check_simulation(&robot)?;
    let seeds = parse_seeds(&args.seeds).ok_or_else(|| BadInput {
        message: format!("--seeds {:?} is not a range", args.seeds),
        help: "give the first and the last seed, such as 1-20".to_owned(),
    })?;
    print_line(
        "| seed | completed | found | missed | false | unseen | recall | precision | far end off | time, simulated / taken |",
    );
    print_line("|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut all = Vec::new();
    let mut marks = args.marks.as_deref().map(MarksFile::create).transpose()?;
    for seed in seeds {
        file.simulation.seed = seed;
        let marks = marks.as_mut();
        let line =
            if args.eyes_only { surveyed(&file, &robot, marks)? } else { walked(&file, &robot, marks)? };
        print_line(row(seed, &line));
        all.push(line);
    }
    print_line("\n| class | found | missed | false | unseen | recall | precision |");
    print_line("|---|---:|---:|---:|---:|---:|---:|");
    for class in DefectClass::ALL {
        print_line(total(class.name(), &all, |c| c == class));
    }
    print_line(total("all", &all, |_| true));
    let widths: Vec<_> = all.iter().flat_map(|line| &line.widths).copied().collect();
    if let Some(errors) = WidthErrors::of(&widths) {
        print_line(format_args!("\nwidths of found cracks: {errors}"));
    }
    if args.eyes_only {
        return Ok(ExitCode::SUCCESS);
    }
    let completed = all.iter().filter(|l| l.summary.as_ref().is_some_and(|s| s.verdict.completed())).count();
    print_line(format_args!("\n{completed} of {} completed", all.len()));
    Ok(if completed == all.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn walked(file: &MissionFile, robot: &Robot, marks: Option<&mut MarksFile>) -> anyhow::Result<Line> {
    let (Finished { summary, score, widths }, findings, truth) = run::dry_run(file, robot, &mut Silent)?;
    if let Some(marks) = marks {
        marks.write(file.simulation.seed, &findings, &truth)?;
    }
    let findings = summary.defects.iter().map(|d| d.defect.class).collect();
    let truth = summary.truth.iter().flatten().map(|d| d.class).collect();
    Ok(Line { findings, truth, score, widths, summary: Some(summary) })
}

fn surveyed(file: &MissionFile, robot: &Robot, marks: Option<&mut MarksFile>) -> anyhow::Result<Line> {
    let (findings, truth) = survey(file, robot)?;
    let score = run::score_of(&findings, &truth);
    if let Some(marks) = marks {
        marks.write(file.simulation.seed, &findings, &truth)?;
    }
    let widths = run::widths_of(&findings, &truth, &score);
    let findings = findings.defects.iter().map(|d| d.class).collect();
    Ok(Line {
        findings,
        widths,
        truth: truth.defects.iter().map(|d| d.class).collect(),
        score,
        summary: None,
    })
}

fn row(seed: u64, line: &Line) -> String {
    let score = &line.score;
    let summary = line.summary.as_ref();
    let completed = summary.map_or("-", |s| if s.verdict.completed() { "yes" } else { "NO" });
    let off = summary
        .and_then(|s| s.localisation)
        .map_or("-".to_owned(), |l| format!("{:.2} m, {:.1} %", l.far_end_error_m, 100.0 * l.far_end_share));
    let time = summary.map_or("-".to_owned(), |s| {
        format!("{:.0} s / {:.0} s", s.simulated_s, s.wall_s.unwrap_or(f64::NAN))
    });
    format!(
        "| {seed} | {completed} | {} | {} | {} | {} | {} | {} | {off} | {time} |",
        score.found(),
        score.missed(),
        score.false_reports(),
        score.not_visible(),
        ratio(score.recall()),
        ratio(score.precision()),
    )
}

/// A class over all seeds.
fn total(name: &str, lines: &[Line], counts: impl Fn(DefectClass) -> bool) -> String {
    let fates = lines.iter().flat_map(|l| l.truth.iter().zip(&l.score.fates));
    let fates: Vec<Fate> = fates.filter(|(class, _)| counts(**class)).map(|(_, fate)| *fate).collect();
    let reports = lines.iter().flat_map(|l| l.findings.iter().zip(&l.score.confirmed));
    let confirmed: Vec<bool> = reports.filter(|(class, _)| counts(**class)).map(|(_, c)| *c).collect();
    let sum = Score { fates, confirmed, offsets_m: Vec::new() };
    format!(
        "| {name} | {} | {} | {} | {} | {} | {} |",
        sum.found(),
        sum.missed(),
        sum.false_reports(),
        sum.not_visible(),
        ratio(sum.recall()),
        ratio(sum.precision()),
    )
}

fn ratio(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |v| format!("{v:.2}"))
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
