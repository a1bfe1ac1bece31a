//! Width of cracks in a picture, from the brightness across them.
//!
//! A mask says where a crack is, not how wide: networks mark a pixel or two too many. Across the crack the picture shows a dark
//! valley, and it tells the width in two ways:
//!
//! - By its edges, where the valley is half as deep as at its deepest, if the crack is much wider than the picture's blur. A
//!   narrower crack's valley is wider than it is by an amount that follows from the blur (Steger 1998, "An unbiased detector of
//!   curvilinear structures", corrects the same bias). How blurred a picture is, its wider cracks' edges tell.
//! - By the light that is missing, which no blur changes: the width times how dark a crack is inside. How dark, the picture's wider
//!   cracks tell. For cracks narrower than the blur, whose edges tell nothing, this alone does.
//!
//! The two are averaged by their errors. A valley whose edges rise more gently than the blur explains is none of a crack.

use std::sync::LazyLock;

use nalgebra::{Matrix2, SymmetricEigen, Vector2};
use robot_interface::sensors::RgbImage;

/// Pixels around a place from whose marks the crack's direction is told.
const DIRECTION_PX: i64 = 8;
/// A direction's marks spread so many times further along than across, as variances.
const ELONGATED: f64 = 1.8;
/// A profile is taken where the middle of the marks around is at most so far away, across, pixels.
const OFF_PX: f64 = 1.5;
/// A profile reaches so far to either side, pixels.
const REACH_PX: f64 = 14.0;
/// Distance of a profile's samples, pixels.
const STEP_PX: f64 = 0.5;
/// Samples of a profile.
const SAMPLES: usize = (2.0 * REACH_PX / STEP_PX) as usize + 1;
/// The wall beside a crack is looked at between these distances from its edges, pixels.
const BESIDE_PX: [f64; 2] = [2.0, 7.0];
/// A valley is deeper than the wall's own unrest by this factor.
const CLEAR: f64 = 3.0;
/// Blur of a picture whose cracks do not tell it, one sigma, pixels: lens, pixels and their interpolation.
const BLUR_PX: f64 = 0.9;
/// Blurs that are believed, pixels.
const BLURS_PX: [f64; 2] = [0.45, 2.5];
/// Error of a blur that cracks told, and of the other, as share of it.
const BLUR_ERRORS: [f64; 2] = [0.12, 0.3];
/// Darkness inside a crack where none of the picture's is wide enough to tell it, as share of the wall's brightness.
const DARKNESS: f64 = 0.72;
/// Error of a darkness that cracks told, and of the other, as share of it.
const DARKNESS_ERRORS: [f64; 2] = [0.12, 0.25];
/// An edge rises over no more pixels than the picture's blur makes of a sharp one, times this: what rises more gently is a stain or
/// a shadow.
const GENTLE: f64 = 1.6;
/// Widths at half depth from which on the middle of a valley is as dark as the crack is, blurs.
const DARK_FROM: f64 = 3.5;
/// From a quarter to three quarters of its depth a blurred sharp edge rises over 1.349 of the blur's sigmas, and there are two.
const SHARP_RISE: f64 = 2.0 * 1.349;
/// Profiles from which a picture's blur or darkness is told.
const MIN_PROFILES: usize = 12;
/// The missing light is summed up so far beyond a valley's edges, pixels.
const BEYOND_PX: f64 = 1.75;

/// A crack's width at one place of its middle line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Profile {
    /// Pixel, column and row.
    pub(super) pixel: [u32; 2],
    /// Unit vector across the crack, in columns and rows.
    pub(super) across: [f64; 2],
    /// Width, pixels; 0 where it cannot be told from a thinner one.
    pub(super) width_px: f64,
    /// One sigma of it, pixels.
    pub(super) sigma_px: f64,
    /// How much darker its middle is than the wall beside it, as share of the wall's brightness.
    pub(super) depth: f64,
}

