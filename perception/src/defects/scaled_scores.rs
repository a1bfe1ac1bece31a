//! Scores of a picture at every size at which it was judged, put together, and given row by row.

use std::ops::Range;

use super::class_map::{CLASSES, ClassMap};
use super::{scales, specks};

/// Scores of a picture that is larger than what the network sees at once: kept at the size at which it was judged, and
/// given for any rows of the picture.
#[derive(Clone, Debug)]
pub struct ScaledScores {
    width: u32,
    height: u32,
    thresholds: [u8; CLASSES],
    /// Width, height at which it was judged.
    size: (usize, usize),
    /// `[4, height, width]`.
    scores: Vec<u8>,
}

/// Scores at several sizes, on their way to be put together.
pub(super) struct Fused {
    size: (usize, usize),
    /// Sums of scores, each as often as its scale counts, `[4, height, width]`.
    scores: Vec<u16>,
    count: u16,
}

impl Fused {
    /// Of a picture of this width and height.
    pub(super) fn new(size: (usize, usize)) -> Self {
        Self { size, scores: vec![0; CLASSES * size.0 * size.1], count: 0 }
    }

    /// Takes in the scores of the picture at one size, `[4, height, width]`, which count so many times.
    pub(super) fn add(&mut self, size: (usize, usize), scores: &[u8], share: u16) {
        self.count += share;
        let put = move |fused: &mut u16, score: u8| *fused += share * u16::from(score);
        if size == self.size {
            self.scores.iter_mut().zip(scores).for_each(|(fused, score)| put(fused, *score));
        } else {
            scales::enlarge(&mut self.scores, 0..self.size.1, self.size, scores, size, put);
        }
    }

    /// Each pixel's score; `full` is the size of the picture for which scores are asked.
    pub(super) fn finish(self, full: (u32, u32), thresholds: [u8; CLASSES]) -> ScaledScores {
        let count = self.count.max(1);
        // Faster than as many divisions as there are pixels.
        let means: Vec<u8> = (0..=255 * count).map(|sum| ((sum + count / 2) / count) as u8).collect();
        let scores = self.scores.into_iter().map(|sum| means[usize::from(sum)]).collect();
        ScaledScores { width: full.0, height: full.1, thresholds, size: self.size, scores }
    }
}

impl ScaledScores {
    /// The same without what is weak or too small to be a defect.
    pub(super) fn without_specks(mut self) -> Self {
        specks::remove(&mut self.scores, self.size.0, self.thresholds);
        self
    }

    /// Scores of the whole picture.
    pub(super) fn into_map(self) -> ClassMap {
        if self.size == (self.width as usize, self.height as usize) {
            let Self { width, height, thresholds, scores, .. } = self;
            return ClassMap { width, height, scores, thresholds };
        }
        self.rows(0..self.height)
    }

    /// Scores of some of the picture's rows. Rows beyond the picture are left out.
    pub fn rows(&self, rows: Range<u32>) -> ClassMap {
        let rows = rows.start.min(self.height)..rows.end.min(self.height);
        let full = (self.width as usize, self.height as usize);
        let mut map = ClassMap::background(self.width, rows.len() as u32, self.thresholds);
        if rows.is_empty() {
            return map;
        }
        let rows = rows.start as usize..rows.end as usize;
        if self.size == full {
            let planes = self.scores.chunks_exact(full.0 * full.1);
            for (out, plane) in map.scores.chunks_exact_mut(full.0 * rows.len()).zip(planes) {
                out.copy_from_slice(&plane[rows.start * full.0..rows.end * full.0]);
            }
        } else {
            scales::enlarge(&mut map.scores, rows, full, &self.scores, self.size, |to, score| *to = score);
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
            (width, height) in (1u32..40, 1u32..40), cut in 0u32..40, seed in 0usize..1000, judged in 1usize..3,
        ) {
            let noise = |count: usize| (0..count).map(|i| ((i + seed) * 7919 % 251) as u8).collect::<Vec<_>>();
            let full = (width as usize, height as usize);
            let mut size = (full.0.div_ceil(judged), full.1.div_ceil(judged));
            let mut fused = Fused::new(size);
            for share in 1..4 {
                fused.add(size, &noise(CLASSES * size.0 * size.1), share);
                size = (size.0.div_ceil(2), size.1.div_ceil(2));
            }
            let scores = fused.finish((width, height), [128; CLASSES]);
            let whole = scores.rows(0..height);
            let cut = cut.min(height);
            let parts = [scores.rows(0..cut), scores.rows(cut..height + 5)];
            prop_assert_eq!(parts[0].height + parts[1].height, height);
            prop_assert_eq!(&whole, &scores.into_map());
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
