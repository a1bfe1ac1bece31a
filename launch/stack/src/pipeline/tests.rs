use robot_interface::fixtures::go2;
use robot_interface::sensors::{LidarPoint, RgbImage};
use robot_interface::status::MissionPhase;

use super::*;
use crate::testing::{short_mission, standing_at};

fn at(ms: u64) -> Stamp {
    Stamp::from_nanos(ms * 1_000_000)
}

/// A robot at `x` with its trunk at standing height.
fn estimate(ms: u64, x: f64) -> RobotState {
    standing_at(at(ms), x)
}

/// A scan of a tenth of a second.
fn scan(ms: u64) -> LidarScan {
    let point = |offset_s| LidarPoint { position_m: [1.0, 0.0, 0.0], intensity: 1.0, offset_s };
    LidarScan { stamp: at(ms), points: vec![point(0.0), point(0.1)] }
}

fn image() -> CameraImage {
    CameraImage::Visible { camera: 0, image: RgbImage { width: 1, height: 1, data: vec![0; 3] } }
}

fn pipeline(source: Source) -> PerceptionPipeline {
    PerceptionPipeline::new(&short_mission(), &go2(), source)
}

/// Odometry at 50 Hz.
fn walk(pipeline: &mut PerceptionPipeline, ms: std::ops::Range<u64>) {
    for ms in ms.step_by(20) {
        assert!(matches!(pipeline.handle_odometry(&estimate(ms, ms as f64 * 1e-3)), OdometryEvent::Taken(_)));
    }
}

#[test]
fn a_scan_waits_until_the_odometry_has_reached_its_end() {
    let mut pipeline = pipeline(Source::Live);
    walk(&mut pipeline, 0..1000);
    pipeline.handle_scan(scan(950));
    assert!(pipeline.poll_scan().is_none(), "its last points were measured at 1.05 s");
    walk(&mut pipeline, 1000..1061);
    let job = pipeline.poll_scan().expect("1.06 s is behind it");
    assert_eq!(job.state.stamp, at(1060));
    let (first, last) = job.history.span().expect("poses");
    assert!(first <= at(950) && last >= at(1060), "{first:?} {last:?}");
    assert!(pipeline.poll_scan().is_none() && pipeline.unplaced() == 0);
}

/// A point of an absolute time, or of none, held its scan back, and those behind it, until the queue was full.
#[test]
fn no_time_of_a_point_holds_a_scan_back() {
    for bad in [f32::NAN, f32::INFINITY, 9.9, 1e9, -1e9, 1.7e9] {
        let mut pipeline = pipeline(Source::Recording);
        walk(&mut pipeline, 0..1000);
        for ms in [500, 600, 700] {
            let mut scan = scan(ms);
            scan.points[1].offset_s = bad;
            pipeline.handle_scan(scan);
        }
        let stamps: Vec<_> = std::iter::from_fn(|| pipeline.poll_scan()).map(|job| job.scan.stamp).collect();
        assert_eq!(stamps, [at(500), at(600), at(700)], "{bad}");
    }
}

#[test]
fn scans_whose_points_have_one_time_are_counted() {
    let mut pipeline = pipeline(Source::Live);
    pipeline.handle_scan(scan(500));
    for offset_s in [0.0, 0.1] {
        let mut scan = scan(600);
        scan.points.iter_mut().for_each(|point| point.offset_s = offset_s);
        pipeline.handle_scan(scan);
    }
    let findings = crate::Inspector::new(&short_mission(), &go2()).expect("the bundled model").findings();
    assert_eq!(pipeline.outcome(findings, 0).timeless_scans, 2);
}

#[test]
fn live_the_newest_scan_counts_and_of_a_recording_every_one() {
    for (source, expected) in
        [(Source::Live, vec![at(200)]), (Source::Recording, vec![at(0), at(100), at(200)])]
    {
        let mut pipeline = pipeline(source);
        for ms in [0, 100, 200] {
            pipeline.handle_scan(scan(ms));
        }
        walk(&mut pipeline, 0..401);
        let stamps: Vec<_> = std::iter::from_fn(|| pipeline.poll_scan()).map(|job| job.scan.stamp).collect();
        assert_eq!(stamps, expected, "{source:?}");
    }
}

