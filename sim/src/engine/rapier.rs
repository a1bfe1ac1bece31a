//! The rapier engine: the robot as a reduced-coordinate multibody, the world as fixed colliders.
//!
//! Joint damping, armature and dry friction come from the MJCF. A motor's impedance goes to rapier as an
//! implicit force-based joint motor, which stays stable at gains and steps where an explicit torque would not.

use std::sync::Arc;

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};
use rapier3d::math::{Pose, Vector};
use rapier3d::prelude::*;
use rapier3d_mjcf::{MjcfLoaderOptions, MjcfMultibodyOptions, MjcfRobot};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::{JOINT_NAMES, JOINTS, LEGS};
use robot_interface::robot::RobotDescription;

use super::ray_caster::{BadMesh, SceneCaster, place_all, pose_of};
use super::{Engine, GRAVITY_M_S2, GroundTruth, JointDrive, JointReading};
use crate::geometry::{RayCaster, StaticGeometry};

/// Time of a step, s: as fast as the motor bus, and well inside what rapier was seen to walk with.
pub const STEP_S: f64 = 0.002;

/// Damping under a feed-forward torque that comes with no gains, N m s/rad: rapier's motors have no torque
/// input of their own.
const CARRIER_DAMPING: f64 = 0.01;

const ROBOT: Group = Group::GROUP_1;
const WORLD: Group = Group::GROUP_2;

