//! Appearance of a lining: its construction and its ageing, drawn from the seed over the widest range that tunnels
//! show.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use robot_interface::tunnel::SectionShape;

use super::description::LiningType;
use super::tile::{Tile, periodic_cells, periodic_fbm};

/// Side of the concrete's texture, texels.
const CONCRETE_TEXELS: usize = 512;

/// Construction of the lining, with the dimensions that repeat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Construction {
    /// Rings of segments with bolt pockets every `pocket_m` beside the ring joints.
    Segments { ring_m: f32, segment_m: f32, pocket_m: f32, pocket_tone: f32 },
    /// Formwork panels along the tunnel, boards around it, and tie holes.
    Cast { panel_m: f32, board_m: f32, tie_m: f32, ridge: f32 },
    /// A coat of paint over anything, with few joints.
    Painted { joint_m: f32 },
    /// Sprayed concrete.
    Sprayed,
}

/// Appearance of a lining.
#[derive(Clone, Debug)]
pub(crate) struct LiningAppearance {
    pub(crate) construction: Construction,
    /// Mean reflectance.
    pub(crate) base: [f32; 3],
    /// Tone at the other end of the large clouds.
    pub(crate) drift: [f32; 3],
    /// Strength of clouds of metres, of decimetres, of grain, and of run-down dirt.
    pub(crate) large: f32,
    pub(crate) middle: f32,
    pub(crate) grain: f32,
    pub(crate) dirt: f32,
    /// Strength of the relief.
    pub(crate) relief: f32,
    /// Width and tone of joints.
    pub(crate) joint_width_m: f32,
    pub(crate) joint_tone: f32,
    /// Size of a texel of the concrete's texture, m.
    pub(crate) texel_m: f32,
    pub(crate) seed: u32,
}

impl LiningAppearance {
    /// Draws one of a type.
    pub(crate) fn draw(wanted: LiningType, shape: SectionShape, rng: &mut ChaCha8Rng) -> Self {
        let chosen = match wanted {
            LiningType::Any => match (shape, rng.random_range(0..10)) {
                (SectionShape::Circular { .. }, 0..=5) => LiningType::Segments,
                (_, 6 | 7) => LiningType::Painted,
                (_, 9) => LiningType::Sprayed,
                _ => LiningType::Cast,
            },
            other => other,
        };
        let painted = chosen == LiningType::Painted;
        let bright: f32 = if painted { rng.random_range(0.35..0.72) } else { rng.random_range(0.13..0.46) };
        // Concrete ranges from yellowish over grey to slightly blue or green.
        let [warm, green]: [f32; 2] = [rng.random_range(-0.07..0.16), rng.random_range(-0.02..0.05)];
        let base = [bright * (1.0 + warm), bright * (1.0 + green), bright * (1.0 - warm)];
        let turn: f32 = rng.random_range(-0.12..0.12);
        let construction = match chosen {
            LiningType::Segments => Construction::Segments {
                ring_m: rng.random_range(1.0..2.0),
                segment_m: rng.random_range(1.4..2.6),
                pocket_m: rng.random_range(0.5..1.1),
                pocket_tone: rng.random_range(0.4..0.85),
            },
            LiningType::Painted => Construction::Painted { joint_m: rng.random_range(2.0..6.0) },
            LiningType::Sprayed => Construction::Sprayed,
            LiningType::Cast | LiningType::Any => Construction::Cast {
                panel_m: rng.random_range(1.0..2.5),
                board_m: if rng.random_bool(0.5) {
                    rng.random_range(0.1..0.25)
                } else {
                    rng.random_range(0.6..1.4)
                },
                tie_m: rng.random_range(0.5..0.9),
                ridge: rng.random_range(-0.45..0.25),
            },
        };
        let calm = if painted { 0.35 } else { 1.0 };
        Self {
            construction,
            base,
            drift: [1.0 + turn, 1.0, 1.0 - turn],
            large: calm * rng.random_range(0.08..0.30),
            middle: calm * rng.random_range(0.06..0.26),
            grain: calm * rng.random_range(0.06..0.34),
            dirt: rng.random_range(0.0f32..0.28),
            relief: if chosen == LiningType::Sprayed {
                rng.random_range(0.5..1.0)
            } else {
                calm * rng.random_range(0.04..0.3)
            },
            joint_width_m: rng.random_range(0.004..0.014),
            joint_tone: if rng.random_bool(0.8) {
                rng.random_range(0.15..0.6)
            } else {
                rng.random_range(1.2..1.6)
            },
            texel_m: rng.random_range(0.0011..0.0021),
            seed: rng.random(),
        }
    }

