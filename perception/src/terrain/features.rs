//! Slope, step height and roughness of a height grid, and traversability from them.
//!
//! The slope is the median of the height differences over some decimetres, which a kerb in an otherwise
//! level floor does not move; steps and roughness are what is left when that slope is taken away, so that
//! a ramp has no steps.

use super::cells::{RESOLUTION_M, SIZE};

/// Limits of the robot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) step_m: f32,
    pub(super) slope_rad: f32,
}

/// Layers in the layout of [`robot_interface::terrain::TerrainGrid`], `[160 * 160]` each; NaN where not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Height in `map` with small holes filled, m.
    pub elevation_m: Vec<f32>,
    /// Slope over 0.7 m, rad.
    pub slope_rad: Vec<f32>,
    /// Greatest difference of height within 0.2 m, slope removed, m.
    pub step_m: Vec<f32>,
    /// Standard deviation of height within 0.2 m, slope removed, m.
    pub roughness_m: Vec<f32>,
    /// 1 easy, 0 impassable: the worst of the three against the robot's limits.
    pub traversability: Vec<f32>,
}

/// Values between which something goes from easy (1) to impassable (0).
#[derive(Clone, Copy)]
struct Ramp {
    easy_below: f32,
    impassable_from: f32,
}

/// Steps, as shares of the robot's limit. The upper bound is above 1 because noise makes steps look higher.
const STEP_RAMP: Ramp = Ramp { easy_below: 0.3, impassable_from: 1.15 };
/// Slopes, as shares of the robot's limit.
const SLOPE_RAMP: Ramp = Ramp { easy_below: 0.4, impassable_from: 1.0 };
/// Roughness, m.
const ROUGHNESS_RAMP_M: Ramp = Ramp { easy_below: 0.02, impassable_from: 0.08 };
/// Traversability that any roughness leaves: it never forbids, since steps do.
const MIN_BY_ROUGHNESS: f32 = 0.3;

/// Neighbours that must be known to fill a hole.
const MIN_HOLE_NEIGHBOURS: usize = 4;
/// Difference of height among them up to which a hole is filled, m.
const MAX_HOLE_RELIEF_M: f32 = 0.06;
/// Rounds of hole filling: holes of up to about twice as many cells across are closed.
const HOLE_ROUNDS: usize = 2;
/// Cells to each side in which steps are looked for.
const NEAR: usize = 2;
/// Cells along the edge of a block that has one slope.
const BLOCK: usize = 5;
/// Cells to each side of a block's middle whose differences count for its slope.
const SLOPE_REACH: isize = 7;
/// Cells to each side over which a difference is taken.
const SPAN: isize = 2;
/// Fewest differences that make a slope.
const SLOPE_SAMPLES: usize = 8;

pub(super) fn compute(heights: Vec<f32>, limits: &Limits) -> Features {
    let elevation_m = fill_holes(heights);
    let gradients = gradients(&elevation_m);
    let count = SIZE * SIZE;
    let mut features = Features {
        slope_rad: vec![f32::NAN; count],
        step_m: vec![f32::NAN; count],
        roughness_m: vec![f32::NAN; count],
        traversability: vec![f32::NAN; count],
        elevation_m,
    };
    for iy in 0..SIZE {
        for ix in 0..SIZE {
            let index = iy * SIZE + ix;
            if features.elevation_m[index].is_nan() {
                continue;
            }
            let [gx, gy] = gradients[iy / BLOCK * (SIZE / BLOCK) + ix / BLOCK];
            let (step, roughness) = unevenness(&features.elevation_m, ix, iy, gx, gy);
            let slope = gx.hypot(gy).atan();
            features.slope_rad[index] = slope;
            features.step_m[index] = step;
            features.roughness_m[index] = roughness;
            let by_step = falling(step / limits.step_m, STEP_RAMP);
            let by_slope = falling(slope / limits.slope_rad, SLOPE_RAMP);
            let by_roughness =
                MIN_BY_ROUGHNESS + (1.0 - MIN_BY_ROUGHNESS) * falling(roughness, ROUGHNESS_RAMP_M);
            features.traversability[index] = by_step.min(by_slope).min(by_roughness);
        }
    }
    features
}

