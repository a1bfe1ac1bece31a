//! A tunnel's cross-section, and its lining unrolled.

use std::f64::consts::{FRAC_PI_2, PI};

use super::error::DesignError;

/// The outline of the lining. Heights are above the floor on which one walks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SectionShape {
    /// A bored tunnel: a circle with a flat floor laid into it.
    Circular {
        /// Inner diameter, m.
        diameter_m: f64,
        /// Height of the floor above the circle's lowest point, m.
        floor_height_m: f64,
    },
    /// Upright walls under a half circle.
    Horseshoe {
        /// Width between the walls, m.
        width_m: f64,
        /// Height of the walls up to the springing of the arch, m.
        wall_height_m: f64,
    },
    /// A rectangle.
    Box {
        /// Width between the walls, m.
        width_m: f64,
        /// Floor to ceiling, m.
        height_m: f64,
    },
}

/// A section with its unrolled lining worked out.
///
/// Angles are from the crown about [`Section::centre_up_m`], radians, positive clockwise looking
/// up-chainage (to the right). Arc is distance along the lining from the crown with the same sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    shape: SectionShape,
    centre_up_m: f64,
    floor_angle_rad: f64,
    /// Arc at equal steps of angle from 0 to `floor_angle_rad`, m.
    arcs: Vec<f64>,
}

const ARC_STEPS: usize = 2048;

impl Section {
    /// A section of this outline.
    ///
    /// # Errors
    /// When a dimension lies outside what tunnels have.
    pub fn new(shape: SectionShape) -> Result<Self, DesignError> {
        let check = |what, value_m: f64| {
            if (1.8..=12.0).contains(&value_m) {
                Ok(())
            } else {
                Err(DesignError::SectionSize { what, value_m })
            }
        };
        let centre_up_m = match shape {
            SectionShape::Circular { diameter_m, floor_height_m } => {
                check("diameter_m", diameter_m)?;
                if !(0.05..diameter_m / 2.0).contains(&floor_height_m) {
                    return Err(DesignError::FloorHeight(floor_height_m));
                }
                diameter_m / 2.0 - floor_height_m
            }
            SectionShape::Horseshoe { width_m, wall_height_m } => {
                check("width_m", width_m)?;
                if !(0.2..=10.0).contains(&wall_height_m) {
                    return Err(DesignError::SectionSize { what: "wall_height_m", value_m: wall_height_m });
                }
                wall_height_m
            }
            SectionShape::Box { width_m, height_m } => {
                check("width_m", width_m)?;
                check("height_m", height_m)?;
                height_m / 2.0
            }
        };
        let mut section = Self { shape, centre_up_m, floor_angle_rad: PI, arcs: Vec::new() };
        section.floor_angle_rad = section.find_floor();
        section.arcs = section.unroll();
        Ok(section)
    }

    /// The outline.
    pub const fn shape(&self) -> SectionShape {
        self.shape
    }

    /// Greatest width, m.
    pub const fn width_m(&self) -> f64 {
        match self.shape {
            SectionShape::Circular { diameter_m, .. } => diameter_m,
            SectionShape::Horseshoe { width_m, .. } | SectionShape::Box { width_m, .. } => width_m,
        }
    }

    /// Height of the centre about which angles are measured, above the floor, m.
    pub const fn centre_up_m(&self) -> f64 {
        self.centre_up_m
    }

    /// Angle at which the right-hand lining meets the floor, rad.
    pub const fn floor_angle_rad(&self) -> f64 {
        self.floor_angle_rad
    }

    /// Arc from the crown down to the floor, m: the lining spans `-half_arc_m()..=half_arc_m()`.
    pub fn half_arc_m(&self) -> f64 {
        self.arcs[ARC_STEPS]
    }

    /// Height of the crown above the floor, m.
    pub fn crown_up_m(&self) -> f64 {
        self.centre_up_m + self.radius_at(0.0)
    }

    /// Half the width of the floor, m.
    pub fn floor_half_width_m(&self) -> f64 {
        self.radius_at(self.floor_angle_rad) * self.floor_angle_rad.sin()
    }

    /// Distance from the centre to the lining at an angle, m.
    pub fn radius_at(&self, angle_rad: f64) -> f64 {
        let (sin, cos) = angle_rad.sin_cos();
        let to_wall = |half_width: f64| half_width / sin.abs().max(1e-12);
        match self.shape {
            SectionShape::Circular { diameter_m, .. } => diameter_m / 2.0,
            SectionShape::Horseshoe { width_m, .. } if cos >= 0.0 => width_m / 2.0,
            SectionShape::Horseshoe { width_m, .. } => to_wall(width_m / 2.0),
            SectionShape::Box { width_m, height_m } => {
                to_wall(width_m / 2.0).min(height_m / 2.0 / cos.abs().max(1e-12))
            }
        }
    }

    /// Point of the lining at an angle: `[left_m, up_m]`.
    pub fn point_at(&self, angle_rad: f64) -> [f64; 2] {
        let r = self.radius_at(angle_rad);
        [-r * angle_rad.sin(), self.centre_up_m + r * angle_rad.cos()]
    }

