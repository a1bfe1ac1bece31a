//! `adit replay --lockstep` as a user starts it: the same bytes again, damaged and unusable recordings, exit codes.

use std::path::Path;
use std::process::{Command, Output};

use recording::{MessageWriter, RawRecorder};
use robot_interface::frames::Transform;
use robot_interface::sensors::{LidarPoint, LidarScan, RgbImage};
use robot_interface::state::RobotState;
use robot_interface::time::Stamp;
use stack::config::Robot;

/// Four metres of the short mission's tunnel, with more pictures than may wait, so that some are recorded on the way.
fn mission() -> String {
    include_str!("../missions/short.toml")
        .replace("end_m = 10.5", "end_m = 4.0")
        .replace("picture_every_m = 1.1", "picture_every_m = 0.5")
        .replace("name = \"short\"", "name = \"tiny\"")
}

fn adit(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adit")).args(args).current_dir(folder).output().expect("adit starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn replay(folder: &Path, file: &str, out: &str) -> String {
    let args = ["replay", file, "--lockstep", "--mission", "tiny.toml", "--quiet", "--out", out];
    let run = adit(folder, &args);
    assert!(run.status.success(), "{file}: {}{}", text(&run.stdout), text(&run.stderr));
    text(&run.stdout)
}

#[test]
fn a_recording_replayed_gives_the_same_bytes_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    std::fs::write(folder.join("tiny.toml"), mission()).expect("written");
    let run = adit(folder, &["mission", "tiny.toml", "--quiet", "--out", "run"]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    for out in ["a", "b"] {
        let said = replay(folder, "run/run.mcap", out);
        for part in ["the mission was completed", "lidar scans fit the tunnel's design", "4 times smaller"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    for file in ["report.html", "defects.geojson", "defects.csv", "run.mcap", "run.log"] {
        let [a, b] = ["a", "b"].map(|out| std::fs::read(folder.join(out).join(file)).expect("there"));
        assert!(!a.is_empty() && a == b, "{file} differs between two replays");
    }
    // What a replay recorded is a recording as well.
    replay(folder, "a/run.mcap", "again");

    let whole = std::fs::read(folder.join("run/run.mcap")).expect("there");
    std::fs::write(folder.join("cut.mcap"), &whole[..whole.len() * 3 / 4]).expect("written");
    let said = replay(folder, "cut.mcap", "cut");
    for part in ["The recording was cut off", "the recording ends while the mission is: "] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let mut torn = whole;
    let middle = torn.len() / 2;
    torn[middle..middle + 64].fill(0x55);
    std::fs::write(folder.join("torn.mcap"), &torn).expect("written");
    let said = replay(folder, "torn.mcap", "torn");
    assert!(said.contains("Damaged parts of the recording, whose messages are left out: 1"), "{said}");
    let log = std::fs::read_to_string(folder.join("torn/run.log")).expect("there");
    assert!(log.contains("are damaged"), "{log}");
}

#[test]
fn what_cannot_be_replayed_is_one_clear_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let record = |name: &str, topics: &[(&str, &str)]| {
        let mut recorder = RawRecorder::create(&folder.join(name)).expect("made");
        for (topic, type_name) in topics {
            let schema = || Ok(String::new());
            let (at, cdr) = (Stamp::from_nanos(1), [0, 1, 0, 0, 9, 9]);
            recorder.message(topic, type_name, schema, "", at, at, &cdr).expect("recorded");
        }
        recorder.finish().expect("closed");
    };
    let odom = ("/odom", "nav_msgs/msg/Odometry");
    record("empty.mcap", &[]);
    record("spaced.mcap", &[("/r1/odom", odom.1), ("/r1/camera/left/image_raw", "sensor_msgs/msg/Image")]);
    record("stranger.mcap", &[odom, ("/camera/drive/image_raw", "sensor_msgs/msg/Image")]);
    record("wrong.mcap", &[odom, ("/camera/left/image_raw", "sensor_msgs/msg/CompressedImage")]);
    record("short.mcap", &[odom, ("/camera/left/image_raw", "sensor_msgs/msg/Image")]);
    std::fs::write(folder.join("photo.png"), b"\x89PNG").expect("written");
    std::fs::write(folder.join("talker.db3"), b"SQLite format 3\0").expect("written");
    std::fs::create_dir(folder.join("bag")).expect("made");
    std::fs::write(folder.join("bag/bag_0.db3"), b"SQLite format 3\0").expect("written");
    std::fs::create_dir(folder.join("nothing")).expect("made");
    let cases: [(&[&str], &str); 12] = [
        (&["talker.db3"], "run `ros2 bag convert -i FILE"),
        (&["bag"], "bag_0.db3 is no MCAP file"),
        (&["empty.mcap", "nothing"], "nothing has no recording in it"),
        (&["nowhere.mcap"], "cannot open nowhere.mcap: check the path"),
        (&["photo.png"], "photo.png is no MCAP file: give the `run.mcap`"),
        (&["empty.mcap"], "no topic at all"),
        (&["spaced.mcap"], "give that with --namespace"),
        (&["spaced.mcap", "--namespace", "r1"], "ends at byte 6, before it is complete"),
        (&["stranger.mcap"], "give the file of the robot that made the recording with --robot"),
        (&["wrong.mcap"], "not `sensor_msgs/msg/Image` in `cdr`"),
        (&["short.mcap"], "no odometry that can be used"),
        (&["short.mcap", "--mission", "nowhere.toml"], "cannot read the mission file"),
    ];
    for (args, expected) in cases {
        let run = adit(folder, &[&["replay", "--lockstep"], args].concat());
        let error = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(expected), "{args:?}: {error}");
        assert_eq!(error.matches("error:").count(), 1, "{error}");
        assert!(!folder.join("runs").exists(), "{args:?} left a folder behind");
    }
}

/// All scans were refused, and the exit code was 0.
#[test]
fn scans_of_which_none_can_be_used_are_a_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let robot = Robot::load("go2").expect("built in").description;
    let mut recorder = MessageWriter::create(&folder.join("in.mcap"), &robot).expect("made");
    for ms in (0..3_000).step_by(20) {
        let stamp = Stamp::from_nanos(ms * 1_000_000);
        let state = RobotState {
            stamp,
            map_from_base: Transform::from_xyz_rpy([1.0, 0.0, 0.31], [0.0; 3]),
            velocity_m_s: Default::default(),
            angular_velocity_rad_s: Default::default(),
            contacts: [true; 4],
            position_covariance_m2: Default::default(),
            yaw_sigma_rad: 0.0,
        };
        recorder.odometry(&state).expect("written");
        if ms % 1_000 == 0 {
            let point = LidarPoint { position_m: [1.0; 3], intensity: 1.0, offset_s: 5e7 };
            recorder.lidar(stamp, &LidarScan { stamp, points: vec![point; 100] }, 1).expect("written");
            let (camera, image) = (&robot.cameras[0], RgbImage { width: 8, height: 8, data: vec![90; 192] });
            recorder.raw_picture(&camera.name, stamp, &image, &camera.intrinsics()).expect("written");
        }
    }
    recorder.finish().expect("closed");
    let run =
        adit(folder, &["replay", "in.mcap", "--lockstep", "--mission", "short", "--quiet", "--out", "out"]);
    let said = text(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{said}{}", text(&run.stderr));
    for part in ["they look like nanoseconds", "None of the recording's 3 lidar scans could be used"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("another tunnel") && folder.join("out/report.html").exists(), "{said}");
}

#[test]
fn its_help_needs_no_ros_and_options_that_do_nothing_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = adit(folder.path(), &["replay", "--help"]);
    assert!(help.status.success());
    for part in ["--lockstep", "--mission", "--robot", "--rate", "without ROS 2"] {
        assert!(text(&help.stdout).contains(part), "{part}: {}", text(&help.stdout));
    }
    for args in [&["x.mcap", "--out", "y"][..], &["x.mcap", "--lockstep", "--rate", "2"]] {
        let run = adit(folder.path(), &[&["replay"], args].concat());
        assert_eq!(run.status.code(), Some(2), "{args:?}: {}", text(&run.stderr));
    }
}
