//! Recordings that no robot made: odd numbers, gaps, time that goes back.

use std::path::Path;

use robot_interface::defect::Defect;
use robot_interface::frames::Transform;
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{LidarPoint, LidarScan, RgbImage, ThermalFrame};
use robot_interface::state::RobotState;
use robot_interface::status::{AbortReason, MissionPhase, MissionState};
use robot_interface::time::Stamp;

use super::*;
use crate::lockstep::{Detail, Progress};
use crate::mission_file::MissionFile;
use crate::run::{self, Filed};
use recording::messages::Header;
use recording::{Playback, RawRecorder, RecordError, cdr};

const OUT: MissionState = MissionState::Underway(MissionPhase::Go);

struct Nobody;

impl Observer for Nobody {
    fn progress(&mut self, _: &Progress) {}

    fn warn(&mut self, text: &str) {
        panic!("nothing is wrong here: {text}");
    }

    fn stop_requested(&self) -> bool {
        false
    }
}

fn at(milliseconds: u64) -> Stamp {
    Stamp::from_nanos(milliseconds * 1_000_000)
}

fn state(milliseconds: u64, x: f64) -> RobotState {
    RobotState {
        stamp: at(milliseconds),
        map_from_base: Transform::from_xyz_rpy([x, 0.0, 0.31], [0.0; 3]),
        velocity_m_s: nalgebra::Vector3::new(0.5, 0.0, 0.0),
        angular_velocity_rad_s: nalgebra::Vector3::zeros(),
        contacts: [true; 4],
        position_covariance_m2: nalgebra::Matrix3::identity() * 0.01,
        yaw_sigma_rad: 0.01,
    }
}

fn grey(width: u32, height: u32) -> RgbImage {
    RgbImage { width, height, data: vec![120; (width * height * 3) as usize] }
}

/// Records what `write` writes.
fn record(path: &Path, write: impl FnOnce(&mut MessageWriter, &Robot) -> Result<(), RecordError>) {
    let robot = Robot::load("go2").expect("built in");
    let mut recorder = MessageWriter::create(path, &robot.description).expect("made");
    write(&mut recorder, &robot).expect("written");
    recorder.finish().expect("closed");
}

/// Replays what `write` puts into a recording.
fn replayed(
    write: impl FnOnce(&mut MessageWriter, &Robot) -> Result<(), RecordError>,
) -> anyhow::Result<Replayed> {
    let mission = MissionFile::load("short").expect("built in");
    let robot = Robot::load("go2").expect("built in");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("in.mcap");
    record(&path, write);
    replay_file(&path, &mission, &robot, &folder.path().join("out"))
}

fn replay_file(path: &Path, mission: &MissionFile, robot: &Robot, out: &Path) -> anyhow::Result<Replayed> {
    let recorded = Recorded::open(&[path.to_owned()], "", &robot.description, false)?;
    let Filed { result, incomplete } = run::replay(recorded, &mission.mission, robot, &mut Nobody, out)?;
    assert!(incomplete.is_empty(), "{incomplete:?}");
    Ok(result)
}

fn picture(
    recorder: &mut MessageWriter,
    robot: &Robot,
    ms: u64,
    image: &RgbImage,
) -> Result<(), RecordError> {
    let camera = &robot.description.cameras[0];
    recorder.raw_picture(&camera.name, at(ms), image, &camera.intrinsics())
}

#[test]
fn pictures_are_placed_by_the_odometry_of_their_time_or_left_out() {
    let done = replayed(|recorder, robot| {
        // Before any odometry; in a gap of it; long past; of the future.
        picture(recorder, robot, 0, &grey(64, 80))?;
        for ms in (100..2_000).step_by(20).chain((4_000..6_000).step_by(20)) {
            recorder.odometry(&state(ms, 1.0 + ms as f64 * 5e-4))?;
        }
        for ms in [3_000, 1_510, 4_510, 9_000] {
            picture(recorder, robot, ms, &grey(64, 80))?;
        }
        recorder.odometry(&state(6_000, 4.0))
    })
    .expect("replays");
    assert_eq!((done.pictures, done.unplaced, done.damaged), (2, 3, 0));
    let warnings = done.summary.warnings.join("\n");
    for part in ["no odometry of their time: 3", "no /lidar/points", "up to 16 times smaller"] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    let reason = Verdict::Aborted { reason: "the recording does not say how the mission went".to_owned() };
    assert_eq!(done.summary.verdict, reason);
    assert!(done.summary.distance_walked_m > 2.0, "kept although nothing was said of a mission");
}