    /// Unit normal of the lining at an angle, into the tunnel: `[left, up]`.
    pub fn inward_normal_at(&self, angle_rad: f64) -> [f64; 2] {
        let h = 1e-4;
        let (a, b) = (self.point_at(angle_rad - h), self.point_at(angle_rad + h));
        // Walking clockwise round the outline, the inside lies on the right hand.
        let (tangent_left, tangent_up) = (b[0] - a[0], b[1] - a[1]);
        let norm = tangent_left.hypot(tangent_up).max(1e-12);
        [-tangent_up / norm, tangent_left / norm]
    }

    /// Angle of a point of the section, rad in (-pi, pi].
    pub fn angle_of(&self, left_m: f64, up_m: f64) -> f64 {
        (-left_m).atan2(up_m - self.centre_up_m)
    }

    /// Distance from a point out to the lining along its radius, m; negative outside.
    pub fn clearance(&self, left_m: f64, up_m: f64) -> f64 {
        let r = left_m.hypot(up_m - self.centre_up_m);
        self.radius_at(self.angle_of(left_m, up_m)) - r
    }

    /// Arc of an angle, m; angles below the floor go on at the rate of the lining's foot.
    pub fn arc_of_angle(&self, angle_rad: f64) -> f64 {
        let t = angle_rad.abs() / self.floor_angle_rad * ARC_STEPS as f64;
        let i = (t as usize).min(ARC_STEPS - 1);
        let arc = self.arcs[i] + (t - i as f64) * (self.arcs[i + 1] - self.arcs[i]);
        arc.copysign(angle_rad)
    }

    /// Angle of an arc, rad: the inverse of [`Section::arc_of_angle`].
    pub fn angle_of_arc(&self, arc_m: f64) -> f64 {
        let arc = arc_m.abs();
        let i = self.arcs.partition_point(|a| *a <= arc).clamp(1, ARC_STEPS) - 1;
        let t = i as f64 + (arc - self.arcs[i]) / (self.arcs[i + 1] - self.arcs[i]);
        (t / ARC_STEPS as f64 * self.floor_angle_rad).copysign(arc_m)
    }

    fn find_floor(&self) -> f64 {
        let (mut above, mut below) = (FRAC_PI_2, PI);
        for _ in 0..60 {
            let middle = (above + below) / 2.0;
            if self.point_at(middle)[1] > 1e-9 { above = middle } else { below = middle }
        }
        above
    }

    fn unroll(&self) -> Vec<f64> {
        let step = self.floor_angle_rad / ARC_STEPS as f64;
        let mut arcs = Vec::with_capacity(ARC_STEPS + 1);
        arcs.push(0.0);
        let (mut arc, mut last) = (0.0, self.point_at(0.0));
        for i in 1..=ARC_STEPS {
            let next = self.point_at(i as f64 * step);
            arc += (next[0] - last[0]).hypot(next[1] - last[1]);
            arcs.push(arc);
            last = next;
        }
        arcs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arcs_are_the_lengths_of_the_outline() {
        let circle =
            Section::new(SectionShape::Circular { diameter_m: 4.0, floor_height_m: 0.6 }).expect("ok");
        let angle = PI - (1.4f64 / 2.0).acos();
        assert!((circle.half_arc_m() - 2.0 * angle).abs() < 1e-4);
        let horseshoe =
            Section::new(SectionShape::Horseshoe { width_m: 3.0, wall_height_m: 1.2 }).expect("ok");
        assert!((horseshoe.half_arc_m() - (1.5 * FRAC_PI_2 + 1.2)).abs() < 1e-4);
        let square = Section::new(SectionShape::Box { width_m: 2.4, height_m: 2.0 }).expect("ok");
        assert!((square.half_arc_m() - (1.2 + 2.0)).abs() < 2e-3, "{}", square.half_arc_m());
    }

    #[test]
    fn normals_point_into_the_tunnel() {
        for shape in [
            SectionShape::Circular { diameter_m: 3.0, floor_height_m: 0.4 },
            SectionShape::Horseshoe { width_m: 3.0, wall_height_m: 1.2 },
            SectionShape::Box { width_m: 2.4, height_m: 2.0 },
        ] {
            let section = Section::new(shape).expect("ok");
            for angle in [-1.9, -1.2, -0.3, 0.2, 0.9, 1.8] {
                let ([left, up], [nl, nu]) = (section.point_at(angle), section.inward_normal_at(angle));
                assert!(section.clearance(left + 0.01 * nl, up + 0.01 * nu) > 0.0, "{shape:?} {angle}");
            }
        }
    }

    #[test]
    fn impossible_sections_are_refused() {
        assert!(Section::new(SectionShape::Circular { diameter_m: 3.0, floor_height_m: 1.6 }).is_err());
        assert!(Section::new(SectionShape::Box { width_m: 0.5, height_m: 2.0 }).is_err());
        assert!(Section::new(SectionShape::Horseshoe { width_m: f64::NAN, wall_height_m: 1.0 }).is_err());
    }
}
