//! Tuning of the step from class scores to defects.

use crate::defects::CLASSES;

/// Tuning of the step from scores to defects. One set for all tunnels, chosen for these weights on seeds 101 and 103 to 106
/// of the default mission (`adit campaign --eyes-only`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// Edge of a cell on the lining, m.
    pub cell_m: f64,
    /// Pictures that must have shown a place: what only one shows may be a reflection.
    pub min_views: u16,
    /// Least mean score of a defect's best cell and of every one of its cells, 0 to 1, by class as in
    /// [`VISUAL`](robot_interface::defect::DefectClass::VISUAL).
    pub scores: [[f32; 2]; CLASSES],
    /// Least mean score of a defect's cells, by class.
    pub min_mean: [f32; CLASSES],
    /// Gap between parts of one defect, m, by class.
    pub gap_m: [f64; CLASSES],
    /// Least extent (the longer side) of a defect, m, by class.
    pub min_extent_m: [f64; CLASSES],
    /// Least shorter side of a defect's box, m, by class: a crack that runs straight along or across the tunnel is
    /// what is left of a joint, and other classes' slivers are edges of things.
    pub min_thickness_m: [f64; CLASSES],
    /// Least area of its cells, m^2, by class.
    pub min_area_m2: [f64; CLASSES],
    /// The narrowest crack that can be found, in pixels.
    pub crack_px: f64,
    /// A crack is at least so many times longer than it is wide as marked: what is not is writing or a painted mark.
    pub crack_slenderness: f64,
}

/// Share of its scores and of its mean that a mark needs to be shown to a person.
const DOUBTFUL_SHARE: f32 = 0.6;

impl Tuning {
    /// Tuning for what is too faint to be reported, but not for a person to look at.
    #[must_use]
    pub(super) fn doubtful(self) -> Self {
        let less = |score: f32| DOUBTFUL_SHARE * score;
        Self {
            scores: self.scores.map(|[high, low]| [less(high), low]),
            min_mean: self.min_mean.map(less),
            ..self
        }
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            cell_m: 0.02,
            min_views: 2,
            scores: [[0.45, 0.25], [0.82, 0.55], [0.75, 0.5], [0.55, 0.4]],
            min_mean: [0.25, 0.65, 0.55, 0.45],
            gap_m: [0.08, 0.1, 0.08, 0.12],
            min_extent_m: [0.2, 0.15, 0.08, 0.1],
            min_thickness_m: [0.05, 0.06, 0.06, 0.07],
            min_area_m2: [0.001, 0.006, 0.004, 0.004],
            crack_px: 0.5,
            crack_slenderness: 20.0,
        }
    }
}
