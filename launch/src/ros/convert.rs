//! Messages of r2r into Adit's own words. What a recording may hold as well is read by [`from_ros`], through a view of
//! the message.

use std::fmt::Display;

use nalgebra::Matrix3;
use perception::localise::{Directions, TunnelCorrection};
use r2r::adit_msgs::msg::{MissionStatus, RobotState as RobotStateMsg, TunnelCorrection as CorrectionMsg};
use r2r::builtin_interfaces::msg::Time;
use r2r::geometry_msgs::msg::{Twist, Vector3};
use r2r::nav_msgs::msg::{OccupancyGrid, Odometry};
use r2r::sensor_msgs::msg::{BatteryState, Image, PointCloud2};
use r2r::std_msgs::msg::Header;
use robot_interface::joints::LEGS;
use robot_interface::sensors::{BatterySample, LidarScan, RgbImage, ThermalFrame};
use robot_interface::state::{Posture, RobotState, VelocityCommand};
use robot_interface::status::{MissionState, UnknownNumber};
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::AxisPose;

pub(crate) use recording::from_ros::InvalidMessage;
use recording::from_ros::{self, FAR_M, MAX_PIXELS};
use recording::messages::{self, Bytes, Covariance6};

pub(crate) fn stamp(time: &Time) -> Result<Stamp, InvalidMessage> {
    from_ros::stamp(messages::Time { sec: time.sec, nanosec: time.nanosec })
}

fn header(header: &Header) -> messages::Header<'_> {
    let stamp = messages::Time { sec: header.stamp.sec, nanosec: header.stamp.nanosec };
    messages::Header { stamp, frame_id: &header.frame_id }
}

/// A stamp as messages have it.
pub(crate) fn time(stamp: Stamp) -> Time {
    let time = messages::Time::from(stamp);
    Time { sec: time.sec, nanosec: time.nanosec }
}

/// State of a mission.
pub(crate) fn mission_state(status: &MissionStatus) -> Result<MissionState, UnknownNumber> {
    MissionState::from_numbers(status.state, status.phase, status.abort_reason, &status.text)
}

/// A velocity to walk at.
pub(crate) fn velocity(twist: &Twist) -> Result<VelocityCommand, InvalidMessage> {
    let all =
        [twist.linear.x, twist.linear.y, twist.linear.z, twist.angular.x, twist.angular.y, twist.angular.z];
    if all.iter().any(|v| !v.is_finite() || v.abs() > 100.0) {
        return Err(InvalidMessage::Number);
    }
    Ok(VelocityCommand { vx_m_s: twist.linear.x, vy_m_s: twist.linear.y, wz_rad_s: twist.angular.z })
}

fn vector(v: &Vector3) -> messages::Vector3 {
    messages::Vector3 { x: v.x, y: v.y, z: v.z }
}

/// The estimate as it travels; contacts travel elsewhere.
pub(crate) fn state(odometry: &Odometry, contacts: [bool; LEGS]) -> Result<RobotState, InvalidMessage> {
    let (pose, twist) = (&odometry.pose.pose, &odometry.twist.twist);
    let (p, q) = (&pose.position, &pose.orientation);
    let pose = messages::Pose {
        position: messages::Point { x: p.x, y: p.y, z: p.z },
        orientation: messages::Quaternion { x: q.x, y: q.y, z: q.z, w: q.w },
    };
    let covariance = |values: &[f64]| values.try_into().map(Covariance6).ok().ok_or(InvalidMessage::Size);
    let twist = messages::Twist { linear: vector(&twist.linear), angular: vector(&twist.angular) };
    let message = messages::Odometry {
        header: header(&odometry.header),
        child_frame_id: &odometry.child_frame_id,
        pose: messages::PoseWithCovariance { pose, covariance: covariance(&odometry.pose.covariance)? },
        twist: messages::TwistWithCovariance { twist, covariance: covariance(&odometry.twist.covariance)? },
    };
    from_ros::state(&message, contacts)
}

/// A measurement against the tunnel. Its degenerate directions are for people; the estimator goes by the
/// covariance.
pub(crate) fn correction(message: &CorrectionMsg) -> Result<TunnelCorrection, InvalidMessage> {
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
        return Err(InvalidMessage::Number);
    }
    let eigenvalues = message.eigenvalues.as_slice().try_into();
    let covariance = Matrix3::from_row_slice(message.covariance.get(..9).ok_or(InvalidMessage::Size)?);
    let sound = (0..3).all(|i| covariance[(i, i)] > 0.0) && covariance.cholesky().is_some();
    if !sound {
        return Err(InvalidMessage::Layout("covariance"));
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
        eigenvalues: eigenvalues.ok().ok_or(InvalidMessage::Size)?,
        degenerate: Directions::NONE,
        points: message.points as usize,
        inliers: message.inliers,
        residual_m: message.residual_m,
    })
}

/// Feet that carry weight, as the bridge tells; none where it does not.
pub(crate) fn contacts(robot: &RobotStateMsg) -> [bool; LEGS] {
    std::array::from_fn(|i| robot.contacts.get(i).copied().unwrap_or(false))
}

/// The robot's posture, as the bridge tells it.
pub(crate) const fn posture(robot: &RobotStateMsg) -> Posture {
    Posture {
        height_m: robot.height_m,
        tilt_rad: robot.tilt_rad,
        joint_error_rad: robot.joint_error_rad,
        joint_error_of: robot.joint_error_of as usize,
    }
}

