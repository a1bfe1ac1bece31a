//! The map on made-up ground, seen through the robot's own lidar mount.

use nalgebra::{Point3, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use robot_interface::fixtures::go2;
use robot_interface::frames::Point;
use robot_interface::sensors::LidarPoint;

use super::*;

/// Height of the upper surface and, where something hangs, its underside, at a place of `map`.
type Ground = fn(f64, f64) -> (f64, Option<f64>);

fn flat(_: f64, _: f64) -> (f64, Option<f64>) {
    (0.0, None)
}

/// What a scan of 20,000 points sees from a robot standing at `x`: rays marched through the ground.
fn scan(ground: Ground, x: f64, seed: u64) -> (LidarScan, Transform<Map, Base>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let noise = Normal::new(0.0, 0.02).expect("finite");
    let map_from_base = Transform::<Map, Base>::from_xyz_rpy([x, 0.0, ground(x, 0.0).0 + 0.31], [0.0; 3]);
    let map_from_lidar = map_from_base * go2().lidar.base_from_lidar();
    let origin = map_from_lidar.origin();
    let mut points = Vec::new();
    for k in 0..20_000 {
        let azimuth: f64 = rng.random_range(0.0..std::f64::consts::TAU);
        let elevation: f64 = rng.random_range(-7.0f64..52.0).to_radians();
        let own =
            Vector3::new(elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(), elevation.sin());
        let ray = map_from_lidar.rotation() * own;
        let mut t = 0.1;
        let hit = loop {
            let p: Point3<f64> = origin + ray * t;
            let (top, hanging) = ground(p.x, p.y);
            if p.z < top || hanging.is_some_and(|under| (under..under + 0.3).contains(&p.z)) {
                break Some(t);
            }
            t += 0.01;
            if t > 6.0 {
                break None;
            }
        };
        let Some(t) = hit else { continue };
        let p = own * (t - 0.005 + noise.sample(&mut rng));
        let position_m = [p.x as f32, p.y as f32, p.z as f32];
        points.push(LidarPoint { position_m, intensity: 10.0, offset_s: k as f32 * 5e-6 });
    }
    (LidarScan { stamp: Stamp::from_nanos(1_000_000_000 + seed * 100_000_000), points }, map_from_base)
}

/// A map of some ground after a few scans on the way to `x`.
fn map_of(ground: Ground, from: f64, to: f64) -> ElevationMap {
    let mut map = ElevationMap::new(&go2());
    for k in 0..10u32 {
        let x = from + (to - from) * f64::from(k) / 9.0;
        let (scan, pose) = scan(ground, x, u64::from(k));
        let used = map.integrate(&scan, |_| Some(pose));
        assert!(used > 5000, "{used}");
    }
    map
}

/// Values of a layer over the cells whose middles lie in a rectangle, unknown ones left out.
fn values(grid: &TerrainGrid, layer: &[f32], x: (f64, f64), y: (f64, f64)) -> Vec<f32> {
    (0..layer.len())
        .filter(|i| {
            let [cx, cy] = grid.centre_of(*i);
            (x.0..x.1).contains(&cx) && (y.0..y.1).contains(&cy)
        })
        .map(|i| layer[i])
        .filter(|v| !v.is_nan())
        .collect()
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

fn most(values: &[f32]) -> f32 {
    values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

fn least(values: &[f32]) -> f32 {
    values.iter().copied().fold(f32::INFINITY, f32::min)
}

#[test]
fn level_ground_is_level_and_easy() {
    let map = map_of(flat, 0.0, 0.5);
    let (grid, features) = (map.grid(), map.features());
    let near = ((1.0, 2.8), (-1.0, 1.0));
    let heights = values(&grid, &grid.elevation_m, near.0, near.1);
    assert!(heights.len() > 36 * 40 * 95 / 100, "{}", heights.len());
    assert!(mean(&heights).abs() < 0.01, "{}", mean(&heights));
    assert!(most(&heights) < 0.04 && least(&heights) > -0.04);
    assert!(most(&values(&grid, &features.slope_rad, near.0, near.1)) < 0.1);
    let easy = values(&grid, &grid.traversability, near.0, near.1);
    assert!(least(&easy) > 0.6 && mean(&easy) > 0.9, "{} {}", least(&easy), mean(&easy));
    let sigma = values(&grid, &map.sigma_m(), near.0, near.1);
    assert!(mean(&sigma) < 0.01);
    assert!((grid.stamp.seconds() - 1.999_995).abs() < 1e-6, "the last point's time");
}

#[test]
fn a_ramp_slopes_and_has_no_steps() {
    fn ramp(x: f64, _: f64) -> (f64, Option<f64>) {
        (0.2 * x, None)
    }
    let map = map_of(ramp, 0.0, 0.3);
    let (grid, features) = (map.grid(), map.features());
    let slopes = values(&grid, &features.slope_rad, (0.9, 2.0), (-0.7, 0.7));
    assert!((mean(&slopes) - 0.2f32.atan()).abs() < 0.02, "{}", mean(&slopes));
    assert!(mean(&values(&grid, &features.step_m, (0.9, 2.0), (-0.7, 0.7))) < 0.04);
    assert!(mean(&values(&grid, &grid.traversability, (0.9, 2.0), (-0.7, 0.7))) > 0.7);

    fn steep(x: f64, _: f64) -> (f64, Option<f64>) {
        (if x < 1.0 { 0.0 } else { 0.6 * (x - 1.0) }, None)
    }
    let map = map_of(steep, 0.0, 0.3);
    let grid = map.grid();
    assert!(mean(&values(&grid, &grid.traversability, (1.4, 1.9), (-0.5, 0.5))) < 0.05);
}

#[test]
fn a_low_step_is_harder_and_a_high_one_impassable() {
    fn kerb<const MM: i32>(x: f64, _: f64) -> (f64, Option<f64>) {
        (if x < 1.5 { 0.0 } else { f64::from(MM) / 1000.0 }, None)
    }
    for (ground, height) in [(kerb::<100> as Ground, 0.1f32), (kerb::<200>, 0.2)] {
        let map = map_of(ground, 0.0, 0.7);
        let (grid, features) = (map.grid(), map.features());
        let edge = ((1.45, 1.55), (-0.4, 0.4));
        let steps = values(&grid, &features.step_m, edge.0, edge.1);
        assert!((mean(&steps) - height).abs() < 0.03, "{height}: {}", mean(&steps));
        let over = values(&grid, &grid.traversability, edge.0, edge.1);
        if height < 0.12 {
            assert!(mean(&over) > 0.1 && mean(&over) < 0.6, "{}", mean(&over));
        } else {
            assert!(most(&over) < 0.01, "{}", most(&over));
        }
        let after = values(&grid, &grid.elevation_m, (1.7, 2.2), (-0.4, 0.4));
        assert!((mean(&after) - height).abs() < 0.01);
        assert!(mean(&values(&grid, &grid.traversability, (1.8, 2.2), (-0.4, 0.4))) > 0.85);
    }
}

#[test]
fn debris_of_a_decimetre_and_a_half_stands_out() {
    fn debris(x: f64, y: f64) -> (f64, Option<f64>) {
        (if (1.4..1.65).contains(&x) && (-0.1..0.15).contains(&y) { 0.16 } else { 0.0 }, None)
    }
    let map = map_of(debris, 0.0, 0.6);
    let grid = map.grid();
    let on = values(&grid, &grid.elevation_m, (1.45, 1.6), (-0.05, 0.1));
    assert!((mean(&on) - 0.16).abs() < 0.02, "{}", mean(&on));
    assert!(least(&values(&grid, &grid.traversability, (1.4, 1.45), (-0.1, 0.15))) < 0.01);
    assert!(mean(&values(&grid, &grid.traversability, (1.4, 1.7), (0.4, 0.8))) > 0.85);
}

#[test]
fn what_hangs_high_is_passed_under_and_what_hangs_low_is_not() {
    fn high(x: f64, _: f64) -> (f64, Option<f64>) {
        (0.0, (1.4..1.8).contains(&x).then_some(0.68))
    }
    fn low(x: f64, _: f64) -> (f64, Option<f64>) {
        (0.0, (1.4..1.8).contains(&x).then_some(0.3))
    }
    // Lower than the lidar, the beam is looked upon; higher, it must not hide the ground.
    for (ground, passes) in [(high as Ground, true), (low, false)] {
        let map = map_of(ground, 0.0, 0.8);
        let grid = map.grid();
        let under = values(&grid, &grid.traversability, (1.4, 1.8), (-0.4, 0.4));
        assert!(!under.is_empty());
        if passes {
            assert!(mean(&under) > 0.85, "{}", mean(&under));
        } else {
            assert!(
                least(&under) < 0.01
                    && least(&values(&grid, &grid.traversability, (1.3, 1.45), (-0.4, 0.4))) < 0.01
            );
        }
    }
}

#[test]
fn a_wall_is_impassable_and_a_rack_before_it_too() {
    fn walls(_: f64, y: f64) -> (f64, Option<f64>) {
        // A wall to the left; to the right one with a tray 35 cm wide that hangs at 30 cm.
        (if y.abs() > 1.2 { 2.0 } else { 0.0 }, (y < -0.85).then_some(0.3))
    }
    let map = map_of(walls, 0.0, 1.0);
    let grid = map.grid();
    assert!(most(&values(&grid, &grid.traversability, (1.0, 2.5), (1.2, 1.3))) < 0.05);
    assert!(mean(&values(&grid, &grid.traversability, (1.0, 2.5), (-0.92, -0.85))) < 0.05);
    assert!(mean(&values(&grid, &grid.traversability, (1.0, 2.5), (-0.6, 0.9))) > 0.85);
}

/// The story: the lowest point of all was taken for the ground, so one beam mirrored by a puddle made the
/// debris beside it look as if it hung high above.
#[test]
fn a_beam_mirrored_by_a_puddle_does_not_hide_debris() {
    fn debris(x: f64, y: f64) -> (f64, Option<f64>) {
        (if (1.4..1.65).contains(&x) && (-0.1..0.15).contains(&y) { 0.25 } else { 0.0 }, None)
    }
    let mut map = ElevationMap::new(&go2());
    for k in 0..5 {
        let (mut scan, pose) = scan(debris, 0.1 * k as f64, k);
        let mirrored = (pose * go2().lidar.base_from_lidar()).inverse() * Point::<Map>::new(1.3, 0.2, -0.8);
        let position_m = [mirrored.coords.x, mirrored.coords.y, mirrored.coords.z].map(|x| x as f32);
        scan.points.push(LidarPoint { position_m, intensity: 1.0, offset_s: 0.0 });
        map.integrate(&scan, |_| Some(pose));
    }
    let grid = map.grid();
    let on = values(&grid, &grid.elevation_m, (1.45, 1.6), (-0.05, 0.1));
    assert!((mean(&on) - 0.25).abs() < 0.03, "{}", mean(&on));
}

#[test]
fn bad_points_and_missing_poses_are_passed_over() {
    let (mut scan, pose) = scan(flat, 0.0, 1);
    let mut clean = ElevationMap::new(&go2());
    let used = clean.integrate(&scan, |_| Some(pose));
    let last = scan.points.last().expect("points").offset_s;
    for position_m in [[f32::NAN, 0.0, 0.0], [1.0, f32::INFINITY, 0.0], [1e30, 1e30, -1e30]] {
        scan.points.push(LidarPoint { position_m, intensity: 0.0, offset_s: last });
        scan.points.push(LidarPoint { position_m: [1.0, 0.0, 0.3], intensity: 0.0, offset_s: f32::NAN });
    }
    let mut other = ElevationMap::new(&go2());
    assert_eq!(other.integrate(&scan, |_| Some(pose)), used);
    // Everything but the stamp's last digits: the last point of a scan may be one that is not a number.
    assert_eq!(format!("{:?}", other.features()), format!("{:?}", clean.features()));
    assert_eq!(other.integrate(&scan, |_| None), 0);
}

#[test]
fn the_ground_underfoot_may_be_assumed_until_it_is_seen() {
    let mut map = ElevationMap::new(&go2());
    let pose = Transform::from_xyz_rpy([3.0, 1.0, 0.5], [0.0, 0.0, 1.0]);
    map.assume_ground(&pose, 0.19, Stamp::from_nanos(5));
    let grid = map.grid();
    let here = grid.index_of(3.0, 1.0).expect("inside");
    assert_eq!((grid.elevation_m[here], grid.traversability[here]), (0.19, 1.0));
    assert!(grid.elevation_m[grid.index_of(3.0, 2.5).expect("inside")].is_nan());
    map.cells.measure(here, 0.25, 1e-4, Stamp::from_nanos(6));
    assert!(map.grid().elevation_m[here] > 0.22, "what is seen outweighs what was assumed");
}

#[test]
fn a_path_walked_is_remembered_and_what_is_left_behind_forgotten() {
    let mut map = ElevationMap::new(&go2());
    for k in 0..40u64 {
        let (scan, pose) = scan(flat, k as f64 * 0.25, k);
        map.integrate(&scan, |_| Some(pose));
    }
    let grid = map.grid();
    let x = 39.0 * 0.25;
    assert!((grid.origin_m[0] - (x - 4.0)).abs() < 0.051);
    let behind = values(&grid, &grid.elevation_m, (x - 3.5, x - 1.0), (-0.5, 0.5));
    assert!(behind.len() > 450, "{}", behind.len());
    assert_eq!(grid.index_of(0.5, 0.0), None);
}

#[test]
fn the_same_scans_give_the_same_bits() {
    let grids = [0, 1].map(|_| format!("{:?}", map_of(flat, 0.0, 0.5).grid()));
    assert!(grids[0] == grids[1]);
}
