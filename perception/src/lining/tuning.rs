//! Tuning of the step from class scores to defects.

use crate::defects::CLASSES;

/// Tuning of the step from scores to defects: what is judged at all, and from which confidence on it is a defect. One set for all
/// tunnels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// Edge of a cell on the lining, m.
    pub cell_m: f64,
    /// Pictures that must have shown a place: what only one shows may be a reflection.
    pub min_views: u16,
    /// Least mean score of a defect's cells, 0 to 1, by class as in
    /// [`VISUAL`](robot_interface::defect::DefectClass::VISUAL).
    pub least_score: [f32; CLASSES],
    /// Least confidence in a defect, 0 to 1.
    pub least_confidence: f64,
    /// Gap between parts of one defect, m, by class.
    pub gap_m: [f64; CLASSES],
    /// Least extent (the longer side) of a defect, m, by class.
    pub min_extent_m: [f64; CLASSES],
    /// Least area of its cells, m^2, by class.
    pub min_area_m2: [f64; CLASSES],
    /// The narrowest crack that can be found, in pixels.
    pub crack_px: f64,
    /// A crack is at least so many times longer than it is wide as marked: what is not is writing or a painted mark.
    pub crack_slenderness: f64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            cell_m: 0.02,
            min_views: 2,
            least_score: [0.25, 0.4, 0.35, 0.3],
            least_confidence: 0.5,
            gap_m: [0.08, 0.1, 0.08, 0.12],
            min_extent_m: [0.12, 0.1, 0.06, 0.06],
            min_area_m2: [0.001, 0.004, 0.003, 0.003],
            crack_px: 0.5,
            crack_slenderness: 8.0,
        }
    }
}
