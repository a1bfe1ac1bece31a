//! Hysteresis thresholding of a picture's scores, before they are laid on the lining: connected pixels stay that are
//! sure somewhere and large enough together. A network's specks are neither, and on the lining they would join into
//! what is not there.

/// Share of the threshold down to which pixels beside sure ones still count.
const WEAK_SHARE: f32 = 0.6;

/// Returns a plane of scores (`height x width`) without what is weak or small: parts of at least `min_extent_px` along
/// the longer side with a pixel of at least `threshold` keep their scores, all else is 0.
pub(super) fn clean(plane: &[u8], width: usize, threshold: u8, min_extent_px: usize) -> Vec<u8> {
    let weak = ((f32::from(threshold) * WEAK_SHARE) as u8).max(1);
    let height = plane.len().checked_div(width).unwrap_or(0);
    let mut open: Vec<bool> = plane.iter().map(|s| *s >= weak).collect();
    let mut kept = vec![0u8; plane.len()];
    let mut part = Vec::new();
    for seed in 0..open.len() {
        if !std::mem::take(&mut open[seed]) {
            continue;
        }
        part.clear();
        part.push(seed);
        let (mut low, mut high) = ([seed % width, seed / width], [seed % width, seed / width]);
        let mut sure = false;
        let mut next = 0;
        while next < part.len() {
            let at = part[next];
            let (x, y) = (at % width, at / width);
            low = [low[0].min(x), low[1].min(y)];
            high = [high[0].max(x), high[1].max(y)];
            sure |= plane[at] >= threshold;
            for ny in y.saturating_sub(1)..(y + 2).min(height) {
                for nx in x.saturating_sub(1)..(x + 2).min(width) {
                    let other = ny * width + nx;
                    if std::mem::take(&mut open[other]) {
                        part.push(other);
                    }
                }
            }
            next += 1;
        }
        let extent = (high[0] - low[0]).max(high[1] - low[1]) + 1;
        if sure && extent >= min_extent_px {
            for at in &part {
                kept[*at] = plane[*at];
            }
        }
    }
    kept
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
        let kept = clean(&plane, width, 100, 4);
        assert_eq!(kept.iter().filter(|s| **s > 0).count(), 5);
        assert_eq!(kept[width + 2], 120);
        assert!(clean(&[], 0, 100, 4).is_empty());
    }
}