/// Widths wherever `marks` (`height x width`, 0 where there is none) has a crack that the picture shows as a valley.
pub(super) fn profiles(picture: &RgbImage, marks: &[u8]) -> Vec<Profile> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    if marks.len() != width * height || picture.data.len() != 3 * marks.len() {
        return Vec::new();
    }
    if marks.iter().all(|mark| *mark == 0) {
        return Vec::new();
    }
    let light = Brightness::of(picture);
    let valleys: Vec<(usize, Vector2<f64>, Valley)> = (0..marks.len())
        .filter(|i| marks[*i] > 0)
        .filter_map(|i| {
            let at = [i % width, i / width];
            let across = across(marks, [width, height], at)?;
            Some((i, across, Valley::of(&light.across(at, across))?))
        })
        .collect();
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        (values.len() >= MIN_PROFILES).then(|| values[values.len() / 2])
    };
    let blur = match median(valleys.iter().filter_map(|(_, _, valley)| valley.blur()).collect()) {
        Some(px) => Known { value: px.clamp(BLURS_PX[0], BLURS_PX[1]), error: BLUR_ERRORS[0] },
        None => Known { value: BLUR_PX, error: BLUR_ERRORS[1] },
    };
    let wide =
        valleys.iter().map(|(_, _, valley)| valley).filter(|v| v.widths_px[1] > DARK_FROM * blur.value);
    let darkness = match median(wide.map(|valley| valley.depth).collect()) {
        Some(share) => Known { value: share, error: DARKNESS_ERRORS[0] },
        None => Known { value: DARKNESS, error: DARKNESS_ERRORS[1] },
    };
    let profile = |(i, across, valley): (usize, Vector2<f64>, Valley)| {
        let (width_px, sigma_px) = valley.width(&blur, &darkness);
        let pixel = [(i % width) as u32, (i / width) as u32];
        Profile { pixel, across: across.into(), width_px, sigma_px, depth: valley.depth }
    };
    valleys.into_iter().filter(|(_, _, valley)| valley.is_sharp(&blur)).map(profile).collect()
}

/// The direction across what is marked around a pixel; `None` where that is no line, or the pixel lies off its middle.
fn across(marks: &[u8], [width, height]: [usize; 2], [x, y]: [usize; 2]) -> Option<Vector2<f64>> {
    let range = |at: usize, end: usize| {
        at.saturating_sub(DIRECTION_PX as usize)..(at + DIRECTION_PX as usize + 1).min(end)
    };
    let (mut sum, mut squares, mut count) = (Vector2::zeros(), Matrix2::zeros(), 0.0);
    for v in range(y, height) {
        for u in range(x, width).filter(|u| marks[v * width + u] > 0) {
            let p = Vector2::new(u as f64 - x as f64, v as f64 - y as f64);
            sum += p;
            squares += p * p.transpose();
            count += 1.0;
        }
    }
    let mean = sum / count;
    let eigen = SymmetricEigen::new(squares / count - mean * mean.transpose());
    let least = if eigen.eigenvalues[0] < eigen.eigenvalues[1] { 0 } else { 1 };
    let across: Vector2<f64> = eigen.eigenvectors.column(least).into();
    let elongated = eigen.eigenvalues[1 - least] > ELONGATED * (eigen.eigenvalues[least] + 1.0 / 12.0);
    (elongated && mean.dot(&across).abs() < OFF_PX).then_some(across)
}

/// Luma of a picture (ITU-R BT.601), `height x width`.
struct Brightness {
    width: usize,
    height: usize,
    luma: Vec<f32>,
}

impl Brightness {
    fn of(picture: &RgbImage) -> Self {
        let luma = |pixel: &[u8]| {
            0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2])
        };
        Self {
            width: picture.width as usize,
            height: picture.height as usize,
            luma: picture.data.chunks_exact(3).map(luma).collect(),
        }
    }

    /// Along a line across the crack, each sample the mean of three beside each other along the crack.
    fn across(&self, [x, y]: [usize; 2], across: Vector2<f64>) -> [f64; SAMPLES] {
        let along = Vector2::new(-across.y, across.x);
        let middle = Vector2::new(x as f64, y as f64);
        std::array::from_fn(|i| {
            let t = i as f64 * STEP_PX - REACH_PX;
            [-1.0, 0.0, 1.0].map(|s| self.at(middle + across * t + along * s)).iter().sum::<f64>() / 3.0
        })
    }

    /// At a place between the middles of pixels; beyond the picture its edge goes on.
    fn at(&self, at: Vector2<f64>) -> f64 {
        let last = [self.width - 1, self.height - 1];
        let [u, v] = [at.x.clamp(0.0, last[0] as f64), at.y.clamp(0.0, last[1] as f64)];
        let (x, y) = (u as usize, v as usize);
        let (right, below) = ((x + 1).min(last[0]), (y + 1).min(last[1]));
        let (s, t) = ((u - x as f64) as f32, (v - y as f64) as f32);
        let pixel = |x: usize, y: usize| self.luma[y * self.width + x];
        let upper = (1.0 - s) * pixel(x, y) + s * pixel(right, y);
        let lower = (1.0 - s) * pixel(x, below) + s * pixel(right, below);
        f64::from((1.0 - t) * upper + t * lower)
    }
}

