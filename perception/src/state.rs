//! State estimator: orientation, velocity and place of the trunk from IMU and leg kinematics (legged odometry).
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
//!
//! **Feet slide**, uphill, in water and against what stands in the way. The inertial sensor shows it for a moment: the trunk
//! does not speed up as the feet say. So a foot's process noise grows with its slip (`feet`), and what remains, along the
//! tunnel's axis where nothing corrects it, is part of the covariance (`drift`).

mod contact;
mod drift;
mod feet;
mod filter;
mod history;
#[cfg(test)]
mod no_allocation;
mod start;
mod stillness;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod walker;

pub use history::PoseHistory;

use nalgebra::{Isometry3, Matrix3, UnitQuaternion, Vector3};
use robot_interface::angles::wrap_angle_by_remainder;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::{JointStates, LEGS, Leg};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::ImuSample;
use robot_interface::state::RobotState;
use robot_interface::time::Stamp;

use crate::kinematics::{Kinematics, LegPose};
use crate::localise::TunnelCorrection;
use contact::ContactDetector;
use drift::AxialDrift;
use filter::{Covariance, Filter, NU, Outcome, PHI, ProcessNoise, RHO};
use stillness::Stillness;

/// Least accelerometer noise assumed, m/s^2/sqrt(Hz): a walking trunk shakes between samples.
const ACCEL_NOISE_FLOOR: f64 = 0.04;
/// Least gyroscope noise assumed, rad/s/sqrt(Hz).
const GYRO_NOISE_FLOOR: f64 = 3e-4;
/// Greatest squared Mahalanobis distance of a correction against the tunnel (three degrees of freedom).
const CORRECTION_GATE: f64 = 30.0;
/// Refused corrections in a row, after which the pose is believed lost and the next one is taken.
const MAX_REFUSED_CORRECTIONS: u32 = 10;
/// A longer interval between samples is a gap: what happened in it is not known, s.
const GAP_S: f64 = 0.05;
/// After a longer gap the robot is where it was last known to be, more or less, and the estimate starts anew there: by then the failsafe has laid
/// it down, or it has fallen. What was measured before says nothing of that, s.
const START_ANEW_S: f64 = 1.0;
/// One-sigma of the velocity when it is found to be lost, m/s.
const LOST_VELOCITY_M_S: f64 = 1.0;
/// One-sigma of what the place lost meanwhile, m.
const LOST_PLACE_M: f64 = 1.0;
/// Angular velocity beyond which a reading is a fault of the sensor, rad/s.
const MAX_RATE_RAD_S: f64 = 40.0;
/// Specific force beyond which a reading is a fault of the sensor, m/s^2.
const MAX_FORCE_M_S2: f64 = 500.0;

/// Counts of what did not go as it should, since the start.
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

