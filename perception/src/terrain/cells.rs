//! Cells of the map in a ring buffer, each a Kalman filter of one height: moving the map clears the cells that it reaches anew, and copies nothing.

use robot_interface::time::Stamp;

/// Edge of a cell, m.
pub const RESOLUTION_M: f64 = 0.05;
/// Cells along each edge.
pub(super) const SIZE: usize = 160;
/// Growth of a height's variance as the pose drifts, m^2/s.
const GROWTH_M2_S: f32 = 2e-5;
/// Greatest variance that a height grows to, m^2.
const VARIANCE_CAP: f32 = 0.01;
/// Least variance of a height, m^2.
pub(super) const VARIANCE_FLOOR: f32 = 4e-6;
/// Variance of a height that was assumed and not seen, m^2.
const ASSUMED_VARIANCE: f32 = 0.0025;
/// A difference of this many one-sigmas is another surface.
const GATE_SIGMAS: f32 = 3.0;
/// Scans in a row that must have seen only something lower before a height is given up.
const MAX_DOUBTS: u8 = 8;

#[derive(Clone, Copy, Debug)]
struct Cell {
    /// Height in `map`, m; NaN when never seen.
    height_m: f32,
    variance: f32,
    /// Time at which the height was last confirmed.
    stamp: Stamp,
    /// Scans in a row that saw only something lower.
    doubts: u8,
}

const UNSEEN: Cell = Cell { height_m: f32::NAN, variance: 0.0, stamp: Stamp::ZERO, doubts: 0 };

/// Rolling window of `SIZE x SIZE` cells over an endless grid. Indices given and taken are those of
/// [`robot_interface::terrain::TerrainGrid`]; the ring is a matter of this file.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    /// Endless-grid coordinates of the window's lower corner.
    corner: [i64; 2],
    cells: Vec<Cell>,
}

impl Cells {
    pub(super) fn new() -> Self {
        Self { corner: [-(SIZE as i64) / 2; 2], cells: vec![UNSEEN; SIZE * SIZE] }
    }

    pub(super) fn origin_m(&self) -> [f64; 2] {
        self.corner.map(|c| c as f64 * RESOLUTION_M)
    }

    /// Moves the window so that its middle is at a point of `map`.
    pub(super) fn centre_on(&mut self, x_m: f64, y_m: f64) {
        let corner = [x_m, y_m].map(|v| (v / RESOLUTION_M).floor() as i64 - SIZE as i64 / 2);
        let moved = [corner[0] - self.corner[0], corner[1] - self.corner[1]];
        if moved.iter().any(|m| m.unsigned_abs() >= SIZE as u64) {
            self.cells.fill(UNSEEN);
        } else {
            let size = SIZE as i64;
            // The lines that the window leaves on one side are those that it reaches on the other.
            let lines = |corner: i64, moved: i64| {
                let first = if moved > 0 { corner } else { corner + size + moved };
                (first..first + moved.abs()).map(move |line| line.rem_euclid(size) as usize)
            };
            for column in lines(self.corner[0], moved[0]) {
                (0..SIZE).for_each(|row| self.cells[row * SIZE + column] = UNSEEN);
            }
            for row in lines(self.corner[1], moved[1]) {
                self.cells[row * SIZE..(row + 1) * SIZE].fill(UNSEEN);
            }
        }
        self.corner = corner;
    }

    /// The cell that holds a point of `map`.
    pub(super) fn index_of(&self, x_m: f64, y_m: f64) -> Option<usize> {
        let ix = (x_m / RESOLUTION_M).floor() as i64 - self.corner[0];
        let iy = (y_m / RESOLUTION_M).floor() as i64 - self.corner[1];
        let inside = |i: i64| (0..SIZE as i64).contains(&i);
        (inside(ix) && inside(iy)).then(|| iy as usize * SIZE + ix as usize)
    }

    /// Middle of a cell in `map`, m.
    pub(super) fn centre_of(&self, index: usize) -> [f64; 2] {
        let at = [index % SIZE, index / SIZE];
        [0, 1].map(|i| (self.corner[i] as f64 + at[i] as f64 + 0.5) * RESOLUTION_M)
    }

    /// Heights, m, `[SIZE * SIZE]`; NaN where never seen.
    pub(super) fn heights(&self) -> Vec<f32> {
        self.collect(|cell| cell.height_m)
    }

