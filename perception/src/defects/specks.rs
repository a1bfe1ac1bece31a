//! Hysteresis thresholding of a picture's scores: connected pixels stay that are sure somewhere and large enough together. A
//! network's specks are neither: on photographs of rough walls they are most of what is wrong, and on the lining they would
//! join into what is not there.

use rayon::prelude::*;

use super::class_map::CLASSES;
use crate::connected::for_each_part;

/// Longer side of the smallest part that counts, pixels, by class as in
/// [`VISUAL`](robot_interface::defect::DefectClass::VISUAL).
const MIN_PART_PX: [usize; CLASSES] = [30, 20, 15, 12];

/// Share of the threshold down to which pixels beside sure ones still count.
const WEAK_SHARE: f32 = 0.6;

/// Takes out of scores, `[4, height, width]`, what is weak or small.
pub(super) fn remove(scores: &mut [u8], width: usize, thresholds: [u8; CLASSES]) {
    let plane = (scores.len() / CLASSES).max(1);
    scores.par_chunks_mut(plane).zip(thresholds).zip(MIN_PART_PX).for_each(|((plane, threshold), least)| {
        clean(plane, width, threshold, least);
    });
}

/// Takes out of a plane of scores (`height x width`) what is weak or small: parts of at least `min_extent_px` along the longer
/// side with a pixel of at least `threshold` keep their scores, all else becomes 0.
fn clean(plane: &mut [u8], width: usize, threshold: u8, min_extent_px: usize) {
    let weak = ((f32::from(threshold) * WEAK_SHARE) as u8).max(1);
    let mut open = vec![false; plane.len()];
    for (open, score) in open.iter_mut().zip(plane.iter_mut()) {
        *open = *score >= weak;
        *score = if *open { *score } else { 0 };
    }
    for_each_part(open, width, |part| {
        let (mut low, mut high) = ([usize::MAX; 2], [0; 2]);
        for at in part {
            let place = [at % width, at / width];
            low = [low[0].min(place[0]), low[1].min(place[1])];
            high = [high[0].max(place[0]), high[1].max(place[1])];
        }
        let sure = part.iter().any(|at| plane[*at] >= threshold);
        let extent = (high[0] - low[0]).max(high[1] - low[1]) + 1;
        if !sure || extent < min_extent_px {
            part.iter().for_each(|at| plane[*at] = 0);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_and_specks_go() {
        let width = 10;
        let mut plane = vec![0u8; 50];
        // A slanting line of weak pixels with one sure one, a speck, and a weak line.
        for (x, score) in [(0, 70), (1, 70), (2, 120), (3, 70), (4, 70)] {
            plane[(x / 2) * width + x] = score;
        }
        plane[8] = 200;
        for x in 3..9 {
            plane[4 * width + x] = 80;
        }
        clean(&mut plane, width, 100, 4);
        assert_eq!(plane.iter().filter(|s| **s > 0).count(), 5);
        assert_eq!(plane[width + 2], 120);
        clean(&mut [], 0, 100, 4);
        remove(&mut [], 0, [100; CLASSES]);
    }
}
