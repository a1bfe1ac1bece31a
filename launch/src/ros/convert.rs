//! ROS messages into Adit's own words. Whatever is no number, too large or of another shape is refused here.

use nalgebra::{Isometry3, Matrix3, Quaternion, Translation3, UnitQuaternion, Vector3};
use perception::localise::{Directions, TunnelCorrection};
use r2r::adit_msgs::msg::{RobotState as RobotStateMsg, TunnelCorrection as CorrectionMsg};
use r2r::builtin_interfaces::msg::Time;
use r2r::geometry_msgs::msg::{Pose, Twist};
use r2r::nav_msgs::msg::{OccupancyGrid, Odometry};
use r2r::sensor_msgs::msg::{Image, PointCloud2};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::LEGS;
use robot_interface::sensors::{LidarPoint, LidarScan, RgbImage, ThermalFrame};
use robot_interface::state::{RobotState, VelocityCommand};
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::AxisPose;

use crate::ros_msgs;

/// The most that a position may be from the origin, m: beyond is no tunnel on Earth.
const FAR_M: f64 = 1e6;
/// The most pixels of a picture, and cells of a grid.
const MOST_PIXELS: usize = 1 << 25;
/// The most points of a cloud.
const MOST_POINTS: usize = 1 << 22;

/// Why a message is not used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("a number of it is not finite, or absurd")]
    Number,
    #[error("its size does not fit its data")]
    Size,
    #[error("its {0} is not what is expected")]
    Layout(&'static str),
}

pub(crate) fn stamp(time: &Time) -> Result<Stamp, Refused> {
    let sec = u64::try_from(time.sec).ok().ok_or(Refused::Number)?;
    Ok(Stamp::from_nanos(sec * 1_000_000_000 + u64::from(time.nanosec.min(999_999_999))))
}

/// A stamp as messages have it.
pub(crate) fn time(stamp: Stamp) -> Time {
    let time = ros_msgs::Time::from(stamp);
    Time { sec: time.sec, nanosec: time.nanosec }
}

/// A velocity to walk at.
pub(crate) fn velocity(twist: &Twist) -> Result<VelocityCommand, Refused> {
    let all =
        [twist.linear.x, twist.linear.y, twist.linear.z, twist.angular.x, twist.angular.y, twist.angular.z];
    if all.iter().any(|v| !v.is_finite() || v.abs() > 100.0) {
        return Err(Refused::Number);
    }
    Ok(VelocityCommand { vx_m_s: twist.linear.x, vy_m_s: twist.linear.y, wz_rad_s: twist.angular.z })
}

fn vector(v: &r2r::geometry_msgs::msg::Vector3) -> Result<Vector3<f64>, Refused> {
    let v = Vector3::new(v.x, v.y, v.z);
    if v.iter().all(|x| x.is_finite()) { Ok(v) } else { Err(Refused::Number) }
}

fn pose(pose: &Pose) -> Result<Transform<Map, Base>, Refused> {
    let (p, q) = (&pose.position, &pose.orientation);
    let near = [p.x, p.y, p.z].iter().all(|v| v.abs() < FAR_M);
    let q = Quaternion::new(q.w, q.x, q.y, q.z);
    // Comparisons that also refuse what is no number.
    if !(near && (0.9..1.1).contains(&q.norm())) {
        return Err(Refused::Number);
    }
    let rotation = UnitQuaternion::from_quaternion(q);
    Ok(Transform::new(Isometry3::from_parts(Translation3::new(p.x, p.y, p.z), rotation)))
}

/// The estimate as it travels; contacts travel elsewhere.
pub(crate) fn state(odometry: &Odometry, contacts: [bool; 4]) -> Result<RobotState, Refused> {
    let covariance = &odometry.pose.covariance;
    let sigma = |i: usize| covariance.get(7 * i).map_or(f64::NAN, |v| v.max(0.0).sqrt());
    Ok(RobotState {
        stamp: stamp(&odometry.header.stamp)?,
        map_from_base: pose(&odometry.pose.pose)?,
        velocity_m_s: vector(&odometry.twist.twist.linear)?,
        angular_velocity_rad_s: vector(&odometry.twist.twist.angular)?,
        contacts,
        position_sigma_m: Vector3::new(sigma(0), sigma(1), sigma(2)),
        yaw_sigma_rad: sigma(5),
    })
}

