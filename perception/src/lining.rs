//! Pictures laid on the unrolled lining, and what is wrong with it.
//!
//! Every picture's class scores are projected, by the estimated pose, onto the designed lining and averaged
//! there over all views, each weighted by how finely it saw the place. Defects are connected areas of that
//! average, so that a defect seen in five pictures is one defect. Things that stand before the lining, such as
//! brackets, are placed where the line of sight through them meets the lining.

mod clean;
mod detect;
mod measure;
mod severity;

use nalgebra::{Point3, Vector3};
use robot_interface::defect::{DefectClass, LiningBox};
use robot_interface::frames::{Camera, Map, Point, Transform};
use robot_interface::sensors::Intrinsics;
use robot_interface::tunnel::{LiningPoint, TunnelDesign};

use crate::defects::{CLASSES, ClassMap};
pub use severity::{SeverityRules, SeverityStep};

/// Number that the caller gave a picture.
pub type FrameId = u32;

/// Pixels between two rays of the projection; between them it is interpolated.
const RAY_STEP: u32 = 16;
/// Furthest lining that a picture is used for, m.
const REACH_M: f64 = 6.0;
/// A pixel larger than this on the lining shows nothing of use, mm.
const COARSEST_MM: f64 = 8.0;

/// What decides how scores become defects. One set for all tunnels, chosen for these weights on seeds 101 to 103 of
/// three sections (`adit campaign --eyes-only`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// Edge of a cell on the lining, m.
    pub cell_m: f64,
    /// Pictures that must have shown a place: what only one shows may be a reflection.
    pub least_views: u16,
    /// Longer side of the smallest part of a picture that counts, pixels, by class.
    pub least_part_px: [usize; CLASSES],
    /// Least mean score of a defect's best cell and of every one of its cells, 0 to 1, by class as in
    /// [`DefectClass::VISUAL`].
    pub scores: [[f32; 2]; CLASSES],
    /// Least mean score of a defect's cells, by class.
    pub least_mean: [f32; CLASSES],
    /// Gap between parts of one defect, m, by class.
    pub gap_m: [f64; CLASSES],
    /// Least extent (the longer side) of a defect, m, by class.
    pub least_extent_m: [f64; CLASSES],
    /// Least shorter side of a defect's box, m, by class: a crack that runs straight along or across the tunnel is
    /// what is left of a joint, and other classes' slivers are edges of things.
    pub least_thickness_m: [f64; CLASSES],
    /// Least area of its cells, m^2, by class.
    pub least_area_m2: [f64; CLASSES],
    /// The narrowest crack that can be found, in pixels.
    pub crack_px: f64,
    /// A crack is at least so many times longer than it is wide as marked: what is not is writing or a painted mark.
    pub crack_slenderness: f64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            cell_m: 0.02,
            least_views: 2,
            least_part_px: [30, 20, 15, 12],
            scores: [[0.4, 0.15], [0.45, 0.35], [0.75, 0.55], [0.55, 0.45]],
            least_mean: [0.15, 0.4, 0.55, 0.45],
            gap_m: [0.08, 0.1, 0.08, 0.12],
            least_extent_m: [0.25, 0.15, 0.08, 0.1],
            least_thickness_m: [0.07, 0.06, 0.06, 0.07],
            least_area_m2: [0.001, 0.006, 0.004, 0.004],
            crack_px: 0.5,
            crack_slenderness: 40.0,
        }
    }
}

/// A defect on the lining.
#[derive(Clone, Debug, PartialEq)]
pub struct Defect {
    /// What it is.
    pub class: DefectClass,
    /// Its extent.
    pub bounds: LiningBox,
    /// Its middle.
    pub centre: LiningPoint,
    /// Clock position of its middle, hours in [0, 12).
    pub clock_h: f64,
    /// Its longest extent, of a crack along itself, m.
    pub length_m: f64,
    /// Width of a crack, mm: an estimate from the area that the network marked, good to a pixel or so.
    pub width_mm: Option<f64>,
    /// Area, m^2.
    pub area_m2: f64,
    /// Temperature, of a cable joint, degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Mean score of its cells, 0 to 1.
    pub score: f64,
    /// Pictures in which its middle was seen.
    pub views: u32,
    /// Finest pixel on it, mm.
    pub mm_per_px: Option<f64>,
    /// Severity and kind as inspectors write them, such as `CR2`.
    pub code: String,
    /// A crack's run, or an outline whose first point comes again at the end: `[chainage, arc]`, m.
    pub outline: Vec<[f64; 2]>,
    /// The picture that shows it best.
    pub evidence: Option<Evidence>,
}

/// Where a defect is in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The picture.
    pub frame: FrameId,
    /// `[left, top, right, bottom]`, pixels, within the picture.
    pub pixels: [u32; 4],
}

/// How finely each cell of the unrolled lining was seen.
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

/// One cell's memory.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    weight: f32,
    sums: [f32; CLASSES],
    views: u16,
    /// Finest pixel, mm; 0 where never seen.
    mm_per_px: f32,
    /// Area marked as crack in that view, mm^2.
    crack_mm2: f32,
}

