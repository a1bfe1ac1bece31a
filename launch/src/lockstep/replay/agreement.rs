//! Agreement of the lidar, measured against the tunnel's design once more, with the recorded odometry.

use perception::localise::TunnelCorrection;
use robot_interface::angles::wrap_angle;
use robot_interface::frames::Point;
use robot_interface::state::RobotState;
use robot_interface::tunnel::TunnelDesign;

/// Offsets whose median is farther from zero than this are no noise: something is mounted or drawn otherwise.
const SYSTEMATIC_M: f64 = 0.05;
const SYSTEMATIC_DEG: f64 = 1.0;
/// A scan of fewer points shows no tunnel.
const MIN_POINTS: usize = 50;
/// Less than this share of scans that fit, and the design is probably not the one of the recorded tunnel.
const DOUBTFUL_SHARE: f64 = 0.5;

#[derive(Debug, Default)]
pub(super) struct Agreement {
    scans: usize,
    /// Scans with next to no points, which are not counted among the others.
    empty: usize,
    /// Offsets of the scan's robot from its odometry's: left (m), up (m) and turned left (rad), one each a scan that fits.
    off: [Vec<f64>; 3],
}

impl Agreement {
    /// Takes what a scan gave at the place where the odometry has the robot.
    pub(super) fn add(
        &mut self,
        design: &TunnelDesign,
        state: &RobotState,
        points: usize,
        correction: Option<&TunnelCorrection>,
    ) {
        if points < MIN_POINTS && correction.is_none() {
            self.empty += 1;
            return;
        }
        self.scans += 1;
        let Some(correction) = correction else { return };
        let place = design.to_tunnel(Point::from_coords(state.map_from_base.origin()));
        let turned = correction.axis.heading_rad + correction.yaw_rad - state.map_from_base.yaw();
        let off = [correction.lateral_m - place.left_m, correction.height_m - place.up_m, wrap_angle(turned)];
        for (all, off) in self.off.iter_mut().zip(off) {
            all.push(off);
        }
    }

    /// Returns how many scans fitted.
    pub(super) fn fitting(&self) -> usize {
        self.off[0].len()
    }

    /// Returns a warning for each way in which scans and odometry differ all the time.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.empty > 0 {
            warnings.push(format!(
                "{} of {} lidar scans have next to no points: is the lidar covered, or are its returns zeros?",
                self.empty,
                self.empty + self.scans
            ));
        }
        if self.fitting() > 0 {
            let [left_m, up_m, turned_rad] = self.off.clone().map(|mut all| median(&mut all));
            let mut off = Vec::new();
            for (metres, [way, back]) in [(left_m, ["left of", "right of"]), (up_m, ["above", "below"])] {
                if metres.abs() > SYSTEMATIC_M {
                    off.push(format!(
                        "{:.1} cm {}",
                        100.0 * metres.abs(),
                        if metres > 0.0 { way } else { back }
                    ));
                }
            }
            let turned_deg = turned_rad.to_degrees();
            if turned_deg.abs() > SYSTEMATIC_DEG {
                let way = if turned_deg > 0.0 { "left" } else { "right" };
                off.push(format!("{:.1} degrees to the {way} of", turned_deg.abs()));
            }
            if !off.is_empty() {
                warnings.push(format!(
                    "Over the whole recording the lidar has the robot {} where its odometry has it (median): check xyz_m and \
                     rpy_deg of [lidar] in the robot's file, and the mission's alignment and section.",
                    off.join(", ")
                ));
            }
        }
        warnings
    }

    /// In a sentence, if there were scans with points.
    pub(super) fn sentence(&self) -> Option<String> {
        if self.scans == 0 {
            return None;
        }
        let used = self.off[0].len();
        let doubt = if (used as f64) < DOUBTFUL_SHARE * self.scans as f64 {
            " So few fit that this may be another tunnel: give the recorded run's mission with --mission."
        } else {
            ""
        };
        let fit = format!("{used} of {} lidar scans fit the tunnel's design", self.scans);
        if used == 0 {
            return Some(format!("{fit}.{doubt}"));
        }
        let [beside, up, turned] = self.off.clone().map(|mut all| {
            all.iter_mut().for_each(|off| *off = off.abs());
            [median(&mut all), all[all.len() - 1]]
        });
        Some(format!(
            "{fit}: they have the robot {:.1} cm beside, {:.1} cm above or below and {:.1} degrees turned from where \
             its odometry has it (medians; at most {:.1} cm, {:.1} cm, {:.1} degrees).{doubt}",
            100.0 * beside[0],
            100.0 * up[0],
            turned[0].to_degrees(),
            100.0 * beside[1],
            100.0 * up[1],
            turned[1].to_degrees(),
        ))
    }
}

/// The middle one of at least one value, which are sorted.
fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_doubted() {
        let mut agreement = Agreement::default();
        assert_eq!(agreement.sentence(), None);
        agreement.scans = 4;
        let none = agreement.sentence().expect("scans");
        assert!(none.contains("0 of 4") && none.contains("--mission"), "{none}");
        agreement.off = [vec![0.01, 0.05, 0.02], vec![0.0, 0.0, 0.03], vec![0.0; 3]];
        let most = agreement.sentence().expect("scans");
        assert!(
            most.contains("3 of 4")
                && most.contains("2.0 cm beside")
                && most.contains("at most 5.0 cm, 3.0 cm")
        );
        assert!(!most.contains("--mission"), "{most}");
    }

    #[test]
    fn what_is_off_all_the_time_is_a_warning_and_noise_is_none() {
        let noise: Vec<_> = (-10..=10).map(|i| f64::from(i) * 0.02).collect();
        let of = |left_m: f64, up_m: f64, turned_deg: f64| {
            let shifted = |by: f64| noise.iter().map(|v| v + by).collect::<Vec<_>>();
            let off = [shifted(left_m), shifted(up_m), shifted(turned_deg.to_radians())];
            Agreement { scans: noise.len(), empty: 0, off }.warnings()
        };
        assert!(of(0.0, 0.0, 0.0).is_empty() && of(0.045, -0.045, 0.9).is_empty());
        for (warnings, said) in [
            (of(0.06, 0.0, 0.0), "6.0 cm left of"),
            (of(0.0, -0.06, 0.0), "6.0 cm below"),
            (of(0.0, 0.0, -1.5), "1.5 degrees to the right of"),
        ] {
            assert!(warnings.len() == 1 && warnings[0].contains(said), "{said}: {warnings:?}");
            assert!(warnings[0].contains("rpy_deg of [lidar]"), "{warnings:?}");
        }
        let empty = Agreement { scans: 0, empty: 3, ..Agreement::default() };
        assert!(
            empty.sentence().is_none() && empty.warnings()[0].contains("3 of 3"),
            "another tunnel is not the reason"
        );
    }
}
