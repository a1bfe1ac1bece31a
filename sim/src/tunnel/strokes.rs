//! Thin lines on the lining: cracks, scratches, pen and chalk. Found through a grid of cells, and faded by
//! how much of a pixel they cover, so that a crack narrower than a pixel loses contrast in proportion
//! instead of vanishing or breaking up.

use super::noise::{hash2, unit};

/// Side of the grid's cells, m.
const CELL_M: f32 = 0.05;
/// Distance outside a line at which a pixel's footprint may lie and still find it, m.
const REACH_M: f32 = 0.006;

/// Ink of a line: what it is drawn with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ink {
    /// A crack, the number that of its defect; `tone` is what remains of the lining's reflectance inside.
    Crack { defect: u32, tone: f32 },
    /// Reflectance laid over the lining.
    Paint { colour: [f32; 3], opacity: f32 },
    /// A scratch or fine ridge: the lining's own reflectance times this.
    Scratch { tone: f32 },
}

/// A polyline with a width at every corner.
#[derive(Clone, Debug)]
pub(crate) struct Stroke {
    /// `[chainage, arc, width]`, m.
    pub(crate) points: Vec<[f32; 3]>,
    pub(crate) ink: Ink,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    from: [f32; 3],
    to: [f32; 3],
    stroke: u32,
}

/// Cover of one pixel by a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cover {
    pub(crate) ink: Ink,
    /// Share of the pixel that the line covers, 0 to 1.
    pub(crate) coverage: f32,
    /// Width of the line in pixels.
    pub(crate) width_px: f32,
    /// True if the pixel's footprint touches the line at all.
    pub(crate) touches: bool,
}

/// Footprint of a pixel on the lining: the moves by one pixel to the right and one down, `[chainage, arc]`, m.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Footprint {
    /// One pixel to the right.
    pub right: [f32; 2],
    /// One pixel down.
    pub down: [f32; 2],
}

impl Footprint {
    /// A square pixel along the tunnel's axes.
    pub const fn square(side_m: f32) -> Self {
        Self { right: [side_m, 0.0], down: [0.0, side_m] }
    }

    /// Side of a square of the same area, m, not less than half of the longer edge's quarter.
    pub fn size_m(&self) -> f32 {
        let area = (self.right[0] * self.down[1] - self.right[1] * self.down[0]).abs();
        let square = |v: [f32; 2]| v[0] * v[0] + v[1] * v[1];
        let longest = square(self.right).max(square(self.down)).sqrt();
        area.sqrt().max(longest * 0.35).max(1e-5)
    }

    /// Extent across a line with this unit normal, m.
    fn across(&self, normal: [f32; 2]) -> f32 {
        let right = (self.right[0] * normal[0] + self.right[1] * normal[1]).abs();
        let down = (self.down[0] * normal[0] + self.down[1] * normal[1]).abs();
        // A square pixel seen across its corner is as wide as its diagonal, but covers as much as its side.
        right.max(down).max(0.72 * (right + down)).max(1e-6)
    }
}

/// All thin lines, by place.
#[derive(Clone, Debug)]
pub(crate) struct Strokes {
    inks: Vec<Ink>,
    segments: Vec<Segment>,
    /// Least chainage and arc of the grid, m.
    origin: [f32; 2],
    size: [usize; 2],
    /// Segments of cell `i` are `listed[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    listed: Vec<u32>,
}

