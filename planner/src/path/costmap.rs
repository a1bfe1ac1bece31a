//! Costmap for the path planner: obstacles inflated by the radius of a robot that is taken as a disc, and the cost of
//! a metre over each cell that is left.

use robot_interface::terrain::TerrainGrid;

/// Traversability below which a cell must not be under the robot.
const BLOCKED: f32 = 0.2;
/// Cost of a metre over ground that was never seen, against 1 on good ground.
const UNKNOWN_COST: f32 = 3.0;
/// Cost added to a metre over ground of no traversability.
const ROUGH_COST: f32 = 4.0;
/// Cost added to a metre right beside something blocked, fading out at [`COMFORT_M`].
const NEAR_COST: f32 = 4.0;
/// Clearance from the disc's edge beyond which nothing is near, m.
const COMFORT_M: f64 = 0.45;
/// Cost of a metre that strays from the last path, against one along it.
const STRAY_COST: f32 = 1.2;
/// Distance from the last path beyond which a place strays from it, m.
const STRAY_BEYOND_M: f64 = 0.35;

/// Costmap of a terrain grid: the cost of a metre over each cell, infinite where the robot must not be.
pub(super) struct Costmap {
    size: usize,
    pub(super) resolution_m: f64,
    pub(super) per_metre: Vec<f32>,
    /// Factor of the search on top: more than 1 away from the last path.
    pub(super) stray: Vec<f32>,
}

impl Costmap {
    /// Costmap for a disc of this radius whose last path was `last`.
    pub(super) fn of(grid: &TerrainGrid, radius_m: f64, last: &[[f64; 2]]) -> Self {
        let clearance = distance_to_blocked(grid);
        let comfort = radius_m + COMFORT_M;
        let per_metre = grid
            .traversability
            .iter()
            .zip(&clearance)
            .map(|(traversability, clearance_m)| {
                if f64::from(*clearance_m) < radius_m {
                    return f32::INFINITY;
                }
                let near = (comfort - f64::from(*clearance_m)).max(0.0) / COMFORT_M;
                let ground = if traversability.is_nan() {
                    UNKNOWN_COST
                } else {
                    1.0 + ROUGH_COST * (1.0 - traversability.min(1.0))
                };
                ground + NEAR_COST * (near * near) as f32
            })
            .collect();
        let cells = 0..grid.traversability.len();
        let stray = cells.map(|c| if strays(last, grid.centre_of(c)) { STRAY_COST } else { 1.0 }).collect();
        Self { size: grid.size, resolution_m: grid.resolution_m, per_metre, stray }
    }

    pub(super) fn is_free(&self, cell: usize) -> bool {
        self.per_metre[cell].is_finite()
    }

    /// The free cell nearest to a cell, first by distance, then by index.
    pub(super) fn nearest_free(&self, cell: usize, reach_m: f64) -> Option<usize> {
        self.nearest(cell, reach_m, |other| self.is_free(other))
    }

