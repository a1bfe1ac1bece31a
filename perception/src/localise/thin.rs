//! Voxel filter: fewer points, evenly spread.

use nalgebra::{Point3, Vector3};
use robot_interface::frames::{Base, Point};

/// Edge of the cubes whose points are replaced by their mean, m.
const CUBE_M: f64 = 0.12;
/// Greatest number of points kept.
const MAX_POINTS: usize = 1600;
/// Points further away than this say more about the yaw than a curve's drawing can be trusted with, m.
const FAR_M: f64 = 8.0;
/// The robot's own body: half extents of a box about the trunk, m.
const BODY_M: [f64; 3] = [0.42, 0.25, 0.45];

/// Returns one mean for each cube (voxel), in an order that depends on the points alone. Points that are not numbers, too
/// far away or on the robot are left out.
pub(super) fn thin(points: &[Point<Base>]) -> Vec<Point3<f64>> {
    let mut keyed: Vec<(u64, u32)> = points
        .iter()
        .enumerate()
        .filter(|(_, p)| {
            let c = p.coords;
            let own = c.x.abs() < BODY_M[0] && c.y.abs() < BODY_M[1] && c.z.abs() < BODY_M[2];
            c.coords.norm() < FAR_M && !own
        })
        .map(|(i, p)| {
            let cube = |x: f64| ((x / CUBE_M).floor() as i64 + (1 << 19)) as u64;
            (cube(p.coords.x) << 40 | cube(p.coords.y) << 20 | cube(p.coords.z), i as u32)
        })
        .collect();
    keyed.sort_unstable();
    let mut means: Vec<Point3<f64>> = keyed
        .chunk_by(|a, b| a.0 == b.0)
        .map(|cube| {
            let sum: Vector3<f64> = cube.iter().map(|(_, i)| points[*i as usize].coords.coords).sum();
            Point3::from(sum / cube.len() as f64)
        })
        .collect();
    if means.len() > MAX_POINTS {
        let every = means.len() as f64 / MAX_POINTS as f64;
        means = (0..MAX_POINTS).map(|i| means[(i as f64 * every) as usize]).collect();
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mean_for_each_cube_and_nothing_of_the_robot() {
        let points = [
            Point::new(1.01, 1.01, 0.01),
            Point::new(1.03, 1.03, 0.03),
            Point::new(-3.0, 1.0, 0.0),
            Point::new(0.1, 0.1, -0.2),
            Point::new(f64::NAN, 0.0, 0.0),
            Point::new(9.0, 0.0, 0.0),
        ];
        let thinned = thin(&points);
        assert_eq!(thinned, [Point3::new(-3.0, 1.0, 0.0), Point3::new(1.02, 1.02, 0.02)]);
    }
}
