//! Mosaic of a run's rolling elevation maps: the ground of the whole tunnel, for the report.

use robot_interface::terrain::TerrainGrid;
use robot_interface::tunnel::TunnelDesign;

/// Edge of a cell, m.
const CELL_M: f64 = 0.1;
/// Reach beyond the axis, m.
const MARGIN_M: f64 = 4.0;

/// Heights over the whole tunnel in plan.
#[derive(Clone, Debug, PartialEq)]
pub struct ElevationMosaic {
    /// Lower corner in `map`, m.
    pub origin_m: [f64; 2],
    /// Edge of a cell, m.
    pub resolution_m: f64,
    /// Cells along x and y.
    pub size: [usize; 2],
    /// Height in `map`, m, row by row from the lowest y; NaN where never seen.
    pub elevation_m: Vec<f32>,
}

impl ElevationMosaic {
    /// Returns an empty mosaic around a tunnel.
    pub fn new(design: &TunnelDesign) -> Self {
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for k in 0..=100 {
            let axis = design.alignment.pose_at(design.length_m() * f64::from(k) / 100.0);
            for (i, v) in [axis.x_m, axis.y_m].into_iter().enumerate() {
                low[i] = low[i].min(v - MARGIN_M);
                high[i] = high[i].max(v + MARGIN_M);
            }
        }
        let size = [0, 1].map(|i| ((high[i] - low[i]) / CELL_M).ceil() as usize);
        Self { origin_m: low, resolution_m: CELL_M, size, elevation_m: vec![f32::NAN; size[0] * size[1]] }
    }

    /// Lays a rolling map over what is there.
    pub fn add(&mut self, grid: &TerrainGrid) {
        for (index, height) in grid.elevation_m.iter().enumerate().filter(|(_, h)| h.is_finite()) {
            let [x, y] = grid.centre_of(index);
            let cell = [(x, 0), (y, 1)].map(|(v, i)| ((v - self.origin_m[i]) / CELL_M).floor());
            let inside = (0..2).all(|i| cell[i] >= 0.0 && cell[i] < self.size[i] as f64);
            if inside {
                self.elevation_m[cell[1] as usize * self.size[0] + cell[0] as usize] = *height;
            }
        }
    }
}
