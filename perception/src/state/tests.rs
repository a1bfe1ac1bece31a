//! The estimator against a walker whose true motion is known.

use nalgebra::Point3;
use robot_interface::fixtures::go2;
use robot_interface::tunnel::AxisPose;

use super::filter::{ACCEL, GYRO, N};
use super::walker::{DT_S, STANDS_S, Step, Walker};
use super::*;
use crate::localise::Directions;

struct Run {
    estimator: StateEstimator,
    last: Step,
    walked_m: f64,
    /// Share of feet and samples whose contact was told rightly.
    contacts_right: f64,
    speed_error: f64,
}

fn walk(robot: &RobotDescription, seconds: f64, seed: u64, start: Isometry3<f64>) -> Run {
    let mut walker = Walker::new(&go2(), 0.6, seed, start);
    let first = walker.step();
    let mut estimator = StateEstimator::new(robot, first.map_from_base, Stamp::ZERO);
    let (mut right, mut total, mut squares) = (0, 0, 0.0);
    let mut run = |step: &Step| {
        estimator.handle_imu(&step.imu);
        estimator.handle_joints(&step.joints);
        let state = estimator.state();
        if step.imu.stamp.seconds() > STANDS_S {
            right += (0..LEGS).filter(|i| state.contacts[*i] == step.contacts[*i]).count();
            total += LEGS;
            squares += (state.velocity_m_s - step.velocity).norm_squared();
        }
    };
    run(&first);
    let mut last = first;
    let mut walked_m = 0.0;
    for _ in 1..(seconds / DT_S) as usize {
        let step = walker.step();
        run(&step);
        walked_m += step.velocity.xy().norm() * DT_S;
        last = step;
    }
    Run {
        estimator,
        last,
        walked_m,
        contacts_right: right as f64 / total as f64,
        speed_error: (squares * LEGS as f64 / total as f64).sqrt(),
    }
}

fn drift_m(run: &Run) -> f64 {
    drift_of(&run.estimator, &run.last)
}

fn drift_of(estimator: &StateEstimator, last: &Step) -> f64 {
    (estimator.state().map_from_base.origin() - last.map_from_base.origin()).norm()
}

#[test]
fn drifts_less_than_a_hundredth_of_the_way() {
    for seed in [1, 2] {
        let run = walk(&go2(), 45.0, seed, Isometry3::identity());
        let state = run.estimator.state();
        assert!(run.walked_m > 24.0);
        assert!(drift_m(&run) < 0.01 * run.walked_m, "{} of {} m", drift_m(&run), run.walked_m);
        assert!(run.contacts_right > 0.97, "{}", run.contacts_right);
        assert!(run.speed_error < 0.03, "{}", run.speed_error);
        let turned = state.map_from_base.rotation().angle_to(&run.last.map_from_base.rotation());
        assert!(turned < 0.015, "{turned}");
        assert_eq!(
            run.estimator.diagnostics(),
            Diagnostics { slips: run.estimator.diagnostics().slips, ..Diagnostics::default() }
        );
        assert!(run.estimator.diagnostics().slips < 100, "{:?}", run.estimator.diagnostics());
    }
}

/// The story: on a grade of 20 % a robot trod against a sill for some seconds, each foot sliding back under it faster and
/// faster. The odometry went with the feet, two metres, and said that it was sure to 8 cm.
#[test]
fn feet_that_slide_are_not_believed_and_what_they_cost_is_known() {
    for (seed, slide_m_s2) in [(1, 7.0), (2, 7.0), (3, 7.0)] {
        let mut walker = Walker::new(&go2(), 0.1, seed, Isometry3::identity());
        let mut last = walker.step();
        let mut estimator = StateEstimator::new(&go2(), last.map_from_base, Stamp::ZERO);
        let mut worst = 0.0_f64;
        while last.imu.stamp.seconds() < 12.0 {
            walker.slide_m_s2 = if last.imu.stamp.seconds() > 6.0 { slide_m_s2 } else { 0.0 };
            last = walker.step();
            estimator.handle_imu(&last.imu);
            estimator.handle_joints(&last.joints);
            let state = estimator.state();
            let ahead_m = state.map_from_base.origin().x - last.map_from_base.origin().x;
            worst = worst.max(ahead_m.abs() / state.position_sigma_along(0.0));
        }
        // The mean over a stance of 0.28 s, over six seconds.
        let slid_m = slide_m_s2 * 0.14 * 6.0;
        let error_m = drift_of(&estimator, &last);
        assert!(error_m < 0.3 * slid_m, "{error_m} of {slid_m} m");
        assert!(worst < 3.0, "{worst} sigma at {slide_m_s2} m/s^2");
    }
}