    /// One-sigma of the heights at a time, m, `[SIZE * SIZE]`.
    pub(super) fn sigmas(&self, now: Stamp) -> Vec<f32> {
        self.collect(|cell| if cell.height_m.is_nan() { f32::NAN } else { grown(cell, now).sqrt() })
    }

    fn collect(&self, value: impl Fn(&Cell) -> f32) -> Vec<f32> {
        let mut values = Vec::with_capacity(SIZE * SIZE);
        let split = self.corner[0].rem_euclid(SIZE as i64) as usize;
        for iy in 0..SIZE {
            let row = (self.corner[1] + iy as i64).rem_euclid(SIZE as i64) as usize * SIZE;
            let row = &self.cells[row..row + SIZE];
            values.extend(row[split..].iter().chain(&row[..split]).map(&value));
        }
        values
    }

    fn slot(&self, index: usize) -> usize {
        let wrap = |corner: i64, i: usize| (corner + i as i64).rem_euclid(SIZE as i64) as usize;
        wrap(self.corner[1], index / SIZE) * SIZE + wrap(self.corner[0], index % SIZE)
    }

    /// Gives a never seen cell a height.
    pub(super) fn assume(&mut self, index: usize, height_m: f32, stamp: Stamp) {
        let slot = self.slot(index);
        if self.cells[slot].height_m.is_nan() && height_m.is_finite() {
            self.cells[slot] = Cell { height_m, variance: ASSUMED_VARIANCE, stamp, doubts: 0 };
        }
    }

    /// One scan's measurement of a cell's height.
    pub(super) fn measure(&mut self, index: usize, height_m: f32, variance: f32, stamp: Stamp) {
        let slot = self.slot(index);
        let cell = &mut self.cells[slot];
        let fresh = Cell { height_m, variance: variance.max(VARIANCE_FLOOR), stamp, doubts: 0 };
        if cell.height_m.is_nan() {
            *cell = fresh;
            return;
        }
        let prior = grown(cell, stamp);
        let (difference, spread) = (height_m - cell.height_m, prior + variance);
        if difference * difference < GATE_SIGMAS * GATE_SIGMAS * spread {
            let gain = prior / spread;
            cell.height_m += gain * difference;
            cell.variance = ((1.0 - gain) * prior).max(VARIANCE_FLOOR);
            cell.stamp = stamp;
            cell.doubts = 0;
        } else if difference > 0.0 {
            *cell = fresh;
        } else {
            // Of an upright face a scan may see only the foot: that does not lower its top.
            cell.doubts += 1;
            if cell.doubts >= MAX_DOUBTS {
                *cell = fresh;
            }
        }
    }
}

fn grown(cell: &Cell, now: Stamp) -> f32 {
    let age_s = now.seconds_since(cell.stamp).max(0.0) as f32;
    (cell.variance + GROWTH_M2_S * age_s).min(VARIANCE_CAP.max(cell.variance))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_stays_inside_is_kept_and_what_comes_in_is_new(
            walk in prop::collection::vec((-3.0f64..3.0, -3.0f64..3.0), 1..6),
        ) {
            let mut cells = Cells::new();
            let mut kept = std::collections::BTreeMap::new();
            for (step, (x, y)) in walk.into_iter().enumerate() {
                cells.centre_on(x, y);
                kept.retain(|(x, y), _| cells.index_of(f64::from(*x) * 0.05 + 0.02, f64::from(*y) * 0.05 + 0.02).is_some());
                for (dx, dy) in [(0, 0), (79, -80), (-80, 79), (30, 17)] {
                    let at = ((x / 0.05).floor() as i32 + dx, (y / 0.05).floor() as i32 + dy);
                    let index = cells.index_of(f64::from(at.0) * 0.05 + 0.02, f64::from(at.1) * 0.05 + 0.02);
                    // Much higher than before, so that it replaces what was there.
                    cells.measure(index.expect("inside"), step as f32 * 10.0, 1e-4, Stamp::ZERO);
                    kept.insert(at, step as f32 * 10.0);
                }
                let heights = cells.heights();
                prop_assert_eq!(heights.iter().filter(|h| !h.is_nan()).count(), kept.len());
                for ((x, y), height) in &kept {
                    let index = cells.index_of(f64::from(*x) * 0.05 + 0.02, f64::from(*y) * 0.05 + 0.02);
                    prop_assert_eq!(heights[index.expect("inside")], *height);
                }
            }
        }
    }
}
