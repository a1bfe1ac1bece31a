//! Footing: whether the robot has come to stand on its legs, and whether they carry it still.

use robot_interface::state::Posture;
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;

/// Least height of the base once it has risen, as a share of its standing height.
const RISEN_SHARE: f64 = 0.7;
/// Height of the base under which it lies rather than stands, likewise...
const SUNK_SHARE: f64 = 0.5;
/// ...when it has been so low for this long, s.
const SUNK_AFTER_S: f64 = 1.0;
/// Greatest distance of a joint from the standing pose once the robot has risen, rad: under its weight joints give way by
/// some 0.1 rad.
const MAX_JOINT_ERROR_RAD: f64 = 0.5;

/// Watch over how the robot stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Footing {
    standing_height_m: f64,
    max_tilt_rad: f64,
    /// Posture as last told while it rose: before the policy takes over the standing pose is held.
    rising: Option<Posture>,
    /// Posture as told last.
    latest: Option<Posture>,
    low_since: Option<Stamp>,
}

impl Footing {
    pub(super) const fn new(standing_height_m: f64, max_tilt_rad: f64) -> Self {
        Self { standing_height_m, max_tilt_rad, rising: None, latest: None, low_since: None }
    }

    /// Takes the posture in a mode of the gait controller; `None` where it is not told.
    pub(super) fn handle_posture(&mut self, now: Stamp, gait: GaitMode, posture: Option<&Posture>) {
        self.latest = posture.copied();
        if gait == GaitMode::StandUp {
            self.rising = posture.copied().or(self.rising);
        }
        let is_low = gait == GaitMode::Walk && posture.is_some_and(|p| !self.is_higher(p, SUNK_SHARE));
        self.low_since = is_low.then(|| self.low_since.unwrap_or(now));
    }

    /// Returns true if it has begun to rise.
    pub(super) const fn has_begun(&self) -> bool {
        self.rising.is_some()
    }

    /// Returns true if it stands as it should after rising, as far as is told: at the end of it, or by now, since what was
    /// told last may be of the middle.
    pub(super) fn has_risen(&self) -> bool {
        self.rising.is_none_or(|posture| self.stands(&posture))
            || self.latest.is_some_and(|posture| self.stands(&posture))
    }

    fn stands(&self, posture: &Posture) -> bool {
        self.is_higher(posture, RISEN_SHARE)
            && posture.tilt_rad <= self.max_tilt_rad
            && posture.joint_error_rad <= MAX_JOINT_ERROR_RAD
    }

    /// Returns true if it has sunk to the ground, though its gait walks.
    pub(super) fn has_sunk(&self, now: Stamp) -> bool {
        self.low_since.is_some_and(|since| now.seconds_since(since) >= SUNK_AFTER_S)
    }

    /// Returns true if the base is this high; not if its height is no number.
    fn is_higher(&self, posture: &Posture, share: f64) -> bool {
        posture.height_m >= share * self.standing_height_m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Posture = Posture { height_m: 0.30, tilt_rad: 0.05, joint_error_rad: 0.1, joint_error_of: 2 };

    fn footing() -> Footing {
        Footing::new(0.31, 0.45)
    }

    fn at(s: f64) -> Stamp {
        Stamp::from_nanos((s * 1e9) as u64)
    }

    #[test]
    fn height_tilt_and_every_joint_tell_whether_it_has_risen() {
        let cases = [
            (GOOD, true),
            (Posture { height_m: 0.06, ..GOOD }, false),
            (Posture { height_m: 0.20, ..GOOD }, false),
            (Posture { height_m: f64::NAN, ..GOOD }, false),
            (Posture { tilt_rad: 0.6, ..GOOD }, false),
            (Posture { tilt_rad: f64::NAN, ..GOOD }, false),
            (Posture { joint_error_rad: 0.9, ..GOOD }, false),
        ];
        for (posture, expected) in cases {
            let mut footing = footing();
            footing.handle_posture(at(1.0), GaitMode::StandUp, Some(&posture));
            footing.handle_posture(at(1.1), GaitMode::Walk, Some(&posture));
            assert_eq!(footing.has_risen(), expected, "{posture:?}");
            footing.handle_posture(at(1.2), GaitMode::Walk, Some(&GOOD));
            assert!(footing.has_risen(), "it was told late");
        }
        assert!(footing().has_risen(), "what is not told is not held against it");
    }

    #[test]
    fn a_low_base_counts_once_it_lasts_and_only_while_the_gait_walks() {
        let low = Posture { height_m: 0.06, ..GOOD };
        let mut footing = footing();
        for tenths in 0..30 {
            let now = at(f64::from(tenths) / 10.0);
            footing.handle_posture(now, GaitMode::LieDown, Some(&low));
            assert!(!footing.has_sunk(now));
        }
        let mut sunk_at = None;
        for tenths in 0..30 {
            let now = at(f64::from(tenths) / 10.0);
            // A stumble in between does not count.
            let posture = if tenths == 5 { GOOD } else { low };
            footing.handle_posture(now, GaitMode::Walk, Some(&posture));
            sunk_at = sunk_at.or(footing.has_sunk(now).then_some(tenths));
        }
        assert_eq!(sunk_at, Some(16));
    }
}
