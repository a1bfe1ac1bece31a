//! The mission as the robot is told it.

use std::path::PathBuf;

use perception::defects::Segmenter;
use robot_interface::checks::{KeyError, number_text, within};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::tunnel::{TunnelDesign, TunnelPoint};
use robot_interface::units::{Finite, Fraction, NonNegative, Positive};
use serde::Deserialize;

/// Height of the trunk above the floor when the robot is set down to lie, m.
const LYING_HEIGHT_M: f64 = 0.10;

/// A mission, checked: all that the robot's side of a run is built from. Nothing in it tells of a simulation.
#[derive(Clone, Debug)]
pub struct Mission {
    /// Name of the mission and of its run folder.
    pub name: String,
    /// Robot name or path.
    pub robot: String,
    /// The tunnel as its drawings say.
    pub design: TunnelDesign,
    /// Range, stations and pictures of the inspection.
    pub inspection: Inspection,
    /// Times after which the mission gives up.
    pub limits: Limits,
    /// The defect network, of the weights that `inspection` names; `None`: the one that comes with Adit.
    pub model: Option<Segmenter>,
}

impl Mission {
    /// Returns where the robot is set down: on the axis at the mission's start, looking up-chainage.
    pub fn start_pose(&self) -> Transform<Map, Base> {
        let chainage_m = self.inspection.start_m.get();
        let axis = self.design.alignment.pose_at(chainage_m);
        let place = self.design.to_map(TunnelPoint { chainage_m, left_m: 0.0, up_m: LYING_HEIGHT_M });
        let p = place.coords;
        Transform::from_xyz_rpy([p.x, p.y, p.z], [0.0, -axis.grade.atan(), axis.heading_rad])
    }
}

/// Range, stations and pictures of an inspection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inspection {
    /// Chainage where the robot is set down, m.
    pub start_m: NonNegative,
    /// Chainage of the last station, m.
    pub end_m: Positive,
    /// Distance between stations where it stops and looks, m.
    pub station_every_m: Positive,
    /// Distance walked between pictures, m.
    pub picture_every_m: Positive,
    /// Time at a station, s.
    pub dwell_s: NonNegative,
    /// Walking speed on the way out, m/s.
    pub speed_m_s: Positive,
    /// Walking speed on the way home, m/s.
    pub return_speed_m_s: Positive,
    /// A cable joint hotter than this is reported, degrees Celsius, whatever its sisters are.
    pub hot_joint_above_c: Finite,
    /// Emissivity of cable joints: the share of a black body's radiation that their surface sends out.
    #[serde(default = "sheath_emissivity")]
    pub joint_emissivity: Fraction,
    /// File of the defect network's weights, seen from the mission file. It is not read here: whoever reads the mission file
    /// puts what is in it into [`Mission::model`].
    pub weights: Option<PathBuf>,
}

/// Emissivity of cable sheaths and sleeves, as tables of thermography give it for rubber and plastics: 0.90 to 0.97.
fn sheath_emissivity() -> Fraction {
    Fraction::try_from(0.95).unwrap_or_else(|_| unreachable!("a default lies in its range"))
}

impl Inspection {
    /// Checks each value against what a robot can walk, and the range against a tunnel of this length.
    ///
    /// # Errors
    /// [`KeyError`] for the first value that cannot be.
    pub fn check(&self, length_m: f64) -> Result<(), KeyError> {
        let (start, end) = (self.start_m.get(), self.end_m.get());
        let refuse = |key: &str, value, other: &str, other_value| {
            let [value, other_value] = [value, other_value].map(number_text);
            let problem = format!("{value} and {other} {other_value} do not fit a tunnel of {length_m} m");
            Err(KeyError::new(key, problem, format!("keep 0.5 <= start_m < end_m <= {}", length_m - 0.5)))
        };
        if start < 0.5 || start > length_m - 0.5 {
            return refuse("start_m", start, "end_m", end);
        }
        if end <= start || end > length_m - 0.5 {
            return refuse("end_m", end, "start_m", start);
        }
        within("station_every_m", self.station_every_m.get(), 0.1..=200_000.0)?;
        within("picture_every_m", self.picture_every_m.get(), 0.05..=200_000.0)?;
        within("dwell_s", self.dwell_s.get(), 0.0..=3600.0)?;
        within("speed_m_s", self.speed_m_s.get(), 0.05..=10.0)?;
        within("return_speed_m_s", self.return_speed_m_s.get(), 0.05..=10.0)?;
        within("hot_joint_above_c", self.hot_joint_above_c.get(), -50.0..=500.0)?;
        // Of a surface that reflects more than it sends out, a camera shows the surroundings.
        within("joint_emissivity", self.joint_emissivity.get(), 0.5..=1.0)
    }
}

/// Times after which a mission gives up.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Simulated time after which the robot turns home, s.
    pub timeout_s: Positive,
    /// Time without progress that counts as stuck, s.
    pub stuck_after_s: Positive,
}

impl Limits {
    /// Checks each value against the time that a mission takes.
    ///
    /// # Errors
    /// [`KeyError`] for the first value that cannot be.
    pub fn check(&self) -> Result<(), KeyError> {
        within("timeout_s", self.timeout_s.get(), 1.0..=1e7)?;
        within("stuck_after_s", self.stuck_after_s.get(), 0.5..=1e6)
    }
}
