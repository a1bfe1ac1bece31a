//! JPEG pictures, decoded only if they are whole.
//!
//! Decoders make the best of a damaged file: what is missing becomes flat grey, which an inspection takes for a wall without
//! defects. So the markers are followed here from the first to the end of the image (ITU-T T.81, annex B), and the picture data
//! are decoded strictly and with nothing but ones behind them, which no code word consists of: data that end too early run
//! into them.

use image::{DynamicImage, GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Bytes of ones, each with the zero that follows it in picture data: more than a decoder reads ahead.
const ONES: [u8; 128] = {
    let mut ones = [0xff; 128];
    let mut i = 1;
    while i < ones.len() {
        ones[i] = 0;
        i += 2;
    }
    ones
};

/// Refusal of a JPEG picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JpegError {
    /// The bytes do not begin as a JPEG file does.
    #[error("this is no JPEG file")]
    NotJpeg,
    /// The file has no end-of-image marker where its own structure leads to.
    #[error("the JPEG file is cut off: it ends after {bytes} bytes, before its end-of-image marker")]
    Cut {
        /// Bytes of the file.
        bytes: usize,
    },
    /// A kind of JPEG that is not read.
    #[error("JPEG files with {0} are not read")]
    Unsupported(&'static str),
    /// The file ends as it should, but not all of its picture can be decoded.
    #[error("the JPEG file is damaged: {0}")]
    Damaged(String),
}

/// A JPEG file that reaches from its first to its last marker, not yet decoded.
#[derive(Clone, Debug)]
pub struct Jpeg {
    /// The file without what stands between or behind its segments, and with ones behind its picture data.
    bytes: Vec<u8>,
    frame: Frame,
    exif: Option<Vec<u8>>,
}

/// The frame header: what the picture is.
#[derive(Clone, Copy, Debug)]
struct Frame {
    width: u32,
    height: u32,
    components: u32,
    progressive: bool,
}

impl Jpeg {
    /// Follows the file's markers.
    ///
    /// # Errors
    /// If it is no JPEG file, or is cut off anywhere before its end of image.
    pub fn open(file: &[u8]) -> Result<Self, JpegError> {
        if !file.starts_with(&[0xff, 0xd8]) {
            return Err(JpegError::NotJpeg);
        }
        let cut = || JpegError::Cut { bytes: file.len() };
        let mut bytes = Vec::with_capacity(file.len() + ONES.len());
        bytes.extend_from_slice(&[0xff, 0xd8]);
        let (mut at, mut frame, mut exif, mut scans) = (2, None, None, 0);
        loop {
            let (marker, after) = next_marker(file, at).ok_or_else(cut)?;
            match marker {
                // The end of the image: what follows are other pictures, or nothing.
                0xd9 => break,
                // These stand alone: restarts, and a start inside of a picture.
                0x01 | 0xd0..=0xd8 => {
                    at = after;
                    continue;
                }
                _ => {}
            }
            let length = file.get(after..after + 2).ok_or_else(cut)?;
            let end = after + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
            let segment = file.get(after + 2..end).ok_or_else(cut)?;
            bytes.extend_from_slice(&[0xff, marker]);
            bytes.extend_from_slice(&file[after..end]);
            at = end;
            match marker {
                0xc0..=0xc2 => frame = frame.or(Frame::read(marker, segment)),
                0xc3 => return Err(JpegError::Unsupported("lossless coding")),
                0xc5..=0xc7 => return Err(JpegError::Unsupported("a hierarchy of frames")),
                0xc9..=0xcf if marker != 0xcc => return Err(JpegError::Unsupported("arithmetic coding")),
                0xe1 if exif.is_none() => exif = segment.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec),
                0xda => {
                    at = end_of_data(file, end).ok_or_else(cut)?;
                    bytes.extend_from_slice(&file[end..at]);
                    scans += 1;
                }
                _ => {}
            }
        }
        let damaged = |what: &str| JpegError::Damaged(what.to_owned());
        let frame = frame.ok_or_else(|| damaged("it has no frame header"))?;
        if scans == 0 {
            return Err(damaged("it has no picture data"));
        }
        bytes.extend_from_slice(&ONES);
        bytes.extend_from_slice(&[0xff, 0xd9]);
        Ok(Self { bytes, frame, exif })
    }

    /// Width and height, pixels.
    pub const fn size(&self) -> (u32, u32) {
        (self.frame.width, self.frame.height)
    }

    /// Bytes of a decoded pixel, 1 or 3.
    pub const fn bytes_per_pixel(&self) -> u64 {
        if self.frame.components == 1 { 1 } else { 3 }
    }

    /// Bytes a pixel that decoding takes at its most, the result among them: a progressive picture's coefficients are kept
    /// until its last scan.
    pub const fn decoding_bytes_per_pixel(&self) -> u64 {
        let coefficients = if self.frame.progressive { 2 * self.frame.components as u64 } else { 0 };
        self.bytes_per_pixel() + coefficients
    }

    /// Exif data, if there are any.
    pub fn exif(&self) -> Option<&[u8]> {
        self.exif.as_deref()
    }

    /// The picture as it is stored, in grey or in red, green and blue; its Exif orientation is not applied.
    ///
    /// # Errors
    /// If any of it cannot be decoded.
    pub fn decode(self) -> Result<DynamicImage, JpegError> {
        let colours = if self.frame.components == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(usize::from(u16::MAX))
            .set_max_height(usize::from(u16::MAX))
            .jpeg_set_out_colorspace(colours);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(self.bytes.as_slice()), options);
        // Its words for what is wrong come in quotation marks.
        let words = |e: DecodeErrors| JpegError::Damaged(e.to_string().trim_matches('"').to_owned());
        let pixels = decoder.decode().map_err(words)?;
        let (width, height) = self.size();
        let picture = match colours {
            ColorSpace::Luma => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
            _ => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        };
        picture.ok_or_else(|| JpegError::Damaged("its pixels do not fit its size".to_owned()))
    }
}

