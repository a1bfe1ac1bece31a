//! Class scores of every pixel of a picture.

use robot_interface::defect::DefectClass;

/// Number of classes that a picture shows.
pub const CLASSES: usize = DefectClass::VISUAL.len();

/// Pixels that are looked over at once for any that counts.
const RUN: usize = 64;

/// Scores of every pixel for every class that a picture shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassMap {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Probability in 255ths, `[4, height, width]`, classes in the order of [`DefectClass::VISUAL`]. What is
    /// missing to 255 is the background's.
    pub scores: Vec<u8>,
    /// Score from which on a pixel counts as each class, in 255ths.
    pub thresholds: [u8; CLASSES],
}

impl ClassMap {
    /// A map on which nothing was found.
    pub fn background(width: u32, height: u32, thresholds: [u8; CLASSES]) -> Self {
        let scores = vec![0; CLASSES * width as usize * height as usize];
        Self { width, height, scores, thresholds }
    }

    /// Scores of one class, `height x width`; empty for a class that no picture shows.
    pub fn plane(&self, class: DefectClass) -> &[u8] {
        let pixels = self.width as usize * self.height as usize;
        match DefectClass::VISUAL.iter().position(|c| *c == class) {
            Some(i) => self.scores.get(i * pixels..(i + 1) * pixels).unwrap_or_default(),
            None => &[],
        }
    }

    /// The class of every pixel as in `NAME_mask.png`, `height x width`: of the classes that reach their
    /// threshold the one that exceeds it most, 0 where none does.
    pub fn mask(&self) -> Vec<u8> {
        let pixels = self.width as usize * self.height as usize;
        let mut mask = vec![0u8; pixels];
        let mut best = vec![0u8; pixels];
        for (class, threshold) in DefectClass::VISUAL.into_iter().zip(self.thresholds) {
            let least = threshold.max(1);
            let room = 255 - u32::from(threshold);
            let parts = mask.chunks_mut(RUN).zip(best.chunks_mut(RUN)).zip(self.plane(class).chunks(RUN));
            // Nearly everywhere no score reaches its threshold.
            for ((mask, best), scores) in parts.filter(|(_, scores)| scores.iter().any(|s| *s >= least)) {
                for ((mask, best), score) in mask.iter_mut().zip(best).zip(scores) {
                    // A score past its threshold, as a share of what could be past it.
                    let margin = score.saturating_sub(threshold);
                    let past = (u32::from(margin) * 254).checked_div(room).map_or(254, |p| p as u8) + 1;
                    if *score >= least && past > *best {
                        (*mask, *best) = (class.mask_value(), past);
                    }
                }
            }
        }
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(scores: [u8; 4]) -> u8 {
        let map = ClassMap { width: 1, height: 1, scores: scores.to_vec(), thresholds: [100, 128, 128, 0] };
        map.mask()[0]
    }

    #[test]
    fn a_pixel_is_the_class_that_exceeds_its_threshold_most() {
        assert_eq!(pixel([0, 0, 0, 0]), 0);
        assert_eq!(pixel([99, 127, 127, 0]), 0);
        assert_eq!(pixel([100, 0, 0, 0]), 1);
        assert_eq!(pixel([110, 135, 0, 0]), 1);
        assert_eq!(pixel([110, 145, 0, 0]), 2);
        assert_eq!(pixel([0, 0, 255, 0]), 3);
        assert_eq!(pixel([0, 0, 0, 1]), 4);
    }

    #[test]
    fn planes_follow_the_masks_numbers() {
        let map = ClassMap { width: 2, height: 1, scores: (0..8).collect(), thresholds: [1; 4] };
        assert_eq!(map.plane(DefectClass::Crack), [0, 1]);
        assert_eq!(map.plane(DefectClass::Corrosion), [6, 7]);
        assert!(map.plane(DefectClass::HotJoint).is_empty());
    }
}
