//! Lidar deskew (motion compensation): a scan takes a tenth of a second, in which the robot moves.

use nalgebra::Point3;
use robot_interface::frames::{Base, Lidar, Map, Point, Transform};
use robot_interface::sensors::LidarScan;
use robot_interface::time::Stamp;

/// Poses are looked up once for points measured within this time, s: at 1 m/s and 1 rad/s the robot moves
/// half a millimetre meanwhile.
const SLOT_S: f32 = 5e-4;

/// Deskews a scan: returns its points in the trunk's frame as it stands at `at`. Points that are not numbers, and those
/// measured when no pose is known, are left out; `None` when there is no pose at `at`.
pub fn deskew(
    scan: &LidarScan,
    base_from_lidar: &Transform<Base, Lidar>,
    pose_at: impl Fn(Stamp) -> Option<Transform<Map, Base>>,
    at: Stamp,
) -> Option<Vec<Point<Base>>> {
    let base_from_map = pose_at(at)?.inverse();
    let mut points = Vec::with_capacity(scan.points.len());
    for_each_point(scan, base_from_lidar, pose_at, |map_from_base, in_base| {
        points.push(base_from_map * (*map_from_base * in_base));
    });
    Some(points)
}

/// Calls `take` with the pose at which each point was measured and the point in the trunk's frame then.
pub(crate) fn for_each_point(
    scan: &LidarScan,
    base_from_lidar: &Transform<Base, Lidar>,
    pose_at: impl Fn(Stamp) -> Option<Transform<Map, Base>>,
    mut take: impl FnMut(&Transform<Map, Base>, Point<Base>),
) {
    let mut slot: Option<(i64, Option<Transform<Map, Base>>)> = None;
    for point in &scan.points {
        let [x, y, z] = point.position_m.map(f64::from);
        // Limits that also refuse what is not a number.
        let near = x.abs() + y.abs() + z.abs() < 1e4;
        if !near || !(0.0..10.0).contains(&point.offset_s) {
            continue;
        }
        let number = (point.offset_s / SLOT_S) as i64;
        let pose = match slot {
            Some((known, pose)) if known == number => pose,
            _ => pose_at(scan.stamp.plus_nanos((f64::from(point.offset_s) * 1e9) as u64)),
        };
        slot = Some((number, pose));
        if let Some(pose) = pose {
            take(&pose, *base_from_lidar * Point::from_coords(Point3::new(x, y, z)));
        }
    }
}

#[cfg(test)]
mod tests {
    use robot_interface::sensors::LidarPoint;

    use super::*;

    #[test]
    fn a_wall_seen_while_turning_is_straight_again() {
        // The robot walks at 1 m/s and turns at 1 rad/s past the wall y = 2.
        let pose = |stamp: Stamp| {
            let t = stamp.seconds();
            Some(Transform::<Map, Base>::from_xyz_rpy([t, 0.0, 0.3], [0.0, 0.0, t]))
        };
        let mount = Transform::<Base, Lidar>::from_xyz_rpy([0.3, 0.0, 0.1], [3.1, 0.2, 0.0]);
        let stamp = Stamp::from_nanos(1_000_000_000);
        let points = (0..200)
            .map(|k| {
                let offset = f64::from(k) * 5e-4;
                let map_from_lidar = pose(stamp.plus_nanos((offset * 1e9) as u64)).expect("any time") * mount;
                let seen = map_from_lidar.inverse() * Point::<Map>::new(f64::from(k) * 0.01, 2.0, 1.0);
                let position_m = [seen.coords.x as f32, seen.coords.y as f32, seen.coords.z as f32];
                LidarPoint { position_m, intensity: 1.0, offset_s: offset as f32 }
            })
            .chain([LidarPoint { position_m: [f32::NAN, 0.0, 0.0], intensity: 0.0, offset_s: 0.0 }])
            .collect();
        let scan = LidarScan { stamp, points };
        let end = stamp.plus_nanos(100_000_000);
        let points = deskew(&scan, &mount, pose, end).expect("pose at the end");
        assert_eq!(points.len(), 200);
        let map_from_base = pose(end).expect("any time");
        for point in points {
            assert!(((map_from_base * point).coords.y - 2.0).abs() < 1.5e-3);
        }
    }
}
