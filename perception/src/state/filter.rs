//! Error-state Kalman filter over IMU and leg kinematics, with the right-invariant error (invariant EKF).
//!
//! States and measurements are those of Bloesch et al., "State Estimation for Legged Robots: Consistent
//! Fusion of Leg Kinematics and IMU" (RSS 2012). The error is that of Hartley et al., "Contact-Aided
//! Invariant Extended Kalman Filtering for Robot State Estimation" (IJRR 2020): with it the leg
//! measurement's Jacobian holds only plus and minus identities, and the filter does not gain false
//! certainty about yaw and position, which the first paper restores by constraining its linearisation.
//!
//! The error of the estimate (hatted) is a motion applied from the left:
//! `R = exp(phi) R^`, `v = exp(phi) v^ + nu`, `p = exp(phi) p^ + rho`, `d_i = exp(phi) d_i^ + delta_i`,
//! with additive errors of the two biases. Its order in vectors of 27: `phi nu rho gyro accel delta_0..3`.

use nalgebra::{Cholesky, Matrix3, SMatrix, UnitQuaternion, Vector3};
use robot_interface::joints::LEGS;

/// Length of the error vector.
pub(super) const N: usize = 15 + 3 * LEGS;
pub(super) const PHI: usize = 0;
pub(super) const NU: usize = 3;
pub(super) const RHO: usize = 6;
pub(super) const GYRO: usize = 9;
pub(super) const ACCEL: usize = 12;

/// Offset of a foot in the error.
pub(super) const fn delta(foot: usize) -> usize {
    15 + 3 * foot
}

/// Acceleration of gravity in `map`, m/s^2.
pub(super) const GRAVITY: Vector3<f64> = Vector3::new(0.0, 0.0, -9.81);

/// Least variance that any component keeps.
const VARIANCE_FLOOR: f64 = 1e-14;

type Columns = SMatrix<f64, N, 3>;
pub(super) type Covariance = SMatrix<f64, N, N>;

/// Spectral densities of the noises that drive the filter, per square root of Hz.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcessNoise {
    pub(super) gyro: f64,
    pub(super) accel: f64,
    pub(super) gyro_bias: f64,
    pub(super) accel_bias: f64,
}

/// Outcome of a measurement update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Taken,
    /// Further from its prediction than the gate allows.
    Outlier,
}

/// Error-state Kalman filter: estimate and covariance. The pose is that of the inertial sensor, in the trunk's axes.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) rotation: UnitQuaternion<f64>,
    pub(super) velocity: Vector3<f64>,
    pub(super) position: Vector3<f64>,
    pub(super) gyro_bias: Vector3<f64>,
    pub(super) accel_bias: Vector3<f64>,
    /// Centres of the feet in `map`; `None` for one that carries no weight: it is not part of the state,
    /// which is the limit of a swing foot's process noise going to infinity.
    pub(super) feet: [Option<Vector3<f64>>; LEGS],
    pub(super) covariance: Covariance,
}

impl Filter {
    /// Prediction: integrates one inertial interval: mean angular velocity and specific force as measured.
    pub(super) fn predict(
        &mut self,
        gyro: &Vector3<f64>,
        accel: &Vector3<f64>,
        dt_s: f64,
        noise: &ProcessNoise,
    ) {
        self.propagate_covariance(dt_s, noise);
        let rate = gyro - self.gyro_bias;
        let halfway = self.rotation * UnitQuaternion::from_scaled_axis(rate * (dt_s / 2.0));
        let acceleration = halfway * (accel - self.accel_bias) + GRAVITY;
        self.position += self.velocity * dt_s + acceleration * (dt_s * dt_s / 2.0);
        self.velocity += acceleration * dt_s;
        self.rotation *= UnitQuaternion::from_scaled_axis(rate * dt_s);
        self.rotation.renormalize();
    }

    /// `P <- F P F' + Q`. F is sparse, so it is applied to columns, and to columns again of the transpose.
    fn propagate_covariance(&mut self, dt_s: f64, noise: &ProcessNoise) {
        let turn = self.rotation.to_rotation_matrix().into_inner() * dt_s;
        let (v, p, feet, g) = (self.velocity, self.position, self.feet, GRAVITY);
        let transition = |c: &mut [f64]| {
            let read = |c: &[f64], at: usize| Vector3::new(c[at], c[at + 1], c[at + 2]);
            let add = |c: &mut [f64], at: usize, x: Vector3<f64>| (0..3).for_each(|i| c[at + i] += x[i]);
            let (phi, nu) = (read(c, PHI), read(c, NU));
            let turned = turn * read(c, GYRO);
            let pushed = turn * read(c, ACCEL);
            add(c, PHI, -turned);
            add(c, NU, g.cross(&phi) * dt_s - v.cross(&turned) - pushed);
            add(c, RHO, nu * dt_s - p.cross(&turned));
            for (foot, d) in feet.iter().enumerate() {
                if let Some(d) = d {
                    add(c, delta(foot), -d.cross(&turned));
                }
            }
        };
        for _ in 0..2 {
            self.covariance.as_mut_slice().chunks_exact_mut(N).for_each(transition);
            self.covariance.transpose_mut();
        }
        self.add_gyro_noise(noise.gyro.powi(2) * dt_s);
        self.add_variance(NU, noise.accel.powi(2) * dt_s);
        self.add_variance(GYRO, noise.gyro_bias.powi(2) * dt_s);
        self.add_variance(ACCEL, noise.accel_bias.powi(2) * dt_s);
        self.symmetrise();
    }

