//! Use of the cameras' pictures: what shows nothing is not taken for a look at the lining.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use robot_interface::sensors::RgbImage;

/// Luminance of pixels that show something: neither black nor burnt out.
const SHOWING: std::ops::RangeInclusive<u32> = 12..=243;
/// A picture with a smaller share of such pixels is blank.
const LEAST_SHOWING: f64 = 0.02;

/// Number of a camera's pictures, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CameraUse {
    /// Laid on the lining.
    pub used: u64,
    /// Black or white, but for a few pixels.
    pub blank: u64,
    /// To the byte the same as an earlier one: of a camera that hangs, or of a recording that is given twice.
    pub repeated: u64,
}

impl CameraUse {
    /// Returns how many were not used.
    pub const fn unused(&self) -> u64 {
        self.blank + self.repeated
    }
}

/// Check of one camera's pictures.
#[derive(Clone, Debug, Default)]
pub(crate) struct PictureCheck {
    /// Hashes of the pictures so far.
    seen: HashSet<u64>,
    pub(crate) counts: CameraUse,
}

impl PictureCheck {
    /// Returns whether a picture is of use, and counts it.
    pub(crate) fn admits(&mut self, image: &RgbImage) -> bool {
        let mut hasher = DefaultHasher::new();
        image.data.hash(&mut hasher);
        let is_repeated = !self.seen.insert(hasher.finish());
        let counter = match () {
            () if is_blank(image) => &mut self.counts.blank,
            () if is_repeated => &mut self.counts.repeated,
            () => {
                self.counts.used += 1;
                return true;
            }
        };
        *counter += 1;
        false
    }
}

fn is_blank(image: &RgbImage) -> bool {
    let pixels = image.data.chunks_exact(3);
    let least = (LEAST_SHOWING * pixels.len() as f64).ceil() as usize;
    let shows = |pixel: &&[u8]| {
        let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
        SHOWING.contains(&((77 * red + 150 * green + 29 * blue) >> 8))
    };
    pixels.filter(shows).take(least).count() < least
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(value: u8, shown: usize) -> RgbImage {
        let mut data = vec![value; 100 * 3];
        data[..3 * shown].fill(128);
        RgbImage { width: 10, height: 10, data }
    }

    /// Black pictures counted as lining that was seen, and made a leak of 22 square metres.
    #[test]
    fn black_white_and_frozen_pictures_are_of_no_use() {
        let mut check = PictureCheck::default();
        for (image, is_used) in [
            (filled(0, 0), false),
            (filled(255, 1), false),
            (filled(255, 2), true),
            (filled(255, 2), false),
            (filled(90, 0), true),
            (filled(255, 2), false),
        ] {
            assert_eq!(check.admits(&image), is_used);
        }
        assert_eq!(check.counts, CameraUse { used: 2, blank: 2, repeated: 2 });
        assert_eq!(check.counts.unused(), 4);
    }
}
