//! Initialisation of the estimator, zero-velocity updates, and recovery after a gap or a fault.

use nalgebra::{Matrix3, UnitQuaternion, Vector3};
use robot_interface::joints::LEGS;

use super::filter::{ACCEL, Covariance, GRAVITY, GYRO, NU, PHI, RHO};
use super::stillness::{self, Stillness, Window};
use super::{CORRECTION_GATE, StateEstimator};

/// One-sigma of the start place that the operator gives, m.
const START_PLACE_SIGMA_M: f64 = 0.03;
/// One-sigma of the start heading that the operator gives, rad.
const START_YAW_SIGMA_RAD: f64 = 0.02;
/// One-sigma of what place and heading a robot may have lost in a gap after which it starts anew, m and rad.
const GUESSED_PLACE_M: f64 = 0.5;
const GUESSED_YAW_RAD: f64 = 0.2;
/// Time after which the filter starts from the given pose even without stillness, s.
const MAX_WAIT_S: f64 = 3.0;
/// Acceleration that may pass unseen in a gap, m/s^2.
const GAP_ACCELERATION_M_S2: f64 = 5.0;
/// Rate of turn that may pass unseen in a gap, rad/s.
const GAP_RATE_RAD_S: f64 = 1.0;

impl StateEstimator {
    /// Before the start: holds the given pose until a second of stillness has shown gravity.
    pub(super) fn wait_for_stillness(&mut self) {
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
        } else if self.stamp.seconds_since(self.first_stamp) > MAX_WAIT_S {
            self.spread(0.1, 0.5);
            self.ready = true;
        }
        if self.ready && self.start_is_guessed {
            self.filter.add_variance(RHO, GUESSED_PLACE_M.powi(2));
            self.filter.add_variances(PHI, &[0.0, 0.0, GUESSED_YAW_RAD.powi(2)]);
        }
        self.rotation_at_joints = self.filter.rotation;
    }

    /// Starts anew from the last pose that was known, once the robot holds still.
    pub(super) fn start_anew(&mut self) {
        self.diagnostics.gaps += 1;
        (0..LEGS).for_each(|foot| self.filter.lift(foot));
        (self.start, self.start_is_guessed) = (self.map_from_base(), true);
        self.filter.velocity = Vector3::zeros();
        (self.first_stamp, self.ready) = (self.stamp, false);
        self.stillness = Stillness::new(self.initial_bias.0);
    }

    /// Covariance of a start here, with this one-sigma of tilt (rad) and velocity (m/s). Feet are lifted.
    pub(super) fn spread(&mut self, tilt_rad: f64, velocity_m_s: f64) {
        (0..LEGS).for_each(|foot| self.filter.lift(foot));
        let (place_m, yaw_rad) = (START_PLACE_SIGMA_M, START_YAW_SIGMA_RAD);
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
        self.filter.covariance = motion * plain * motion.transpose();
    }

    /// Zero-velocity update by a window without motion: the velocity is zero, and the gyroscope shows its bias.
    pub(super) fn hold_still(&mut self, window: &Window) {
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
    pub(super) fn bridge_gap(&mut self, dt_s: f64) {
        self.diagnostics.gaps += 1;
        (0..LEGS).for_each(|foot| self.filter.lift(foot));
        self.filter.add_variance(NU, (GAP_ACCELERATION_M_S2 * dt_s).powi(2));
        self.filter.add_variance(PHI, (GAP_RATE_RAD_S * dt_s).powi(2).min(0.1));
    }

    /// Starts again from the last pose that was a number.
    pub(super) fn restart(&mut self) {
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
}
