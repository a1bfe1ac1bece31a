//! Orientation, velocity and place of the trunk from the inertial sensor and the legs.
//!
//! An error-state Kalman filter after Bloesch et al. (2012) with the error of Hartley et al. (2020); see
//! `filter`. It integrates the inertial sensor, and each planted foot's place is part of the state: the
//! legs measure where it is relative to the trunk. Drift across and along the tunnel is corrected by
//! [`TunnelCorrection`]s.
//!
//! **Feet roll.** A foot is a ball fixed to the calf. While it stands, its centre is not at rest: it moves
//! by `w x r n`, with `w` the calf's angular velocity in `map`, `r` the ball's radius and `n` up. A calf
//! that turns by half a radian a step moves a 22 mm ball's centre 11 mm forward: several per cent of a
//! step, always in the direction of walking. The planted foot is moved so between updates, from the
//! calf's orientation at both ends rather than its measured speed, so that noise does not add up.

mod contact;
mod filter;
mod history;
mod stillness;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod walker;

pub use history::PoseHistory;

use nalgebra::{Isometry3, Matrix3, UnitQuaternion, Vector3};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::{JointStates, LEGS, Leg};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::ImuSample;
use robot_interface::state::RobotState;
use robot_interface::time::Stamp;

use crate::kinematics::{Kinematics, LegPose, leg_of};
use crate::localise::TunnelCorrection;
use contact::{ContactDetector, FootReading};
use filter::{ACCEL, Covariance, Filter, GRAVITY, GYRO, N, NU, Outcome, PHI, ProcessNoise, RHO};
use stillness::{Stillness, Window};

/// Least accelerometer noise assumed, m/s^2/sqrt(Hz): a walking trunk shakes between samples.
const ACCEL_NOISE_FLOOR: f64 = 0.04;
/// Least gyroscope noise assumed, rad/s/sqrt(Hz).
const GYRO_NOISE_FLOOR: f64 = 3e-4;
/// How a planted foot wanders, beyond rolling: slip, soft ground, m/sqrt(s).
const FOOT_NOISE: f64 = 0.012;
/// One-sigma of a joint angle, play of the gears included, rad.
const ENCODER_SIGMA_RAD: f64 = 1e-3;
/// One-sigma of the leg's dimensions and of where the ball touches, m.
const LEG_SIGMA_M: f64 = 2e-3;
/// Greatest squared Mahalanobis distance of a foot; beyond it the foot has slipped and is planted anew.
const FOOT_GATE: f64 = 25.0;
/// The same of a correction against the tunnel (three degrees of freedom).
const CORRECTION_GATE: f64 = 30.0;
/// After so many refused corrections in a row the pose is believed lost, and the next one is taken.
const CORRECTIONS_REFUSED: u32 = 10;
/// One-sigma of the start pose that the operator gives: place, m, and heading, rad.
const START_SIGMA: (f64, f64) = (0.03, 0.02);
/// Without stillness the filter starts from the given pose after this time, s.
const PATIENCE_S: f64 = 3.0;
/// A longer interval between samples is a gap: what happened in it is not known, s.
const GAP_S: f64 = 0.05;
/// Acceleration and rate of turn that may pass unseen in a gap, m/s^2 and rad/s.
const GAP_MOTION: (f64, f64) = (5.0, 1.0);
/// Readings beyond these are a fault of the sensor: rad/s and m/s^2.
const IMU_RANGE: (f64, f64) = (40.0, 500.0);

/// What did not go as it should, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// Samples that were not numbers, out of range, or older than their predecessor.
    pub rejected_samples: u64,
    /// Intervals without inertial samples that were too long to bridge.
    pub gaps: u64,
    /// Feet planted anew because they did not stay where they stood.
    pub slips: u64,
    /// Corrections against the tunnel that were refused as outliers.
    pub rejected_corrections: u64,
    /// Times that the filter started again because its numbers were not finite.
    pub restarts: u64,
}

/// The state estimator. Feed it samples in the order of time; it needs about a second of stillness first.
#[derive(Clone, Debug)]
pub struct StateEstimator {
    kinematics: Kinematics,
    joint_damping: f64,
    imu_from_base: Vector3<f64>,
    noise: ProcessNoise,
    initial_bias: (f64, f64),
    start: Transform<Map, Base>,
    stamp: Stamp,
    first_stamp: Stamp,
    filter: Filter,
    ready: bool,
    stillness: Stillness,
    last_imu: Option<ImuSample>,
    last_joints: Option<(Stamp, [LegPose; LEGS])>,
    /// Orientation when the joints were last read, with corrections since then.
    rotation_at_joints: UnitQuaternion<f64>,
    contact: ContactDetector,
    history: PoseHistory,
    refused: u32,
    diagnostics: Diagnostics,
}

