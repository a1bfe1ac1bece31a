//! `sensor_msgs`. The fields are those of the interfaces of the same name, whose documentation holds for them.

#![expect(missing_docs, reason = "the interface text beside each struct names its fields")]

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::common::{HEADER, Header, QUATERNION, Quaternion, VECTOR3, Vector3};
use super::{Bytes, Definition, Message};

/// `sensor_msgs/JointState`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JointState<'a> {
    #[serde(borrow)]
    pub header: Header<'a>,
    #[serde(borrow)]
    pub name: Cow<'a, [&'a str]>,
    pub position: Cow<'a, [f64]>,
    pub velocity: Cow<'a, [f64]>,
    pub effort: Cow<'a, [f64]>,
}

impl Message for JointState<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "sensor_msgs/JointState",
        text: "std_msgs/Header header\nstring[] name\nfloat64[] position\nfloat64[] velocity\nfloat64[] effort\n",
        uses: &[&HEADER],
    };
}

/// `sensor_msgs/Imu`; a covariance whose first element is -1 says that there is no such measurement, one of
/// zeros that it is not known.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Imu<'a> {
    pub header: Header<'a>,
    pub orientation: Quaternion,
    pub orientation_covariance: [f64; 9],
    pub angular_velocity: Vector3,
    pub angular_velocity_covariance: [f64; 9],
    pub linear_acceleration: Vector3,
    pub linear_acceleration_covariance: [f64; 9],
}

impl Message for Imu<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "sensor_msgs/Imu",
        text: "std_msgs/Header header\n\
            geometry_msgs/Quaternion orientation\n\
            float64[9] orientation_covariance\n\
            geometry_msgs/Vector3 angular_velocity\n\
            float64[9] angular_velocity_covariance\n\
            geometry_msgs/Vector3 linear_acceleration\n\
            float64[9] linear_acceleration_covariance\n",
        uses: &[&HEADER, &QUATERNION, &VECTOR3],
    };
}

/// `sensor_msgs/BatteryState`; NaN is what is not measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BatteryState<'a> {
    pub header: Header<'a>,
    pub voltage: f32,
    pub temperature: f32,
    pub current: f32,
    pub charge: f32,
    pub capacity: f32,
    pub design_capacity: f32,
    pub percentage: f32,
    pub power_supply_status: u8,
    pub power_supply_health: u8,
    pub power_supply_technology: u8,
    pub present: bool,
    pub cell_voltage: &'a [f32],
    pub cell_temperature: &'a [f32],
    pub location: &'a str,
    pub serial_number: &'a str,
}

impl BatteryState<'_> {
    /// [`BatteryState::power_supply_status`] of a battery that is being discharged.
    pub const DISCHARGING: u8 = 2;
}

impl Message for BatteryState<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "sensor_msgs/BatteryState",
        text: "uint8 POWER_SUPPLY_STATUS_UNKNOWN=0\nuint8 POWER_SUPPLY_STATUS_CHARGING=1\n\
            uint8 POWER_SUPPLY_STATUS_DISCHARGING=2\nuint8 POWER_SUPPLY_STATUS_NOT_CHARGING=3\n\
            uint8 POWER_SUPPLY_STATUS_FULL=4\nuint8 POWER_SUPPLY_HEALTH_UNKNOWN=0\n\
            uint8 POWER_SUPPLY_TECHNOLOGY_UNKNOWN=0\n\
            std_msgs/Header header\nfloat32 voltage\nfloat32 temperature\nfloat32 current\nfloat32 charge\n\
            float32 capacity\nfloat32 design_capacity\nfloat32 percentage\nuint8 power_supply_status\n\
            uint8 power_supply_health\nuint8 power_supply_technology\nbool present\nfloat32[] cell_voltage\n\
            float32[] cell_temperature\nstring location\nstring serial_number\n",
        uses: &[&HEADER],
    };
}

/// `sensor_msgs/PointField`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PointField<'a> {
    pub name: &'a str,
    pub offset: u32,
    pub datatype: u8,
    pub count: u32,
}

