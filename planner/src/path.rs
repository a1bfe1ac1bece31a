//! Path planner over the local terrain: A* (Hart, Nilsson and Raphael 1968) on a costmap of traversability, then
//! string pulling.
//!
//! The robot is taken as a disc that its width decides: it walks nose first along the path. Cells that the disc
//! must not cover are blocked; near them, and on hard ground, a metre costs more, so that a path keeps to the
//! middle of what is free. A path once taken is kept to until another is clearly better.

mod a_star;
mod costmap;

use robot_interface::robot::RobotDescription;
use robot_interface::terrain::TerrainGrid;

use a_star::a_star;
use costmap::Costmap;

/// Clearance kept beyond half the robot's width, m.
const MARGIN_M: f64 = 0.08;
/// Distance from a blocked goal within which another one may be taken, m.
const GOAL_REACH_M: f64 = 1.2;
/// Distance from a blocked start within which a free cell may be taken, m.
const START_REACH_M: f64 = 0.6;

/// Reason for which there is no path.
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

/// Path planner for a robot; it remembers its last path.
#[derive(Clone, Debug)]
pub struct PathPlanner {
    radius_m: f64,
    last: Vec<[f64; 2]>,
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
        let costs = Costmap::of(grid, self.radius_m, &last);
        let here = grid.index_of(from[0], from[1]).ok_or(NoPath::OffMap)?;
        let start = costs.nearest_free(here, START_REACH_M).ok_or(NoPath::StartBlocked)?;
        let wanted = nearest_inside(grid, goal);
        let end = costs.nearest_free(wanted, GOAL_REACH_M).ok_or(NoPath::GoalBlocked)?;
        let cells = a_star(&costs, start, end, wanted, GOAL_REACH_M).ok_or(NoPath::Closed)?;
        let end = cells[cells.len() - 1];
        let mut path: Vec<[f64; 2]> = pull(&costs, &cells).iter().map(|c| grid.centre_of(*c)).collect();
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

/// The cell of a point, or the cell at the grid's edge nearest to it.
fn nearest_inside(grid: &TerrainGrid, [x, y]: [f64; 2]) -> usize {
    let at = |v: f64, origin: f64| {
        let cell = ((v - origin) / grid.resolution_m).floor();
        cell.clamp(0.0, grid.size as f64 - 1.0) as usize
    };
    at(y, grid.origin_m[1]) * grid.size + at(x, grid.origin_m[0])
}

/// String pulling: leaves out the corners that a straight line can do without, where that costs no more.
fn pull(map: &Costmap, cells: &[usize]) -> Vec<usize> {
    let mut kept = vec![cells[0]];
    let mut anchor = 0;
    while anchor + 1 < cells.len() {
        let along: Vec<f32> = std::iter::once(0.0)
            .chain(cells[anchor..].windows(2).scan(0.0, |sum, pair| {
                *sum += map.step(pair[0], pair[1]);
                Some(*sum)
            }))
            .collect();
        let shorter = |i: &usize| {
            let cost = map.straight(cells[anchor], cells[*i]);
            cost.is_finite() && cost <= along[i - anchor] * 1.02 + 1e-4
        };
        let furthest = (anchor + 1..cells.len()).rev().find(shorter).unwrap_or(anchor + 1);
        kept.push(cells[furthest]);
        anchor = furthest;
    }
    kept
}

#[cfg(test)]
mod tests;
