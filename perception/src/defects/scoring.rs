//! How well a model marks defects, pixel by pixel, against masks: precision, recall, F1 and IoU at every threshold.
//!
//! Masks are drawn by people and never to the pixel, so that each figure comes twice: strict, and within a tolerance of two
//! pixels, as is usual for boundaries and cracks (Martin, Fowlkes, Malik 2004; Liu et al. 2019, "DeepCrack").

use robot_interface::defect::DefectClass;

use super::class_map::ClassMap;

/// What a mask has where nobody can tell: neither right nor wrong.
pub const UNSURE: u8 = 255;
/// Thresholds, one for each score.
const STEPS: usize = 256;
/// Pixels within the tolerance of two pixels, as column and row.
const AROUND: [(i64, i64); 13] = [
    (0, 0),
    (1, 0),
    (-1, 0),
    (0, 1),
    (0, -1),
    (1, 1),
    (1, -1),
    (-1, 1),
    (-1, -1),
    (2, 0),
    (-2, 0),
    (0, 2),
    (0, -2),
];

/// Pixels of one class, over any number of pictures, at one threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Marked by the model.
    pub marked: u64,
    /// Of these, where the mask has the class, or within the tolerance of it.
    pub right: u64,
    /// In the mask.
    pub present: u64,
    /// Of these, marked, or within the tolerance of a marked one.
    pub reached: u64,
}

impl Counts {
    /// Share of what is marked that is right; `None` if nothing is marked.
    pub fn precision(&self) -> Option<f64> {
        share(self.right, self.marked)
    }

    /// Share of what is there that is marked; `None` if nothing is there.
    pub fn recall(&self) -> Option<f64> {
        share(self.reached, self.present)
    }

    /// Harmonic mean of precision and recall; `None` if there is nothing and nothing is marked.
    pub fn f1(&self) -> Option<f64> {
        if self.marked + self.present == 0 {
            return None;
        }
        let (precision, recall) = (self.precision().unwrap_or_default(), self.recall().unwrap_or_default());
        Some(if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 })
    }

    /// Intersection over union, for counts without a tolerance.
    pub fn iou(&self) -> Option<f64> {
        share(self.right, self.marked + self.present - self.right)
    }
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// Scores of one class over any number of pictures.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Pixels by their score: all, those where the mask has the class, and those within the tolerance of it.
    marked: [u64; STEPS],
    right: [u64; STEPS],
    near: [u64; STEPS],
    /// The mask's pixels of the class by the best score within the tolerance.
    reached: [u64; STEPS],
}

impl Default for Tally {
    fn default() -> Self {
        Self { marked: [0; STEPS], right: [0; STEPS], near: [0; STEPS], reached: [0; STEPS] }
    }
}

impl Tally {
    /// Of one class of a picture against its mask: classes by [`DefectClass::mask_value`], [`UNSURE`], 0 elsewhere,
    /// `height x width` as the map's. `claimed` is the map's own [mask](ClassMap::mask): a pixel that another class claims has a
    /// score below its threshold.
    pub fn of(map: &ClassMap, claimed: &[u8], class: DefectClass, mask: &[u8]) -> Self {
        let value = class.mask_value();
        let Some(place) = DefectClass::VISUAL.iter().position(|c| *c == class) else {
            return Self::default();
        };
        let below = map.thresholds[place].saturating_sub(1);
        let scores: Vec<u8> = (map.plane(class).iter().zip(claimed).zip(mask))
            .map(|((score, claimed), truth)| match () {
                () if *truth == UNSURE => 0,
                () if *claimed == value || *claimed == 0 => *score,
                () => (*score).min(below),
            })
            .collect();
        let present: Vec<u8> = mask.iter().map(|truth| u8::from(*truth == value)).collect();
        let width = map.width as usize;
        let (near, reached) = (greatest_around(&present, width), greatest_around(&scores, width));
        let mut tally = Self::default();
        for (i, score) in scores.iter().enumerate().filter(|(i, _)| mask[*i] != UNSURE) {
            let score = usize::from(*score);
            tally.marked[score] += 1;
            tally.right[score] += u64::from(present[i]);
            tally.near[score] += u64::from(near[i]);
            tally.reached[usize::from(reached[i])] += u64::from(present[i]);
        }
        tally
    }

