//! PNG files, read whole or row by row; one that does not reach its last chunk is refused before anything is decoded.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use image::codecs::png::PngDecoder;
use image::{DynamicImage, ImageBuffer, Luma, LumaA, Rgb, Rgba};
use png::{BitDepth, ColorType, DecodingError, Transformations};

/// Bytes before the first chunk.
const SIGNATURE: u64 = 8;
/// Most bytes of Exif data that are read.
const MAX_EXIF: u32 = 1 << 20;
/// Most memory that the decoder takes for a row and for what stands beside the picture, bytes.
const DECODER_BYTES: usize = 256 << 20;

/// Refusal of a PNG file.
#[derive(Debug, thiserror::Error)]
pub(super) enum PngError {
    #[error("the PNG file is cut off: it ends after {0} bytes, before its last chunk (IEND)")]
    Cut(u64),
    #[error(transparent)]
    Read(#[from] std::io::Error),
    #[error("{0}")]
    Decode(#[from] DecodingError),
    #[error("{0}")]
    Image(#[from] image::ImageError),
    #[error("its rows do not fit its size")]
    Rows,
}

/// A PNG file that reaches to its last chunk, not yet decoded.
pub(super) struct PngFile {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) interlaced: bool,
    /// Bytes of a decoded pixel.
    pub(super) bytes_per_pixel: u64,
    pub(super) exif: Option<Vec<u8>>,
    file: BufReader<File>,
}

impl PngFile {
    /// Follows the file's chunks to its end.
    pub(super) fn open(mut file: BufReader<File>) -> Result<Self, PngError> {
        let exif = walk(&mut file)?;
        file.rewind()?;
        let header = decoder(&mut file).read_info()?;
        let (colour, depth) = header.output_color_type();
        let info = header.info();
        let png = (info.width, info.height, info.interlaced);
        drop(header);
        file.rewind()?;
        let bytes_per_pixel = (colour.samples() * (depth as usize).div_ceil(8)) as u64;
        Ok(Self { width: png.0, height: png.1, interlaced: png.2, bytes_per_pixel, exif, file })
    }

    /// The whole picture.
    pub(super) fn decode(self) -> Result<DynamicImage, PngError> {
        Ok(DynamicImage::from_decoder(PngDecoder::new(self.file)?)?)
    }

    /// The picture row by row.
    pub(super) fn rows(self) -> Result<PngRows, PngError> {
        Ok(PngRows { width: self.width, reader: decoder(self.file).read_info()? })
    }
}

/// Rows of a PNG file that is not interlaced.
pub(super) struct PngRows {
    width: u32,
    reader: png::Reader<BufReader<File>>,
}

impl PngRows {
    /// The next rows.
    pub(super) fn take(&mut self, rows: u32) -> Result<DynamicImage, PngError> {
        let mut bytes = Vec::new();
        for _ in 0..rows {
            bytes.extend_from_slice(self.reader.next_row()?.ok_or(PngError::Rows)?.data());
        }
        let (w, h) = (self.width, rows);
        // As the `image` crate has them, whose conversion to red, green and blue then is the same as of a whole picture.
        let wide = |bytes: &[u8]| -> Vec<u16> {
            bytes.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect()
        };
        let picture = match self.reader.output_color_type() {
            (ColorType::Grayscale, BitDepth::Sixteen) => {
                ImageBuffer::<Luma<u16>, _>::from_raw(w, h, wide(&bytes)).map(DynamicImage::from)
            }
            (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => {
                ImageBuffer::<LumaA<u16>, _>::from_raw(w, h, wide(&bytes)).map(DynamicImage::from)
            }
            (ColorType::Rgb, BitDepth::Sixteen) => {
                ImageBuffer::<Rgb<u16>, _>::from_raw(w, h, wide(&bytes)).map(DynamicImage::from)
            }
            (ColorType::Rgba, BitDepth::Sixteen) => {
                ImageBuffer::<Rgba<u16>, _>::from_raw(w, h, wide(&bytes)).map(DynamicImage::from)
            }
            (ColorType::Grayscale, _) => {
                ImageBuffer::<Luma<u8>, _>::from_raw(w, h, bytes).map(DynamicImage::from)
            }
            (ColorType::GrayscaleAlpha, _) => {
                ImageBuffer::<LumaA<u8>, _>::from_raw(w, h, bytes).map(DynamicImage::from)
            }
            (ColorType::Rgb, _) => ImageBuffer::<Rgb<u8>, _>::from_raw(w, h, bytes).map(DynamicImage::from),
            (ColorType::Rgba, _) => ImageBuffer::<Rgba<u8>, _>::from_raw(w, h, bytes).map(DynamicImage::from),
            // The decoder expands palettes.
            (ColorType::Indexed, _) => None,
        };
        picture.ok_or(PngError::Rows)
    }
}

fn decoder<R: std::io::BufRead + Seek>(file: R) -> png::Decoder<R> {
    let mut decoder = png::Decoder::new_with_limits(file, png::Limits { bytes: DECODER_BYTES });
    decoder.set_transformations(Transformations::EXPAND);
    decoder
}

/// Goes from chunk to chunk up to the last; gives the Exif data, which may stand behind the picture.
fn walk(file: &mut BufReader<File>) -> Result<Option<Vec<u8>>, PngError> {
    let bytes = file.get_ref().metadata()?.len();
    let (mut at, mut exif) = (SIGNATURE, None);
    loop {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 8];
        file.read_exact(&mut head).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => PngError::Cut(bytes),
            _ => PngError::Read(e),
        })?;
        let [l3, l2, l1, l0, kind @ ..] = head;
        let length = u32::from_be_bytes([l3, l2, l1, l0]);
        // A chunk's data are followed by their checksum.
        at += 8 + u64::from(length) + 4;
        if at > bytes {
            return Err(PngError::Cut(bytes));
        }
        match &kind {
            b"IEND" => return Ok(exif),
            b"eXIf" if exif.is_none() && length <= MAX_EXIF => {
                let mut data = vec![0; length as usize];
                file.read_exact(&mut data)?;
                exif = Some(data);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of 70 x 66 pixels whose bytes are a pattern, in a kind that PNG knows.
    fn file(colour: ColorType, depth: BitDepth) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 70, 66);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        if colour == ColorType::Indexed {
            encoder.set_palette((0..768).map(|i| (i * 31 % 256) as u8).collect::<Vec<_>>());
            encoder.set_trns(vec![0, 100, 200]);
        }
        let row = (70 * colour.samples() * depth as usize).div_ceil(8);
        let data: Vec<u8> = (0..66 * row).map(|i| (i * 7919 % 251) as u8).collect();
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(&data).expect("fits");
        writer.finish().expect("whole");
        bytes
    }

    fn opened(bytes: &[u8]) -> Result<PngFile, PngError> {
        let mut file = tempfile::tempfile().expect("a file");
        std::io::Write::write_all(&mut file, bytes).expect("written");
        file.rewind().expect("rewound");
        PngFile::open(BufReader::new(file))
    }

    #[test]
    fn rows_are_those_of_the_whole_in_every_kind_of_png() {
        use BitDepth::{Eight, Four, One, Sixteen, Two};
        use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
        let kinds = [
            (Grayscale, &[One, Two, Four, Eight, Sixteen][..]),
            (GrayscaleAlpha, &[Eight, Sixteen]),
            (Rgb, &[Eight, Sixteen]),
            (Rgba, &[Eight, Sixteen]),
            (Indexed, &[One, Two, Four, Eight]),
        ];
        for (colour, depths) in kinds {
            for depth in depths {
                let bytes = file(colour, *depth);
                let whole = opened(&bytes).and_then(PngFile::decode).expect("whole").into_rgb8();
                let mut rows = opened(&bytes).and_then(PngFile::rows).expect("whole");
                let bands = [30, 1, 35].map(|n| rows.take(n).expect("rows").into_rgb8().into_raw());
                assert!(bands.concat() == whole.into_raw(), "{colour:?}, {depth:?}");
            }
        }
    }

    #[test]
    fn every_cut_is_refused() {
        let whole = file(ColorType::Grayscale, BitDepth::Eight);
        assert!(opened(&whole).is_ok());
        for length in 0..whole.len() {
            assert!(opened(&whole[..length]).is_err(), "{length} of {} bytes were read", whole.len());
        }
    }

    #[test]
    fn a_cut_that_was_closed_is_refused() {
        let whole = file(ColorType::Rgb, BitDepth::Eight);
        let data = whole.windows(4).position(|w| w == b"IDAT").expect("data");
        let length = u32::from_be_bytes(whole[data - 4..data].try_into().expect("four")) as usize;
        // The last few bytes are the end of the stream and its checksum: without them no pixel is missing.
        for kept in [0, 1, length / 2, length - 16] {
            let mut closed = whole[..data - 4].to_vec();
            closed.extend_from_slice(&(kept as u32).to_be_bytes());
            closed.extend_from_slice(&whole[data..data + 4 + kept]);
            let mut checksum = crc32(&whole[data..data + 4 + kept]).to_be_bytes().to_vec();
            closed.append(&mut checksum);
            closed.extend_from_slice(&whole[data + 4 + length + 4..]);
            assert!(
                opened(&closed).and_then(PngFile::decode).is_err(),
                "{kept} of {length} bytes were enough"
            );
            let rows = opened(&closed).and_then(PngFile::rows).and_then(|mut rows| rows.take(66));
            assert!(rows.is_err(), "{kept} of {length} bytes were enough");
        }
    }

    /// The checksum of chunks, bit by bit (PNG specification, annex D).
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8)
                .fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
        })
    }
}
