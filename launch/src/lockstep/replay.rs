//! A recording stepped through the robot's perception once more: on a desk, as fast as the machine allows, with the defect
//! model and the settings of now.
//!
//! Where the robot was is what its odometry said then. Everything else is worked out anew, in the order of the recording
//! and by nothing but its messages, so that the same recording gives the same results to the bit.

mod agreement;
mod desk;
mod source;
mod topics;
mod track;

use self::desk::Desk;
use self::source::Heard;
pub use self::source::Source;
use super::Observer;
use crate::config::{Mission, Robot};
use crate::record::Recorder;
use crate::report::{RunSummary, Verdict};

/// What came of a replay.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What the report says.
    pub summary: RunSummary,
    /// How far the lidar agrees with the recorded odometry, if there were scans.
    pub agreement: Option<String>,
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
/// When the recording cannot be read any further, or the defect model fails.
pub fn replay(
    mut source: Source,
    mission: &Mission,
    robot: &Robot,
    recorder: &mut Recorder,
    observer: &mut dyn Observer,
) -> anyhow::Result<Replayed> {
    tracing::info!("recording {}", source.name());
    let mut desk = Desk::new(mission, robot, recorder, !source.has_status())?;
    let mut stopped = false;
    while !stopped && let Some(heard) = source.next()? {
        match heard {
            Heard::Moved(state) => desk.moved(state, observer)?,
            Heard::Scan(scan) => desk.scans.push_back(scan),
            Heard::Sight(stamp, sight) => desk.sights.push_back((stamp, sight)),
            Heard::Torque(peak_nm) => desk.story.torque(peak_nm, 0),
            Heard::Status(phase, way_m) => desk.status(phase, way_m),
        }
        desk.drop_what_waits_too_long();
        stopped = observer.stop_requested();
    }
    desk.settle()?;
    desk.unplaced += (desk.scans.len() + desk.sights.len()) as u64;
    let mut summary = desk.summary()?;
    if stopped {
        summary.verdict = Verdict::Aborted { reason: "the replay was stopped by the operator".to_owned() };
    }
    let agreement = desk.agreement.sentence();
    let mut notes: Vec<_> = agreement.clone().into_iter().collect();
    notes.append(&mut source.closing_notes());
    notes.append(&mut desk.notes());
    for note in &notes {
        tracing::info!("{note}");
    }
    notes.append(&mut summary.warnings);
    summary.warnings = notes;
    let (pictures, unplaced) = (desk.pictures, desk.unplaced);
    Ok(Replayed { summary, agreement, pictures, unplaced, damaged: source.damaged() })
}

#[cfg(test)]
mod tests;
