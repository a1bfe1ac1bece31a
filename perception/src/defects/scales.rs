//! Pictures made smaller, and scores made larger again.

use rayon::prelude::*;
use robot_interface::sensors::RgbImage;

/// Pictures of more pixels are halved first: their cracks are wide enough.
pub(super) const MAX_PIXELS: usize = 4_200_000;

/// Half as wide and high, rounded up: each pixel the mean of the four that it stands for.
pub(super) fn halved(picture: &RgbImage) -> RgbImage {
    let (w, h) = (picture.width as usize, picture.height as usize);
    let (half_width, half_height) = (w.div_ceil(2), h.div_ceil(2));
    let mut data = vec![0u8; half_width * half_height * 3];
    data.par_chunks_mut(half_width * 3).enumerate().for_each(|(y, row)| {
        let [upper, lower] =
            [2 * y, (2 * y + 1).min(h - 1)].map(|y| &picture.data[y * w * 3..(y + 1) * w * 3]);
        halve_rows(upper, lower, row);
    });
    RgbImage { width: half_width as u32, height: half_height as u32, data }
}

/// Two rows made one, half as long, rounded up.
pub(super) fn halve_rows(upper: &[u8], lower: &[u8], half: &mut [u8]) {
    let last = upper.len() / 3 - 1;
    for (x, pixel) in half.chunks_exact_mut(3).enumerate() {
        let (left, right) = (6 * x, 3 * (2 * x + 1).min(last));
        for (c, value) in pixel.iter_mut().enumerate() {
            let sum: u16 = [upper[left + c], upper[right + c], lower[left + c], lower[right + c]]
                .map(u16::from)
                .iter()
                .sum();
            *value = ((sum + 2) / 4) as u8;
        }
    }
}

/// A picture of at most 4.2 megapixels, halved as often as needed; `None` where it is that already.
pub(super) fn shrunk(picture: &RgbImage) -> Option<RgbImage> {
    let mut small: Option<RgbImage> = None;
    loop {
        let now = small.as_ref().unwrap_or(picture);
        if now.width as usize * now.height as usize <= MAX_PIXELS {
            return small;
        }
        small = Some(halved(now));
    }
}

/// Puts to each pixel of some rows of a picture of `size`, `[planes, rows, width]`, the score of a smaller picture,
/// `[planes, height', width']`, interpolated between the middles of its pixels, as `put` says; where that is 0 nothing is put.
/// Sizes are width, height.
pub(super) fn enlarge<T: Send>(
    into: &mut [T],
    rows: std::ops::Range<usize>,
    size: (usize, usize),
    small: &[u8],
    small_size: (usize, usize),
    put: impl Fn(&mut T, u8) + Sync,
) {
    let columns = places(0..size.0, size.0, small_size.0);
    let places = places(rows.clone(), size.1, small_size.1);
    let small_plane = small_size.0 * small_size.1;
    into.par_chunks_mut(size.0).enumerate().for_each(|(i, out)| {
        let (plane, y) = (i / rows.len(), i % rows.len());
        let row = |y: usize| &small[plane * small_plane + y * small_size.0..][..small_size.0];
        let (above, below, low) = places[y];
        let (above, below) = (row(above), row(below));
        if above.iter().chain(below).all(|s| *s == 0) {
            return;
        }
        let mut done = 0;
        // Pixels between the same two of the smaller picture; nearly everywhere all of them score 0.
        for group in columns.chunk_by(|a, b| a.0 == b.0) {
            let (left, right, _) = group[0];
            let out = &mut out[done..done + group.len()];
            done += group.len();
            let [a, b, c, d] = [above[left], above[right], below[left], below[right]].map(u32::from);
            if [a, b, c, d] == [0; 4] {
                continue;
            }
            for (out, (_, _, along)) in out.iter_mut().zip(group) {
                let upper = a * (256 - along) + b * along;
                let lower = c * (256 - along) + d * along;
                let value = upper * (256 - low) + lower * low;
                put(out, ((value + 0x8000) >> 16) as u8);
            }
        }
    });
}

/// For each of some of `count` pixels the two of `small` that it lies between, and how near it is to the second, in
/// 256ths.
fn places(some: std::ops::Range<usize>, count: usize, small: usize) -> Vec<(usize, usize, u32)> {
    let last = small - 1;
    let place = |i: usize| {
        let at = ((i as f64 + 0.5) * small as f64 / count as f64 - 0.5).clamp(0.0, last as f64);
        let low = at as usize;
        (low, (low + 1).min(last), ((at - low as f64) * 256.0) as u32)
    };
    some.map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_are_halved() {
        let picture = RgbImage { width: 3001, height: 2000, data: vec![9; 3001 * 2000 * 3] };
        let small = shrunk(&picture).expect("halved");
        assert_eq!((small.width, small.height), (1501, 1000));
        assert!(small.data.iter().all(|v| *v == 9));
        assert_eq!(shrunk(&small), None);
    }

    #[test]
    fn a_pixel_is_the_mean_of_four() {
        let picture = RgbImage { width: 3, height: 1, data: vec![0, 0, 0, 9, 1, 255, 40, 50, 60] };
        assert_eq!(halved(&picture).data, [5, 1, 128, 40, 50, 60]);
    }

    #[test]
    fn scores_are_interpolated() {
        let add = |sum: &mut u16, score| *sum += u16::from(score);
        let mut sums = vec![0, 200, 0, 0];
        enlarge(&mut sums, 0..1, (4, 1), &[0, 100], (2, 1), add);
        assert_eq!(sums, [0, 225, 75, 100]);
        let mut one = vec![7; 6];
        enlarge(&mut one, 0..2, (3, 2), &[9], (1, 1), add);
        assert_eq!(one, [16; 6]);
    }
}
