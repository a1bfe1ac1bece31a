//! A* search (Hart, Nilsson and Raphael 1968) over a costmap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::costmap::Costmap;

const NEIGHBOURS: [(i64, i64); 8] = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)];

/// Returns the cheapest way over the eight neighbours of each cell, from `start` to `end`; ties are broken by cell number, so that the result is always the same. If
/// `end` cannot be reached, the cell nearest to `wanted` that can, within `reach_m` of it, is the end.
pub(super) fn a_star(
    map: &Costmap,
    start: usize,
    end: usize,
    wanted: usize,
    reach_m: f64,
) -> Option<Vec<usize>> {
    let count = map.per_metre.len();
    let mut cost = vec![f32::INFINITY; count];
    let mut parent = vec![usize::MAX; count];
    let mut open = BinaryHeap::new();
    let (ex, ey) = map.split(end);
    let least = |cell: usize| {
        let (x, y) = map.split(cell);
        let (dx, dy) = ((x - ex).abs() as f32, (y - ey).abs() as f32);
        (dx.max(dy) + (std::f32::consts::SQRT_2 - 1.0) * dx.min(dy)) * map.resolution_m as f32
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
        let (x, y) = map.split(cell);
        for (dx, dy) in NEIGHBOURS {
            let Some(next) = map.join(x + dx, y + dy).filter(|n| map.is_free(*n)) else { continue };
            let per_metre = |c: usize| map.per_metre[c] * map.stray[c];
            let through = cost[cell] + map.step_m((dx, dy)) * (per_metre(cell) + per_metre(next)) / 2.0;
            if through < cost[next] {
                cost[next] = through;
                parent[next] = cell;
                open.push((Reverse(Ordered(through + least(next))), Reverse(next)));
            }
        }
    }
    let instead = map.nearest(wanted, reach_m, |cell| cost[cell].is_finite() && cell != start)?;
    Some(trace(&parent, start, instead))
}

/// The cells from start to end, by their parents.
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
