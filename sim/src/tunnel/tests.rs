use proptest::prelude::*;
use robot_interface::defect::DefectClass;
use robot_interface::fixtures::BORED;
use robot_interface::tunnel::SectionShape;

use super::testing::{cable_tunnel, design};
use super::*;
use crate::geometry::Shape;

const SECTIONS: [SectionShape; 3] = [
    BORED,
    SectionShape::Horseshoe { width_m: 2.8, wall_height_m: 1.2 },
    SectionShape::Box { width_m: 2.2, height_m: 2.1 },
];

#[test]
fn the_same_seed_makes_the_same_tunnel_and_another_another() {
    let (a, b, c) = (cable_tunnel(5), cable_tunnel(5), cable_tunnel(6));
    assert_eq!(a.defects(), b.defects());
    assert_eq!(a.cable_joints(), b.cable_joints());
    assert_eq!(format!("{:?}", a.geometry()), format!("{:?}", b.geometry()));
    assert_ne!(a.defects(), c.defects());
}

#[test]
fn default_rates_give_about_thirty_defects_in_sixty_metres() {
    let tunnel = Tunnel::generate(&design(60.0, BORED), &TunnelDescription::default(), 1).expect("made");
    let count = tunnel.defects().len();
    assert!((22..=38).contains(&count), "{count}");
    for class in DefectClass::ALL {
        assert!(tunnel.defects().iter().any(|d| d.class == class), "{class:?}");
    }
}

#[test]
fn impossible_tunnels_are_refused() {
    let short = Tunnel::generate(&design(4.5, BORED), &TunnelDescription::default(), 1);
    assert!(matches!(short, Err(TunnelError::Short(_))));
    let tall = TunnelDescription {
        floor: FloorDescription { step_height_m: 0.3.try_into().expect("positive"), ..Default::default() },
        ..Default::default()
    };
    assert!(matches!(Tunnel::generate(&design(30.0, BORED), &tall, 1), Err(TunnelError::TooMuch { .. })));
}

