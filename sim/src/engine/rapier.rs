//! Physics engine rapier: the robot as a reduced-coordinate multibody, the world as fixed colliders.
//!
//! Joint damping, armature and dry friction come from the MJCF. A motor's impedance goes to rapier as an
//! implicit force-based joint motor, which stays stable at gains and steps where an explicit torque would not.

mod check;
mod error;
mod model;

use std::sync::Arc;

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};
use rapier3d::math::{Pose, Vector};
use rapier3d::prelude::*;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::JOINTS;
use robot_interface::robot::RobotDescription;

pub use error::EngineError;
use model::{Parts, ROBOT, WORLD};

use super::ray_caster::{PlacedShape, SceneCaster, ScenePart, pose_of};
use super::{Engine, GRAVITY_M_S2, GroundTruth, JointDrive, JointReading};
use crate::geometry::{RayCaster, StaticGeometry};

/// Time of a step, s: as fast as the motor bus, and well inside what rapier was seen to walk with.
pub const STEP_S: f64 = 0.002;

/// Solver sub-steps in a step. Two of 1 ms walk as four do (the same distance, the same knocks at the inertial
/// sensor, feet 2.5 instead of 1.7 mm deep in the floor) in half the time; with one, readings drift from poses.
const SUBSTEPS: usize = 2;

/// Speed that a motor with a torque but no gains is sent after, rad/s: it never gets there, so that the limit
/// on its torque, set to the wanted one, is all that acts. Rapier's motors have no torque input of their own.
const UNREACHABLE_RAD_S: f64 = 1e5;

/// A foot touches when the world pushes it by more than this, N. That rapier keeps a contact says nothing: it
/// makes them 2 cm ahead.
const TOUCH_N: f32 = 1.0;

/// Degrees of freedom of the trunk, the first ones of the multibody.
const TRUNK_DOFS: usize = 6;

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
    parts: Parts,
    imu_in_base: Vector,
    imu_velocity: Vector,
    specific_force_m_s2: Vector3<f64>,
    dt_s: f64,
    readings: [JointReading; JOINTS],
    caster: Arc<SceneCaster>,
    /// Handles of the colliders of each of the caster's parts.
    standing: Vec<Vec<ColliderHandle>>,
}

impl RapierEngine {
    /// Puts the robot, lying, into the world: `mjcf` is its model's text, `start` the pose of its trunk. Steps
    /// take [`STEP_S`].
    ///
    /// # Errors
    /// When the model does not fit the description, or the world holds a broken mesh.
    pub fn new(
        mjcf: &str,
        robot: &RobotDescription,
        world: &StaticGeometry,
        start: Transform<Map, Base>,
    ) -> Result<Self, EngineError> {
        Self::with_step(mjcf, robot, world, start, STEP_S)
    }

    /// The same with steps of another length, s. Longer than 2.5 ms was never tried on feet.
    ///
    /// # Errors
    /// As of [`Self::new`].
    pub fn with_step(
        mjcf: &str,
        robot: &RobotDescription,
        world: &StaticGeometry,
        start: Transform<Map, Base>,
        dt_s: f64,
    ) -> Result<Self, EngineError> {
        Self::in_scene(mjcf, robot, SceneCaster::new(world)?, start, dt_s)
    }