impl StateEstimator {
    /// An estimator for a robot that stands or lies still at `start`. Roll and pitch of `start` matter only
    /// when the robot does not hold still for a second.
    pub fn new(robot: &RobotDescription, start: Transform<Map, Base>, stamp: Stamp) -> Self {
        let lever = Vector3::from(robot.imu.xyz_m);
        let mut history = PoseHistory::new();
        history.push(stamp, start);
        let initial_bias = (robot.imu.gyro_bias_initial.get(), robot.imu.accel_bias_initial.get());
        let mut estimator = Self {
            kinematics: Kinematics::new(&robot.legs),
            joint_damping: robot.legs.joint_damping_nm_s.map_or(0.0, f64::from),
            imu_from_base: lever,
            noise: ProcessNoise {
                gyro: robot.imu.gyro_noise.get().max(GYRO_NOISE_FLOOR),
                accel: robot.imu.accel_noise.get().max(ACCEL_NOISE_FLOOR),
                gyro_bias: robot.imu.gyro_bias_walk.get(),
                accel_bias: robot.imu.accel_bias_walk.get(),
            },
            initial_bias,
            start,
            stamp,
            first_stamp: stamp,
            filter: Filter {
                rotation: start.rotation(),
                velocity: Vector3::zeros(),
                position: (start.isometry * nalgebra::Point3::from(lever)).coords,
                gyro_bias: Vector3::zeros(),
                accel_bias: Vector3::zeros(),
                feet: [None; LEGS],
                covariance: Covariance::zeros(),
            },
            ready: false,
            stillness: Stillness::new(initial_bias.0),
            last_imu: None,
            last_joints: None,
            rotation_at_joints: start.rotation(),
            contact: ContactDetector::new(robot.body.mass_kg.get()),
            history,
            refused: 0,
            diagnostics: Diagnostics::default(),
        };
        estimator.spread(0.1, 0.5);
        estimator
    }

    /// Takes an inertial sample. One that is not a number, out of range or not newer than the last is
    /// counted and dropped.
    pub fn handle_imu(&mut self, sample: &ImuSample) {
        let (rate, force) = (sample.angular_velocity_rad_s, sample.linear_acceleration_m_s2);
        let sane = rate.norm() < IMU_RANGE.0 && force.norm() < IMU_RANGE.1;
        let last = self.last_imu.unwrap_or(*sample);
        let dt_s = sample.stamp.seconds_since(if self.last_imu.is_some() { last.stamp } else { self.stamp });
        if !sane || dt_s < 0.0 || (self.last_imu.is_some() && dt_s <= 0.0) {
            self.diagnostics.rejected_samples += 1;
            return;
        }
        self.last_imu = Some(*sample);
        self.stamp = sample.stamp;
        let window = self.stillness.handle_imu(&rate, &force, dt_s);
        if !self.ready {
            self.wait_for_stillness();
        } else {
            if dt_s > GAP_S {
                self.bridge_gap(dt_s);
            }
            // The mean of both ends stands for the interval.
            let mean_rate = (last.angular_velocity_rad_s + rate) / 2.0;
            let mean_force = (last.linear_acceleration_m_s2 + force) / 2.0;
            self.filter.predict(&mean_rate, &mean_force, dt_s, &self.noise);
            if let Some(window) = window {
                self.hold_still(&window);
            }
            if !self.filter.is_finite() {
                self.restart();
            }
        }
        self.history.push(self.stamp, self.map_from_base());
    }

