//! Stillness detector (for zero-velocity updates), and the means of the inertial sensor meanwhile.

use nalgebra::Vector3;
use robot_interface::joints::JOINTS;

/// Length of a window, s.
const WINDOW_S: f64 = 0.2;
/// Windows in a row that make the second of stillness of a start.
const START_WINDOWS: u32 = 5;
/// Greatest standard deviation of the angular velocity in a still window, rad/s.
const RATE_SPREAD_RAD_S: f64 = 0.03;
/// Greatest standard deviation of the specific force in a still window, m/s^2.
const FORCE_SPREAD_M_S2: f64 = 0.4;
/// Greatest joint speed in a still window, rad/s.
const JOINT_RAD_S: f64 = 0.08;
/// Greatest mean rate, bias removed, in a still window, rad/s.
pub(super) const CREEP_RAD_S: f64 = 0.01;
/// One-sigma of the trunk's speed in a still window, m/s.
pub(super) const SPEED_SIGMA_M_S: f64 = 0.01;

/// Means of a still stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Angular velocity, rad/s.
    pub(super) rate: Vector3<f64>,
    /// Specific force, m/s^2.
    pub(super) force: Vector3<f64>,
    /// Its length, s.
    pub(super) duration_s: f64,
}

/// Sums over the window that is being filled, and over the still windows before it.
#[derive(Clone, Debug)]
pub(super) struct Stillness {
    rate_limit_rad_s: f64,
    samples: f64,
    duration_s: f64,
    rate: Vector3<f64>,
    rate_squared: f64,
    force: Vector3<f64>,
    force_squared: f64,
    joint_rad_s: f64,
    seen_joints: bool,
    streak: u32,
    streak_mean: Window,
}

impl Stillness {
    /// `gyro_bias_sigma` is the gyroscope's bias at switch-on, rad/s: how much a still one may show.
    pub(super) fn new(gyro_bias_sigma: f64) -> Self {
        let nothing = Window { rate: Vector3::zeros(), force: Vector3::zeros(), duration_s: 0.0 };
        Self {
            rate_limit_rad_s: 5.0 * gyro_bias_sigma + CREEP_RAD_S,
            samples: 0.0,
            duration_s: 0.0,
            rate: Vector3::zeros(),
            rate_squared: 0.0,
            force: Vector3::zeros(),
            force_squared: 0.0,
            joint_rad_s: 0.0,
            seen_joints: false,
            streak: 0,
            streak_mean: nothing,
        }
    }

    pub(super) fn handle_joints(&mut self, rates_rad_s: &[f64; JOINTS]) {
        self.seen_joints = true;
        self.joint_rad_s = rates_rad_s.iter().fold(self.joint_rad_s, |most, r| most.max(r.abs()));
    }

    /// Takes a sample; returns the window that it completes, when that was still.
    pub(super) fn handle_imu(
        &mut self,
        rate: &Vector3<f64>,
        force: &Vector3<f64>,
        dt_s: f64,
    ) -> Option<Window> {
        self.samples += 1.0;
        self.duration_s += dt_s;
        self.rate += rate;
        self.rate_squared += rate.norm_squared();
        self.force += force;
        self.force_squared += force.norm_squared();
        if self.duration_s < WINDOW_S {
            return None;
        }
        let n = self.samples;
        let window = Window { rate: self.rate / n, force: self.force / n, duration_s: self.duration_s };
        let spread = |squared: f64, mean: &Vector3<f64>| (squared / n - mean.norm_squared()).max(0.0).sqrt();
        let still = n >= 10.0
            && self.seen_joints
            && self.joint_rad_s < JOINT_RAD_S
            && spread(self.rate_squared, &window.rate) < RATE_SPREAD_RAD_S
            && spread(self.force_squared, &window.force) < FORCE_SPREAD_M_S2
            && window.rate.norm() < self.rate_limit_rad_s;
        self.next_window(still.then_some(&window));
        still.then_some(window)
    }

    /// The means over the last second, when all of it was still.
    pub(super) fn second(&self) -> Option<Window> {
        (self.streak >= START_WINDOWS).then_some(self.streak_mean)
    }

    fn next_window(&mut self, still: Option<&Window>) {
        let (streak, mean) = (self.streak, self.streak_mean);
        *self = Self { rate_limit_rad_s: self.rate_limit_rad_s, ..Self::new(0.0) };
        if let Some(window) = still {
            // The mean of equal windows, of the last START_WINDOWS or so.
            let k = f64::from(streak.min(START_WINDOWS - 1));
            self.streak = streak + 1;
            self.streak_mean = Window {
                rate: (mean.rate * k + window.rate) / (k + 1.0),
                force: (mean.force * k + window.force) / (k + 1.0),
                duration_s: window.duration_s * (k + 1.0),
            };
        }
    }
}