#[test]
fn when_time_goes_back_the_map_begins_anew() {
    let done = replayed(|recorder, robot| {
        for start_m in [8.0, 1.0] {
            for ms in (0..3_000).step_by(20) {
                recorder.odometry(&state(ms, start_m))?;
            }
            recorder.status(at(3_000), &OUT, start_m, 0.0, 0)?;
            // Late by a moment, which is no restart.
            recorder.odometry(&state(2_500, start_m))?;
            picture(recorder, robot, 1_000, &grey(64, 80))?;
            recorder.odometry(&state(3_000, start_m))?;
        }
        recorder.status(at(3_100), &MissionState::ended(Some(AbortReason::Fell)), 1.0, 0.0, 0)
    })
    .expect("replays");
    assert!(done.summary.warnings.iter().any(|note| note.contains("Time went back (1 times)")));
    assert!(done.summary.profile.iter().all(|row| (row.chainage_m - 1.0).abs() < 0.1));
    assert!(done.summary.fell);
}

#[test]
fn odd_numbers_are_refused_or_harmless() {
    let done = replayed(|recorder, robot| {
        for ms in (0..4_000).step_by(20) {
            // Walks, jumps, leaves the tunnel, and is nowhere.
            let x = [1.0, 1.5, 9e5, -9e5, f64::NAN, 1e300][(ms as usize / 200) % 6];
            recorder.odometry(&state(ms, x))?;
        }
        for (offset_s, value) in
            [(0.05, 1.0), (f32::NAN, 1.0), (1e30, f32::INFINITY), (-5.0, 3e38), (9.9, 0.0)]
        {
            let point = LidarPoint { position_m: [value, 2.0, f32::NAN], intensity: 0.0, offset_s };
            recorder.lidar(at(4_000), &LidarScan { stamp: at(1_000), points: vec![point; 400] }, 1)?;
        }
        recorder.lidar(at(4_000), &LidarScan { stamp: at(1_000), points: Vec::new() }, 1)?;
        for size in [(1, 1), (3, 1), (1, 200), (256, 320)] {
            picture(recorder, robot, 1_000, &grey(size.0, size.1))?;
        }
        let celsius = vec![f32::NAN, f32::INFINITY, -1e30, 80.0];
        let frame = ThermalFrame { stamp: at(1_000), camera: 0, width: 2, height: 2, celsius };
        recorder.thermal(at(4_000), &robot.description.thermal[0].name, &frame)?;
        recorder.odometry(&state(4_020, 2.0))
    })
    .expect("replays");
    assert_eq!(done.pictures, 5);
    let refused = done.summary.warnings.iter().find(|note| note.contains("/odom"));
    assert!(refused.is_some_and(|note| note.contains("not finite, or absurd")), "{refused:?}");
}

#[test]
fn a_recording_without_anything_usable_is_refused_before_anything_is_written() {
    let nothing = replayed(|recorder, robot| {
        recorder.odometry(&state(0, f64::NAN))?;
        picture(recorder, robot, 0, &grey(8, 8))
    });
    let error = nothing.expect_err("no odometry").to_string();
    for part in ["no odometry that can be used", "not finite, or absurd", "help:"] {
        assert!(error.contains(part), "{error}");
    }
    let nothing = replayed(|recorder, _| {
        recorder.odometry(&state(0, 1.0))?;
        recorder.status(at(0), &OUT, 1.0, 0.0, 0)
    });
    let error = nothing.expect_err("no pictures").to_string();
    assert!(error.contains("there is no /camera/NAME/image_raw"), "{error}");
}

