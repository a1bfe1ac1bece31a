//! The cameras carried along a tunnel without a robot under them: what the defect model alone makes of it, many
//! times faster than a walk.
//!
//! The poses sway about as much as they do in a walk, and are known about as well as the estimator knows them.

use std::sync::Arc;

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelPoint;
use sim::tunnel::Tunnel;

use super::detail::Detail;
use super::inspection_worker::{CameraRig, CaptureRequest};
use crate::ground_truth::Truth;
use crate::mission_file::MissionFile;
use crate::world::Surroundings;
use stack::Findings;
use stack::config::{Mission, Robot};

/// Sway of the trunk as it walks: one sigma across and up (m), and about each axis (rad).
const SWAY_M: [f64; 2] = [0.10, 0.01];
const SWAY_RAD: [f64; 3] = [0.02, 0.02, 0.05];
/// Error of the estimate along the tunnel: one sigma (m), and how much of it the next picture shares.
const DRIFT_M: f64 = 0.10;
const DRIFT_KEPT: f64 = 0.97;
/// Error of the estimate beside that: one sigma along, across and up (m), and about each axis (rad).
const ERROR_M: [f64; 3] = [0.01, 0.015, 0.008];
const ERROR_RAD: f64 = 0.004;
/// Motion blur of a picture from a turning trunk while its shutter is open, one sigma, rad.
const SHAKE_RAD: f64 = 0.0008;

/// Takes the mission's pictures in its tunnel, and gives what they showed and what was really there.
///
/// # Errors
/// If the tunnel cannot be built, or the defect model fails.
pub fn survey(file: &MissionFile, robot: &Robot) -> anyhow::Result<(Findings, Truth)> {
    let (mission, simulation) = (&file.mission, &file.simulation);
    let mut surroundings = Surroundings::for_pictures(file, &robot.description)?;
    surroundings.move_to(&mission.start_pose())?;
    let mut scene = surroundings.scene_for_pictures();
    let mut cameras = CameraRig::new(file, &robot.description, Detail::Reduced)?;
    let mut rng = ChaCha8Rng::seed_from_u64(simulation.seed);
    let inspection = &mission.inspection;
    let (start_m, end_m) = (inspection.start_m.get(), inspection.end_m.get());
    let every_m = inspection.picture_every_m.get();
    let mut drift_m = 0.0;
    for k in 0..=((end_m - start_m) / every_m) as u32 {
        let chainage_m = start_m + f64::from(k) * every_m;
        let axis = mission.design.alignment.pose_at(chainage_m);
        let here = Transform::from_xyz_rpy([axis.x_m, axis.y_m, axis.z_m], [0.0; 3]);
        if surroundings.move_to(&here)? {
            scene = surroundings.scene_for_pictures();
        }
        let (pose, after) = trunk_poses(mission, robot, &scene.tunnel, chainage_m, &mut rng);
        let mut normal = || rng.sample::<f64, _>(StandardNormal);
        drift_m = DRIFT_KEPT * drift_m + (1.0 - DRIFT_KEPT * DRIFT_KEPT).sqrt() * DRIFT_M * normal();
        let shift = Vector3::from(ERROR_M).map(|sigma| sigma * normal()) + Vector3::x() * drift_m;
        let turn = Vector3::from_fn(|_, _| ERROR_RAD * normal());
        let error = Isometry3::from_parts(shift.into(), UnitQuaternion::from_scaled_axis(turn));
        cameras.capture(&CaptureRequest {
            stamp: Stamp::from_nanos((f64::from(k) * every_m / inspection.speed_m_s.get() * 1e9) as u64),
            scene: Arc::clone(&scene),
            truth: [pose, after],
            estimate: Transform::new(pose.isometry * error),
        })?;
    }
    let (findings, visible) = cameras.close();
    Ok((findings, Truth::of_run(surroundings.true_defects(), visible, Vec::new(), [start_m, end_m])))
}

/// Poses of the trunk at a chainage when the shutters open and close.
fn trunk_poses(
    mission: &Mission,
    robot: &Robot,
    tunnel: &Tunnel,
    chainage_m: f64,
    rng: &mut ChaCha8Rng,
) -> (Transform<Map, Base>, Transform<Map, Base>) {
    let mut normal = |sigma: f64| sigma * rng.sample::<f64, _>(StandardNormal);
    let axis = mission.design.alignment.pose_at(chainage_m);
    let left_m = normal(SWAY_M[0]);
    let height_m = robot.description.body.standing_height_m.get() + normal(SWAY_M[1]);
    let up_m = tunnel.floor_height_m(chainage_m, left_m) + height_m;
    let p = mission.design.to_map(TunnelPoint { chainage_m, left_m, up_m }).coords;
    let [roll, pitch, yaw] = SWAY_RAD.map(&mut normal);
    let rpy = [roll, pitch - axis.grade.atan(), yaw + axis.heading_rad];
    let pose = Transform::from_xyz_rpy([p.x, p.y, p.z], rpy);
    let shake = Vector3::from_fn(|_, _| normal(SHAKE_RAD));
    let after = Transform::new(pose.isometry * Isometry3::rotation(shake));
    (pose, after)
}
