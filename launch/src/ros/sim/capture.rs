//! Requests of the world to the simulated sensors.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use robot_interface::frames::{Base, Map, Transform};
use robot_interface::time::Stamp;

use crate::world::{Scene, TruePoses};

/// Request to take pictures, with the tunnel around the robot and its true poses when the shutters opened and closed.
pub(super) struct CaptureRequest {
    pub(super) stamp: Stamp,
    pub(super) scene: Arc<Scene>,
    pub(super) truth: [Transform<Map, Base>; 2],
}

/// Queues of the sensors, by whose true poses they see.
#[derive(Clone)]
pub(super) struct Inlets {
    pub(super) scans: SyncSender<TruePoses>,
    pub(super) captures: SyncSender<CaptureRequest>,
}
