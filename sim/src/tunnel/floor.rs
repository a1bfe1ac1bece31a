//! The floor: cross-fall, unevenness, sills, a walkway and puddles, as a height over tunnel coordinates.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use robot_interface::tunnel::TunnelDesign;

use super::description::FloorDescription;
use super::layout::{BEYOND_M, CLEAR_M, PASSAGE_M, count};
use super::noise::{fbm, smoothstep};
use super::solids::{Material, Solids, map_point};
use super::span::Span;
use crate::geometry::Shape;

/// Side of the mesh's cells, m.
const CELL_M: f64 = 0.05;
/// Half the width over which a step's or kerb's face is drawn, m.
const FACE_M: f64 = 0.002;
/// Distances from a sill's beginning and from a puddle's middle beyond which neither reaches, m: above the longest sill
/// with its faces, and the longest half axis with its ragged edge.
const SILL_REACH_M: f64 = 1.7;
const PUDDLE_REACH_M: f64 = 0.9;

/// A stretch of raised floor across the tunnel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sill {
    /// Its beginning and end, chainage in m.
    pub chainage_m: [f64; 2],
    /// Its height, m.
    pub height_m: f64,
}

/// Standing water.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Puddle {
    /// Its middle, `[chainage, left]`, m.
    pub centre_m: [f64; 2],
    /// Its half axes, `[along, across]`, m.
    pub radii_m: [f64; 2],
}

/// The floor's shape.
#[derive(Clone, Debug)]
pub struct Floor {
    /// Half of the floor's width, m.
    pub half_width_m: f64,
    /// Place of the walkway's kerb, m left of the axis, and its height, m; `None` without a walkway.
    pub walkway: Option<[f64; 2]>,
    /// Sills, by chainage.
    pub sills: Vec<Sill>,
    /// Puddles, by chainage.
    pub puddles: Vec<Puddle>,
    length_m: f64,
    cross_fall: f64,
    roughness_m: f64,
    seed: u32,
}

impl Floor {
    /// The floor of one stretch. `seed` is that of the unevenness, which runs on through all stretches; the first one
    /// draws it.
    pub(crate) fn generate(
        design: &TunnelDesign,
        wanted: &FloorDescription,
        span: Span,
        seed: Option<u32>,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let half_width_m = design.section.floor_half_width_m();
        let [width, height] = [wanted.walkway_width_m.get(), wanted.walkway_height_m.get()];
        // The walkway may not take the room in which the robot passes with some freedom.
        let roomy = 2.0 * half_width_m - width >= 1.3 && half_width_m - width >= PASSAGE_M / 2.0 + 0.05;
        let walkway = (height > 0.0 && roomy).then_some([half_width_m - width, height]);
        let usable = span.between(CLEAR_M + 0.5, 0.5);
        let mut sills: Vec<Sill> = Vec::new();
        for _ in 0..count(wanted.steps_per_10_m.get(), span.length_m(), rng) {
            let length = rng.random_range(0.6..1.6);
            if usable[1] - usable[0] < length + 0.1 {
                continue;
            }
            let from = rng.random_range(usable[0]..usable[1] - length);
            let height_m = wanted.step_height_m.get() * rng.random_range(0.5..=1.0);
            let apart = |s: &Sill| from > s.chainage_m[1] + 1.0 || from + length < s.chainage_m[0] - 1.0;
            if sills.iter().all(apart) {
                sills.push(Sill { chainage_m: [from, from + length], height_m });
            }
        }
        sills.sort_by(|a, b| a.chainage_m[0].total_cmp(&b.chainage_m[0]));
        let mut floor = Self {
            half_width_m,
            walkway,
            sills,
            puddles: Vec::new(),
            length_m: design.length_m(),
            cross_fall: wanted.cross_fall_percent.get() / 100.0,
            roughness_m: wanted.roughness_m.get(),
            seed: seed.unwrap_or_else(|| rng.random()),
        };
        for _ in 0..count(wanted.puddles_per_10_m.get(), span.length_m(), rng) {
            let radii_m = [rng.random_range(0.2..0.7), rng.random_range(0.15..0.45)];
            let [right, left] = floor.carriageway_m();
            let chainage = [usable[0] + radii_m[0], usable[1] - radii_m[0]];
            let across = [right + radii_m[1], left - radii_m[1]];
            if chainage[0] >= chainage[1] || across[0] >= across[1] {
                continue;
            }
            let centre_m =
                [rng.random_range(chainage[0]..chainage[1]), rng.random_range(across[0]..across[1])];
            let on_sill = |s: &Sill| {
                centre_m[0] + radii_m[0] > s.chainage_m[0] - 0.1
                    && centre_m[0] - radii_m[0] < s.chainage_m[1] + 0.1
            };
            let on_puddle =
                |p: &Puddle| (p.centre_m[0] - centre_m[0]).abs() < p.radii_m[0] + radii_m[0] + 0.2;
            if !floor.sills.iter().any(on_sill) && !floor.puddles.iter().any(on_puddle) {
                floor.puddles.push(Puddle { centre_m, radii_m });
            }
        }
        floor.puddles.sort_by(|a, b| a.centre_m[0].total_cmp(&b.centre_m[0]));
        floor
    }

