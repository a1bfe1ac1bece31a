//! Point clouds and grids as ROS 2 lays them out in bytes.

use robot_interface::sensors::LidarScan;
use robot_interface::terrain::TerrainGrid;

use crate::messages::{Bytes, Header, PointCloud2, PointField};

/// Fields of `/lidar/points`; `time` is seconds after the header's stamp.
pub(super) const LIDAR_FIELDS: [PointField<'static>; 5] =
    [field("x", 0), field("y", 4), field("z", 8), field("intensity", 12), field("time", 16)];

/// Fields of `/terrain/elevation`.
pub(super) const ELEVATION_FIELDS: [PointField<'static>; 3] = [field("x", 0), field("y", 4), field("z", 8)];

const fn field(name: &'static str, offset: u32) -> PointField<'static> {
    PointField { name, offset, datatype: PointField::FLOAT32, count: 1 }
}

/// Puts every `keep_every`-th return into `out` as [`LIDAR_FIELDS`].
pub(super) fn lidar_bytes(out: &mut Vec<u8>, scan: &LidarScan, keep_every: usize) {
    out.clear();
    for point in scan.points.iter().step_by(keep_every.max(1)) {
        let [x, y, z] = point.position_m;
        put(out, [x, y, z, point.intensity, point.offset_s]);
    }
}

/// Puts the cells whose height is known into `out` as [`ELEVATION_FIELDS`].
pub(super) fn elevation_bytes(out: &mut Vec<u8>, grid: &TerrainGrid) {
    out.clear();
    for (index, height_m) in grid.elevation_m.iter().enumerate().filter(|(_, height)| height.is_finite()) {
        let [x, y] = grid.centre_of(index);
        put(out, [x as f32, y as f32, *height_m]);
    }
}

/// Puts the grid into `out` as `int8`: 0 easy to 100 impassable, -1 not known.
pub(super) fn occupancy_bytes(out: &mut Vec<u8>, grid: &TerrainGrid) {
    out.clear();
    out.extend(grid.traversability.iter().map(|&easy| {
        let occupied =
            if easy.is_finite() { (100.0 * (1.0 - easy.clamp(0.0, 1.0))).round() as i8 } else { -1 };
        occupied as u8
    }));
}

fn put<const N: usize>(out: &mut Vec<u8>, values: [f32; N]) {
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// A cloud of points in no order, its fields `f32` side by side.
pub(super) fn cloud<'a>(header: Header<'a>, fields: &'a [PointField<'a>], data: &'a [u8]) -> PointCloud2<'a> {
    let point_step = 4 * fields.len();
    PointCloud2 {
        header,
        height: 1,
        width: (data.len() / point_step) as u32,
        fields: fields.into(),
        is_bigendian: false,
        point_step: point_step as u32,
        row_step: data.len() as u32,
        data: Bytes(data),
        is_dense: true,
    }
}

#[cfg(test)]
mod tests {
    use robot_interface::sensors::LidarPoint;
    use robot_interface::time::Stamp;

    use super::*;

    #[test]
    fn a_point_is_five_floats() {
        let point = |x| LidarPoint { position_m: [x, 2.0, 3.0], intensity: 4.0, offset_s: 0.5 };
        let scan = LidarScan { stamp: Stamp::ZERO, points: vec![point(1.0), point(-1.0), point(8.0)] };
        let mut out = vec![1];
        lidar_bytes(&mut out, &scan, 2);
        let floats: Vec<_> = out.chunks(4).map(|b| f32::from_le_bytes(b.try_into().expect("four"))).collect();
        assert_eq!(floats, [1.0, 2.0, 3.0, 4.0, 0.5, 8.0, 2.0, 3.0, 4.0, 0.5]);
        let cloud = cloud(Header::default(), &LIDAR_FIELDS, &out);
        assert_eq!((cloud.width, cloud.point_step, cloud.row_step), (2, 20, 40));
        lidar_bytes(&mut out, &scan, 0);
        assert_eq!(out.len(), 60, "zero keeps all, as one does");
    }

    #[test]
    fn unseen_cells_are_unknown_and_have_no_point() {
        let grid = TerrainGrid {
            stamp: Stamp::ZERO,
            origin_m: [10.0, -1.0],
            resolution_m: 0.5,
            size: 2,
            elevation_m: vec![f32::NAN, 0.25, f32::NAN, f32::INFINITY],
            traversability: vec![f32::NAN, 1.0, 0.0, 0.4],
        };
        let mut out = Vec::new();
        occupancy_bytes(&mut out, &grid);
        assert_eq!(out, [255, 0, 100, 60]);
        elevation_bytes(&mut out, &grid);
        let floats: Vec<_> = out.chunks(4).map(|b| f32::from_le_bytes(b.try_into().expect("four"))).collect();
        assert_eq!(floats, [10.75, -0.75, 0.25]);
    }
}
