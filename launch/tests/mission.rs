//! Whole runs as a user starts them: the binary, its exit codes, its files.

use std::path::Path;
use std::process::{Command, Output};

/// Ten metres of tunnel, there and back.
const TINY: &str = r#"
name = "tiny"
seed = 3
robot = "go2"
[tunnel]
section = { shape = "box", width_m = 2.6, height_m = 2.2 }
alignment = [{ length_m = 10.0 }]
[inspection]
start_m = 1.0
end_m = 4.0
station_every_m = 3.0
picture_every_m = 2.0
dwell_s = 0.2
speed_m_s = 0.7
return_speed_m_s = 0.9
hot_joint_above_c = 45.0
[limits]
timeout_s = 60.0
stuck_after_s = 15.0
"#;

fn adit(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adit")).args(args).current_dir(folder).output().expect("adit starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn two_runs_of_a_seed_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("tiny.toml"), TINY).expect("written");
    for out in ["a", "b"] {
        let run = adit(folder.path(), &["mission", "tiny.toml", "--quiet", "--out", out]);
        assert!(run.status.success(), "{}{}", text(&run.stdout), text(&run.stderr));
        assert!(text(&run.stdout).contains("tiny: completed"), "{}", text(&run.stdout));
    }
    for file in ["defects.geojson", "defects.csv", "run.mcap", "run.log"] {
        let [a, b] = ["a", "b"].map(|out| std::fs::read(folder.path().join(out).join(file)).expect("there"));
        assert!(!a.is_empty() && a == b, "{file} differs between two runs");
    }
    let recording = std::fs::read(folder.path().join("a/run.mcap")).expect("there");
    let messages = mcap::MessageStream::new(&recording).expect("opens").map(|m| m.expect("whole"));
    let stamps: Vec<_> =
        messages.filter(|m| m.channel.topic == "/battery_state").map(|m| m.log_time).collect();
    assert!(
        stamps.len() > 5 && stamps.windows(2).all(|pair| pair[1] - pair[0] == 1_000_000_000),
        "{stamps:?}"
    );
    let other = adit(folder.path(), &["mission", "tiny.toml", "--quiet", "--out", "c", "--seed", "4"]);
    assert!(other.status.success(), "{}", text(&other.stderr));
    let [a, c] =
        ["a", "c"].map(|out| std::fs::read(folder.path().join(out).join("run.mcap")).expect("there"));
    assert!(a != c, "another seed is another run");
}

#[test]
fn bad_input_is_one_clear_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("typo.toml", &TINY.replace("dwell_s", "dwel_s"));
    write("unit.toml", &TINY.replace("width_m = 2.6", "width_mm = 2600"));
    write("negative.toml", &TINY.replace("length_m = 10.0", "length_m = -10.0"));
    write("simulation.toml", &format!("{TINY}\n[simulation]\nlava = 3\n"));
    write("empty.png", "");
    let cases: [(&[&str], &str); 8] = [
        (&["mission", "typo.toml"], "typo.toml:13: unknown field `dwel_s`"),
        (&["mission", "unit.toml"], "write `width_m`, in metres"),
        (&["mission", "negative.toml"], "greater than 0"),
        (&["mission", "simulation.toml"], "unknown field `lava`"),
        (&["mission", "nowhere.toml"], "cannot read the mission file"),
        (&["mission", "short", "--robot", "cat"], "built-in robot"),
        (&["inspect", "empty.png"], "not a usable photograph"),
        (&["campaign", "short", "--seeds", "9-1"], "such as 1-20"),
    ];
    for (args, expected) in cases {
        let run = adit(folder.path(), args);
        let error = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(expected) && error.contains("help:"), "{args:?}: {error}");
        assert_eq!(error.matches("error:").count(), 1, "{error}");
        assert!(!folder.path().join("runs").exists(), "{args:?} left a folder behind");
    }
}

#[test]
fn ctrl_c_lays_the_robot_down_and_keeps_what_was_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = Command::new(env!("CARGO_BIN_EXE_adit"))
        .args(["mission", "short", "--quiet", "--out", "stopped"])
        .current_dir(folder.path())
        .spawn()
        .expect("adit starts");
    // Once the log says that it walks, it is stopped.
    let log = folder.path().join("stopped").join("run.log");
    let walks = || std::fs::read_to_string(&log).is_ok_and(|l| l.contains("walking out"));
    for _ in 0..6000 {
        if walks() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let killed = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill runs");
    assert!(killed.success() && walks());
    assert_eq!(run.wait().expect("ends").code(), Some(130));
    let report = std::fs::read_to_string(folder.path().join("stopped/report.html")).expect("written");
    assert!(report.contains("stopped by the operator"));
    let recording = std::fs::read(folder.path().join("stopped/run.mcap")).expect("written");
    let messages = mcap::MessageStream::new(&recording).expect("opens").filter(Result::is_ok).count();
    assert!(messages > 100, "{messages} messages");
}
