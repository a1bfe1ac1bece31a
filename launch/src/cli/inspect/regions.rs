//! Connected pixels of a class, found row by row.

use serde::Serialize;

/// Connected pixels of a class: `[left, top, right, bottom]`, right and bottom exclusive.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::cli) struct Region {
    pub(in crate::cli) bounds_px: [u32; 4],
    pub(in crate::cli) area_px: u64,
    /// Mean score of its pixels, 0 to 1.
    pub(in crate::cli) score: f64,
}

/// Finds the regions (eight neighbours) of one value in a mask that comes row by row. Only what touches the last row is
/// kept open, so memory grows with the width alone.
pub(super) struct RegionFinder {
    value: u8,
    /// Regions of fewer pixels are not listed.
    least: u64,
    row: u32,
    /// Pixels of the value so far.
    pub(super) pixels: u64,
    open: Vec<Part>,
    /// The last row's runs, from left to right.
    runs: Vec<Run>,
    done: Vec<Part>,
}

/// Pixels of a row from `start` to before `end`, of the open part `part`.
#[derive(Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
    part: usize,
}

#[derive(Clone, Copy)]
struct Part {
    /// Row and column of its first pixel.
    first: (u32, u32),
    bounds: [u32; 4],
    pixels: u64,
    scores: u64,
}

impl Part {
    fn join(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        let ([l, t, r, b], [l2, t2, r2, b2]) = (self.bounds, other.bounds);
        self.bounds = [l.min(l2), t.min(t2), r.max(r2), b.max(b2)];
        self.pixels += other.pixels;
        self.scores += other.scores;
    }
}

impl RegionFinder {
    pub(super) const fn new(value: u8, least: u64) -> Self {
        Self { value, least, row: 0, pixels: 0, open: Vec::new(), runs: Vec::new(), done: Vec::new() }
    }

    /// Takes the next row of the mask, and the value's scores in it.
    pub(super) fn push(&mut self, mask: &[u8], scores: &[u8]) {
        let y = self.row;
        self.row += 1;
        let mut runs = self.runs_of(mask);
        // Parts are joined by pointing from one to another; `parts` begins with the open ones.
        let mut parts = std::mem::take(&mut self.open);
        let mut into: Vec<usize> = (0..parts.len()).collect();
        let mut above = 0;
        for run in &mut runs {
            let (from, to) = (run.start as usize, run.end as usize);
            let sum = scores.get(from..to).unwrap_or_default().iter().map(|s| u64::from(*s)).sum();
            run.part = parts.len();
            into.push(run.part);
            let bounds = [run.start, y, run.end, y + 1];
            let pixels = u64::from(run.end - run.start);
            self.pixels += pixels;
            parts.push(Part { first: (y, run.start), bounds, pixels, scores: sum });
            // Runs of the row above that touch this one, also at a corner.
            while self.runs.get(above).is_some_and(|r| r.end < run.start) {
                above += 1;
            }
            for other in self.runs[above..].iter().take_while(|r| r.start <= run.end) {
                let [a, b] = [other.part, run.part].map(|part| root(&into, part));
                into[a.max(b)] = a.min(b);
            }
        }
        self.close(parts, &into, &mut runs);
        self.runs = runs;
    }

    /// Keeps the parts that the row's runs belong to, joined; the others are done.
    fn close(&mut self, mut parts: Vec<Part>, into: &[usize], runs: &mut [Run]) {
        // A part points at an earlier one, so that going backwards each is whole before it is joined.
        for i in (0..parts.len()).rev() {
            if into[i] != i {
                let part = parts[i];
                parts[into[i]].join(&part);
            }
        }
        let mut kept = vec![None; parts.len()];
        for run in runs {
            let part = root(into, run.part);
            run.part = *kept[part].get_or_insert_with(|| {
                self.open.push(parts[part]);
                self.open.len() - 1
            });
        }
        let ended = (0..parts.len()).filter(|i| into[*i] == *i && kept[*i].is_none());
        self.done.extend(ended.map(|i| parts[i]).filter(|part| part.pixels >= self.least));
    }