    /// Takes the joints' measurements: contacts, and where the planted feet are.
    pub fn handle_joints(&mut self, joints: &JointStates) {
        let numbers = joints.joints.iter().flat_map(|j| [j.position_rad, j.velocity_rad_s, j.torque_nm]);
        let dt_s = self.last_joints.map_or(0.0, |(stamp, _)| joints.stamp.seconds_since(stamp));
        if !numbers.fold(true, |fine, x| fine && x.is_finite())
            || dt_s < 0.0
            || (self.last_joints.is_some() && dt_s <= 0.0)
        {
            self.diagnostics.rejected_samples += 1;
            return;
        }
        let (angles, rates) = (joints.positions(), joints.velocities());
        self.stillness.handle_joints(&rates);
        let legs = self.kinematics.legs(&angles);
        if self.ready {
            let readings = self.foot_readings(&legs, &rates, &joints.torques());
            let contacts = self.contact.update(&readings, dt_s);
            for leg in Leg::ALL {
                let rolled = self.rolled(leg, &legs[leg.index()]);
                self.update_foot(leg.index(), contacts[leg.index()], &legs[leg.index()], &rolled, dt_s);
            }
        }
        self.last_joints = Some((joints.stamp, legs));
        self.rotation_at_joints = self.filter.rotation;
        self.history.push(self.stamp, self.map_from_base());
    }

    /// Takes a measurement against the tunnel, which may be up to two seconds old.
    pub fn handle_correction(&mut self, correction: &TunnelCorrection) {
        let Some(then) = self.history.pose_at(correction.stamp).filter(|_| self.ready) else {
            self.diagnostics.rejected_corrections += 1;
            return;
        };
        let [along, left, up] = correction.axes();
        let (place, axis) = (then.origin().coords, &correction.axis);
        let offset = place - Vector3::new(axis.x_m, axis.y_m, axis.z_m);
        let ahead = offset.dot(&along);
        let heading = axis.heading_rad + correction.curvature_per_m * ahead;
        let residual = Vector3::new(
            correction.lateral_m - offset.dot(&left) + 0.5 * correction.curvature_per_m * ahead * ahead,
            correction.height_m - (offset.z - axis.grade * ahead),
            wrapped(correction.yaw_rad - (then.yaw() - heading)),
        );
        // Displacement of the trunk is rho - [place]x phi. Going along a curve changes the heading that
        // the same yaw relative to the axis means: yaw and chainage are told apart by the gyroscope only.
        let shift = Matrix3::from_rows(&[
            left.transpose(),
            (up - along * axis.grade).transpose(),
            (-along * correction.curvature_per_m).transpose(),
        ]);
        let mut turn = -shift * place.cross_matrix();
        turn[(2, 2)] += 1.0;
        let lost = self.refused >= CORRECTIONS_REFUSED;
        if lost {
            self.spread(0.02, 1.0);
        }
        let gate = if lost { f64::INFINITY } else { CORRECTION_GATE };
        let (outcome, turned, shifted) =
            self.filter.update(&[(RHO, shift), (PHI, turn)], &residual, &correction.covariance, gate);
        if outcome == Outcome::Outlier {
            self.refused += 1;
            self.diagnostics.rejected_corrections += 1;
            return;
        }
        self.refused = 0;
        self.rotation_at_joints = turned * self.rotation_at_joints;
        self.history.correct(&Isometry3::from_parts(shifted.into(), turned));
    }

    /// The estimate at the time of the newest inertial sample.
    pub fn state(&self) -> RobotState {
        let map_from_base = self.map_from_base();
        let rate = match (&self.last_imu, self.ready) {
            (Some(sample), true) => sample.angular_velocity_rad_s - self.filter.gyro_bias,
            _ => Vector3::zeros(),
        };
        let covariance = self.filter.pose_covariance(&map_from_base.origin().coords);
        let sigma = |i: usize| covariance[(i, i)].max(0.0).sqrt();
        RobotState {
            stamp: self.stamp,
            map_from_base,
            velocity_m_s: self.filter.rotation.inverse() * self.filter.velocity
                - rate.cross(&self.imu_from_base),
            angular_velocity_rad_s: rate,
            contacts: self.contact.contacts(),
            position_sigma_m: Vector3::new(sigma(3), sigma(4), sigma(5)),
            yaw_sigma_rad: sigma(2),
        }
    }

    /// Poses of the last two seconds.
    pub const fn pose_history(&self) -> &PoseHistory {
        &self.history
    }

    /// The pose at a time of the last two seconds.
    pub fn pose_at(&self, stamp: Stamp) -> Option<Transform<Map, Base>> {
        self.history.pose_at(stamp)
    }

    /// Whether the start is over: gravity and the gyroscope's bias are known.
    pub const fn is_ready(&self) -> bool {
        self.ready
    }

    /// What did not go as it should.
    pub const fn diagnostics(&self) -> Diagnostics {
        self.diagnostics
    }

