//! Growth of cracks: a wandering tip that opens and closes, sometimes forks, and nets of fine cracks.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use robot_interface::defect::LiningBox;

use super::strokes::{Ink, Stroke};

/// Length of a step of the tip, m.
const STEP_M: f64 = 0.012;
/// Greatest number of corners of one crack, all branches together.
const MAX_CORNERS: usize = 2000;

/// A crack as it lies on the lining.
#[derive(Clone, Debug)]
pub(crate) struct Crack {
    pub(crate) strokes: Vec<Stroke>,
    pub(crate) bounds: LiningBox,
    /// Length of its longest branch along itself, m.
    pub(crate) length_m: f64,
}

/// Plan of a crack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrackPlan {
    pub(crate) start: [f64; 2],
    pub(crate) heading_rad: f64,
    pub(crate) length_m: f64,
    /// Width at the widest place, m.
    pub(crate) width_m: f64,
    /// Its wandering, 0 straight to 1 wild.
    pub(crate) unrest: f64,
    pub(crate) forks_per_m: f64,
}

/// Grows a single crack with its branches. It stops where `inside` says that the lining ends.
pub(crate) fn grow(
    plan: &CrackPlan,
    ink: Ink,
    inside: impl Fn([f64; 2]) -> bool,
    rng: &mut ChaCha8Rng,
) -> Option<Crack> {
    let mut waiting = vec![(*plan, 0u8)];
    let (mut strokes, mut corners, mut length_m) = (Vec::new(), 0, 0.0f64);
    while let Some((branch, depth)) = waiting.pop() {
        let steps = (branch.length_m / STEP_M).ceil() as usize;
        let mut points: Vec<[f32; 3]> = Vec::with_capacity(2 * steps);
        let (mut at, mut turn) = (branch.start, 0.0f64);
        let mut open = 1.0f64;
        for step in 0..=steps {
            let t = step as f64 / steps.max(1) as f64;
            // Open in the middle and closing to both ends, a branch only to its far end.
            let taper = if depth == 0 { (4.0 * t * (1.0 - t)).powf(0.35) } else { (1.0 - t).powf(0.5) };
            open = (open + rng.random_range(-0.18..0.18)).clamp(0.35, 1.0);
            let width = (branch.width_m * taper * open).max(branch.width_m * 0.08);
            points.push([at[0] as f32, at[1] as f32, width as f32]);
            corners += 1;
            turn = turn * 0.86 + branch.unrest * rng.random_range(-0.55..0.55);
            let kink = branch.unrest * rng.random_range(-0.7..0.7);
            let heading = branch.heading_rad + turn + kink;
            let next = [at[0] + STEP_M * heading.cos(), at[1] + STEP_M * heading.sin()];
            if !inside(next) || corners > MAX_CORNERS {
                break;
            }
            if depth < 2 && rng.random_bool((branch.forks_per_m * STEP_M).min(1.0)) {
                let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
                waiting.push((
                    CrackPlan {
                        start: at,
                        heading_rad: branch.heading_rad + turn + side * rng.random_range(0.35..1.1),
                        length_m: branch.length_m * rng.random_range(0.1..0.35),
                        width_m: width * rng.random_range(0.4..0.8),
                        ..branch
                    },
                    depth + 1,
                ));
            }
            at = next;
        }
        if points.len() > 1 {
            length_m = length_m.max((points.len() - 1) as f64 * STEP_M);
            strokes.push(Stroke { points, ink });
        }
    }
    finish(strokes, length_m)
}

/// A net of fine cracks, as from shrinkage, `size_m` across with meshes of about `mesh_m`.
pub(crate) fn net(
    centre: [f64; 2],
    size_m: f64,
    mesh_m: f64,
    width_m: f64,
    ink: Ink,
    inside: impl Fn([f64; 2]) -> bool,
    rng: &mut ChaCha8Rng,
) -> Option<Crack> {
    let n = (size_m / mesh_m).round().clamp(3.0, 12.0) as usize;
    let knots: Vec<[f64; 2]> = (0..n * n)
        .map(|k| {
            let [i, j] = [k % n, k / n].map(|i| i as f64 - (n - 1) as f64 / 2.0);
            // Rows are set off against each other, as in a honeycomb.
            let shift = if (k / n).is_multiple_of(2) { 0.25 } else { -0.25 };
            let mut jitter = || rng.random_range(-0.32..0.32);
            [centre[0] + (i + shift + jitter()) * mesh_m, centre[1] + (j + jitter()) * mesh_m]
        })
        .collect();
    let (mut strokes, mut length_m) = (Vec::new(), 0.0f64);
    for k in 0..n * n {
        let (i, j) = (k % n, k / n);
        let right = (i + 1 < n).then_some(k + 1);
        let down = (j + 1 < n).then_some(k + n);
        for other in [right, down].into_iter().flatten() {
            let (a, b) = (knots[k], knots[other]);
            let rim = [a, b].iter().any(|p| (p[0] - centre[0]).hypot(p[1] - centre[1]) > size_m * 0.55);
            if rim || rng.random_bool(0.22) || !inside(a) || !inside(b) {
                continue;
            }
            let steps = 6;
            let points: Vec<[f32; 3]> = (0..=steps)
                .map(|s| {
                    let t = f64::from(s) / f64::from(steps);
                    let bend = if s == 0 || s == steps { 0.0 } else { mesh_m * 0.07 };
                    let mut wobble = || if bend > 0.0 { rng.random_range(-bend..bend) } else { 0.0 };
                    let p = [a[0] + t * (b[0] - a[0]) + wobble(), a[1] + t * (b[1] - a[1]) + wobble()];
                    [p[0] as f32, p[1] as f32, (width_m * rng.random_range(0.5..1.0)) as f32]
                })
                .collect();
            length_m = length_m.max((b[0] - a[0]).hypot(b[1] - a[1]));
            strokes.push(Stroke { points, ink });
        }
    }
    finish(strokes, length_m)
}

fn finish(strokes: Vec<Stroke>, length_m: f64) -> Option<Crack> {
    let bounds = strokes
        .iter()
        .flat_map(|s| &s.points)
        .map(|[s, a, _]| LiningBox {
            chainage_min_m: f64::from(*s),
            chainage_max_m: f64::from(*s),
            arc_min_m: f64::from(*a),
            arc_max_m: f64::from(*a),
        })
        .reduce(|a, b| a.union(&b))?;
    Some(Crack { strokes, bounds, length_m })
}
