//! Logits to scores, many pixels at once, in a form of which the compiler makes vectors.

use super::class_map::CLASSES;
use super::network::OUTPUTS;
use super::vectors;

/// Pixels that are worked on at once.
pub(super) const LANES: usize = 16;
/// A pixel whose best class trails the background by more than this (a probability of 2 %) scores 0: most
/// pixels, and nothing asks how little they are a defect.
const NEGLIGIBLE: f32 = 4.0;
/// Of two logits that differ by more the smaller counts nothing.
const FURTHEST: f32 = -80.0;
/// A number so large that what is added to it is rounded to a whole one, which its lowest bits then hold.
const WHOLE: f32 = 12_582_912.0;

const _: () = assert!(OUTPUTS == CLASSES + 1);

/// Scores of the classes, in 255ths, of pixels with these logits, background first; `None` where all are negligible.
pub(super) fn scores(logits: &[[f32; LANES]; OUTPUTS]) -> Option<[[u8; LANES]; CLASSES]> {
    vectors::wide(|| {
        let [background, classes @ ..] = logits;
        let mut over = *classes;
        let mut most = [f32::NEG_INFINITY; LANES];
        for class in &mut over {
            for i in 0..LANES {
                class[i] -= background[i];
                most[i] = most[i].max(class[i]);
            }
        }
        if most.iter().all(|most| *most < -NEGLIGIBLE) {
            return None;
        }
        let shift = most.map(|most| most.max(0.0));
        let mut sum = shift.map(|shift| exp(-shift));
        for class in &mut over {
            for i in 0..LANES {
                class[i] = exp(class[i] - shift[i]);
                sum[i] += class[i];
            }
        }
        Some(over.map(|class| {
            std::array::from_fn(|i| {
                let share = if most[i] < -NEGLIGIBLE { 0.0 } else { class[i] / sum[i] };
                (255.0 * share + WHOLE).to_bits() as u8
            })
        }))
    })
}

/// The exponential function of a number that is not positive, off by less than a hundred thousandth of it.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let twos = x.max(FURTHEST) * std::f32::consts::LOG2_E;
    let whole = twos + WHOLE;
    let rest = (twos - (whole - WHOLE)) * std::f32::consts::LN_2;
    // The whole number becomes the exponent, and of the rest, which is small, Taylor's series serves.
    let power = f32::from_bits(whole.to_bits().wrapping_add(127) << 23);
    power * (1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0 + rest * (1.0 / 24.0 + rest / 120.0)))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_the_softmax(logits in proptest::array::uniform5(proptest::array::uniform16(-30.0f32..30.0))) {
            let found = scores(&logits).unwrap_or_default();
            for i in 0..LANES {
                let of = |class: usize| f64::from(logits[class][i]);
                let sum: f64 = (0..OUTPUTS).map(|class| of(class).exp()).sum();
                let best = (1..OUTPUTS).map(of).fold(f64::NEG_INFINITY, f64::max);
                for class in 1..OUTPUTS {
                    let share = if best - of(0) < f64::from(-NEGLIGIBLE) { 0.0 } else { of(class).exp() / sum };
                    let off = f64::from(found[class - 1][i]) - 255.0 * share;
                    prop_assert!(off.abs() < 0.51, "{off}");
                }
            }
        }

        #[test]
        fn the_exponential_function_is_one(x in -79.0f32..0.0) {
            prop_assert!((exp(x) / x.exp() - 1.0).abs() < 1e-5);
        }
    }
}