/// Something about a picture, and its error as share of it.
#[derive(Clone, Copy, Debug)]
struct Known {
    value: f64,
    error: f64,
}

/// A valley of brightness whose middle is the profile's.
#[derive(Clone, Copy, Debug)]
struct Valley {
    /// Widths at a quarter, a half and three quarters of its depth, pixels.
    widths_px: [f64; 3],
    /// One sigma of the width at half its depth by the wall's unrest, pixels.
    sigma_px: f64,
    /// Its depth, as share of the wall's brightness.
    depth: f64,
    /// Light that is missing, in the wall's brightness over so many pixels, and one sigma of it.
    missing_px: [f64; 2],
}

impl Valley {
    fn of(samples: &[f64; SAMPLES]) -> Option<Self> {
        const MIDDLE: usize = SAMPLES / 2;
        let mut sorted = *samples;
        sorted.sort_by(f64::total_cmp);
        let floor = samples[MIDDLE - 2..=MIDDLE + 2].iter().copied().fold(f64::INFINITY, f64::min);
        let mut wall = sorted[SAMPLES / 2];
        let mut unrest = 0.0;
        let mut edges = [0.0; 2];
        // The wall is what lies beside the edges, and the edges where the wall is left: twice is enough.
        for _ in 0..2 {
            edges = edges_at(samples, (wall + floor) / 2.0)?;
            let beside = |side: f64, edge: f64| {
                let reach = BESIDE_PX.map(|px| edge + side * px);
                let within = move |i: &usize| {
                    let t = *i as f64 * STEP_PX - REACH_PX;
                    side * t >= side * reach[0] && side * t <= side * reach[1]
                };
                (0..SAMPLES).filter(within).map(|i| samples[i]).collect::<Vec<f64>>()
            };
            let sides = [beside(-1.0, edges[0]), beside(1.0, edges[1])];
            if sides.iter().any(Vec::is_empty) {
                return None;
            }
            let means = sides.each_ref().map(|side| side.iter().sum::<f64>() / side.len() as f64);
            wall = (means[0] + means[1]) / 2.0;
            let squares = |k: usize| sides[k].iter().map(|v| (v - means[k]).powi(2)).sum::<f64>();
            unrest = ((squares(0) + squares(1)) / (sides[0].len() + sides[1].len()) as f64).sqrt();
        }
        let depth = wall - floor;
        let off = (edges[0] + edges[1]) / 2.0;
        if depth < CLEAR * unrest.max(1.0) || off.abs() > 0.5 {
            return None;
        }
        let at = |share: f64| edges_at(samples, wall - share * depth).map(|[a, b]| b - a);
        let widths_px = [at(0.25)?, at(0.5)?, at(0.75)?];
        // How steeply the edges rise turns unrest of brightness into that of their places.
        let steepness = 0.5 * depth / ((widths_px[0] - widths_px[2]) / 2.0).max(STEP_PX);
        let within = |i: &usize| {
            let t = *i as f64 * STEP_PX - REACH_PX;
            t >= edges[0] - BEYOND_PX && t <= edges[1] + BEYOND_PX
        };
        let missing: f64 = (0..SAMPLES).filter(within).map(|i| wall - samples[i]).sum();
        let span_px = edges[1] - edges[0] + 2.0 * BEYOND_PX;
        Some(Self {
            widths_px,
            sigma_px: 2.0_f64.sqrt() * unrest / steepness,
            depth: depth / wall,
            missing_px: [missing * STEP_PX / wall, unrest / wall * span_px.sqrt()],
        })
    }