    fn runs_of(&self, mask: &[u8]) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut at = 0;
        while let Some(start) = mask[at..].iter().position(|m| *m == self.value).map(|i| at + i) {
            let length = mask[start..].iter().position(|m| *m != self.value);
            at = length.map_or(mask.len(), |length| start + length);
            runs.push(Run { start: start as u32, end: at as u32, part: 0 });
        }
        runs
    }

    /// The regions, largest first; of equal ones the one that begins first.
    pub(super) fn finish(mut self) -> Vec<Region> {
        self.close_all();
        self.done.sort_by_key(|part| (std::cmp::Reverse(part.pixels), part.first));
        let region = |part: Part| Region {
            bounds_px: part.bounds,
            area_px: part.pixels,
            score: part.scores as f64 / 255.0 / part.pixels as f64,
        };
        self.done.into_iter().map(region).collect()
    }

    fn close_all(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.done.extend(open.into_iter().filter(|part| part.pixels >= self.least));
    }
}

/// The part that a part was joined into at last.
fn root(into: &[usize], mut part: usize) -> usize {
    while into[part] != part {
        part = into[part];
    }
    part
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(mask: &[u8], width: usize, value: u8, scores: &[u8]) -> Vec<Region> {
        let mut finder = RegionFinder::new(value, 1);
        for (i, row) in mask.chunks_exact(width).enumerate() {
            finder.push(row, scores.get(i * width..(i + 1) * width).unwrap_or_default());
        }
        finder.finish()
    }

    #[test]
    fn regions_are_connected_pixels_largest_first() {
        #[rustfmt::skip]
        let mask = [
            1, 0, 0, 1, 1,
            0, 1, 0, 0, 1,
            0, 0, 0, 0, 1,
        ];
        let found_1 = found(&mask, 5, 1, &[255; 15]);
        assert_eq!(found_1.iter().map(|r| r.area_px).collect::<Vec<_>>(), [4, 2]);
        assert_eq!(found_1[0].bounds_px, [3, 0, 5, 3]);
        assert!((found_1[1].score - 1.0).abs() < 1e-9);
        assert!(found(&mask, 5, 2, &[]).is_empty());
    }

    /// A flood from each pixel that no earlier one reached.
    fn flooded(mask: &[u8], width: usize, scores: &[u8]) -> Vec<Region> {
        let height = mask.len() / width;
        let mut open: Vec<bool> = mask.iter().map(|m| *m == 1).collect();
        let mut regions = Vec::new();
        for seed in 0..open.len() {
            if !std::mem::take(&mut open[seed]) {
                continue;
            }
            let (mut pixels, mut next) = (vec![seed], 0);
            while next < pixels.len() {
                let (x, y) = (pixels[next] % width, pixels[next] / width);
                for ny in y.saturating_sub(1)..(y + 2).min(height) {
                    for nx in x.saturating_sub(1)..(x + 2).min(width) {
                        if std::mem::take(&mut open[ny * width + nx]) {
                            pixels.push(ny * width + nx);
                        }
                    }
                }
                next += 1;
            }
            let across = pixels.iter().map(|p| (p % width) as u32);
            let down = pixels.iter().map(|p| (p / width) as u32);
            let [left, right] =
                [across.clone().min(), across.max().map(|x| x + 1)].map(|v| v.expect("pixels"));
            let [top, bottom] = [down.clone().min(), down.max().map(|y| y + 1)].map(|v| v.expect("pixels"));
            let sum: f64 = pixels.iter().map(|p| f64::from(scores[*p])).sum();
            regions.push(Region {
                bounds_px: [left, top, right, bottom],
                area_px: pixels.len() as u64,
                score: sum / 255.0 / pixels.len() as f64,
            });
        }
        regions.sort_by_key(|r| std::cmp::Reverse(r.area_px));
        regions
    }

    proptest! {
        #[test]
        fn rows_give_the_regions_that_a_flood_gives(
            width in 1_usize..12,
            mask in proptest::collection::vec(0_u8..2, 0..150),
        ) {
            let mask = &mask[..mask.len() / width * width];
            let scores: Vec<u8> = (0..mask.len()).map(|i| (i * 37 % 256) as u8).collect();
            prop_assert_eq!(found(mask, width, 1, &scores), flooded(mask, width, &scores));
        }
    }
}
