//! Long tunnels: made stretch by stretch, the same in whatever order, without a seam, and no larger for being longer.

use std::sync::Arc;

use robot_interface::defect::DefectClass;
use robot_interface::fixtures::{BORED, GO2_MJCF, go2, straight_tunnel};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::tunnel::{Alignment, Section, SectionShape, Segment, TunnelDesign, TunnelPoint};
use sim::engine::rapier::{RapierEngine, STEP_S};
use sim::engine::{Engine, JointDrive, SceneCaster, ScenePart};
use sim::geometry::{Bvh, RayCaster, Shape};
use sim::tunnel::{Footprint, Material, STRETCH_M, Tunnel, TunnelDescription, TunnelError, TunnelPlan};

/// A winding horseshoe.
fn winding(length_m: f64) -> TunnelDesign {
    let parts = [(0.0, 0.0), (1.0 / 60.0, 0.02), (-1.0 / 80.0, -0.01), (0.0, 0.0)];
    let segment = |(curvature_per_m, grade)| Segment { length_m: length_m / 4.0, curvature_per_m, grade };
    TunnelDesign {
        alignment: Alignment::new(parts.map(segment).to_vec()).expect("valid"),
        section: Section::new(SectionShape::Horseshoe { width_m: 2.8, wall_height_m: 1.2 }).expect("valid"),
    }
}

/// Everything that there is, and more of it than by default.
fn crowded() -> TunnelDescription {
    let mut wanted = TunnelDescription::default();
    wanted.furniture.debris_per_10_m = 4.0.try_into().expect("not negative");
    wanted.floor.puddles_per_10_m = 2.0.try_into().expect("not negative");
    wanted.defects.cracks_per_10_m = 6.0.try_into().expect("not negative");
    wanted.defects.hot_joint_share = 0.5.try_into().expect("a fraction");
    wanted
}

fn plan(design: &TunnelDesign) -> TunnelPlan {
    TunnelPlan::new(design, &crowded(), 5).expect("it can be built")
}

fn part(plan: &TunnelPlan, indices: impl IntoIterator<Item = u32>) -> Tunnel {
    Tunnel::of(plan, indices.into_iter().map(|index| Arc::new(plan.stretch(index))).collect())
}

fn scene(tunnel: &Tunnel) -> SceneCaster {
    let part = |s: &Arc<sim::tunnel::Stretch>| Arc::new(ScenePart::new(s.geometry()).expect("good meshes"));
    SceneCaster::over(tunnel.stretches().iter().map(part).collect())
}

fn map_point(tunnel: &Tunnel, chainage_m: f64, left_m: f64, up_m: f64) -> nalgebra::Point3<f64> {
    tunnel.design().to_map(TunnelPoint { chainage_m, left_m, up_m }).coords
}

/// Everything that can be asked about a place, as text.
fn asked(tunnel: &Tunnel, caster: &dyn RayCaster, chainage_m: f64) -> String {
    let mut all = String::new();
    for k in 0..24 {
        let angle = f64::from(k) * 0.26;
        let left_m = 0.9 * angle.cos();
        let s = chainage_m + 0.3 * angle.sin();
        let eye = map_point(tunnel, s, 0.2 * left_m, 0.7).cast::<f32>();
        let ahead = nalgebra::Vector3::new(angle.cos(), 0.3 * angle.sin(), (3.0 * angle).sin())
            .normalize()
            .cast::<f32>();
        let hit = caster.cast(eye.into(), ahead.into(), 60.0);
        let material = hit.and_then(|hit| tunnel.material(hit.solid));
        let surface = tunnel.lining_surface([s as f32, (2.0 * left_m) as f32], &Footprint::square(0.002));
        all += &format!("{hit:?} {material:?} {surface:?} {}\n", tunnel.floor_height_m(s, left_m));
    }
    all
}

#[test]
fn a_part_is_as_the_whole_in_whatever_order_it_was_made() {
    let design = winding(420.0);
    let (plan, whole) = (plan(&design), Tunnel::generate(&design, &crowded(), 5).expect("made"));
    assert_eq!((plan.stretches(), whole.made_m()), (7, [0.0, 420.0]));
    let (mut ahead, back) = (part(&plan, 2..=4), part(&plan, [4, 2, 3]));
    assert_eq!(ahead.made_m(), [120.0, 300.0]);
    let (all, some, other) = (scene(&whole), scene(&ahead), scene(&back));
    for chainage_m in [181.0, 200.0, 239.9, 240.1] {
        let expected = asked(&whole, &all, chainage_m);
        assert_eq!(asked(&ahead, &some, chainage_m), expected);
        assert_eq!(asked(&back, &other, chainage_m), expected);
    }
    let of_part = |d: &&sim::tunnel::TrueDefect| (120.0..300.0).contains(&d.bounds.centre()[0]);
    let expected: Vec<_> = whole.defects().iter().filter(of_part).cloned().collect();
    assert_eq!(ahead.defects(), expected);
    assert!(expected.iter().all(|d| back.defect(d.id) == Some(d)));
    assert_eq!(ahead.defect(whole.defects()[0].id), None, "it lies in a stretch that is not made");
    ahead = part(&plan, [1, 2, 4]);
    assert_eq!(ahead.made_m(), [60.0, 180.0], "a hole ends it");
}

