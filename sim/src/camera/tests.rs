use robot_interface::defect::DefectClass;
use robot_interface::tunnel::LiningPoint;

use robot_interface::time::Stamp;

use super::*;
use crate::geometry::Bvh;
use crate::tunnel::testing::cable_tunnel;

fn camera(side: u32) -> Camera {
    Camera {
        index: 2,
        lens: Intrinsics::from_fov(side, side, 1.0),
        lighting: Lighting::ROBOT,
        sensor: ImageSensor { noise: 0.012, key: 0.2, softness: 0.08, contrast: 1.0 },
    }
}

/// A view of a place on the lining from a metre away, square on.
fn facing(tunnel: &Tunnel, [s, a]: [f64; 2]) -> Transform<Map, frames::Camera> {
    let design = tunnel.design();
    let on = design.lining_to_tunnel(LiningPoint { chainage_m: s, arc_m: a });
    let [left, up] = design.section.inward_normal_at(design.section.angle_of_arc(a));
    let mut eye = on;
    (eye.left_m, eye.up_m) = (on.left_m + left, on.up_m + up);
    looking_at(design.to_map(eye).coords, design.to_map(on).coords)
}

#[test]
fn the_same_seed_gives_the_same_picture_on_any_number_of_threads() {
    let tunnel = cable_tunnel(4);
    let caster = Bvh::new(tunnel.geometry());
    let camera = camera(120);
    let start = facing(&tunnel, [8.0, 0.9]);
    let end = Transform::new(
        start.isometry * nalgebra::Isometry3::rotation(nalgebra::Vector3::new(0.01, 0.02, 0.0)),
    );
    let exposure = Exposure { start, end, stamp: Stamp::ZERO };
    let take = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| camera.render(&tunnel, &caster, &exposure, seed))
    };
    let one = take(1, 9);
    assert_eq!(one, take(3, 9));
    assert_ne!(one.frame, take(1, 10).frame);
    assert_eq!(one.labels, take(1, 10).labels, "noise does not move the truth");
}

#[test]
fn a_defect_is_seen_where_it_is() {
    let tunnel = cable_tunnel(2);
    let caster = Bvh::new(tunnel.geometry());
    let camera = camera(160);
    let mut found = 0;
    let clear = |d: &&crate::tunnel::TrueDefect| {
        // Away from the racks, which hide what is behind them.
        d.bounds.arc_max_m < 0.8
            && matches!(d.class, DefectClass::Spalling | DefectClass::Leakage | DefectClass::Crack)
    };
    for defect in tunnel.defects().iter().filter(clear) {
        let pose = facing(&tunnel, defect.bounds.centre());
        let picture = camera.render(&tunnel, &caster, &Exposure::still(pose, Stamp::ZERO), 1);
        let seen = picture.visible.iter().find(|v| v.id == defect.id);
        if defect.class == DefectClass::Crack && defect.width_mm.is_some_and(|w| w < 3.0) {
            continue;
        }
        let seen = seen.unwrap_or_else(|| panic!("{defect:?} is not seen"));
        assert!(seen.pixels > 20 && seen.brightness > 0.01 && seen.contrast > 0.02, "{defect:?} {seen:?}");
        let expected = 1000.0 * 2.0 * (0.5f32).tan() / 160.0;
        assert!((seen.mm_per_pixel / expected - 1.0).abs() < 0.4, "{} {expected}", seen.mm_per_pixel);
        // Every labelled pixel of the class projects into the true bounds of some defect of that class.
        let design = tunnel.design();
        for (k, label) in picture.labels.iter().enumerate().filter(|(_, l)| **l == defect.class.mask_value())
        {
            let ray =
                pose.rotation() * camera.lens.ray((k % 160) as f64 + 0.5, (k / 160) as f64 + 0.5).normalize();
            let eye = frames::Point::from_coords(pose.origin());
            let Some(t) = design.raycast(eye, ray, 20.0) else { continue };
            let hit = frames::Point::from_coords(pose.origin() + ray * t);
            let at = design.to_lining(design.to_tunnel(hit));
            let inside = tunnel.defects().iter().any(|d| {
                let b = d.bounds.grown(0.03);
                d.class.mask_value() == *label
                    && (b.chainage_min_m..b.chainage_max_m).contains(&at.chainage_m)
                    && (b.arc_min_m..b.arc_max_m).contains(&at.arc_m)
            });
            assert!(inside, "{at:?} is labelled {label}");
        }
        found += 1;
    }
    assert!(found >= 3, "the test looked at {found} defects");
}