    /// The same in a world of which a part is made; [`Self::set_scene`] goes on to other parts.
    ///
    /// # Errors
    /// When the model does not fit the description.
    pub fn in_scene(
        mjcf: &str,
        robot: &RobotDescription,
        scene: SceneCaster,
        start: Transform<Map, Base>,
        dt_s: f64,
    ) -> Result<Self, EngineError> {
        let (mut bodies, mut colliders) = (RigidBodySet::new(), ColliderSet::new());
        let standing = scene.parts().iter().map(|part| stand(part, &mut colliders)).collect();
        let (mut impulse_joints, mut multibody_joints) = (ImpulseJointSet::new(), MultibodyJointSet::new());
        let parts =
            model::insert(mjcf, &mut bodies, &mut colliders, &mut multibody_joints, &mut impulse_joints)?;
        let imu = robot.imu.xyz_m;
        let mut engine = Self {
            pipeline: PhysicsPipeline::new(),
            parameters: IntegrationParameters {
                dt: dt_s as f32,
                num_solver_iterations: SUBSTEPS,
                ..Default::default()
            },
            islands: IslandManager::new(),
            broad_phase: DefaultBroadPhase::new(),
            narrow_phase: NarrowPhase::new(),
            bodies,
            colliders,
            impulse_joints,
            multibody_joints,
            soft_bodies: SoftBodySet::new(),
            ccd: CCDSolver::new(),
            parts,
            imu_in_base: Vector::new(imu[0] as f32, imu[1] as f32, imu[2] as f32),
            imu_velocity: Vector::ZERO,
            dt_s,
            specific_force_m_s2: start.rotation().inverse() * Vector3::new(0.0, 0.0, GRAVITY_M_S2),
            readings: [JointReading::default(); JOINTS],
            caster: Arc::new(scene),
            standing,
        };
        engine.set_down(start, &robot.lying_pose());
        Ok(engine)
    }

    /// Exchanges the parts of the world that the robot stands in; those that both scenes have stay as they are.
    pub fn set_scene(&mut self, scene: SceneCaster) {
        let before = std::mem::replace(&mut self.caster, Arc::new(scene));
        let mut kept: Vec<(Arc<ScenePart>, Vec<ColliderHandle>)> = Vec::new();
        for (part, handles) in before.parts().iter().zip(std::mem::take(&mut self.standing)) {
            if self.caster.parts().iter().any(|p| Arc::ptr_eq(p, part)) {
                kept.push((Arc::clone(part), handles));
                continue;
            }
            for handle in handles {
                self.colliders.remove(
                    handle,
                    &mut self.islands,
                    &mut self.bodies,
                    &mut self.soft_bodies,
                    false,
                );
            }
        }
        let caster = Arc::clone(&self.caster);
        let standing = caster.parts().iter().map(|part| {
            let before = kept.iter().position(|(p, _)| Arc::ptr_eq(p, part));
            before.map_or_else(|| stand(part, &mut self.colliders), |i| kept.swap_remove(i).1)
        });
        self.standing = standing.collect();
    }

    /// Triangles of the world that are held, by which most of its memory goes.
    pub fn triangles(&self) -> usize {
        self.caster.parts().iter().map(|part| part.triangles()).sum()
    }

    /// Moves the robot, at rest, to a pose of its trunk and its joints (rad, `[12]`).
    fn set_down(&mut self, start: Transform<Map, Base>, joints_rad: &[f64; JOINTS]) {
        if let Some(body) = self.bodies.get_mut(self.parts.trunk) {
            let base = pose_of(&start.isometry.cast::<f32>());
            body.set_position(base * Pose::from_translation(self.parts.centre_in_base), true);
        }
        for (handle, wanted) in self.parts.joints.iter().zip(joints_rad) {
            let Some((multibody, link)) = self.multibody_joints.get_mut(*handle) else { continue };
            if let Some(link) = multibody.link_mut(link) {
                let now = link.joint.coords()[3];
                link.joint.apply_displacement(&[*wanted as f32 - now]);
            }
        }
        // Masses are otherwise not known before the first step, which would lack half of its gravity.
        for (_, body) in self.bodies.iter_mut() {
            body.recompute_mass_properties_from_colliders(&self.colliders);
        }
        if let Some((multibody, _)) = self.multibody_joints.get_mut(self.parts.joints[0]) {
            multibody.forward_kinematics(&self.bodies, true);
            multibody.update_rigid_bodies(&mut self.bodies, true);
            // Rapier damps rotation of whatever floats; air does not.
            multibody.damping_mut().rows_mut(0, TRUNK_DOFS).fill(0.0);
        }
        self.readings = self.read_joints(&[JointDrive::default(); JOINTS]);
    }

