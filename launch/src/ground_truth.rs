//! Ground truth of a simulated run: what was really there, and where the robot really was. It leaves the simulator for the
//! score, the report's comparison and nothing else; the robot's side (crate `stack`) cannot name it.

use robot_interface::defect::DefectClass;
use robot_interface::frames::{Base, Map, Transform};
use sim::tunnel::TrueDefect;
use stack::{Sample, Trace};

/// Ground truth of a run.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Every defect of the stretches of the tunnel that the robot came near.
    pub defects: Vec<TrueDefect>,
    /// Ids of those that some camera could have seen.
    pub visible: Vec<u32>,
    /// True pose of the trunk at each sample of the run's trace; empty where nothing walked.
    pub poses: Vec<Transform<Map, Base>>,
}

/// Error of the robot's own position at the far end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FarEnd {
    /// Estimated chainage there, m.
    pub chainage_m: f64,
    /// Distance between estimated and true position, m.
    pub error_m: f64,
    /// Distance really walked until there, m.
    pub walked_m: f64,
}

/// Distance beyond the inspected range at which the thermal cameras see cables, m.
const THERMAL_REACH_M: f64 = 3.0;

impl Truth {
    /// The truth of a run over an inspected range, m; `seen` are the ids of those defects that a colour camera could have
    /// seen. The thermal cameras look at all cables of the range in passing.
    pub(crate) fn of_run(
        defects: Vec<TrueDefect>,
        seen: Vec<u32>,
        poses: Vec<Transform<Map, Base>>,
        [start_m, end_m]: [f64; 2],
    ) -> Self {
        let passed = |d: &TrueDefect| {
            let b = d.bounds;
            b.chainage_max_m > start_m - THERMAL_REACH_M && b.chainage_min_m < end_m + THERMAL_REACH_M
        };
        let hot = defects.iter().filter(|d| d.class == DefectClass::HotJoint && passed(d)).map(|d| d.id);
        let visible = hot.chain(seen).collect();
        Self { defects, visible, poses }
    }

    fn samples<'a>(
        &'a self,
        trace: &'a Trace,
    ) -> impl Iterator<Item = (&'a Sample, &'a Transform<Map, Base>)> {
        trace.samples.iter().zip(&self.poses)
    }

    /// Returns how well the place was known at the sample of the greatest chainage while outbound.
    pub fn far_end(&self, trace: &Trace) -> Option<FarEnd> {
        let (index, sample) = trace.far_end()?;
        let truth = self.poses.get(index)?;
        let walked_m = walked_m(&self.poses[..=index]);
        Some(FarEnd { chainage_m: sample.chainage_m, error_m: error_m(sample, truth), walked_m })
    }

    /// Returns the error of the estimated position at the last sample, m.
    pub fn final_error_m(&self, trace: &Trace) -> Option<f64> {
        let (sample, truth) = self.samples(trace).last()?;
        Some(error_m(sample, truth))
    }
}

/// Distance between estimated and true position, m.
fn error_m(sample: &Sample, truth: &Transform<Map, Base>) -> f64 {
    (sample.estimate.origin() - truth.origin()).norm()
}

/// Returns the distance walked in plan over poses, m.
///
/// Steps shorter than a few centimetres gather first, so that swaying while standing does not count.
pub fn walked_m<'a>(poses: impl IntoIterator<Item = &'a Transform<Map, Base>>) -> f64 {
    const GATHER_M: f64 = 0.05;
    let mut places = poses.into_iter().map(|pose| pose.origin().xy());
    let Some(mut from) = places.next() else { return 0.0 };
    let mut walked = 0.0;
    for place in places {
        let step = (place - from).norm();
        if step >= GATHER_M {
            walked += step;
            from = place;
        }
    }
    walked
}

#[cfg(test)]
mod tests {
    use robot_interface::defect::LiningBox;
    use robot_interface::time::Stamp;

    use super::*;

    fn run(samples: &[(f64, f64, bool)]) -> (Trace, Truth) {
        let at = |x: f64| Transform::from_xyz_rpy([x, 0.0, 0.3], [0.0; 3]);
        let sample = |&(x, error, outbound): &(f64, f64, bool)| Sample {
            stamp: Stamp::ZERO,
            estimate: at(x + error),
            chainage_m: x + error,
            chainage_sigma_m: 0.1,
            speed_m_s: 0.5,
            torque_peak_nm: 10.0,
            outbound,
            walking: true,
        };
        let poses = samples.iter().map(|(x, ..)| at(*x)).collect();
        let trace = Trace { samples: samples.iter().map(sample).collect() };
        (trace, Truth { defects: Vec::new(), visible: Vec::new(), poses })
    }

    #[test]
    fn the_far_end_is_where_it_turned() {
        let (trace, truth) = run(&[(0.0, 0.0, true), (5.0, 0.1, true), (4.0, 0.3, false)]);
        let far = truth.far_end(&trace).expect("walked");
        assert!((far.error_m - 0.1).abs() < 1e-9 && (far.walked_m - 5.0).abs() < 1e-9);
        assert!((walked_m(&truth.poses) - 6.0).abs() < 1e-9);
        assert!((truth.final_error_m(&trace).expect("walked") - 0.3).abs() < 1e-9);
    }

    #[test]
    fn hot_joints_far_from_the_inspected_range_could_not_be_seen() {
        let defect = |id, class, chainage_m: f64| TrueDefect {
            id,
            class,
            bounds: LiningBox {
                chainage_min_m: chainage_m,
                chainage_max_m: chainage_m + 0.5,
                arc_min_m: 0.0,
                arc_max_m: 0.2,
            },
            width_mm: None,
            length_m: None,
            area_m2: 0.1,
            temperature_c: None,
        };
        let joint = |id, chainage_m| defect(id, DefectClass::HotJoint, chainage_m);
        let all = vec![
            joint(0, 20.0),
            joint(1, 55.0),
            joint(2, 60.0),
            joint(3, 64.5),
            joint(4, 90.0),
            defect(5, DefectClass::Crack, 60.0),
            defect(6, DefectClass::Crack, 61.0),
        ];
        let mut visible = Truth::of_run(all, vec![6], Vec::new(), [57.0, 63.0]).visible;
        visible.sort_unstable();
        assert_eq!(visible, [1, 2, 3, 6]);
    }

    #[test]
    fn swaying_is_not_walking() {
        let samples: Vec<_> = (0..100).map(|i| (if i % 2 == 0 { 0.0 } else { 0.01 }, 0.0, true)).collect();
        assert_eq!(walked_m(&run(&samples).1.poses), 0.0);
        assert_eq!(walked_m([]), 0.0);
    }
}