/// 1 below the first bound, 0 above the second, a straight line between.
fn falling(value: f32, ramp: Ramp) -> f32 {
    let Ramp { easy_below: from, impassable_from: to } = ramp;
    ((to - value) / (to - from)).clamp(0.0, 1.0)
}

/// Greatest difference and standard deviation of the heights around a cell, the gradient taken away.
fn unevenness(heights: &[f32], ix: usize, iy: usize, gx: f32, gy: f32) -> (f32, f32) {
    let cell = RESOLUTION_M as f32;
    let centre = heights[iy * SIZE + ix];
    let (x0, x1) = (ix.saturating_sub(NEAR), (ix + NEAR).min(SIZE - 1));
    let (mut low, mut high) = (0.0f32, 0.0f32);
    let (mut count, mut sum, mut squares) = (0.0f32, 0.0f32, 0.0f32);
    for y in iy.saturating_sub(NEAR)..=(iy + NEAR).min(SIZE - 1) {
        let across = gy * cell * (y as f32 - iy as f32) + centre;
        for (x, height) in (x0..=x1).zip(&heights[y * SIZE + x0..=y * SIZE + x1]) {
            let rest = height - across - gx * cell * (x as f32 - ix as f32);
            if rest.is_nan() {
                continue;
            }
            low = low.min(rest);
            high = high.max(rest);
            count += 1.0;
            sum += rest;
            squares += rest * rest;
        }
    }
    let mean = sum / count;
    (high - low, (squares / count - mean * mean).max(0.0).sqrt())
}

/// Slopes along x and y a block, `[32 * 32]`; zero where too little is known.
fn gradients(heights: &[f32]) -> Vec<[f32; 2]> {
    let blocks = SIZE / BLOCK;
    let span_m = (2 * SPAN) as f32 * RESOLUTION_M as f32;
    let at = |x: isize, y: isize| {
        let inside = |i: isize| (0..SIZE as isize).contains(&i);
        if inside(x) && inside(y) { heights[y as usize * SIZE + x as usize] } else { f32::NAN }
    };
    let mut samples = [Vec::with_capacity(64), Vec::with_capacity(64)];
    let mut gradients = Vec::with_capacity(blocks * blocks);
    for block in 0..blocks * blocks {
        let middle = |i: usize| (i * BLOCK + BLOCK / 2) as isize;
        let (cx, cy) = (middle(block % blocks), middle(block / blocks));
        samples.iter_mut().for_each(Vec::clear);
        for y in (cy - SLOPE_REACH..=cy + SLOPE_REACH).step_by(2) {
            for x in (cx - SLOPE_REACH..=cx + SLOPE_REACH).step_by(2) {
                let along_x = at(x + SPAN, y) - at(x - SPAN, y);
                let along_y = at(x, y + SPAN) - at(x, y - SPAN);
                for (list, difference) in samples.iter_mut().zip([along_x, along_y]) {
                    if !difference.is_nan() {
                        list.push(difference / span_m);
                    }
                }
            }
        }
        gradients.push(samples.each_mut().map(|list| median(list)));
    }
    gradients
}

fn median(values: &mut [f32]) -> f32 {
    if values.len() < SLOPE_SAMPLES {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// Gives unknown cells among known ones of about the same height their mean.
fn fill_holes(mut heights: Vec<f32>) -> Vec<f32> {
    let mut filled = Vec::new();
    for _ in 0..HOLE_ROUNDS {
        for iy in 1..SIZE - 1 {
            for ix in 1..SIZE - 1 {
                if !heights[iy * SIZE + ix].is_nan() {
                    continue;
                }
                let (mut known, mut sum, mut low, mut high) = (0, 0.0f32, f32::INFINITY, f32::NEG_INFINITY);
                for y in iy - 1..=iy + 1 {
                    for height in &heights[y * SIZE + ix - 1..=y * SIZE + ix + 1] {
                        if !height.is_nan() {
                            known += 1;
                            sum += height;
                            low = low.min(*height);
                            high = high.max(*height);
                        }
                    }
                }
                if known >= MIN_HOLE_NEIGHBOURS && high - low < MAX_HOLE_RELIEF_M {
                    filled.push((iy * SIZE + ix, sum / known as f32));
                }
            }
        }
        for (index, height) in filled.drain(..) {
            heights[index] = height;
        }
    }
    heights
}
