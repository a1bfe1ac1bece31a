//! Photographs from files: whole or refused, upright, and given in bands of rows, so that a large PNG is never in memory as a
//! whole.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat};
use perception::defects::MIN_SIDE_PX;
use recording::jpeg::Jpeg;
use robot_interface::sensors::RgbImage;

use super::super::exit::BadInput;
use super::png_file::{PngFile, PngRows};

/// Most memory that a photograph may take while it is decoded, bytes.
const MAX_MEMORY: u64 = 1_500_000_000;
/// Photographs of no more pixels are kept in memory, so that they are decoded once.
const KEPT_PIXELS: u64 = 32_000_000;
/// Greatest side of a photograph, pixels: rows are held in memory.
const MAX_SIDE_PX: u32 = 1_000_000;
/// Most pixels of a band of rows, if a row has no more.
const BAND_PIXELS: u64 = 2_000_000;

/// A photograph that can be inspected.
#[derive(Debug)]
pub(in crate::cli) struct Photo {
    /// Pixels across, upright.
    pub(in crate::cli) width: u32,
    /// Pixels down, upright.
    pub(in crate::cli) height: u32,
    path: PathBuf,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Decoded, upright.
    Memory(DynamicImage),
    /// A PNG that is read again for each use.
    Rows,
}

impl Photo {
    /// Opens a photograph, and decodes it unless it is so large that its rows are read one by one.
    pub(in crate::cli) fn open(path: &Path) -> Result<Self, BadInput> {
        let file = File::open(path).map_err(|e| unreadable(path, &e))?;
        let mut file = BufReader::new(file);
        let start = file.fill_buf().map_err(|e| unreadable(path, &e))?;
        match image::guess_format(start) {
            Ok(ImageFormat::Jpeg) => Self::jpeg(path, file),
            Ok(ImageFormat::Png) => Self::png(path, file),
            Ok(_) | Err(_) => Err(unusable(path, "this is neither a PNG nor a JPEG file")),
        }
    }

    fn jpeg(path: &Path, mut file: BufReader<File>) -> Result<Self, BadInput> {
        let bytes = file.get_ref().metadata().map_err(|e| unreadable(path, &e))?.len();
        check_memory(path, "this JPEG file", bytes)?;
        let mut coded = Vec::new();
        file.read_to_end(&mut coded).map_err(|e| unreadable(path, &e))?;
        let jpeg = Jpeg::open(&coded).map_err(|e| unusable(path, &e))?;
        drop(coded);
        let (width, height) = jpeg.size();
        check_size(path, width, height)?;
        let orientation = orientation(jpeg.exif());
        let pixels = u64::from(width) * u64::from(height);
        let a_pixel = jpeg.decoding_bytes_per_pixel().max(turning(orientation) * jpeg.bytes_per_pixel());
        check_memory(path, &format!("this JPEG of {width} x {height} pixels"), pixels * a_pixel + bytes)?;
        let picture = jpeg.decode().map_err(|e| unusable(path, &e))?;
        Ok(Self::upright(path, picture, orientation))
    }

    fn png(path: &Path, file: BufReader<File>) -> Result<Self, BadInput> {
        let png = PngFile::open(file).map_err(|e| unusable(path, &e))?;
        let (width, height) = (png.width, png.height);
        check_size(path, width, height)?;
        let orientation = orientation(png.exif.as_deref());
        let pixels = u64::from(width) * u64::from(height);
        if pixels > KEPT_PIXELS && !png.interlaced && orientation == Orientation::NoTransforms {
            return Ok(Self { width, height, path: path.to_owned(), source: Source::Rows });
        }
        let need = pixels * turning(orientation) * png.bytes_per_pixel;
        let what = match (png.interlaced, orientation) {
            (true, _) => "interlaced",
            (false, Orientation::NoTransforms) => "whole",
            (false, _) => "turned",
        };
        check_memory(path, &format!("this {what} PNG of {width} x {height} pixels"), need)?;
        let picture = png.decode().map_err(|e| unusable(path, &e))?;
        Ok(Self::upright(path, picture, orientation))
    }

    /// A picture that is decoded already, as of a recording; `name` is what errors call it.
    pub(in crate::cli) fn of_picture(name: &Path, picture: RgbImage) -> Option<Self> {
        let RgbImage { width, height, data } = picture;
        check_size(name, width, height).ok()?;
        let picture = image::RgbImage::from_raw(width, height, data)?;
        Some(Self { width, height, path: name.to_owned(), source: Source::Memory(picture.into()) })
    }

    fn upright(path: &Path, mut picture: DynamicImage, orientation: Orientation) -> Self {
        picture.apply_orientation(orientation);
        let (width, height) = (picture.width(), picture.height());
        Self { width, height, path: path.to_owned(), source: Source::Memory(picture) }
    }