#[test]
fn pictures_of_one_moment_go_together_and_what_has_no_odometry_is_counted() {
    let mut pipeline = pipeline(Source::Recording);
    pipeline.handle_image(at(10), image());
    walk(&mut pipeline, 100..1000);
    for ms in [500, 500, 510] {
        pipeline.handle_image(at(ms), image());
    }
    let jobs: Vec<_> = std::iter::from_fn(|| pipeline.poll_images()).collect();
    let seen: Vec<_> = jobs.iter().map(|job| (job.stamp, job.images.len())).collect();
    assert_eq!(seen, [(at(500), 2), (at(510), 1)]);
    assert!((jobs[1].map_from_base.origin().x - 0.51).abs() < 1e-9, "interpolated");
    assert_eq!(pipeline.unplaced(), 1, "there was no odometry before 0.1 s");
}

#[test]
fn what_waits_too_long_makes_room() {
    let mut pipeline = pipeline(Source::Recording);
    for ms in 0..100 {
        pipeline.handle_scan(scan(ms));
        pipeline.handle_image(at(ms), image());
    }
    assert_eq!(pipeline.waiting() as usize, MAX_WAITING_IMAGES + MAX_WAITING_SCANS);
    assert_eq!(pipeline.unplaced(), 200 - pipeline.waiting());
}

#[test]
fn late_odometry_is_left_out_and_old_odometry_begins_anew() {
    let mut pipeline = pipeline(Source::Recording);
    pipeline.handle_mission(MissionState::Underway(MissionPhase::Go));
    walk(&mut pipeline, 0..5000);
    assert_eq!(pipeline.handle_odometry(&estimate(4500, 9.0)), OdometryEvent::Late);
    assert!((pipeline.newest().expect("one").stamp, pipeline.restarts) == (at(4980), 0));
    pipeline.handle_scan(scan(4950));
    assert_eq!(pipeline.handle_odometry(&estimate(100, 1.0)), OdometryEvent::Restarted);
    assert_eq!((pipeline.restarts, pipeline.waiting(), pipeline.unplaced()), (1, 0, 1));
    assert_eq!(pipeline.mission_state(), None, "nothing is known of the mission that begins now");
}

/// One message 3 s old, of any node: the report went from two defects and 5.1 m to none and 0.7 m.
#[test]
fn no_single_message_throws_away_what_was_found() {
    let mut pipeline = pipeline(Source::Live);
    pipeline.handle_mission(MissionState::Underway(MissionPhase::Go));
    walk(&mut pipeline, 0..5000);
    let samples = pipeline.history.outcome(findings(), 0).trace.samples.len();
    for wild in [estimate(1980, 1.98), estimate(1_767_225_600_000, 5.0), estimate(5000, -90.0)] {
        assert!(matches!(pipeline.handle_odometry(&wild), OdometryEvent::Refused(_)), "{wild:?}");
    }
    walk(&mut pipeline, 5000..6000);
    let outcome = pipeline.outcome(findings(), 0);
    assert_eq!((outcome.restarts, outcome.refused_odometry), (0, 3));
    assert_eq!((samples, outcome.trace.samples.len()), (50, 60));
    assert_eq!(outcome.state, Some(MissionState::Underway(MissionPhase::Go)));
}

/// Odometry from `ms` on, until it is believed.
fn jump(pipeline: &mut PerceptionPipeline, ms: u64, x: f64) -> u64 {
    let mut stamps = (ms..ms + 2000).step_by(20);
    let believed = |ms: &u64| pipeline.handle_odometry(&estimate(*ms, x)) == OdometryEvent::Restarted;
    stamps.find(believed).expect("a track that goes on is believed")
}

