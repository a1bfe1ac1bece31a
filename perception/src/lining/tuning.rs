//! Tuning of the step from class scores to defects.

use crate::defects::CLASSES;

/// Tuning of the step from scores to defects. One set for all tunnels, chosen for these weights on seeds 101 to 103 of
/// three sections (`adit campaign --eyes-only`).
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

impl Default for Tuning {
    fn default() -> Self {
        Self {
            cell_m: 0.02,
            min_views: 2,
            scores: [[0.4, 0.15], [0.45, 0.35], [0.75, 0.55], [0.55, 0.45]],
            min_mean: [0.15, 0.4, 0.55, 0.45],
            gap_m: [0.08, 0.1, 0.08, 0.12],
            min_extent_m: [0.25, 0.15, 0.08, 0.1],
            min_thickness_m: [0.07, 0.06, 0.06, 0.07],
            min_area_m2: [0.001, 0.006, 0.004, 0.004],
            crack_px: 0.5,
            crack_slenderness: 40.0,
        }
    }
}