    /// The lining's fine structure: `[tone, slope along, slope across, pore]`.
    pub(crate) fn concrete(&self, rng: &mut ChaCha8Rng) -> Tile {
        let n = CONCRETE_TEXELS;
        let rough = matches!(self.construction, Construction::Sprayed);
        let (pores, dense) = (rng.random_range(14..48), rng.random_range(0.05f32..0.5));
        let (first, gain) = if rough { (8, 0.62) } else { (16, rng.random_range(0.6..0.85)) };
        let seed: u32 = rng.random();
        let mut height = vec![0.0f32; n * n];
        let mut tone = vec![[0.0f32; 2]; n * n];
        for y in 0..n {
            for x in 0..n {
                let fine = periodic_fbm(x, y, n, first, gain, seed);
                let (d, _, id) = periodic_cells(x, y, n, pores, seed ^ 0xace);
                // Bug holes: air that stayed at the form, dark and of any size.
                let chance = (id & 0xffff) as f32 / 65536.0;
                let radius = if chance < dense { 0.04 + 0.26 * (chance / dense).powi(3) } else { 0.0 };
                let pore = ((radius - d) * 14.0).clamp(0.0, 1.0);
                height[y * n + x] = fine - 1.2 * pore;
                tone[y * n + x] = [fine - 0.9 * pore, pore];
            }
        }
        Tile::new(n, |x, y| {
            let at = |x: usize, y: usize| height[y % n * n + x % n];
            let [t, pore] = tone[y * n + x];
            [t, (at(x + 1, y) - at(x + n - 1, y)) * 0.5, (at(x, y + 1) - at(x, y + n - 1)) * 0.5, pore]
        })
    }

    /// Broken aggregate: `[tone, slope along, slope across, grain]`.
    pub(crate) fn aggregate(rng: &mut ChaCha8Rng) -> Tile {
        const N: usize = 256;
        let seed: u32 = rng.random();
        let mut height = vec![0.0f32; N * N];
        let mut tone = vec![[0.0f32; 2]; N * N];
        for y in 0..N {
            for x in 0..N {
                let (near, next, id) = periodic_cells(x, y, N, 42, seed);
                let stone = ((next - near) * 2.2).min(1.0);
                let own = (id >> 8 & 0xff) as f32 / 255.0 - 0.5;
                let fine = periodic_fbm(x, y, N, 32, 0.8, seed ^ 0xf00d);
                let in_paste = f32::from(id & 0x3 == 0);
                height[y * N + x] = (1.0 - in_paste) * stone + 0.4 * fine;
                tone[y * N + x] =
                    [(1.0 - in_paste) * own * 1.3 * stone - 0.35 * (1.0 - stone) + 0.35 * fine, fine];
            }
        }
        Tile::new(N, |x, y| {
            let at = |x: usize, y: usize| height[y % N * N + x % N];
            let [t, fine] = tone[y * N + x];
            [t, (at(x + 1, y) - at(x + N - 1, y)) * 0.5, (at(x, y + 1) - at(x, y + N - 1)) * 0.5, fine]
        })
    }

    /// Large soft clouds: four independent channels.
    pub(crate) fn clouds(rng: &mut ChaCha8Rng) -> Tile {
        const N: usize = 256;
        let seed: u32 = rng.random();
        Tile::new(N, |x, y| {
            std::array::from_fn(|c| periodic_fbm(x, y, N, 6, 0.6, seed ^ (c as u32 * 0x1357)))
        })
    }
}
