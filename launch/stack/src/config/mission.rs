//! The mission as the robot is told it.

use robot_interface::frames::{Base, Map, Transform};
use robot_interface::tunnel::{TunnelDesign, TunnelPoint};
use robot_interface::units::{Finite, NonNegative, Positive};
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
#[derive(Clone, Copy, Debug, Deserialize)]
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
    /// A cable joint hotter than this is reported, degrees Celsius.
    pub hot_joint_above_c: Finite,
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
