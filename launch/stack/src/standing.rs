//! The one definition of standing: what terrain and report take for a robot on its feet.

use robot_interface::state::RobotState;
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;

/// Without a word of the gait controller the robot stands once its trunk has been higher than this share of its standing
/// height for this long.
const HIGH_SHARE: f64 = 0.75;
const HIGH_NANOS: u64 = 1_000_000_000;

/// Detector of standing. The gait controller's mode decides where it is told; of a recording that does not hold it, the
/// trunk's height above the floor does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StandingDetector {
    standing_height_m: f64,
    mode: Option<GaitMode>,
    high_since: Option<Stamp>,
}

impl StandingDetector {
    /// Returns a detector for a robot whose trunk is so high when it stands.
    pub(crate) const fn new(standing_height_m: f64) -> Self {
        Self { standing_height_m, mode: None, high_since: None }
    }

    /// Takes the gait controller's mode.
    pub(crate) const fn handle_mode(&mut self, mode: GaitMode) {
        self.mode = Some(mode);
    }

    /// Takes an estimate; `height_m` is the trunk's above the tunnel's floor level.
    pub(crate) fn handle_odometry(&mut self, state: &RobotState, height_m: f64) {
        let high = height_m > HIGH_SHARE * self.standing_height_m;
        self.high_since = high.then(|| self.high_since.unwrap_or(state.stamp));
    }

    /// Returns true if the robot stands on its feet at a time not later than the newest estimate's.
    pub(crate) fn is_standing(&self, at: Stamp) -> bool {
        match self.mode {
            Some(mode) => mode == GaitMode::Walk,
            None => self.high_since.is_some_and(|since| at >= since.plus_nanos(HIGH_NANOS)),
        }
    }
}
