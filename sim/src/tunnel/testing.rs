//! Tunnels for tests.

use robot_interface::fixtures::BORED;
use robot_interface::tunnel::{Alignment, Section, SectionShape, Segment, TunnelDesign};

use super::{Tunnel, TunnelDescription};

pub(crate) fn design(length_m: f64, shape: SectionShape) -> TunnelDesign {
    let thirds = [(0.0, 0.0), (1.0 / 40.0, 0.015), (-1.0 / 50.0, 0.0)];
    let segment = |(curvature_per_m, grade)| Segment { length_m: length_m / 3.0, curvature_per_m, grade };
    TunnelDesign {
        alignment: Alignment::new(thirds.map(segment).to_vec()).expect("valid"),
        section: Section::new(shape).expect("valid"),
    }
}

/// A bored tunnel of 30 m with everything in it, more of it than by default.
pub(crate) fn cable_tunnel(seed: u64) -> Tunnel {
    let mut wanted = TunnelDescription::default();
    wanted.defects.hot_joint_share = 0.5.try_into().expect("a fraction");
    wanted.furniture.debris_per_10_m = 4.0.try_into().expect("not negative");
    Tunnel::generate(&design(30.0, BORED), &wanted, seed).expect("makes a tunnel")
}
