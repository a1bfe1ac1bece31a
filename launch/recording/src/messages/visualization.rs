//! `visualization_msgs`. The fields are those of the interfaces of the same name, whose documentation holds
//! for them.

#![expect(missing_docs, reason = "the interface text beside each struct names its fields")]

use serde::Serialize;

use super::common::{
    COLOR_RGBA, ColorRgba, DURATION, Duration, HEADER, Header, POINT, POSE, Point, Pose, VECTOR3, Vector3,
};
use super::sensor::{COMPRESSED_IMAGE, CompressedImage};
use super::{Bytes, Definition, Message};

/// `visualization_msgs/UVCoordinate`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct UvCoordinate {
    pub u: f32,
    pub v: f32,
}

static UV_COORDINATE: Definition =
    Definition { name: "visualization_msgs/UVCoordinate", text: "float32 u\nfloat32 v\n", uses: &[] };

/// `visualization_msgs/MeshFile`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct MeshFile<'a> {
    pub filename: &'a str,
    pub data: Bytes<'a>,
}

static MESH_FILE: Definition =
    Definition { name: "visualization_msgs/MeshFile", text: "string filename\nuint8[] data\n", uses: &[] };

/// `visualization_msgs/Marker`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Marker<'a> {
    pub header: Header<'a>,
    pub ns: &'a str,
    pub id: i32,
    /// `type`, which is a word of Rust.
    pub kind: i32,
    pub action: i32,
    pub pose: Pose,
    pub scale: Vector3,
    pub color: ColorRgba,
    pub lifetime: Duration,
    pub frame_locked: bool,
    pub points: Vec<Point>,
    pub colors: Vec<ColorRgba>,
    pub texture_resource: &'a str,
    pub texture: CompressedImage<'a>,
    pub uv_coordinates: Vec<UvCoordinate>,
    pub text: &'a str,
    pub mesh_resource: &'a str,
    pub mesh_file: MeshFile<'a>,
    pub mesh_use_embedded_materials: bool,
}

impl Marker<'_> {
    /// [`Marker::kind`] of a box.
    pub const CUBE: i32 = 1;
    /// [`Marker::kind`] of text that faces the viewer.
    pub const TEXT_VIEW_FACING: i32 = 9;
    /// [`Marker::action`] that shows the marker.
    pub const ADD: i32 = 0;
    /// [`Marker::action`] that removes every marker shown before.
    pub const DELETE_ALL: i32 = 3;
}

static MARKER: Definition = Definition {
    name: "visualization_msgs/Marker",
    text: "int32 ARROW=0\nint32 CUBE=1\nint32 SPHERE=2\nint32 CYLINDER=3\nint32 LINE_STRIP=4\nint32 LINE_LIST=5\n\
        int32 CUBE_LIST=6\nint32 SPHERE_LIST=7\nint32 POINTS=8\nint32 TEXT_VIEW_FACING=9\nint32 MESH_RESOURCE=10\n\
        int32 TRIANGLE_LIST=11\nint32 ADD=0\nint32 MODIFY=0\nint32 DELETE=2\nint32 DELETEALL=3\n\
        std_msgs/Header header\nstring ns\nint32 id\nint32 type\nint32 action\ngeometry_msgs/Pose pose\n\
        geometry_msgs/Vector3 scale\nstd_msgs/ColorRGBA color\nbuiltin_interfaces/Duration lifetime\n\
        bool frame_locked\ngeometry_msgs/Point[] points\nstd_msgs/ColorRGBA[] colors\nstring texture_resource\n\
        sensor_msgs/CompressedImage texture\nvisualization_msgs/UVCoordinate[] uv_coordinates\nstring text\n\
        string mesh_resource\nvisualization_msgs/MeshFile mesh_file\nbool mesh_use_embedded_materials\n",
    uses: &[
        &HEADER,
        &POSE,
        &VECTOR3,
        &COLOR_RGBA,
        &DURATION,
        &POINT,
        &COMPRESSED_IMAGE,
        &UV_COORDINATE,
        &MESH_FILE,
    ],
};

/// `visualization_msgs/MarkerArray`.
#[derive(Clone, Debug, Serialize)]
pub struct MarkerArray<'a> {
    pub markers: Vec<Marker<'a>>,
}

impl Message for MarkerArray<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "visualization_msgs/MarkerArray",
        text: "visualization_msgs/Marker[] markers\n",
        uses: &[&MARKER],
    };
}