    /// Blur that its edges tell, one sigma, pixels; `None` for one too narrow to tell it.
    fn blur(&self) -> Option<f64> {
        let rise = self.rise_px();
        (self.widths_px[1] > 2.2 * rise).then_some(rise / SHARP_RISE)
    }

    /// Over how many pixels both edges together rise from a quarter of the depth to three quarters.
    fn rise_px(&self) -> f64 {
        (self.widths_px[0] - self.widths_px[2]).max(0.1)
    }

    /// False for one whose edges rise more gently than those of a crack do under this blur.
    fn is_sharp(&self, blur: &Known) -> bool {
        self.rise_px() <= GENTLE * SHARP_RISE * blur.value.max(BLUR_PX)
    }

    /// Width and one sigma of it, pixels.
    fn width(&self, blur: &Known, darkness: &Known) -> (f64, f64) {
        let seen = self.widths_px[1];
        let off = |share: f64| true_width(seen, blur.value * (1.0 + share * blur.error));
        let step = self.sigma_px.max(0.05);
        let by_unrest = true_width(seen + step, blur.value) - true_width(seen - step, blur.value);
        let edges = [off(0.0), (off(-1.0) - off(1.0)).hypot(by_unrest) / 2.0];
        let light = self.missing_px.map(|px| px / darkness.value);
        let light = [light[0], light[1].hypot(light[0] * darkness.error)];
        let [a, b] = [edges, light].map(|[_, sigma]| 1.0 / sigma.max(0.1).powi(2));
        ((edges[0] * a + light[0] * b) / (a + b), 1.0 / (a + b).sqrt())
    }
}

/// Places where a valley around the profile's middle reaches a level, to either side.
fn edges_at(samples: &[f64; SAMPLES], level: f64) -> Option<[f64; 2]> {
    const MIDDLE: usize = SAMPLES / 2;
    let start = (MIDDLE - 2..=MIDDLE + 2).min_by(|a, b| samples[*a].total_cmp(&samples[*b]))?;
    if samples[start] >= level {
        return None;
    }
    let place = |inner: usize, outer: usize| {
        let share = (level - samples[inner]) / (samples[outer] - samples[inner]);
        let step = outer as f64 - inner as f64;
        (inner as f64 + share * step) * STEP_PX - REACH_PX
    };
    let left = (0..start).rev().find(|i| samples[*i] >= level).map(|i| place(i + 1, i))?;
    let right = (start + 1..SAMPLES).find(|i| samples[*i] >= level).map(|i| place(i - 1, i))?;
    Some([left, right])
}

/// Width of a line whose blurred valley has a width at half its depth, pixels.
fn true_width(seen: f64, blur: f64) -> f64 {
    let seen = seen / blur;
    let after = SEEN.partition_point(|s| *s <= seen);
    let width = match after {
        0 => 0.0,
        // So wide that blur no longer matters.
        n if n == SEEN.len() => seen,
        n => (n - 1) as f64 * TABLE_STEP + TABLE_STEP * (seen - SEEN[n - 1]) / (SEEN[n] - SEEN[n - 1]),
    };
    width * blur
}

/// Step of the table of widths, in blurs.
const TABLE_STEP: f64 = 0.05;

