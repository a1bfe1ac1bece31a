//! Trace of a run: the estimate ten times a second, for the report.

use robot_interface::frames::{Base, Map, Transform};
use robot_interface::time::Stamp;

/// One line of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Time of the estimate.
    pub stamp: Stamp,
    /// Estimated pose.
    pub estimate: Transform<Map, Base>,
    /// Estimated chainage, m.
    pub chainage_m: f64,
    /// One-sigma of it, m.
    pub chainage_sigma_m: f64,
    /// Estimated horizontal speed, m/s.
    pub speed_m_s: f64,
    /// Greatest torque of any joint since the last sample, N m.
    pub torque_peak_nm: f64,
    /// True on the way out, before turning for home.
    pub outbound: bool,
    /// True while it is to walk on, rather than to stand, look or back up.
    pub walking: bool,
}

/// Trace of a run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Ten a second, in the order in which they came: where time went back their stamps do.
    pub samples: Vec<Sample>,
}

/// A longer interval between two samples is a gap, s.
const GAP_S: f64 = 1.0;
/// Slower than this it turns in place or stands, m/s.
const WALKS_M_S: f64 = 0.15;
/// Less walking than this says nothing of a speed, s.
const LEAST_WALKING_S: f64 = 3.0;

impl Trace {
    /// Returns the sample of the greatest chainage on the way out, with its place among all.
    pub fn far_end(&self) -> Option<(usize, &Sample)> {
        let outbound = self.samples.iter().enumerate().filter(|(_, sample)| sample.outbound);
        outbound.max_by(|a, b| a.1.chainage_m.total_cmp(&b.1.chainage_m))
    }

    /// Returns the speed along the tunnel at which the robot walked out, or home, on the mean while it did, m/s; `None`
    /// if it hardly did.
    pub fn walked_m_s(&self, outbound: bool) -> Option<f64> {
        let is_of =
            |sample: &Sample| sample.walking && sample.speed_m_s > WALKS_M_S && sample.outbound == outbound;
        let pairs = self.samples.windows(2).filter(|pair| pair.iter().all(is_of));
        let (way_m, time_s) = pairs.fold((0.0, 0.0), |(way_m, time_s), pair| {
            let dt_s = pair[1].stamp.seconds_since(pair[0].stamp);
            let step_m = pair[1].chainage_m - pair[0].chainage_m;
            if !(0.0..=GAP_S).contains(&dt_s) { (way_m, time_s) } else { (way_m + step_m, time_s + dt_s) }
        });
        let way_m = if outbound { way_m } else { -way_m };
        (time_s >= LEAST_WALKING_S).then(|| (way_m / time_s).max(0.0))
    }

    /// Returns the samples in parts between which time went back, and the robot may have been put elsewhere.
    pub fn parts(&self) -> impl Iterator<Item = &[Sample]> {
        self.samples.chunk_by(|before, next| before.stamp <= next.stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_gaps_and_the_other_way_do_not_count_as_walking() {
        let mut trace = Trace::default();
        let (mut ms, mut chainage_m) = (0, 1.0);
        let mut go = |trace: &mut Trace, samples: u32, step_ms: u64, step_m: f64, outbound, walking| {
            for _ in 0..samples {
                ms += step_ms;
                chainage_m += step_m;
                trace.samples.push(Sample {
                    chainage_sigma_m: 0.0,
                    stamp: Stamp::from_nanos(ms * 1_000_000),
                    estimate: Transform::identity(),
                    chainage_m,
                    speed_m_s: 9.0,
                    torque_peak_nm: 0.0,
                    outbound,
                    walking,
                });
            }
        };
        go(&mut trace, 20, 100, 0.05, true, true);
        assert_eq!(trace.walked_m_s(true), None, "two seconds say nothing");
        go(&mut trace, 100, 100, 0.05, true, true);
        go(&mut trace, 100, 100, 0.0, true, false);
        go(&mut trace, 1, 60_000, 5.0, true, true);
        go(&mut trace, 50, 100, -0.08, false, true);
        let near = |speed: Option<f64>, wanted: f64| speed.is_some_and(|speed| (speed - wanted).abs() < 1e-6);
        assert!(near(trace.walked_m_s(true), 0.5), "{:?}", trace.walked_m_s(true));
        assert!(near(trace.walked_m_s(false), 0.8), "{:?}", trace.walked_m_s(false));
    }
}