    pub(super) fn nearest(&self, cell: usize, reach_m: f64, fits: impl Fn(usize) -> bool) -> Option<usize> {
        if fits(cell) {
            return Some(cell);
        }
        let reach = (reach_m / self.resolution_m) as i64;
        let (cx, cy) = self.split(cell);
        let mut best: Option<(i64, usize)> = None;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let Some(other) = self.join(cx + dx, cy + dy) else { continue };
                let squared = dx * dx + dy * dy;
                if squared <= reach * reach && best.is_none_or(|b| (squared, other) < b) && fits(other) {
                    best = Some((squared, other));
                }
            }
        }
        best.map(|(_, cell)| cell)
    }

    /// Cost of a step to a neighbour. A diagonal one may pass the corner of a blocked cell.
    pub(super) fn step(&self, from: usize, to: usize) -> f32 {
        let ((x0, y0), (x1, y1)) = (self.split(from), self.split(to));
        self.step_m((x1 - x0, y1 - y0)) * (self.per_metre[from] + self.per_metre[to]) / 2.0
    }

    pub(super) fn step_m(&self, (dx, dy): (i64, i64)) -> f32 {
        self.resolution_m as f32 * ((dx * dx + dy * dy) as f32).sqrt()
    }

    /// Cost of a straight line between two cells, infinite across a blocked one.
    pub(super) fn straight(&self, from: usize, to: usize) -> f32 {
        let ((x0, y0), (x1, y1)) = (self.split(from), self.split(to));
        let steps = 2 * (x1 - x0).abs().max((y1 - y0).abs()).max(1);
        let length_m = self.resolution_m * ((x1 - x0) as f64).hypot((y1 - y0) as f64);
        let mut sum = 0.0;
        for k in 0..=steps {
            let t = k as f64 / steps as f64;
            let x = (x0 as f64 + t * (x1 - x0) as f64).round() as i64;
            let y = (y0 as f64 + t * (y1 - y0) as f64).round() as i64;
            match self.join(x, y).filter(|c| self.is_free(*c)) {
                Some(cell) => sum += self.per_metre[cell],
                None => return f32::INFINITY,
            }
        }
        sum / (steps + 1) as f32 * length_m as f32
    }

    pub(super) fn split(&self, cell: usize) -> (i64, i64) {
        ((cell % self.size) as i64, (cell / self.size) as i64)
    }

    pub(super) fn join(&self, x: i64, y: i64) -> Option<usize> {
        let inside = |v: i64| (0..self.size as i64).contains(&v);
        (inside(x) && inside(y)).then(|| y as usize * self.size + x as usize)
    }
}

/// True for a point further from the path than [`STRAY_BEYOND_M`]; never so without a path.
fn strays(path: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let squared = |pair: &[[f64; 2]]| {
        let along = [pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]];
        let to = [x - pair[0][0], y - pair[0][1]];
        let length = (along[0] * along[0] + along[1] * along[1]).max(1e-12);
        let t = ((to[0] * along[0] + to[1] * along[1]) / length).clamp(0.0, 1.0);
        (to[0] - t * along[0]).powi(2) + (to[1] - t * along[1]).powi(2)
    };
    path.len() > 1 && path.windows(2).all(|pair| squared(pair) > STRAY_BEYOND_M * STRAY_BEYOND_M)
}

/// Distance from each cell to the nearest blocked one, m: the two passes of the chamfer transform
/// (Borgefors 1986), good to a few percent.
fn distance_to_blocked(grid: &TerrainGrid) -> Vec<f32> {
    let (size, straight) = (grid.size, grid.resolution_m as f32);
    let diagonal = straight * std::f32::consts::SQRT_2;
    let mut distance: Vec<f32> =
        grid.traversability.iter().map(|t| if *t < BLOCKED { 0.0 } else { f32::MAX / 4.0 }).collect();
    let mut relax = |i: usize, other: Option<usize>, step: f32| {
        if let Some(other) = other {
            distance[i] = distance[i].min(distance[other] + step);
        }
    };
    for i in 0..size * size {
        let (x, y) = (i % size, i / size);
        relax(i, (x > 0).then(|| i - 1), straight);
        relax(i, (y > 0).then(|| i - size), straight);
        relax(i, (x > 0 && y > 0).then(|| i - size - 1), diagonal);
        relax(i, (x + 1 < size && y > 0).then(|| i - size + 1), diagonal);
    }
    for i in (0..size * size).rev() {
        let (x, y) = (i % size, i / size);
        relax(i, (x + 1 < size).then(|| i + 1), straight);
        relax(i, (y + 1 < size).then(|| i + size), straight);
        relax(i, (x + 1 < size && y + 1 < size).then(|| i + size + 1), diagonal);
        relax(i, (x > 0 && y + 1 < size).then(|| i + size - 1), diagonal);
    }
    distance
}