/// A measurement against the tunnel. Its degenerate directions are for people; the estimator goes by the
/// covariance.
pub(crate) fn correction(message: &CorrectionMsg) -> Result<TunnelCorrection, Refused> {
    let numbers = [
        message.chainage_m,
        message.axis.x,
        message.axis.y,
        message.axis.z,
        message.axis_heading_rad,
        message.axis_grade,
        message.curvature_per_m,
        message.lateral_m,
        message.height_m,
        message.yaw_rad,
        message.inliers,
        message.residual_m,
    ];
    let all = numbers.iter().chain(&message.covariance).chain(&message.eigenvalues);
    if !all.clone().all(|v| v.abs() < FAR_M * FAR_M) {
        return Err(Refused::Number);
    }
    let eigenvalues = message.eigenvalues.as_slice().try_into();
    let covariance = Matrix3::from_row_slice(message.covariance.get(..9).ok_or(Refused::Size)?);
    let sound = (0..3).all(|i| covariance[(i, i)] > 0.0) && covariance.cholesky().is_some();
    if !sound {
        return Err(Refused::Layout("covariance"));
    }
    Ok(TunnelCorrection {
        stamp: stamp(&message.header.stamp)?,
        chainage_m: message.chainage_m,
        axis: AxisPose {
            x_m: message.axis.x,
            y_m: message.axis.y,
            z_m: message.axis.z,
            heading_rad: message.axis_heading_rad,
            grade: message.axis_grade,
        },
        curvature_per_m: message.curvature_per_m,
        lateral_m: message.lateral_m,
        height_m: message.height_m,
        yaw_rad: message.yaw_rad,
        covariance,
        eigenvalues: eigenvalues.ok().ok_or(Refused::Size)?,
        degenerate: Directions::NONE,
        points: message.points as usize,
        inliers: message.inliers,
        residual_m: message.residual_m,
    })
}

/// Which feet carry weight, as the bridge says; none where it does not.
pub(crate) fn contacts(robot: &RobotStateMsg) -> [bool; LEGS] {
    std::array::from_fn(|i| robot.contacts.get(i).copied().unwrap_or(false))
}

/// Messages that were not used, said less and less often as they go on.
#[derive(Debug, Default)]
pub(crate) struct Refusals(u64);

impl Refusals {
    pub(crate) fn say(&mut self, topic: &str, refused: &Refused) {
        self.0 += 1;
        if self.0.is_power_of_two() {
            tracing::warn!("a message on {topic} is not used: {refused} ({} so far)", self.0);
        }
    }

    /// How many there were.
    pub(crate) const fn count(&self) -> u64 {
        self.0
    }
}

/// The bytes of a `FLOAT32` field in each point of a cloud.
fn field(cloud: &PointCloud2, name: &'static str) -> Result<usize, Refused> {
    let found = cloud.fields.iter().find(|f| f.name == name && f.datatype == 7);
    let offset = found.ok_or(Refused::Layout(name))?.offset as usize;
    if offset + 4 <= cloud.point_step as usize { Ok(offset) } else { Err(Refused::Layout(name)) }
}

fn floats<'a, const N: usize>(
    cloud: &'a PointCloud2,
    names: [&'static str; N],
) -> Result<impl Iterator<Item = [f32; N]> + use<'a, N>, Refused> {
    let step = cloud.point_step as usize;
    let count = cloud.width as usize * cloud.height as usize;
    if cloud.is_bigendian || step == 0 {
        return Err(Refused::Layout("byte order"));
    }
    if count > MOST_POINTS || cloud.data.len() < count * step {
        return Err(Refused::Size);
    }
    let mut offsets = [0; N];
    for (offset, name) in offsets.iter_mut().zip(names) {
        *offset = field(cloud, name)?;
    }
    let float = |bytes: &[u8]| bytes.try_into().map_or(f32::NAN, f32::from_le_bytes);
    Ok(cloud.data.chunks_exact(step).take(count).map(move |p| offsets.map(|at| float(&p[at..at + 4]))))
}

/// A scan, with a time for each point.
pub(crate) fn scan(cloud: &PointCloud2) -> Result<LidarScan, Refused> {
    let points = floats(cloud, ["x", "y", "z", "intensity", "time"])?;
    let point =
        |[x, y, z, intensity, offset_s]: [f32; 5]| LidarPoint { position_m: [x, y, z], intensity, offset_s };
    Ok(LidarScan { stamp: stamp(&cloud.header.stamp)?, points: points.map(point).collect() })
}

/// A terrain grid from its two halves, which must be of the same moment.
pub(crate) fn terrain(elevation: &PointCloud2, occupancy: &OccupancyGrid) -> Result<TerrainGrid, Refused> {
    let info = &occupancy.info;
    let size = info.width as usize;
    let cells = size * info.height as usize;
    if info.height as usize != size || occupancy.data.len() != cells || cells == 0 || cells > MOST_PIXELS {
        return Err(Refused::Size);
    }
    let (origin, resolution_m) = (&info.origin.position, f64::from(info.resolution));
    let near = origin.x.abs() < FAR_M && origin.y.abs() < FAR_M;
    if !(near && resolution_m > 1e-3 && resolution_m < 10.0) {
        return Err(Refused::Number);
    }
    let mut grid = TerrainGrid {
        stamp: stamp(&occupancy.header.stamp)?,
        origin_m: [origin.x, origin.y],
        resolution_m,
        size,
        elevation_m: vec![f32::NAN; cells],
        traversability: occupancy.data.iter().map(|&o| easy(o)).collect(),
    };
    for [x, y, z] in floats(elevation, ["x", "y", "z"])? {
        if let Some(index) = grid.index_of(f64::from(x), f64::from(y)) {
            grid.elevation_m[index] = z;
        }
    }
    Ok(grid)
}

