//! Findings as markers to look at and as a list to work with.

use robot_interface::defect::DefectClass;
use robot_interface::time::Stamp;

use crate::frame_ids::MAP;
use crate::messages::{ColorRgba, Defect, DefectArray, Header, Marker, MarkerArray, Pose};

/// Least edge of a marker's box, m: a crack of no depth is still to be seen.
const LEAST_EDGE_M: f64 = 0.02;
/// Height of the letters beside a box, m.
const TEXT_HEIGHT_M: f64 = 0.12;

/// One finding, as it is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct DefectRecord {
    /// Its number in the report, from 1.
    pub number: u32,
    /// What it is.
    pub class: DefectClass,
    /// Its middle in `map`, m.
    pub position_m: [f64; 3],
    /// Extent along the axes of `map`, m.
    pub size_m: [f64; 3],
    /// Chainage of its middle, m.
    pub chainage_m: f64,
    /// Clock position of its middle, hours in [0, 12).
    pub clock_h: f64,
    /// Length along the defect, m.
    pub length_m: f64,
    /// Width of a crack, mm.
    pub width_mm: Option<f64>,
    /// Area, m2.
    pub area_m2: f64,
    /// Mean score of the model, 0 to 1.
    pub score: f64,
    /// What stands beside it in a viewer.
    pub text: String,
}

/// A box and a text for each, and before them the order to forget what was shown.
pub(super) fn markers(now: Stamp, defects: &[DefectRecord]) -> MarkerArray<'_> {
    let header = Header::new(now, MAP);
    let mut markers = vec![Marker { header, action: Marker::DELETE_ALL, ..Marker::default() }];
    for defect in defects {
        let id = i32::try_from(defect.number).unwrap_or(i32::MAX);
        let [x, y, z] = defect.position_m;
        markers.push(Marker {
            header,
            ns: defect.class.name(),
            id,
            kind: Marker::CUBE,
            action: Marker::ADD,
            pose: Pose { position: [x, y, z].into(), ..Pose::default() },
            scale: defect.size_m.map(|edge| edge.max(LEAST_EDGE_M)).into(),
            color: color(defect.class, 0.6),
            ..Marker::default()
        });
        markers.push(Marker {
            header,
            ns: "text",
            id,
            kind: Marker::TEXT_VIEW_FACING,
            action: Marker::ADD,
            pose: Pose {
                position: [x, y, z + defect.size_m[2] / 2.0 + TEXT_HEIGHT_M].into(),
                ..Pose::default()
            },
            scale: [0.0, 0.0, TEXT_HEIGHT_M].into(),
            color: color(defect.class, 1.0),
            text: &defect.text,
            ..Marker::default()
        });
    }
    MarkerArray { markers }
}

/// The same findings as numbers.
pub(super) fn list(now: Stamp, defects: &[DefectRecord]) -> DefectArray<'_> {
    let defects = defects
        .iter()
        .map(|defect| Defect {
            number: defect.number,
            class_name: defect.class.name(),
            chainage_m: defect.chainage_m,
            clock_h: defect.clock_h,
            length_m: defect.length_m,
            width_mm: defect.width_mm.unwrap_or(f64::NAN),
            area_m2: defect.area_m2,
            score: defect.score,
            position: defect.position_m.into(),
        })
        .collect();
    DefectArray { header: Header::new(now, MAP), defects }
}

const fn color(class: DefectClass, a: f32) -> ColorRgba {
    let [r, g, b] = match class {
        DefectClass::Crack => [0.84, 0.15, 0.16],
        DefectClass::Leakage => [0.12, 0.47, 0.71],
        DefectClass::Spalling => [1.0, 0.5, 0.05],
        DefectClass::Corrosion => [0.55, 0.34, 0.29],
        DefectClass::HotJoint => [0.89, 0.1, 0.6],
    };
    ColorRgba { r, g, b, a }
}
