//! Watch over a mission whose report is owed: should its planner die or hang, perception writes it unasked.

use robot_interface::status::{Ending, MissionState};
use robot_interface::time::Stamp;

/// Silence of the planner, which tells of its mission five times a second, from which the mission is without it, s: by then the
/// bridge has laid the robot down, and a planner that was started again has spoken.
const SILENT_S: f64 = 20.0;

/// Watch over the planner's word on its mission.
#[derive(Clone, Debug, Default)]
pub(super) struct MissionWatch {
    /// What the planner said last, and when.
    heard: Option<(Stamp, MissionState)>,
    owed: bool,
    orphaned: bool,
}

impl MissionWatch {
    /// Returns true if nothing was heard of a mission yet.
    pub(super) const fn is_new(&self) -> bool {
        self.heard.is_none()
    }

    /// Takes the planner's word.
    pub(super) fn handle_status(&mut self, now: Stamp, state: &MissionState) {
        self.heard = Some((now, state.clone()));
        self.orphaned = false;
        self.owed |= self.is_underway();
    }

    /// The report of what there is so far was written.
    pub(super) const fn handle_report(&mut self) {
        self.owed = false;
    }

    /// Returns the state of the mission for a report that nobody asks for any more, once.
    pub(super) fn poll_orphan(&mut self, now: Stamp) -> Option<MissionState> {
        let is_silent = self.heard.as_ref().is_some_and(|(at, _)| now.seconds_since(*at) > SILENT_S);
        if !(self.owed && is_silent) || self.orphaned {
            return None;
        }
        self.orphaned = true;
        self.state_or("the planner fell silent")
    }

    /// Returns the state of a mission whose report is still owed when the node ends; `None` if none is.
    pub(super) fn owed_at_end(&self) -> Option<MissionState> {
        self.state_or("the planner ended before the mission did").filter(|_| self.owed)
    }

    /// Returns how the mission ended by the planner's word; if it did not, it was given up for this reason.
    fn state_or(&self, reason: &str) -> Option<MissionState> {
        let (_, told) = self.heard.as_ref()?;
        let given_up = || MissionState::GivenUp(Ending { reason: None, text: reason.to_owned() });
        Some(if self.is_underway() { given_up() } else { told.clone() })
    }

    /// Returns true if a mission is without its planner.
    pub(super) const fn is_orphaned(&self) -> bool {
        self.orphaned
    }

    /// Returns true while the planner says that a mission goes on.
    pub(super) const fn is_underway(&self) -> bool {
        matches!(self.heard, Some((_, MissionState::Preparing | MissionState::Underway(_))))
    }
}

#[cfg(test)]
mod tests {
    use robot_interface::status::MissionPhase;

    use super::*;

    fn at(s: f64) -> Stamp {
        Stamp::from_nanos((s * 1e9) as u64)
    }

    const GOING: MissionState = MissionState::Underway(MissionPhase::Go);

    /// The planner was killed: no report.html, no csv, and nobody who would have written them.
    #[test]
    fn a_report_that_nobody_asks_for_is_written_once_the_planner_is_silent() {
        let mut watch = MissionWatch::default();
        assert!(watch.poll_orphan(at(100.0)).is_none(), "no mission");
        watch.handle_status(at(100.0), &GOING);
        assert!(watch.poll_orphan(at(119.0)).is_none());
        let state = watch.poll_orphan(at(121.0)).expect("orphaned");
        assert!(state.text().contains("fell silent") && watch.is_orphaned());
        assert!(watch.poll_orphan(at(122.0)).is_none(), "once");
        watch.handle_report();
        // It only hung, and goes on.
        watch.handle_status(at(130.0), &GOING);
        assert!(!watch.is_orphaned() && watch.owed_at_end().is_some());
    }

    #[test]
    fn a_mission_that_was_reported_owes_nothing() {
        let mut watch = MissionWatch::default();
        watch.handle_status(at(1.0), &GOING);
        watch.handle_status(at(2.0), &MissionState::Completed);
        assert_eq!(watch.owed_at_end(), Some(MissionState::Completed), "over, and not reported");
        watch.handle_report();
        assert!(watch.owed_at_end().is_none() && watch.poll_orphan(at(90.0)).is_none());
    }

    #[test]
    fn what_is_owed_at_the_end_is_given_up() {
        let mut watch = MissionWatch::default();
        assert!(watch.owed_at_end().is_none());
        watch.handle_status(at(1.0), &GOING);
        assert!(matches!(watch.owed_at_end(), Some(MissionState::GivenUp(_))));
    }
}
