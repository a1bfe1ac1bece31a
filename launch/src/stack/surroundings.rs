//! Where in the tunnel, and what the ground is like: one lidar scan at a time.

use perception::localise::{TunnelCorrection, TunnelLocaliser};
use perception::scan::deskew;
use perception::state::PoseHistory;
use perception::terrain::ElevationMap;
use robot_interface::frames::{Base, Lidar, Transform};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::LidarScan;
use robot_interface::state::RobotState;
use robot_interface::terrain::TerrainGrid;
use robot_interface::tunnel::TunnelDesign;

/// The tunnel localiser and the elevation map.
pub(crate) struct Surroundings {
    base_from_lidar: Transform<Base, Lidar>,
    localiser: TunnelLocaliser,
    map: ElevationMap,
    standing_height_m: f64,
    grounded: bool,
    refused: u64,
}

/// What a scan told.
pub(crate) struct Perceived {
    pub(crate) correction: Option<TunnelCorrection>,
    pub(crate) grid: TerrainGrid,
}

impl Surroundings {
    pub(crate) fn new(robot: &RobotDescription, design: &TunnelDesign) -> Self {
        Self {
            base_from_lidar: robot.lidar.base_from_lidar(),
            localiser: TunnelLocaliser::new(design.clone()),
            map: ElevationMap::new(robot),
            standing_height_m: robot.body.standing_height_m.get(),
            grounded: false,
            refused: 0,
        }
    }

    /// Takes a scan; `state` and `history` are the estimate at its end.
    pub(crate) fn perceive(
        &mut self,
        scan: &LidarScan,
        state: &RobotState,
        history: &PoseHistory,
        standing: bool,
    ) -> Perceived {
        let pose_at = |stamp| history.pose_at(stamp);
        let points = deskew(scan, &self.base_from_lidar, pose_at, state.stamp).unwrap_or_default();
        let correction = self.localiser.correct(&points, state);
        self.refused += u64::from(correction.is_err());
        self.map.integrate(scan, pose_at);
        if standing && !self.grounded {
            self.grounded = true;
            let ground_m = state.map_from_base.origin().z - self.standing_height_m;
            self.map.assume_ground(&state.map_from_base, ground_m, state.stamp);
        }
        Perceived { correction: correction.ok(), grid: self.map.grid() }
    }

    /// Scans that did not fit the tunnel's design, over the whole run.
    pub(crate) fn refused_scans(&self) -> u64 {
        self.refused
    }
}
