//! Check that a tunnel's axis keeps clear of itself in plan, by which alone a place in the tunnel is known.

use std::collections::HashMap;
use std::f64::consts::PI;

use super::alignment::MIN_RADIUS_M;
use super::{DesignError, TunnelDesign};

/// Samples of the axis per width of the section.
const SAMPLES_PER_WIDTH: f64 = 4.0;

impl TunnelDesign {
    /// Checks that no two places of the axis lie nearer to each other in plan than the section is wide, whatever their
    /// heights.
    ///
    /// Places less than half a turn of the tightest curve apart along the axis need no check: their chord is at least that
    /// of the tightest curve (Schur's comparison theorem), which is wider than any section.
    ///
    /// # Errors
    /// [`DesignError::Crossing`] for the first place, from the portal, that comes too near to an earlier one.
    pub fn check_crossings(&self) -> Result<(), DesignError> {
        let width_m = self.section.width_m();
        let step_m = width_m / SAMPLES_PER_WIDTH;
        let count = (self.length_m() / step_m).ceil().max(1.0) as usize;
        let neighbours = (PI * MIN_RADIUS_M / step_m).ceil() as usize;
        let chainage_of = |i: usize| self.length_m() * i as f64 / count as f64;
        let places: Vec<[f64; 2]> = (0..=count)
            .map(|i| {
                let pose = self.alignment.pose_at(chainage_of(i));
                [pose.x_m, pose.y_m]
            })
            .collect();
        // Squares as wide as the section: what is too near lies in the same one or in one next to it.
        let square_of = |[x_m, y_m]: [f64; 2]| [x_m, y_m].map(|v| (v / width_m).floor() as i64);
        let mut squares: HashMap<[i64; 2], Vec<usize>> = HashMap::new();
        for later in 0..=count {
            if let Some(earlier) = later.checked_sub(neighbours) {
                squares.entry(square_of(places[earlier])).or_default().push(earlier);
            }
            let [x, y] = square_of(places[later]);
            let around = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| [x + dx, y + dy]));
            let near = around.filter_map(|square| squares.get(&square)).flatten().map(|&earlier| {
                let ([ax, ay], [bx, by]) = (places[earlier], places[later]);
                ((ax - bx).hypot(ay - by), earlier)
            });
            if let Some((distance_m, earlier)) = near.min_by(|a, b| a.0.total_cmp(&b.0))
                && distance_m < width_m
            {
                let later_m = chainage_of(later);
                return Err(DesignError::Crossing {
                    stretch: self.alignment.stretch_at(later_m),
                    earlier_m: chainage_of(earlier),
                    later_m,
                    distance_m,
                    width_m,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Alignment, Section, SectionShape, Segment, TunnelPoint};
    use super::*;

    /// Stretches of length (m) and turn (degrees, left positive); one that turns by less than a hundredth of a degree, which
    /// would be a curve of a greater radius than there may be, is straight.
    fn tunnel(stretches: &[(f64, f64)], width_m: f64) -> TunnelDesign {
        let segments = stretches.iter().map(|(length_m, turn_deg)| Segment {
            length_m: *length_m,
            curvature_per_m: if turn_deg.abs() < 0.01 { 0.0 } else { turn_deg.to_radians() / length_m },
            grade: 0.0,
        });
        TunnelDesign {
            alignment: Alignment::new(segments.collect()).expect("valid"),
            section: Section::new(SectionShape::Box { width_m, height_m: 2.2 }).expect("valid"),
        }
    }

    #[test]
    fn what_comes_back_to_itself_is_refused_where_it_does() {
        let crossing = |stretches: &[(f64, f64)], width_m| tunnel(stretches, width_m).check_crossings().err();
        // Two turns and a quarter of a circle.
        let loops = crossing(&[(120.0, 810.0)], 2.8);
        assert!(
            matches!(loops, Some(DesignError::Crossing { later_m, .. }) if (50.0..55.0).contains(&later_m)),
            "{loops:?}"
        );
        // Across its own start, and back beside it at 4.1 m.
        let eight = crossing(&[(50.0, 0.0), (47.1, 270.0), (30.0, 0.0)], 2.8);
        assert!(matches!(eight, Some(DesignError::Crossing { stretch: 2, .. })), "{eight:?}");
        let beside = [(40.0, 0.0), (27.0, 180.0), (9.0, 60.0), (9.0, -60.0), (20.0, 0.0)];
        let hairpin = [(40.0, 0.0), (28.3, 180.0), (40.0, 0.0)];
        assert_eq!(crossing(&hairpin, 12.0), None, "18 m between the two arms");
        assert_eq!(crossing(&hairpin[..2], 12.0), None);
        assert!(crossing(&beside, 12.0).is_some());
        // Straight, and as long as tunnels are.
        assert_eq!(crossing(&[(150_000.0, 0.0)], 1.8), None);
    }

    proptest! {
        /// The widest section on the tightest curves never counts as too near to itself.
        #[test]
        fn half_a_turn_is_never_refused(turns in proptest::collection::vec(-1.0f64..1.0, 1..6)) {
            let stretches: Vec<_> = turns.iter().map(|t| (25.1 / turns.len() as f64, t * 179.0 / turns.len() as f64)).collect();
            prop_assert_eq!(tunnel(&stretches, 12.0).check_crossings(), Ok(()));
        }

        /// On a tunnel that is not refused, chainage is what it was laid out by, to the lining.
        #[test]
        fn places_are_told_apart_where_nothing_is_refused(
            stretches in proptest::collection::vec((9.0f64..60.0, -300.0f64..300.0), 1..6),
            share in 0.0f64..1.0,
            left_m in -1.3f64..1.3,
        ) {
            let tight = |(length_m, turn_deg): &(f64, f64)| (*length_m, turn_deg.clamp(-6.5 * length_m, 6.5 * length_m));
            let stretches: Vec<_> = stretches.iter().map(tight).collect();
            let tunnel = tunnel(&stretches, 2.6);
            prop_assume!(tunnel.check_crossings().is_ok());
            let chainage_m = share * tunnel.length_m();
            let found = tunnel.to_tunnel(tunnel.to_map(TunnelPoint { chainage_m, left_m, up_m: 1.0 }));
            prop_assert!((found.chainage_m - chainage_m).abs() < 0.05 && (found.left_m - left_m).abs() < 0.05,
                "{chainage_m} {left_m}: {found:?} in {stretches:?}");
        }
    }
}