/// The whole way round: what a run recorded with every detail is found again from its recording.
#[test]
fn a_replay_is_scored_as_its_run_was() {
    let mut mission = MissionFile::load("short").expect("built in");
    mission.mission.inspection.end_m = 4.0.try_into().expect("positive");
    let robot = Robot::load("go2").expect("built in");
    let folder = tempfile::tempdir().expect("a folder");
    let run_folder = folder.path().join("run");
    let finished = run::run(&mission, &robot, &mut Nobody, &run_folder, Detail::Full).expect("runs").result;
    let recording = run_folder.join("run.mcap");
    let done = replay_file(&recording, &mission, &robot, &folder.path().join("again")).expect("replays");
    assert_eq!(done.summary.verdict, finished.summary.verdict);
    assert!(!done.summary.defects.is_empty(), "it found nothing that could be compared");
    let places = |summary: &RunSummary| -> Vec<_> {
        let place = |d: &Defect| (d.class, d.centre.chainage_m, d.centre.arc_m, d.score);
        summary.defects.iter().map(|d| place(&d.defect)).collect()
    };
    let (run, again) = (places(&finished.summary), places(&done.summary));
    assert_eq!(run.len(), again.len(), "{run:?} {again:?}");
    for (a, b) in run.iter().zip(&again) {
        let near = (a.1 - b.1).abs() < 0.01 && (a.2 - b.2).abs() < 0.01 && (a.3 - b.3).abs() < 0.01;
        assert!(a.0 == b.0 && near, "{a:?} became {b:?}");
    }
    let ground = done.summary.elevation.expect("mapped").elevation_m;
    assert!(ground.iter().filter(|height| height.is_finite()).count() > 500, "no ground");
    assert!(done.agreement.is_some_and(|said| said.contains("cm beside")), "no scans");
    assert!(done.summary.truth.is_none() && done.summary.true_path.is_empty(), "it knows no truth");
}

/// A status of the time when it was a text: it is left out, and what was walked is kept all the same.
#[test]
fn a_recording_of_another_version_is_replayed_without_its_status() {
    #[derive(serde::Serialize)]
    struct TextStatus {
        header: Header<'static>,
        phase: &'static str,
        chainage_m: f64,
        distance_walked_m: f64,
        defects: u32,
    }
    let robot = Robot::load("go2").expect("built in");
    let folder = tempfile::tempdir().expect("a folder");
    let (new, old) = (folder.path().join("new.mcap"), folder.path().join("old.mcap"));
    let mut writer = MessageWriter::create(&new, &robot.description).expect("made");
    for ms in (0..2_000).step_by(20) {
        writer.odometry(&state(ms, 1.0 + ms as f64 * 1e-3)).expect("written");
        writer.status(at(ms), &OUT, 1.0, 0.0, 0).expect("written");
    }
    picture(&mut writer, &robot, 1_000, &grey(64, 80)).expect("written");
    writer.odometry(&state(2_000, 3.0)).expect("written");
    writer.finish().expect("closed");
    let header = Header::new(at(0), "map");
    let status =
        TextStatus { header, phase: "walking out", chainage_m: 1.0, distance_walked_m: 0.0, defects: 0 };
    let mut status_bytes = Vec::new();
    cdr::serialize_into(&mut status_bytes, &status).expect("bytes");
    let mut copy = RawRecorder::create(&old).expect("made");
    for played in Playback::open(&new).expect("opens") {
        let played = played.expect("whole");
        let (topic, at) = (&played.topic, played.log_time);
        let data = if topic.name == "/mission/status" { &status_bytes } else { &played.data };
        copy.message(&topic.name, &topic.type_name, || Ok(String::new()), "", at, at, data).expect("copied");
    }
    copy.finish().expect("closed");
    let mission = MissionFile::load("short").expect("built in");
    let done = replay_file(&old, &mission, &robot, &folder.path().join("out")).expect("replays");
    assert!(done.summary.distance_walked_m > 1.5, "{}", done.summary.distance_walked_m);
    let notes = done.summary.warnings.join("\n");
    assert!(notes.contains("/mission/status that were not used: 100"), "{notes}");
    let reason = Verdict::Aborted { reason: "the recording does not say how the mission went".to_owned() };
    assert_eq!(done.summary.verdict, reason);
}

/// A scan of a ring of points, each of this time.
fn ring(ms: u64, offset_s: impl Fn(usize) -> f32) -> LidarScan {
    let point = |i: usize| {
        let angle = i as f32 * 0.05;
        LidarPoint { position_m: [angle.cos(), angle.sin(), 0.1], intensity: 1.0, offset_s: offset_s(i) }
    };
    LidarScan { stamp: at(ms), points: (0..200).map(point).collect() }
}

