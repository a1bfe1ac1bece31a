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

/// Mistakes in the simulated tunnel and deep in robot files were found after the earlier run had been moved aside and the new
/// folder begun, with exit code 1 and without a line.
#[test]
fn mistakes_deep_in_a_file_are_refused_before_the_earlier_run_is_moved() {
    let folder = tempfile::tempdir().expect("a folder");
    let robots = concat!(env!("CARGO_MANIFEST_DIR"), "/robots");
    std::os::unix::fs::symlink(format!("{robots}/go2"), folder.path().join("go2")).expect("linked");
    let go2 = std::fs::read_to_string(format!("{robots}/go2-serial.toml")).expect("shipped");
    let earlier = folder.path().join("runs/tiny");
    std::fs::create_dir_all(&earlier).expect("made");
    std::fs::write(earlier.join("run.mcap"), "earlier").expect("written");
    std::fs::write(earlier.join(".adit-run"), "").expect("written");
    std::fs::write(folder.path().join("policy.safetensors"), "no policy").expect("written");
    std::fs::write(folder.path().join("model.xml"), "<mujoco><worldbody/></mujoco>").expect("written");

    let curve = |keys: &str| TINY.replace("{ length_m = 10.0 }", &format!("{{ length_m = 10.0, {keys} }}"));
    let add = |tables: &str| format!("{TINY}\n{tables}\n");
    let mut cases = vec![
        // (mission, robot, line of the file that is at fault, words)
        (add("[simulation.furniture]\ndebris_per_10_m = 50"), go2.clone(), "m.toml:22", "debris_per_10_m"),
        (add("[simulation.floor]\nroughness_m = 1"), go2.clone(), "m.toml:22", "roughness_m"),
        (add("[simulation]\nambient_c = 61.0"), go2.clone(), "m.toml:22", "ambient_c"),
        (add("[simulation.defects]\ncrack_width_min_mm = 9.0"), go2.clone(), "m.toml:22", "swap them"),
        (curve("radius_m = 10.0"), go2.clone(), "m.toml:7", "turn"),
        (curve("turn = \"right\""), go2.clone(), "m.toml:7", "radius_m"),
        (curve("grade_percent = 19.9"), go2.clone(), "m.toml:7", "max_grade_percent"),
        (
            TINY.replace("length_m = 10.0", "length_m = 120.0, radius_m = 8.5, turn = \"left\""),
            go2.clone(),
            "m.toml:7",
            "comes back to itself",
        ),
        (
            TINY.replace("alignment = [{ length_m = 10.0 }]", "alignment = [{ length_m = 5.0 }]"),
            go2.clone(),
            "m.toml:7",
            "at least 6 m",
        ),
        (
            TINY.replace("station_every_m = 3.0", "station_every_m = 1e-9"),
            go2.clone(),
            "m.toml:11",
            "station_every_m",
        ),
        (
            TINY.replace("[limits]", "joint_emissivity = 0.3\n[limits]"),
            go2.clone(),
            "m.toml:17",
            "give a value from 0.5 to 1",
        ),
        (TINY.replace("robot = \"go2\"", "robot = \"go3\""), String::new(), "m.toml:4", "no built-in robot"),
        (TINY.replace('\n', "\r"), go2.clone(), "m.toml:1", "carriage return"),
        (TINY.replace("seed = 3", &format!("seed = {}", "9".repeat(300))), go2.clone(), "m.toml:3", "help:"),
    ];
    // An alignment of 5 m has no room for the inspection of TINY.
    cases[8].0 = cases[8].0.replace("end_m = 4.0", "end_m = 4.4");
    for (from, to, expected) in [
        ("bus = 3", "bus = 5", "order"),
        ("id = 2", "id = 15", "id 15"),
        ("gear_ratio = 12.134", "gear_ratio = 900.0", "gear_ratio"),
        ("max_command = [1.0, 0.4, 1.0]", "max_command = [1.0, -0.4, 1.0]", "max_command[1]"),
        ("leg_order = [\"FR\"", "leg_order = [\"FL\"", "leg_order"),
        ("go2/policy/policy.safetensors", "policy.safetensors", "policy"),
        ("\"go2/go2.xml\"", "\"model.xml\"", "physics_model"),
        ("\"go2/go2.xml\"", "\"nowhere.xml\"", "physics_model"),
        ("width = 1024", "width = 0", "cameras[0].width"),
        ("horizontal_fov_deg = 75.0", "horizontal_fov_deg = 180.0", "thermal[0].horizontal_fov_deg"),
        ("min_range_m = 0.1", "min_range_m = 41.0", "swap them"),
        ("name = \"crown\"", "name = \"left\"", "cameras[1].name"),
        ("kp = 20.0", "kp = 1e9", "gait.kp"),
        ("rate_hz = 50.0", "rate_hz = 1e9", "gait.rate_hz"),
        ("capacity_wh", "capacity_kwh", "capacity_wh"),
        ("mass_kg = 15.2", "mass_kg 15.2", "launch/robots/go2.toml"),
    ] {
        assert!(go2.contains(from), "{from}");
        let text = go2.replacen(from, to, 1);
        let changed = text.lines().zip(go2.lines()).position(|(a, b)| a != b).expect("changed");
        // Of a joint's bus or gear, the refusal may name another key of it.
        let line =
            if expected == "gear_ratio" { "r.toml:".to_owned() } else { format!("r.toml:{}:", changed + 1) };
        cases.push((TINY.to_owned(), text, line.leak(), expected));
    }
    for (mission, robot, place, expected) in cases {
        std::fs::write(folder.path().join("m.toml"), mission).expect("written");
        std::fs::write(folder.path().join("r.toml"), &robot).expect("written");
        let args: &[&str] = &["mission", "m.toml", "--quiet", "--robot", "r.toml"];
        let run = adit(folder.path(), if robot.is_empty() { &args[..3] } else { args });
        let error = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{expected}: {error}{}", text(&run.stdout));
        assert!(
            error.contains(place) && error.contains(expected) && error.contains("help:"),
            "{place}: {error}"
        );
        assert_eq!(std::fs::read_to_string(earlier.join("run.mcap")).expect("in its place"), "earlier");
        assert_eq!(std::fs::read_dir(folder.path().join("runs")).expect("there").count(), 1, "{expected}");
    }
}