    /// Noise of the angular velocity turns everything that is attached to the robot's heading.
    fn add_gyro_noise(&mut self, variance: f64) {
        let mut levers: [Option<(usize, Matrix3<f64>)>; 3 + LEGS] = [None; 3 + LEGS];
        levers[0] = Some((PHI, Matrix3::identity()));
        levers[1] = Some((NU, self.velocity.cross_matrix()));
        levers[2] = Some((RHO, self.position.cross_matrix()));
        for (foot, d) in self.feet.iter().enumerate() {
            levers[3 + foot] = d.map(|d| (delta(foot), d.cross_matrix()));
        }
        for (row, a) in levers.iter().flatten() {
            for (column, b) in levers.iter().flatten() {
                let mut block = self.covariance.fixed_view_mut::<3, 3>(*row, *column);
                block += a * b.transpose() * variance;
            }
        }
    }

    /// Adds to the variance of three components.
    pub(super) fn add_variance(&mut self, at: usize, variance: f64) {
        for i in at..at + 3 {
            self.covariance[(i, i)] += variance;
        }
    }

    /// Adds to the variance of the place along a direction of `map`, of the trunk and of the planted feet alike: what moves all
    /// of them together cannot be seen from one another.
    pub(super) fn add_common_variance(&mut self, along: &Vector3<f64>, variance: f64) {
        let block = along * along.transpose() * variance;
        let mut places = [Some(RHO); 1 + LEGS];
        for (foot, d) in self.feet.iter().enumerate() {
            places[1 + foot] = d.map(|_| delta(foot));
        }
        for row in places.into_iter().flatten() {
            for column in places.into_iter().flatten() {
                let mut part = self.covariance.fixed_view_mut::<3, 3>(row, column);
                part += block;
            }
        }
    }

    /// Adds to the variances of three components, each its own.
    pub(super) fn add_variances(&mut self, at: usize, variances: &[f64; 3]) {
        for (i, variance) in variances.iter().enumerate() {
            self.covariance[(at + i, at + i)] += variance;
        }
    }

    /// Takes a foot that came to carry weight into the state, at `from_imu` in the trunk's axes with the
    /// covariance `noise` there.
    pub(super) fn plant(&mut self, foot: usize, from_imu: &Vector3<f64>, noise: &Matrix3<f64>) {
        self.lift(foot);
        let at = delta(foot);
        for i in 0..N {
            for k in 0..3 {
                self.covariance[(at + k, i)] = self.covariance[(RHO + k, i)];
            }
        }
        for i in 0..N {
            for k in 0..3 {
                self.covariance[(i, at + k)] = self.covariance[(i, RHO + k)];
            }
        }
        let rotation = self.rotation.to_rotation_matrix().into_inner();
        let mut block = self.covariance.fixed_view_mut::<3, 3>(at, at);
        block += rotation * noise * rotation.transpose();
        self.feet[foot] = Some(self.position + self.rotation * from_imu);
        self.symmetrise();
    }

    /// Takes a foot out of the state.
    pub(super) fn lift(&mut self, foot: usize) {
        self.feet[foot] = None;
        for k in delta(foot)..delta(foot) + 3 {
            self.covariance.row_mut(k).fill(0.0);
            self.covariance.column_mut(k).fill(0.0);
        }
    }

    /// Forgets what was known of three components and gives them a variance.
    pub(super) fn reset(&mut self, at: usize, variance: f64) {
        for k in at..at + 3 {
            self.covariance.row_mut(k).fill(0.0);
            self.covariance.column_mut(k).fill(0.0);
            self.covariance[(k, k)] = variance;
        }
    }

    /// Update by a leg: where a planted foot is, relative to the sensor in the trunk's axes.
    pub(super) fn measure_foot(
        &mut self,
        foot: usize,
        from_imu: &Vector3<f64>,
        noise: &Matrix3<f64>,
        gate: f64,
    ) -> Outcome {
        let Some(planted) = self.feet[foot] else { return Outcome::Outlier };
        let rotation = self.rotation.to_rotation_matrix().into_inner();
        let residual = rotation * from_imu - (planted - self.position);
        let noise = rotation * noise * rotation.transpose();
        self.update(
            &[(delta(foot), Matrix3::identity()), (RHO, -Matrix3::identity())],
            &residual,
            &noise,
            gate,
        )
        .0
    }