impl Strokes {
    /// Sorts strokes into a grid over the lining, which reaches from `low` to `high`, `[chainage, arc]`, m.
    pub(crate) fn new(strokes: &[Stroke], low: [f32; 2], high: [f32; 2]) -> Self {
        let size = [0, 1].map(|k| ((high[k] - low[k]) / CELL_M).ceil().max(1.0) as usize);
        let segments: Vec<Segment> = strokes
            .iter()
            .enumerate()
            .flat_map(|(n, s)| {
                s.points.windows(2).map(move |w| Segment { from: w[0], to: w[1], stroke: n as u32 })
            })
            .collect();
        let cell = |v: f32, k: usize| (((v - low[k]) / CELL_M).floor().max(0.0) as usize).min(size[k] - 1);
        let reach = |s: &Segment| REACH_M + s.from[2].max(s.to[2]) / 2.0;
        let range = |s: &Segment, k: usize| {
            let (least, most) = (s.from[k].min(s.to[k]) - reach(s), s.from[k].max(s.to[k]) + reach(s));
            cell(least, k)..=cell(most, k)
        };
        let mut cells: Vec<(u32, u32)> = Vec::new();
        for (n, s) in segments.iter().enumerate() {
            for i in range(s, 0) {
                cells.extend(range(s, 1).map(|j| ((i * size[1] + j) as u32, n as u32)));
            }
        }
        cells.sort_unstable();
        let mut starts = vec![0u32; size[0] * size[1] + 1];
        for (cell, _) in &cells {
            starts[*cell as usize + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let listed = cells.into_iter().map(|(_, n)| n).collect();
        Self { inks: strokes.iter().map(|s| s.ink).collect(), segments, origin: low, size, starts, listed }
    }

    /// Calls `paint` for every line that covers part of a pixel, in the order in which the strokes were given.
    pub(crate) fn at(&self, place: [f32; 2], footprint: &Footprint, mut paint: impl FnMut(Cover)) {
        let [i, j] = [0, 1].map(|k| (place[k] - self.origin[k]) / CELL_M);
        if i < 0.0 || j < 0.0 || i as usize >= self.size[0] || j as usize >= self.size[1] {
            return;
        }
        let cell = i as usize * self.size[1] + j as usize;
        let list = &self.listed[self.starts[cell] as usize..self.starts[cell + 1] as usize];
        let mut best: Option<(u32, Cover)> = None;
        for n in list {
            let segment = &self.segments[*n as usize];
            let cover = self.cover(segment, place, footprint);
            if cover.coverage <= 0.0 && !cover.touches {
                continue;
            }
            match &mut best {
                Some((stroke, kept)) if *stroke == segment.stroke => {
                    if cover.coverage > kept.coverage {
                        *kept = cover;
                    }
                }
                _ => {
                    if let Some((_, done)) = best.replace((segment.stroke, cover)) {
                        paint(done);
                    }
                }
            }
        }
        if let Some((_, done)) = best {
            paint(done);
        }
    }

    fn cover(&self, segment: &Segment, place: [f32; 2], footprint: &Footprint) -> Cover {
        let (a, b) = (segment.from, segment.to);
        let along = [b[0] - a[0], b[1] - a[1]];
        let length = along[0].hypot(along[1]).max(1e-6);
        let direction = [along[0] / length, along[1] / length];
        let offset = [place[0] - a[0], place[1] - a[1]];
        let t = offset[0] * direction[0] + offset[1] * direction[1];
        let across = (offset[1] * direction[0] - offset[0] * direction[1]).abs();
        let width = a[2] + (b[2] - a[2]) * (t / length).clamp(0.0, 1.0);
        let pixel = footprint.across([-direction[1], direction[0]]);
        let beyond = (-t).max(t - length).max(0.0);
        // Beyond the ends the line stops within half a pixel along itself.
        let stop = 1.0 - (beyond / (0.5 * footprint.across(direction) + width / 2.0)).min(1.0);
        let overlap = (across + pixel / 2.0).min(width / 2.0) - (across - pixel / 2.0).max(-width / 2.0);
        let coverage = (overlap / pixel).clamp(0.0, 1.0) * if beyond > 0.0 { stop } else { 1.0 };
        Cover {
            ink: self.inks[segment.stroke as usize],
            coverage,
            width_px: width / pixel,
            touches: across <= (width + pixel) / 2.0 && stop > 0.0,
        }
    }
}

/// Figures as strokes, slanted and shaky as by hand; `height_m` is that of a figure. `down` is +1 where arc
/// grows downwards and -1 where it shrinks.
pub(crate) fn writing(
    digits: &[u8],
    [s, a]: [f32; 2],
    height_m: f32,
    down: f32,
    ink: Ink,
    seed: u32,
) -> Vec<Stroke> {
    /// Corners of each figure on a grid of 2 x 4, `(x, y)` with y up.
    const SHAPES: [&[[f32; 2]]; 10] = [
        &[
            [0.2, 0.0],
            [0.0, 1.0],
            [0.0, 3.0],
            [0.6, 4.0],
            [1.4, 4.0],
            [2.0, 3.0],
            [2.0, 1.0],
            [1.4, 0.0],
            [0.2, 0.0],
        ],
        &[[0.4, 3.2], [1.2, 4.0], [1.2, 0.0]],
        &[[0.0, 3.2], [0.6, 4.0], [1.6, 4.0], [2.0, 3.0], [0.0, 0.0], [2.0, 0.0]],
        &[[0.0, 4.0], [2.0, 4.0], [0.9, 2.4], [2.0, 1.6], [1.8, 0.4], [0.8, 0.0], [0.0, 0.5]],
        &[[1.5, 0.0], [1.5, 4.0], [0.0, 1.2], [2.1, 1.2]],
        &[[1.9, 4.0], [0.3, 4.0], [0.1, 2.3], [1.2, 2.5], [2.0, 1.4], [1.2, 0.0], [0.0, 0.4]],
        &[[1.6, 4.0], [0.3, 2.2], [0.1, 0.8], [0.9, 0.0], [1.9, 0.9], [1.3, 2.0], [0.2, 1.4]],
        &[[0.0, 4.0], [2.0, 4.0], [0.7, 0.0]],
        &[[1.0, 2.1], [0.1, 3.0], [1.0, 4.0], [1.9, 3.0], [0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [1.0, 2.1]],
        &[[1.8, 3.0], [0.8, 2.0], [0.1, 3.0], [1.0, 4.0], [1.9, 3.0], [1.2, 0.0]],
    ];
    let scale = height_m / 4.0;
    let shake = |n: usize, k: i32| (unit(hash2(n as i32, k, seed)) - 0.5) * 0.3;
    let width = height_m * (0.05 + 0.05 * unit(seed));
    digits
        .iter()
        .enumerate()
        .map(|(place, digit)| {
            let corners = SHAPES[usize::from(*digit) % 10].iter().enumerate().map(|(n, [x, y])| {
                let (x, y) = (x + shake(place * 16 + n, 0) + 0.15 * y, y + shake(place * 16 + n, 1));
                // Seen from inside, chainage runs to the right on the left wall and to the left on the right one.
                let ahead = -(x + 2.8 * place as f32) * scale * down;
                [s + ahead, a - y * scale * down, width]
            });
            Stroke { points: corners.collect(), ink }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: Ink = Ink::Crack { defect: 0, tone: 0.2 };

    fn one(width_m: f32, slope: f32) -> Strokes {
        let points = vec![[0.1, 0.5 - 0.4 * slope, width_m], [0.9, 0.5 + 0.4 * slope, width_m]];
        Strokes::new(&[Stroke { points, ink: INK }], [0.0, 0.0], [1.0, 1.0])
    }

    /// Sum of coverage over a column of pixels that crosses the line.
    fn across(strokes: &Strokes, pixel: f32, shift: f32) -> f32 {
        let footprint = Footprint::square(pixel);
        (-20..20)
            .map(|k| {
                let mut sum = 0.0;
                strokes.at([0.5, 0.5 + shift + k as f32 * pixel], &footprint, |c| sum += c.coverage);
                sum
            })
            .sum()
    }

    #[test]
    fn a_fine_crack_fades_in_proportion_to_its_width() {
        for pixel in [0.001, 0.002, 0.004] {
            for width in [0.0002, 0.0004, 0.001] {
                for shift in [0.0, 0.3, 0.7] {
                    let covered = across(&one(width, 0.0), pixel, shift * pixel) * pixel;
                    assert!((covered / width - 1.0).abs() < 0.05, "{pixel} {width} {shift}: {covered}");
                }
            }
        }
    }

    #[test]
    fn a_slanted_crack_is_as_wide_as_a_level_one() {
        let covered = across(&one(0.0005, 0.5), 0.002, 0.0003) * 0.002;
        // Straight down through a line that rises by a half it is wider by sqrt(1.25).
        assert!((covered / (0.0005 * 1.25f32.sqrt()) - 1.0).abs() < 0.15, "{covered}");
    }

    #[test]
    fn far_from_a_line_there_is_nothing() {
        let mut met = 0;
        one(0.002, 0.0).at([0.5, 0.6], &Footprint::square(0.002), |_| met += 1);
        one(0.002, 0.0).at([-3.0, 9.0], &Footprint::square(0.002), |_| met += 1);
        assert_eq!(met, 0);
    }
}