/// The unrolled lining with all that was seen on it.
#[derive(Clone, Debug)]
pub struct LiningMap {
    design: TunnelDesign,
    tuning: Tuning,
    rules: SeverityRules,
    size: [usize; 2],
    cells: Vec<Cell>,
    frames: Vec<Frame>,
}

impl LiningMap {
    /// A lining of which nothing was seen yet.
    pub fn new(design: &TunnelDesign, tuning: Tuning) -> Self {
        let extent = [design.length_m(), 2.0 * design.section.half_arc_m()];
        let size = extent.map(|e| (e / tuning.cell_m).ceil() as usize);
        Self {
            design: design.clone(),
            tuning,
            rules: SeverityRules::default(),
            size,
            cells: vec![Cell::default(); size[0] * size[1]],
            frames: Vec::new(),
        }
    }

    /// Lays a picture's scores on the lining, seen through `lens` from `map_from_camera`.
    pub fn add(
        &mut self,
        id: FrameId,
        lens: &Intrinsics,
        map_from_camera: &Transform<Map, Camera>,
        map: &ClassMap,
    ) {
        let Some(view) = View::new(&self.design, lens, map_from_camera) else { return };
        self.frames.push(Frame { id, lens: *lens, camera_from_map: map_from_camera.inverse() });
        let patch = self.gather(&view, map);
        for (index, seen) in patch.into_iter().filter(|(_, seen)| seen.pixels > 0) {
            let cell = &mut self.cells[index];
            let share = 1.0 / seen.pixels as f32;
            let mm = seen.mm * share;
            let weight = 1.0 / (mm * mm).max(0.25);
            cell.weight += weight;
            // A crack is thinner than a cell: its strongest pixel speaks, elsewhere the mean does.
            cell.sums[0] += weight * f32::from(seen.crack) / 255.0;
            for class in 1..CLASSES {
                cell.sums[class] += weight * seen.sums[class] as f32 * share / 255.0;
            }
            cell.views = cell.views.saturating_add(1);
            if cell.mm_per_px <= 0.0 || mm < cell.mm_per_px {
                cell.mm_per_px = mm;
                cell.crack_mm2 = seen.crack_pixels as f32 * mm * mm;
            }
        }
    }

    /// What one picture says of each cell that it shows.
    fn gather(&self, view: &View, map: &ClassMap) -> Vec<(usize, Seen)> {
        let (width, height) = (map.width, map.height);
        let planes: [Vec<u8>; CLASSES] = std::array::from_fn(|i| {
            let plane = map.plane(DefectClass::VISUAL[i]);
            clean::clean(plane, width as usize, map.thresholds[i], self.tuning.least_part_px[i])
        });
        let threshold = map.thresholds[0];
        let mut found: std::collections::BTreeMap<usize, Seen> = std::collections::BTreeMap::new();
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
        let inside = x >= 0.0 && y >= 0.0 && x < self.size[0] as f64 && y < self.size[1] as f64;
        inside.then(|| y as usize * self.size[0] + x as usize)
    }

    /// Middle of a cell, `[chainage, arc]`, m.
    fn centre_of(&self, index: usize) -> [f64; 2] {
        let (x, y) = (index % self.size[0], index / self.size[0]);
        [
            (x as f64 + 0.5) * self.tuning.cell_m,
            (y as f64 + 0.5) * self.tuning.cell_m - self.design.section.half_arc_m(),
        ]
    }

    /// Mean score of a cell for a class, 0 to 1.
    fn score(&self, index: usize, class: usize) -> f32 {
        let cell = &self.cells[index];
        if cell.weight > 0.0 { cell.sums[class] / cell.weight } else { 0.0 }
    }

    /// All defects seen so far, by chainage.
    pub fn defects(&self) -> Vec<Defect> {
        let mut defects: Vec<Defect> =
            detect::components(self).iter().map(|part| measure::measure(self, part)).collect();
        let slender =
            |d: &Defect| d.width_mm.is_none_or(|mm| mm * self.tuning.crack_slenderness <= 1e3 * d.length_m);
        defects.retain(slender);
        defects.sort_by(|a, b| {
            a.centre
                .chainage_m
                .total_cmp(&b.centre.chainage_m)
                .then(a.centre.arc_m.total_cmp(&b.centre.arc_m))
        });
        defects
    }