/// When the velocity is wrong, as after a blow that the inertial sensor did not follow, all feet seem to slide. They must
/// still bring it back.
#[test]
fn a_wrong_velocity_is_corrected_by_feet_that_seem_to_slide() {
    let mut walker = Walker::new(&go2(), 0.6, 7, Isometry3::identity());
    let mut last = walker.step();
    let mut estimator = StateEstimator::new(&go2(), last.map_from_base, Stamp::ZERO);
    while last.imu.stamp.seconds() < 8.0 {
        last = walker.step();
        // For 0.3 s the sensor shows 10 m/s^2 that are not there.
        if (5.0..5.3).contains(&last.imu.stamp.seconds()) {
            last.imu.linear_acceleration_m_s2.x += 10.0;
        }
        estimator.handle_imu(&last.imu);
        estimator.handle_joints(&last.joints);
    }
    let error = (estimator.state().velocity_m_s - last.velocity).norm();
    assert!(error < 0.1, "{error} m/s");
}

#[test]
fn finds_the_biases() {
    let run = walk(&go2(), 30.0, 3, Isometry3::identity());
    let (gyro, accel) = run.estimator.biases();
    let walker = Walker::new(&go2(), 0.6, 3, Isometry3::identity());
    assert!((gyro - walker.gyro_bias).norm() < 4e-4, "{gyro} {}", walker.gyro_bias);
    // Along gravity at once; across it only as far as turning tells bias from tilt.
    let error = accel - walker.accel_bias;
    assert!(error.z.abs() < 0.005, "{error}");
    assert!(error.norm() < 0.7 * walker.accel_bias.norm(), "{error}");
}

/// The story: with feet taken for points that stand, the estimate fell behind by the way that a ball of
/// 22 mm rolls in each step, a constant share of the distance.
#[test]
fn feet_that_are_not_let_roll_lose_several_hundredths() {
    let mut robot = go2();
    robot.legs.foot_radius_m = 1e-6.try_into().expect("positive");
    let ignorant = walk(&robot, 20.0, 1, Isometry3::identity());
    assert!(drift_m(&ignorant) > 0.03 * ignorant.walked_m, "{}", drift_m(&ignorant) / ignorant.walked_m);
}

/// If any vector were used in the wrong frame, a walk that starts elsewhere and in another direction would
/// not be the same walk.
#[test]
fn the_same_walk_from_another_start() {
    let other = Transform::<Map, Base>::from_xyz_rpy([40.0, -7.0, 1.3], [0.0, 0.0, 2.1]).isometry;
    let here = walk(&go2(), 8.0, 4, Isometry3::identity()).estimator.state().map_from_base.isometry;
    let there = walk(&go2(), 8.0, 4, other).estimator.state().map_from_base.isometry;
    let wanted = other * here;
    assert!((there.translation.vector - wanted.translation.vector).norm() < 1e-3, "{there} {wanted}");
    assert!(there.rotation.angle_to(&wanted.rotation) < 1e-4);
}

#[test]
fn the_same_samples_give_the_same_bits() {
    let bits = || {
        let pose = walk(&go2(), 3.0, 5, Isometry3::identity()).estimator.state().map_from_base.isometry;
        (pose.translation.vector.map(f64::to_bits), pose.rotation.coords.map(f64::to_bits))
    };
    assert_eq!(bits(), bits());
}

#[test]
fn the_covariance_stays_symmetric_and_positive() {
    let run = walk(&go2(), 10.0, 6, Isometry3::identity());
    let mut covariance = run.estimator.filter.covariance;
    assert!((covariance - covariance.transpose()).amax() < 1e-15);
    // Feet in the air have no variance.
    for foot in 0..LEGS {
        if run.estimator.filter.feet[foot].is_none() {
            (0..3).for_each(|k| covariance[(filter::delta(foot) + k, filter::delta(foot) + k)] = 1.0);
        }
    }
    assert!(nalgebra::Cholesky::new(covariance).is_some());
    let state = run.estimator.state();
    let variances = state.position_covariance_m2.diagonal();
    assert!(variances.iter().all(|v| (1e-6..0.25).contains(v)), "{state:?}");
}