    /// Gyroscope bias, rad/s, and accelerometer bias, m/s^2.
    pub const fn biases(&self) -> (Vector3<f64>, Vector3<f64>) {
        (self.filter.gyro_bias, self.filter.accel_bias)
    }

    /// Centres of the planted feet in `map`, FL FR RL RR, m; `None` for one in the air.
    pub const fn feet(&self) -> [Option<Vector3<f64>>; LEGS] {
        self.filter.feet
    }

    fn map_from_base(&self) -> Transform<Map, Base> {
        let rotation = self.filter.rotation;
        let place = self.filter.position - rotation * self.imu_from_base;
        Transform::new(Isometry3::from_parts(place.into(), rotation))
    }

    /// Before the start: holds the given pose until a second of stillness has shown gravity.
    fn wait_for_stillness(&mut self) {
        if let Some(mean) = self.stillness.second() {
            let up = self.start.rotation() * mean.force;
            if let Some(level) = UnitQuaternion::rotation_between(&up, &Vector3::z()) {
                let (roll, pitch, _) = (level * self.start.rotation()).euler_angles();
                self.filter.rotation = UnitQuaternion::from_euler_angles(roll, pitch, self.start.yaw());
            }
            self.filter.position = self.start.origin().coords + self.filter.rotation * self.imu_from_base;
            self.spread(0.2, 0.02);
            self.filter.gyro_bias = mean.rate;
            self.filter.reset(GYRO, (self.noise.gyro.powi(2) / mean.duration_s).max(1e-10));
            // What the accelerometer shows beside gravity is bias or tilt; the filter keeps that in mind.
            let residual = self.filter.rotation * mean.force + GRAVITY;
            let rotation = self.filter.rotation.to_rotation_matrix().into_inner();
            let noise = Matrix3::identity() * (self.noise.accel.powi(2) / mean.duration_s);
            let blocks = [(PHI, -GRAVITY.cross_matrix()), (ACCEL, rotation)];
            self.filter.update(&blocks, &residual, &noise, f64::INFINITY);
            self.ready = true;
        } else if self.stamp.seconds_since(self.first_stamp) > PATIENCE_S {
            self.spread(0.1, 0.5);
            self.ready = true;
        }
        self.rotation_at_joints = self.filter.rotation;
    }

    /// Covariance of a start here, with this one-sigma of tilt (rad) and velocity (m/s). Feet are lifted.
    fn spread(&mut self, tilt_rad: f64, velocity_m_s: f64) {
        (0..LEGS).for_each(|foot| self.filter.lift(foot));
        let (place_m, yaw_rad) = START_SIGMA;
        let turn = Matrix3::from_diagonal(&Vector3::new(tilt_rad.powi(2), tilt_rad.powi(2), yaw_rad.powi(2)));
        // The place itself is known; rho is its error seen from the origin of `map`.
        let (arm, speed) = (self.filter.position.cross_matrix(), self.filter.velocity.cross_matrix());
        let mut motion = Covariance::identity();
        motion.fixed_view_mut::<3, 3>(RHO, PHI).copy_from(&arm);
        motion.fixed_view_mut::<3, 3>(NU, PHI).copy_from(&speed);
        let mut plain = Covariance::zeros();
        plain.fixed_view_mut::<3, 3>(PHI, PHI).copy_from(&turn);
        for (at, sigma) in [
            (NU, velocity_m_s),
            (RHO, place_m),
            (GYRO, self.initial_bias.0.max(1e-5)),
            (ACCEL, self.initial_bias.1.max(1e-4)),
        ] {
            for i in at..at + 3 {
                plain[(i, i)] = sigma * sigma;
            }
        }
        debug_assert_eq!(plain.nrows(), N);
        self.filter.covariance = motion * plain * motion.transpose();
    }

    /// A window without motion: the velocity is zero, and the gyroscope shows its bias.
    fn hold_still(&mut self, window: &Window) {
        if (window.rate - self.filter.gyro_bias).norm() > stillness::CREEP_RAD_S {
            return;
        }
        let identity = Matrix3::identity();
        let residual = window.rate - self.filter.gyro_bias;
        let noise = identity * (self.noise.gyro.powi(2) / window.duration_s);
        self.filter.update(&[(GYRO, identity)], &residual, &noise, CORRECTION_GATE);
        let blocks = [(NU, identity), (PHI, -self.filter.velocity.cross_matrix())];
        let noise = identity * stillness::SPEED_SIGMA_M_S.powi(2);
        let (_, turned, _) = self.filter.update(&blocks, &-self.filter.velocity, &noise, f64::INFINITY);
        self.rotation_at_joints = turned * self.rotation_at_joints;
    }

