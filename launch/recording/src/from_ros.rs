//! Conversion of ROS messages, from the graph or from a recording, into Adit's own types, and the check of all that comes in:
//! numbers that are not finite, sizes that do not fit and layouts that are not read are refused.

mod points;

use image::{ImageFormat, ImageReader, Limits};
use nalgebra::{Isometry3, Matrix3, Quaternion, Translation3, UnitQuaternion, Vector3};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::LEGS;
use robot_interface::sensors::{BatterySample, RgbImage, ThermalFrame};
use robot_interface::state::RobotState;
use robot_interface::time::Stamp;

pub use self::points::{MAX_SCAN_S, floats, scan};
use crate::jpeg::{Jpeg, JpegError};
use crate::messages::{self, BatteryState, CompressedImage, Image, Odometry, Pose, TfMessage, Time};

/// Most that a position may be from the origin, m: beyond is no tunnel on Earth.
pub const FAR_M: f64 = 1e6;
/// Most pixels of a picture, and cells of a grid.
pub const MAX_PIXELS: usize = 1 << 25;

/// Refusal of a message.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidMessage {
    /// A number is not finite, or beyond anything on Earth.
    #[error("a number of it is not finite, or absurd")]
    Number,
    /// The size that it states is not that of its data.
    #[error("its size does not fit its data")]
    Size,
    /// A field, encoding or frame is another than the expected one.
    #[error("its {0} is not what is expected")]
    Layout(&'static str),
    /// A cloud has no field of this name that is a number within a point.
    #[error("its points have no {expected}; their fields are: {found}")]
    Field {
        /// The field.
        expected: String,
        /// Those that there are.
        found: String,
    },
    /// A cloud's points are farther away than any lidar sees.
    #[error(
        "{far} of its {points} points are more than 300 m away: metres are expected (REP 103), are they millimetres?"
    )]
    Ranges {
        /// Points that are too far.
        far: usize,
        /// All points.
        points: usize,
    },
    /// A cloud's points are of another time than its stamp.
    #[error(
        "the times of its points, {field}, go from {from} to {to}: {guess}, but expected are {expected}, at most a second \
         from it"
    )]
    Times {
        /// The field, and its type.
        field: String,
        /// The least time.
        from: f64,
        /// The greatest.
        to: f64,
        /// Unit and beginning as they should be.
        expected: &'static str,
        /// What they look like.
        guess: &'static str,
    },
    /// A compressed picture cannot be decoded.
    #[error("its picture cannot be decoded: {0}")]
    Picture(String),
}

/// A message's time; one before 1970 is refused.
pub fn stamp(time: Time) -> Result<Stamp, InvalidMessage> {
    let sec = u64::try_from(time.sec).ok().ok_or(InvalidMessage::Number)?;
    Ok(Stamp::from_nanos(sec * 1_000_000_000 + u64::from(time.nanosec.min(999_999_999))))
}

fn vector(v: messages::Vector3) -> Result<Vector3<f64>, InvalidMessage> {
    let v = Vector3::new(v.x, v.y, v.z);
    if v.iter().all(|x| x.is_finite()) { Ok(v) } else { Err(InvalidMessage::Number) }
}

fn pose(pose: &Pose) -> Result<Transform<Map, Base>, InvalidMessage> {
    let p = &pose.position;
    isometry([p.x, p.y, p.z], &pose.orientation).map(Transform::new)
}

fn isometry(p: [f64; 3], q: &messages::Quaternion) -> Result<Isometry3<f64>, InvalidMessage> {
    let near = p.iter().all(|v| v.abs() < FAR_M);
    let q = Quaternion::new(q.w, q.x, q.y, q.z);
    // Comparisons that also refuse what is no number.
    if !(near && (0.9..1.1).contains(&q.norm())) {
        return Err(InvalidMessage::Number);
    }
    let rotation = UnitQuaternion::from_quaternion(q);
    Ok(Isometry3::from_parts(Translation3::from(p), rotation))
}

/// The transforms of a `/tf_static`, as parent, child, and `parent_from_child`; names without the slash that ROS 1 put before
/// them.
pub fn static_transforms(
    message: &TfMessage<'_>,
) -> Result<Vec<(String, String, Isometry3<f64>)>, InvalidMessage> {
    let name = |name: &str| name.trim_start_matches('/').to_owned();
    let transforms = message.transforms.iter().map(|transform| {
        let t = &transform.transform.translation;
        let parent_from_child = isometry([t.x, t.y, t.z], &transform.transform.rotation)?;
        Ok((name(transform.header.frame_id), name(transform.child_frame_id), parent_from_child))
    });
    transforms.collect()
}

