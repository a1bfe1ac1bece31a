//! Noise without state: a hash of integer coordinates, and smooth noise between them.
//!
//! The integer hash is `lowbias32` of Chris Wellons' hash prospector; the smooth noise is value noise with
//! a cubic blend. Everything is a pure function of its arguments, so pictures do not depend on the order in
//! which pixels are made.

/// Mixes 32 bits.
pub(crate) const fn hash(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// Mixes a cell of a grid and a seed.
pub(crate) const fn hash2(x: i32, y: i32, seed: u32) -> u32 {
    hash((x as u32).wrapping_mul(0x9e37_79b9) ^ hash((y as u32).wrapping_add(seed)))
}

/// A hash as a number in [0, 1).
pub(crate) fn unit(h: u32) -> f32 {
    (h >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// The greatest whole number not above `x`. Without an instruction for it in the baseline of x86-64 the
/// library's own costs a call, several times a pixel.
pub(crate) fn floor(x: f32) -> i32 {
    let towards_zero = x as i32;
    towards_zero - i32::from(x < towards_zero as f32)
}

/// Value noise in [-1, 1] with one knot a unit.
pub(crate) fn value(x: f32, y: f32, seed: u32) -> f32 {
    let (i, j) = (floor(x), floor(y));
    let (u, v) = (fade(x - i as f32), fade(y - j as f32));
    let knot = |i, j| unit(hash2(i, j, seed));
    let low = mix(knot(i, j), knot(i + 1, j), u);
    let high = mix(knot(i, j + 1), knot(i + 1, j + 1), u);
    mix(low, high, v) * 2.0 - 1.0
}

/// Value noise in one dimension, in [-1, 1].
pub(crate) fn value1(x: f32, seed: u32) -> f32 {
    let i = floor(x);
    mix(unit(hash2(i, 0, seed)), unit(hash2(i + 1, 0, seed)), fade(x - i as f32)) * 2.0 - 1.0
}

/// Octaves of value noise, each of half the size and strength of the one before; within [-1, 1].
pub(crate) fn fbm(mut x: f32, mut y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut strength, mut total) = (0.0, 1.0, 0.0);
    for octave in 0..octaves {
        sum += strength * value(x, y, seed.wrapping_add(octave * 0x51ed));
        total += strength;
        strength *= 0.5;
        // A turn besides the doubling keeps the octaves' grids from lining up.
        (x, y) = (1.6 * x + 1.2 * y + 5.3, 1.6 * y - 1.2 * x + 2.7);
    }
    sum / total
}

/// Linear blend.
pub(crate) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Linear blend of colours.
pub(crate) fn mix3(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)]
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(crate) fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    fade(((x - low) / (high - low)).clamp(0.0, 1.0))
}

fn fade(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn noise_stays_in_range_and_is_continuous(x in -500.0f32..500.0, y in -500.0f32..500.0, seed: u32) {
            for v in [value(x, y, seed), fbm(x, y, 5, seed), value1(x, seed)] {
                prop_assert!((-1.0..=1.0).contains(&v));
            }
            prop_assert!((value(x, y, seed) - value(x + 1e-3, y, seed)).abs() < 0.01);
        }
    }

    #[test]
    fn the_floor_is_the_floor() {
        for x in [-2.0, -1.5, -0.0, 0.0, 0.99, 7.0, -7.01] {
            assert_eq!(floor(x), x.floor() as i32, "{x}");
        }
    }

    #[test]
    fn hashes_spread() {
        let mean = (0..10_000).map(|i| unit(hash2(i, 7, 3))).sum::<f32>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
