//! Log of blocked ways: episodes in which the path planner finds no path, told once each, and for the mission's ending.

use planner::path::NoPath;
use robot_interface::time::Stamp;

/// An episode without a path, from the first refusal on.
#[derive(Clone, Debug)]
struct Episode {
    since: Stamp,
    last: Stamp,
    chainage_m: f64,
    /// Each reason with how often it was given.
    reasons: Vec<(NoPath, u32)>,
}

/// Log of blocked ways. Between two refusals a path is often found for a moment: an episode is over once none was refused
/// for as long as counts as being stuck.
#[derive(Clone, Debug)]
pub(crate) struct BlockageLog {
    over_after_s: f64,
    episode: Option<Episode>,
}

impl BlockageLog {
    pub(crate) const fn new(over_after_s: f64) -> Self {
        Self { over_after_s, episode: None }
    }

    /// Takes the outcome of a plan for a robot at `chainage_m`.
    pub(crate) fn handle_plan(&mut self, now: Stamp, chainage_m: f64, refused: Option<NoPath>) {
        if self.episode.as_ref().is_some_and(|episode| self.is_over(episode, now)) {
            self.episode = None;
            tracing::info!("path: there is a way again");
        }
        let Some(reason) = refused else { return };
        let episode = self.episode.get_or_insert_with(|| {
            tracing::warn!("path: {reason}, at chainage {chainage_m:.1} m");
            Episode { since: now, last: now, chainage_m, reasons: Vec::new() }
        });
        episode.last = now;
        match episode.reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => episode.reasons.push((reason, 1)),
        }
    }

    fn is_over(&self, episode: &Episode, now: Stamp) -> bool {
        now.seconds_since(episode.last) > self.over_after_s
    }

    /// Returns what blocks the way at present, for people: the reason given most often, with place and time.
    pub(crate) fn present(&self, now: Stamp) -> Option<String> {
        let episode = self.episode.as_ref().filter(|episode| !self.is_over(episode, now))?;
        // Of reasons given equally often the first one.
        let (reason, _) = episode.reasons.iter().rev().max_by_key(|(_, count)| *count)?;
        let lasted_s = episode.last.seconds_since(episode.since);
        Some(format!("{reason}, at chainage {:.1} m for {lasted_s:.0} s", episode.chainage_m))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> Stamp {
        Stamp::from_nanos((s * 1e9) as u64)
    }

    /// The planner found a path and lost it again 51 times.
    #[test]
    fn an_episode_goes_on_through_moments_with_a_path_and_keeps_its_place() {
        let mut log = BlockageLog::new(20.0);
        log.handle_plan(at(0.0), 3.0, None);
        assert_eq!(log.present(at(0.0)), None);
        for tenths in 10..400 {
            let refused = (tenths % 4 == 0).then_some(NoPath::Closed);
            let refused = if tenths % 40 == 0 { Some(NoPath::StartBlocked) } else { refused };
            log.handle_plan(at(f64::from(tenths) / 10.0), 5.2, refused);
        }
        let said = log.present(at(45.0)).expect("blocked");
        assert_eq!(said, "no way leads around the obstacles, at chainage 5.2 m for 38 s");
        assert_eq!(log.present(at(70.0)), None, "long over");
        log.handle_plan(at(70.0), 8.0, Some(NoPath::GoalBlocked));
        assert!(log.present(at(70.0)).is_some_and(|said| said.contains("chainage 8.0 m")), "another one");
    }
}