#[test]
fn bad_samples_are_counted_and_change_nothing() {
    let mut run = walk(&go2(), 4.0, 7, Isometry3::identity());
    let before = run.estimator.state();
    let mut imu = run.last.imu;
    imu.stamp = imu.stamp.plus_nanos(2_000_000);
    imu.angular_velocity_rad_s.y = f64::NAN;
    run.estimator.handle_imu(&imu);
    imu.angular_velocity_rad_s.y = f64::INFINITY;
    run.estimator.handle_imu(&imu);
    run.estimator.handle_imu(&run.last.imu);
    let mut joints = run.last.joints;
    joints.stamp = joints.stamp.plus_nanos(2_000_000);
    joints.joints[4].torque_nm = f64::NAN;
    run.estimator.handle_joints(&joints);
    run.estimator.handle_joints(&run.last.joints);
    assert_eq!(run.estimator.state(), before);
    assert_eq!(run.estimator.diagnostics().rejected_samples, 5);
}

#[test]
fn an_encoder_that_jumps_is_a_slip_and_not_a_leap() {
    let mut run = walk(&go2(), 4.0, 8, Isometry3::identity());
    let before = run.estimator.state().map_from_base.origin();
    let mut joints = run.last.joints;
    for k in 1..4u64 {
        joints.stamp = joints.stamp.plus_nanos(2_000_000 * k);
        joints.joints.iter_mut().for_each(|j| j.position_rad += 0.3);
        run.estimator.handle_joints(&joints);
    }
    let moved = (run.estimator.state().map_from_base.origin() - before).norm();
    assert!(moved < 0.01, "{moved}");
    assert!(run.estimator.diagnostics().slips > 0);
}

#[test]
fn a_gap_is_bridged_with_due_doubt() {
    let mut run = walk(&go2(), 4.0, 9, Isometry3::identity());
    let before = run.estimator.state();
    let mut imu = run.last.imu;
    imu.stamp = imu.stamp.plus_nanos(400_000_000);
    run.estimator.handle_imu(&imu);
    let after = run.estimator.state();
    assert_eq!(run.estimator.diagnostics().gaps, 1);
    assert!(after.yaw_sigma_rad > 2.0 * before.yaw_sigma_rad);
    assert!(run.estimator.filter.covariance[(NU, NU)].sqrt() > 1.0);
}

/// The cable to a robot was out for some seconds while it walked: with what was measured last, the estimate had it 34 m away.
#[test]
fn after_a_long_gap_it_starts_anew_where_it_was() {
    let mut run = walk(&go2(), 4.0, 9, Isometry3::identity());
    let before = run.estimator.state();
    assert!(before.velocity_m_s.norm() > 0.1, "it walks");
    let mut imu = run.last.imu;
    imu.angular_velocity_rad_s = Vector3::zeros();
    imu.linear_acceleration_m_s2 = Vector3::new(0.0, 0.0, 9.81);
    imu.stamp = imu.stamp.plus_nanos(4_400_000_000);
    run.estimator.handle_imu(&imu);
    assert!(!run.estimator.is_ready());
    let mut joints = run.last.joints;
    joints.joints.iter_mut().for_each(|joint| joint.velocity_rad_s = 0.0);
    for _ in 0..1000 {
        imu.stamp = imu.stamp.plus_nanos(2_000_000);
        joints.stamp = imu.stamp;
        run.estimator.handle_imu(&imu);
        run.estimator.handle_joints(&joints);
        let moved = run.estimator.state().map_from_base.origin() - before.map_from_base.origin();
        assert!(moved.norm() < 0.1, "{moved}");
    }
    let after = run.estimator.state();
    assert!(run.estimator.is_ready() && after.velocity_m_s.norm() < 0.05);
    assert!(after.position_covariance_m2[(0, 0)].sqrt() > 0.4 && after.yaw_sigma_rad > 0.1, "with due doubt");
}

/// Correction that a scan of a straight tunnel along x would give at a pose.
pub(super) fn correction(stamp: Stamp, pose: &Transform<Map, Base>) -> TunnelCorrection {
    let place = pose.origin();
    TunnelCorrection {
        stamp,
        chainage_m: place.x,
        axis: AxisPose { x_m: place.x, y_m: 0.0, z_m: 0.0, heading_rad: 0.0, grade: 0.0 },
        curvature_per_m: 0.0,
        lateral_m: place.y,
        height_m: place.z,
        yaw_rad: pose.yaw(),
        covariance: Matrix3::from_diagonal(&Vector3::new(4e-4, 1.6e-3, 2.5e-5)),
        eigenvalues: [0.0; 4],
        degenerate: Directions::NONE,
        points: 1000,
        inliers: 900.0,
        residual_m: 0.01,
    }
}

