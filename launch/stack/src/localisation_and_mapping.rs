//! Localisation in the tunnel and mapping of the terrain: one lidar scan at a time, deskewed by the odometry.

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

/// Tunnel localiser and elevation map of one robot.
pub struct LocalisationAndMapping {
    base_from_lidar: Transform<Base, Lidar>,
    localiser: TunnelLocaliser,
    map: ElevationMap,
    standing_height_m: f64,
    grounded: bool,
    refused: u64,
}

/// Scan with the odometry over its time.
#[derive(Clone, Debug)]
pub struct ScanJob {
    /// The scan.
    pub scan: LidarScan,
    /// Estimate at the scan's end.
    pub state: RobotState,
    /// Poses over the scan.
    pub history: PoseHistory,
    /// True if the robot stands on its feet.
    pub standing: bool,
    /// How often time has gone back before: a job of another world than the last one wants a new map.
    pub restarts: u64,
}

/// Result of a [`ScanJob`].
#[derive(Clone, Debug)]
pub struct ScanResult {
    /// Position against the tunnel's design, if the scan fits it.
    pub correction: Option<TunnelCorrection>,
    /// Terrain around the robot.
    pub grid: TerrainGrid,
    /// True if the robot stood on its feet.
    pub standing: bool,
    /// That of its job.
    pub restarts: u64,
}

impl LocalisationAndMapping {
    /// Returns a localiser and an empty map.
    pub fn new(robot: &RobotDescription, design: &TunnelDesign) -> Self {
        Self {
            base_from_lidar: robot.lidar.base_from_lidar(),
            localiser: TunnelLocaliser::new(design.clone()),
            map: ElevationMap::new(robot),
            standing_height_m: robot.body.standing_height_m.get(),
            grounded: false,
            refused: 0,
        }
    }

    /// Registers a scan against the tunnel's design and integrates it into the elevation map.
    pub fn handle_scan(&mut self, job: &ScanJob) -> ScanResult {
        let ScanJob { scan, state, history, standing, restarts } = job;
        let pose_at = |stamp| history.pose_at(stamp);
        let points = deskew(scan, &self.base_from_lidar, pose_at, state.stamp).unwrap_or_default();
        let correction = self.localiser.correct(&points, state);
        self.refused += u64::from(correction.is_err());
        self.map.integrate(scan, pose_at);
        if *standing && !self.grounded {
            self.grounded = true;
            let ground_m = state.map_from_base.origin().z - self.standing_height_m;
            self.map.assume_ground(&state.map_from_base, ground_m, state.stamp);
        }
        ScanResult {
            correction: correction.ok(),
            grid: self.map.grid(),
            standing: *standing,
            restarts: *restarts,
        }
    }

    /// Returns how many scans did not fit the tunnel's design, over the whole run.
    pub fn refused_scans(&self) -> u64 {
        self.refused
    }
}
