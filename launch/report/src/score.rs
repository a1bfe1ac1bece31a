//! Scoring a run against the simulator's ground truth: what was found, missed, wrongly reported, and what
//! no camera could have seen. The only part besides the simulator that may look at ground truth.

use robot_interface::defect::{DefectClass, LiningBox};

/// Greatest distance on the lining between a report and a true defect that are still the same one, m. Along the
/// tunnel this allows for drift of the position estimate, which is reported on its own.
const MARGIN_ALONG_M: f64 = 0.5;
const MARGIN_AROUND_M: f64 = 0.3;

/// A defect as reported or as true, as far as matching needs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Its class.
    pub class: DefectClass,
    /// Its extent on the unrolled lining.
    pub bounds: LiningBox,
}

/// Fate of a true defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Reported; the number is that of the nearest matching report.
    Found(usize),
    /// Visible, but not reported.
    Missed,
    /// Never visible to any camera (hidden, out of view, or too fine), and not reported.
    NotVisible,
}

/// The outcome of matching.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// One a true defect, in the order given.
    pub fates: Vec<Fate>,
    /// One a report, in the order given: whether a true defect of its class is there.
    pub confirmed: Vec<bool>,
    /// Distances between the centres of found defects and their reports, `[along, around]`, m.
    pub offsets_m: Vec<[f64; 2]>,
}

impl Score {
    /// True defects that were found.
    pub fn found(&self) -> usize {
        self.fates.iter().filter(|f| matches!(f, Fate::Found(_))).count()
    }

    /// True defects that were visible and missed.
    pub fn missed(&self) -> usize {
        self.fates.iter().filter(|f| **f == Fate::Missed).count()
    }

    /// True defects that no camera could have seen.
    pub fn not_visible(&self) -> usize {
        self.fates.iter().filter(|f| **f == Fate::NotVisible).count()
    }

    /// Reports with no true defect behind them.
    pub fn false_reports(&self) -> usize {
        self.confirmed.iter().filter(|c| !**c).count()
    }

    /// Found over visible, or `None` when nothing was visible.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.found(), self.found() + self.missed())
    }

    /// Confirmed reports over all reports, or `None` without reports.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.confirmed.len() - self.false_reports(), self.confirmed.len())
    }
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Matches reports with true defects; `truth` pairs each with whether any camera could have seen it.
pub fn score(reports: &[Placed], truth: &[(Placed, bool)]) -> Score {
    let same = |report: &Placed, defect: &Placed| {
        let b = defect.bounds;
        let reach = LiningBox {
            chainage_min_m: b.chainage_min_m - MARGIN_ALONG_M,
            chainage_max_m: b.chainage_max_m + MARGIN_ALONG_M,
            arc_min_m: b.arc_min_m - MARGIN_AROUND_M,
            arc_max_m: b.arc_max_m + MARGIN_AROUND_M,
        };
        report.class == defect.class && reach.touches(&report.bounds)
    };
    let mut offsets_m = Vec::new();
    let fates = truth
        .iter()
        .map(|(defect, visible)| {
            let centre = defect.bounds.centre();
            let offset = |r: &Placed| {
                let c = r.bounds.centre();
                [(c[0] - centre[0]).abs(), (c[1] - centre[1]).abs()]
            };
            let nearest = reports
                .iter()
                .enumerate()
                .filter(|(_, r)| same(r, defect))
                .map(|(i, r)| (i, offset(r)))
                .min_by(|a, b| a.1[0].hypot(a.1[1]).total_cmp(&b.1[0].hypot(b.1[1])));
            match nearest {
                Some((i, offset)) => {
                    offsets_m.push(offset);
                    Fate::Found(i)
                }
                None if *visible => Fate::Missed,
                None => Fate::NotVisible,
            }
        })
        .collect();
    let confirmed = reports.iter().map(|r| truth.iter().any(|(d, _)| same(r, d))).collect();
    Score { fates, confirmed, offsets_m }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(class: DefectClass, chainage: f64, arc: f64) -> Placed {
        let bounds = LiningBox {
            chainage_min_m: chainage - 0.1,
            chainage_max_m: chainage + 0.1,
            arc_min_m: arc - 0.1,
            arc_max_m: arc + 0.1,
        };
        Placed { class, bounds }
    }

    #[test]
    fn each_fate_is_told_apart() {
        use DefectClass::{Crack, Leakage};
        let truth = [
            (at(Crack, 5.0, 1.0), true),
            (at(Crack, 9.0, 1.0), true),
            (at(Leakage, 5.0, 1.0), true),
            (at(Crack, 20.0, 0.0), false),
        ];
        let reports = [at(Crack, 5.3, 1.1), at(Crack, 5.1, 1.0), at(Leakage, 15.0, 1.0)];
        let score = score(&reports, &truth);
        assert_eq!(score.fates, [Fate::Found(1), Fate::Missed, Fate::Missed, Fate::NotVisible]);
        assert_eq!(score.confirmed, [true, true, false]);
        assert_eq!(score.recall(), Some(1.0 / 3.0));
        assert_eq!(score.precision(), Some(2.0 / 3.0));
        assert!((score.offsets_m[0][0] - 0.1).abs() < 1e-9);
    }

    #[test]
    fn nothing_there_and_nothing_said_is_no_ratio() {
        let score = score(&[], &[]);
        assert_eq!((score.recall(), score.precision()), (None, None));
    }

    #[test]
    fn far_or_other_class_is_no_match() {
        let truth = [(at(DefectClass::Crack, 5.0, 1.0), true)];
        let far = score(&[at(DefectClass::Crack, 5.9, 1.0), at(DefectClass::Spalling, 5.0, 1.0)], &truth);
        assert_eq!((far.found(), far.false_reports()), (0, 2));
    }
}
