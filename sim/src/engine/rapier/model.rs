//! The robot's MJCF as a rapier multibody.

use std::path::Path;

use rapier3d::math::{Pose, Vector};
use rapier3d::prelude::*;
use rapier3d_mjcf::mjcf_rs::Model;
use rapier3d_mjcf::{MjcfLoaderOptions, MjcfMultibodyOptions, MjcfRobot};
use robot_interface::joints::{JOINT_NAMES, JOINTS, LEGS};

use super::check::check;
use super::error::EngineError;

/// Collision group of the robot.
pub(super) const ROBOT: Group = Group::GROUP_1;
/// Collision group of the world.
pub(super) const WORLD: Group = Group::GROUP_2;

/// Handles of the robot's parts among rapier's.
pub(super) struct Parts {
    /// The trunk. Its frame is at its centre of mass.
    pub(super) trunk: RigidBodyHandle,
    /// From the trunk's frame in rapier to the base frame.
    pub(super) centre_in_base: Vector,
    /// In the order of [`JOINT_NAMES`].
    pub(super) joints: [MultibodyJointHandle; JOINTS],
    /// The balls that are the feet, FL FR RL RR.
    pub(super) feet: [ColliderHandle; LEGS],
}

/// Reads a model and puts its bodies, colliders and joints into the sets.
pub(super) fn insert(
    mjcf: &str,
    bodies: &mut RigidBodySet,
    colliders: &mut ColliderSet,
    multibody_joints: &mut MultibodyJointSet,
    impulse_joints: &mut ImpulseJointSet,
) -> Result<Parts, EngineError> {
    let parsed = Model::from_str(mjcf, ".").map_err(|e| EngineError::Model(e.to_string()))?;
    check(&parsed).map_err(EngineError::Model)?;
    let mut model = MjcfRobot::from_model(&parsed, MjcfLoaderOptions::default(), Path::new("."));
    let mut places = [0; JOINTS];
    for (place, name) in places.iter_mut().zip(JOINT_NAMES) {
        let found = model.joints.iter().position(|j| j.name.as_deref() == Some(name));
        *place = found.ok_or(EngineError::Joint(name))?;
    }
    let trunk = model.joints[places[0]].link1;
    let centre_in_base = move_frame_to_centre(&mut model, trunk);
    let handles = model.insert_using_multibody_joints(
        bodies,
        colliders,
        multibody_joints,
        impulse_joints,
        MjcfMultibodyOptions::DISABLE_SELF_CONTACTS | MjcfMultibodyOptions::SKIP_JOINT_MOTORS,
    );
    for body in handles.bodies.iter().flatten() {
        for collider in &body.colliders {
            if let Some(collider) = colliders.get_mut(collider.handle) {
                let groups = InteractionGroups::new(ROBOT, WORLD, InteractionTestMode::And);
                collider.set_collision_groups(groups);
            }
        }
    }
    let mut joints = Vec::with_capacity(JOINTS);
    let mut links = Vec::with_capacity(JOINTS);
    for (place, name) in places.into_iter().zip(JOINT_NAMES) {
        let joint = handles.joints.get(place).ok_or(EngineError::Joint(name))?;
        joints.push(joint.joint.ok_or(EngineError::Joint(name))?);
        links.push((joint.link1, joint.link2));
    }
    let mut feet = Vec::with_capacity(LEGS);
    for leg in 0..LEGS {
        let calf = 3 * leg + 2;
        let is_ball = |h: &&ColliderHandle| colliders.get(**h).is_some_and(|c| c.shape().as_ball().is_some());
        let ball = bodies.get(links[calf].1).and_then(|body| body.colliders().iter().find(is_ball));
        feet.push(*ball.ok_or(EngineError::Foot(JOINT_NAMES[calf]))?);
    }
    let (Ok(joints), Ok(feet)) = (joints.try_into(), feet.try_into()) else {
        return Err(EngineError::Joint(JOINT_NAMES[0]));
    };
    Ok(Parts { trunk: links[0].0, centre_in_base, joints, feet })
}

/// Moves a root body's frame to its centre of mass, and everything on it the other way; returns the way, m.
///
/// Rapier 0.36 takes a floating multibody root's velocity for that of its centre of mass when it works out
/// forces, and for that of its frame's origin when it moves it. Both are right only where the two coincide;
/// elsewhere a turning trunk of 7 kg with its centre 2 cm ahead pushed itself off at 0.1 m/s^2 in free flight.
fn move_frame_to_centre(model: &mut MjcfRobot, root: usize) -> Vector {
    let body = &mut model.bodies[root];
    // Colliders weigh nothing here: all mass is what the model gives the body itself.
    body.body.recompute_mass_properties_from_colliders(&ColliderSet::new());
    let mass = body.body.mass_properties().local_mprops;
    let centre = mass.local_com;
    let back = Pose::from_translation(-centre);
    let centred = MassProperties { local_com: Vector::ZERO, ..mass };
    body.body.set_additional_mass_properties(centred, false);
    let moved = *body.body.position() * Pose::from_translation(centre);
    body.body.set_position(moved, false);
    for collider in &mut body.colliders {
        // Before insertion a collider's pose is the one relative to its body.
        let pose = back * *collider.position();
        collider.set_position(pose);
    }
    for joint in model.joints.iter_mut().filter(|joint| joint.link1 == root) {
        let frame = back * joint.joint.local_frame1;
        joint.joint.set_local_frame1(frame);
    }
    centre
}
