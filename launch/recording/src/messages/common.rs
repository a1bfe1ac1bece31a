//! `builtin_interfaces`, `std_msgs`, `geometry_msgs` and `tf2_msgs`. Lengths in metres, angles in radians.
//!
//! The fields are those of the interfaces of the same name, whose documentation holds for them.

#![expect(missing_docs, reason = "the interface text beside each struct names its fields")]

use nalgebra::Isometry3;
use robot_interface::time::Stamp;
use serde::{Deserialize, Serialize};

use super::{Covariance6, Definition, Message};

/// `builtin_interfaces/Time`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    pub sec: i32,
    pub nanosec: u32,
}

pub(super) static TIME: Definition =
    Definition { name: "builtin_interfaces/Time", text: "int32 sec\nuint32 nanosec\n", uses: &[] };

impl From<Stamp> for Time {
    /// Saturates in the year 2038, where the interface ends.
    fn from(stamp: Stamp) -> Self {
        const NANOS: u64 = 1_000_000_000;
        i32::try_from(stamp.nanos() / NANOS).map_or(Self { sec: i32::MAX, nanosec: 999_999_999 }, |sec| {
            Self { sec, nanosec: (stamp.nanos() % NANOS) as u32 }
        })
    }
}

/// `builtin_interfaces/Duration`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Duration {
    pub sec: i32,
    pub nanosec: u32,
}

pub(super) static DURATION: Definition =
    Definition { name: "builtin_interfaces/Duration", text: "int32 sec\nuint32 nanosec\n", uses: &[] };

/// `std_msgs/Header`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Header<'a> {
    pub stamp: Time,
    pub frame_id: &'a str,
}

pub(super) static HEADER: Definition = Definition {
    name: "std_msgs/Header",
    text: "builtin_interfaces/Time stamp\nstring frame_id\n",
    uses: &[&TIME],
};

impl<'a> Header<'a> {
    /// Of something measured at `stamp` in `frame_id`.
    pub fn new(stamp: Stamp, frame_id: &'a str) -> Self {
        Self { stamp: stamp.into(), frame_id }
    }
}

/// `std_msgs/ColorRGBA`, each 0 to 1.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ColorRgba {
    pub r: f32,
    pub g: f32,
    pub b: f32,
    pub a: f32,
}

pub(super) static COLOR_RGBA: Definition = Definition {
    name: "std_msgs/ColorRGBA",
    text: "float32 r\nfloat32 g\nfloat32 b\nfloat32 a\n",
    uses: &[],
};

/// `geometry_msgs/Point`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

pub(super) static POINT: Definition =
    Definition { name: "geometry_msgs/Point", text: "float64 x\nfloat64 y\nfloat64 z\n", uses: &[] };

impl From<[f64; 3]> for Point {
    fn from([x, y, z]: [f64; 3]) -> Self {
        Self { x, y, z }
    }
}

/// `geometry_msgs/Vector3`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Vector3 {
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

pub(super) static VECTOR3: Definition =
    Definition { name: "geometry_msgs/Vector3", text: "float64 x\nfloat64 y\nfloat64 z\n", uses: &[] };

impl From<[f64; 3]> for Vector3 {
    fn from([x, y, z]: [f64; 3]) -> Self {
        Self { x, y, z }
    }
}

impl From<nalgebra::Vector3<f64>> for Vector3 {
    fn from(v: nalgebra::Vector3<f64>) -> Self {
        Self { x: v.x, y: v.y, z: v.z }
    }
}

/// `geometry_msgs/Quaternion`, the scalar last.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Quaternion {
    pub x: f64,
    pub y: f64,
    pub z: f64,
    pub w: f64,
}

pub(super) static QUATERNION: Definition = Definition {
    name: "geometry_msgs/Quaternion",
    text: "float64 x\nfloat64 y\nfloat64 z\nfloat64 w\n",
    uses: &[],
};

impl Default for Quaternion {
    /// No rotation.
    fn default() -> Self {
        Self { x: 0.0, y: 0.0, z: 0.0, w: 1.0 }
    }
}