#[test]
fn there_is_no_seam_at_a_border() {
    let plan = plan(&winding(420.0));
    let tunnel = part(&plan, 1..=3);
    let (engine, plain) = (scene(&tunnel), Bvh::new(tunnel.geometry()));
    for border_m in [120.0, 180.0] {
        for k in 0..400 {
            let left_m = -1.3 + 2.6 * f64::from(k % 40) / 39.0;
            let s = border_m - 0.05 + 0.01 * f64::from(k / 40);
            let [a, b] = [s, s + 0.01].map(|s| tunnel.floor_height_m(s, left_m));
            assert!((a - b).abs() < 2e-3, "a step of {} m at {s} m", b - a);
            // No ray slips through, and what it meets is where the neighbouring one met it.
            let eye = map_point(&tunnel, border_m, 0.1, 0.8);
            let mut met = [None; 2];
            for (caster, met) in [&engine as &dyn RayCaster, &plain].into_iter().zip(&mut met) {
                for (at_up_m, expected) in [(-0.5, Material::Floor), (3.0, Material::Lining)] {
                    let ray = map_point(&tunnel, s, left_m, at_up_m) - eye;
                    let hit =
                        caster.cast(eye.cast::<f32>().into(), ray.normalize().cast::<f32>().into(), 60.0);
                    let hit = hit.unwrap_or_else(|| panic!("a hole at {s} m, {left_m} m left"));
                    let point = eye + ray.normalize() * f64::from(hit.distance_m);
                    let place = tunnel.design().to_tunnel(robot_interface::frames::Point::from_coords(point));
                    if tunnel.material(hit.solid) == Some(expected) && expected == Material::Floor {
                        let floor_m = tunnel.floor_height_m(place.chainage_m, place.left_m);
                        assert!((place.up_m - floor_m).abs() < 0.01, "{} {floor_m}", place.up_m);
                    }
                    *met = Some(hit.distance_m);
                }
            }
            assert!((met[0].expect("met") - met[1].expect("met")).abs() < 1e-3);
        }
        // The lining's own structure goes on as well: no two pixels beside each other differ by what a cut would show.
        let row = |s: f64| {
            let tone = |k: i32| {
                tunnel.lining_surface([s as f32, k as f32 * 0.01], &Footprint::square(0.05)).albedo[1]
            };
            (-200..200).map(tone).sum::<f32>() / 400.0
        };
        let [before, after, inside] = [border_m - 0.005, border_m + 0.005, border_m + 0.015].map(row);
        assert!((before - after).abs() < 0.02 + 2.0 * (after - inside).abs(), "{before} {after} {inside}");
    }
}

#[test]
fn things_keep_inside_their_stretch_but_for_what_runs_through() {
    let plan = plan(&winding(420.0));
    let tunnel = part(&plan, 0..7);
    let border = |chainage_m: f64| (chainage_m / STRETCH_M).floor();
    for defect in tunnel.defects() {
        let b = defect.bounds;
        assert_eq!(border(b.chainage_min_m), border(b.chainage_max_m), "{defect:?}");
    }
    for (i, a) in tunnel.defects().iter().enumerate() {
        for b in tunnel.defects()[i + 1..].iter().filter(|b| b.class != DefectClass::HotJoint) {
            let apart = !a.bounds.grown(0.2).touches(&b.bounds);
            assert!(a.id != b.id && (a.class == DefectClass::HotJoint || apart), "{a:?} {b:?}");
        }
    }
    assert!(tunnel.defects().windows(2).all(|d| d[0].id < d[1].id));
    for joint in tunnel.cable_joints() {
        assert_eq!(tunnel.material(joint.solid).map(|m| matches!(m, Material::CableJoint(_))), Some(true));
        let Some(Material::CableJoint(number)) = tunnel.material(joint.solid) else { continue };
        assert_eq!(tunnel.cable_joint(number), Some(joint));
    }
    // Cables run on without a gap and none twice: every one has as many pieces as bays fit the tunnel.
    let pieces = |wanted: Material| {
        tunnel.geometry().solids.iter().filter(|s| tunnel.material(s.id) == Some(wanted)).count()
    };
    let bays = ((420.0f64 + 6.0 - 0.8) / 1.4).floor() as usize;
    assert_eq!(pieces(Material::Cable(0)) % bays, 0);
    assert_eq!((pieces(Material::Pipe), pieces(Material::EndWall)), ((426.0f64 / 1.5).floor() as usize, 2));
}