impl PointField<'_> {
    /// [`PointField::datatype`] of an `i8`, and of the others in their order.
    pub const INT8: u8 = 1;
    pub const UINT8: u8 = 2;
    pub const INT16: u8 = 3;
    pub const UINT16: u8 = 4;
    pub const INT32: u8 = 5;
    pub const UINT32: u8 = 6;
    pub const FLOAT32: u8 = 7;
    pub const FLOAT64: u8 = 8;
}

static POINT_FIELD: Definition = Definition {
    name: "sensor_msgs/PointField",
    text: "uint8 INT8=1\nuint8 UINT8=2\nuint8 INT16=3\nuint8 UINT16=4\nuint8 INT32=5\nuint8 UINT32=6\n\
        uint8 FLOAT32=7\nuint8 FLOAT64=8\n\
        string name\nuint32 offset\nuint8 datatype\nuint32 count\n",
    uses: &[],
};

/// `sensor_msgs/PointCloud2`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PointCloud2<'a> {
    #[serde(borrow)]
    pub header: Header<'a>,
    pub height: u32,
    pub width: u32,
    #[serde(borrow)]
    pub fields: Cow<'a, [PointField<'a>]>,
    pub is_bigendian: bool,
    pub point_step: u32,
    pub row_step: u32,
    #[serde(borrow)]
    pub data: Bytes<'a>,
    pub is_dense: bool,
}

impl Message for PointCloud2<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "sensor_msgs/PointCloud2",
        text: "std_msgs/Header header\nuint32 height\nuint32 width\nsensor_msgs/PointField[] fields\n\
            bool is_bigendian\nuint32 point_step\nuint32 row_step\nuint8[] data\nbool is_dense\n",
        uses: &[&HEADER, &POINT_FIELD],
    };
}

/// `sensor_msgs/CompressedImage`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct CompressedImage<'a> {
    #[serde(borrow)]
    pub header: Header<'a>,
    pub format: &'a str,
    #[serde(borrow)]
    pub data: Bytes<'a>,
}

pub(super) static COMPRESSED_IMAGE: Definition = Definition {
    name: "sensor_msgs/CompressedImage",
    text: "std_msgs/Header header\nstring format\nuint8[] data\n",
    uses: &[&HEADER],
};

impl Message for CompressedImage<'_> {
    const DEFINITION: &'static Definition = &COMPRESSED_IMAGE;
}

/// `sensor_msgs/Image`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Image<'a> {
    #[serde(borrow)]
    pub header: Header<'a>,
    pub height: u32,
    pub width: u32,
    pub encoding: &'a str,
    pub is_bigendian: u8,
    pub step: u32,
    #[serde(borrow)]
    pub data: Bytes<'a>,
}

impl Message for Image<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "sensor_msgs/Image",
        text: "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\n\
            uint32 step\nuint8[] data\n",
        uses: &[&HEADER],
    };
}

/// `sensor_msgs/RegionOfInterest`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct RegionOfInterest {
    pub x_offset: u32,
    pub y_offset: u32,
    pub height: u32,
    pub width: u32,
    pub do_rectify: bool,
}

static REGION_OF_INTEREST: Definition = Definition {
    name: "sensor_msgs/RegionOfInterest",
    text: "uint32 x_offset\nuint32 y_offset\nuint32 height\nuint32 width\nbool do_rectify\n",
    uses: &[],
};

/// `sensor_msgs/CameraInfo`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CameraInfo<'a> {
    #[serde(borrow)]
    pub header: Header<'a>,
    pub height: u32,
    pub width: u32,
    pub distortion_model: &'a str,
    pub d: Cow<'a, [f64]>,
    pub k: [f64; 9],
    pub r: [f64; 9],
    pub p: [f64; 12],
    pub binning_x: u32,
    pub binning_y: u32,
    pub roi: RegionOfInterest,
}

impl Message for CameraInfo<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "sensor_msgs/CameraInfo",
        text: "std_msgs/Header header\nuint32 height\nuint32 width\nstring distortion_model\nfloat64[] d\n\
            float64[9] k\nfloat64[9] r\nfloat64[12] p\nuint32 binning_x\nuint32 binning_y\n\
            sensor_msgs/RegionOfInterest roi\n",
        uses: &[&HEADER, &REGION_OF_INTEREST],
    };
}
