//! Where the robot was at any time of a recording, as its odometry says.

use perception::state::PoseHistory;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::time::Stamp;

/// Over a gap longer than this nothing is interpolated, ns.
const GAP_NANOS: u64 = 500_000_000;

/// Every pose of a recording, in parts without gaps. Pictures may come long after they were taken.
#[derive(Default)]
pub(super) struct Track {
    parts: Vec<PoseHistory>,
}

impl Track {
    /// Adds the newest pose.
    pub(super) fn push(&mut self, stamp: Stamp, map_from_base: Transform<Map, Base>) {
        let newest = self.parts.last().and_then(|part| part.span());
        let goes_on = newest.is_some_and(|(_, newest)| stamp <= newest.plus_nanos(GAP_NANOS));
        if !goes_on {
            self.parts.push(PoseHistory::unlimited());
        }
        if let Some(part) = self.parts.last_mut() {
            part.push(stamp, map_from_base);
        }
    }

    /// The part that a time lies in.
    pub(super) fn part_at(&self, stamp: Stamp) -> Option<&PoseHistory> {
        let holds = |part: &&PoseHistory| {
            part.span().is_some_and(|(oldest, newest)| (oldest..=newest).contains(&stamp))
        };
        self.parts.iter().rev().find(holds)
    }

    /// The pose at a time.
    pub(super) fn pose_at(&self, stamp: Stamp) -> Option<Transform<Map, Base>> {
        self.part_at(stamp)?.pose_at(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_poses_are_kept_and_gaps_are_not_bridged() {
        let mut track = Track::default();
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
        assert!(track.pose_at(at(60_000)).is_none() && Track::default().pose_at(at(0)).is_none());
    }
}