#[test]
fn solids_have_materials_and_stay_light() {
    let tunnel = Tunnel::generate(&design(60.0, BORED), &TunnelDescription::default(), 2).expect("made");
    let mut triangles = 0;
    for (place, solid) in tunnel.geometry().solids.iter().enumerate() {
        assert_eq!(solid.id as usize, place);
        assert!(tunnel.material(solid.id).is_some());
        if let Shape::Mesh { vertices, indices } = &solid.shape {
            triangles += indices.len();
            assert!(indices.iter().flatten().all(|i| (*i as usize) < vertices.len()));
        }
    }
    assert!(triangles < 200_000, "{triangles}");
    assert_eq!(tunnel.material(u32::MAX), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn visual_defects_keep_apart_and_lie_on_the_lining(seed: u64, section in 0usize..3) {
        let tunnel = Tunnel::generate(&design(24.0, SECTIONS[section]), &TunnelDescription::default(), seed).expect("made");
        let visual: Vec<_> = tunnel.defects().iter().filter(|d| d.class != DefectClass::HotJoint).collect();
        let half_arc = tunnel.design().section.half_arc_m();
        for (i, a) in visual.iter().enumerate() {
            prop_assert!(a.bounds.chainage_min_m > 0.0 && a.bounds.chainage_max_m < 24.0);
            prop_assert!(a.bounds.arc_min_m > -half_arc && a.bounds.arc_max_m < half_arc);
            for b in &visual[i + 1..] {
                prop_assert!(!a.bounds.grown(0.2).touches(&b.bounds), "{:?} {:?}", a, b);
            }
        }
    }

    #[test]
    fn a_passage_is_always_left(seed: u64, section in 0usize..3) {
        let mut wanted = TunnelDescription::default();
        wanted.furniture.debris_per_10_m = 12.0.try_into().expect("positive");
        let tunnel = Tunnel::generate(&design(24.0, SECTIONS[section]), &wanted, seed).expect("made");
        // Flood from the start over a grid of places where a disc as wide as the passage stands free.
        const STEP: f64 = 0.05;
        let [right, left] = tunnel.floor().carriageway_m();
        let (columns, rows) = (((left - right) / STEP) as usize, (24.0 / STEP) as usize);
        let free = |i: usize, j: usize| {
            let (s, l) = (i as f64 * STEP, right + (j as f64 + 0.5) * STEP);
            l - right >= PASSAGE_M / 2.0 - STEP
                && left - l >= PASSAGE_M / 2.0 - STEP
                && tunnel.debris().iter().all(|d| {
                    (d.centre_m[0] - s).hypot(d.centre_m[1] - l) >= d.radius_m + PASSAGE_M / 2.0 - 0.04
                })
        };
        let mut reached = vec![false; columns * rows];
        let mut waiting: Vec<(usize, usize)> = (0..columns).filter(|j| free(0, *j)).map(|j| (0, j)).collect();
        let mut furthest = 0;
        while let Some((i, j)) = waiting.pop() {
            if std::mem::replace(&mut reached[i * columns + j], true) {
                continue;
            }
            furthest = furthest.max(i);
            let next = [(i + 1, j), (i.wrapping_sub(1), j), (i, j + 1), (i, j.wrapping_sub(1))];
            waiting.extend(next.into_iter().filter(|(i, j)| *i < rows && *j < columns && !reached[i * columns + j] && free(*i, *j)));
        }
        prop_assert_eq!(furthest, rows - 1, "the way is closed at {} m", furthest as f64 * STEP);
    }

    #[test]
    fn ends_are_flat_and_steps_low(seed: u64, s in 0.0f64..24.0, left in -0.9f64..0.9) {
        let tunnel = Tunnel::generate(&design(24.0, BORED), &TunnelDescription::default(), seed).expect("made");
        let floor = tunnel.floor();
        let on_walkway = floor.walkway.is_some_and(|[kerb, _]| left > kerb - 0.01);
        let height = tunnel.floor_height_m(s, left);
        prop_assert!((-0.05..=0.18).contains(&height), "{height}");
        if !on_walkway && !(2.0..=22.0).contains(&s) {
            prop_assert!(height.abs() < 1e-9, "{height}");
        }
    }
}

#[test]
fn a_defect_is_labelled_where_it_is_said_to_be() {
    let tunnel = cable_tunnel(11);
    let footprint = Footprint::square(0.002);
    for defect in
        tunnel.defects().iter().filter(|d| matches!(d.class, DefectClass::Leakage | DefectClass::Spalling))
    {
        let b = defect.bounds;
        let (mut inside, mut outside) = (0, 0);
        for i in 0..40 {
            for j in 0..40 {
                let at = |low: f64, high: f64, k: i32| {
                    (low - 0.1 + (high - low + 0.2) * f64::from(k) / 39.0) as f32
                };
                let place = [at(b.chainage_min_m, b.chainage_max_m, i), at(b.arc_min_m, b.arc_max_m, j)];
                if tunnel.lining_surface(place, &footprint).defect == defect.id {
                    let within = (b.chainage_min_m as f32 - 0.02..b.chainage_max_m as f32 + 0.02)
                        .contains(&place[0])
                        && (b.arc_min_m as f32 - 0.02..b.arc_max_m as f32 + 0.02).contains(&place[1]);
                    if within { inside += 1 } else { outside += 1 }
                }
            }
        }
        assert!(inside > 40 && outside == 0, "{defect:?}: {inside} {outside}");
    }
}

#[test]
fn rust_runs_down_below_its_plate_only() {
    // Beside the plate the run's length is zero, and a fade over no length once painted it solid.
    let tunnel = cable_tunnel(7);
    let footprint = Footprint::square(0.002);
    for defect in tunnel.defects().iter().filter(|d| d.class == DefectClass::Corrosion) {
        let b = defect.bounds;
        for k in 0..200 {
            let arc = (b.arc_min_m + b.height_m() * f64::from(k) / 199.0) as f32;
            for s in [b.chainage_min_m - 0.012, b.chainage_max_m + 0.012] {
                assert_ne!(tunnel.lining_surface([s as f32, arc], &footprint).defect, defect.id);
            }
        }
    }
}