/// Files may be named in any bytes but 0 and a slash.
#[test]
fn names_and_contents_that_are_no_utf_8_are_told_as_such() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let name = OsStr::from_bytes(b"t\xe4st.toml");
    std::fs::write(folder.path().join(name), TINY.replace("end_m = 4.0", "end_m = 40.0")).expect("written");
    std::fs::write(folder.path().join("latin.toml"), b"name = \"a\"\n# Pr\xfcfung\n").expect("written");
    let run = |file: &OsStr| {
        let run = Command::new(env!("CARGO_BIN_EXE_adit"))
            .arg("mission")
            .arg(file)
            .current_dir(folder.path())
            .output();
        let run = run.expect("adit starts");
        assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
        text(&run.stderr)
    };
    let read = run(name);
    assert!(read.contains("st.toml:10: inspection.end_m 40"), "{read}");
    let latin = run(OsStr::new("latin.toml"));
    assert!(
        latin.contains("latin.toml:2: is no UTF-8 text") && latin.contains("help: save the file"),
        "{latin}"
    );
}

/// A robot's file with something changed, beside the Go2's own files.
fn write_robot(folder: &Path, from: &str, to: &str) {
    let robots = Path::new(env!("CARGO_MANIFEST_DIR")).join("robots");
    let text = std::fs::read_to_string(robots.join("go2.toml")).expect("there");
    assert!(text.contains(from), "{from}");
    let text = text.replacen(from, to, 1).replace("\"go2/", &format!("\"{}/go2/", robots.display()));
    std::fs::write(folder.join("robot.toml"), text).expect("written");
}

/// A policy that is too soft to carry the robot: it walked on its belly for 90 s, and then had "made no progress".
#[test]
fn a_robot_that_does_not_stand_is_given_up_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("tiny.toml"), TINY).expect("written");
    write_robot(folder.path(), "kp = 20.0", "kp = 2.0");
    let run =
        adit(folder.path(), &["mission", "tiny.toml", "--robot", "robot.toml", "--quiet", "--out", "out"]);
    let said = text(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{said}{}", text(&run.stderr));
    for part in ["NOT completed: did not rise: base at 0.", "m of 0.31 m", "check kp"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).expect("written");
    assert!(report.contains("did not rise: base at 0."));
    let simulated = said.split("time ").nth(1).and_then(|time| time.split_whitespace().next()?.parse().ok());
    assert!(simulated.is_some_and(|seconds: f64| seconds < 15.0), "{said}");
}

/// At 0 % of its battery the robot walked on, and had "completed".
#[test]
fn a_small_battery_is_warned_of_and_brings_the_robot_home_early() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("tiny.toml"), TINY).expect("written");
    write_robot(folder.path(), "capacity_wh = 230.4", "capacity_wh = 1.2");
    let run =
        adit(folder.path(), &["mission", "tiny.toml", "--robot", "robot.toml", "--quiet", "--out", "out"]);
    let said = text(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{said}{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("warning: The battery will not do"), "{}", text(&run.stderr));
    assert!(said.contains("NOT completed: the battery is low"), "{said}");
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).expect("written");
    assert!(report.contains("the battery is low") && report.contains("The battery will not do"));
    let log = std::fs::read_to_string(folder.path().join("out/run.log")).expect("written");
    assert!(log.contains("lying down") && !log.contains("the battery is empty"), "{log}");
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

/// A start that made the whole tunnel took two minutes and 5 GB for 5 km, and heard nothing meanwhile.
#[test]
fn a_tunnel_of_20_km_begins_as_a_short_one_does_and_hears_ctrl_c() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = TINY.replace("length_m = 10.0", "length_m = 20000.0").replace("tiny", "long");
    std::fs::write(folder.path().join("long.toml"), long).expect("written");
    let mut run = Command::new(env!("CARGO_BIN_EXE_adit"))
        .args(["mission", "long.toml", "--quiet", "--out", "run"])
        .current_dir(folder.path())
        .spawn()
        .expect("adit starts");
    let log = folder.path().join("run").join("run.log");
    let begun = || std::fs::read_to_string(&log).is_ok_and(|l| l.contains("standing up"));
    for _ in 0..2400 {
        if begun() || run.try_wait().expect("asked").is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", run.id())).expect("it runs");
    let killed = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill runs");
    assert!(killed.success() && begun());
    assert_eq!(run.wait().expect("ends").code(), Some(130));
    let peak_kb: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
        .expect("a peak");
    assert!(peak_kb < 1_000_000, "{peak_kb} kB, and a short tunnel takes about 200,000");
    let report = std::fs::read_to_string(folder.path().join("run/report.html")).expect("written");
    assert!(report.contains("20000.0 m long") && report.len() < 2_000_000, "{} bytes", report.len());
}
