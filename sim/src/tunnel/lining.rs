//! The lining's appearance, a function of the place on it and of the pixel that looks.

use super::appearance::{Construction, LiningAppearance};
use super::marks::{Mark, MarkTexture, Surface};
use super::noise::{floor, hash2, mix, unit};
use super::strokes::{Footprint, Ink, Stroke, Strokes};
use super::tile::Tile;

/// Side of the cells through which marks are found, m.
const CELL_M: f32 = 0.25;
/// A crack is labelled where a pixel touches it and it is at least this many pixels wide.
pub const CRACK_LABEL_PX: f32 = 0.25;

/// The sound lining: the same material all along the tunnel.
#[derive(Clone, Debug)]
pub(crate) struct Lining {
    pub(crate) appearance: LiningAppearance,
    pub(crate) concrete: Tile,
    pub(crate) aggregate: Tile,
    pub(crate) clouds: Tile,
}

/// All that is on the lining of one stretch.
#[derive(Clone, Debug)]
pub(crate) struct LiningMarks {
    strokes: Strokes,
    marks: Vec<Mark>,
    origin: [f32; 2],
    size: [usize; 2],
    cells: Vec<Vec<u16>>,
}

impl LiningMarks {
    /// Marks and strokes on a lining from `low` to `high`, `[chainage, arc]`, m. Later marks lie over earlier ones.
    pub(crate) fn new(strokes: &[Stroke], marks: Vec<Mark>, low: [f32; 2], high: [f32; 2]) -> Self {
        let size = [0, 1].map(|k| ((high[k] - low[k]) / CELL_M).ceil().max(1.0) as usize);
        let mut cells = vec![Vec::new(); size[0] * size[1]];
        let cell = |v: f32, k: usize| (((v - low[k]) / CELL_M).floor().max(0.0) as usize).min(size[k] - 1);
        for (n, mark) in marks.iter().enumerate() {
            let [s0, s1, a0, a1] = mark.reach();
            for i in cell(s0, 0)..=cell(s1, 0) {
                for j in cell(a0, 1)..=cell(a1, 1) {
                    cells[i * size[1] + j].push(n as u16);
                }
            }
        }
        Self { strokes: Strokes::new(strokes, low, high), marks, origin: low, size, cells }
    }

    /// Lays marks and strokes over a given surface, whose reflectance is about `base`.
    pub(crate) fn paint(
        &self,
        lining: &Lining,
        place: [f32; 2],
        footprint: &Footprint,
        base: [f32; 3],
        surface: &mut Surface,
    ) {
        let [i, j] = [0, 1].map(|k| (place[k] - self.origin[k]) / CELL_M);
        if i < 0.0 || j < 0.0 || i as usize >= self.size[0] || j as usize >= self.size[1] {
            return;
        }
        let listed = &self.cells[i as usize * self.size[1] + j as usize];
        if !listed.is_empty() {
            let pixel_m = footprint.size_m();
            let texture = MarkTexture { aggregate: &lining.aggregate, base };
            for n in listed {
                let mark = &self.marks[usize::from(*n)];
                let [s0, s1, a0, a1] = mark.reach();
                if (s0..=s1).contains(&place[0]) && (a0..=a1).contains(&place[1]) {
                    mark.paint(place, pixel_m, &texture, surface);
                }
            }
        }
        self.strokes.at(place, footprint, |cover| match cover.ink {
            Ink::Crack { defect, tone } => {
                let before = surface.albedo;
                let keep = mix(1.0, tone, cover.coverage);
                surface.albedo = before.map(|c| c * keep);
                surface.gloss *= 1.0 - cover.coverage;
                if cover.touches && cover.width_px >= CRACK_LABEL_PX {
                    surface.label(Some(defect), 1, before);
                    surface.width_px = cover.width_px;
                }
            }
            Ink::Paint { colour, opacity } => {
                let amount = cover.coverage * opacity;
                for (c, ink) in surface.albedo.iter_mut().zip(colour) {
                    *c = mix(*c, ink, amount);
                }
            }
            Ink::Scratch { tone } => {
                let keep = mix(1.0, tone, cover.coverage);
                surface.albedo = surface.albedo.map(|c| (c * keep).min(0.95));
            }
        });
    }
}

impl Lining {
    /// The lining without marks at a place `[chainage, arc]`, m, as a pixel with this footprint sees it: tone, grain,
    /// joints, holes.
    pub(crate) fn sound(&self, [s, a]: [f32; 2], footprint: &Footprint) -> Surface {
        let appearance = &self.appearance;
        let pixel = footprint.size_m();
        // The grids of the appearance-ups are turned against each other so that no repetition lines up.
        let large = self.clouds.sample(s * 31.0 + a * 4.0, a * 29.0 - s * 5.0, pixel * 31.0);
        let middle = self.clouds.sample(s * 190.0 - a * 120.0, a * 180.0 + s * 110.0, pixel * 220.0);
        let texel = 1.0 / appearance.texel_m;
        let fine = self.concrete.sample(s * texel, a * texel, pixel * texel);
        let run = self.clouds.sample(s * 160.0, a * 11.0, pixel * 120.0);
        let dirt = (run[2] * 0.7 + large[2] * 0.6).max(0.0) * appearance.dirt;
        let tone =
            1.0 + appearance.large * large[0] + appearance.middle * middle[1] + appearance.grain * fine[0]
                - dirt;
        let drift = 0.5 * (large[1] + 0.5 * middle[0]);
        let tone = tone.max(0.12);
        let albedo =
            std::array::from_fn(|c| appearance.base[c] * tone * (1.0 + (appearance.drift[c] - 1.0) * drift));
        let mut surface = Surface::plain(albedo);
        surface.slope = [appearance.relief * fine[1] * 3.0, appearance.relief * fine[2] * 3.0];
        if matches!(appearance.construction, Construction::Painted { .. }) {
            surface.gloss = 0.12;
        }
        self.joints([s, a], footprint, &mut surface);
        surface
    }