/// Width at half depth of lines 0, 0.05, 0.1... wide, in blurs.
static SEEN: LazyLock<Vec<f64>> = LazyLock::new(|| {
    // Depth at a distance from the middle of a line of half a width.
    let depth = |half: f64, x: f64| {
        let edge = |x: f64| libm::erf(x / 2.0_f64.sqrt());
        if half > 0.0 { edge(half + x) + edge(half - x) } else { (-x * x / 2.0).exp() }
    };
    (0..200)
        .map(|i| {
            let half = i as f64 * TABLE_STEP / 2.0;
            let (mut inner, mut outer) = (0.0, half + 3.0);
            for _ in 0..50 {
                let x = (inner + outer) / 2.0;
                let inside = depth(half, x) > depth(half, 0.0) / 2.0;
                (inner, outer) = if inside { (x, outer) } else { (inner, x) };
            }
            inner + outer
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const SIZE: usize = 160;

    /// A wall with a dark slanting line, drawn 8 times finer, under a blur, with noise; and a mask that is 3 px too wide.
    fn drawn(width_px: f64, blur_px: f64, noise: f64, angle: f64, seed: u64) -> (RgbImage, Vec<u8>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (sin, cos) = angle.sin_cos();
        let shift: f64 = rng.random_range(-0.5..0.5);
        let off = |x: f64, y: f64| (x - 80.0) * -sin + (y - 80.0) * cos + shift;
        let share = |d: f64| {
            let edge = |d: f64| libm::erf(d / (blur_px * 2.0_f64.sqrt()));
            (edge(d + width_px / 2.0) - edge(d - width_px / 2.0)) / 2.0
        };
        let (mut data, mut marks) = (Vec::new(), Vec::new());
        for y in 0..SIZE {
            for x in 0..SIZE {
                let d = off(x as f64, y as f64);
                let grain: f64 = (0..4).map(|_| rng.random_range(-1.0..1.0)).sum::<f64>() * 0.87;
                let value = (160.0 - 110.0 * share(d) + noise * grain).round().clamp(0.0, 255.0) as u8;
                data.extend([value; 3]);
                marks.push(if d.abs() < width_px / 2.0 + 1.5 { 200 } else { 0 });
            }
        }
        (RgbImage { width: SIZE as u32, height: SIZE as u32, data }, marks)
    }

    fn inner(profiles: &[Profile]) -> Vec<Profile> {
        let within = |p: &&Profile| p.pixel.iter().all(|c| (20..SIZE as u32 - 20).contains(c));
        profiles.iter().filter(within).copied().collect()
    }

    #[test]
    fn drawn_lines_are_as_wide_as_they_were_drawn() {
        for width in [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0] {
            for (blur, noise) in [(0.7, 0.0), (0.8, 4.0), (1.0, 4.0)] {
                let (mut errors, mut sigmas) = (Vec::new(), Vec::new());
                for seed in 0..3 {
                    let (picture, marks) = drawn(width, blur, noise, 0.3 + 0.5 * seed as f64, seed);
                    let found = inner(&profiles(&picture, &marks));
                    assert!(found.len() > 50, "{width} {blur} {noise}: {} profiles", found.len());
                    let mut widths: Vec<f64> = found.iter().map(|p| p.width_px).collect();
                    widths.sort_by(f64::total_cmp);
                    errors.push(widths[widths.len() / 2] - width);
                    sigmas.push(found[found.len() / 2].sigma_px);
                }
                let worst = errors.iter().fold(0.0f64, |a, b| a.max(b.abs()));
                assert!(worst < 0.5, "{width} px under {blur} with {noise}: off by {errors:?}");
                let sigma = sigmas.iter().sum::<f64>() / sigmas.len() as f64;
                assert!(worst < 3.0 * sigma, "{width} px under {blur} with {noise}: {worst} beside {sigma}");
            }
        }
    }

    #[test]
    fn a_line_that_is_no_darker_and_a_blot_have_no_width() {
        let (mut picture, marks) = drawn(3.0, 0.8, 4.0, 0.3, 1);
        picture.data.fill(120);
        assert!(profiles(&picture, &marks).is_empty());
        let (picture, mut marks) = drawn(3.0, 0.8, 0.0, 0.3, 1);
        marks.fill(200);
        assert!(inner(&profiles(&picture, &marks)).is_empty());
        assert!(profiles(&picture, &marks[1..]).is_empty());
    }

    /// The story: on mottled walls dark patches were taken for cracks 9 to 24 mm wide, three times a true crack's width.
    #[test]
    fn a_dark_patch_has_no_width() {
        for blur in [3.0, 4.0] {
            let (picture, marks) = drawn(4.0, blur, 2.0, 0.4, 1);
            let found = inner(&profiles(&picture, &marks));
            assert!(found.is_empty(), "{} profiles at {blur}", found.len());
        }
    }

    #[test]
    fn a_hair_under_the_blur_is_told_by_the_light_that_is_missing() {
        for (seed, blur) in [0.7, 0.9, 1.2].into_iter().enumerate() {
            let (picture, marks) = drawn(0.4, blur, 0.5, 0.4, seed as u64);
            let found = inner(&profiles(&picture, &marks));
            let mean = found.iter().map(|p| p.width_px).sum::<f64>() / found.len() as f64;
            assert!(
                found.len() > 50 && (mean - 0.4).abs() < 0.2,
                "{mean} under {blur}, {} profiles",
                found.len()
            );
        }
    }
}
