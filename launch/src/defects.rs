//! Conversion of defects for messages.

use nalgebra::Point3;
use perception::lining::Defect;
use robot_interface::frames::{Map, Point};
use robot_interface::tunnel::TunnelDesign;

use recording::DefectRecord;

/// Where a defect's middle is in `map`.
pub(crate) fn place_of(defect: &Defect, design: &TunnelDesign) -> Point3<f64> {
    let point: Point<Map> = design.to_map(design.lining_to_tunnel(defect.centre));
    point.coords
}

/// The defects as markers, numbered in their order.
pub(crate) fn records(defects: &[Defect], design: &TunnelDesign) -> Vec<DefectRecord> {
    let marker = |(i, d): (usize, &Defect)| {
        let thickness_m = 0.02;
        DefectRecord {
            number: i as u32 + 1,
            class: d.class,
            position_m: place_of(d, design).coords.into(),
            size_m: [d.bounds.length_m().max(0.05), thickness_m, d.bounds.height_m().max(0.05)],
            chainage_m: d.centre.chainage_m,
            clock_h: d.clock_h,
            length_m: d.length_m,
            width_mm: d.width_mm,
            area_m2: d.area_m2,
            score: d.score,
            text: d.code.clone(),
        }
    };
    defects.iter().enumerate().map(marker).collect()
}