    fn joints(&self, [s, a]: [f32; 2], footprint: &Footprint, surface: &mut Surface) {
        let appearance = &self.appearance;
        let (fs, fa) = (extent(footprint, 0), extent(footprint, 1));
        let width = appearance.joint_width_m;
        let mut line = |distance: f32, width: f32, pixel: f32, tone: f32| {
            let keep = mix(1.0, tone, band(distance, width, pixel));
            surface.albedo = surface.albedo.map(|c| (c * keep).min(0.9));
        };
        match appearance.construction {
            Construction::Segments { ring_m, segment_m, pocket_m, pocket_tone } => {
                let (ring, x) = cell_of(s, ring_m);
                let from_ring = x.min(ring_m - x);
                let offset = if ring.rem_euclid(2) == 0 { 0.0 } else { 0.47 * segment_m };
                let (part, y) = cell_of(a + offset, segment_m);
                // Every segment came from its own cast.
                let own = 1.0 + 0.10 * (unit(hash2(ring, part, appearance.seed)) - 0.5);
                line(from_ring, width, fs, appearance.joint_tone);
                // A worn edge on both sides of the joint.
                line(from_ring, width * 3.5, fs, 0.88);
                line(y.min(segment_m - y), width, fa, appearance.joint_tone);
                surface.albedo = surface.albedo.map(|c| c * own);
                let (pocket, z) = cell_of(a + 0.3 * pocket_m, pocket_m);
                if unit(hash2(ring * 2 + i32::from(x * 2.0 > ring_m), pocket, appearance.seed ^ 0xb0)) < 0.93
                {
                    self.pocket(from_ring - 0.17, z - 0.5 * pocket_m, pocket_tone, x * 2.0 < ring_m, surface);
                }
            }
            Construction::Cast { panel_m, board_m, tie_m, ridge } => {
                let (panel, x) = cell_of(s, panel_m);
                let (board, y) = cell_of(a, board_m);
                let own = 1.0 + 0.14 * (unit(hash2(panel, board, appearance.seed)) - 0.5);
                let ridge = 1.0 + ridge;
                line(x.min(panel_m - x), width * 0.6, fs, appearance.joint_tone.max(0.4));
                line(y.min(board_m - y), 0.003, fa, ridge);
                surface.albedo = surface.albedo.map(|c| c * own);
                let (ti, tx) = cell_of(s + 0.31, tie_m);
                let (tj, ty) = cell_of(a + 0.17, tie_m * 1.3);
                let distance = (tx - tie_m * 0.5).hypot(ty - tie_m * 0.65);
                if distance < 0.022 {
                    let filled = unit(hash2(ti, tj, appearance.seed ^ 0x7e)) < 0.5;
                    let (tone, radius) = if filled { (1.22, 0.018) } else { (0.25, 0.012) };
                    let inside = band(distance, 2.0 * radius, fs.max(fa));
                    surface.albedo = surface.albedo.map(|c| (c * mix(1.0, tone, inside)).min(0.9));
                }
            }
            Construction::Painted { joint_m } => {
                let (_, x) = cell_of(s, joint_m);
                line(x.min(joint_m - x), width, fs, appearance.joint_tone.max(0.5));
            }
            Construction::Sprayed => {}
        }
    }

    /// A bolt pocket, deepest towards the ring joint; `x` and `z` from its middle, m.
    fn pocket(&self, x: f32, z: f32, tone: f32, joint_behind: bool, surface: &mut Surface) {
        const HALF: [f32; 2] = [0.085, 0.055];
        let taper = HALF[1] * (0.75 - 0.25 * x / HALF[0]);
        let inside = (HALF[0] - x.abs()).min(taper - z.abs());
        if inside < 0.0 {
            return;
        }
        let rim = (inside / 0.012).min(1.0);
        let deep = 0.5 - 0.5 * x / HALF[0];
        let shade = mix(1.0, mix(1.0, tone, deep), rim);
        surface.albedo = surface.albedo.map(|c| c * shade);
        let towards = if joint_behind { 1.0 } else { -1.0 };
        let side = if taper - z.abs() < HALF[0] - x.abs() { -z.signum() * (1.0 - rim) * 1.5 } else { 0.0 };
        surface.slope = [surface.slope[0] + towards * 0.55 * rim, surface.slope[1] + side];
        // The bolt's end.
        let bolt = (x + HALF[0] * 0.55).hypot(z);
        if bolt < 0.018 {
            surface.albedo = [0.16, 0.15, 0.14].map(|c: f32| c * mix(1.5, 0.5, bolt / 0.018));
            surface.gloss = 0.2;
        }
    }
}

/// Cell of a repeating pattern in which a coordinate lies, and its place there.
fn cell_of(v: f32, size: f32) -> (i32, f32) {
    let n = floor(v / size);
    (n, v - n as f32 * size)
}

/// Share of a pixel, `pixel` m across, that a band of some width about a distance of 0 covers.
fn band(distance: f32, width: f32, pixel: f32) -> f32 {
    let half = pixel / 2.0;
    (((distance + half).min(width / 2.0) - (distance - half).max(-width / 2.0)) / pixel).clamp(0.0, 1.0)
}

/// Extent of a pixel along an axis of the lining, m.
fn extent(footprint: &Footprint, axis: usize) -> f32 {
    (footprint.right[axis].abs() + footprint.down[axis].abs()).max(1e-5)
}
