//! A path over the local terrain: A* on traversability (Hart, Nilsson and Raphael 1968), then string pulling.
//!
//! The robot is taken as a disc that its width decides: it walks nose first along the path. Cells that the disc
//! must not cover are blocked; near them, and on hard ground, a metre costs more, so that a path keeps to the
//! middle of what is free. A path once taken is kept to until another is clearly better.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use robot_interface::robot::RobotDescription;
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
/// Clearance kept beyond half the robot's width, m.
const MARGIN_M: f64 = 0.08;
/// What a metre costs that strays from the last path, against one along it, and what counts as straying, m.
const STRAY: (f32, f64) = (1.2, 0.35);
/// How far from a blocked goal another one may be taken, m.
const GOAL_REACH_M: f64 = 1.2;
/// How far from a blocked start a free cell is looked for, m.
const START_REACH_M: f64 = 0.6;

/// Why there is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPath {
    /// The robot is not on its own map, or not at a number.
    #[error("the robot is outside the terrain map")]
    OffMap,
    /// A map that contradicts itself.
    #[error(
        "the terrain map is not size x size cells of a positive resolution; pass on what perception made"
    )]
    BadMap,
    /// The goal is not at a number.
    #[error("the goal is no finite number; give a point in map")]
    NoGoal,
    /// Nothing free around the robot.
    #[error("the robot stands amid obstacles: no free ground within reach")]
    StartBlocked,
    /// Nothing free around the goal.
    #[error("the goal and all around it is blocked")]
    GoalBlocked,
    /// The way is closed.
    #[error("no way leads around the obstacles")]
    Closed,
}

/// Plans paths for a robot, and remembers the last one.
#[derive(Clone, Debug)]
pub struct PathPlanner {
    radius_m: f64,
    last: Vec<[f64; 2]>,
}

/// What a metre over each cell costs, infinite where the robot must not be.
struct Costs {
    size: usize,
    resolution_m: f64,
    per_metre: Vec<f32>,
    /// What the search multiplies it with: more than 1 away from the last path.
    stray: Vec<f32>,
}

impl PathPlanner {
    /// A planner for a robot of this size.
    pub fn new(robot: &RobotDescription) -> Self {
        Self { radius_m: robot.body.width_m.get() / 2.0 + MARGIN_M, last: Vec::new() }
    }

    /// A path from `from` to `goal`, both `[x, y]` in `map`, m: corners from the start to the goal, or to the
    /// nearest place to it that can be stood on and got to.
    ///
    /// # Errors
    /// [`NoPath`] when there is none.
    pub fn plan(
        &mut self,
        grid: &TerrainGrid,
        from: [f64; 2],
        goal: [f64; 2],
    ) -> Result<Vec<[f64; 2]>, NoPath> {
        let last = std::mem::take(&mut self.last);
        check(grid, goal)?;
        let costs = Costs::of(grid, self.radius_m, &last);
        let here = grid.index_of(from[0], from[1]).ok_or(NoPath::OffMap)?;
        let start = costs.nearest_free(here, START_REACH_M).ok_or(NoPath::StartBlocked)?;
        let wanted = nearest_inside(grid, goal);
        let end = costs.nearest_free(wanted, GOAL_REACH_M).ok_or(NoPath::GoalBlocked)?;
        let cells = costs.search(start, end, wanted).ok_or(NoPath::Closed)?;
        let end = cells[cells.len() - 1];
        let mut path: Vec<[f64; 2]> = costs.pull(&cells).iter().map(|c| grid.centre_of(*c)).collect();
        if start == here
            && let Some(first) = path.first_mut()
        {
            *first = from;
        }
        if end == wanted
            && grid.index_of(goal[0], goal[1]) == Some(end)
            && let Some(last) = path.last_mut()
        {
            *last = goal;
        }
        self.last.clone_from(&path);
        Ok(path)
    }
}

fn check(grid: &TerrainGrid, goal: [f64; 2]) -> Result<(), NoPath> {
    let cells = grid.size.checked_mul(grid.size);
    let whole = cells.is_some_and(|cells| cells > 0 && cells == grid.traversability.len());
    let scaled = grid.resolution_m.is_finite() && grid.resolution_m > 0.0;
    if !(whole && scaled) {
        return Err(NoPath::BadMap);
    }
    if goal.iter().all(|v| v.is_finite()) { Ok(()) } else { Err(NoPath::NoGoal) }
}

/// Whether a point is further from a path than counts as keeping to it; never so without a path.
fn strays(path: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let squared = |pair: &[[f64; 2]]| {
        let along = [pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]];
        let to = [x - pair[0][0], y - pair[0][1]];
        let length = (along[0] * along[0] + along[1] * along[1]).max(1e-12);
        let t = ((to[0] * along[0] + to[1] * along[1]) / length).clamp(0.0, 1.0);
        (to[0] - t * along[0]).powi(2) + (to[1] - t * along[1]).powi(2)
    };
    path.len() > 1 && path.windows(2).all(|pair| squared(pair) > STRAY.1 * STRAY.1)
}

/// The cell of a point, or the cell at the grid's edge nearest to it.
fn nearest_inside(grid: &TerrainGrid, [x, y]: [f64; 2]) -> usize {
    let at = |v: f64, origin: f64| {
        let cell = ((v - origin) / grid.resolution_m).floor();
        cell.clamp(0.0, grid.size as f64 - 1.0) as usize
    };
    at(y, grid.origin_m[1]) * grid.size + at(x, grid.origin_m[0])
}

