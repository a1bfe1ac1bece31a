//! Mosaic of a run's rolling elevation maps: the ground of the tunnel as far as it was walked, for the report.

use std::collections::BTreeMap;

use robot_interface::terrain::TerrainGrid;
use robot_interface::tunnel::TunnelDesign;

/// Edge of a cell, m.
const CELL_M: f64 = 0.1;
/// Reach beyond the axis, m.
const MARGIN_M: f64 = 4.0;
/// Edge of a block, cells. Only blocks of which something was seen are held.
const BLOCK: usize = 64;
/// Cells of a picture at most; above, its cells are made larger.
const MAX_PICTURE_CELLS: usize = 2_000_000;

/// Heights over the tunnel in plan, where they were seen.
#[derive(Clone, Debug, PartialEq)]
pub struct ElevationMosaic {
    /// Lower corner of the whole tunnel in `map`, m.
    origin_m: [f64; 2],
    /// Cells of the whole tunnel along x and y.
    size: [usize; 2],
    /// Height in `map`, m, by place of the block along y and x; in it row by row from the lowest y, NaN where never seen.
    blocks: BTreeMap<[usize; 2], Vec<f32>>,
}

/// Heights of a rectangle in plan.
#[derive(Clone, Debug, PartialEq)]
pub struct ElevationRaster {
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
        Self { origin_m: low, size, blocks: BTreeMap::new() }
    }

    /// Lays a rolling map over what is there.
    pub fn add(&mut self, grid: &TerrainGrid) {
        for (index, height) in grid.elevation_m.iter().enumerate().filter(|(_, h)| h.is_finite()) {
            let [x, y] = grid.centre_of(index);
            let cell = [(x, 0), (y, 1)].map(|(v, i)| ((v - self.origin_m[i]) / CELL_M).floor());
            let inside = (0..2).all(|i| cell[i] >= 0.0 && cell[i] < self.size[i] as f64);
            if inside {
                let [x, y] = cell.map(|v| v as usize);
                let block = self.blocks.entry([y / BLOCK, x / BLOCK]);
                let block = block.or_insert_with(|| vec![f32::NAN; BLOCK * BLOCK]);
                block[y % BLOCK * BLOCK + x % BLOCK] = *height;
            }
        }
    }

    /// Returns all heights as one raster: of the whole tunnel, or, of a long one, of the rectangle around what was seen,
    /// in larger cells where that is large.
    pub fn raster(&self) -> ElevationRaster {
        let (mut low, mut high) = ([0; 2], self.size);
        if self.size[0].saturating_mul(self.size[1]) > MAX_PICTURE_CELLS {
            let places = || self.blocks.keys().map(|[y, x]| [x * BLOCK, y * BLOCK]);
            low = [0, 1].map(|i| places().map(|p| p[i]).min().unwrap_or(0));
            high = [0, 1].map(|i| places().map(|p| (p[i] + BLOCK).min(self.size[i])).max().unwrap_or(0));
        }
        let cells = |step: usize| [0, 1].map(|i| (high[i] - low[i]).div_ceil(step));
        let mut step = 1;
        while cells(step)[0] * cells(step)[1] > MAX_PICTURE_CELLS {
            step *= 2;
        }
        let size = cells(step);
        let mut elevation_m = vec![f32::NAN; size[0] * size[1]];
        for ([block_y, block_x], heights) in &self.blocks {
            for (index, height) in heights.iter().enumerate().filter(|(_, h)| h.is_finite()) {
                let (x, y) = (block_x * BLOCK + index % BLOCK, block_y * BLOCK + index / BLOCK);
                elevation_m[(y - low[1]) / step * size[0] + (x - low[0]) / step] = *height;
            }
        }
        let origin_m = [0, 1].map(|i| self.origin_m[i] + low[i] as f64 * CELL_M);
        ElevationRaster { origin_m, resolution_m: step as f64 * CELL_M, size, elevation_m }
    }
}

#[cfg(test)]
mod tests {
    use robot_interface::fixtures::{BORED, straight_tunnel};
    use robot_interface::time::Stamp;
    use robot_interface::tunnel::{Alignment, Segment};

    use super::*;

    /// A map of one square metre around a place, all at one height.
    fn square(x_m: f64, y_m: f64, height_m: f32) -> TerrainGrid {
        TerrainGrid {
            stamp: Stamp::ZERO,
            origin_m: [x_m - 0.5, y_m - 0.5],
            resolution_m: 0.05,
            size: 20,
            elevation_m: vec![height_m; 400],
            traversability: vec![1.0; 400],
        }
    }

    fn at(raster: &ElevationRaster, place_m: [f64; 2]) -> f32 {
        let [x, y] =
            [0, 1].map(|i| ((place_m[i] - raster.origin_m[i]) / raster.resolution_m).floor() as usize);
        raster.elevation_m[y * raster.size[0] + x]
    }

    #[test]
    fn a_usual_tunnel_is_drawn_whole_and_the_newest_height_counts() {
        let mut mosaic = ElevationMosaic::new(&straight_tunnel(BORED, 60.0));
        mosaic.add(&square(30.0, 0.0, 1.0));
        mosaic.add(&square(30.3, 0.0, 2.0));
        let raster = mosaic.raster();
        assert_eq!((raster.origin_m, raster.size, raster.resolution_m), ([-4.0, -4.0], [680, 80], 0.1));
        assert_eq!((at(&raster, [29.6, 0.0]), at(&raster, [30.2, 0.0])), (1.0, 2.0));
        assert!(at(&raster, [31.5, 0.0]).is_nan());
    }

    #[test]
    fn what_is_held_follows_the_way_walked_not_the_tunnel() {
        let mut long = straight_tunnel(BORED, 20_000.0);
        let curve = Segment { length_m: 20_000.0, curvature_per_m: 1.0 / 5_000.0, grade: 0.0 };
        let straight = ElevationMosaic::new(&long);
        long.alignment = Alignment::new(vec![curve]).expect("valid");
        for mut mosaic in [straight, ElevationMosaic::new(&long)] {
            assert!(mosaic.blocks.is_empty() && mosaic.raster().elevation_m.is_empty());
            for metre in 0..50 {
                mosaic.add(&square(f64::from(metre), 0.0, 0.5));
            }
            assert!(mosaic.blocks.len() < 30, "{} blocks", mosaic.blocks.len());
            let raster = mosaic.raster();
            assert!(raster.elevation_m.len() < 200_000, "{:?}", raster.size);
            assert_eq!((at(&raster, [20.0, 0.0]), raster.resolution_m), (0.5, 0.1));
        }
    }

    #[test]
    fn a_long_way_is_drawn_in_larger_cells() {
        let mut mosaic = ElevationMosaic::new(&straight_tunnel(BORED, 20_000.0));
        for k in 0..100 {
            mosaic.add(&square(100.0 * f64::from(k), 0.0, 0.5));
        }
        let raster = mosaic.raster();
        assert!(raster.elevation_m.len() <= MAX_PICTURE_CELLS && raster.resolution_m > 0.15);
        assert_eq!(at(&raster, [5_000.0, 0.0]), 0.5);
    }
}
