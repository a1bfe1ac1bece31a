//! Drift of the odometry along the tunnel's axis, which no scan of a tunnel of constant section corrects.
//!
//! Legs measure a way a little too long or too short: feet creep, balls roll flat, drawings are off. Such an error keeps its
//! sign for many steps, so its share of the variance grows with the square of the way, which the white noise of a planted
//! foot does not tell. It is taken for a Gauss-Markov process over the way walked: its integral's variance is that of a
//! scale error over a short way, and grows linearly over a long one.

use nalgebra::Vector3;

/// One-sigma of the way's scale: legged odometry without other help is good to about one per cent.
const SCALE_SIGMA: f64 = 0.01;
/// Way over which that error keeps its sign, m.
const CORRELATION_M: f64 = 200.0;
/// Speed from which on a foot that carries weight is sliding, m/s: less is rolling, and landing.
const SLIDING_M_S: f64 = 0.2;
/// Speed beyond which it slides no faster, m/s: more is a fault of an encoder.
const MAX_SLIDING_M_S: f64 = 1.0;
/// Share of the way slid that is in doubt.
const SLIDING_SHARE: f64 = 0.1;

/// Correlated part of the drift along the axis.
#[derive(Clone, Debug)]
pub(super) struct AxialDrift {
    /// Direction of the axis in `map`, its grade included: a step along it leaves the height above the floor as it is.
    pub(super) along: Vector3<f64>,
    /// One-sigma of the error that has kept its sign until now, m.
    correlated_m: f64,
}

impl AxialDrift {
    pub(super) const fn new(along: Vector3<f64>) -> Self {
        Self { along, correlated_m: 0.0 }
    }

    pub(super) fn set_axis(&mut self, along: Vector3<f64>) {
        self.along = along.normalize();
    }

    /// Goes on for `dt_s` at a speed over ground and a mean slip of the feet, m/s. Returns the growth of the variance, m^2.
    pub(super) fn advance(&mut self, speed_m_s: f64, slip_m_s: f64, dt_s: f64) -> f64 {
        let sliding_m_s = (slip_m_s - SLIDING_M_S).clamp(0.0, MAX_SLIDING_M_S);
        let error_m = (SCALE_SIGMA * speed_m_s + SLIDING_SHARE * sliding_m_s) * dt_s;
        self.correlated_m += error_m - self.correlated_m * speed_m_s * dt_s / CORRELATION_M;
        2.0 * self.correlated_m * error_m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One-sigma after a way at half a metre a second.
    fn sigma_after(way_m: f64, slip_m_s: f64) -> f64 {
        let mut drift = AxialDrift::new(Vector3::x());
        let steps = (way_m / 0.001) as usize;
        (0..steps).map(|_| drift.advance(0.5, slip_m_s, 0.002)).sum::<f64>().sqrt()
    }

    #[test]
    fn grows_like_a_scale_error_at_first_and_like_a_random_walk_later() {
        assert!((sigma_after(10.0, 0.05) / 0.1 - 1.0).abs() < 0.03, "{}", sigma_after(10.0, 0.05));
        let (far, farther) = (sigma_after(4000.0, 0.05), sigma_after(16_000.0, 0.05));
        assert!((farther / far - 2.0).abs() < 0.1, "{far} {farther}");
    }

    #[test]
    fn feet_that_slide_make_it_grow_faster_and_standing_still_not_at_all() {
        assert!(sigma_after(10.0, 0.5) > 5.0 * sigma_after(10.0, 0.1));
        assert_eq!(sigma_after(10.0, 1e9), sigma_after(10.0, 2.0), "a reading that cannot be");
        assert_eq!(AxialDrift::new(Vector3::x()).advance(0.0, 0.01, 60.0), 0.0);
    }
}
