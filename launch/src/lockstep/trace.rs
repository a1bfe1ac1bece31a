//! What is written down of a run, ten times a second, for the report and the score.

use robot_interface::frames::{Base, Map, Transform};
use robot_interface::time::Stamp;

/// One line of the log of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Simulated time.
    pub stamp: Stamp,
    /// Estimated pose.
    pub estimate: Transform<Map, Base>,
    /// True pose, where that is known; for scoring only.
    pub truth: Option<Transform<Map, Base>>,
    /// Estimated chainage, m.
    pub chainage_m: f64,
    /// Estimated horizontal speed, m/s.
    pub speed_m_s: f64,
    /// Greatest torque of any joint since the last sample, N m.
    pub torque_peak_nm: f64,
    /// Whether it was on its way out (before turning for home).
    pub outbound: bool,
}

impl Sample {
    /// Distance between estimated and true position, m.
    fn error_m(&self) -> Option<f64> {
        Some((self.estimate.origin() - self.truth?.origin()).norm())
    }
}

/// The log of a run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Ten a second.
    pub samples: Vec<Sample>,
}

impl Trace {
    /// Distance walked in plan, m, really if that is known, else as estimated, between samples `first` and `last`.
    ///
    /// Steps shorter than a centimetre gather first, so that swaying while standing does not count.
    fn walked_between(&self, first: usize, last: usize) -> f64 {
        const GATHER_M: f64 = 0.05;
        let place = |s: &Sample| s.truth.unwrap_or(s.estimate).origin().xy();
        let Some(start) = self.samples.get(first) else { return 0.0 };
        let mut from = place(start);
        let mut walked = 0.0;
        for sample in &self.samples[first..=last.min(self.samples.len() - 1)] {
            let step = (place(sample) - from).norm();
            if step >= GATHER_M {
                walked += step;
                from = place(sample);
            }
        }
        walked
    }

    /// Distance walked in plan, m: really if that is known, else as estimated.
    pub fn walked_m(&self) -> f64 {
        self.walked_between(0, self.samples.len().saturating_sub(1))
    }

    /// How well the place was known at the sample of the greatest chainage while outbound; `None` without a
    /// truth to compare with.
    pub fn far_end(&self) -> Option<FarEnd> {
        let (index, sample) = self
            .samples
            .iter()
            .enumerate()
            .filter(|(_, s)| s.outbound)
            .max_by(|a, b| a.1.chainage_m.total_cmp(&b.1.chainage_m))?;
        Some(FarEnd {
            chainage_m: sample.chainage_m,
            error_m: sample.error_m()?,
            walked_m: self.walked_between(0, index),
        })
    }

    /// Error of the estimated position at the last sample, m.
    pub fn final_error_m(&self) -> Option<f64> {
        self.samples.last()?.error_m()
    }
}

/// How well the robot knew where it was at the far end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FarEnd {
    /// Estimated chainage there, m.
    pub chainage_m: f64,
    /// Distance between estimated and true position, m.
    pub error_m: f64,
    /// Distance really walked until there, m.
    pub walked_m: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f64, error: f64, outbound: bool) -> Sample {
        Sample {
            stamp: Stamp::ZERO,
            estimate: Transform::from_xyz_rpy([x + error, 0.0, 0.3], [0.0; 3]),
            truth: Some(Transform::from_xyz_rpy([x, 0.0, 0.3], [0.0; 3])),
            chainage_m: x + error,
            speed_m_s: 0.5,
            torque_peak_nm: 10.0,
            outbound,
        }
    }

    #[test]
    fn the_far_end_is_where_it_turned() {
        let trace = Trace { samples: vec![at(0.0, 0.0, true), at(5.0, 0.1, true), at(4.0, 0.3, false)] };
        let far = trace.far_end().expect("walked");
        assert!((far.error_m - 0.1).abs() < 1e-9 && (far.walked_m - 5.0).abs() < 1e-9);
        assert!((trace.walked_m() - 6.0).abs() < 1e-9);
        assert!((trace.final_error_m().expect("walked") - 0.3).abs() < 1e-9);
    }

    #[test]
    fn swaying_is_not_walking() {
        let samples = (0..100).map(|i| at(if i % 2 == 0 { 0.0 } else { 0.01 }, 0.0, true)).collect();
        assert_eq!(Trace { samples }.walked_m(), 0.0);
        assert_eq!(Trace::default().walked_m(), 0.0);
    }
}