/// Why a robot cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The model is not MJCF.
    #[error("the physics model cannot be read: {0}; give an MJCF file with primitive geometry")]
    Model(String),
    /// The model lacks a joint that the robot file describes.
    #[error("the physics model has no hinge joint `{0}`: name its joints as the robot file does")]
    Joint(&'static str),
    /// A calf without a ball for a foot.
    #[error("the physics model has no sphere on the body that `{0}` moves: feet are spheres there")]
    Foot(&'static str),
    /// The world has a broken mesh.
    #[error(transparent)]
    World(#[from] BadMesh),
}

/// A robot and a world in rapier.
pub struct RapierEngine {
    pipeline: PhysicsPipeline,
    parameters: IntegrationParameters,
    islands: IslandManager,
    broad_phase: DefaultBroadPhase,
    narrow_phase: NarrowPhase,
    bodies: RigidBodySet,
    colliders: ColliderSet,
    impulse_joints: ImpulseJointSet,
    multibody_joints: MultibodyJointSet,
    soft_bodies: SoftBodySet,
    ccd: CCDSolver,
    base: RigidBodyHandle,
    joints: [MultibodyJointHandle; JOINTS],
    feet: [ColliderHandle; LEGS],
    imu_in_base: Vector,
    imu_velocity: Vector,
    specific_force_m_s2: Vector3<f64>,
    readings: [JointReading; JOINTS],
    caster: Arc<SceneCaster>,
}

impl RapierEngine {
    /// Puts the robot, lying, into the world: `mjcf` is its model's text, `start` the pose of its trunk.
    ///
    /// # Errors
    /// When the model does not fit the description, or the world holds a broken mesh.
    pub fn new(
        mjcf: &str,
        robot: &RobotDescription,
        world: &StaticGeometry,
        start: Transform<Map, Base>,
    ) -> Result<Self, EngineError> {
        let placed = place_all(world)?;
        let (mut bodies, mut colliders) = (RigidBodySet::new(), ColliderSet::new());
        for target in &placed {
            let collider = ColliderBuilder::new(target.shape.clone())
                .position(target.pose)
                .friction(target.friction)
                // The slipperier of the two surfaces decides.
                .friction_combine_rule(CoefficientCombineRule::Min)
                .collision_groups(InteractionGroups::new(WORLD, ROBOT, InteractionTestMode::And));
            colliders.insert(collider);
        }
        let (mut impulse_joints, mut multibody_joints) = (ImpulseJointSet::new(), MultibodyJointSet::new());
        let options = MjcfLoaderOptions::default();
        let (model, _) =
            MjcfRobot::from_str(mjcf, options, ".").map_err(|e| EngineError::Model(e.to_string()))?;
        let names: Vec<Option<String>> = model.joints.iter().map(|j| j.name.clone()).collect();
        let handles = model.insert_using_multibody_joints(
            &mut bodies,
            &mut colliders,
            &mut multibody_joints,
            &mut impulse_joints,
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
        for name in JOINT_NAMES {
            let index = names.iter().position(|n| n.as_deref() == Some(name));
            let joint = index.and_then(|i| handles.joints.get(i)).ok_or(EngineError::Joint(name))?;
            joints.push(joint.joint.ok_or(EngineError::Joint(name))?);
            links.push((joint.link1, joint.link2));
        }
        let base = links[0].0;
        let mut feet = Vec::with_capacity(LEGS);
        for leg in 0..LEGS {
            let calf = 3 * leg + 2;
            let body = &bodies[links[calf].1];
            let ball =
                |h: &&ColliderHandle| colliders.get(**h).is_some_and(|c| c.shape().as_ball().is_some());
            feet.push(*body.colliders().iter().find(ball).ok_or(EngineError::Foot(JOINT_NAMES[calf]))?);
        }
        let (Ok(joints), Ok(feet)) = (joints.try_into(), feet.try_into()) else {
            return Err(EngineError::Joint(JOINT_NAMES[0]));
        };
        let imu = robot.imu.xyz_m;
        let mut engine = Self {
            pipeline: PhysicsPipeline::new(),
            parameters: IntegrationParameters { dt: STEP_S as f32, ..Default::default() },
            islands: IslandManager::new(),
            broad_phase: DefaultBroadPhase::new(),
            narrow_phase: NarrowPhase::new(),
            bodies,
            colliders,
            impulse_joints,
            multibody_joints,
            soft_bodies: SoftBodySet::new(),
            ccd: CCDSolver::new(),
            base,
            joints,
            feet,
            imu_in_base: Vector::new(imu[0] as f32, imu[1] as f32, imu[2] as f32),
            imu_velocity: Vector::ZERO,
            specific_force_m_s2: start.rotation().inverse() * Vector3::new(0.0, 0.0, GRAVITY_M_S2),
            readings: [JointReading::default(); JOINTS],
            caster: Arc::new(SceneCaster::over(placed)),
        };
        engine.set_down(start, &robot.lying_pose());
        Ok(engine)
    }

    /// Moves the robot, at rest, to a pose of its trunk and its joints (rad, `[12]`).
    fn set_down(&mut self, start: Transform<Map, Base>, joints_rad: &[f64; JOINTS]) {
        if let Some(body) = self.bodies.get_mut(self.base) {
            body.set_position(pose_of(&start.isometry.cast::<f32>()), true);
        }
        for (handle, wanted) in self.joints.iter().zip(joints_rad) {
            let Some((multibody, link)) = self.multibody_joints.get_mut(*handle) else { continue };
            if let Some(link) = multibody.link_mut(link) {
                let now = link.joint.coords()[3];
                link.joint.apply_displacement(&[*wanted as f32 - now]);
            }
        }
        if let Some((multibody, _)) = self.multibody_joints.get_mut(self.joints[0]) {
            multibody.forward_kinematics(&self.bodies, true);
            multibody.update_rigid_bodies(&mut self.bodies, false);
        }
        self.readings = self.read_joints(&[JointDrive::default(); JOINTS]);
    }

    fn drive(&mut self, drives: &[JointDrive; JOINTS]) {
        for ((handle, drive), reading) in self.joints.iter().zip(drives).zip(&self.readings) {
            let Some((multibody, link)) = self.multibody_joints.get_mut(*handle) else { continue };
            let Some(link) = multibody.link_mut(link) else { continue };
            // The feed-forward torque moves the spring's or the damper's target instead.
            let mut target = (drive.position_rad, drive.velocity_rad_s);
            let mut kd = drive.kd;
            if drive.kp > 0.0 {
                target.0 += drive.torque_nm / drive.kp;
            } else if drive.kd > 0.0 {
                target.1 += drive.torque_nm / drive.kd;
            } else if drive.torque_nm.abs() > 0.0 {
                kd = CARRIER_DAMPING;
                target.1 = reading.velocity_rad_s + drive.torque_nm / CARRIER_DAMPING;
            }
            let joint = &mut link.joint.data;
            let axis = JointAxis::AngX;
            joint.set_motor_model(axis, MotorModel::ForceBased);
            joint.set_motor(axis, target.0 as f32, target.1 as f32, drive.kp as f32, kd as f32);
            joint.set_motor_max_force(axis, drive.max_torque_nm as f32);
        }
    }

    fn read_joints(&self, drives: &[JointDrive; JOINTS]) -> [JointReading; JOINTS] {
        std::array::from_fn(|i| {
            let found = self.multibody_joints.get(self.joints[i]);
            let Some((multibody, link)) = found.and_then(|(m, id)| Some((m, m.link(id)?))) else {
                return JointReading::default();
            };
            let position_rad = f64::from(link.joint().coords()[3]);
            let velocity_rad_s = f64::from(multibody.joint_velocity(link)[0]);
            // An implicit motor's torque is that of the state at the end of the step.
            let d = &drives[i];
            let torque = d.kp * (d.position_rad - position_rad)
                + d.kd * (d.velocity_rad_s - velocity_rad_s)
                + d.torque_nm;
            let torque_nm = torque.clamp(-d.max_torque_nm, d.max_torque_nm);
            JointReading { position_rad, velocity_rad_s, torque_nm }
        })
    }

    fn feel(&mut self) {
        let Some(body) = self.bodies.get(self.base) else { return };
        let velocity = body.velocity_at_point(body.position().transform_point(self.imu_in_base));
        let acceleration = (velocity - self.imu_velocity) / STEP_S as f32;
        let specific = acceleration + Vector::new(0.0, 0.0, GRAVITY_M_S2 as f32);
        self.specific_force_m_s2 = vector(body.rotation().inverse() * specific);
        self.imu_velocity = velocity;
    }
}

impl Engine for RapierEngine {
    fn dt_s(&self) -> f64 {
        STEP_S
    }

    fn step(&mut self, drives: &[JointDrive; JOINTS]) {
        self.drive(drives);
        self.islands.wake_up(&mut self.bodies, self.base, true);
        self.pipeline.step(
            Vector::new(0.0, 0.0, -GRAVITY_M_S2 as f32),
            &self.parameters,
            &mut self.islands,
            &mut self.broad_phase,
            &mut self.narrow_phase,
            &mut self.bodies,
            &mut self.colliders,
            &mut self.impulse_joints,
            &mut self.multibody_joints,
            &mut self.soft_bodies,
            &mut self.ccd,
            &(),
            &(),
        );
        self.feel();
        self.readings = self.read_joints(drives);
    }

    fn joints(&self) -> [JointReading; JOINTS] {
        self.readings
    }

    fn truth(&self) -> GroundTruth {
        let body = &self.bodies[self.base];
        GroundTruth {
            map_from_base: Transform::new(isometry(body.position())),
            velocity_m_s: vector(body.velocity_at_point(body.translation())),
            angular_velocity_rad_s: vector(body.rotation().inverse() * body.angvel()),
            specific_force_m_s2: self.specific_force_m_s2,
            contacts: self.feet.map(|foot| {
                self.narrow_phase.contact_pairs_with(foot).any(|pair| pair.has_any_active_contact())
            }),
        }
    }

    fn ray_caster(&self) -> Arc<dyn RayCaster> {
        Arc::clone(&self.caster) as Arc<dyn RayCaster>
    }
}

fn vector(v: Vector) -> Vector3<f64> {
    Vector3::new(f64::from(v.x), f64::from(v.y), f64::from(v.z))
}

fn isometry(pose: &Pose) -> Isometry3<f64> {
    let q = pose.rotation;
    let quaternion = Quaternion::new(f64::from(q.w), f64::from(q.x), f64::from(q.y), f64::from(q.z));
    Isometry3::from_parts(
        Translation3::from(vector(pose.translation)),
        UnitQuaternion::from_quaternion(quaternion),
    )
}
