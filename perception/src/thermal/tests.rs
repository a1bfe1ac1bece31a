use nalgebra::{Isometry3, Matrix3, UnitQuaternion};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use robot_interface::fixtures::straight_tunnel;
use robot_interface::time::Stamp;
use robot_interface::tunnel::SectionShape;

use super::*;

const WIDTH: usize = 160;
const HEIGHT: usize = 120;
const WALL_C: f32 = 24.0;
const LIMIT_C: f64 = 45.0;
/// Noise-equivalent temperature difference of the camera, K.
const NETD_K: f64 = 0.05;

fn detector(emissivity: f64) -> HotJoints {
    let design = straight_tunnel(SectionShape::Box { width_m: 3.0, height_m: 2.5 }, 40.0);
    HotJoints::new(&design, LIMIT_C, emissivity)
}

/// A patch of the left wall: chainage from and to, height from and to, m, and its temperature.
type Patch = ([f64; 2], [f64; 2], f32);

/// A joint as long and as thick as they are, at this chainage, 1 m above the floor.
fn joint(chainage_m: f64, celsius: f32) -> Patch {
    ([chainage_m - 0.25, chainage_m + 0.25], [0.93, 1.07], celsius)
}

/// The cable that runs through such joints.
fn cable(celsius: f32) -> Patch {
    ([-10.0, 50.0], [0.96, 1.04], celsius)
}

/// The left wall with patches on it, seen from the axis by a robot that is turned by a heading. Later patches cover earlier ones.
fn picture(chainage_m: f64, heading_rad: f64, patches: &[Patch]) -> (Transform<Map, Camera>, ThermalFrame) {
    let optical = Matrix3::new(1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0);
    let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, heading_rad);
    let rotation = turn * UnitQuaternion::from_matrix(&optical);
    let pose: Transform<Map, Camera> =
        Transform::new(Isometry3::from_parts([chainage_m, 0.0, 0.6].into(), rotation));
    let seen = |p: usize| {
        let ray = rotation * lens().ray((p % WIDTH) as f64 + 0.5, (p / WIDTH) as f64 + 0.5);
        let [x, z] = [chainage_m + ray.x * 1.5 / ray.y, 0.6 + ray.z * 1.5 / ray.y];
        let within = |range: [f64; 2], v: f64| range[0] < v && v < range[1];
        let patch = patches.iter().rev().find(|(along, up, _)| within(*along, x) && within(*up, z));
        patch.map_or(WALL_C, |patch| patch.2)
    };
    let celsius = (0..WIDTH * HEIGHT).map(seen).collect();
    let [width, height] = [WIDTH as u32, HEIGHT as u32];
    (pose, ThermalFrame { stamp: Stamp::ZERO, camera: 0, width, height, celsius })
}

fn lens() -> Intrinsics {
    Intrinsics::from_fov(WIDTH as u32, HEIGHT as u32, 1.3)
}

/// Walks along the patches, turning left and right, and takes a picture every 1.1 m.
fn walk(joints: &mut HotJoints, patches: &[Patch]) {
    for step in 0..32 {
        let heading_rad = 0.2 * (0.7 * f64::from(step)).sin();
        let (pose, frame) = picture(2.0 + 1.1 * f64::from(step), heading_rad, patches);
        joints.add(&lens(), &pose, &frame, NETD_K);
    }
}

fn temperature(defect: &Defect) -> JointTemperature {
    defect.temperature.expect("a joint has one")
}

#[test]
fn a_hot_joint_is_found_once_with_its_temperature_though_it_has_no_sisters() {
    let mut joints = detector(1.0);
    for (chainage_m, celsius) in [(9.5, 52.0), (10.0, 55.0), (10.5, 53.0)] {
        let (pose, frame) = picture(chainage_m, 0.0, &[joint(10.0, celsius)]);
        joints.add(&lens(), &pose, &frame, NETD_K);
    }
    let found = joints.defects();
    assert_eq!(found.len(), 1);
    assert!((found[0].centre.chainage_m - 10.0).abs() < 0.05, "{:?}", found[0].centre);
    assert_eq!((found[0].code.as_str(), found[0].views), ("HJ3", 3));
    let JointTemperature { celsius, too_far, over_ambient_k, sisters, distance_m, emissivity } =
        temperature(&found[0]);
    assert!((celsius - 55.0).abs() < 1e-4 && (over_ambient_k - 31.0).abs() < 1e-4, "{celsius}");
    assert_eq!((too_far, sisters, emissivity), (false, None, 1.0), "none was compared");
    assert!((distance_m - 1.55).abs() < 0.02, "{distance_m}");
}