#[test]
fn a_live_robot_whose_time_goes_back_keeps_what_was_found() {
    let mut pipeline = pipeline(Source::Live);
    pipeline.handle_mission(MissionState::Underway(MissionPhase::Go));
    walk(&mut pipeline, 0..5000);
    pipeline.defects = 2;
    pipeline.handle_scan(scan(4950));
    let resumed = jump(&mut pipeline, 100, 1.0);
    assert_eq!((pipeline.restarts, pipeline.waiting(), pipeline.unplaced()), (1, 0, 1));
    assert_eq!(pipeline.defects(), 2);
    walk(&mut pipeline, resumed + 20..resumed + 1020);
    let outcome = pipeline.outcome(findings(), 0);
    assert_eq!(outcome.trace.samples.len(), 61);
    assert_eq!(outcome.trace.parts().map(<[Sample]>::len).collect::<Vec<_>>(), [50, 11]);
    assert!((outcome.duration_s - 5.9).abs() < 1e-9, "{}", outcome.duration_s);
}

/// A picture from the future held back all that came after it, up to sixty.
#[test]
fn what_is_far_ahead_of_the_odometry_holds_nothing_back() {
    let mut pipeline = pipeline(Source::Live);
    walk(&mut pipeline, 0..1000);
    pipeline.handle_image(at(1_767_225_600_000), image());
    pipeline.handle_scan(scan(9_000));
    pipeline.handle_image(at(500), image());
    pipeline.handle_scan(scan(500));
    assert_eq!(pipeline.poll_images().map(|job| job.stamp), Some(at(500)));
    assert_eq!(pipeline.poll_scan().map(|job| job.scan.stamp), Some(at(500)));
    assert_eq!(pipeline.unplaced(), 2);
}

fn findings() -> Findings {
    crate::Inspector::new(&short_mission(), &go2()).expect("the bundled model").findings()
}

/// Three shells had three definitions: the gait's mode by its name, by its number, and the trunk's height.
#[test]
fn standing_is_the_gaits_word_and_without_one_the_trunks_height() {
    let standing = |pipeline: &PerceptionPipeline| pipeline.scan_job(scan(0)).expect("an estimate").standing;
    let mut silent = pipeline(Source::Recording);
    walk(&mut silent, 0..980);
    assert!(!standing(&silent), "not for a second yet");
    walk(&mut silent, 980..1100);
    assert!(standing(&silent));
    let mut told = pipeline(Source::Recording);
    told.handle_mode(GaitMode::StandUp);
    walk(&mut told, 0..2000);
    assert!(!standing(&told), "it rises, however high it is");
    told.handle_mode(GaitMode::Walk);
    assert!(standing(&told));
}

#[test]
fn the_outcome_tells_how_the_mission_ended() {
    let mut pipeline = pipeline(Source::Live);
    pipeline.keep_all(None);
    walk(&mut pipeline, 0..2000);
    let ended = MissionState::ended(None);
    pipeline.handle_mission(ended.clone());
    let mission = short_mission();
    let findings = crate::Inspector::new(&mission, &go2()).expect("the bundled model").findings();
    let outcome = pipeline.outcome(findings, 3);
    assert_eq!((outcome.state, outcome.refused_scans, outcome.trace.samples.len()), (Some(ended), 3, 20));
    assert!((outcome.duration_s - 1.9).abs() < 1e-9);
}

/// A scan that was in work when a simulation began anew went into the new report, and to the planner.
#[test]
fn a_result_from_before_time_went_back_counts_for_nothing() {
    let mut pipeline = pipeline(Source::Live);
    walk(&mut pipeline, 0..5000);
    let mission = short_mission();
    let mut mapping = crate::LocalisationAndMapping::new(&go2(), &mission.design);
    let old = mapping.handle_scan(&pipeline.scan_job(scan(4800)).expect("an estimate"));
    assert!(pipeline.handle_scan_result(&old));
    jump(&mut pipeline, 100, 1.0);
    assert!(!pipeline.handle_scan_result(&old));
    let new = mapping.handle_scan(&pipeline.scan_job(scan(0)).expect("an estimate"));
    assert!(pipeline.handle_scan_result(&new));
}