impl Frame {
    fn read(marker: u8, segment: &[u8]) -> Option<Self> {
        let &[_, h1, h0, w1, w0, components, ..] = segment else { return None };
        Some(Self {
            width: u16::from_be_bytes([w1, w0]).into(),
            height: u16::from_be_bytes([h1, h0]).into(),
            components: components.into(),
            progressive: marker == 0xc2,
        })
    }
}

/// The next marker from a place on, and the place after it. Fill bytes and what does not belong there are passed over, as
/// decoders do.
fn next_marker(file: &[u8], from: usize) -> Option<(u8, usize)> {
    let mut at = from;
    loop {
        at += file.get(at..)?.iter().position(|b| *b == 0xff)?;
        let fill = file[at..].iter().position(|b| *b != 0xff)?;
        at += fill + 1;
        if file[at - 1] != 0 {
            return Some((file[at - 1], at));
        }
    }
}

/// The place of the marker that ends a scan's data; restarts do not.
fn end_of_data(file: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let (marker, after) = next_marker(file, at)?;
        if !(0xd0..=0xd7).contains(&marker) {
            return Some(after - 2);
        }
        at = after;
    }
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use proptest::prelude::*;

    use super::*;

    /// A progressive picture of 72 x 64 pixels in colour, its colours at half the resolution.
    const PROGRESSIVE: &[u8] = include_bytes!("../tests/pictures/progressive.jpg");

    fn noise(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([0, 1, 2].map(|c| (90 + (x * (3 + c) + y * 5 + x * y % 37) % 100) as u8))
        })
    }

    /// Sequential pictures: in colour, in grey, and one whose end is flat, so that few bytes stand for much of it.
    fn sequential() -> Vec<Vec<u8>> {
        let flat = RgbImage::from_fn(64, 64, |x, y| {
            if y < 16 { *noise(64, 16).get_pixel(x, y) } else { image::Rgb([90; 3]) }
        });
        let pictures =
            [noise(40, 32).into(), DynamicImage::from(noise(40, 32)).into_luma8().into(), flat.into()];
        let encode = |picture: DynamicImage| {
            let mut bytes = Vec::new();
            JpegEncoder::new_with_quality(&mut bytes, 70).encode_image(&picture).expect("fits");
            bytes
        };
        pictures.map(encode).into()
    }

    fn read(file: &[u8]) -> Result<DynamicImage, JpegError> {
        Jpeg::open(file).and_then(Jpeg::decode)
    }

    #[test]
    fn whole_pictures_are_what_image_reads() {
        for file in sequential().iter().map(Vec::as_slice).chain([PROGRESSIVE]) {
            let theirs = image::load_from_memory(file).expect("decodes");
            assert_eq!(read(file).expect("whole"), theirs);
            let jpeg = Jpeg::open(file).expect("whole");
            assert_eq!(jpeg.size(), (theirs.width(), theirs.height()));
            assert_eq!(jpeg.bytes_per_pixel(), u64::from(theirs.color().bytes_per_pixel()));
        }
    }

    #[test]
    fn every_cut_is_refused() {
        for file in sequential().iter().map(Vec::as_slice).chain([PROGRESSIVE]) {
            for length in 0..file.len() {
                let refused = read(&file[..length]).expect_err("cut");
                let expected = if length < 2 { JpegError::NotJpeg } else { JpegError::Cut { bytes: length } };
                assert_eq!(refused, expected);
            }
        }
    }

    /// Cameras and rescue tools close a file that was cut off.
    #[test]
    fn cuts_that_were_closed_are_refused() {
        for file in sequential() {
            let data = file.windows(2).position(|w| w == [0xff, 0xda]).expect("a scan") + 14;
            for length in data..file.len() - 3 {
                let closed = [&file[..length], &[0xff, 0xd9]].concat();
                let refused = read(&closed);
                assert!(refused.is_err(), "{length} of {} bytes were read", file.len());
            }
        }
        let scans: Vec<_> =
            (0..PROGRESSIVE.len()).filter(|i| PROGRESSIVE[*i..].starts_with(&[0xff, 0xda])).collect();
        // In the first scan of the colours' details.
        let closed = [&PROGRESSIVE[..scans[1] + 12], &[0xff, 0xd9]].concat();
        assert!(matches!(read(&closed), Err(JpegError::Damaged(_))), "{:?}", read(&closed));
    }

    #[test]
    fn what_does_not_belong_to_the_picture_is_passed_over() {
        let file = &sequential()[0];
        let whole = read(file).expect("whole");
        // A thumbnail with an end of its own, fill bytes, stray bytes, and another picture behind the end.
        let thumbnail = [&[0xff, 0xe1, 0, 10][..], b"Exif\0\0", &[0xff, 0xd9]].concat();
        let odd = [&file[..2], &thumbnail, &[7; 9], &[0xff; 3], &file[2..], &[0; 20], file].concat();
        assert_eq!(read(&odd).expect("whole"), whole);
        assert_eq!(Jpeg::open(&odd).expect("whole").exif(), Some(&[0xff, 0xd9][..]));
        let end = file.len() - 2;
        let filled = [&file[..end], &[0xff, 0xff], &file[end..]].concat();
        assert_eq!(read(&filled).expect("whole"), whole);
    }

    #[test]
    fn other_kinds_of_jpeg_are_named() {
        let mut file = sequential().swap_remove(0);
        let frame = file.windows(2).position(|w| w == [0xff, 0xc0]).expect("a frame");
        for (kind, word) in
            [(0xc3, "lossless"), (0xc5, "hierarchy"), (0xc9, "arithmetic"), (0xcf, "arithmetic")]
        {
            file[frame + 1] = kind;
            let refused = read(&file).expect_err("not read").to_string();
            assert!(refused.contains(word), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn damage_never_panics(
            which in 0_usize..4,
            spoil in proptest::collection::vec((0_usize..4000, any::<u8>()), 1..6),
        ) {
            let mut files = sequential();
            files.push(PROGRESSIVE.to_vec());
            let mut file = files.swap_remove(which);
            for (at, value) in spoil {
                let at = at % file.len();
                file[at] = value;
            }
            // Sizes that the damage made up are not decoded: the callers limit them.
            if let Ok(jpeg) = Jpeg::open(&file) && jpeg.size().0 * jpeg.size().1 < 1 << 20 {
                let _ = jpeg.decode();
            }
        }
    }
}
