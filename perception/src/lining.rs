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

use detect::ConnectedComponent;

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

/// What the lining shows so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// All defects, by chainage.
    pub defects: Vec<Defect>,
    /// Marks too faint to be reported, but not for a person to look at, by chainage; none of them touches a defect.
    pub doubtful: Vec<Defect>,
    /// All marks that were judged, true or not.
    pub marks: Vec<Mark>,
}

impl LiningMap {
    /// All that was seen so far.
    pub fn judge(&self) -> Judged {
        let parts = self.parts();
        let defects = self.found(&parts, self.tuning.least_confidence);
        let beside =
            |mark: &Defect| defects.iter().any(|defect| defect.bounds.grown(BESIDE_M).touches(&mark.bounds));
        let mut doubtful = self.found(&parts, DOUBTFUL);
        doubtful.retain(|mark| !beside(mark));
        Judged { defects, doubtful, marks: parts.into_iter().map(|(mark, _)| mark).collect() }
    }

    /// All defects seen so far, by chainage.
    pub fn defects(&self) -> Vec<Defect> {
        self.found(&self.parts(), self.tuning.least_confidence)
    }

    fn parts(&self) -> Vec<(Mark, ConnectedComponent)> {
        let parts = detect::components(self).into_iter();
        parts.map(|part| (Mark::new(self, &part), part)).collect()
    }

    fn found(&self, parts: &[(Mark, ConnectedComponent)], least_confidence: f64) -> Vec<Defect> {
        let sure = parts.iter().map(|(mark, part)| (mark.confidence(), part));
        let mut sure: Vec<_> = sure.filter(|(confidence, _)| *confidence >= least_confidence).collect();
        detect::drop_parts_of_spalls(self, &mut sure);
        let measured = sure.iter().map(|(confidence, part)| measure::measure(self, part, *confidence));
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