#[test]
fn late_corrections_hold_the_pose_across_the_tunnel() {
    // The operator put the robot 10 cm and 2 degrees off where the start pose says.
    let mut walker = Walker::new(&go2(), 0.6, 10, Isometry3::identity());
    let first = walker.step();
    let wrong = Transform::<Map, Base>::from_xyz_rpy([0.0, 0.05, 0.03], [0.0, 0.0, 0.03]).isometry;
    let mut estimator =
        StateEstimator::new(&go2(), Transform::new(wrong * first.map_from_base.isometry), Stamp::ZERO);
    let mut waiting = None;
    let mut last = first;
    for k in 1..12_000u64 {
        let step = walker.step();
        estimator.handle_imu(&step.imu);
        estimator.handle_joints(&step.joints);
        if k % 50 == 0 && estimator.is_ready() {
            // Each scan's result arrives a tenth of a second late.
            if let Some(late) = waiting.replace(correction(step.imu.stamp, &step.map_from_base)) {
                estimator.handle_correction(&late);
            }
        }
        last = step;
    }
    let state = estimator.state();
    let error = state.map_from_base.origin() - last.map_from_base.origin();
    assert!(error.y.abs() < 0.01 && error.z.abs() < 0.01, "{error}");
    assert!((state.map_from_base.yaw() - last.map_from_base.yaw()).abs() < 0.004);
    assert_eq!(estimator.diagnostics().rejected_corrections, 0);
    // The heading was wrong only for the first metres.
    assert!(error.x.abs() < 0.15, "{error}");
}

#[test]
fn a_correction_moves_history_and_pose_alike_and_a_wild_one_neither() {
    let mut run = walk(&go2(), 4.0, 11, Isometry3::identity());
    let stamp = run.last.imu.stamp;
    let shifted = Transform::<Map, Base>::from_xyz_rpy([0.0, 0.03, 0.0], [0.0; 3]).isometry;
    let before = run.estimator.state().map_from_base;
    run.estimator.handle_correction(&correction(stamp, &Transform::new(shifted * before.isometry)));
    let after = run.estimator.state().map_from_base;
    let moved = after.origin().y - before.origin().y;
    assert!((0.005..0.03).contains(&moved), "{moved}");
    let in_history = run.estimator.pose_at(stamp).expect("newest");
    assert!((in_history.isometry.translation.vector - after.isometry.translation.vector).norm() < 1e-12);

    let wild = Transform::<Map, Base>::from_xyz_rpy([0.0, 1.5, 0.0], [0.0; 3]).isometry;
    run.estimator.handle_correction(&correction(stamp, &Transform::new(wild * after.isometry)));
    assert_eq!(run.estimator.state().map_from_base, after);
    assert_eq!(run.estimator.diagnostics().rejected_corrections, 1);
}

/// The story: a robot stumbled as it lay down, and its estimate fell half a metre through the floor. Once the tunnel was believed
/// again, its chainage was "known to 0.03 m", as at a start, though it had been in doubt by four times that, and the height
/// was only half put right.
#[test]
fn who_was_lost_does_not_know_the_chainage_better_than_before() {
    let mut run = walk(&go2(), 20.0, 13, Isometry3::identity());
    let stamp = run.last.imu.stamp;
    let before = run.estimator.state();
    let lower = Transform::<Map, Base>::from_xyz_rpy([0.0, 0.0, -0.5], [0.0; 3]).isometry;
    let told = correction(stamp, &Transform::new(lower * before.map_from_base.isometry));
    (0..MAX_REFUSED_CORRECTIONS).for_each(|_| run.estimator.handle_correction(&told));
    assert_eq!(run.estimator.state().map_from_base, before.map_from_base, "refused so far");
    run.estimator.handle_correction(&told);
    let after = run.estimator.state();
    let fallen = before.map_from_base.origin().z - after.map_from_base.origin().z;
    assert!((fallen - 0.5).abs() < 0.02, "{fallen}");
    let (was, is) = (before.position_sigma_along(0.0), after.position_sigma_along(0.0));
    assert!(was > 0.03 && is > was && is > 0.4, "{was} {is}");
}

