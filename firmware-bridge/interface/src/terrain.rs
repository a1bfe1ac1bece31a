//! Terrain grid (local costmap) that perception makes and the planner reads.

use crate::time::Stamp;

/// Terrain grid: square, axis-aligned in `map`, centred near the robot. Cell `(ix, iy)` stands at index
/// `iy * size + ix` and covers `origin + resolution * [ix, iy]` to `origin + resolution * [ix + 1, iy + 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct TerrainGrid {
    /// The time of the newest measurement in it.
    pub stamp: Stamp,
    /// Lower corner (least x, least y) in `map`, metres.
    pub origin_m: [f64; 2],
    /// Edge of a cell, metres.
    pub resolution_m: f64,
    /// Cells along each edge.
    pub size: usize,
    /// Height of the ground in `map`, metres, `[size * size]`; NaN where never seen.
    pub elevation_m: Vec<f32>,
    /// 1 easy, 0 impassable, `[size * size]`; NaN where not known.
    pub traversability: Vec<f32>,
}

impl TerrainGrid {
    /// Index of the cell that holds a point of `map`, or `None` outside.
    pub fn index_of(&self, x_m: f64, y_m: f64) -> Option<usize> {
        let ix = ((x_m - self.origin_m[0]) / self.resolution_m).floor();
        let iy = ((y_m - self.origin_m[1]) / self.resolution_m).floor();
        let inside = |i: f64| i >= 0.0 && i < self.size as f64;
        (inside(ix) && inside(iy)).then(|| iy as usize * self.size + ix as usize)
    }

    /// Centre of a cell in `map`, metres.
    pub fn centre_of(&self, index: usize) -> [f64; 2] {
        let (ix, iy) = (index % self.size, index / self.size);
        [
            self.origin_m[0] + (ix as f64 + 0.5) * self.resolution_m,
            self.origin_m[1] + (iy as f64 + 0.5) * self.resolution_m,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_points_agree() {
        let grid = TerrainGrid {
            stamp: Stamp::ZERO,
            origin_m: [-1.0, 2.0],
            resolution_m: 0.05,
            size: 40,
            elevation_m: vec![0.0; 1600],
            traversability: vec![1.0; 1600],
        };
        for index in [0, 39, 40, 1599] {
            let [x, y] = grid.centre_of(index);
            assert_eq!(grid.index_of(x, y), Some(index));
        }
        assert_eq!(grid.index_of(-1.001, 2.5), None);
        assert_eq!(grid.index_of(f64::NAN, 2.5), None);
    }
}
