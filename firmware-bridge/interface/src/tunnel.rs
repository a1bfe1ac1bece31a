//! Tunnel coordinates: chainage along the axis, clock position on the lining, and the lining unrolled.
//!
//! The design of a tunnel, an alignment and a section, is what its owner's drawings say; it is known
//! before the robot enters. Chainage is measured horizontally along the axis from the portal. The clock
//! is read looking up-chainage: 12 is the crown, 3 the right-hand wall.

mod alignment;
mod crossing;
mod error;
mod section;

pub use alignment::{Alignment, AxisPose, Segment};
pub use error::DesignError;
pub use section::{Section, SectionShape};

use serde::{Deserialize, Serialize};

use crate::frames::{Map, Point};

/// A point relative to the tunnel's axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TunnelPoint {
    /// Distance along the axis from the portal, m.
    pub chainage_m: f64,
    /// Distance to the left of the axis, looking up-chainage, m.
    pub left_m: f64,
    /// Height above the design floor at that chainage, m.
    pub up_m: f64,
}

/// A point on the lining, unrolled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiningPoint {
    /// Distance along the axis from the portal, m.
    pub chainage_m: f64,
    /// Distance along the lining from the crown, m: positive clockwise looking up-chainage (to the right).
    pub arc_m: f64,
}

/// A tunnel as designed.
#[derive(Clone, Debug, PartialEq)]
pub struct TunnelDesign {
    /// The axis.
    pub alignment: Alignment,
    /// The section, the same all along.
    pub section: Section,
}

impl TunnelDesign {
    /// Length of the axis, m.
    pub fn length_m(&self) -> f64 {
        self.alignment.length_m()
    }

    /// Tunnel coordinates of a point in `map`. Beyond either end the axis goes on straight.
    pub fn to_tunnel(&self, point: Point<Map>) -> TunnelPoint {
        let p = point.coords;
        let (chainage_m, left_m) = self.alignment.closest(p.x, p.y);
        TunnelPoint { chainage_m, left_m, up_m: p.z - self.alignment.pose_at(chainage_m).z_m }
    }

    /// The point in `map` of tunnel coordinates.
    pub fn to_map(&self, p: TunnelPoint) -> Point<Map> {
        let axis = self.alignment.pose_at(p.chainage_m);
        let (sin, cos) = axis.heading_rad.sin_cos();
        Point::new(axis.x_m - sin * p.left_m, axis.y_m + cos * p.left_m, axis.z_m + p.up_m)
    }

    /// Projection of a point onto the lining, straight away from the section's centre.
    pub fn to_lining(&self, p: TunnelPoint) -> LiningPoint {
        let angle = self.section.angle_of(p.left_m, p.up_m);
        LiningPoint { chainage_m: p.chainage_m, arc_m: self.section.arc_of_angle(angle) }
    }

    /// The tunnel coordinates of a point on the lining.
    pub fn lining_to_tunnel(&self, p: LiningPoint) -> TunnelPoint {
        let angle = self.section.angle_of_arc(p.arc_m);
        let [left_m, up_m] = self.section.point_at(angle);
        TunnelPoint { chainage_m: p.chainage_m, left_m, up_m }
    }

    /// Clock position of a point on the lining, hours in [0, 12): 0 is the crown, 3 the right-hand wall.
    pub fn clock_h(&self, p: LiningPoint) -> f64 {
        clock_of_angle(self.section.angle_of_arc(p.arc_m))
    }

    /// Clearance of a point from the lining: positive inside the tunnel, m, measured from the section's centre.
    pub fn clearance_m(&self, point: Point<Map>) -> f64 {
        let p = self.to_tunnel(point);
        self.section.clearance(p.left_m, p.up_m)
    }

