//! Small repeating textures with ever coarser copies (mip maps, Williams 1983), so that the fine structure
//! of concrete costs a look-up a pixel and fades instead of flickering when a pixel covers more of it.

use super::noise::{floor, hash2, mix, unit};

/// A square texture of four channels that repeats without a seam.
#[derive(Clone, Debug)]
pub(crate) struct Tile {
    /// Finest first; each has half the side of the one before, down to one texel.
    levels: Vec<Vec<[f32; 4]>>,
    size: usize,
}

impl Tile {
    /// Bakes a tile; `size` is a power of two.
    pub(crate) fn new(size: usize, texel: impl Fn(usize, usize) -> [f32; 4]) -> Self {
        debug_assert!(size.is_power_of_two());
        let mut levels: Vec<Vec<[f32; 4]>> =
            vec![(0..size * size).map(|i| texel(i % size, i / size)).collect()];
        let mut side = size;
        while side > 1 {
            let (half, fine) = (side / 2, &levels[levels.len() - 1]);
            let coarse = (0..half * half)
                .map(|i| {
                    let (x, y) = (i % half * 2, i / half * 2);
                    let four = [
                        fine[y * side + x],
                        fine[y * side + x + 1],
                        fine[(y + 1) * side + x],
                        fine[(y + 1) * side + x + 1],
                    ];
                    std::array::from_fn(|c| four.iter().map(|t| t[c]).sum::<f32>() / 4.0)
                })
                .collect();
            levels.push(coarse);
            side = half;
        }
        Self { levels, size }
    }

    /// The texture at `(u, v)`, averaged over about `footprint`; all in texels of the finest level.
    pub(crate) fn sample(&self, u: f32, v: f32, footprint: f32) -> [f32; 4] {
        let last = self.levels.len() - 1;
        if footprint <= 1.0 {
            return self.bilinear(0, u, v);
        }
        let level = footprint.log2().min(last as f32);
        let fine = level as usize;
        let t = level - fine as f32;
        let a = self.bilinear(fine, u, v);
        if t < 0.02 || fine == last {
            return a;
        }
        let b = self.bilinear(fine + 1, u, v);
        std::array::from_fn(|c| mix(a[c], b[c], t))
    }

    #[inline]
    fn bilinear(&self, level: usize, u: f32, v: f32) -> [f32; 4] {
        let (texels, side) = (&self.levels[level], self.size >> level);
        let (mask, scale) = (side - 1, 1.0 / (1u32 << level) as f32);
        let (x, y) = (u * scale - 0.5 + 0.5 * scale, v * scale - 0.5 + 0.5 * scale);
        let (i, j) = (floor(x), floor(y));
        let (tx, ty) = (x - i as f32, y - j as f32);
        // Negative coordinates wrap as well: the side is a power of two.
        let (x0, y0) = (i as usize & mask, j as usize & mask);
        let (x1, y1) = ((x0 + 1) & mask, (y0 + 1) & mask);
        let (a, b) = (texels[y0 * side + x0], texels[y0 * side + x1]);
        let (c, d) = (texels[y1 * side + x0], texels[y1 * side + x1]);
        std::array::from_fn(|k| mix(mix(a[k], b[k], tx), mix(c[k], d[k], tx), ty))
    }
}

/// Seamless value noise in [-1, 1] over a square of `size` texels with `cells` knots a side.
pub(crate) fn periodic(x: usize, y: usize, size: usize, cells: usize, seed: u32) -> f32 {
    let scale = cells as f32 / size as f32;
    let (fx, fy) = (x as f32 * scale, y as f32 * scale);
    let (i, j) = (fx as usize, fy as usize);
    let (u, v) = (fx - i as f32, fy - j as f32);
    let (u, v) = (u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v));
    let knot = |i: usize, j: usize| unit(hash2((i % cells) as i32, (j % cells) as i32, seed));
    mix(mix(knot(i, j), knot(i + 1, j), u), mix(knot(i, j + 1), knot(i + 1, j + 1), u), v) * 2.0 - 1.0
}

/// Seamless octaves of [`periodic`] from `cells` knots a side upwards, each weaker by `gain`; about [-1, 1].
pub(crate) fn periodic_fbm(x: usize, y: usize, size: usize, cells: usize, gain: f32, seed: u32) -> f32 {
    let (mut sum, mut strength, mut total, mut cells, mut octave) = (0.0, 1.0, 0.0, cells, 0);
    while cells <= size / 2 {
        sum += strength * periodic(x, y, size, cells, seed.wrapping_add(octave));
        total += strength;
        strength *= gain;
        cells *= 2;
        octave += 1;
    }
    sum / total * 1.6
}

/// Distance to the nearest and second nearest of one random point a cell (Worley 1996), in cells, and a
/// hash of the nearest; seamless.
pub(crate) fn periodic_cells(x: usize, y: usize, size: usize, cells: usize, seed: u32) -> (f32, f32, u32) {
    let scale = cells as f32 / size as f32;
    let (fx, fy) = (x as f32 * scale, y as f32 * scale);
    let (i, j) = (fx as i32, fy as i32);
    let (mut first, mut second, mut id) = (f32::INFINITY, f32::INFINITY, 0);
    for (di, dj) in (-1..=1).flat_map(|di| (-1..=1).map(move |dj| (di, dj))) {
        let n = cells as i32;
        let h = hash2((i + di).rem_euclid(n), (j + dj).rem_euclid(n), seed);
        let (px, py) = ((i + di) as f32 + unit(h), (j + dj) as f32 + unit(h.rotate_left(13) ^ 0x5bd1));
        let d = (px - fx).hypot(py - fy);
        if d < first {
            (second, first, id) = (first, d, h);
        } else if d < second {
            second = d;
        }
    }
    (first, second, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_repeat_and_average() {
        let tile = Tile::new(64, |x, y| [periodic_fbm(x, y, 64, 4, 0.6, 9), (x % 2) as f32, 0.0, 1.0]);
        let (a, b) = (tile.sample(3.3, 60.2, 1.0), tile.sample(3.3 - 64.0, 60.2 + 128.0, 1.0));
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3), "{a:?} {b:?}");
        let far = tile.sample(3.3, 60.2, 16.0);
        assert!((far[1] - 0.5).abs() < 1e-6, "stripes finer than the footprint average out: {far:?}");
        assert!((far[3] - 1.0).abs() < 1e-6);
    }
}