    /// Nothing was measured for a while: the feet may be anywhere, and the motion has changed.
    fn bridge_gap(&mut self, dt_s: f64) {
        self.diagnostics.gaps += 1;
        (0..LEGS).for_each(|foot| self.filter.lift(foot));
        self.filter.add_variance(NU, (GAP_MOTION.0 * dt_s).powi(2));
        self.filter.add_variance(PHI, (GAP_MOTION.1 * dt_s).powi(2).min(0.1));
    }

    /// Starts again from the last pose that was a number.
    fn restart(&mut self) {
        self.diagnostics.restarts += 1;
        let last = self.history.span().and_then(|(_, newest)| self.history.pose_at(newest));
        let pose = last.unwrap_or(self.start).isometry;
        self.filter.rotation = pose.rotation;
        self.filter.position = pose.translation.vector + pose.rotation * self.imu_from_base;
        self.filter.velocity = Vector3::zeros();
        self.filter.gyro_bias = Vector3::zeros();
        self.filter.accel_bias = Vector3::zeros();
        self.filter.feet = [None; LEGS];
        self.spread(0.1, 0.5);
    }

    /// Load and slip of every foot.
    fn foot_readings(
        &self,
        legs: &[LegPose; LEGS],
        rates: &[f64; 12],
        torques: &[f64; 12],
    ) -> [FootReading; LEGS] {
        let body_rate =
            self.last_imu.map_or_else(Vector3::zeros, |s| s.angular_velocity_rad_s - self.filter.gyro_bias);
        let rotation = self.filter.rotation;
        let up = rotation.inverse() * Vector3::z();
        let velocity = rotation.inverse() * self.filter.velocity;
        Leg::ALL.map(|leg| {
            let pose = &legs[leg.index()];
            let joint_rates = Vector3::from(leg_of(rates, leg));
            let torque = Vector3::from(leg_of(torques, leg)) - joint_rates * self.joint_damping;
            let force = pose.ground_force_n(&torque);
            let from_imu = pose.foot.coords.coords - self.imu_from_base;
            let centre = velocity + body_rate.cross(&from_imu) + pose.jacobian_m * joint_rates;
            let turning = body_rate + pose.calf_rate * joint_rates;
            let lowest = centre - turning.cross(&(up * self.kinematics.foot_radius_m()));
            FootReading { force_up_n: force.map_or(0.0, |f| f.dot(&up)), slip_m_s: lowest.norm() }
        })
    }

    /// How far the foot's centre has rolled in `map` since the joints were last read, m.
    fn rolled(&self, leg: Leg, now: &LegPose) -> Vector3<f64> {
        let Some((_, before)) = &self.last_joints else { return Vector3::zeros() };
        let was = self.rotation_at_joints * before[leg.index()].base_from_calf;
        let turned = (self.filter.rotation * now.base_from_calf * was.inverse()).scaled_axis();
        turned.cross(&Vector3::z()) * self.kinematics.foot_radius_m()
    }

    fn update_foot(&mut self, foot: usize, stands: bool, leg: &LegPose, rolled: &Vector3<f64>, dt_s: f64) {
        if !stands {
            if self.filter.feet[foot].is_some() {
                self.filter.lift(foot);
            }
            return;
        }
        let from_imu = leg.foot.coords.coords - self.imu_from_base;
        let noise = leg.jacobian_m * leg.jacobian_m.transpose() * ENCODER_SIGMA_RAD.powi(2)
            + Matrix3::identity() * LEG_SIGMA_M.powi(2);
        let Some(planted) = self.filter.feet[foot].as_mut() else {
            self.filter.plant(foot, &from_imu, &noise);
            return;
        };
        *planted += rolled;
        self.filter.add_variance(filter::delta(foot), FOOT_NOISE.powi(2) * dt_s);
        if self.filter.measure_foot(foot, &from_imu, &noise, FOOT_GATE) == Outcome::Outlier {
            self.diagnostics.slips += 1;
            self.filter.plant(foot, &from_imu, &noise);
        }
    }
}

/// An angle brought into (-pi, pi].
fn wrapped(angle_rad: f64) -> f64 {
    let turned = angle_rad.rem_euclid(std::f64::consts::TAU);
    if turned > std::f64::consts::PI { turned - std::f64::consts::TAU } else { turned }
}
