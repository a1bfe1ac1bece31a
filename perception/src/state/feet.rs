//! The estimator's feet: load and slip, rolling, and the measurement that a planted foot makes.

use nalgebra::{Matrix3, Vector3};
use robot_interface::joints::{LEGS, Leg};

use super::StateEstimator;
use super::contact::FootReading;
use super::filter::{Outcome, delta};
use crate::kinematics::{LegPose, leg_of};

/// Random walk of a planted foot, beyond rolling: slip, soft ground, m/sqrt(s).
const FOOT_NOISE: f64 = 0.012;
/// The same, over the ground, while a foot lands: it slides until it carries its share. Up and down it is
/// not greater, because what sinks in on landing comes up again before lift-off, and both must count alike.
const LANDING_NOISE: f64 = 0.06;
/// Time that landing lasts, s.
const LANDING_S: f64 = 0.04;
/// Time over which slip has become steady, s.
const STEADY_SLIP_S: f64 = 0.04;
/// Growth of a planted foot's variance a second by the square of what slip has changed within [`STEADY_SLIP_S`], s. A foot that
/// begins to slide speeds up, and the trunk does not: it is believed less, and the inertial sensor more.
const SLIP_CHANGE_S: f64 = 10.0;
/// The same by the square of slip itself, s. It is far smaller, because steady slip of all feet may as well be an error of the
/// velocity, which they have to correct.
const SLIP_S: f64 = 0.1;
/// Greatest growth of a planted foot's variance by slip, m^2/s: when the velocity is wrong all feet seem to slip.
const MAX_SLIP_NOISE: f64 = 2.5;
/// One-sigma of a joint angle, play of the gears included, rad.
const ENCODER_SIGMA_RAD: f64 = 1e-3;
/// One-sigma of the leg's dimensions and of where the ball touches, m.
const LEG_SIGMA_M: f64 = 2e-3;
/// Greatest squared Mahalanobis distance of a foot; beyond it the foot has slipped and is planted anew.
const FOOT_GATE: f64 = 25.0;

impl StateEstimator {
    /// Load and slip of every foot.
    pub(super) fn foot_readings(
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
            FootReading { force_up_n: force.map_or(0.0, |f| f.dot(&up)), slip: lowest }
        })
    }

    /// Lets the uncertainty along the axis grow by the way walked since the joints were last read.
    pub(super) fn drift_along_axis(&mut self, feet: &[FootReading; LEGS], stands: &[bool; LEGS], dt_s: f64) {
        let standing = || feet.iter().zip(stands).filter(|(_, stands)| **stands);
        let slip_m_s =
            standing().map(|(foot, _)| foot.slip_m_s()).sum::<f64>() / standing().count().max(1) as f64;
        let variance = self.drift.advance(self.filter.velocity.norm(), slip_m_s, dt_s);
        self.filter.add_common_variance(&self.drift.along, variance);
    }

    /// Growth of each foot's variance by its slip, m^2/s.
    pub(super) fn slip_noise(
        &mut self,
        feet: &[FootReading; LEGS],
        stands: &[bool; LEGS],
        dt_s: f64,
    ) -> [f64; LEGS] {
        let standing = || feet.iter().zip(stands).filter(|(_, stands)| **stands);
        let count = standing().count();
        if count > 0 {
            let mean = standing().map(|(foot, _)| foot.slip).sum::<Vector3<f64>>() / count as f64;
            self.steady_slip += (mean - self.steady_slip) * (dt_s / STEADY_SLIP_S).min(1.0);
        }
        feet.map(|foot| {
            let change = (foot.slip - self.steady_slip).norm_squared();
            (SLIP_CHANGE_S * change + SLIP_S * foot.slip.norm_squared()).min(MAX_SLIP_NOISE)
        })
    }

    /// Displacement of the foot's centre by rolling, in `map`, since the joints were last read, m.
    pub(super) fn rolled(&self, leg: Leg, now: &LegPose) -> Vector3<f64> {
        let Some((_, before)) = &self.last_joints else { return Vector3::zeros() };
        let was = self.rotation_at_joints * before[leg.index()].base_from_calf;
        let turned = (self.filter.rotation * now.base_from_calf * was.inverse()).scaled_axis();
        turned.cross(&Vector3::z()) * self.kinematics.foot_radius_m()
    }

    pub(super) fn update_foot(
        &mut self,
        foot: usize,
        stands: bool,
        leg: &LegPose,
        rolled: &Vector3<f64>,
        slip_noise: f64,
        dt_s: f64,
    ) {
        self.standing_s[foot] = if stands { self.standing_s[foot] + dt_s } else { 0.0 };
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
        let landing = self.standing_s[foot] < LANDING_S;
        let across = if landing { LANDING_NOISE } else { FOOT_NOISE };
        self.filter
            .add_variances(delta(foot), &[across, across, FOOT_NOISE].map(|n| (n * n + slip_noise) * dt_s));
        if self.filter.measure_foot(foot, &from_imu, &noise, FOOT_GATE) == Outcome::Outlier {
            self.diagnostics.slips += 1;
            self.filter.plant(foot, &from_imu, &noise);
        }
    }
}
