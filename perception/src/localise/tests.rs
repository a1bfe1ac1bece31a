//! The localiser on synthetic scans of designed tunnels, with what stands in real ones.

use nalgebra::{Isometry3, Matrix3, Point3, Vector6};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use robot_interface::fixtures::{BORED, go2};
use robot_interface::frames::{Map, Transform};
use robot_interface::time::Stamp;
use robot_interface::tunnel::{Alignment, Section, SectionShape, Segment, TunnelPoint};

use super::*;

const HORSESHOE: SectionShape = SectionShape::Horseshoe { width_m: 2.8, wall_height_m: 1.2 };
const BOX: SectionShape = SectionShape::Box { width_m: 2.4, height_m: 2.2 };

fn tunnel(shape: SectionShape, curvature_per_m: f64, grade: f64) -> TunnelDesign {
    let straight = Segment { length_m: 15.0, curvature_per_m: 0.0, grade: 0.0 };
    TunnelDesign {
        alignment: Alignment::new(vec![
            straight,
            Segment { length_m: 20.0, curvature_per_m, grade },
            straight,
        ])
        .expect("valid"),
        section: Section::new(shape).expect("valid"),
    }
}

/// A trunk at a chainage, `left` of the axis, turned by `yaw` from it.
fn pose(design: &TunnelDesign, chainage_m: f64, left_m: f64, yaw_rad: f64) -> Transform<Map, Base> {
    let axis = design.alignment.pose_at(chainage_m);
    let place = design.to_map(TunnelPoint { chainage_m, left_m, up_m: 0.31 }).coords;
    Transform::from_xyz_rpy(
        [place.x, place.y, place.z],
        [0.01, -axis.grade.atan() * yaw_rad.cos(), axis.heading_rad + yaw_rad],
    )
}

/// Points of a scan: lining and floor by ray, two centimetres of noise, and on the way racks that hide half
/// of the right-hand wall from 35 cm before it, cables along the left one, and debris.
fn scan(
    design: &TunnelDesign,
    map_from_base: &Transform<Map, Base>,
    clutter: bool,
    seed: u64,
) -> Vec<Point<Base>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let map_from_lidar = *map_from_base * go2().lidar.base_from_lidar();
    let origin = Point::<Map>::from_coords(map_from_lidar.origin());
    let mut points = Vec::new();
    while points.len() < 6000 {
        let azimuth = rng.random_range(0.0..std::f64::consts::TAU);
        let elevation: f64 = rng.random_range(-7.0f64..52.0).to_radians();
        let ray = nalgebra::Vector3::new(
            elevation.cos() * azimuth.cos(),
            elevation.cos() * azimuth.sin(),
            elevation.sin(),
        );
        let ray = map_from_lidar.rotation() * ray;
        let Some(mut t) = design.raycast(origin, ray, 20.0) else { continue };
        let up = |t: f64| design.to_tunnel(Point::from_coords(origin.coords + ray * t)).up_m;
        if up(t) < 0.0 {
            let (mut above, mut below) = (0.0, t);
            for _ in 0..30 {
                let middle = (above + below) / 2.0;
                if up(middle) > 0.0 { above = middle } else { below = middle }
            }
            t = above;
        }
        let hit = design.to_tunnel(Point::from_coords(origin.coords + ray * t));
        if clutter {
            let bay = (hit.chainage_m * 2.0).floor() as i64;
            if hit.up_m < 0.01 {
                // The floor is rough; a fifth of it is covered.
                let height =
                    if bay % 5 == 0 { 0.12 } else { 0.02 * (3.0 * hit.left_m + hit.chainage_m).sin() };
                t *= 1.0 - height / 0.43;
            } else if hit.left_m < 0.0 && bay % 2 == 0 {
                t *= 1.0 - 0.35 / hit.left_m.abs().max(0.7);
            } else if hit.left_m > 0.0 && (hit.up_m * 8.0).floor() as i64 % 3 == 0 {
                t *= 1.0 - 0.04 / hit.left_m.max(0.7);
            }
        }
        t += rng.random_range(-1.0..1.0) * 0.02 * 1.7;
        let in_map = Point::<Map>::from_coords(origin.coords + ray * t);
        points.push(map_from_base.inverse() * in_map);
    }
    points
}