/// State estimator: an error-state Kalman filter over IMU and leg kinematics. Feed it samples in the order of time; it
/// needs about a second of stillness first.
#[derive(Clone, Debug)]
pub struct StateEstimator {
    kinematics: Kinematics,
    joint_damping: f64,
    imu_from_base: Vector3<f64>,
    noise: ProcessNoise,
    initial_bias: (f64, f64),
    start: Transform<Map, Base>,
    /// The start is where the robot was before a gap, and not where somebody has put it.
    start_is_guessed: bool,
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
    /// Time that each foot has stood, s.
    standing_s: [f64; LEGS],
    drift: AxialDrift,
    /// Slip of the feet that stand, in the base frame, without its quick changes, m/s.
    steady_slip: Vector3<f64>,
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
            start_is_guessed: false,
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
            standing_s: [0.0; LEGS],
            steady_slip: Vector3::zeros(),
            drift: AxialDrift::new(start.rotation() * Vector3::x()),
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
        let sane = rate.norm() < MAX_RATE_RAD_S && force.norm() < MAX_FORCE_M_S2;
        let last = self.last_imu.unwrap_or(*sample);
        let dt_s = sample.stamp.seconds_since(if self.last_imu.is_some() { last.stamp } else { self.stamp });
        if !sane || dt_s < 0.0 || (self.last_imu.is_some() && dt_s <= 0.0) {
            self.diagnostics.rejected_samples += 1;
            return;
        }
        self.last_imu = Some(*sample);
        self.stamp = sample.stamp;
        if self.ready && dt_s > START_ANEW_S {
            self.start_anew();
        }
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
        let mut numbers = joints.joints.iter().flat_map(|j| [j.position_rad, j.velocity_rad_s, j.torque_nm]);
        let dt_s = self.last_joints.map_or(0.0, |(stamp, _)| joints.stamp.seconds_since(stamp));
        if !numbers.all(f64::is_finite) || dt_s < 0.0 || (self.last_joints.is_some() && dt_s <= 0.0) {
            self.diagnostics.rejected_samples += 1;
            return;
        }
        let (angles, rates) = (joints.positions(), joints.velocities());
        self.stillness.handle_joints(&rates);
        let legs = self.kinematics.legs(&angles);
        if self.ready {
            let readings = self.foot_readings(&legs, &rates, &joints.torques());
            let was_lost = self.contact.is_velocity_lost();
            let contacts = self.contact.update(&readings, dt_s);
            let lost = self.contact.is_velocity_lost();
            if lost && !was_lost {
                self.filter.add_variance(NU, LOST_VELOCITY_M_S.powi(2));
                self.filter.add_variance(RHO, LOST_PLACE_M.powi(2));
            }
            self.drift_along_axis(&readings, &contacts, dt_s);
            // By a velocity that is lost, slip says nothing.
            let noise = if lost { [0.0; LEGS] } else { self.slip_noise(&readings, &contacts, dt_s) };
            for leg in Leg::ALL {
                let rolled = self.rolled(leg, &legs[leg.index()]);
                let i = leg.index();
                self.update_foot(i, contacts[i], &legs[i], &rolled, noise[i], dt_s);
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
        self.drift.set_axis(along + up * correction.axis.grade);
        let (place, axis) = (then.origin().coords, &correction.axis);
        let offset = place - Vector3::new(axis.x_m, axis.y_m, axis.z_m);
        let ahead = offset.dot(&along);
        let heading = axis.heading_rad + correction.curvature_per_m * ahead;
        let residual = Vector3::new(
            correction.lateral_m - offset.dot(&left) + 0.5 * correction.curvature_per_m * ahead * ahead,
            correction.height_m - (offset.z - axis.grade * ahead),
            wrap_angle_by_remainder(correction.yaw_rad - (then.yaw() - heading)),
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
        let lost = self.refused >= MAX_REFUSED_CORRECTIONS;
        if lost {
            // As far off as the tunnel shows it to be, it may be along its axis, where nothing shows it; and what was in doubt
            // there before still is.
            let place = self.filter.pose_covariance(&self.filter.position);
            let doubt_m2 = along.dot(&(place.fixed_view::<3, 3>(3, 3) * along));
            self.spread(0.02, 1.0);
            self.filter.add_variance(RHO, residual.xy().norm_squared());
            self.filter.add_common_variance(&along, doubt_m2);
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
        RobotState {
            stamp: self.stamp,
            map_from_base,
            velocity_m_s: self.filter.rotation.inverse() * self.filter.velocity
                - rate.cross(&self.imu_from_base),
            angular_velocity_rad_s: rate,
            contacts: self.contact.contacts(),
            position_covariance_m2: covariance.fixed_view::<3, 3>(3, 3).into_owned(),
            yaw_sigma_rad: covariance[(2, 2)].max(0.0).sqrt(),
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

    /// True once the start is over: gravity and the gyroscope's bias are known. After a long gap it starts anew.
    pub const fn is_ready(&self) -> bool {
        self.ready
    }

    /// Returns the counts of what did not go as it should.
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
}
