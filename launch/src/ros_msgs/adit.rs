//! `adit_msgs`: what no standard interface says. A recording carries these texts, so a reader needs no package.

use serde::{Deserialize, Serialize};

use super::common::{HEADER, Header, POINT, Point};
use super::{Definition, Message};

/// `adit_msgs/Defect`: one finding.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Defect<'a> {
    /// Its number in the report, from 1.
    pub number: u32,
    /// What it is: `crack`, `leakage`, `spalling`, `corrosion`, `hot_joint`.
    pub class_name: &'a str,
    /// Chainage of its middle, m.
    pub chainage_m: f64,
    /// Clock position of its middle, hours in [0, 12).
    pub clock_h: f64,
    /// Length along the defect, m.
    pub length_m: f64,
    /// Width of a crack, mm; NaN where that does not apply.
    pub width_mm: f64,
    /// Area, m2.
    pub area_m2: f64,
    /// The model's score, 0 to 1.
    pub score: f64,
    /// Its middle in the header's frame, m.
    pub position: Point,
}

static DEFECT: Definition = Definition {
    name: "adit_msgs/Defect",
    text: "uint32 number\nstring class_name\nfloat64 chainage_m\nfloat64 clock_h\nfloat64 length_m\n\
        float64 width_mm\nfloat64 area_m2\nfloat64 score\ngeometry_msgs/Point position\n",
    uses: &[&POINT],
};

/// `adit_msgs/DefectArray`: every finding so far.
#[derive(Clone, Debug, Serialize)]
pub struct DefectArray<'a> {
    /// When, and the frame of the positions.
    pub header: Header<'a>,
    /// The findings.
    pub defects: Vec<Defect<'a>>,
}

impl Message for DefectArray<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "adit_msgs/DefectArray",
        text: "std_msgs/Header header\nadit_msgs/Defect[] defects\n",
        uses: &[&HEADER, &DEFECT],
    };
}

/// `adit_msgs/MissionStatus`: how far a mission has come.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct MissionStatus<'a> {
    /// When.
    #[serde(borrow)]
    pub header: Header<'a>,
    /// What the mission is doing.
    pub phase: &'a str,
    /// Estimated chainage of the robot, m.
    pub chainage_m: f64,
    /// Length of the path walked so far, m.
    pub distance_walked_m: f64,
    /// Findings so far.
    pub defects: u32,
}

impl Message for MissionStatus<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "adit_msgs/MissionStatus",
        text: "std_msgs/Header header\nstring phase\nfloat64 chainage_m\nfloat64 distance_walked_m\nuint32 defects\n",
        uses: &[&HEADER],
    };
}
