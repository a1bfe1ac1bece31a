//! A recording stepped through the robot's perception once more: without the robot, as fast as the machine allows, with the defect
//! model and the settings of now.
//!
//! The robot's poses are those of its recorded odometry. Everything else is worked out anew, in the order of the recording
//! and by nothing but its messages, so that the same recording gives the same results to the bit.

mod agreement;
mod mounts;
mod recorded;
mod replay_perception;
mod stamps;
mod topics;

use recording::MessageWriter;
use report::{RunSummary, Verdict};
use stack::config::{Mission, Robot};

pub use self::recorded::Recorded;
use self::replay_perception::ReplayPerception;
use super::observer::Observer;

/// Outcome of a replay.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Summary for the report.
    pub summary: RunSummary,
    /// Agreement of the lidar with the recorded odometry, in a sentence, if there were scans.
    pub agreement: Option<String>,
    /// True if there were scans, and not one of them could be used.
    pub no_scan_used: bool,
    /// Pictures that were judged, thermal ones among them.
    pub pictures: u64,
    /// Pictures and scans without odometry of their time.
    pub unplaced: u64,
    /// Parts of the file that were damaged.
    pub damaged: u64,
}

/// Replays a recording, into a new one.
///
/// # Errors
/// If the recording cannot be read any further, or the defect model fails.
pub fn replay(
    mut recorded: Recorded,
    mission: &Mission,
    robot: &Robot,
    writer: &mut MessageWriter,
    observer: &mut dyn Observer,
) -> anyhow::Result<Replayed> {
    tracing::info!("recording {}", recorded.name());
    let mut perception = ReplayPerception::new(mission, robot, writer, !recorded.has_status())?;
    let mut stopped = false;
    while !stopped && let Some(input) = recorded.next()? {
        perception.handle(input, observer)?;
        perception.failure.tell(observer);
        stopped = observer.stop_requested();
    }
    perception.settle()?;
    perception.failure.tell(observer);
    let outcome = perception.outcome();
    let mut summary = perception.summary(&outcome)?;
    if stopped {
        summary.verdict = Verdict::Aborted { reason: "the replay was stopped by the operator".to_owned() };
    }
    let agreement = perception.agreement.sentence();
    let mut notes: Vec<_> = agreement.clone().into_iter().collect();
    notes.append(&mut perception.agreement.warnings());
    let scans = recorded.scans();
    let no_scan_used = scans > 0 && perception.agreement.fitting() == 0;
    if no_scan_used {
        notes.push(format!(
            "None of the recording's {scans} lidar scans could be used: the place was not checked, and there may be no ground."
        ));
    }
    notes.append(&mut recorded.closing_notes());
    notes.append(&mut perception.notes());
    for note in &notes {
        tracing::info!("{note}");
    }
    notes.append(&mut summary.warnings);
    summary.warnings = notes;
    let (pictures, unplaced, damaged) = (perception.pictures, outcome.unplaced, recorded.damaged());
    Ok(Replayed { summary, agreement, no_scan_used, pictures, unplaced, damaged })
}

#[cfg(test)]
mod tests;