fn state(map_from_base: Transform<Map, Base>) -> RobotState {
    RobotState {
        stamp: Stamp::from_nanos(7),
        map_from_base,
        velocity_m_s: Vector3::zeros(),
        angular_velocity_rad_s: Vector3::zeros(),
        contacts: [true; 4],
        position_covariance_m2: Matrix3::from_diagonal(&Vector3::new(0.09, 0.01, 0.0025)),
        yaw_sigma_rad: 0.02,
    }
}

/// The truth moved as an estimate may be wrong.
fn wrong(truth: &Transform<Map, Base>, sideways_m: f64, up_m: f64, yaw_rad: f64) -> Transform<Map, Base> {
    let place = truth.origin();
    let (sin, cos) = truth.yaw().sin_cos();
    let turn = Transform::<Map, Map>::from_xyz_rpy([0.0; 3], [0.004, -0.003, yaw_rad]).isometry.rotation;
    Transform::new(Isometry3::from_parts(
        (place.coords + Vector3::new(-sin * sideways_m, cos * sideways_m, up_m)).into(),
        turn * truth.rotation(),
    ))
}

/// Errors of lateral offset, height (m) and yaw (rad) against the truth.
fn errors(design: &TunnelDesign, truth: &Transform<Map, Base>, found: &TunnelCorrection) -> [f64; 3] {
    let at = design.to_tunnel(*truth * Point::new(0.0, 0.0, 0.0));
    let yaw = truth.yaw() - design.alignment.pose_at(at.chainage_m).heading_rad - found.yaw_rad;
    [found.lateral_m - at.left_m, found.height_m - at.up_m, yaw.sin().asin()]
}

#[test]
fn finds_its_place_among_racks_cables_and_debris() {
    for (k, (shape, curvature, grade)) in [
        (BORED, 0.0, 0.0),
        (BORED, 1.0 / 40.0, 0.02),
        (HORSESHOE, -1.0 / 60.0, 0.0),
        (HORSESHOE, 0.0, 0.03),
        (BOX, 0.0, 0.0),
        (BOX, 1.0 / 60.0, -0.02),
    ]
    .into_iter()
    .enumerate()
    {
        let design = tunnel(shape, curvature, grade);
        for (chainage, left, yaw) in [(8.0, 0.1, 0.1), (25.0, -0.2, -0.15), (24.0, 0.3, 3.0)] {
            let truth = pose(&design, chainage, left, yaw);
            let points = scan(&design, &truth, true, k as u64);
            let guess = wrong(&truth, 0.15, -0.05, 0.035);
            let found = TunnelLocaliser::new(design.clone()).correct(&points, &state(guess)).expect("fits");
            let [lateral, height, turn] = errors(&design, &truth, &found);
            let what = format!("{shape:?} {chainage}: {lateral:.4} {height:.4} {turn:.5} {found:?}");
            assert!(
                lateral.abs() < 0.02 && turn.abs() < 0.3f64.to_radians() && height.abs() < 0.05,
                "{what}"
            );
            let sigma = [0, 1, 2].map(|i| found.covariance[(i, i)].sqrt());
            for (error, sigma) in [lateral, height, turn].into_iter().zip(sigma) {
                assert!(error.abs() < 3.0 * sigma, "{what}");
            }
            assert!(sigma[0] < 0.05 && sigma[2] < 0.02, "{what}");
        }
    }
}

#[test]
fn along_the_axis_a_tunnel_looks_the_same() {
    for curvature in [0.0, 1.0 / 40.0] {
        let design = tunnel(BORED, curvature, 0.0);
        let truth = pose(&design, 25.0, 0.1, 0.05);
        let points = scan(&design, &truth, false, 3);
        let found = TunnelLocaliser::new(design).correct(&points, &state(truth)).expect("fits");
        assert_eq!(found.degenerate.as_slice().len(), 1, "{found:?}");
        assert!(found.degenerate.as_slice()[0][0] > 0.99, "{found:?}");
        assert!(found.eigenvalues[1] > 100.0, "{found:?}");
    }
}

