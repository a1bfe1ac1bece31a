//! Fusion of a scan: from its points to one measurement a cell.

use robot_interface::time::Stamp;

use super::cells::{Cells, RESOLUTION_M, SIZE};

/// Height above the ground nearby from which on a thing that hangs does not stand in the robot's way, m.
pub(super) const CLEARANCE_M: f32 = 0.6;
/// Cells along the edge of a block in which the ground is looked for.
const BLOCK: usize = 10;
const BLOCKS: usize = SIZE / BLOCK;
/// Distance from a block within which the ground is looked for, blocks.
const REACH: usize = 2;
/// Slope that ground may have between one block and another.
const GROUND_SLOPE: f32 = 0.2;
/// Points this much below a cell's highest are of the same surface, m.
const BAND_M: f32 = 0.04;
/// Variance of the surface within a cell, m^2.
const WITHIN_CELL: f32 = 9e-6;

/// A point of a scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) x_m: f64,
    pub(super) y_m: f64,
    pub(super) z_m: f32,
    /// Variance of its height, m^2.
    pub(super) variance: f32,
}

/// Measurements of a cell by one scan.
#[derive(Clone, Copy, Debug)]
struct Seen {
    highest_m: f32,
    /// Sum of the inverse variances of the points near the highest, and of their heights below it times these.
    weight: f32,
    below: f32,
}

const NOTHING: Seen = Seen { highest_m: f32::NEG_INFINITY, weight: 0.0, below: 0.0 };

/// Memory that is used again for each scan.
#[derive(Clone, Debug)]
pub(super) struct Fusion {
    seen: Vec<Seen>,
    /// Cells that the scan touches.
    touched: Vec<u32>,
    /// Cell of each hit inside the map, and which hit it is.
    inside: Vec<(u32, u32)>,
}

impl Fusion {
    pub(super) fn new() -> Self {
        Self { seen: vec![NOTHING; SIZE * SIZE], touched: Vec::new(), inside: Vec::new() }
    }

    /// Fuses a scan into the cells; returns how many of its points took part.
    pub(super) fn fuse(&mut self, cells: &mut Cells, hits: &[Hit], stamp: Stamp) -> usize {
        self.inside.clear();
        for (i, hit) in hits.iter().enumerate() {
            if let Some(cell) = cells.index_of(hit.x_m, hit.y_m) {
                self.inside.push((cell as u32, i as u32));
            }
        }
        let ground = ground(&cells.heights(), &self.inside, hits);
        self.inside
            .retain(|(cell, i)| hits[*i as usize].z_m < ground[block_of(*cell as usize)] + CLEARANCE_M);
        for (cell, i) in &self.inside {
            let seen = &mut self.seen[*cell as usize];
            if seen.highest_m == f32::NEG_INFINITY {
                self.touched.push(*cell);
            }
            seen.highest_m = seen.highest_m.max(hits[*i as usize].z_m);
        }
        for (cell, i) in &self.inside {
            let (seen, hit) = (&mut self.seen[*cell as usize], &hits[*i as usize]);
            let below = seen.highest_m - hit.z_m;
            if below < BAND_M {
                seen.weight += 1.0 / hit.variance;
                seen.below += below / hit.variance;
            }
        }
        for cell in self.touched.drain(..) {
            let seen = std::mem::replace(&mut self.seen[cell as usize], NOTHING);
            let height = seen.highest_m - seen.below / seen.weight;
            cells.measure(cell as usize, height, 1.0 / seen.weight + WITHIN_CELL, stamp);
        }
        self.inside.len()
    }
}

fn block_of(cell: usize) -> usize {
    cell / SIZE / BLOCK * BLOCKS + cell % SIZE / BLOCK
}

/// Height of the ground a block, `[BLOCKS * BLOCKS]`, m: the lowest of what was ever seen in and around it,
/// so that the ground under a rack is found from the ground beside it. A tenth of a block's cells may lie:
/// a puddle mirrors a beam to below the floor.
fn ground(heights: &[f32], inside: &[(u32, u32)], hits: &[Hit]) -> Vec<f32> {
    let mut low = heights.to_vec();
    for (cell, i) in inside {
        let low = &mut low[*cell as usize];
        // `min` passes over heights that are no numbers.
        *low = low.min(hits[*i as usize].z_m);
    }
    let mut known = Vec::with_capacity(BLOCK * BLOCK);
    let lowest: Vec<f32> = (0..BLOCKS * BLOCKS)
        .map(|block| {
            known.clear();
            let first = block / BLOCKS * BLOCK * SIZE + block % BLOCKS * BLOCK;
            let rows = (0..BLOCK).flat_map(|y| &low[first + y * SIZE..first + y * SIZE + BLOCK]);
            known.extend(rows.filter(|height| !height.is_nan()));
            let doubtful = (known.len() / 10).max(1);
            if known.len() <= doubtful {
                return f32::INFINITY;
            }
            *known.select_nth_unstable_by(doubtful, f32::total_cmp).1
        })
        .collect();
    let rise = GROUND_SLOPE * (BLOCK as f64 * RESOLUTION_M) as f32;
    let around = |i: usize| i.saturating_sub(REACH)..(i + REACH + 1).min(BLOCKS);
    (0..BLOCKS * BLOCKS)
        .map(|block| {
            let (x, y) = (block % BLOCKS, block / BLOCKS);
            let mut ground = f32::INFINITY;
            for j in around(y) {
                for i in around(x) {
                    let far = i.abs_diff(x).max(j.abs_diff(y)) as f32;
                    ground = ground.min(lowest[j * BLOCKS + i] + rise * far);
                }
            }
            ground
        })
        .collect()
}