    fn drive(&mut self, drives: &[JointDrive; JOINTS]) {
        for (handle, drive) in self.parts.joints.iter().zip(drives) {
            let Some((multibody, link)) = self.multibody_joints.get_mut(*handle) else { continue };
            let Some(link) = multibody.link_mut(link) else { continue };
            // The feed-forward torque moves the spring's or the damper's target, so that the limit holds for
            // the sum.
            let (mut position, mut velocity) = (drive.position_rad, drive.velocity_rad_s);
            let mut max_torque_nm = drive.max_torque_nm;
            if drive.kp > 0.0 {
                position += drive.torque_nm / drive.kp;
            } else if drive.kd > 0.0 {
                velocity += drive.torque_nm / drive.kd;
            } else {
                velocity = UNREACHABLE_RAD_S.copysign(drive.torque_nm);
                max_torque_nm = max_torque_nm.min(drive.torque_nm.abs());
            }
            let joint = &mut link.joint.data;
            let axis = JointAxis::AngX;
            joint.set_motor_model(axis, MotorModel::ForceBased);
            joint.set_motor(axis, position as f32, velocity as f32, drive.kp as f32, drive.kd as f32);
            joint.set_motor_max_force(axis, max_torque_nm as f32);
        }
    }

    fn read_joints(&self, drives: &[JointDrive; JOINTS]) -> [JointReading; JOINTS] {
        std::array::from_fn(|i| {
            let found = self.multibody_joints.get(self.parts.joints[i]);
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

    /// Velocity in `map` of a point given in the base frame, m/s, and the angular velocity, rad/s.
    ///
    /// From the multibody: the velocity that rapier leaves in the trunk's body is a sub-step old.
    fn velocity_at(&self, point_in_base: Vector) -> (Vector, Vector) {
        let Some((multibody, _)) = self.multibody_joints.get(self.parts.joints[0]) else {
            return (Vector::ZERO, Vector::ZERO);
        };
        let v = multibody.generalized_velocity();
        let (linear, angular) = (Vector::new(v[0], v[1], v[2]), Vector::new(v[3], v[4], v[5]));
        let rotation = multibody.root().local_to_world().rotation;
        (linear + angular.cross(rotation * (point_in_base - self.parts.centre_in_base)), angular)
    }

    /// The pose of the base frame in `map`.
    fn base(&self) -> Pose {
        let trunk = self.bodies.get(self.parts.trunk).map_or(Pose::IDENTITY, |body| *body.position());
        trunk * Pose::from_translation(-self.parts.centre_in_base)
    }

    fn feel(&mut self) {
        let (velocity, _) = self.velocity_at(self.imu_in_base);
        let acceleration = (velocity - self.imu_velocity) / self.dt_s as f32;
        let specific = acceleration + Vector::new(0.0, 0.0, GRAVITY_M_S2 as f32);
        self.specific_force_m_s2 = vector(self.base().rotation.inverse() * specific);
        self.imu_velocity = velocity;
    }
}

impl Engine for RapierEngine {
    fn dt_s(&self) -> f64 {
        self.dt_s
    }

    fn step(&mut self, drives: &[JointDrive; JOINTS]) {
        self.drive(drives);
        self.islands.wake_up(&mut self.bodies, self.parts.trunk, true);
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
        let base = self.base();
        let (velocity, angular) = self.velocity_at(Vector::ZERO);
        GroundTruth {
            map_from_base: Transform::new(isometry(&base)),
            velocity_m_s: vector(velocity),
            angular_velocity_rad_s: vector(base.rotation.inverse() * angular),
            specific_force_m_s2: self.specific_force_m_s2,
            contacts: self.parts.feet.map(|foot| {
                let pairs = self.narrow_phase.contact_pairs_with(foot);
                pairs.map(ContactPair::total_impulse_magnitude).sum::<f32>() > TOUCH_N * self.dt_s as f32
            }),
        }
    }

    fn ray_caster(&self) -> Arc<dyn RayCaster> {
        Arc::clone(&self.caster) as Arc<dyn RayCaster>
    }
}

/// Puts a part of the world up as fixed colliders.
fn stand(part: &ScenePart, colliders: &mut ColliderSet) -> Vec<ColliderHandle> {
    let place = |target: &PlacedShape| {
        let collider = ColliderBuilder::new(target.shape.clone())
            .position(target.pose)
            .friction(target.friction)
            // The slipperier of the two surfaces decides.
            .friction_combine_rule(CoefficientCombineRule::Min)
            .collision_groups(InteractionGroups::new(WORLD, ROBOT, InteractionTestMode::And));
        colliders.insert(collider)
    };
    part.placed.iter().map(place).collect()
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

#[cfg(test)]
mod tests {
    use robot_interface::fixtures::{GO2_MJCF, go2};

    use super::*;

    fn airborne() -> (RapierEngine, [JointDrive; JOINTS]) {
        let robot = go2();
        let start = Transform::from_xyz_rpy([0.0, 0.0, 5.0], [0.1, -0.2, 0.3]);
        let engine = RapierEngine::new(GO2_MJCF, &robot, &StaticGeometry::default(), start).expect("it fits");
        let hold = robot.lying_pose().map(|position_rad| JointDrive {
            position_rad,
            kp: 200.0,
            kd: 2.0,
            max_torque_nm: 40.0,
            ..JointDrive::default()
        });
        (engine, hold)
    }

    /// Centre of mass of the whole robot, m, and its mass, kg.
    fn centre(engine: &RapierEngine) -> (Vector3<f64>, f64) {
        let bodies = engine.bodies.iter().map(|(_, body)| body);
        bodies.fold((Vector3::zeros(), 0.0), |(sum, mass), body| {
            let (m, at) =
                (f64::from(body.mass()), body.position().transform_point(body.local_center_of_mass()));
            let total = mass + m;
            (sum + (vector(at) - sum) * (m / total), total)
        })
    }

    /// Rapier moves a floating root by the velocity of its centre of mass: see [`model`].
    #[test]
    fn thrown_into_the_air_it_falls_as_a_stone_does_while_it_turns() {
        let (mut engine, hold) = airborne();
        engine.step(&hold);
        let (multibody, _) = engine.multibody_joints.get_mut(engine.parts.joints[0]).expect("it is there");
        for (dof, speed) in [1.0, 0.0, 0.0, 0.5, 3.0, 2.0].into_iter().enumerate() {
            multibody.generalized_velocity_mut()[dof] = speed;
        }
        let path: Vec<Vector3<f64>> = (0..300)
            .map(|_| {
                engine.step(&hold);
                centre(&engine).0
            })
            .collect();
        assert!((centre(&engine).1 - 15.2).abs() < 0.1, "{} kg", centre(&engine).1);
        let window = 50;
        let t = window as f64 * STEP_S;
        for k in window..path.len() - window {
            let a = (path[k + window] - path[k] * 2.0 + path[k - window]) / (t * t);
            let off = (a + Vector3::z() * GRAVITY_M_S2).norm();
            assert!(off < 0.02, "its centre of mass accelerates by {a} m/s^2");
        }
    }

    #[test]
    fn velocities_are_those_of_the_poses() {
        let (mut engine, hold) = airborne();
        engine.step(&hold);
        let (multibody, _) = engine.multibody_joints.get_mut(engine.parts.joints[0]).expect("it is there");
        multibody.generalized_velocity_mut()[4] = 3.0;
        let mut before = engine.truth();
        for _ in 0..100 {
            engine.step(&hold);
            let now = engine.truth();
            let moved = (now.map_from_base.origin() - before.map_from_base.origin()) / STEP_S;
            let mean = (now.velocity_m_s + before.velocity_m_s) / 2.0;
            let turned = before.map_from_base.rotation().rotation_to(&now.map_from_base.rotation());
            let spin = before.map_from_base.rotation().inverse() * turned.scaled_axis() / STEP_S;
            if before.angular_velocity_rad_s.norm() > 1.0 {
                assert!((moved - mean).norm() < 0.006, "{moved} and {mean}");
                assert!((spin - now.angular_velocity_rad_s).norm() < 0.02, "{spin} and {now:?}");
            }
            before = now;
        }
    }
}