impl Costs {
    fn of(grid: &TerrainGrid, radius_m: f64, last: &[[f64; 2]]) -> Self {
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
        let stray = cells.map(|c| if strays(last, grid.centre_of(c)) { STRAY.0 } else { 1.0 }).collect();
        Self { size: grid.size, resolution_m: grid.resolution_m, per_metre, stray }
    }

    fn is_free(&self, cell: usize) -> bool {
        self.per_metre[cell].is_finite()
    }

    /// The free cell nearest to a cell, first by distance, then by index.
    fn nearest_free(&self, cell: usize, reach_m: f64) -> Option<usize> {
        self.nearest(cell, reach_m, |other| self.is_free(other))
    }

    fn nearest(&self, cell: usize, reach_m: f64, fits: impl Fn(usize) -> bool) -> Option<usize> {
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

    /// A* over the eight neighbours; ties are broken by cell number, so that the result is always the same. If
    /// `end` cannot be reached, the cell nearest to `wanted` that can, within [`GOAL_REACH_M`] of it, is the end.
    fn search(&self, start: usize, end: usize, wanted: usize) -> Option<Vec<usize>> {
        let count = self.per_metre.len();
        let mut cost = vec![f32::INFINITY; count];
        let mut parent = vec![usize::MAX; count];
        let mut open = BinaryHeap::new();
        let (ex, ey) = self.split(end);
        let least = |cell: usize| {
            let (x, y) = self.split(cell);
            let (dx, dy) = ((x - ex).abs() as f32, (y - ey).abs() as f32);
            (dx.max(dy) + (std::f32::consts::SQRT_2 - 1.0) * dx.min(dy)) * self.resolution_m as f32
        };
        cost[start] = 0.0;
        open.push((Reverse(Ordered(least(start))), Reverse(start)));
        while let Some((Reverse(Ordered(estimate)), Reverse(cell))) = open.pop() {
            if cell == end {
                return Some(trace(&parent, start, end));
            }
            if estimate > cost[cell] + least(cell) + 1e-5 {
                continue;
            }
            let (x, y) = self.split(cell);
            for (dx, dy) in NEIGHBOURS {
                let Some(next) = self.join(x + dx, y + dy).filter(|n| self.is_free(*n)) else { continue };
                let per_metre = |c: usize| self.per_metre[c] * self.stray[c];
                let through = cost[cell] + self.step_m((dx, dy)) * (per_metre(cell) + per_metre(next)) / 2.0;
                if through < cost[next] {
                    cost[next] = through;
                    parent[next] = cell;
                    open.push((Reverse(Ordered(through + least(next))), Reverse(next)));
                }
            }
        }
        let instead = self.nearest(wanted, GOAL_REACH_M, |cell| cost[cell].is_finite() && cell != start)?;
        Some(trace(&parent, start, instead))
    }

    /// Leaves out the corners that a straight line can do without, where that costs no more.
    fn pull(&self, cells: &[usize]) -> Vec<usize> {
        let mut kept = vec![cells[0]];
        let mut anchor = 0;
        while anchor + 1 < cells.len() {
            let along: Vec<f32> = std::iter::once(0.0)
                .chain(cells[anchor..].windows(2).scan(0.0, |sum, pair| {
                    *sum += self.step(pair[0], pair[1]);
                    Some(*sum)
                }))
                .collect();
            let shorter = |i: &usize| {
                let cost = self.straight(cells[anchor], cells[*i]);
                cost.is_finite() && cost <= along[i - anchor] * 1.02 + 1e-4
            };
            let furthest = (anchor + 1..cells.len()).rev().find(shorter).unwrap_or(anchor + 1);
            kept.push(cells[furthest]);
            anchor = furthest;
        }
        kept
    }

    /// Cost of a step to a neighbour. A diagonal one may pass the corner of a blocked cell.
    fn step(&self, from: usize, to: usize) -> f32 {
        let ((x0, y0), (x1, y1)) = (self.split(from), self.split(to));
        self.step_m((x1 - x0, y1 - y0)) * (self.per_metre[from] + self.per_metre[to]) / 2.0
    }

    fn step_m(&self, (dx, dy): (i64, i64)) -> f32 {
        self.resolution_m as f32 * ((dx * dx + dy * dy) as f32).sqrt()
    }

    /// Cost of a straight line between two cells, infinite across a blocked one.
    fn straight(&self, from: usize, to: usize) -> f32 {
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

    fn split(&self, cell: usize) -> (i64, i64) {
        ((cell % self.size) as i64, (cell / self.size) as i64)
    }

    fn join(&self, x: i64, y: i64) -> Option<usize> {
        let inside = |v: i64| (0..self.size as i64).contains(&v);
        (inside(x) && inside(y)).then(|| y as usize * self.size + x as usize)
    }
}

const NEIGHBOURS: [(i64, i64); 8] = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)];

fn trace(parent: &[usize], start: usize, end: usize) -> Vec<usize> {
    let mut cells = vec![end];
    let mut cell = end;
    while cell != start {
        cell = parent[cell];
        cells.push(cell);
    }
    cells.reverse();
    cells
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

/// A cost as a key: totally ordered.
#[derive(Clone, Copy, Debug)]
struct Ordered(f32);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests;