#[test]
fn a_warm_joint_without_sisters_is_sound() {
    let mut joints = detector(1.0);
    walk(&mut joints, &[joint(10.0, 38.0)]);
    assert!(joints.defects().is_empty() && joints.possible().is_empty());
}

/// The story: only what was hotter than 45 degrees was reported, and of a cold cable no joint ever is.
#[test]
fn a_joint_hotter_than_its_sisters_is_reported_by_its_rise() {
    let sound = [5.0, 10.0, 15.0, 25.0, 30.0].map(|chainage_m| joint(chainage_m, 28.0));
    // With the cable and without one in sight.
    for cable in [None, Some(cable(26.5))] {
        for (celsius, code) in
            [(30.0, "HJ1"), (31.9, "HJ1"), (32.1, "HJ2"), (38.0, "HJ2"), (43.1, "HJ3"), (46.0, "HJ3")]
        {
            let mut joints = detector(1.0);
            let patches: Vec<Patch> = cable.into_iter().chain(sound).chain([joint(20.0, celsius)]).collect();
            walk(&mut joints, &patches);
            let found = if code == "HJ1" { joints.possible() } else { joints.defects() };
            assert_eq!(found.len(), 1, "{celsius}: {found:?}");
            assert_eq!(found[0].code, code, "{celsius}");
            assert!((found[0].centre.chainage_m - 20.0).abs() < 0.1, "{:?}", found[0].centre);
            let sisters = temperature(&found[0]).sisters.expect("it has sisters");
            assert_eq!(sisters.joints, 5);
            assert!((sisters.rise_k - f64::from(celsius - 28.0)).abs() < 1e-4, "{sisters:?}");
            assert_eq!(joints.defects().len() + joints.possible().len(), 1, "and none of its sisters");
        }
    }
}

#[test]
fn a_cable_that_is_evenly_warm_has_no_hot_joints() {
    let spots = [5.0, 10.0, 15.0, 20.0, 25.0].map(|chainage_m| joint(chainage_m, 38.0));
    let bracket = |chainage_m: f64| ([chainage_m - 0.02, chainage_m + 0.02], [0.5, 1.5], WALL_C);
    let brackets = (0..40).map(|k| bracket(f64::from(k)));
    let behind_brackets: Vec<Patch> = std::iter::once(cable(38.0)).chain(brackets).collect();
    let loaded: Vec<Patch> = std::iter::once(cable(36.5)).chain(spots).collect();
    for patches in [vec![cable(38.0)], spots.to_vec(), behind_brackets, loaded] {
        let mut joints = detector(0.95);
        walk(&mut joints, &patches);
        assert!(joints.defects().is_empty() && joints.possible().is_empty(), "{:?}", joints.defects());
    }
    let mut joints = detector(0.95);
    walk(&mut joints, &[cable(50.0)]);
    assert!(!joints.defects().is_empty(), "one that is too hot all along is reported all the same");
}

/// A joint of another cable, and a warm patch of the wall beside a cable, carry another load.
#[test]
fn only_joints_of_the_same_cable_under_the_same_load_are_sisters() {
    let higher = |chainage_m, celsius| ([chainage_m - 0.25, chainage_m + 0.25], [1.23, 1.37], celsius);
    let mut joints = detector(1.0);
    walk(&mut joints, &[joint(10.0, 38.0), higher(15.0, 28.0), higher(10.0, 28.0)]);
    assert!(joints.defects().is_empty(), "{:?}", joints.defects());

    let mut joints = detector(1.0);
    walk(&mut joints, &[cable(36.0), ([5.0, 5.3], [1.06, 1.16], 27.0), joint(20.0, 38.0)]);
    assert_eq!(joints.joints.len(), 2, "both stand out");
    assert!(joints.defects().is_empty(), "{:?}", joints.defects());
}

#[test]
fn a_surface_that_reflects_more_is_told_to_be_hotter() {
    let at = |emissivity| {
        let mut joints = detector(emissivity);
        walk(&mut joints, &[joint(10.0, 50.0)]);
        temperature(&joints.defects()[0])
    };
    assert!((at(1.0).celsius - 50.0).abs() < 1e-4);
    // (323.15^4 - 0.1 * 297.15^4) / 0.9 is 1.12501e10 K^4, whose fourth root is 325.68 K.
    assert!((at(0.9).celsius - 52.53).abs() < 0.005, "{:?}", at(0.9));
    assert_eq!(at(0.9).emissivity, 0.9);
}

