//! Agreement of the lidar, measured against the tunnel's design once more, with the recorded odometry.

use perception::localise::TunnelCorrection;
use robot_interface::angles::wrap_angle;
use robot_interface::frames::Point;
use robot_interface::state::RobotState;
use robot_interface::tunnel::TunnelDesign;

/// Less than this share of scans that fit, and the design is probably not the one of the recorded tunnel.
const DOUBTFUL_SHARE: f64 = 0.5;

#[derive(Debug, Default)]
pub(super) struct Agreement {
    scans: usize,
    /// Distances between scan and odometry: beside (m), up (m) and turned (rad), one each a scan that fits.
    off: [Vec<f64>; 3],
}

impl Agreement {
    /// Takes what a scan gave at the place where the odometry has the robot.
    pub(super) fn add(
        &mut self,
        design: &TunnelDesign,
        state: &RobotState,
        correction: Option<&TunnelCorrection>,
    ) {
        self.scans += 1;
        let Some(correction) = correction else { return };
        let place = design.to_tunnel(Point::from_coords(state.map_from_base.origin()));
        let turned = state.map_from_base.yaw() - correction.axis.heading_rad - correction.yaw_rad;
        let off = [correction.lateral_m - place.left_m, correction.height_m - place.up_m, wrap_angle(turned)];
        for (all, off) in self.off.iter_mut().zip(off) {
            all.push(off.abs());
        }
    }

    /// In a sentence, if there were scans.
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
            all.sort_by(f64::total_cmp);
            [all[all.len() / 2], all[all.len() - 1]]
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
}