impl From<nalgebra::UnitQuaternion<f64>> for Quaternion {
    fn from(q: nalgebra::UnitQuaternion<f64>) -> Self {
        Self { x: q.i, y: q.j, z: q.k, w: q.w }
    }
}

/// `geometry_msgs/Pose`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Pose {
    pub position: Point,
    pub orientation: Quaternion,
}

pub(super) static POSE: Definition = Definition {
    name: "geometry_msgs/Pose",
    text: "geometry_msgs/Point position\ngeometry_msgs/Quaternion orientation\n",
    uses: &[&POINT, &QUATERNION],
};

impl From<Isometry3<f64>> for Pose {
    fn from(isometry: Isometry3<f64>) -> Self {
        Self {
            position: <[f64; 3]>::from(isometry.translation.vector).into(),
            orientation: isometry.rotation.into(),
        }
    }
}

/// `geometry_msgs/PoseStamped`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PoseStamped<'a> {
    pub header: Header<'a>,
    pub pose: Pose,
}

pub(super) static POSE_STAMPED: Definition = Definition {
    name: "geometry_msgs/PoseStamped",
    text: "std_msgs/Header header\ngeometry_msgs/Pose pose\n",
    uses: &[&HEADER, &POSE],
};

/// `geometry_msgs/PoseWithCovariance`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PoseWithCovariance {
    pub pose: Pose,
    pub covariance: Covariance6,
}

pub(super) static POSE_WITH_COVARIANCE: Definition = Definition {
    name: "geometry_msgs/PoseWithCovariance",
    text: "geometry_msgs/Pose pose\nfloat64[36] covariance\n",
    uses: &[&POSE],
};

/// `geometry_msgs/Twist`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Twist {
    pub linear: Vector3,
    pub angular: Vector3,
}

pub(super) static TWIST: Definition = Definition {
    name: "geometry_msgs/Twist",
    text: "geometry_msgs/Vector3 linear\ngeometry_msgs/Vector3 angular\n",
    uses: &[&VECTOR3],
};

/// `geometry_msgs/TwistWithCovariance`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TwistWithCovariance {
    pub twist: Twist,
    pub covariance: Covariance6,
}

pub(super) static TWIST_WITH_COVARIANCE: Definition = Definition {
    name: "geometry_msgs/TwistWithCovariance",
    text: "geometry_msgs/Twist twist\nfloat64[36] covariance\n",
    uses: &[&TWIST],
};

/// `geometry_msgs/Transform`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Transform {
    pub translation: Vector3,
    pub rotation: Quaternion,
}

pub(super) static TRANSFORM: Definition = Definition {
    name: "geometry_msgs/Transform",
    text: "geometry_msgs/Vector3 translation\ngeometry_msgs/Quaternion rotation\n",
    uses: &[&VECTOR3, &QUATERNION],
};

impl From<Isometry3<f64>> for Transform {
    fn from(isometry: Isometry3<f64>) -> Self {
        Self { translation: isometry.translation.vector.into(), rotation: isometry.rotation.into() }
    }
}

/// `geometry_msgs/TransformStamped`: takes coordinates in `child_frame_id` to the header's frame.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TransformStamped<'a> {
    #[serde(borrow)]
    pub header: Header<'a>,
    pub child_frame_id: &'a str,
    pub transform: Transform,
}

static TRANSFORM_STAMPED: Definition = Definition {
    name: "geometry_msgs/TransformStamped",
    text: "std_msgs/Header header\nstring child_frame_id\ngeometry_msgs/Transform transform\n",
    uses: &[&HEADER, &TRANSFORM],
};

/// `tf2_msgs/TFMessage`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TfMessage<'a> {
    #[serde(borrow)]
    pub transforms: Vec<TransformStamped<'a>>,
}

impl Message for TfMessage<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "tf2_msgs/TFMessage",
        text: "geometry_msgs/TransformStamped[] transforms\n",
        uses: &[&TRANSFORM_STAMPED],
    };
}
