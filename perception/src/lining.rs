//! Defect map of the unrolled lining: pictures' scores laid on it, and the defects found there, with chainage and
//! clock position.
//!
//! Every picture's class scores are projected, by the estimated pose, onto the designed lining and averaged
//! there over all views, each weighted by how finely it saw the place. Defects are connected areas of that
//! average, so that a defect seen in five pictures is one defect. Things that stand before the lining, such as
//! brackets, are placed where the line of sight through them meets the lining.

use robot_interface::defect::DefectClass;

mod confidence;
mod defect;
mod detect;
mod map;
mod measure;
mod profile;
mod projection;
mod severity;
mod tuning;

pub use confidence::Mark;
pub use defect::{Defect, Evidence, FrameId};
pub use map::{Coverage, LiningMap};
pub(crate) use projection::raycast_lining;
pub use severity::{SeverityRules, SeverityStep};
pub use tuning::Tuning;

/// Within this distance of a defect a faint mark is of no interest, m.
const BESIDE_M: f64 = 0.1;

/// Least confidence in a mark that is shown to a person.
const DOUBTFUL: f64 = 0.2;

impl LiningMap {
    /// All defects seen so far, by chainage.
    pub fn defects(&self) -> Vec<Defect> {
        self.found(self.tuning.least_confidence)
    }

    /// Marks too faint to be reported, but not for a person to look at, by chainage; none of them touches one of `defects`.
    pub fn doubtful(&self, defects: &[Defect]) -> Vec<Defect> {
        let mut doubtful = self.found(DOUBTFUL);
        doubtful
            .retain(|mark| defects.iter().all(|defect| !defect.bounds.grown(BESIDE_M).touches(&mark.bounds)));
        doubtful
    }

    /// All marks that were judged, true or not.
    pub fn marks(&self) -> Vec<Mark> {
        detect::components(self).iter().map(|part| Mark::new(self, part)).collect()
    }

    fn found(&self, least_confidence: f64) -> Vec<Defect> {
        let mut parts: Vec<_> = detect::components(self)
            .into_iter()
            .map(|part| (Mark::new(self, &part).confidence(), part))
            .filter(|(confidence, _)| *confidence >= least_confidence)
            .collect();
        detect::drop_parts_of_spalls(self, &mut parts);
        let measured = parts.iter().map(|(confidence, part)| measure::measure(self, part, *confidence));
        let mut defects: Vec<Defect> = measured.collect();
        // Mean width against length, both sides multiplied by the length.
        defects.retain(|d| {
            d.class != DefectClass::Crack || d.area_m2 * self.tuning.crack_slenderness <= d.length_m.powi(2)
        });
        defects.sort_by(|a, b| {
            a.centre
                .chainage_m
                .total_cmp(&b.centre.chainage_m)
                .then(a.centre.arc_m.total_cmp(&b.centre.arc_m))
        });
        defects
    }
}

#[cfg(test)]
mod tests;