    /// How finely each place was seen, in cells of about 10 cm.
    pub fn coverage(&self) -> Coverage {
        let join = (0.1 / self.tuning.cell_m).round().max(1.0) as usize;
        let size = self.size.map(|n| n.div_ceil(join));
        let mut mm_per_px = vec![f32::NAN; size[0] * size[1]];
        for (index, cell) in self.cells.iter().enumerate().filter(|(_, c)| c.mm_per_px > 0.0) {
            let (x, y) = (index % self.size[0] / join, index / self.size[0] / join);
            let best = &mut mm_per_px[y * size[0] + x];
            *best = best.min(cell.mm_per_px);
        }
        let origin_m = [0.0, -self.design.section.half_arc_m()];
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
        let column = |m: f64| ((m / self.tuning.cell_m) as usize).min(self.size[0]);
        let (first, last) = (column(from_m), column(to_m));
        let rows = (0..self.size[1]).map(|y| &self.cells[y * self.size[0] + first..y * self.size[0] + last]);
        let (mut seen, mut all) = (0, 0);
        for row in rows {
            seen += row.iter().filter(|c| c.mm_per_px > 0.0).count();
            all += row.len();
        }
        if all > 0 { seen as f64 / all as f64 } else { 0.0 }
    }

    /// The picture in which a place shows best: finest, and with the whole box inside if any has it so.
    fn evidence(&self, bounds: &LiningBox) -> Option<Evidence> {
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

/// What one picture says of one cell.
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

/// Where the pixels of a picture lie on the lining: rays on a grid, interpolated between.
struct View {
    columns: u32,
    /// `[chainage, arc]`, m, at pixel `RAY_STEP * [i, j]`; `None` where the ray leaves the tunnel.
    nodes: Vec<Option<Node>>,
}

#[derive(Clone, Copy)]
struct Node {
    place: [f64; 2],
    /// Size of a pixel across the line of sight and along the lining, geometric mean, mm.
    mm: f64,
}

impl View {
    /// `None` when nothing of the lining is in view.
    fn new(
        design: &TunnelDesign,
        lens: &Intrinsics,
        map_from_camera: &Transform<Map, Camera>,
    ) -> Option<Self> {
        let columns = lens.width.div_ceil(RAY_STEP) + 1;
        let rows = lens.height.div_ceil(RAY_STEP) + 1;
        let eye = Point::from_coords(map_from_camera.origin());
        let rotation = map_from_camera.rotation();
        let mut nodes = Vec::with_capacity((columns * rows) as usize);
        for j in 0..rows {
            for i in 0..columns {
                let ahead = lens.ray(f64::from(i * RAY_STEP), f64::from(j * RAY_STEP));
                nodes.push(cast(design, lens, eye, rotation * ahead));
            }
        }
        nodes.iter().any(Option::is_some).then_some(Self { columns, nodes })
    }

    /// Place and pixel size (mm) at the middle of a pixel.
    fn at(&self, u: u32, v: u32) -> Option<([f64; 2], f64)> {
        let (i, j) = (u / RAY_STEP, v / RAY_STEP);
        let at = (j * self.columns + i) as usize;
        let next = at + self.columns as usize;
        let [a, b] = [self.nodes[at]?, self.nodes[at + 1]?];
        let [c, d] = [self.nodes[next]?, self.nodes[next + 1]?];
        let part = |p: u32| (f64::from(p % RAY_STEP) + 0.5) / f64::from(RAY_STEP);
        let (s, t) = (part(u), part(v));
        let blend = |a: f64, b: f64, c: f64, d: f64| {
            (1.0 - t) * ((1.0 - s) * a + s * b) + t * ((1.0 - s) * c + s * d)
        };
        let axis = |k: usize| blend(a.place[k], b.place[k], c.place[k], d.place[k]);
        Some(([axis(0), axis(1)], blend(a.mm, b.mm, c.mm, d.mm)))
    }
}

/// Where a line of sight meets the lining.
fn cast(design: &TunnelDesign, lens: &Intrinsics, eye: Point<Map>, ahead: Vector3<f64>) -> Option<Node> {
    let direction = ahead.normalize();
    let distance_m = design.raycast(eye, direction, REACH_M)?;
    let hit = Point::from_coords(Point3::from(eye.coords.coords + direction * distance_m));
    let tunnel = design.to_tunnel(hit);
    let angle = design.section.angle_of(tunnel.left_m, tunnel.up_m);
    // Below the lining's foot is floor.
    if angle.abs() > design.section.floor_angle_rad() {
        return None;
    }
    let place = design.to_lining(tunnel);
    let [left, up] = design.section.inward_normal_at(angle);
    let (sin, cos) = design.alignment.pose_at(tunnel.chainage_m).heading_rad.sin_cos();
    let normal = Vector3::new(-sin * left, cos * left, up);
    let cosine = direction.dot(&normal).abs().max(0.05);
    let mm = 1e3 * distance_m / lens.focal_px / cosine.sqrt();
    Some(Node { place: [place.chainage_m, place.arc_m], mm })
}

/// A point on the lining along a line of sight, for what is seen as a single spot.
pub(crate) fn spot(design: &TunnelDesign, eye: Point<Map>, ahead: Vector3<f64>) -> Option<LiningPoint> {
    let distance_m = design.raycast(eye, ahead.normalize(), REACH_M)?;
    let hit = Point::from_coords(Point3::from(eye.coords.coords + ahead.normalize() * distance_m));
    Some(design.to_lining(design.to_tunnel(hit)))
}

#[cfg(test)]
mod tests;
