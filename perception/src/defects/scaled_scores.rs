//! Scores of a picture at every size at which it was judged, put together row by row.

use std::ops::Range;

use super::class_map::{CLASSES, ClassMap};
use super::scales;

/// Scores of a picture that is larger than what the network sees at once: kept at the sizes at which it was judged, and
/// given for any rows of the picture.
#[derive(Clone, Debug)]
pub struct ScaledScores {
    width: u32,
    height: u32,
    thresholds: [u8; CLASSES],
    scales: Vec<Scale>,
}

/// Scores of the picture at one size, `[4, height, width]`.
#[derive(Clone, Debug)]
struct Scale {
    /// Width, height.
    size: (usize, usize),
    scores: Vec<u8>,
}

impl ScaledScores {
    /// Of a picture of this width and height, not yet judged.
    pub(super) fn new(size: (u32, u32), thresholds: [u8; CLASSES]) -> Self {
        Self { width: size.0, height: size.1, thresholds, scales: Vec::new() }
    }

    pub(super) fn add(&mut self, size: (usize, usize), scores: Vec<u8>) {
        self.scales.push(Scale { size, scores });
    }

    /// Scores of some of the picture's rows: each pixel's highest of all sizes. Rows beyond the picture are left out.
    pub fn rows(&self, rows: Range<u32>) -> ClassMap {
        let rows = rows.start.min(self.height)..rows.end.min(self.height);
        let full = (self.width as usize, self.height as usize);
        let mut map = ClassMap::background(self.width, rows.len() as u32, self.thresholds);
        if rows.is_empty() {
            return map;
        }
        let rows = rows.start as usize..rows.end as usize;
        for scale in &self.scales {
            if scale.size == full && rows.len() == full.1 {
                // What a robot's every picture comes to: nothing to interpolate.
                map.scores.copy_from_slice(&scale.scores);
            } else {
                scales::raise(&mut map.scores, rows.clone(), full, &scale.scores, scale.size);
            }
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_those_of_the_whole(
            (width, height) in (1u32..40, 1u32..40), cut in 0u32..40, seed in 0usize..1000,
        ) {
            let noise = |count: usize| (0..count).map(|i| ((i + seed) * 7919 % 251) as u8).collect::<Vec<_>>();
            let mut scores = ScaledScores::new((width, height), [128; CLASSES]);
            let mut size = (width as usize, height as usize);
            for _ in 0..3 {
                scores.add(size, noise(CLASSES * size.0 * size.1));
                size = (size.0.div_ceil(2), size.1.div_ceil(2));
            }
            let whole = scores.rows(0..height);
            let cut = cut.min(height);
            let parts = [scores.rows(0..cut), scores.rows(cut..height + 5)];
            prop_assert_eq!(parts[0].height + parts[1].height, height);
            for plane in 0..CLASSES {
                let of = |map: &ClassMap| {
                    let pixels = (map.width * map.height) as usize;
                    map.scores[plane * pixels..(plane + 1) * pixels].to_vec()
                };
                prop_assert_eq!(of(&whole), [of(&parts[0]), of(&parts[1])].concat());
            }
        }
    }
}
