//! Pictures that come row by row, made small enough for the network without ever being whole in memory.

use robot_interface::sensors::RgbImage;

use super::error::SegmentError;
use super::scales::{self, MAX_PIXELS};

/// Takes a picture's rows from the top and halves it as often as [`Segmenter::segment`](super::Segmenter::segment) does.
#[derive(Clone, Debug)]
pub struct Reducer {
    size: (u32, u32),
    bytes: usize,
    /// Rows that wait for the next one, to be halved with it: of the picture itself, of its half, and so on.
    levels: Vec<Level>,
    small: RgbImage,
}

#[derive(Clone, Debug)]
struct Level {
    waiting: Option<Vec<u8>>,
    /// Bytes of a row half as long.
    half_bytes: usize,
}

/// A picture at the size at which the network first sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduced {
    pub(super) picture: RgbImage,
    /// Width and height of the picture that it was.
    pub(super) size: (u32, u32),
}

impl Reduced {
    /// Width and height at which the picture is judged, pixels.
    pub const fn judged_size(&self) -> (u32, u32) {
        (self.picture.width, self.picture.height)
    }
}

impl Reducer {
    /// For a picture of this width and height.
    pub fn new(width: u32, height: u32) -> Self {
        let (mut now, mut levels) = ((width, height), Vec::new());
        while now.0 as usize * now.1 as usize > MAX_PIXELS {
            now = (now.0.div_ceil(2), now.1.div_ceil(2));
            levels.push(Level { waiting: None, half_bytes: 3 * now.0 as usize });
        }
        let data = Vec::with_capacity(3 * now.0 as usize * now.1 as usize);
        Self {
            size: (width, height),
            bytes: 0,
            levels,
            small: RgbImage { width: now.0, height: now.1, data },
        }
    }

    /// Takes the next rows: red, green and blue of each pixel.
    pub fn push(&mut self, rows: &[u8]) {
        self.bytes += rows.len();
        for row in rows.chunks_exact((3 * self.size.0 as usize).max(1)) {
            take(&mut self.levels, row, &mut self.small.data);
        }
    }

    /// The picture, once all its rows were taken.
    ///
    /// # Errors
    /// When the picture is empty, or bytes are missing or too many.
    pub fn finish(mut self) -> Result<Reduced, SegmentError> {
        let (width, height) = self.size;
        if width == 0 || height == 0 {
            return Err(SegmentError::Empty(width, height));
        }
        if self.bytes != 3 * width as usize * height as usize {
            return Err(SegmentError::Bytes { width, height, bytes: self.bytes });
        }
        // A last row without a next one stands for both.
        for level in 0..self.levels.len() {
            if let Some(row) = self.levels[level].waiting.clone() {
                take(&mut self.levels[level..], &row, &mut self.small.data);
            }
        }
        Ok(Reduced { picture: self.small, size: self.size })
    }
}

fn take(levels: &mut [Level], row: &[u8], small: &mut Vec<u8>) {
    let Some((level, below)) = levels.split_first_mut() else {
        small.extend_from_slice(row);
        return;
    };
    match level.waiting.take() {
        None => level.waiting = Some(row.to_vec()),
        Some(upper) => {
            let mut half = vec![0; level.half_bytes];
            scales::halve_rows(&upper, row, &mut half);
            take(below, &half, small);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> RgbImage {
        let data = (0..3 * width as usize * height as usize).map(|i| (i * 7919 % 251) as u8).collect();
        RgbImage { width, height, data }
    }

    #[test]
    fn rows_give_the_picture_that_the_whole_gives() {
        for (width, height) in [(1, 1), (300, 200), (2101, 2003), (3001, 5003), (40_000, 700), (99, 200_001)]
        {
            let whole = picture(width, height);
            let mut reducer = Reducer::new(width, height);
            for rows in whole.data.chunks(3 * width as usize * 7) {
                reducer.push(rows);
            }
            let reduced = reducer.finish().expect("all rows");
            assert_eq!(reduced.size, (width, height));
            assert!(reduced.picture == scales::shrunk(&whole).unwrap_or(whole), "{width} x {height}");
        }
    }

    #[test]
    fn missing_and_surplus_bytes_are_refused() {
        let whole = picture(30, 20);
        for bytes in [&whole.data[..30 * 3 * 19], &[&whole.data[..], &whole.data[..90]].concat()] {
            let mut reducer = Reducer::new(30, 20);
            reducer.push(bytes);
            assert!(matches!(reducer.finish(), Err(SegmentError::Bytes { .. })));
        }
        assert!(matches!(Reducer::new(0, 4).finish(), Err(SegmentError::Empty(0, 4))));
    }
}
