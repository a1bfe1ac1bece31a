//! Track of the robot's poses as its odometry tells them, in parts without gaps.

use perception::state::PoseHistory;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::time::Stamp;

/// Over a gap longer than this nothing is interpolated, ns.
const GAP_NANOS: u64 = 500_000_000;

/// Poses in parts without gaps. Pictures and scans may come long after they were taken.
#[derive(Debug)]
pub(crate) struct PoseTrack {
    parts: Vec<PoseHistory>,
    /// True if every pose is kept, of every part; else those of the last seconds.
    is_whole: bool,
}

impl PoseTrack {
    /// Returns a track that keeps every pose: of a recording.
    pub(crate) const fn whole() -> Self {
        Self { parts: Vec::new(), is_whole: true }
    }

    /// Returns a track that keeps the newest thousand poses without a gap: of a robot that walks.
    pub(crate) const fn recent() -> Self {
        Self { parts: Vec::new(), is_whole: false }
    }

    /// Replaces all poses by those of an estimator in the same process, corrections included.
    pub(crate) fn follow(&mut self, history: &PoseHistory) {
        match self.parts.as_mut_slice() {
            [part] => part.clone_from(history),
            _ => self.parts = vec![history.clone()],
        }
    }

    /// Adds the newest pose.
    pub(crate) fn push(&mut self, stamp: Stamp, map_from_base: Transform<Map, Base>) {
        let newest = self.parts.last().and_then(|part| part.span());
        let goes_on = newest.is_some_and(|(_, newest)| stamp <= newest.plus_nanos(GAP_NANOS));
        if !goes_on {
            if !self.is_whole {
                self.parts.clear();
            }
            self.parts.push(if self.is_whole { PoseHistory::unlimited() } else { PoseHistory::new() });
        }
        if let Some(part) = self.parts.last_mut() {
            part.push(stamp, map_from_base);
        }
    }

    /// Returns the newest part without gaps.
    pub(crate) fn newest(&self) -> Option<&PoseHistory> {
        self.parts.last()
    }

    /// Returns the part without gaps that a time lies in.
    pub(crate) fn part_at(&self, stamp: Stamp) -> Option<&PoseHistory> {
        let holds = |part: &&PoseHistory| {
            part.span().is_some_and(|(oldest, newest)| (oldest..=newest).contains(&stamp))
        };
        self.parts.iter().rev().find(holds)
    }

    /// Returns the pose at a time.
    pub(crate) fn pose_at(&self, stamp: Stamp) -> Option<Transform<Map, Base>> {
        self.part_at(stamp)?.pose_at(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_poses_are_kept_and_gaps_are_not_bridged() {
        let mut track = PoseTrack::whole();
        let at = |ms: u64| Stamp::from_nanos(ms * 1_000_000);
        for ms in (0..30_000).step_by(20).chain((40_000..50_000).step_by(20)) {
            track.push(at(ms), Transform::from_xyz_rpy([ms as f64 * 1e-3, 0.0, 0.3], [0.0; 3]));
        }
        for (ms, expected) in
            [(10, Some(0.01)), (29_980, Some(29.98)), (35_000, None), (45_001, Some(45.001))]
        {
            let x = track.pose_at(at(ms)).map(|pose| pose.origin().x);
            assert_eq!(x.is_some(), expected.is_some(), "{ms} ms");
            assert!(x.zip(expected).is_none_or(|(x, expected)| (x - expected).abs() < 1e-9), "{x:?}");
        }
        assert!(track.pose_at(at(60_000)).is_none() && PoseTrack::recent().pose_at(at(0)).is_none());
    }
}