/// Four seconds of walking with pictures and scans.
fn walk(
    recorder: &mut MessageWriter,
    robot: &Robot,
    from_ms: u64,
    offset_s: impl Fn(usize) -> f32 + Copy,
) -> Result<(), RecordError> {
    for ms in (from_ms..from_ms + 4_000).step_by(20) {
        recorder.odometry(&state(ms, 1.0 + ms as f64 * 5e-4))?;
        if ms % 1_000 == 0 {
            let camera = &robot.description.cameras[0];
            recorder.picture(at(ms), &camera.name, at(ms), &grey(64, 80), &camera.intrinsics())?;
            recorder.lidar(at(ms), &ring(ms, offset_s), 1)?;
        }
    }
    Ok(())
}

/// Each of these was replayed without a word, with the defects where they are not.
#[test]
fn a_robot_file_that_contradicts_the_recording_is_refused_by_its_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("in.mcap");
    record(&path, |recorder, robot| walk(recorder, robot, 0, |i| i as f32 * 5e-4));
    let robot = || Robot::load("go2").expect("built in").description;
    let open = |robot: &RobotDescription, other_mounts| {
        Recorded::open(std::slice::from_ref(&path), "", robot, other_mounts)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    open(&robot(), false).expect("its own");
    let [mut rolled, mut turned, mut moved, mut swapped, mut wide] = [(); 5].map(|()| robot());
    rolled.lidar.rpy_deg[0] -= 180.0;
    turned.lidar.rpy_deg[2] += 5.0;
    moved.lidar.xyz_m[2] += 0.1;
    let name = swapped.cameras[0].name.clone();
    swapped.cameras[0].name = swapped.cameras[1].name.clone();
    swapped.cameras[1].name = name;
    wide.cameras[0].horizontal_fov_deg = 100.0.try_into().expect("positive");
    for (robot, key) in [
        (&rolled, "rpy_deg of [lidar]"),
        (&turned, "rpy_deg of [lidar]"),
        (&moved, "xyz_m of [lidar]"),
        (&swapped, "rpy_deg of [[cameras]]"),
        (&wide, "horizontal_fov_deg of [[cameras]]"),
    ] {
        let error = open(robot, false).expect_err(key);
        for part in [key, "contradicts the robot's file", "--robot", "--other-mounts"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        open(robot, true).expect("allowed");
    }
    let (mission, mut robot) =
        (MissionFile::load("short").expect("built in"), Robot::load("go2").expect("built in"));
    robot.description = turned;
    let recorded = Recorded::open(&[path], "", &robot.description, true).expect("allowed");
    let out = folder.path().join("out");
    let done = run::replay(recorded, &mission.mission, &robot, &mut Nobody, &out).expect("replays");
    let notes = done.result.summary.warnings.join("\n");
    assert!(notes.contains("contradicts the robot's file: rpy_deg of [lidar]"), "{notes}");
}

/// Times in nanoseconds were another tunnel, and the replay went well.
#[test]
fn scans_that_cannot_be_used_are_told_for_what_they_are() {
    type Case = (fn(usize) -> f32, bool, &'static str);
    let cases: [Case; 4] = [
        (|i| i as f32 * 5e5, true, "they look like nanoseconds"),
        (|_| f32::NAN, true, "none is a number"),
        (|i| i as f32 * 5e-4 - 0.1, false, ""),
        (|_| 0.05, false, "lidar scans all points have one time"),
    ];
    for (offset_s, is_refused, said) in cases {
        let done = replayed(|recorder, robot| walk(recorder, robot, 1_000, offset_s)).expect("replays");
        let notes = done.summary.warnings.join("\n");
        assert!(notes.contains(said), "{said}: {notes}");
        assert_eq!(notes.contains("/lidar/points that were not used: 4"), is_refused, "{notes}");
        assert_eq!(done.agreement.is_none(), is_refused, "{notes}");
        assert!(!is_refused || done.no_scan_used && !notes.contains("another tunnel"), "{notes}");
    }
    let empty = replayed(|recorder, robot| {
        walk(recorder, robot, 0, |_| f32::NAN)?;
        recorder.lidar(at(4_000), &LidarScan { stamp: at(3_000), points: Vec::new() }, 1)
    });
    let notes = empty.expect("replays").summary.warnings.join("\n");
    assert!(notes.contains("next to no points"), "{notes}");
}

#[test]
fn stamps_that_stand_still_are_noticed() {
    for stamp in [Stamp::ZERO, Stamp::from_nanos(2_147_483_647_999_999_999)] {
        let folder = tempfile::tempdir().expect("a folder");
        let [good, still] = ["good.mcap", "still.mcap"].map(|name| folder.path().join(name));
        record(&good, |recorder, robot| walk(recorder, robot, 0, |i| i as f32 * 5e-4));
        for (topic, said) in
            [("/odom", "its odometry stands still"), ("/camera/", "image_raw/compressed stand still")]
        {
            let mut copy = RawRecorder::create(&still).expect("made");
            for played in Playback::open(&good).expect("opens") {
                let mut played = played.expect("whole");
                if played.topic.name.starts_with(topic) && !played.topic.name.ends_with("camera_info") {
                    let time = recording::messages::Time::from(stamp);
                    played.data[4..8].copy_from_slice(&time.sec.to_le_bytes());
                    played.data[8..12].copy_from_slice(&time.nanosec.to_le_bytes());
                }
                let (topic, at) = (&played.topic, played.log_time);
                let schema = || Ok(String::new());
                for _ in 0..2 {
                    copy.message(&topic.name, &topic.type_name, schema, "", at, at, &played.data)
                        .expect("copied");
                }
            }
            copy.finish().expect("closed");
            let (mission, robot) =
                (MissionFile::load("short").expect("built in"), Robot::load("go2").expect("built in"));
            let notes = match replay_file(&still, &mission, &robot, &folder.path().join("out")) {
                Ok(done) => done.summary.warnings.join("\n"),
                Err(error) => error.to_string(),
            };
            assert!(notes.contains(said), "{said}: {notes}");
        }
    }
}

#[test]
fn a_recording_that_was_split_is_replayed_as_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let bag = folder.path().join("bag");
    std::fs::create_dir(&bag).expect("made");
    let (mission, robot) =
        (MissionFile::load("short").expect("built in"), Robot::load("go2").expect("built in"));
    record(&folder.path().join("whole.mcap"), |recorder, robot| {
        walk(recorder, robot, 0, |i| i as f32 * 5e-4)?;
        walk(recorder, robot, 4_000, |i| i as f32 * 5e-4)
    });
    for (i, from_ms) in [(0, 0), (1, 4_000)] {
        record(&bag.join(format!("bag_{i}.mcap")), |recorder, robot| {
            walk(recorder, robot, from_ms, |i| i as f32 * 5e-4)
        });
    }
    let whole = replay_file(&folder.path().join("whole.mcap"), &mission, &robot, &folder.path().join("a"))
        .expect("replays");
    let split = replay_file(&bag, &mission, &robot, &folder.path().join("b")).expect("replays");
    assert_eq!(whole.pictures, split.pictures);
    assert!((whole.summary.distance_walked_m - split.summary.distance_walked_m).abs() < 1e-9);
    assert!(split.summary.warnings.iter().any(|note| note.contains("bag_0.mcap, bag_1.mcap")));
}

/// A recording that was cut off before its first picture was one without cameras.
#[test]
fn a_damaged_recording_is_called_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("in.mcap");
    record(&path, |recorder, robot| {
        for ms in (0..4_000).step_by(20) {
            recorder.odometry(&state(ms, 1.0))?;
        }
        walk(recorder, robot, 4_000, |i| i as f32 * 5e-4)
    });
    let bytes = std::fs::read(&path).expect("there");
    let (mission, robot) =
        (MissionFile::load("short").expect("built in"), Robot::load("go2").expect("built in"));
    let whole = Playback::open(&path).expect("opens").topics().count();
    let mut seen = false;
    for share in 1..20 {
        std::fs::write(&path, &bytes[..bytes.len() * share / 20]).expect("written");
        let topics = Playback::open(&path).expect("opens").topics().count();
        if let Err(error) = replay_file(&path, &mission, &robot, &folder.path().join("out")) {
            let error = error.to_string();
            assert!(topics == whole || error.contains("it is damaged"), "{share}: {error}");
            assert!(
                error.contains("was cut off") && error.contains("copy the file again"),
                "{share}: {error}"
            );
            seen |= topics == 3;
        }
    }
    assert!(seen, "no cut between odometry and pictures");
}