/// The estimate as it travels; contacts travel elsewhere.
pub fn state(odometry: &Odometry<'_>, contacts: [bool; LEGS]) -> Result<RobotState, InvalidMessage> {
    let covariance = &odometry.pose.covariance.0;
    let position_covariance_m2 = Matrix3::from_fn(|row, column| covariance[6 * row + column]);
    let yaw_variance = covariance[35];
    if !(position_covariance_m2.iter().all(|v| v.is_finite()) && yaw_variance.is_finite()) {
        return Err(InvalidMessage::Number);
    }
    Ok(RobotState {
        stamp: stamp(odometry.header.stamp)?,
        map_from_base: pose(&odometry.pose.pose)?,
        velocity_m_s: vector(odometry.twist.twist.linear)?,
        angular_velocity_rad_s: vector(odometry.twist.twist.angular)?,
        contacts,
        position_covariance_m2,
        yaw_sigma_rad: yaw_variance.max(0.0).sqrt(),
    })
}

fn pixels<'a>(image: &Image<'a>, bytes_per_pixel: usize) -> Result<Vec<&'a [u8]>, InvalidMessage> {
    let (width, height) = (image.width as usize, image.height as usize);
    let (row, step) = (width.saturating_mul(bytes_per_pixel), image.step as usize);
    let data: &'a [u8] = image.data.0;
    let fits = step >= row && data.len() >= step.saturating_mul(height);
    if width == 0 || height == 0 || width.saturating_mul(height) > MAX_PIXELS || !fits {
        return Err(InvalidMessage::Size);
    }
    Ok(data.chunks(step).take(height).map(|line| &line[..row]).collect())
}

/// A picture: `rgb8` or `bgr8`.
pub fn picture(image: &Image<'_>) -> Result<(Stamp, RgbImage), InvalidMessage> {
    let mut data = pixels(image, 3)?.concat();
    match image.encoding {
        "rgb8" => {}
        "bgr8" => data.chunks_exact_mut(3).for_each(|p| p.swap(0, 2)),
        _ => return Err(InvalidMessage::Layout("encoding")),
    }
    Ok((stamp(image.header.stamp)?, RgbImage { width: image.width, height: image.height, data }))
}

/// A picture as JPEG or PNG.
pub fn compressed_picture(image: &CompressedImage<'_>) -> Result<(Stamp, RgbImage), InvalidMessage> {
    let bytes = image.data.0;
    let format = image::guess_format(bytes).ok();
    let format = format.filter(|f| matches!(f, ImageFormat::Jpeg | ImageFormat::Png));
    let format = format.ok_or(InvalidMessage::Layout("compression"))?;
    let decoded = match format {
        ImageFormat::Jpeg => whole_jpeg(bytes)?,
        _ => {
            let mut reader = ImageReader::with_format(std::io::Cursor::new(bytes), format);
            let mut limits = Limits::default();
            // A picture of the most pixels, in four bytes each.
            limits.max_alloc = Some(4 * MAX_PIXELS as u64);
            reader.limits(limits);
            reader.decode().map_err(|e| InvalidMessage::Picture(e.to_string()))?
        }
    };
    let decoded = decoded.into_rgb8();
    let (width, height) = decoded.dimensions();
    if width == 0 || height == 0 {
        return Err(InvalidMessage::Size);
    }
    Ok((stamp(image.header.stamp)?, RgbImage { width, height, data: decoded.into_raw() }))
}

fn whole_jpeg(bytes: &[u8]) -> Result<image::DynamicImage, InvalidMessage> {
    let picture = |e: JpegError| InvalidMessage::Picture(e.to_string());
    let jpeg = Jpeg::open(bytes).map_err(picture)?;
    let (width, height) = jpeg.size();
    if width as usize * height as usize > MAX_PIXELS {
        return Err(InvalidMessage::Size);
    }
    jpeg.decode().map_err(picture)
}

/// A thermal picture: degrees Celsius as `32FC1`.
pub fn thermal(image: &Image<'_>, camera: usize) -> Result<ThermalFrame, InvalidMessage> {
    if image.encoding != "32FC1" || image.is_bigendian != 0 {
        return Err(InvalidMessage::Layout("encoding"));
    }
    let rows = pixels(image, 4)?;
    let float = |bytes: &[u8]| bytes.try_into().map_or(f32::NAN, f32::from_le_bytes);
    let celsius = rows.iter().flat_map(|row| row.chunks_exact(4).map(float)).collect();
    let stamp = stamp(image.header.stamp)?;
    Ok(ThermalFrame { stamp, camera, width: image.width, height: image.height, celsius })
}

