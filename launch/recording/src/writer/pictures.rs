//! Pictures of cameras and thermal cameras as messages, and their lenses.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use robot_interface::sensors::{Intrinsics, RgbImage, ThermalFrame};
use robot_interface::time::Stamp;

use super::{MessageSink, MessageWriter};
use crate::error::{RecordError, check_shape};
use crate::frame_ids::optical_frame;
use crate::messages::{Bytes, CameraInfo, CompressedImage, Header, Image, RegionOfInterest};
use crate::topics;

/// JPEG quality of recorded pictures, 1 to 100.
const JPEG_QUALITY: u8 = 70;

impl<O: MessageSink> MessageWriter<O> {
    /// `/camera/NAME/image_raw/compressed` as JPEG, and `/camera/NAME/camera_info` beside it. `intrinsics` are
    /// those of the full picture; `image` may be a smaller one of the same view.
    ///
    /// # Errors
    /// If the image does not have the bytes of its size or cannot be compressed, or (said once) the file
    /// cannot be written.
    pub fn picture(
        &mut self,
        now: Stamp,
        name: &str,
        stamp: Stamp,
        image: &RgbImage,
        intrinsics: &Intrinsics,
    ) -> Result<(), RecordError> {
        check_picture(name, image)?;
        let frame = optical_frame(name);
        let header = Header::new(stamp, &frame);
        self.with_bytes(|recorder, bytes| {
            bytes.clear();
            JpegEncoder::new_with_quality(&mut *bytes, JPEG_QUALITY)
                .encode(&image.data, image.width, image.height, ExtendedColorType::Rgb8)
                .map_err(|source| RecordError::Jpeg { camera: name.to_owned(), source })?;
            let message = CompressedImage { header, format: "jpeg", data: Bytes(bytes) };
            recorder.publish_of(&topics::CAMERA_COMPRESSED, name, now, &message)
        })?;
        self.publish_camera_info(now, name, camera_info(header, image.width, image.height, intrinsics))
    }

    /// `/camera/NAME/image_raw` as `rgb8`, and `/camera/NAME/camera_info` beside it.
    ///
    /// # Errors
    /// If the image does not have the bytes of its size, or it cannot be published.
    pub fn raw_picture(
        &mut self,
        name: &str,
        stamp: Stamp,
        image: &RgbImage,
        intrinsics: &Intrinsics,
    ) -> Result<(), RecordError> {
        check_picture(name, image)?;
        let frame = optical_frame(name);
        let header = Header::new(stamp, &frame);
        let message = whole_image(header, image.width, image.height, ("rgb8", 3), &image.data);
        self.publish_of(&topics::CAMERA_IMAGE, name, stamp, &message)?;
        self.publish_camera_info(stamp, name, camera_info(header, image.width, image.height, intrinsics))
    }

    /// `/camera/TOPIC/camera_info`.
    fn publish_camera_info(
        &mut self,
        now: Stamp,
        camera: &str,
        message: CameraInfo<'_>,
    ) -> Result<(), RecordError> {
        self.publish_of(&topics::CAMERA_INFO, camera, now, &message)
    }

    /// `/thermal/NAME/image_raw`: degrees Celsius as `32FC1`.
    ///
    /// # Errors
    /// If the frame does not have the values of its size, or (said once) the file cannot be written.
    pub fn thermal(&mut self, now: Stamp, name: &str, frame: &ThermalFrame) -> Result<(), RecordError> {
        let expected = frame.width as usize * frame.height as usize;
        check_shape(|| format!("a picture of thermal camera `{name}`"), expected, frame.celsius.len())?;
        let frame_id = optical_frame(name);
        self.with_bytes(|recorder, bytes| {
            bytes.clear();
            bytes.extend(frame.celsius.iter().flat_map(|value| value.to_le_bytes()));
            let header = Header::new(frame.stamp, &frame_id);
            let message = whole_image(header, frame.width, frame.height, ("32FC1", 4), bytes);
            recorder.publish_of(&topics::THERMAL_IMAGE, name, now, &message)
        })
    }
}

fn check_picture(name: &str, image: &RgbImage) -> Result<(), RecordError> {
    let expected = image.width as usize * image.height as usize * 3;
    check_shape(|| format!("a picture of camera `{name}`"), expected, image.data.len())
}

/// A picture row by row without gaps, in an encoding of so many bytes a pixel.
fn whole_image<'a>(
    header: Header<'a>,
    width: u32,
    height: u32,
    (encoding, pixel_bytes): (&'a str, u32),
    data: &'a [u8],
) -> Image<'a> {
    Image { header, height, width, encoding, is_bigendian: 0, step: pixel_bytes * width, data: Bytes(data) }
}

/// A pinhole without distortion for a picture of `width x height`, which may be a reduced one. ROS counts
/// pixel centres from 0, Adit from one half.
fn camera_info<'a>(header: Header<'a>, width: u32, height: u32, full: &Intrinsics) -> CameraInfo<'a> {
    let focal = |size: u32, full_size: u32| full.focal_px * f64::from(size) / f64::from(full_size.max(1));
    let (fx, fy) = (focal(width, full.width), focal(height, full.height));
    let (cx, cy) = (f64::from(width) / 2.0 - 0.5, f64::from(height) / 2.0 - 0.5);
    CameraInfo {
        header,
        height,
        width,
        distortion_model: "plumb_bob",
        d: (&[0.0; 5]).into(),
        k: [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p: [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
        binning_x: 0,
        binning_y: 0,
        roi: RegionOfInterest::default(),
    }
}