    /// Raycast from inside the tunnel onto the designed lining: the distance along the unit
    /// `direction` in metres, or `None` when it leaves through an end or goes further than `max_m`.
    pub fn raycast(&self, origin: Point<Map>, direction: nalgebra::Vector3<f64>, max_m: f64) -> Option<f64> {
        const STEP_M: f64 = 0.2;
        let at = |t: f64| Point::<Map>::from_coords(origin.coords + direction * t);
        let (mut inside, mut t) = (0.0, STEP_M);
        if self.clearance_m(origin) <= 0.0 {
            return None;
        }
        while self.clearance_m(at(t)) > 0.0 {
            if t > max_m {
                return None;
            }
            inside = t;
            t += STEP_M;
        }
        let mut outside = t;
        for _ in 0..20 {
            let middle = (inside + outside) / 2.0;
            if self.clearance_m(at(middle)) > 0.0 { inside = middle } else { outside = middle }
        }
        let chainage = self.to_tunnel(at(inside)).chainage_m;
        (0.0..=self.length_m()).contains(&chainage).then_some(inside)
    }
}

/// Clock position in hours, [0, 12), of an angle from the crown (radians, clockwise looking up-chainage).
pub fn clock_of_angle(angle_rad: f64) -> f64 {
    (angle_rad / std::f64::consts::TAU * 12.0).rem_euclid(12.0)
}

/// A clock position as inspectors write it, such as `2:30`; the crown is `12:00`.
pub fn clock_text(clock_h: f64) -> String {
    let minutes = (clock_h.rem_euclid(12.0) * 60.0).round() as u32 % 720;
    let hour = if minutes < 60 { 12 } else { minutes / 60 };
    format!("{hour}:{:02}", minutes % 60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn curved() -> TunnelDesign {
        TunnelDesign {
            alignment: Alignment::new(vec![
                Segment { length_m: 20.0, curvature_per_m: 0.0, grade: 0.0 },
                Segment { length_m: 15.0, curvature_per_m: 1.0 / 30.0, grade: 0.03 },
                Segment { length_m: 15.0, curvature_per_m: -1.0 / 25.0, grade: -0.02 },
            ])
            .expect("valid"),
            section: Section::new(SectionShape::Circular { diameter_m: 3.0, floor_height_m: 0.45 })
                .expect("valid"),
        }
    }

    #[test]
    fn clock_reads_like_a_clock() {
        let tunnel = curved();
        let clock = |left_m, up_m| {
            clock_text(tunnel.clock_h(tunnel.to_lining(TunnelPoint { chainage_m: 5.0, left_m, up_m })))
        };
        assert_eq!(clock(0.0, 2.5), "12:00");
        assert_eq!(clock(-1.4, 1.05), "3:00");
        assert_eq!(clock(1.4, 1.05), "9:00");
        assert_eq!(clock_text(11.999), "12:00");
        assert_eq!(clock_text(0.5), "12:30");
    }

    #[test]
    fn a_ray_meets_the_wall_where_the_drawing_says() {
        let tunnel = curved();
        let eye = Point::<Map>::new(10.0, 0.0, 1.05);
        let t = tunnel.raycast(eye, nalgebra::Vector3::y(), 10.0).expect("hits the left wall");
        assert!((t - 1.5).abs() < 1e-4, "{t}");
        assert_eq!(tunnel.raycast(eye, -nalgebra::Vector3::x(), 30.0), None, "out of the portal");
    }

    proptest! {
        #[test]
        fn tunnel_and_map_agree(s in 0.5f64..49.5, left in -1.4f64..1.4, up in 0.0f64..2.5) {
            let tunnel = curved();
            let p = TunnelPoint { chainage_m: s, left_m: left, up_m: up };
            let q = tunnel.to_tunnel(tunnel.to_map(p));
            prop_assert!((q.chainage_m - s).abs() < 1e-6, "{q:?}");
            prop_assert!((q.left_m - left).abs() < 1e-6 && (q.up_m - up).abs() < 1e-6, "{q:?}");
        }

        #[test]
        fn lining_points_survive_the_round_trip(s in 0.5f64..49.5, arc in -2.8f64..2.8) {
            let tunnel = curved();
            let p = LiningPoint { chainage_m: s, arc_m: arc };
            let q = tunnel.to_lining(tunnel.lining_to_tunnel(p));
            prop_assert!((q.chainage_m - s).abs() < 1e-9 && (q.arc_m - arc).abs() < 1e-4, "{q:?}");
        }
    }
}