    /// Update by a measurement of three values: `residual = sum(H_k error_k) + noise`, each `H_k` with its offset.
    /// `gate` is the greatest squared Mahalanobis distance. Also returns the motion that the pose was
    /// given: turn and shift as of `exp(phi) p + shift`.
    pub(super) fn update(
        &mut self,
        blocks: &[(usize, Matrix3<f64>)],
        residual: &Vector3<f64>,
        noise: &Matrix3<f64>,
        gate: f64,
    ) -> (Outcome, UnitQuaternion<f64>, Vector3<f64>) {
        let nothing = (Outcome::Outlier, UnitQuaternion::identity(), Vector3::zeros());
        let mut cross = Columns::zeros();
        for (at, h) in blocks {
            cross += self.covariance.fixed_columns::<3>(*at) * h.transpose();
        }
        let mut spread = *noise;
        for (at, h) in blocks {
            spread += h * cross.fixed_rows::<3>(*at);
        }
        let spread = (spread + spread.transpose()) / 2.0;
        let Some(cholesky) = Cholesky::new(spread) else { return nothing };
        let lower = cholesky.l();
        let Some(whitened) = lower.solve_lower_triangular(residual) else { return nothing };
        // The negated comparison also refuses a residual that is not a number.
        if !matches!(whitened.norm_squared().partial_cmp(&gate), Some(std::cmp::Ordering::Less)) {
            return nothing;
        }
        let Some(gain) = lower.solve_lower_triangular(&cross.transpose()) else { return nothing };
        let error = gain.transpose() * whitened;
        for column in 0..N {
            let [a, b, c] = [gain[(0, column)], gain[(1, column)], gain[(2, column)]];
            for row in 0..N {
                self.covariance[(row, column)] -=
                    gain[(0, row)] * a + gain[(1, row)] * b + gain[(2, row)] * c;
            }
            self.covariance[(column, column)] = self.covariance[(column, column)].max(VARIANCE_FLOOR);
        }
        let (turn, shift) = self.inject(&error);
        (Outcome::Taken, turn, shift)
    }

    /// Moves the estimate by an error.
    pub(super) fn inject(&mut self, error: &SMatrix<f64, N, 1>) -> (UnitQuaternion<f64>, Vector3<f64>) {
        let part = |at: usize| Vector3::new(error[at], error[at + 1], error[at + 2]);
        let phi = part(PHI);
        let turn = UnitQuaternion::from_scaled_axis(phi);
        let along = left_jacobian(&phi);
        let shift = along * part(RHO);
        self.rotation = turn * self.rotation;
        self.rotation.renormalize();
        self.velocity = turn * self.velocity + along * part(NU);
        self.position = turn * self.position + shift;
        self.gyro_bias += part(GYRO);
        self.accel_bias += part(ACCEL);
        for (foot, d) in self.feet.iter_mut().enumerate() {
            *d = d.map(|d| turn * d + along * part(delta(foot)));
        }
        (turn, shift)
    }

    /// Covariance of turn and place of a point of the trunk, `[6 x 6]`: `phi`, then its displacement in `map`.
    pub(super) fn pose_covariance(&self, point: &Vector3<f64>) -> SMatrix<f64, 6, 6> {
        let mut own = SMatrix::<f64, 6, 6>::zeros();
        for (i, a) in [PHI, RHO].into_iter().enumerate() {
            for (j, b) in [PHI, RHO].into_iter().enumerate() {
                own.fixed_view_mut::<3, 3>(3 * i, 3 * j).copy_from(&self.covariance.fixed_view::<3, 3>(a, b));
            }
        }
        let mut motion = SMatrix::<f64, 6, 6>::identity();
        motion.fixed_view_mut::<3, 3>(3, 0).copy_from(&-point.cross_matrix());
        motion * own * motion.transpose()
    }

    /// True if every number of it is finite.
    pub(super) fn is_finite(&self) -> bool {
        let vectors = [&self.velocity, &self.position, &self.gyro_bias, &self.accel_bias];
        self.rotation.coords.iter().all(|x| x.is_finite())
            && vectors.iter().all(|v| v.iter().all(|x| x.is_finite()))
            && self.covariance.iter().all(|x| x.is_finite())
    }

    fn symmetrise(&mut self) {
        for column in 0..N {
            for row in 0..column {
                let mean = (self.covariance[(row, column)] + self.covariance[(column, row)]) / 2.0;
                self.covariance[(row, column)] = mean;
                self.covariance[(column, row)] = mean;
            }
        }
    }
}

/// Left Jacobian of the rotation group, by its series: errors are small.
fn left_jacobian(phi: &Vector3<f64>) -> Matrix3<f64> {
    let cross = phi.cross_matrix();
    Matrix3::identity() + cross / 2.0 + cross * cross / 6.0
}