/// A battery's sample.
pub(crate) fn battery(battery: &BatteryState) -> Result<BatterySample, InvalidMessage> {
    from_ros::battery(&messages::BatteryState {
        header: header(&battery.header),
        voltage: battery.voltage,
        temperature: battery.temperature,
        current: battery.current,
        charge: battery.charge,
        capacity: battery.capacity,
        design_capacity: battery.design_capacity,
        percentage: battery.percentage,
        power_supply_status: battery.power_supply_status,
        power_supply_health: battery.power_supply_health,
        power_supply_technology: battery.power_supply_technology,
        present: battery.present,
        cell_voltage: &battery.cell_voltage,
        cell_temperature: &battery.cell_temperature,
        location: &battery.location,
        serial_number: &battery.serial_number,
    })
}

/// Counter of messages that were not used, which logs them less and less often as they go on.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    count: u64,
    last: String,
}

impl Refusals {
    pub(crate) fn say(&mut self, topic: &str, reason: impl Display) {
        self.count += 1;
        self.last = format!("{topic}: {reason}");
        if self.count.is_power_of_two() {
            tracing::warn!("a message on {topic} is not used: {reason} ({} so far)", self.count);
        }
    }

    /// Returns how many there were.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the last one's topic and reason.
    pub(crate) fn last(&self) -> &str {
        &self.last
    }
}

fn cloud(cloud: &PointCloud2) -> messages::PointCloud2<'_> {
    let fields = cloud.fields.iter().map(|f| messages::PointField {
        name: &f.name,
        offset: f.offset,
        datatype: f.datatype,
        count: f.count,
    });
    messages::PointCloud2 {
        header: header(&cloud.header),
        height: cloud.height,
        width: cloud.width,
        fields: fields.collect(),
        is_bigendian: cloud.is_bigendian,
        point_step: cloud.point_step,
        row_step: cloud.row_step,
        data: Bytes(&cloud.data),
        is_dense: cloud.is_dense,
    }
}

/// A scan, with a time for each point.
pub(crate) fn scan(message: &PointCloud2) -> Result<LidarScan, InvalidMessage> {
    from_ros::scan(&cloud(message))
}

/// A terrain grid from its two halves, which must be of the same moment.
pub(crate) fn terrain(
    elevation: &PointCloud2,
    occupancy: &OccupancyGrid,
) -> Result<TerrainGrid, InvalidMessage> {
    let info = &occupancy.info;
    let size = info.width as usize;
    let cells = size * info.height as usize;
    if info.height as usize != size || occupancy.data.len() != cells || cells == 0 || cells > MAX_PIXELS {
        return Err(InvalidMessage::Size);
    }
    let (origin, resolution_m) = (&info.origin.position, f64::from(info.resolution));
    let near = origin.x.abs() < FAR_M && origin.y.abs() < FAR_M;
    if !(near && resolution_m > 1e-3 && resolution_m < 10.0) {
        return Err(InvalidMessage::Number);
    }
    let mut grid = TerrainGrid {
        stamp: stamp(&occupancy.header.stamp)?,
        origin_m: [origin.x, origin.y],
        resolution_m,
        size,
        elevation_m: vec![f32::NAN; cells],
        traversability: occupancy.data.iter().map(|&o| easy(o)).collect(),
    };
    for [x, y, z] in from_ros::floats(&cloud(elevation), ["x", "y", "z"])? {
        if let Some(index) = grid.index_of(f64::from(x), f64::from(y)) {
            grid.elevation_m[index] = z;
        }
    }
    Ok(grid)
}

fn easy(occupied: i8) -> f32 {
    if (0..=100).contains(&occupied) { 1.0 - f32::from(occupied) / 100.0 } else { f32::NAN }
}

fn image(image: &Image) -> messages::Image<'_> {
    messages::Image {
        header: header(&image.header),
        height: image.height,
        width: image.width,
        encoding: &image.encoding,
        is_bigendian: image.is_bigendian,
        step: image.step,
        data: Bytes(&image.data),
    }
}

/// A picture: `rgb8` or `bgr8`.
pub(crate) fn picture(message: &Image) -> Result<(Stamp, RgbImage), InvalidMessage> {
    from_ros::picture(&image(message))
}

/// A thermal picture: degrees Celsius as `32FC1`.
pub(crate) fn thermal(message: &Image, camera: usize) -> Result<ThermalFrame, InvalidMessage> {
    from_ros::thermal(&image(message), camera)
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
                assert_eq!(velocity(&twist), Err(InvalidMessage::Number));
            }
            let mut odometry = Odometry::default();
            odometry.pose.pose.orientation.w = 1.0;
            assert!(state(&odometry, [true; 4]).is_ok());
            odometry.pose.pose.position.y = bad;
            assert_eq!(state(&odometry, [true; 4]), Err(InvalidMessage::Number));
        }
    }

    #[test]
    fn sizes_that_lie_are_refused() {
        let mut image =
            Image { width: 4, height: 2, step: 12, encoding: "rgb8".to_owned(), ..Image::default() };
        assert_eq!(picture(&image), Err(InvalidMessage::Size));
        image.data = vec![7; 24];
        assert_eq!(picture(&image).expect("whole").1.data.len(), 24);
        let cloud =
            PointCloud2 { width: u32::MAX, height: u32::MAX, point_step: 20, ..PointCloud2::default() };
        assert_eq!(scan(&cloud), Err(InvalidMessage::Size));
        let mut grid = OccupancyGrid::default();
        (grid.info.width, grid.info.height) = (3, 2);
        assert_eq!(terrain(&PointCloud2::default(), &grid), Err(InvalidMessage::Size));
    }
}
