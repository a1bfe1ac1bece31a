//! Map of the unrolled lining: class scores of all pictures, projected and averaged in cells.

use std::collections::BTreeMap;

use robot_interface::defect::{DefectClass, LiningBox};
use robot_interface::frames::{Camera, Map, Point, Transform};
use robot_interface::sensors::{Intrinsics, RgbImage};
use robot_interface::tunnel::{LiningPoint, TunnelDesign};

use super::defect::{Evidence, FrameId};
use super::profile;
use super::projection::Projection;
use super::severity::SeverityRules;
use super::tuning::Tuning;
use crate::defects::{CLASSES, ClassMap};

/// A pixel larger than this on the lining shows nothing of use, mm.
const COARSEST_MM: f64 = 8.0;
/// A pixel's length across a crack is told over so many pixels to either side, more than the projection's rounding.
const ACROSS_PX: f64 = 16.0;
/// Share of the pixel threshold from which on a pixel is surely a crack, so that its width is measured there.
const MARKED_SHARE: f32 = 1.2;
/// Length by which the map grows along the tunnel, m.
const GROWTH_M: f64 = 20.0;
/// Length on either side of what was seen that the map has at least, m, unless the tunnel ends there: more than any
/// step that looks beside a cell, so that it makes no difference where the map ends.
const MARGIN_M: f64 = 2.0;

/// Coverage of the unrolled lining: how finely each cell was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// Edge of a cell, m.
    pub cell_m: f64,
    /// Cells along the tunnel, and around it.
    pub size: [usize; 2],
    /// `[chainage, arc]` at which the first cell begins, m.
    pub origin_m: [f64; 2],
    /// Finest pixel, mm, `[size[1], size[0]]`; NaN where never seen.
    pub mm_per_px: Vec<f32>,
}

/// A picture that was laid on the lining.
#[derive(Clone, Copy, Debug)]
struct Frame {
    id: FrameId,
    lens: Intrinsics,
    camera_from_map: Transform<Camera, Map>,
}

/// Memory of one cell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    pub(super) weight: f32,
    pub(super) sums: [f32; CLASSES],
    /// Sums of the weighted squares of the scores.
    pub(super) squares: [f32; CLASSES],
    pub(super) views: u16,
    /// Finest pixel, mm; 0 where never seen.
    pub(super) mm_per_px: f32,
    /// Area marked as crack in that view, mm^2.
    pub(super) crack_mm2: f32,
    pub(super) widths: Widths,
}

/// Widths of a crack as pictures told them, weighted by how fine their pixels are. Not by the widths' own errors: those grow with
/// the width, so that the narrow ones would count most.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Widths {
    /// Sum of the weights, mm^-2.
    weight: f32,
    /// Sum of the weighted widths, mm^-1.
    sum: f32,
    /// Sum of the squares of the weighted errors, mm^-2.
    variance: f32,
    /// Sum of the weighted depths.
    depth: f32,
}

impl Widths {
    /// Widths of one, told with one sigma by pixels of a size, all in mm, and how much darker than the wall it is, as share.
    pub(super) fn one(width_mm: f32, sigma_mm: f32, mm_per_px: f32, depth: f32) -> Self {
        let weight = 1.0 / (mm_per_px * mm_per_px);
        Self { weight, sum: weight * width_mm, variance: (weight * sigma_mm).powi(2), depth: weight * depth }
    }

    /// Takes others in.
    pub(super) fn join(&mut self, others: &Self) {
        self.weight += others.weight;
        self.sum += others.sum;
        self.variance += others.variance;
        self.depth += others.depth;
    }

    /// Their mean and one sigma of it, mm; `None` if there are none.
    pub(super) fn mean_mm(&self) -> Option<[f64; 2]> {
        let mean = [self.sum, self.variance.sqrt()].map(|sum| f64::from(sum) / f64::from(self.weight));
        (self.weight > 0.0).then_some(mean)
    }

    /// How much darker than the wall it is in the mean, as share of the wall's brightness; `None` if there are none.
    pub(super) fn mean_depth(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| f64::from(self.depth) / f64::from(self.weight))
    }
}

/// Map of the unrolled lining: class scores of all pictures, averaged in cells. It holds the part of the tunnel that was
/// seen, and grows with it.
#[derive(Clone, Debug)]
pub struct LiningMap {
    pub(super) design: TunnelDesign,
    pub(super) tuning: Tuning,
    pub(super) rules: SeverityRules,
    /// Cells along the whole tunnel.
    columns: usize,
    /// Number of the first column that is held.
    first: usize,
    /// Cells held along the tunnel, and around it.
    pub(super) size: [usize; 2],
    pub(super) cells: Vec<Cell>,
    frames: Vec<Frame>,
}

