//! A path over the local terrain: A* on traversability (Hart, Nilsson and Raphael 1968), then string pulling.
//!
//! The robot is taken as a disc that its width decides: it walks nose first along the path. Cells that the disc
//! must not cover are blocked; near them, and on hard ground, a metre costs more.

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

/// Plans paths for a robot.
#[derive(Clone, Debug)]
pub struct PathPlanner {
    radius_m: f64,
}

/// What a metre over each cell costs, infinite where the robot must not be.
struct Costs {
    size: usize,
    resolution_m: f64,
    per_metre: Vec<f32>,
}

impl PathPlanner {
    /// A planner for a robot of this size.
    pub fn new(robot: &RobotDescription) -> Self {
        Self { radius_m: robot.body.width_m.get() / 2.0 + MARGIN_M }
    }

    /// A path from `from` to `goal`, both `[x, y]` in `map`, m: corners from the start to the goal, or to the
    /// nearest place to it that can be stood on.
    ///
    /// # Errors
    /// [`NoPath`] when there is none.
    pub fn plan(&self, grid: &TerrainGrid, from: [f64; 2], goal: [f64; 2]) -> Result<Vec<[f64; 2]>, NoPath> {
        let costs = Costs::of(grid, self.radius_m);
        let here = grid.index_of(from[0], from[1]).ok_or(NoPath::OffMap)?;
        let start = costs.nearest_free(here, START_REACH_M).ok_or(NoPath::StartBlocked)?;
        let wanted = nearest_inside(grid, goal);
        let end = costs.nearest_free(wanted, GOAL_REACH_M).ok_or(NoPath::GoalBlocked)?;
        let cells = costs.search(start, end).ok_or(NoPath::Closed)?;
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
        Ok(path)
    }
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
    fn of(grid: &TerrainGrid, radius_m: f64) -> Self {
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
                    1.0 + ROUGH_COST * (1.0 - traversability)
                };
                ground + NEAR_COST * (near * near) as f32
            })
            .collect();
        Self { size: grid.size, resolution_m: grid.resolution_m, per_metre }
    }

    fn is_free(&self, cell: usize) -> bool {
        self.per_metre[cell].is_finite()
    }

    /// The free cell nearest to a cell, first by distance, then by index.
    fn nearest_free(&self, cell: usize, reach_m: f64) -> Option<usize> {
        if self.is_free(cell) {
            return Some(cell);
        }
        let reach = (reach_m / self.resolution_m) as i64;
        let (cx, cy) = self.split(cell);
        let mut best: Option<(i64, usize)> = None;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let Some(other) = self.join(cx + dx, cy + dy) else { continue };
                let squared = dx * dx + dy * dy;
                if squared <= reach * reach
                    && self.is_free(other)
                    && best.is_none_or(|b| (squared, other) < b)
                {
                    best = Some((squared, other));
                }
            }
        }
        best.map(|(_, cell)| cell)
    }

    /// A* over the eight neighbours; ties are broken by cell number, so that the result is always the same.
    fn search(&self, start: usize, end: usize) -> Option<Vec<usize>> {
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
                let step_m = self.resolution_m as f32 * ((dx * dx + dy * dy) as f32).sqrt();
                let through = cost[cell] + step_m * (self.per_metre[cell] + self.per_metre[next]) / 2.0;
                if through < cost[next] {
                    cost[next] = through;
                    parent[next] = cell;
                    open.push((Reverse(Ordered(through + least(next))), Reverse(next)));
                }
            }
        }
        None
    }

    /// Leaves out the corners that a straight line can do without, where that costs no more.
    fn pull(&self, cells: &[usize]) -> Vec<usize> {
        let mut kept = vec![cells[0]];
        let mut anchor = 0;
        while anchor + 1 < cells.len() {
            let along: Vec<f32> = std::iter::once(0.0)
                .chain(cells[anchor..].windows(2).scan(0.0, |sum, pair| {
                    *sum += self.straight(pair[0], pair[1]);
                    Some(*sum)
                }))
                .collect();
            let furthest = (anchor + 1..cells.len())
                .rev()
                .find(|i| self.straight(cells[anchor], cells[*i]) <= along[i - anchor] * 1.02 + 1e-4)
                .unwrap_or(anchor + 1);
            kept.push(cells[furthest]);
            anchor = furthest;
        }
        kept
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
            sum += self.join(x, y).map_or(f32::INFINITY, |c| self.per_metre[c]);
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
mod tests {
    use robot_interface::time::Stamp;

    use super::*;

    fn go2() -> RobotDescription {
        toml::from_str(include_str!("../../launch/robots/go2.toml")).expect("the robot file is good")
    }

    /// 8 x 8 m, free but for what `blocked` says of a point `[x, y]`.
    fn grid(blocked: impl Fn(f64, f64) -> bool) -> TerrainGrid {
        let size = 160;
        let mut grid = TerrainGrid {
            stamp: Stamp::ZERO,
            origin_m: [-4.0, -4.0],
            resolution_m: 0.05,
            size,
            elevation_m: vec![0.0; size * size],
            traversability: vec![1.0; size * size],
        };
        for i in 0..size * size {
            let [x, y] = grid.centre_of(i);
            if blocked(x, y) {
                grid.traversability[i] = 0.0;
            }
        }
        grid
    }

    /// A wall across the way with a gap of `width` at y = 1.
    fn gap(width: f64) -> TerrainGrid {
        grid(move |x, y| (0.9..1.1).contains(&x) && (y - 1.0).abs() > width / 2.0)
    }

    #[test]
    fn a_free_way_is_straight() {
        let path = PathPlanner::new(&go2()).plan(&grid(|_, _| false), [-1.0, 0.0], [2.0, 0.3]).expect("free");
        assert_eq!(path, [[-1.0, 0.0], [2.0, 0.3]]);
    }

    #[test]
    fn it_goes_round_what_stands_in_the_way() {
        let planner = PathPlanner::new(&go2());
        let grid = grid(|x, y| (0.4..0.7).contains(&x) && (-0.2..0.15).contains(&y));
        let path = planner.plan(&grid, [-1.0, 0.0], [2.5, 0.0]).expect("round it");
        for pair in path.windows(2) {
            for k in 0..=100 {
                let t = f64::from(k) / 100.0;
                let p = [0, 1].map(|i| pair[0][i] + t * (pair[1][i] - pair[0][i]));
                let outside =
                    [(0.4 - p[0]).max(p[0] - 0.7).max(0.0), (-0.2 - p[1]).max(p[1] - 0.15).max(0.0)];
                let clearance = outside[0].hypot(outside[1]);
                assert!(clearance > planner.radius_m - 0.06, "{clearance} m at {p:?}");
            }
        }
        assert_eq!(path, planner.plan(&grid, [-1.0, 0.0], [2.5, 0.0]).expect("again"), "always the same");
    }

    #[test]
    fn a_gap_is_taken_only_if_the_robot_fits() {
        let planner = PathPlanner::new(&go2());
        let path = planner.plan(&gap(0.7), [0.0, 0.0], [2.5, 0.0]).expect("0.7 m is enough");
        assert!(path.iter().any(|p| (p[1] - 1.0).abs() < 0.3));
        assert_eq!(planner.plan(&gap(0.45), [0.0, 0.0], [2.5, 0.0]), Err(NoPath::Closed));
    }

    #[test]
    fn blocked_ends_are_moved_or_named() {
        let planner = PathPlanner::new(&go2());
        let rock = grid(|x, y| (x - 2.0).hypot(y) < 0.3);
        let path = planner.plan(&rock, [0.0, 0.0], [2.0, 0.0]).expect("beside the rock");
        let end = path.last().expect("not empty");
        assert!(((end[0] - 2.0).hypot(end[1]) - 0.3 - planner.radius_m).abs() < 0.1, "{end:?}");
        let all = grid(|x, _| x > 1.0);
        assert_eq!(planner.plan(&all, [0.0, 0.0], [3.5, 0.0]), Err(NoPath::GoalBlocked));
        assert_eq!(planner.plan(&grid(|_, _| true), [0.0, 0.0], [1.0, 0.0]), Err(NoPath::StartBlocked));
        assert_eq!(planner.plan(&all, [f64::NAN, 0.0], [1.0, 0.0]), Err(NoPath::OffMap));
    }

    #[test]
    fn unseen_ground_is_walked_only_if_it_saves_much() {
        let planner = PathPlanner::new(&go2());
        let mut half_seen = grid(|_, _| false);
        for i in 0..half_seen.traversability.len() {
            let [x, y] = half_seen.centre_of(i);
            if (0.0..1.0).contains(&x) && y < 0.4 {
                half_seen.traversability[i] = f32::NAN;
            }
        }
        let path = planner.plan(&half_seen, [-1.0, 0.2], [2.0, 0.2]).expect("free");
        assert!(path.iter().any(|p| p[1] > 0.38), "round the unseen: {path:?}");
    }
}
