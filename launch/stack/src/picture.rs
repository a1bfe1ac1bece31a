//! Pictures between the core crates' plain type and the `image` crate: encoded, reduced, cropped.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use robot_interface::sensors::RgbImage;

/// Reason for which a picture was not encoded, or not decoded.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Its bytes do not fit its size, or the encoder failed.
    #[error("a picture cannot be encoded")]
    Encode(#[source] image::ImageError),
    /// A kept picture is not one any more.
    #[error("a kept picture cannot be read")]
    Decode(#[source] image::ImageError),
}

/// Longest side of a picture that is shown beside a finding, pixels.
const EVIDENCE_PX: u32 = 420;

/// Encodes a picture as JPEG of a quality from 1 to 100.
///
/// # Errors
/// If the picture's bytes do not fit its size.
pub fn jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(&picture.data, picture.width, picture.height, image::ExtendedColorType::Rgb8)
        .map_err(PictureError::Encode)?;
    Ok(bytes)
}

/// Returns the picture smaller by a whole factor, each pixel the mean of those it stands for.
pub fn reduced(picture: &RgbImage, factor: u32) -> RgbImage {
    let factor = factor.min(picture.width).min(picture.height).max(1);
    let (width, height) = (picture.width / factor, picture.height / factor);
    let mut data = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let mut sum = 0;
                for v in y * factor..(y + 1) * factor {
                    for u in x * factor..(x + 1) * factor {
                        sum += u32::from(picture.data[((v * picture.width + u) * 3 + channel) as usize]);
                    }
                }
                data.push((sum / (factor * factor)) as u8);
            }
        }
    }
    RgbImage { width, height, data }
}

/// Returns the part of an encoded picture within `[left, top, right, bottom]` and some of what surrounds it, as JPEG.
///
/// # Errors
/// If the picture cannot be decoded.
pub fn evidence(encoded: &[u8], pixels: [u32; 4]) -> Result<Vec<u8>, PictureError> {
    let picture = image::load_from_memory(encoded).map_err(PictureError::Decode)?.to_rgb8();
    let (width, height) = picture.dimensions();
    let span = |low: u32, high: u32, end: u32| {
        let size = (high.saturating_sub(low) * 3 / 2).clamp(200.min(end), end);
        let start = ((low + high) / 2).saturating_sub(size / 2).min(end - size);
        (start, size)
    };
    let ((x, w), (y, h)) = (span(pixels[0], pixels[2], width), span(pixels[1], pixels[3], height));
    let part = image::imageops::crop_imm(&picture, x, y, w, h).to_image();
    let longest = w.max(h);
    let shown = if longest > EVIDENCE_PX {
        let scaled = |v: u32| (v * EVIDENCE_PX / longest).max(1);
        image::imageops::resize(&part, scaled(w), scaled(h), FilterType::Triangle)
    } else {
        part
    };
    jpeg(&RgbImage { width: shown.width(), height: shown.height(), data: shown.into_raw() }, 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_stays_within_the_picture() {
        let picture = RgbImage { width: 640, height: 480, data: vec![90; 640 * 480 * 3] };
        let encoded = jpeg(&picture, 85).expect("fits");
        for pixels in [[0, 0, 10, 10], [630, 470, 640, 480], [0, 0, 640, 480], [300, 10, 310, 470]] {
            let part = evidence(&encoded, pixels).expect("decodes");
            let shown = image::load_from_memory(&part).expect("a JPEG");
            assert!(shown.width() <= EVIDENCE_PX && shown.height() <= EVIDENCE_PX);
        }
    }

    #[test]
    fn a_reduced_picture_is_the_mean() {
        let picture =
            RgbImage { width: 2, height: 2, data: vec![0, 10, 20, 100, 10, 20, 0, 10, 20, 100, 10, 20] };
        assert_eq!(reduced(&picture, 2), RgbImage { width: 1, height: 1, data: vec![50, 10, 20] });
        assert_eq!(reduced(&picture, 4).data.len(), 3, "never less than a pixel");
    }
}