impl LiningMap {
    /// A lining of which nothing was seen yet.
    pub fn new(design: &TunnelDesign, tuning: Tuning) -> Self {
        let extent = [design.length_m(), 2.0 * design.section.half_arc_m()];
        let [columns, rows] = extent.map(|e| (e / tuning.cell_m).ceil() as usize);
        Self {
            design: design.clone(),
            tuning,
            rules: SeverityRules::default(),
            columns,
            first: 0,
            size: [0, rows],
            cells: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Lays a picture's scores on the lining, seen through `lens` from `map_from_camera`; the picture itself tells how wide
    /// cracks are.
    pub fn add(
        &mut self,
        id: FrameId,
        lens: &Intrinsics,
        map_from_camera: &Transform<Map, Camera>,
        picture: &RgbImage,
        map: &ClassMap,
    ) {
        let Some(view) = Projection::new(&self.design, lens, map_from_camera) else { return };
        self.frames.push(Frame { id, lens: *lens, camera_from_map: map_from_camera.inverse() });
        let Some(range_m) = view.chainages_m() else { return };
        self.hold(range_m);
        let least = (MARKED_SHARE * f32::from(map.thresholds[0])) as u8;
        let widths = self.widths(&view, picture, map.plane(DefectClass::Crack), least.max(1));
        for (index, width) in widths {
            self.cells[index].widths.join(&width);
        }
        let patch = self.gather(&view, map);
        for (index, seen) in patch.into_iter().filter(|(_, seen)| seen.pixels > 0) {
            let cell = &mut self.cells[index];
            let share = 1.0 / seen.pixels as f32;
            let mm = seen.mm * share;
            let weight = 1.0 / (mm * mm).max(0.25);
            cell.weight += weight;
            for class in 0..CLASSES {
                // A crack is thinner than a cell: its strongest pixel speaks, elsewhere the mean does.
                let score =
                    if class == 0 { f32::from(seen.crack) } else { seen.sums[class] as f32 * share } / 255.0;
                cell.sums[class] += weight * score;
                cell.squares[class] += weight * score * score;
            }
            cell.views = cell.views.saturating_add(1);
            if cell.mm_per_px <= 0.0 || mm < cell.mm_per_px {
                cell.mm_per_px = mm;
                cell.crack_mm2 = seen.crack_pixels as f32 * mm * mm;
            }
        }
    }

    /// Grows, if need be, to hold what lies between two chainages, m.
    fn hold(&mut self, [from_m, to_m]: [f64; 2]) {
        let cells = |m: f64| (m / self.tuning.cell_m).ceil().max(0.0) as usize;
        let (margin, growth) = (cells(MARGIN_M), cells(GROWTH_M).next_multiple_of(self.join()));
        let mut wanted = [cells(from_m).saturating_sub(margin), (cells(to_m) + margin).min(self.columns)];
        if wanted[0] >= wanted[1] {
            return;
        }
        let held = [self.first, self.first + self.size[0]];
        if self.size[0] > 0 {
            if held[0] <= wanted[0] && wanted[1] <= held[1] {
                return;
            }
            wanted = [wanted[0].min(held[0]), wanted[1].max(held[1])];
        }
        // In steps, so that it is not copied for every picture.
        let first = wanted[0] / growth * growth;
        let end = (wanted[1].div_ceil(growth) * growth).min(self.columns);
        let (columns, rows) = (end - first, self.size[1]);
        let mut grown = vec![Cell::default(); columns * rows];
        for row in (0..rows).filter(|_| self.size[0] > 0) {
            let before = &self.cells[row * self.size[0]..(row + 1) * self.size[0]];
            let place = row * columns + self.first - first;
            grown[place..place + before.len()].copy_from_slice(before);
        }
        (self.first, self.size, self.cells) = (first, [columns, rows], grown);
    }

    /// The width of cracks for each cell in which the picture tells it; pixels of a score of `least` on are cracks.
    fn widths(
        &self,
        view: &Projection,
        picture: &RgbImage,
        cracks: &[u8],
        least: u8,
    ) -> Vec<(usize, Widths)> {
        let mut by_cell: BTreeMap<usize, Vec<[f64; 4]>> = BTreeMap::new();
        // What is hardly marked lies beside the crack, and would be taken for its run.
        let marks: Vec<u8> = cracks.iter().map(|score| if *score >= least { *score } else { 0 }).collect();
        for profile in profile::profiles(picture, &marks) {
            let [u, v] = profile.pixel;
            let Some((place, mm)) = view.at(u, v).filter(|(_, mm)| *mm <= COARSEST_MM) else { continue };
            let Some(index) = self.index_of(place) else { continue };
            // How long a pixel across the crack is on the lining, by what lies some pixels to either side.
            let beside = |side: f64| {
                let [x, y] =
                    [0, 1].map(|k| f64::from(profile.pixel[k]) + side * ACROSS_PX * profile.across[k]);
                let inside =
                    x >= 0.0 && y >= 0.0 && x < f64::from(picture.width) && y < f64::from(picture.height);
                inside.then(|| view.at(x as u32, y as u32)).flatten()
            };
            let px_mm = match (beside(-1.0), beside(1.0)) {
                (Some(([s0, a0], _)), Some(([s1, a1], _))) => {
                    1e3 * (s1 - s0).hypot(a1 - a0) / (2.0 * ACROSS_PX)
                }
                _ => mm,
            };
            let [width_mm, sigma_mm] = [profile.width_px, profile.sigma_px].map(|px| px * px_mm);
            by_cell.entry(index).or_default().push([width_mm, sigma_mm, px_mm, profile.depth]);
        }
        by_cell
            .into_iter()
            .map(|(index, mut widths)| {
                widths.sort_by(|a, b| a[0].total_cmp(&b[0]));
                let [width_mm, sigma_mm, px_mm, depth] = widths[widths.len() / 2].map(|value| value as f32);
                (index, Widths::one(width_mm, sigma_mm, px_mm, depth))
            })
            .collect()
    }

    /// Scores of one picture for each cell that it shows.
    fn gather(&self, view: &Projection, map: &ClassMap) -> Vec<(usize, Seen)> {
        let (width, height) = (map.width, map.height);
        let planes = DefectClass::VISUAL.map(|class| map.plane(class));
        let threshold = map.thresholds[0];
        let mut found: BTreeMap<usize, Seen> = BTreeMap::new();
        for v in 0..height {
            let mut last: Option<(usize, Seen)> = None;
            for u in 0..width {
                let Some((place, mm)) = view.at(u, v) else { continue };
                let Some(index) = self.index_of(place) else { continue };
                if mm > COARSEST_MM {
                    continue;
                }
                let pixel = (v * width + u) as usize;
                let mut run = match last.take() {
                    Some((at, seen)) if at == index => seen,
                    Some((at, seen)) => {
                        found.entry(at).or_default().join(&seen);
                        Seen::default()
                    }
                    None => Seen::default(),
                };
                run.pixels += 1;
                run.mm += mm as f32;
                let crack = planes[0].get(pixel).copied().unwrap_or(0);
                run.crack = run.crack.max(crack);
                run.crack_pixels += u32::from(crack >= threshold && crack > 0);
                for (sum, plane) in run.sums.iter_mut().zip(&planes) {
                    *sum += u32::from(plane.get(pixel).copied().unwrap_or(0));
                }
                last = Some((index, run));
            }
            if let Some((at, seen)) = last {
                found.entry(at).or_default().join(&seen);
            }
        }
        found.into_iter().collect()
    }

    fn index_of(&self, [chainage_m, arc_m]: [f64; 2]) -> Option<usize> {
        let x = chainage_m / self.tuning.cell_m;
        let y = (arc_m + self.design.section.half_arc_m()) / self.tuning.cell_m;
        let inside = x >= 0.0 && y >= 0.0 && x < self.columns as f64 && y < self.size[1] as f64;
        let column = inside.then(|| (x as usize).checked_sub(self.first)).flatten();
        column.filter(|column| *column < self.size[0]).map(|column| y as usize * self.size[0] + column)
    }

    /// Middle of a cell, `[chainage, arc]`, m.
    pub(super) fn centre_of(&self, index: usize) -> [f64; 2] {
        let (x, y) = (self.first + index % self.size[0], index / self.size[0]);
        [
            (x as f64 + 0.5) * self.tuning.cell_m,
            (y as f64 + 0.5) * self.tuning.cell_m - self.design.section.half_arc_m(),
        ]
    }

    /// Mean score of a cell for a class, 0 to 1.
    pub(super) fn score(&self, index: usize, class: usize) -> f32 {
        let cell = &self.cells[index];
        if cell.weight > 0.0 { cell.sums[class] / cell.weight } else { 0.0 }
    }

    /// How far the views' scores of a cell differ: their standard deviation, 0 to 1.
    pub(super) fn spread(&self, index: usize, class: usize) -> f32 {
        let (cell, mean) = (&self.cells[index], self.score(index, class));
        if cell.weight > 0.0 {
            (cell.squares[class] / cell.weight - mean * mean).max(0.0).sqrt()
        } else {
            0.0
        }
    }

    /// Cells along an edge of a cell of the coverage.
    fn join(&self) -> usize {
        (0.1 / self.tuning.cell_m).round().max(1.0) as usize
    }

    /// Coverage of the part of the tunnel that the map holds, in cells of about 10 cm.
    pub fn coverage(&self) -> Coverage {
        let join = self.join();
        let size = self.size.map(|n| n.div_ceil(join));
        let mut mm_per_px = vec![f32::NAN; size[0] * size[1]];
        for (index, cell) in self.cells.iter().enumerate().filter(|(_, c)| c.mm_per_px > 0.0) {
            let (x, y) = (index % self.size[0] / join, index / self.size[0] / join);
            let best = &mut mm_per_px[y * size[0] + x];
            *best = best.min(cell.mm_per_px);
        }
        let origin_m = [self.first as f64 * self.tuning.cell_m, -self.design.section.half_arc_m()];
        Coverage { cell_m: self.tuning.cell_m * join as f64, size, origin_m, mm_per_px }
    }

    /// Median of the finest pixels on all cells seen, mm; `None` when nothing was seen.
    pub fn median_mm_per_px(&self) -> Option<f64> {
        let mut all: Vec<f32> = self.cells.iter().map(|c| c.mm_per_px).filter(|mm| *mm > 0.0).collect();
        all.sort_by(f32::total_cmp);
        all.get(all.len() / 2).map(|mm| f64::from(*mm))
    }

    /// Share of the lining between two chainages (m) that some picture showed, 0 to 1.
    pub fn covered_share(&self, from_m: f64, to_m: f64) -> f64 {
        let column = |m: f64| ((m / self.tuning.cell_m) as usize).min(self.columns);
        let (first, last) = (column(from_m), column(to_m));
        let all = last.saturating_sub(first) * self.size[1];
        let held = |column: usize| column.clamp(self.first, self.first + self.size[0]) - self.first;
        let rows = (0..self.size[1])
            .map(|y| &self.cells[y * self.size[0] + held(first)..y * self.size[0] + held(last)]);
        let seen: usize = rows.map(|row| row.iter().filter(|c| c.mm_per_px > 0.0).count()).sum();
        if all > 0 { seen as f64 / all as f64 } else { 0.0 }
    }

    /// The picture in which a place shows best: finest, and with the whole box inside if any has it so.
    pub(super) fn evidence(&self, bounds: &LiningBox) -> Option<Evidence> {
        let corners = [
            [bounds.chainage_min_m, bounds.arc_min_m],
            [bounds.chainage_max_m, bounds.arc_min_m],
            [bounds.chainage_min_m, bounds.arc_max_m],
            [bounds.chainage_max_m, bounds.arc_max_m],
        ];
        let point = |[chainage_m, arc_m]: [f64; 2]| {
            self.design.to_map(self.design.lining_to_tunnel(LiningPoint { chainage_m, arc_m }))
        };
        let (centre, corners) = (point(bounds.centre()), corners.map(point));
        let mut best: Option<(f64, Evidence)> = None;
        for frame in &self.frames {
            let (w, h) = (f64::from(frame.lens.width), f64::from(frame.lens.height));
            let see = |p: Point<Map>| frame.lens.project((frame.camera_from_map * p).coords.coords);
            let Some([cu, cv]) = see(centre).filter(|[u, v]| (0.0..w).contains(u) && (0.0..h).contains(v))
            else {
                continue;
            };
            let (mut low, mut high) = ([cu, cv], [cu, cv]);
            for [u, v] in corners.iter().filter_map(|p| see(*p)) {
                low = [low[0].min(u), low[1].min(v)];
                high = [high[0].max(u), high[1].max(v)];
            }
            let inside =
                |low: f64, high: f64, end: f64| (high.min(end) - low.max(0.0)) / (high - low).max(1.0);
            let shown = inside(low[0], high[0], w) * inside(low[1], high[1], h);
            let distance = (frame.camera_from_map * centre).coords.coords.norm();
            let quality = shown / distance.max(0.1);
            if best.as_ref().is_none_or(|(q, _)| quality > *q) {
                let clip = |v: f64, end: f64| v.clamp(0.0, end) as u32;
                let pixels = [clip(low[0], w), clip(low[1], h), clip(high[0], w), clip(high[1], h)];
                best = Some((quality, Evidence { frame: frame.id, pixels }));
            }
        }
        best.map(|(_, evidence)| evidence)
    }
}

/// Scores of one picture for one cell.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    pixels: u32,
    mm: f32,
    crack: u8,
    crack_pixels: u32,
    sums: [u32; CLASSES],
}

impl Seen {
    fn join(&mut self, other: &Self) {
        self.pixels += other.pixels;
        self.mm += other.mm;
        self.crack = self.crack.max(other.crack);
        self.crack_pixels += other.crack_pixels;
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
    }
}