/// A battery's sample. Its share of charge is needed, or charge and capacity to work it out; all else may be left out as
/// NaN.
pub fn battery(battery: &BatteryState<'_>) -> Result<BatterySample, InvalidMessage> {
    if !battery.present {
        return Err(InvalidMessage::Layout("battery (present is false)"));
    }
    let [charge_ah, capacity_ah] = [battery.charge, battery.capacity].map(f64::from);
    let stated = f64::from(battery.percentage);
    let charged = if stated.is_nan() { charge_ah / capacity_ah } else { stated };
    if !(0.0..=1.0).contains(&charged) {
        return Err(InvalidMessage::Number);
    }
    Ok(BatterySample {
        stamp: stamp(battery.header.stamp)?,
        voltage_v: battery.voltage.into(),
        current_a: battery.current.into(),
        charge_ah,
        capacity_ah,
        charged,
    })
}

#[cfg(test)]
mod tests {
    use image::ExtendedColorType;
    use image::codecs::jpeg::JpegEncoder;
    use proptest::prelude::*;

    use super::*;

    fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality)
            .encode(&picture.data, picture.width, picture.height, ExtendedColorType::Rgb8)
            .expect("fits");
        bytes
    }
    use crate::cdr;
    use crate::messages::{
        Bytes, Covariance6, Header, PointCloud2, PointField, PoseWithCovariance, TwistWithCovariance,
    };

    fn odometry() -> Odometry<'static> {
        let covariance = Covariance6::diagonal([0.04; 6]);
        Odometry {
            header: Header::default(),
            child_frame_id: "base_link",
            pose: PoseWithCovariance { pose: Pose::default(), covariance },
            twist: TwistWithCovariance { twist: messages::Twist::default(), covariance },
        }
    }

    fn image(width: u32, height: u32, step: u32, data: &[u8]) -> Image<'_> {
        let header = Header::default();
        Image { header, height, width, encoding: "rgb8", is_bigendian: 0, step, data: Bytes(data) }
    }

    fn cloud<'a>(width: u32, height: u32, fields: Vec<PointField<'a>>, data: &'a [u8]) -> PointCloud2<'a> {
        PointCloud2 {
            header: Header::default(),
            height,
            width,
            fields: fields.into(),
            is_bigendian: false,
            point_step: 20,
            row_step: 20,
            data: Bytes(data),
            is_dense: true,
        }
    }

    #[test]
    fn numbers_that_are_none_are_refused_wherever_they_stand() {
        let good = state(&odometry(), [true; 4]).expect("good");
        assert!((good.position_sigma_along(0.0) - 0.2).abs() < 1e-12);
        let mut unsure = odometry();
        unsure.pose.covariance.0[1] = f64::NAN;
        assert_eq!(state(&unsure, [true; 4]), Err(InvalidMessage::Number));
        for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1e300] {
            let mut message = odometry();
            message.pose.pose.position.y = bad;
            assert_eq!(state(&message, [true; 4]), Err(InvalidMessage::Number));
            let mut message = odometry();
            message.pose.pose.orientation.w = bad;
            assert_eq!(state(&message, [true; 4]), Err(InvalidMessage::Number));
        }
        let mut message = odometry();
        message.pose.pose.orientation.w = 0.0;
        assert_eq!(state(&message, [true; 4]), Err(InvalidMessage::Number), "a rotation of length 0");
        assert_eq!(stamp(Time { sec: -1, nanosec: 0 }), Err(InvalidMessage::Number));
    }

    #[test]
    fn a_battery_without_a_share_of_charge_is_none() {
        let good = BatteryState {
            header: Header::default(),
            voltage: 28.0,
            temperature: f32::NAN,
            current: -5.0,
            charge: 4.0,
            capacity: 8.0,
            design_capacity: 8.0,
            percentage: 0.25,
            power_supply_status: BatteryState::DISCHARGING,
            power_supply_health: 0,
            power_supply_technology: 0,
            present: true,
            cell_voltage: &[],
            cell_temperature: &[],
            location: "",
            serial_number: "",
        };
        let charged = |message: BatteryState<'_>| battery(&message).map(|sample| sample.charged).ok();
        assert_eq!(charged(good), Some(0.25));
        assert_eq!(charged(BatteryState { percentage: f32::NAN, ..good }), Some(0.5), "charge over capacity");
        for percentage in [f32::INFINITY, -0.1, 25.0] {
            assert_eq!(charged(BatteryState { percentage, ..good }), None, "{percentage}");
        }
        for capacity in [f32::NAN, 0.0, -8.0] {
            assert_eq!(charged(BatteryState { percentage: f32::NAN, capacity, ..good }), None, "{capacity}");
        }
        assert_eq!(charged(BatteryState { present: false, ..good }), None);
        assert!(charged(BatteryState { voltage: f32::NAN, current: f32::NAN, ..good }).is_some());
    }

    #[test]
    fn sizes_that_lie_are_refused() {
        assert_eq!(picture(&image(4, 2, 12, &[])), Err(InvalidMessage::Size));
        assert_eq!(picture(&image(4, 2, 12, &[7; 24])).expect("whole").1.data.len(), 24);
        assert_eq!(picture(&image(u32::MAX, u32::MAX, 12, &[7; 24])), Err(InvalidMessage::Size));
        assert_eq!(scan(&cloud(u32::MAX, u32::MAX, Vec::new(), &[])), Err(InvalidMessage::Size));
        let is_x = |error| matches!(error, InvalidMessage::Field { expected, .. } if expected == "`x`");
        assert!(scan(&cloud(1, 1, Vec::new(), &[0; 20])).is_err_and(is_x));
        let far = PointField { name: "x", offset: u32::MAX, datatype: PointField::FLOAT32, count: 1 };
        assert!(scan(&cloud(1, 1, vec![far], &[0; 20])).is_err_and(is_x));
    }

    #[test]
    fn rows_may_be_padded_and_colours_swapped() {
        let bytes = [1, 2, 3, 0, 0, 4, 5, 6, 0, 0];
        let image = Image { encoding: "bgr8", ..image(1, 2, 5, &bytes) };
        assert_eq!(picture(&image).expect("whole").1.data, [3, 2, 1, 6, 5, 4]);
    }

    #[test]
    fn a_picture_that_is_cut_or_none_is_refused() {
        let grey = RgbImage { width: 16, height: 8, data: vec![90; 16 * 8 * 3] };
        let jpeg = jpeg(&grey, 90);
        let message = |data| CompressedImage { header: Header::default(), format: "jpeg", data: Bytes(data) };
        let (_, read) = compressed_picture(&message(&jpeg)).expect("whole");
        assert_eq!((read.width, read.height), (16, 8));
        for length in 3..jpeg.len() {
            let cut = compressed_picture(&message(&jpeg[..length]));
            assert!(matches!(cut, Err(InvalidMessage::Picture(_))), "{length} bytes: {cut:?}");
        }
        assert_eq!(compressed_picture(&message(b"neither")), Err(InvalidMessage::Layout("compression")));
    }

    /// Bytes of good messages with some that are not.
    fn spoilt(message: &impl serde::Serialize, spoil: &[(usize, u8)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        cdr::serialize_into(&mut bytes, message).expect("serialises");
        for (at, value) in spoil {
            let at = at % bytes.len();
            bytes[at] = *value;
        }
        bytes
    }

    proptest! {
        #[test]
        fn whatever_a_message_says_nothing_panics(
            spoil in proptest::collection::vec((0_usize..300, any::<u8>()), 0..6),
        ) {
            let names = ["x", "y", "z", "intensity", "time"];
            let field = |(i, name)| PointField { name, offset: 4 * i as u32, datatype: PointField::FLOAT32, count: 1 };
            let fields = names.into_iter().enumerate().map(field).collect();
            if let Ok(message) = cdr::deserialize(&spoilt(&cloud(2, 1, fields, &[7; 40]), &spoil)) {
                let _ = scan(&message);
            }
            if let Ok(message) = cdr::deserialize(&spoilt(&image(4, 2, 12, &[7; 24]), &spoil)) {
                let _ = picture(&message);
                let _ = thermal(&message, 0);
            }
            let transform = messages::TransformStamped {
                header: Header::default(),
                child_frame_id: "lidar",
                transform: messages::Transform::default(),
            };
            if let Ok(message) = cdr::deserialize(&spoilt(&TfMessage { transforms: vec![transform; 2] }, &spoil)) {
                let _ = static_transforms(&message);
            }
            if let Ok(message) = cdr::deserialize(&spoilt(&odometry(), &spoil)) {
                let _ = state(&message, [true; 4]);
            }
            let grey = RgbImage { width: 16, height: 8, data: vec![90; 16 * 8 * 3] };
            let jpeg = jpeg(&grey, 90);
            let message = CompressedImage { header: Header::default(), format: "jpeg", data: Bytes(&jpeg) };
            if let Ok(message) = cdr::deserialize(&spoilt(&message, &spoil)) {
                let _ = compressed_picture(&message);
            }
        }
    }
}
