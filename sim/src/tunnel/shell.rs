//! Mesh of the lining, coarse, and the walls that close it beyond both ends.

use std::f64::consts::PI;

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use robot_interface::tunnel::{SectionShape, TunnelDesign};

use super::layout::BEYOND_M;
use super::solids::{Material, Solids, map_point};
use super::span::Span;
use crate::geometry::Shape;

/// Length of the mesh's cells along the tunnel, m.
const ALONG_M: f64 = 0.25;
/// Largest step of angle around the section, rad.
const AROUND_RAD: f64 = 7.5 * PI / 180.0;

/// Adds the lining of one stretch, and the walls where the tunnel ends. Two stretches have the corners at their border in
/// common, to the bit.
pub(super) fn build(design: &TunnelDesign, span: Span, solids: &mut Solids) {
    let outline = outline(design);
    let [low_m, extent_m] = span.low_and_extent(BEYOND_M);
    let rows = (extent_m / ALONG_M).ceil() as usize;
    let columns = outline.len();
    let mut vertices = Vec::with_capacity((rows + 1) * columns);
    for i in 0..=rows {
        let at_border = i == rows && !span.last;
        let s = if at_border { span.to_m } else { low_m + extent_m * i as f64 / rows as f64 };
        for [left, up] in &outline {
            let p = map_point(design, [s, *left, *up]);
            vertices.push([p.x as f32, p.y as f32, p.z as f32]);
        }
    }
    let mut indices = Vec::with_capacity(rows * (columns - 1) * 2);
    for i in 0..rows {
        for j in 0..columns - 1 {
            let a = (i * columns + j) as u32;
            let (b, c, d) = (a + 1, a + columns as u32, a + columns as u32 + 1);
            indices.extend([[a, c, b], [b, c, d]]);
        }
    }
    solids.add(Material::Lining, Shape::Mesh { vertices, indices }, 0.7);
    let ends = [(span.first, -BEYOND_M + 0.1), (span.last, design.length_m() + BEYOND_M - 0.1)];
    for (_, s) in ends.into_iter().filter(|(here, _)| *here) {
        let heading = design.alignment.pose_at(s).heading_rad;
        let pose = Isometry3::from_parts(
            Translation3::from(map_point(design, [s, 0.0, design.section.centre_up_m()]).coords),
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), heading),
        );
        let reach = 2.0 * design.section.half_arc_m();
        solids.add_box(Material::EndWall, [0.2, reach, reach], pose);
    }
}

/// Corners of the mesh's rows, `[left, up]`, m: from a little below the floor on the left to the same on the
/// right, with one at every corner of the section.
fn outline(design: &TunnelDesign) -> Vec<[f64; 2]> {
    let last = design.section.floor_angle_rad();
    let steps = (2.0 * last / AROUND_RAD).ceil() as usize;
    let mut angles: Vec<f64> = (0..=steps).map(|i| -last + 2.0 * last * i as f64 / steps as f64).collect();
    match design.section.shape() {
        SectionShape::Circular { .. } => {}
        SectionShape::Horseshoe { .. } => angles.extend([-PI / 2.0, PI / 2.0]),
        SectionShape::Box { width_m, height_m } => {
            let corner = width_m.atan2(height_m);
            angles.extend([-corner, corner]);
        }
    }
    angles.sort_by(f64::total_cmp);
    angles.dedup_by(|a, b| (*a - *b).abs() < 1e-6);
    let foot = |angle: f64| {
        let [left, up] = design.section.point_at(angle);
        [left, up - 0.15]
    };
    let wall = angles.iter().map(|angle| design.section.point_at(*angle));
    std::iter::once(foot(-last)).chain(wall).chain(std::iter::once(foot(last))).collect()
}
