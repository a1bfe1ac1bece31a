//! Firing pattern of a Livox Mid-360, where its four lasers point at a time: a Fourier series in the phases of its two rotors.
//! Coefficients and their origin: `sim/data/mid360/`.

use nalgebra::{Complex, Vector3};

/// Lasers that fire together.
pub(super) const GROUP: usize = 4;
const FAST_ORDER: usize = 2;
const SLOW_ORDER: usize = 8;
const SLOW_TERMS: usize = 2 * SLOW_ORDER + 1;

/// The pattern's file is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("the lidar pattern is damaged at number {0}: restore sim/data/mid360/pattern.txt")]
pub struct BadPattern(usize);

/// The firing pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    fast_hz: f64,
    slow_hz: f64,
    harmonics: Vec<Harmonic>,
}

/// One harmonic: its place among the powers, and `a - ib` for each laser and axis, `[4 x 3]`.
#[derive(Clone, Debug)]
struct Harmonic {
    fast: usize,
    /// Order of the slow rotor, shifted to start at zero.
    slow: usize,
    weights: [Complex<f64>; 3 * GROUP],
}

impl Pattern {
    pub(super) fn mid360() -> Result<Self, BadPattern> {
        Self::parse(include_str!("../../data/mid360/pattern.txt"))
    }

    fn parse(text: &str) -> Result<Self, BadPattern> {
        let words = text.lines().filter(|l| !l.starts_with('#')).flat_map(str::split_whitespace);
        let numbers = words
            .enumerate()
            .map(|(i, word)| word.parse::<f64>().or(Err(BadPattern(i))))
            .collect::<Result<Vec<f64>, BadPattern>>()?;
        let orders: Vec<(usize, usize)> = (0..=FAST_ORDER)
            .flat_map(|fast| (0..SLOW_TERMS).map(move |slow| (fast, slow)))
            .filter(|(fast, slow)| *fast > 0 || *slow >= SLOW_ORDER)
            .collect();
        let rows = 2 * orders.len() - 1;
        if numbers.len() != 2 + GROUP * rows * 3 {
            return Err(BadPattern(numbers.len()));
        }
        let at = |laser: usize, row: usize, axis: usize| numbers[2 + (laser * rows + row) * 3 + axis];
        let harmonics = orders.iter().enumerate().map(|(i, (fast, slow))| {
            // The constant has one row, every other harmonic a cosine and a sine row.
            let row = if i == 0 { 0 } else { 2 * i - 1 };
            let weights = std::array::from_fn(|k| {
                let (laser, axis) = (k / 3, k % 3);
                let sine = if i == 0 { 0.0 } else { at(laser, row + 1, axis) };
                Complex::new(at(laser, row, axis), -sine)
            });
            Harmonic { fast: *fast, slow: *slow, weights }
        });
        Ok(Self { fast_hz: numbers[0], slow_hz: numbers[1], harmonics: harmonics.collect() })
    }

    /// Unit directions of the four lasers in the lidar frame, so many seconds after phase zero.
    pub(super) fn directions(&self, time_s: f64) -> [Vector3<f64>; GROUP] {
        let phase = |hz: f64| Complex::from_polar(1.0, std::f64::consts::TAU * (hz * time_s).fract());
        let (fast, slow) = (phase(self.fast_hz), phase(self.slow_hz));
        let mut fast_powers = [Complex::new(1.0, 0.0); FAST_ORDER + 1];
        for i in 1..fast_powers.len() {
            fast_powers[i] = fast_powers[i - 1] * fast;
        }
        let mut slow_powers = [Complex::new(1.0, 0.0); SLOW_TERMS];
        for i in 1..=SLOW_ORDER {
            slow_powers[SLOW_ORDER + i] = slow_powers[SLOW_ORDER + i - 1] * slow;
            slow_powers[SLOW_ORDER - i] = slow_powers[SLOW_ORDER + i].conj();
        }
        let mut sums = [0.0; 3 * GROUP];
        for harmonic in &self.harmonics {
            let power = fast_powers[harmonic.fast] * slow_powers[harmonic.slow];
            for (sum, weight) in sums.iter_mut().zip(&harmonic.weights) {
                *sum += power.re * weight.re - power.im * weight.im;
            }
        }
        std::array::from_fn(|laser| {
            let v = Vector3::new(sums[3 * laser], sums[3 * laser + 1], sums[3 * laser + 2]);
            v / v.norm().max(1e-9)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_is_that_of_the_data_sheet() {
        // Livox gives a field of view of -7 to 52 degrees, all around.
        let pattern = Pattern::mid360().expect("good");
        let (mut low, mut high) = (90.0f64, -90.0f64);
        let mut around = [false; 36];
        for k in 0..50_000 {
            for d in pattern.directions(f64::from(k) * 2e-5) {
                let elevation = d.z.asin().to_degrees();
                (low, high) = (low.min(elevation), high.max(elevation));
                let azimuth = d.y.atan2(d.x).to_degrees().rem_euclid(360.0);
                around[(azimuth / 10.0) as usize % 36] = true;
            }
        }
        assert!((-9.0..-5.0).contains(&low) && (50.0..55.0).contains(&high), "{low} to {high}");
        assert!(around.iter().all(|a| *a));
    }

    #[test]
    fn damaged_data_is_named() {
        let text = include_str!("../../data/mid360/pattern.txt");
        assert!(Pattern::parse(&text.replacen("0.0", "zero", 1)).is_err());
        assert!(Pattern::parse(&text[..text.len() / 2]).is_err());
    }
}
