//! Walks a mission of four metres in a simulated tunnel and prints what was found and what was missed, without writing a
//! file: `cargo run -p launch --example walk_and_report -- [SEED]`.
//!
//! To change it: the mission's text below (its keys are in `docs/write-a-mission.md`), the seed, or the observer, which ends
//! the run early by returning true from `stop_requested`.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use anyhow::Context as _;
use launch::lockstep::{Observer, Progress};
use launch::mission_file::MissionFile;
use launch::run::{Finished, dry_run};
use report::{TruthFate, Verdict};
use stack::config::Robot;

const MISSION: &str = r#"
name = "four-metres"
robot = "go2"

[tunnel.section]
shape = "horseshoe"
width_m = 2.8
wall_height_m = 1.2

[[tunnel.alignment]]
length_m = 7.0

[inspection]
start_m = 1.0
end_m = 5.0
station_every_m = 4.0
picture_every_m = 1.1
dwell_s = 0.5
speed_m_s = 0.6
return_speed_m_s = 0.9
hot_joint_above_c = 45.0

[limits]
timeout_s = 60.0
stuck_after_s = 20.0

# Not known to the robot: what the tunnel holds beyond its design.
[simulation.furniture]
cable_levels = 2
"#;

/// Observer that prints a line for each phase of the mission and for each simulated second.
#[derive(Default)]
struct PrintedProgress {
    phase: &'static str,
    second: u64,
}

impl Observer for PrintedProgress {
    fn progress(&mut self, progress: &Progress) {
        let second = progress.simulated_s as u64;
        if progress.doing != self.phase || second > self.second {
            (self.phase, self.second) = (progress.doing, second);
            println!(
                "{:5.1} s  {:<11}  chainage {:4.1} m  {} defects so far",
                progress.simulated_s, progress.doing, progress.chainage_m, progress.defects
            );
        }
    }

    fn warn(&mut self, text: &str) {
        println!("warning: {text}");
    }

    fn stop_requested(&self) -> bool {
        false
    }
}

fn main() -> anyhow::Result<()> {
    let mut file = MissionFile::parse("MISSION", MISSION)?;
    if let Some(seed) = std::env::args().nth(1) {
        file.simulation.seed = seed.parse().context("SEED is a whole number")?;
    }
    let robot = Robot::load(&file.mission.robot)?;
    let (finished, ..) = dry_run(&file, &robot, &mut PrintedProgress::default())?;
    print_findings(&finished);
    Ok(())
}

fn print_findings(Finished { summary, score, .. }: &Finished) {
    match &summary.verdict {
        Verdict::Completed => println!("\ncompleted: {:.1} m walked", summary.distance_walked_m),
        Verdict::Aborted { reason } => println!("\nnot completed: {reason}"),
    }
    for report in &summary.defects {
        let defect = &report.defect;
        let confirmed = if report.confirmed == Some(true) { "" } else { "  (nothing is there)" };
        println!(
            "  reported  {:<10} at {:4.1} m, {:4.1} o'clock{confirmed}",
            defect.class.name(),
            defect.centre.chainage_m,
            defect.clock_h
        );
    }
    for truth in summary.truth.iter().flatten() {
        let [chainage_m, _] = truth.bounds.centre();
        let fate = match &truth.fate {
            TruthFate::Found(number) => format!("found, as number {number}"),
            TruthFate::Missed => "missed".to_owned(),
            TruthFate::NotVisible { why } => format!("not visible: {why}"),
        };
        println!("  true      {:<10} at {chainage_m:4.1} m: {fate}", truth.class.name());
    }
    println!(
        "{} found, {} missed, {} false, {} could not be seen",
        score.found(),
        score.missed(),
        score.false_reports(),
        score.not_visible()
    );
}
