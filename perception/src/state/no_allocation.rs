//! The estimator runs in the control loop: once it is ready it must not allocate, nor free, whatever it is fed.

use allocation_counter::measure;

use robot_interface::fixtures::go2;

use super::tests::correction;
use super::walker::{STANDS_S, Step, Walker};
use super::*;

/// An estimator that is ready, and what the walker does next.
fn ready(seconds: f64) -> (StateEstimator, Vec<Step>) {
    let mut walker = Walker::new(&go2(), 0.6, 21, Isometry3::identity());
    let first = walker.step();
    let mut estimator = StateEstimator::new(&go2(), first.map_from_base, Stamp::ZERO);
    while !estimator.is_ready() {
        let step = walker.step();
        estimator.handle_imu(&step.imu);
        estimator.handle_joints(&step.joints);
    }
    let rest = (0..((seconds + STANDS_S) * 500.0) as usize).map(|_| walker.step()).collect();
    (estimator, rest)
}

#[test]
fn walking_with_corrections_allocates_nothing() {
    let (mut estimator, steps) = ready(5.0);
    let mut touchdowns = 0;
    let info = measure(|| {
        let mut contacts = estimator.state().contacts;
        let mut waiting: Option<TunnelCorrection> = None;
        for (k, step) in steps.iter().enumerate() {
            estimator.handle_imu(&step.imu);
            estimator.handle_joints(&step.joints);
            if k % 50 == 0
                && let Some(late) = waiting.replace(correction(step.imu.stamp, &step.map_from_base))
            {
                estimator.handle_correction(&late);
            }
            let state = estimator.state();
            touchdowns += contacts.iter().zip(&state.contacts).filter(|(was, is)| !**was && **is).count();
            contacts = state.contacts;
        }
    });
    assert_eq!((info.count_total, info.bytes_current), (0, 0), "{info:?}");
    assert!(touchdowns > 20, "it walked: {touchdowns}");
    assert_eq!(estimator.diagnostics().rejected_corrections, 0);
}

#[test]
fn trouble_of_every_kind_allocates_nothing() {
    let (mut estimator, steps) = ready(1.0);
    let mut history = estimator.pose_history().clone();
    let info = measure(|| {
        for (k, step) in steps.iter().enumerate() {
            let (mut imu, mut joints) = (step.imu, step.joints);
            match k {
                100 => imu.angular_velocity_rad_s.x = f64::NAN,
                200 => joints.joints[0].position_rad = f64::NAN,
                300 => imu.stamp = Stamp::ZERO,
                // A foot that is suddenly elsewhere.
                600..603 => joints.joints.iter_mut().for_each(|j| j.position_rad += 0.3),
                700..740 => continue,
                800 => estimator.filter.velocity.x = f64::NAN,
                _ => {}
            }
            estimator.handle_imu(&imu);
            estimator.handle_joints(&joints);
            if k == 900 {
                // Refused until it is believed that the pose is lost.
                let wrong = Transform::<Map, Base>::from_xyz_rpy([0.0, 3.0, 0.0], [0.0; 3]).isometry;
                let elsewhere = Transform::new(wrong * step.map_from_base.isometry);
                for _ in 0..=MAX_REFUSED_CORRECTIONS {
                    estimator.handle_correction(&correction(step.imu.stamp, &elsewhere));
                }
                estimator.handle_correction(&correction(Stamp::ZERO, &elsewhere));
            }
            history.clone_from(estimator.pose_history());
        }
    });
    assert_eq!((info.count_total, info.bytes_current), (0, 0), "{info:?}");
    let seen = estimator.diagnostics();
    let kinds = [seen.rejected_samples, seen.gaps, seen.slips, seen.rejected_corrections, seen.restarts];
    assert!(kinds.iter().all(|count| *count > 0), "each kind of trouble came up: {seen:?}");
    assert_eq!(history.span(), estimator.pose_history().span());
}

#[test]
fn the_counter_counts() {
    let (estimator, _) = ready(0.0);
    let info = measure(|| {
        let _ = estimator.pose_history().clone();
    });
    assert!(info.count_total > 0, "{info:?}");
}