#[test]
fn a_bare_floor_says_nothing_of_place_and_heading() {
    let design = tunnel(BOX, 0.0, 0.0);
    let truth = pose(&design, 8.0, 0.0, 0.0);
    let floor: Vec<_> = scan(&design, &truth, false, 4)
        .into_iter()
        .filter(|p| {
            let at = design.to_tunnel(truth * *p);
            at.up_m < 0.1 && at.left_m.abs() < 0.9
        })
        .collect();
    let found = TunnelLocaliser::new(design).correct(&floor, &state(truth)).expect("a floor fits");
    assert_eq!(found.degenerate.as_slice().len(), 3, "{found:?}");
    assert!(found.covariance[(0, 0)].sqrt() > 0.5 && found.covariance[(2, 2)].sqrt() > 0.3, "{found:?}");
    assert!(found.covariance[(1, 1)].sqrt() < 0.06, "{found:?}");
}

#[test]
fn refuses_what_it_cannot_believe() {
    let design = tunnel(BORED, 0.0, 0.0);
    let truth = pose(&design, 8.0, 0.0, 0.0);
    let localiser = TunnelLocaliser::new(design.clone());
    let points = scan(&design, &truth, false, 5);
    assert_eq!(localiser.correct(&[], &state(truth)), Err(ScanRefused::TooFewPoints(0)));
    let nothing = vec![Point::new(f64::NAN, f64::INFINITY, 0.0); 1000];
    assert_eq!(localiser.correct(&nothing, &state(truth)), Err(ScanRefused::TooFewPoints(0)));
    // Outside, before the portal.
    let outside = pose(&design, -20.0, 0.0, 0.0);
    assert!(matches!(localiser.correct(&points, &state(outside)), Err(ScanRefused::TooFewPoints(_))));
    // A tunnel twice as wide as drawn.
    let wide = tunnel(SectionShape::Circular { diameter_m: 5.5, floor_height_m: 0.45 }, 0.0, 0.0);
    let other = scan(&wide, &truth, false, 5);
    assert!(localiser.correct(&other, &state(truth)).is_err());
}

#[test]
fn the_same_scan_gives_the_same_bits() {
    let design = tunnel(HORSESHOE, 0.02, 0.0);
    let truth = pose(&design, 20.0, 0.1, 0.0);
    let points = scan(&design, &truth, true, 6);
    let localiser = TunnelLocaliser::new(design);
    let [a, b] = [0, 1].map(|_| localiser.correct(&points, &state(truth)).expect("fits"));
    assert_eq!(a.lateral_m.to_bits(), b.lateral_m.to_bits());
    assert_eq!(a, b);
}

#[test]
fn distances_have_the_derivatives_that_they_are_said_to_have() {
    const STEP: f64 = 1e-5;
    for shape in [BORED, HORSESHOE, BOX] {
        let design = tunnel(shape, 1.0 / 40.0, 0.02);
        // Within one stretch of constant curvature, where sliding is exact.
        let truth = pose(&design, 25.0, 0.2, 0.1);
        let fit = Fit::new(&design, &state(truth));
        for point in scan(&design, &truth, false, 7).iter().filter(|p| p.coords.coords.norm() < 3.0).take(200)
        {
            let moved = |i: usize, sign: f64| {
                let mut x = Vector6::zeros();
                x[i] = sign * STEP;
                fit.distance_for_test(&point.coords, &x)
            };
            let row = fit.derivative_for_test(&point.coords);
            for i in 0..6 {
                let slope = (moved(i, 1.0) - moved(i, -1.0)) / (2.0 * STEP);
                assert!((slope - row[i]).abs() < 0.03, "{shape:?} {i}: {slope} {}", row[i]);
            }
        }
    }
}

impl Fit<'_> {
    fn distance_for_test(&self, point: &Point3<f64>, moved: &Vector6<f64>) -> f64 {
        self.distance(&self.place(point, moved)).expect("between the ends").inside_m
    }

    fn derivative_for_test(&self, point: &Point3<f64>) -> Vector6<f64> {
        let nothing = Vector6::zeros();
        let place = self.place(point, &nothing);
        let origin = self.place(&Point3::origin(), &nothing);
        self.derivative(&self.distance(&place).expect("between the ends").gradient, &(place - origin))
    }
}