#[test]
fn what_is_smaller_than_three_pixels_is_told_to_be_hotter_than_measured() {
    // A pixel is 15 mm on that wall.
    for (size_m, too_far) in [(0.03, true), (0.08, false)] {
        let mut joints = detector(1.0);
        let patch = ([10.0, 10.0 + size_m], [1.0, 1.0 + size_m], 60.0);
        let (pose, frame) = picture(10.0, 0.0, &[patch]);
        joints.add(&lens(), &pose, &frame, NETD_K);
        let found = joints.defects();
        assert_eq!(found.len(), 1);
        assert_eq!(temperature(&found[0]).too_far, too_far, "{size_m}");
    }
    // Such ones tell nothing of how warm a sister is.
    let mut joints = detector(1.0);
    let far = ([10.0, 10.03], [1.0, 1.03], 28.0);
    walk(&mut joints, &[far, joint(20.0, 38.0)]);
    assert!(joints.defects().is_empty(), "{:?}", joints.defects());
}

#[test]
fn damaged_pictures_are_left_alone() {
    let mut joints = detector(0.95);
    let (pose, frame) = picture(10.0, 0.0, &[joint(10.0, 60.0)]);
    let cut = ThermalFrame { celsius: frame.celsius[..100].to_vec(), ..frame.clone() };
    let nothing = ThermalFrame { width: 0, height: 0, celsius: Vec::new(), ..frame.clone() };
    let blind = ThermalFrame { celsius: vec![f32::NAN; WIDTH * HEIGHT], ..frame.clone() };
    for damaged in [&cut, &nothing, &blind] {
        joints.add(&lens(), &pose, damaged, NETD_K);
    }
    let mut dead = picture(10.0, 0.0, &[]).1;
    for (k, value) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 400.0].into_iter().enumerate() {
        dead.celsius[60 * WIDTH + 40 + 10 * k] = value;
        dead.celsius[60 * WIDTH + 41 + 10 * k] = if k < 3 { value } else { WALL_C };
    }
    joints.add(&lens(), &pose, &dead, NETD_K);
    assert!(joints.defects().is_empty(), "{:?}", joints.defects());
}

/// A camera may look anywhere: along the tunnel all rows meet in one point.
#[test]
fn a_camera_that_looks_along_the_tunnel_sees_a_hot_joint_too() {
    let mut joints = detector(1.0);
    let (pose, frame) = picture(8.5, -std::f64::consts::FRAC_PI_2 + 0.6, &[joint(11.0, 60.0)]);
    joints.add(&lens(), &pose, &frame, NETD_K);
    assert_eq!(joints.defects().len(), 1);
    let along = UnitQuaternion::from_matrix(&Matrix3::new(0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0));
    let pose = Transform::new(Isometry3::from_parts([8.5, 0.0, 0.6].into(), along));
    joints.add(&lens(), &pose, &frame, NETD_K);
}

/// The rows of a picture are as many as its lens has pixels in a circle, which through a telephoto lens are millions.
#[test]
fn a_telephoto_lens_takes_no_longer() {
    let mut joints = detector(1.0);
    let (pose, mut frame) = picture(10.0, 0.0, &[]);
    frame.celsius[60 * WIDTH + 80..60 * WIDTH + 84].fill(60.0);
    let telephoto = Intrinsics { focal_px: 5e5, ..lens() };
    joints.add(&telephoto, &pose, &frame, NETD_K);
    assert_eq!(joints.defects().len(), 1);
}

#[test]
fn noise_makes_no_joints() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for netd_k in [0.05, 0.1, 0.5, 2.0] {
        let mut joints = detector(0.95);
        // Sound joints beside which a spot that noise makes would be compared.
        let patches = [cable(28.0), joint(5.0, 29.5), joint(15.0, 29.5), joint(25.0, 29.5)];
        for step in 0..100 {
            let (pose, mut frame) = picture(2.0 + 0.3 * f64::from(step), 0.1, &patches);
            for celsius in &mut frame.celsius {
                let noise: f32 = StandardNormal.sample(&mut rng);
                *celsius += netd_k as f32 * noise;
            }
            joints.add(&lens(), &pose, &frame, netd_k);
        }
        assert!(joints.defects().is_empty(), "{netd_k}: {:?}", joints.defects());
        assert!(joints.possible().is_empty(), "{netd_k}: {:?}", joints.possible());
        assert!(netd_k > 0.1 || joints.joints.len() == 3, "{netd_k}: {:?}", joints.joints.len());
    }
}
