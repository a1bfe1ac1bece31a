//! The ROS 2 messages that a recording holds, each as a struct beside its interface text. Those that are read back too are
//! read into the same structs.
//!
//! A struct's fields stand in the order of its text: that order is the wire format. The texts are those of
//! `common_interfaces` and `rcl_interfaces` (identical in Humble and Jazzy) without their comments.

mod adit;
#[cfg(test)]
mod cdr_tests;
mod common;
mod nav;
mod sensor;
mod visualization;

use nalgebra::Matrix3;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

pub use adit::{Defect, DefectArray, MissionStatus};
pub use common::{
    ColorRgba, Duration, Header, Point, Pose, PoseStamped, PoseWithCovariance, Quaternion, TfMessage, Time,
    Transform, TransformStamped, Twist, TwistWithCovariance, Vector3,
};
pub use nav::{MapMetaData, OccupancyGrid, Odometry, Path};
pub use sensor::{
    BatteryState, CameraInfo, CompressedImage, Image, Imu, JointState, PointCloud2, PointField,
    RegionOfInterest,
};
pub use visualization::{Marker, MarkerArray, MeshFile, UvCoordinate};

/// The line between two interface texts of a `ros2msg` schema: 80 equals signs.
const SEPARATOR: &str = "================================================================================\n";

/// One interface: its text and the interfaces that the text names.
#[derive(Debug)]
pub struct Definition {
    /// Package and name as they stand in other texts, such as `std_msgs/Header`.
    name: &'static str,
    /// The `.msg` file.
    text: &'static str,
    /// Definitions that the text names.
    uses: &'static [&'static Self],
}

impl Definition {
    /// The type's full name, such as `std_msgs/msg/Header`.
    pub fn type_name(&self) -> String {
        self.name.replacen('/', "/msg/", 1)
    }

    /// The `.msg` file's text, without comments.
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// The text followed by that of every interface it needs, in MCAP's `ros2msg` form.
    pub fn schema(&self) -> String {
        let mut needed = Vec::new();
        self.collect(&mut needed);
        schema_text(self.text, needed.into_iter().map(|part| (part.name, part.text)))
    }

    /// Adds what this interface needs, each once, depth first.
    fn collect(&self, needed: &mut Vec<&'static Self>) {
        for &part in self.uses {
            if !needed.iter().any(|known| known.name == part.name) {
                needed.push(part);
                part.collect(needed);
            }
        }
    }
}

/// The interface `package/Name`, if it is one of those here.
pub fn find(name: &str) -> Option<&'static Definition> {
    let known = [
        BatteryState::DEFINITION,
        CameraInfo::DEFINITION,
        CompressedImage::DEFINITION,
        DefectArray::DEFINITION,
        Image::DEFINITION,
        Imu::DEFINITION,
        JointState::DEFINITION,
        MarkerArray::DEFINITION,
        MissionStatus::DEFINITION,
        OccupancyGrid::DEFINITION,
        Odometry::DEFINITION,
        Path::DEFINITION,
        PointCloud2::DEFINITION,
        TfMessage::DEFINITION,
    ];
    known.into_iter().find_map(|definition| {
        let mut needed = vec![definition];
        definition.collect(&mut needed);
        needed.into_iter().find(|part| part.name == name)
    })
}

/// A schema's first text and after it every interface it needs, `(name, text)`, in MCAP's `ros2msg` form.
pub fn schema_text<'a>(first: &str, needed: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut schema = first.to_owned();
    for (name, text) in needed {
        schema.push_str(SEPARATOR);
        schema.push_str("MSG: ");
        schema.push_str(name);
        schema.push('\n');
        schema.push_str(text);
    }
    schema
}

/// A struct that can be sent on a topic.
pub trait Message: Serialize {
    /// Its interface.
    const DEFINITION: &'static Definition;
}

/// Bytes of a `uint8[]` or `int8[]` field, copied as a whole rather than element by element.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A 6 x 6 covariance, row by row: x, y, z, rotation about x, y, z.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Covariance6(#[serde(with = "adit_cdr::array")] pub [f64; 36]);

impl Covariance6 {
    /// Without correlation, from the six variances.
    pub fn diagonal(variances: [f64; 6]) -> Self {
        let mut matrix = [0.0; 36];
        for (i, variance) in variances.into_iter().enumerate() {
            matrix[7 * i] = variance;
        }
        Self(matrix)
    }

    /// Of a position and a heading that are not correlated; roll and pitch are zero, which is to say not known.
    pub fn of_position_and_yaw(position_m2: &Matrix3<f64>, yaw_rad2: f64) -> Self {
        let mut matrix = [0.0; 36];
        for row in 0..3 {
            for column in 0..3 {
                matrix[6 * row + column] = position_m2[(row, column)];
            }
        }
        matrix[35] = yaw_rad2;
        Self(matrix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_holds_each_needed_text_once() {
        assert_eq!(Odometry::DEFINITION.type_name(), "nav_msgs/msg/Odometry");
        let schema = Odometry::DEFINITION.schema();
        let named: Vec<_> = schema.lines().filter_map(|line| line.strip_prefix("MSG: ")).collect();
        assert_eq!(
            named,
            [
                "std_msgs/Header",
                "builtin_interfaces/Time",
                "geometry_msgs/PoseWithCovariance",
                "geometry_msgs/Pose",
                "geometry_msgs/Point",
                "geometry_msgs/Quaternion",
                "geometry_msgs/TwistWithCovariance",
                "geometry_msgs/Twist",
                "geometry_msgs/Vector3",
            ]
        );
        assert_eq!(
            find("geometry_msgs/Twist").map(|found| found.type_name()),
            Some("geometry_msgs/msg/Twist".into())
        );
        assert!(find("geometry_msgs/Wrench").is_none());
        assert_eq!(SEPARATOR.trim_end(), "=".repeat(80));
        assert!(schema.starts_with("std_msgs/Header header\nstring child_frame_id\n"));
    }
}