    /// The same floor with the sills and puddles of following stretches.
    pub(crate) fn joined<'a>(&self, following: impl Iterator<Item = &'a Self>) -> Self {
        let mut joined = self.clone();
        for floor in following {
            joined.sills.extend(&floor.sills);
            joined.puddles.extend(&floor.puddles);
        }
        joined
    }

    pub(crate) const fn seed(&self) -> u32 {
        self.seed
    }

    /// The floor between walls and kerb: from `[0]` to `[1]`, m left of the axis.
    pub fn carriageway_m(&self) -> [f64; 2] {
        [-self.half_width_m, self.walkway.map_or(self.half_width_m, |[kerb, _]| kerb)]
    }

    /// Height above the design floor, m.
    pub fn height_m(&self, chainage_m: f64, left_m: f64) -> f64 {
        match self.puddle_at(chainage_m, left_m) {
            Some(p) => self.dry_height_m(p.centre_m[0], p.centre_m[1]),
            None => self.dry_height_m(chainage_m, left_m),
        }
    }

    /// The puddle that covers a place.
    pub fn puddle_at(&self, chainage_m: f64, left_m: f64) -> Option<&Puddle> {
        near(&self.puddles, |p| p.centre_m[0], chainage_m, [PUDDLE_REACH_M; 2]).iter().find(|p| {
            let [u, v] =
                [(chainage_m - p.centre_m[0]) / p.radii_m[0], (left_m - p.centre_m[1]) / p.radii_m[1]];
            let ragged = f64::from(fbm(chainage_m as f32 * 4.0, left_m as f32 * 4.0, 2, self.seed ^ 0x77));
            u * u + v * v < 1.0 + 0.35 * ragged
        })
    }

    fn dry_height_m(&self, chainage_m: f64, left_m: f64) -> f64 {
        // Both ends are clear and flat: the robot starts and lies down there.
        let inside = (chainage_m - CLEAR_M).min(self.length_m - CLEAR_M - chainage_m);
        let ramp = f64::from(smoothstep(0.0, 1.0, inside as f32));
        let rough = f64::from(fbm(chainage_m as f32 * 2.3, left_m as f32 * 2.3, 4, self.seed));
        let sills = near(&self.sills, |s| s.chainage_m[0], chainage_m, [SILL_REACH_M, FACE_M]);
        let sill: f64 = sills.iter().map(|s| s.height_m * step(chainage_m, s.chainage_m)).sum();
        let fall = self.cross_fall * left_m;
        match self.walkway {
            Some([kerb, height]) => {
                let on = ((left_m - kerb) / (2.0 * FACE_M) + 0.5).clamp(0.0, 1.0);
                let rough_here = rough * (1.0 - 0.7 * on);
                let floor = ramp * (fall + rough_here * self.roughness_m / 2.0 + sill * (1.0 - on));
                floor * (1.0 - on) + on * (height + ramp * rough_here * self.roughness_m / 2.0)
            }
            None => ramp * (fall + rough * self.roughness_m / 2.0 + sill),
        }
    }

    /// Adds the mesh of one stretch. Two stretches have the corners at their border in common, to the bit.
    pub(crate) fn build(&self, design: &TunnelDesign, span: Span, solids: &mut Solids) {
        let chainages = self.stations(span);
        let lefts = self.offsets();
        let columns = lefts.len();
        let mut vertices = Vec::with_capacity(chainages.len() * columns);
        for s in &chainages {
            for left in &lefts {
                let p = map_point(design, [*s, *left, self.height_m(*s, *left)]);
                vertices.push([p.x as f32, p.y as f32, p.z as f32]);
            }
        }
        let (mut dry, mut wet) = (Vec::new(), Vec::new());
        for i in 0..chainages.len() - 1 {
            for j in 0..columns - 1 {
                let a = (i * columns + j) as u32;
                let (b, c, d) = (a + 1, a + columns as u32, a + columns as u32 + 1);
                let middle = [(chainages[i] + chainages[i + 1]) / 2.0, (lefts[j] + lefts[j + 1]) / 2.0];
                let wet_here = self.puddle_at(middle[0], middle[1]).is_some();
                // Offsets grow to the left and chainage ahead: counter-clockwise from above is c before b.
                let list = if wet_here { &mut wet } else { &mut dry };
                list.extend([[a, c, b], [b, c, d]]);
            }
        }
        if !wet.is_empty() {
            let mut kept = Vec::new();
            let mut renamed = vec![u32::MAX; vertices.len()];
            for corner in wet.iter_mut().flatten() {
                let name = &mut renamed[*corner as usize];
                if *name == u32::MAX {
                    *name = kept.len() as u32;
                    kept.push(vertices[*corner as usize]);
                }
                *corner = *name;
            }
            solids.add(Material::Puddle, Shape::Mesh { vertices: kept, indices: wet }, 0.35);
        }
        solids.add(Material::Floor, Shape::Mesh { vertices, indices: dry }, 0.8);
    }

    /// Chainages of the mesh's rows: even, with a pair at each face of a sill.
    fn stations(&self, span: Span) -> Vec<f64> {
        let [low_m, extent_m] = span.low_and_extent(BEYOND_M);
        let rows = (extent_m / CELL_M).round() as usize;
        let mut all: Vec<f64> = (0..=rows).map(|i| low_m + i as f64 * CELL_M).collect();
        if let (Some(end), false) = (all.last_mut(), span.last) {
            *end = span.to_m;
        }
        let faces = self.sills.iter().flat_map(|s| s.chainage_m);
        all.extend(faces.flat_map(|s| [s - FACE_M, s + FACE_M]));
        sorted_apart(all)
    }

    /// Offsets of the mesh's columns, from right to left, with a pair at the kerb.
    fn offsets(&self) -> Vec<f64> {
        let reach = self.half_width_m + 0.1;
        let columns = (2.0 * reach / CELL_M).round() as usize;
        let mut all: Vec<f64> =
            (0..=columns).map(|i| -reach + 2.0 * reach * i as f64 / columns as f64).collect();
        if let Some([kerb, _]) = self.walkway {
            all.extend([kerb - FACE_M, kerb + FACE_M]);
        }
        sorted_apart(all)
    }
}

/// Of things in the order of a chainage of theirs, those that may matter at a place: theirs lies at most `[0]` before it
/// and `[1]` after it, m.
fn near<T>(
    sorted: &[T],
    chainage_of: impl Fn(&T) -> f64,
    chainage_m: f64,
    [before_m, after_m]: [f64; 2],
) -> &[T] {
    let first = sorted.partition_point(|t| chainage_of(t) < chainage_m - before_m);
    let end = sorted.partition_point(|t| chainage_of(t) <= chainage_m + after_m);
    &sorted[first..end.max(first)]
}

/// 1 between two chainages, 0 outside, with steep faces.
fn step(chainage_m: f64, [from, to]: [f64; 2]) -> f64 {
    let inside = (chainage_m - from).min(to - chainage_m);
    (inside / (2.0 * FACE_M) + 0.5).clamp(0.0, 1.0)
}

fn sorted_apart(mut all: Vec<f64>) -> Vec<f64> {
    all.sort_by(f64::total_cmp);
    all.dedup_by(|a, b| (*a - *b).abs() < FACE_M);
    all
}