    /// The photograph from its top to its bottom, in bands of rows.
    pub(in crate::cli) fn bands(&self) -> Result<Bands<'_>, BadInput> {
        let rows = match &self.source {
            Source::Memory(picture) => Rows::Memory(picture),
            Source::Rows => {
                let file = File::open(&self.path).map_err(|e| unreadable(&self.path, &e))?;
                let png = PngFile::open(BufReader::new(file)).map_err(|e| unusable(&self.path, &e))?;
                if (png.width, png.height) != (self.width, self.height) {
                    return Err(unusable(&self.path, "it changed while it was read"));
                }
                Rows::Png(Box::new(png.rows().map_err(|e| unusable(&self.path, &e))?))
            }
        };
        let band = (BAND_PIXELS / u64::from(self.width)).max(1);
        Ok(Bands { photo: self, rows, next: 0, band: band as u32 })
    }
}

/// Bands of rows of a photograph, in red, green and blue.
pub(in crate::cli) struct Bands<'a> {
    photo: &'a Photo,
    rows: Rows<'a>,
    next: u32,
    band: u32,
}

enum Rows<'a> {
    Memory(&'a DynamicImage),
    Png(Box<PngRows>),
}

impl Iterator for Bands<'_> {
    type Item = Result<RgbImage, BadInput>;

    fn next(&mut self) -> Option<Self::Item> {
        let (width, top) = (self.photo.width, self.next);
        let height = self.band.min(self.photo.height - top);
        if height == 0 {
            return None;
        }
        self.next += height;
        let picture = match &mut self.rows {
            Rows::Memory(picture) => Ok(picture.crop_imm(0, top, width, height)),
            Rows::Png(rows) => rows.take(height).map_err(|e| unusable(&self.photo.path, &e)),
        };
        Some(picture.map(|picture| RgbImage { width, height, data: colours(picture) }))
    }
}

/// Red, green and blue of each pixel.
fn colours(picture: DynamicImage) -> Vec<u8> {
    match picture {
        // As `image` does it, which takes the way over numbers with a point: a sixth of the time of a large picture.
        DynamicImage::ImageLuma8(grey) => {
            let mut colours = vec![0; 3 * grey.len()];
            for (pixel, light) in colours.chunks_exact_mut(3).zip(grey.as_raw()) {
                pixel.fill(*light);
            }
            colours
        }
        other => other.into_rgb8().into_raw(),
    }
}