    /// Takes in another.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.marked, &other.marked),
            (&mut self.right, &other.right),
            (&mut self.near, &other.near),
            (&mut self.reached, &other.reached),
        ];
        for (mine, theirs) in pairs {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
    }

    /// Counts where pixels from this score on are marked, to the pixel.
    pub fn strict(&self, threshold: u8) -> Counts {
        let right = from(&self.right, threshold);
        Counts { marked: from(&self.marked, threshold), right, present: from(&self.right, 0), reached: right }
    }

    /// The same, within the tolerance of two pixels.
    pub fn tolerant(&self, threshold: u8) -> Counts {
        Counts {
            marked: from(&self.marked, threshold),
            right: from(&self.near, threshold),
            present: from(&self.right, 0),
            reached: from(&self.reached, threshold),
        }
    }

    /// The threshold of the best strict F1, which nobody knows beforehand, and that F1.
    pub fn best(&self) -> Option<(u8, f64)> {
        (1..=u8::MAX)
            .filter_map(|threshold| Some((threshold, self.strict(threshold).f1()?)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// How often pixels of a score have the class, over so many equal ranges of scores: the mean score of the range's
    /// pixels, and the share of them that have the class, both 0 to 1. Ranges without pixels are left out.
    pub fn reliability(&self, ranges: usize) -> Vec<(f64, f64)> {
        let size = STEPS.div_ceil(ranges.clamp(1, STEPS));
        let sums = self.marked.chunks(size).zip(self.right.chunks(size)).enumerate();
        sums.filter_map(|(i, (marked, right))| {
            let weighted: u64 =
                marked.iter().zip(i * size..).map(|(count, score)| count * score as u64).sum();
            let all: u64 = marked.iter().sum();
            Some((share(weighted, all)? / 255.0, share(right.iter().sum(), all)?))
        })
        .collect()
    }
}

fn from(bins: &[u64; STEPS], threshold: u8) -> u64 {
    bins[usize::from(threshold)..].iter().sum()
}

/// For each pixel the greatest value within the tolerance.
fn greatest_around(values: &[u8], width: usize) -> Vec<u8> {
    let height = values.len().checked_div(width).unwrap_or_default();
    let at = |x: i64, y: i64| {
        let inside = (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
        if inside { values[y as usize * width + x as usize] } else { 0 }
    };
    let pixel = |i: usize| {
        let (x, y) = ((i % width) as i64, (i / width) as i64);
        AROUND.iter().map(|(dx, dy)| at(x + dx, y + dy)).max().unwrap_or_default()
    };
    (0..values.len()).map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defects::CLASSES;

    /// A picture one row high with these scores for cracks.
    fn row(cracks: &[u8]) -> ClassMap {
        let mut map = ClassMap::background(cracks.len() as u32, 1, [128; CLASSES]);
        map.scores[..cracks.len()].copy_from_slice(cracks);
        map
    }

    fn tally(cracks: &[u8], mask: &[u8]) -> Tally {
        let map = row(cracks);
        Tally::of(&map, &map.mask(), DefectClass::Crack, mask)
    }

    #[test]
    fn a_crack_beside_its_mask_is_wrong_strictly_and_right_within_two_pixels() {
        let counts = tally(&[0, 200, 0, 0, 0, 0, 0, 200], &[0, 0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(counts.strict(128), Counts { marked: 2, right: 0, present: 1, reached: 0 });
        assert_eq!(counts.tolerant(128), Counts { marked: 2, right: 1, present: 1, reached: 1 });
        assert_eq!(counts.tolerant(128).f1(), Some(2.0 / 3.0));
        assert_eq!(counts.strict(201).f1(), Some(0.0));
    }

    #[test]
    fn what_is_unsure_is_neither_right_nor_wrong() {
        let counts = tally(&[250, 250, 0], &[UNSURE, 1, UNSURE]).strict(128);
        assert_eq!(counts, Counts { marked: 1, right: 1, present: 1, reached: 1 });
        assert_eq!((counts.iou(), counts.f1()), (Some(1.0), Some(1.0)));
        assert_eq!(tally(&[0], &[UNSURE]).strict(1).f1(), None);
    }

    #[test]
    fn a_pixel_is_of_the_class_that_claims_it() {
        let mut map = row(&[140, 140]);
        map.scores[2..4].copy_from_slice(&[250, 0]);
        let of = |class| Tally::of(&map, &map.mask(), class, &[2, 1]).strict(128);
        assert_eq!(of(DefectClass::Crack), Counts { marked: 1, right: 1, present: 1, reached: 1 });
        assert_eq!(of(DefectClass::Leakage), Counts { marked: 1, right: 1, present: 1, reached: 1 });
    }

    #[test]
    fn the_best_threshold_and_the_reliability_are_found_over_all_pictures() {
        let mut all = tally(&[100, 90, 10], &[1, 0, 0]);
        all.add(&tally(&[110, 20], &[1, 0]));
        assert_eq!(all.best(), Some((100, 1.0)));
        // Scores 10, 20, 90, 100, 110: of those below 128 two in five are cracks.
        let [(score, share)] = all.reliability(2)[..] else { panic!("one range") };
        assert!((score - 66.0 / 255.0).abs() < 1e-12 && (share - 0.4).abs() < 1e-12);
    }

    #[test]
    fn the_tolerance_is_a_disc() {
        let mut dot = vec![0; 49];
        dot[24] = 7;
        let grown = greatest_around(&dot, 7);
        let inside = |i: usize| (i % 7).abs_diff(3).pow(2) + (i / 7).abs_diff(3).pow(2) <= 4;
        assert!(grown.iter().enumerate().all(|(i, value)| (*value == 7) == inside(i)));
    }
}
