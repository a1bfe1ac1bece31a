//! `nav_msgs`. The fields are those of the interfaces of the same name, whose documentation holds for them.

#![expect(missing_docs, reason = "the interface text beside each struct names its fields")]

use serde::{Deserialize, Serialize};

use super::common::{
    HEADER, Header, POSE, POSE_STAMPED, POSE_WITH_COVARIANCE, Pose, PoseStamped, PoseWithCovariance, TIME,
    TWIST_WITH_COVARIANCE, Time, TwistWithCovariance,
};
use super::{Bytes, Definition, Message};

/// `nav_msgs/Odometry`: the pose in the header's frame, the twist in the child's.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Odometry<'a> {
    #[serde(borrow)]
    pub header: Header<'a>,
    pub child_frame_id: &'a str,
    pub pose: PoseWithCovariance,
    pub twist: TwistWithCovariance,
}

impl Message for Odometry<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "nav_msgs/Odometry",
        text: "std_msgs/Header header\nstring child_frame_id\ngeometry_msgs/PoseWithCovariance pose\n\
            geometry_msgs/TwistWithCovariance twist\n",
        uses: &[&HEADER, &POSE_WITH_COVARIANCE, &TWIST_WITH_COVARIANCE],
    };
}

/// `nav_msgs/Path`.
#[derive(Clone, Debug, Serialize)]
pub struct Path<'a> {
    pub header: Header<'a>,
    pub poses: Vec<PoseStamped<'a>>,
}

impl Message for Path<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "nav_msgs/Path",
        text: "std_msgs/Header header\ngeometry_msgs/PoseStamped[] poses\n",
        uses: &[&HEADER, &POSE_STAMPED],
    };
}

/// `nav_msgs/MapMetaData`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MapMetaData {
    pub map_load_time: Time,
    pub resolution: f32,
    pub width: u32,
    pub height: u32,
    pub origin: Pose,
}

static MAP_META_DATA: Definition = Definition {
    name: "nav_msgs/MapMetaData",
    text: "builtin_interfaces/Time map_load_time\nfloat32 resolution\nuint32 width\nuint32 height\n\
        geometry_msgs/Pose origin\n",
    uses: &[&TIME, &POSE],
};

/// `nav_msgs/OccupancyGrid`: 0 free to 100 occupied, -1 not known, x fastest.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OccupancyGrid<'a> {
    pub header: Header<'a>,
    pub info: MapMetaData,
    /// `int8[]` as its bytes.
    pub data: Bytes<'a>,
}

impl Message for OccupancyGrid<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "nav_msgs/OccupancyGrid",
        text: "std_msgs/Header header\nnav_msgs/MapMetaData info\nint8[] data\n",
        uses: &[&HEADER, &MAP_META_DATA],
    };
}
