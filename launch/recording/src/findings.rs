//! Findings as messages: markers to look at, and a list to work with.

use robot_interface::defect::{CrackWidth, Defect, DefectClass};
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelDesign;

use crate::frame_ids::MAP;
use crate::messages::{ColorRgba, Defect as DefectMessage, DefectArray, Header, Marker, MarkerArray, Pose};

/// Thickness of a marker's box, and the least of its other edges, m: the smallest finding is still to be seen.
const THICKNESS_M: f64 = 0.02;
const MIN_EXTENT_M: f64 = 0.05;
/// Height of the letters beside a box, m.
const TEXT_HEIGHT_M: f64 = 0.12;

/// A box and a text for each, and before them the order to forget what was shown.
pub(super) fn markers<'a>(now: Stamp, defects: &'a [Defect], design: &TunnelDesign) -> MarkerArray<'a> {
    let header = Header::new(now, MAP);
    let mut markers = vec![Marker { header, action: Marker::DELETE_ALL, ..Marker::default() }];
    for (defect, id) in defects.iter().zip(1..) {
        let [x, y, z] = defect.position_m(design);
        let bounds = &defect.bounds;
        let size_m = [bounds.length_m().max(MIN_EXTENT_M), THICKNESS_M, bounds.height_m().max(MIN_EXTENT_M)];
        markers.push(Marker {
            header,
            ns: defect.class.name(),
            id,
            kind: Marker::CUBE,
            action: Marker::ADD,
            pose: Pose { position: [x, y, z].into(), ..Pose::default() },
            scale: size_m.into(),
            color: color(defect.class, 0.6),
            ..Marker::default()
        });
        markers.push(Marker {
            header,
            ns: "text",
            id,
            kind: Marker::TEXT_VIEW_FACING,
            action: Marker::ADD,
            pose: Pose { position: [x, y, z + size_m[2] / 2.0 + TEXT_HEIGHT_M].into(), ..Pose::default() },
            scale: [0.0, 0.0, TEXT_HEIGHT_M].into(),
            color: color(defect.class, 1.0),
            text: &defect.code,
            ..Marker::default()
        });
    }
    MarkerArray { markers }
}

/// The same findings as numbers.
pub(super) fn list<'a>(now: Stamp, defects: &'a [Defect], design: &TunnelDesign) -> DefectArray<'a> {
    let defects = defects
        .iter()
        .zip(1..)
        .map(|(defect, number)| DefectMessage {
            number,
            class_name: defect.class.name(),
            chainage_m: defect.centre.chainage_m,
            clock_h: defect.clock_h,
            length_m: defect.length_m,
            width_mm: defect.width.and_then(CrackWidth::measured_mm).unwrap_or(f64::NAN),
            area_m2: defect.area_m2,
            score: defect.score,
            position: defect.position_m(design).into(),
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
