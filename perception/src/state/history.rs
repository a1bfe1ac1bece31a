//! Pose buffer: the last two seconds of poses, for deskewing scans and for corrections that arrive late.

use std::collections::VecDeque;

use nalgebra::Isometry3;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::time::Stamp;

/// Poses kept: two seconds at 500 Hz.
const CAPACITY: usize = 1000;

/// Poses of the trunk over the last two seconds at the rate of the inertial sensor. A clone is a copy of
/// 64 kB: cheap enough to take one a scan and read it on another thread. `clone_from` into a history that is
/// there already does not allocate.
///
/// A correction of the pose against the tunnel is a rigid motion of `map`. It is applied to the whole
/// history at once, so that a scan that spans it is not torn, and a later correction measured at an
/// earlier stamp is not counted twice.
#[derive(Debug)]
pub struct PoseHistory {
    /// Motion that corrections have given the entries so far.
    correction: Isometry3<f64>,
    /// Pose before corrections, oldest first.
    entries: VecDeque<(Stamp, Isometry3<f64>)>,
    /// Number of entries beyond which the oldest goes.
    max_entries: usize,
}

impl Clone for PoseHistory {
    /// With room for all entries from the start, which a derived clone would not have.
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        self.correction = source.correction;
        self.max_entries = source.max_entries;
        self.entries.clear();
        self.entries.extend(&source.entries);
    }
}

impl Default for PoseHistory {
    fn default() -> Self {
        Self::new()
    }
}

impl PoseHistory {
    /// A history without entries.
    pub fn new() -> Self {
        Self {
            correction: Isometry3::identity(),
            entries: VecDeque::with_capacity(CAPACITY),
            max_entries: CAPACITY,
        }
    }

    /// A history that keeps every entry: of a run that is over, and is looked at from its recording. It grows by 64 bytes
    /// a pose.
    pub fn unlimited() -> Self {
        Self { correction: Isometry3::identity(), entries: VecDeque::new(), max_entries: usize::MAX }
    }

    /// Adds the newest pose; one that is not newer than the last replaces it.
    pub fn push(&mut self, stamp: Stamp, map_from_base: Transform<Map, Base>) {
        let entry = (stamp, self.correction.inverse() * map_from_base.isometry);
        if self.entries.back().is_some_and(|(newest, _)| stamp <= *newest) {
            self.entries.pop_back();
        } else if self.entries.len() >= self.max_entries {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Moves every pose, rigidly in `map`.
    pub(super) fn correct(&mut self, motion: &Isometry3<f64>) {
        self.correction = motion * self.correction;
        self.correction.rotation.renormalize();
    }

    /// The oldest and the newest time for which there is a pose.
    pub fn span(&self) -> Option<(Stamp, Stamp)> {
        Some((self.entries.front()?.0, self.entries.back()?.0))
    }

    /// Returns the poses over a time, with the next one at either side, as far as there are any.
    pub fn over(&self, from: Stamp, to: Stamp) -> Self {
        let first = self.entries.partition_point(|(stamp, _)| *stamp < from).saturating_sub(1);
        let end = (self.entries.partition_point(|(stamp, _)| *stamp < to) + 1).min(self.entries.len());
        let entries = self.entries.range(first.min(end)..end).copied().collect();
        Self { correction: self.correction, entries, max_entries: self.max_entries }
    }

    /// The pose at a time within [`PoseHistory::span`], between samples by interpolation; `None` outside.
    pub fn pose_at(&self, stamp: Stamp) -> Option<Transform<Map, Base>> {
        let after = self.entries.partition_point(|(s, _)| *s < stamp);
        let (later, to) = self.entries.get(after)?;
        if *later == stamp {
            return Some(Transform::new(self.correction * to));
        }
        let (earlier, from) = self.entries.get(after.checked_sub(1)?)?;
        let t = stamp.seconds_since(*earlier) / later.seconds_since(*earlier);
        let between = Isometry3::from_parts(
            from.translation.vector.lerp(&to.translation.vector, t).into(),
            from.rotation.nlerp(&to.rotation, t),
        );
        Some(Transform::new(self.correction * between))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pose(x: f64, yaw: f64) -> Transform<Map, Base> {
        Transform::from_xyz_rpy([x, 0.0, 0.3], [0.0, 0.0, yaw])
    }

    #[test]
    fn interpolates_and_refuses_outside() {
        let mut history = PoseHistory::new();
        for k in 0..1500u64 {
            history.push(Stamp::from_nanos(k * 2_000_000), pose(k as f64 * 0.001, k as f64 * 1e-4));
        }
        assert_eq!(history.pose_at(Stamp::from_nanos(499 * 2_000_000)), None, "dropped");
        assert_eq!(history.pose_at(Stamp::from_nanos(1499 * 2_000_000 + 1)), None, "not yet");
        let between = history.pose_at(Stamp::from_nanos(1000 * 2_000_000 + 500_000)).expect("inside");
        assert!((between.origin().x - 1.00025).abs() < 1e-12);
        assert!((between.yaw() - 0.100_025).abs() < 1e-9);
        let mut whole = PoseHistory::unlimited();
        for k in 0..1500u64 {
            whole.push(Stamp::from_nanos(k * 2_000_000), pose(k as f64 * 0.001, 0.0));
        }
        let first = whole.clone().pose_at(Stamp::ZERO).expect("kept");
        assert!(first.origin().x.abs() < 1e-12);
    }

    #[test]
    fn a_stretch_of_it_gives_the_same_poses() {
        let mut history = PoseHistory::new();
        for k in 0..100u64 {
            history.push(Stamp::from_nanos(k * 10), pose(k as f64 * 0.01, k as f64 * 1e-3));
        }
        history.correct(&pose(0.0, 0.1).isometry);
        let part = history.over(Stamp::from_nanos(205), Stamp::from_nanos(405));
        assert_eq!(part.span(), Some((Stamp::from_nanos(200), Stamp::from_nanos(410))));
        for nanos in [205, 210, 299, 405] {
            assert_eq!(part.pose_at(Stamp::from_nanos(nanos)), history.pose_at(Stamp::from_nanos(nanos)));
        }
        let all = history.over(Stamp::ZERO, Stamp::from_nanos(10_000));
        assert_eq!(all.span(), history.span());
        assert_eq!(PoseHistory::new().over(Stamp::ZERO, Stamp::ZERO).span(), None);
    }

    #[test]
    fn a_correction_moves_all_of_it() {
        let mut history = PoseHistory::new();
        history.push(Stamp::from_nanos(0), pose(1.0, 0.0));
        let motion = pose(0.0, 0.1).isometry;
        history.correct(&motion);
        history.push(Stamp::from_nanos(10), Transform::new(motion * pose(2.0, 0.0).isometry));
        for (nanos, x) in [(0, 1.0), (5, 1.5), (10, 2.0)] {
            let found = history.pose_at(Stamp::from_nanos(nanos)).expect("inside").isometry;
            let wanted = motion * pose(x, 0.0).isometry;
            assert!((found.translation.vector - wanted.translation.vector).norm() < 1e-12);
            assert!(found.rotation.angle_to(&wanted.rotation) < 1e-9);
        }
    }
}