#[test]
fn what_is_held_of_a_tunnel_does_not_grow_with_its_length() {
    let triangles = |tunnel: &Tunnel| -> usize {
        let mesh = |shape: &Shape| if let Shape::Mesh { indices, .. } = shape { indices.len() } else { 0 };
        tunnel.geometry().solids.iter().map(|solid| mesh(&solid.shape)).sum()
    };
    let short = triangles(&part(&plan(&straight_tunnel(BORED, 600.0)), 1..=3));
    for length_m in [2_000.0, 20_000.0, 100_000.0] {
        let plan = plan(&straight_tunnel(BORED, length_m));
        let middle = length_m / 2.0;
        let near = part(&plan, plan.within([middle - 60.0, middle + 60.0]));
        assert!(triangles(&near) < 12 * short / 10, "{} {short}", triangles(&near));
        let [from_m, to_m] = near.made_m();
        assert!(from_m <= middle - 60.0 && to_m >= middle + 60.0);
        let defects = near.defects().len();
        assert!((100..300).contains(&defects), "{defects}");
    }
    let too_long = TunnelPlan::new(&straight_tunnel(BORED, 100_001.0), &crowded(), 1);
    assert!(matches!(too_long, Err(TunnelError::Long(_))));
}

/// The robot lies over a border while the stretches before and behind are taken up and let go.
#[test]
fn a_robot_on_a_border_feels_neither_it_nor_stretches_that_come_and_go() {
    let robot = go2();
    let mut wanted = TunnelDescription::default();
    let none = || 0.0.try_into().expect("not negative");
    (wanted.floor.roughness_m, wanted.floor.cross_fall_percent) = (none(), none());
    (wanted.floor.puddles_per_10_m, wanted.floor.steps_per_10_m) = (none(), none());
    wanted.furniture.debris_per_10_m = none();
    let plan = TunnelPlan::new(&straight_tunnel(BORED, 600.0), &wanted, 1).expect("it can be built");
    let parts: Vec<_> =
        (0..5).map(|k| Arc::new(ScenePart::new(plan.stretch(k).geometry()).expect("good meshes"))).collect();
    let scene = |range: std::ops::Range<usize>| SceneCaster::over(parts[range].to_vec());
    let lie = |chainage_m: f64| {
        let start = Transform::<Map, Base>::from_xyz_rpy([chainage_m, 0.0, 0.12], [0.0; 3]);
        let mut engine =
            RapierEngine::in_scene(GO2_MJCF, &robot, scene(0..3), start, STEP_S).expect("it fits");
        let lying = robot.lying_pose();
        let drives = std::array::from_fn(|i| JointDrive {
            position_rad: lying[i],
            kp: 60.0,
            kd: 2.0,
            max_torque_nm: robot.joints.0[i].max_torque_nm.get(),
            ..JointDrive::default()
        });
        let mut held = Vec::new();
        for (steps, range) in [(500, 0..3), (50, 0..4), (50, 1..5), (50, 1..4)] {
            engine.set_scene(scene(range));
            (0..steps).for_each(|_| engine.step(&drives));
            held.push((engine.triangles(), engine.truth()));
        }
        held
    };
    // Further on there is no border under it; both places lie on the same grid of the floor's cells.
    let (border, beside) = (lie(120.0), lie(121.5));
    for ((_, a), (_, b)) in border.iter().zip(&beside) {
        let [a_m, b_m] = [a, b].map(|truth| truth.map_from_base.origin());
        assert!((a_m.z - b_m.z).abs() < 2e-3 && (b_m.x - a_m.x - 1.5).abs() < 5e-3, "{a_m} {b_m}");
        assert_eq!(a.contacts, b.contacts);
    }
    let still = border.iter().map(|(_, truth)| truth.map_from_base.origin());
    let spread = still.map(|p| (p - border[0].1.map_from_base.origin()).norm()).fold(0.0, f64::max);
    assert!(spread < 1e-3, "it moved by {spread} m");
    let held: Vec<usize> = border.iter().map(|(triangles, _)| *triangles).collect();
    assert!(held[1] > held[0] && held[3] < held[1], "{held:?}");
}