fn easy(occupied: i8) -> f32 {
    if (0..=100).contains(&occupied) { 1.0 - f32::from(occupied) / 100.0 } else { f32::NAN }
}

fn pixels(image: &Image, bytes_per_pixel: usize) -> Result<Vec<&[u8]>, Refused> {
    let (width, height) = (image.width as usize, image.height as usize);
    let (row, step) = (width * bytes_per_pixel, image.step as usize);
    let fits = step >= row && image.data.len() >= step.saturating_mul(height);
    if width == 0 || height == 0 || width.saturating_mul(height) > MOST_PIXELS || !fits {
        return Err(Refused::Size);
    }
    Ok(image.data.chunks(step).take(height).map(|line| &line[..row]).collect())
}

/// A picture: `rgb8` or `bgr8`.
pub(crate) fn picture(image: &Image) -> Result<(Stamp, RgbImage), Refused> {
    let mut data = pixels(image, 3)?.concat();
    match image.encoding.as_str() {
        "rgb8" => {}
        "bgr8" => data.chunks_exact_mut(3).for_each(|p| p.swap(0, 2)),
        _ => return Err(Refused::Layout("encoding")),
    }
    Ok((stamp(&image.header.stamp)?, RgbImage { width: image.width, height: image.height, data }))
}

/// A thermal picture: degrees Celsius as `32FC1`.
pub(crate) fn thermal(image: &Image, camera: usize) -> Result<ThermalFrame, Refused> {
    if image.encoding != "32FC1" || image.is_bigendian != 0 {
        return Err(Refused::Layout("encoding"));
    }
    let rows = pixels(image, 4)?;
    let float = |bytes: &[u8]| bytes.try_into().map_or(f32::NAN, f32::from_le_bytes);
    let celsius = rows.iter().flat_map(|row| row.chunks_exact(4).map(float)).collect();
    let stamp = stamp(&image.header.stamp)?;
    Ok(ThermalFrame { stamp, camera, width: image.width, height: image.height, celsius })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_are_refused_wherever_they_stand() {
        for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1e300] {
            for field in 0..6 {
                let mut twist = Twist::default();
                let (l, a) = (&mut twist.linear, &mut twist.angular);
                *[&mut l.x, &mut l.y, &mut l.z, &mut a.x, &mut a.y, &mut a.z][field] = bad;
                assert_eq!(velocity(&twist), Err(Refused::Number));
            }
            let mut odometry = Odometry::default();
            odometry.pose.pose.orientation.w = 1.0;
            assert!(state(&odometry, [true; 4]).is_ok());
            odometry.pose.pose.position.y = bad;
            assert_eq!(state(&odometry, [true; 4]), Err(Refused::Number));
        }
        let mut odometry = Odometry::default();
        odometry.pose.pose.orientation.w = 0.0;
        assert_eq!(state(&odometry, [true; 4]), Err(Refused::Number), "a rotation of length 0");
        assert_eq!(stamp(&Time { sec: -1, nanosec: 0 }), Err(Refused::Number));
    }

    #[test]
    fn sizes_that_lie_are_refused() {
        let mut image =
            Image { width: 4, height: 2, step: 12, encoding: "rgb8".to_owned(), ..Image::default() };
        assert_eq!(picture(&image), Err(Refused::Size));
        image.data = vec![7; 24];
        assert_eq!(picture(&image).expect("whole").1.data.len(), 24);
        (image.width, image.height) = (u32::MAX, u32::MAX);
        assert_eq!(picture(&image), Err(Refused::Size));
        let cloud =
            PointCloud2 { width: u32::MAX, height: u32::MAX, point_step: 20, ..PointCloud2::default() };
        assert_eq!(scan(&cloud), Err(Refused::Size));
        let mut grid = OccupancyGrid::default();
        (grid.info.width, grid.info.height) = (3, 2);
        assert_eq!(terrain(&PointCloud2::default(), &grid), Err(Refused::Size));
    }

    #[test]
    fn rows_may_be_padded_and_colours_swapped() {
        let image = Image {
            width: 1,
            height: 2,
            step: 5,
            encoding: "bgr8".to_owned(),
            data: vec![1, 2, 3, 0, 0, 4, 5, 6, 0, 0],
            ..Image::default()
        };
        assert_eq!(picture(&image).expect("whole").1.data, [3, 2, 1, 6, 5, 4]);
    }
}