/// How a picture has to be turned to be upright, as its Exif data say.
fn orientation(exif: Option<&[u8]>) -> Orientation {
    exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

/// Pictures in memory while one is turned: to stand on another side it is copied.
const fn turning(orientation: Orientation) -> u64 {
    match orientation {
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => 1,
        _ => 2,
    }
}

fn refuse(path: &Path, what: &str, help: impl Into<String>) -> BadInput {
    BadInput { message: format!("{}: {what}", path.display()), help: help.into() }
}

fn unreadable(path: &Path, error: &std::io::Error) -> BadInput {
    refuse(path, &format!("cannot read the photograph: {error}"), "check the path")
}

fn unusable(path: &Path, error: impl std::fmt::Display) -> BadInput {
    let help = "give a complete PNG or JPEG file, or convert it to one";
    refuse(path, &format!("not a usable photograph: {error}"), help)
}

fn check_size(path: &Path, width: u32, height: u32) -> Result<(), BadInput> {
    if (width.min(height) as usize) < MIN_SIDE_PX {
        return Err(refuse(
            path,
            &format!("{width} x {height} pixels are too few to judge"),
            format!("give a photograph of at least {MIN_SIDE_PX} x {MIN_SIDE_PX} pixels"),
        ));
    }
    if width.max(height) > MAX_SIDE_PX {
        return Err(refuse(
            path,
            &format!("{width} x {height} pixels: no side may have more than {MAX_SIDE_PX}"),
            "cut it into parts",
        ));
    }
    Ok(())
}

fn check_memory(path: &Path, what: &str, bytes: u64) -> Result<(), BadInput> {
    if bytes <= MAX_MEMORY {
        return Ok(());
    }
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    Err(refuse(
        path,
        &format!(
            "too large: {what} would take {} of memory to decode, and {} are the limit",
            gigabytes(bytes),
            gigabytes(MAX_MEMORY)
        ),
        "convert it to a PNG that is upright and not interlaced (such a one is read row by row), or cut it into parts",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a pixel of the upright picture of `width` x `height` stands in the stored one, by the meaning that Exif gives to
    /// its value: which edges the stored row 0 and column 0 are.
    fn stored_at(exif: u16, (x, y): (u32, u32), (width, height): (u32, u32)) -> (u32, u32) {
        let (right, bottom) = (width - 1 - x, height - 1 - y);
        match exif {
            1 => (x, y),          // row 0 is the top, column 0 the left
            2 => (right, y),      // top, right
            3 => (right, bottom), // bottom, right
            4 => (x, bottom),     // bottom, left
            5 => (y, x),          // left, top
            6 => (y, right),      // right, top
            7 => (bottom, right), // right, bottom
            8 => (bottom, x),     // left, bottom
            _ => unreachable!(),
        }
    }

    fn exif(value: u16) -> Vec<u8> {
        // Big-endian TIFF with one entry, 0x0112, of one short number.
        let mut bytes = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
        bytes.extend_from_slice(&value.to_be_bytes());
        bytes.extend_from_slice(&[0; 6]);
        bytes
    }

    fn jpeg(stored: &image::RgbImage, exif: &[u8]) -> Vec<u8> {
        let mut coded = Vec::new();
        let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut coded, 95);
        encoder.encode_image(stored).expect("fits");
        let length = (exif.len() as u16 + 8).to_be_bytes();
        [&coded[..2], &[0xff, 0xe1], &length, b"Exif\0\0", exif, &coded[2..]].concat()
    }

    fn png(stored: &image::RgbImage, exif: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, stored.width(), stored.height());
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(stored.as_raw()).expect("fits");
        // Behind the picture, where it may stand.
        writer.write_chunk(png::chunk::ChunkType(*b"eXIf"), exif).expect("fits");
        writer.finish().expect("whole");
        bytes
    }

    fn pixels(photo: &Photo) -> Vec<u8> {
        photo.bands().expect("opens").flat_map(|band| band.expect("whole").data).collect()
    }

    #[test]
    fn photographs_stand_upright_for_all_eight_orientations() {
        let size = (96, 72);
        // Eight by eight blocks, each of one colour, so that JPEG changes them little.
        let scene = |x: u32, y: u32| image::Rgb([(x / 8 * 20) as u8, (y / 8 * 25) as u8, 128]);
        let upright = image::RgbImage::from_fn(size.0, size.1, scene);
        let folder = tempfile::tempdir().expect("a folder");
        for value in 1..=8 {
            let stored_size = if value > 4 { (size.1, size.0) } else { size };
            let mut stored = image::RgbImage::new(stored_size.0, stored_size.1);
            for (x, y, pixel) in upright.enumerate_pixels() {
                let (u, v) = stored_at(value, (x, y), size);
                stored.put_pixel(u, v, *pixel);
            }
            for (name, bytes) in
                [("a.jpg", jpeg(&stored, &exif(value))), ("a.png", png(&stored, &exif(value)))]
            {
                let path = folder.path().join(name);
                std::fs::write(&path, bytes).expect("written");
                let photo = Photo::open(&path).expect("whole");
                assert_eq!((photo.width, photo.height), size, "{name}, {value}");
                let most = pixels(&photo).iter().zip(upright.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(most.is_some_and(|most| most < 24), "{name}, {value}: {most:?}");
            }
        }
    }

    #[test]
    fn grey_is_the_colour_that_image_makes_of_it() {
        let grey = DynamicImage::from(image::GrayImage::from_fn(256, 1, |x, _| image::Luma([x as u8])));
        assert_eq!(colours(grey.clone()), grey.into_rgb8().into_raw());
    }

    #[test]
    fn too_small_and_too_large_ones_are_refused_for_what_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("written");
            Photo::open(&path).expect_err(name).to_string()
        };
        for (width, height) in [(2, 2), (63, 500), (500, 63)] {
            let small = image::RgbImage::new(width, height);
            for (name, bytes) in [("small.png", png(&small, &exif(1))), ("small.jpg", jpeg(&small, &exif(1)))]
            {
                let error = refused(name, &bytes);
                assert!(error.contains(&format!("{width} x {height} pixels")), "{error}");
                assert!(error.contains("at least 64 x 64"), "{error}");
            }
        }
        // What its header says decides: nothing is decoded.
        let mut large = jpeg(&image::RgbImage::new(64, 64), &exif(1));
        let frame = large.windows(2).position(|w| w == [0xff, 0xc0]).expect("a frame");
        large[frame + 5..frame + 9].copy_from_slice(&[0x9c, 0x40, 0x9c, 0x40]);
        let error = refused("large.jpg", &large);
        assert!(
            error.contains("40000 x 40000") && error.contains("4.8 GB") && error.contains("limit"),
            "{error}"
        );
        assert!(!error.contains("complete PNG"), "{error}");
    }
}