#[test]
fn standing_still_it_does_not_wander() {
    let mut walker = Walker::new(&go2(), 0.0, 12, Isometry3::identity());
    let first = walker.step();
    let mut estimator = StateEstimator::new(&go2(), first.map_from_base, Stamp::ZERO);
    let mut imu = first.imu;
    let mut joints = first.joints;
    // Lying on the belly: no foot is loaded.
    joints.joints.iter_mut().for_each(|j| (j.torque_nm, j.velocity_rad_s) = (0.0, 0.0));
    for k in 0..10_000u64 {
        imu.stamp = Stamp::from_nanos(k * 2_000_000);
        joints.stamp = imu.stamp;
        imu.linear_acceleration_m_s2 =
            first.imu.linear_acceleration_m_s2 + Vector3::x() * 0.05 * (k as f64).sin();
        estimator.handle_imu(&imu);
        estimator.handle_joints(&joints);
    }
    let wandered = (estimator.state().map_from_base.origin() - first.map_from_base.origin()).norm();
    assert!(wandered < 0.02, "{wandered}");
    assert_eq!(estimator.state().contacts, [false; LEGS]);
}

/// The filter's transition against finite differences of its own propagation.
#[test]
fn the_transition_is_the_derivative_of_the_motion() {
    const STEP: f64 = 1e-5;
    let still = ProcessNoise { gyro: 0.0, accel: 0.0, gyro_bias: 0.0, accel_bias: 0.0 };
    let filter = Filter {
        rotation: UnitQuaternion::from_euler_angles(0.2, -0.3, 1.0),
        velocity: Vector3::new(0.6, -0.2, 0.1),
        position: Vector3::new(12.0, 3.0, 0.4),
        gyro_bias: Vector3::new(0.01, 0.02, -0.01),
        accel_bias: Vector3::new(0.1, -0.1, 0.05),
        feet: [Some(Vector3::new(12.2, 3.1, 0.0)), None, Some(Vector3::new(11.8, 3.1, 0.0)), None],
        covariance: Covariance::zeros(),
    };
    let (gyro, accel) = (Vector3::new(0.3, -0.2, 0.5), Vector3::new(0.5, -0.3, 9.9));
    let dt_s = 1e-3;
    let mut mean = filter.clone();
    mean.predict(&gyro, &accel, dt_s, &still);
    for i in (0..N).filter(|i| !(18..21).contains(i) && !(24..27).contains(i)) {
        let mut error = nalgebra::SVector::<f64, N>::zeros();
        error[i] = STEP;
        let mut moved = filter.clone();
        moved.inject_for_test(&error);
        moved.predict(&gyro, &accel, dt_s, &still);
        let true_error = moved.error_from(&mean) / STEP;
        // With P = e e', propagation gives (F e)(F e)'.
        let mut linear = filter.clone();
        linear.covariance = error * error.transpose() / (STEP * STEP);
        linear.predict(&gyro, &accel, dt_s, &still);
        let wanted = true_error * true_error.transpose();
        let worst = (linear.covariance - wanted).amax();
        assert!(worst < 2e-4, "component {i}: {worst}");
    }
}

impl Filter {
    fn inject_for_test(&mut self, error: &nalgebra::SVector<f64, N>) {
        self.inject(error);
    }

    /// The error that takes `other` to this one.
    fn error_from(&self, other: &Self) -> nalgebra::SVector<f64, N> {
        let mut error = nalgebra::SVector::<f64, N>::zeros();
        let turn = self.rotation * other.rotation.inverse();
        let mut set = |at: usize, v: Vector3<f64>| error.fixed_rows_mut::<3>(at).copy_from(&v);
        set(PHI, turn.scaled_axis());
        set(NU, self.velocity - turn * other.velocity);
        set(RHO, self.position - turn * other.position);
        set(GYRO, self.gyro_bias - other.gyro_bias);
        set(ACCEL, self.accel_bias - other.accel_bias);
        for foot in 0..LEGS {
            if let (Some(a), Some(b)) = (self.feet[foot], other.feet[foot]) {
                set(filter::delta(foot), a - turn * b);
            }
        }
        error
    }
}

#[test]
fn a_pose_without_turn_stays_where_the_imu_is_not() {
    // The lever arm: state() speaks of the trunk's origin, the filter of the sensor.
    let run = walk(&go2(), 2.0, 13, Isometry3::identity());
    let imu = run.estimator.filter.position;
    let base = run.estimator.state().map_from_base;
    let lever = Point3::from(go2().imu.xyz_m);
    assert!((base.isometry * lever - Point3::from(imu)).norm() < 1e-12);
}
