//! `adit bus` as a user starts it, on motors that are not there.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use launch::pty::Pty;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;

const ADIT: &str = env!("CARGO_BIN_EXE_adit");

fn adit(args: &[&str]) -> Output {
    Command::new(ADIT).arg("bus").args(args).stdin(Stdio::null()).output().expect("adit starts")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// `adit bus calibrate` with lines typed at it.
fn calibrate(args: &[&str], typed: &str) -> Output {
    let mut child = Command::new(ADIT)
        .args(["bus", "calibrate"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("adit starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may have ended before it has read all.
    let _ = stdin.write_all(typed.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_scan_finds_three_motors_on_each_of_four_buses() {
    let output = adit(&["scan", "--virtual", "go2-serial", "--json"]);
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let ports = json["ports"].as_array().expect("ports");
    assert_eq!(ports.len(), 4);
    for port in ports {
        let found = port["found"].as_array().expect("motors");
        let ids: Vec<_> = found.iter().filter_map(|motor| motor["id"].as_u64()).collect();
        assert_eq!(ids, [0, 1, 2], "{port}");
        assert!(
            found.iter().all(|motor| motor["protocol"] == "go-m8010-6" && motor["answers"] == 1),
            "{port}"
        );
        assert_eq!(
            (&port["echo"], &port["notes"]),
            (&Value::from(false), &Value::Array(Vec::new())),
            "{port}"
        );
    }
    let table = out(&adit(&["scan", "--virtual", "go2-serial", "--wait-ms", "10"]));
    assert_eq!(table.lines().count(), 13, "{table}");
    assert!(table.starts_with("port") && table.matches("go-m8010-6").count() == 12, "{table}");
}

#[test]
fn a_scan_that_finds_nothing_says_what_to_check() {
    let output = adit(&["scan", "--virtual", "go2-serial", "--protocol", "b1", "--wait-ms", "2"]);
    assert_eq!(code(&output), Some(1));
    let text = out(&output);
    assert!(
        text.contains("Asked: b1 (6000000)") && text.contains("power") && text.contains("latency_timer"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_used_is_refused_with_what_to_give_instead() {
    let cases: [(&[&str], &str); 12] = [
        (&["scan", "--port", "/dev/null"], "no serial port"),
        (&["scan", "--port", "/no/such/port"], "no such port"),
        (&["scan", "--virtual", "go3"], "help: name a built-in robot (go2"),
        (&["scan", "--protocol", "canopen"], "dynamixel2"),
        (&["scan", "--virtual", "go2-serial", "--wait-ms", "0"], "1..=1000"),
        (&["scan", "--virtual", "go2-serial", "--baud", "0"], "1.."),
        (&["monitor"], "--virtual"),
        (&["monitor", "--robot", "go2-serial"], "add [ports]"),
        (&["monitor", "--virtual", "go2-serial", "--rate", "nan"], "1 to 1000"),
        (&["bench", "--virtual", "go2-serial", "--rate", "0"], "1 to 5000"),
        (&["bench", "--virtual", "go2-serial", "--seconds", "-1"], "help"),
        (&["calibrate", "--robot", "go2-serial"], "a calibration belongs to a single one"),
    ];
    for (args, expected) in cases {
        let output = adit(args);
        let said = err(&output);
        assert_eq!(code(&output), Some(2), "{args:?}: {said}");
        assert!(said.contains(expected) && output.stdout.is_empty(), "{args:?}: {said}");
    }
}

#[test]
fn without_a_terminal_the_monitor_prints_a_line_a_joint() {
    let output = adit(&["monitor", "--virtual", "go2-serial", "--rate", "20", "--seconds", "0.8"]);
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    let text = out(&output);
    assert_eq!(text.lines().count(), 12, "{text}");
    for word in ["FL_hip_joint", "RR_calf_joint", "bus 3 id 2", "answered", "checksum 0", "foreign", "p99"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let output = adit(&["monitor", "--virtual", "go2-serial", "--rate", "20", "--seconds", "0.8", "--json"]);
    let lines: Vec<Value> =
        out(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 12);
    assert!(lines.iter().all(|line| line["answered"].as_u64() > Some(0)), "{lines:?}");
    assert!(lines.iter().all(|line| line["round_trip_us"]["p50"].as_f64() > Some(0.0)), "{lines:?}");
}

#[test]
fn on_a_terminal_the_monitor_shows_a_table_and_leaves_the_terminal_as_it_was() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("it can be used");
    let path = ptsname(&master, Vec::new()).expect("it has a name").into_string().expect("of plain letters");
    let slave = || std::fs::File::options().read(true).write(true).open(&path).expect("opens");
    tcsetwinsize(&master, Winsize { ws_row: 40, ws_col: 140, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
    let mut child = Command::new(ADIT)
        .args(["bus", "monitor", "--virtual", "go2-serial", "--rate", "20", "--seconds", "60"])
        .env("TERM", "xterm")
        .stdin(slave())
        .stdout(slave())
        .stderr(slave())
        .spawn()
        .expect("adit starts");
    let keeper = slave();
    let mut terminal = std::fs::File::from(master);
    let mut shown = Vec::new();
    let mut pressed = false;
    let mut buffer = [0; 4096];
    const LEFT: &[u8] = b"\x1b[?1049l";
    // Until it has left its screen: the joint's name shows that there is a table, and q ends it.
    while !shown.windows(LEFT.len()).any(|bytes| bytes == LEFT) {
        let count = terminal.read(&mut buffer).expect("open");
        shown.extend_from_slice(&buffer[..count]);
        if !pressed && String::from_utf8_lossy(&shown).contains("RR_calf") {
            terminal.write_all(b"q").expect("a key");
            pressed = true;
        }
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(pressed && String::from_utf8_lossy(&shown).contains("\x1b[?1049h"));
    let settings = rustix::termios::tcgetattr(&keeper).expect("settings");
    assert!(settings.local_modes.contains(rustix::termios::LocalModes::ICANON), "no longer raw");
}

#[test]
fn a_bench_prints_both_loops_and_their_ratio() {
    let output = adit(&["bench", "--virtual", "go2-serial", "--rate", "100", "--seconds", "1"]);
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    let text = out(&output);
    for word in ["cycle", "floor", "ratio", "round trip p99.9, us", "deadlines missed", "processor, %"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let output = adit(&["bench", "--virtual", "go2-serial", "--rate", "100", "--seconds", "1", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&json["cycle"]["cycles"], &json["floor"]["cycles"]), (&Value::from(50), &Value::from(50)));
    assert!(json["cycle"]["round_trip_us"]["p99"].as_f64() > Some(0.0), "{json}");
}

#[test]
fn a_lying_robot_is_calibrated_and_its_file_is_used_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let saved = folder.path().join("calibration.toml");
    let output = calibrate(
        &["--virtual", "go2-serial", "--lying", "--out", saved.to_str().expect("text")],
        // The others are for readings that are late on a loaded machine: then the pose is asked for anew.
        &"\n".repeat(20),
    );
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    assert!(out(&output).contains("+0.0500") && out(&output).contains("saved: "), "{}", out(&output));
    assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 1, "no part is left");

    // Beside a robot's file it is used; beside another robot's it is refused.
    let robots = Path::new(env!("CARGO_MANIFEST_DIR")).join("robots");
    let text = std::fs::read_to_string(robots.join("go2-serial.toml")).expect("the Go2's file");
    let text = text.replace("\"go2/", &format!("\"{}/go2/", robots.display()));
    let robot = folder.path().join("mine.toml");
    let scan = || adit(&["scan", "--virtual", robot.to_str().expect("text"), "--wait-ms", "5"]);
    std::fs::write(&robot, &text).expect("written");
    assert_eq!(code(&scan()), Some(0), "{}", err(&scan()));
    std::fs::write(&robot, text.replace("name = \"Go2 with serial motors\"", "name = \"Another\""))
        .expect("written");
    let refused = scan();
    assert_eq!(code(&refused), Some(2));
    assert!(err(&refused).contains("is the calibration of `Go2 with serial motors`"), "{}", err(&refused));
    std::fs::write(&robot, text.replacen("gear_ratio = 6.33", "gear_ratio = 7.0", 1)).expect("written");
    assert!(err(&scan()).contains("another wiring"), "{}", err(&scan()));
}

/// The Go2's file with motors at the joints that speak this, in a folder.
fn robot_with(folder: &Path, motors: &str) -> String {
    let robots = Path::new(env!("CARGO_MANIFEST_DIR")).join("robots");
    let text = std::fs::read_to_string(robots.join("go2-serial.toml")).expect("the Go2's file");
    let text = text.replace("\"go2/", &format!("\"{}/go2/", robots.display()));
    // From above, so that none is replaced twice.
    let text = (0..3)
        .rev()
        .fold(text, |text, id| text.replace(&format!("\nid = {id}\n"), &format!("\nid = {}\n", id + 1)));
    let ratio =
        |line: &str| if line.starts_with("gear_ratio") { "gear_ratio = 1.0" } else { line }.to_owned();
    let text: Vec<_> = text.lines().map(ratio).collect();
    let path = folder.join("mine.toml");
    std::fs::write(&path, text.join("\n") + "\n[motors]\n" + motors).expect("written");
    path.to_str().expect("text").to_owned()
}

#[test]
fn microcontrollers_are_found_watched_and_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let robot = robot_with(folder.path(), "protocol = \"adit\"\n");
    let output = adit(&["scan", "--virtual", &robot, "--json"]);
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for port in json["ports"].as_array().expect("ports") {
        let found = port["found"].as_array().expect("motors");
        let ids: Vec<_> = found.iter().filter_map(|motor| motor["id"].as_u64()).collect();
        assert_eq!((ids.as_slice(), &port["notes"]), (&[1, 2, 3][..], &Value::Array(Vec::new())), "{port}");
        for motor in found {
            let told = ["protocol", "model", "firmware"].map(|key| motor[key].as_str());
            assert_eq!(told, [Some("adit"), Some("virtual"), Some("0.1.0")]);
            assert!(motor["position_rad"].is_f64() && motor["voltage_v"] == 24.0, "{motor}");
        }
    }
    // Slower than the link's timeout, too: the device is greeted and read in one cycle then.
    for rate in ["50", "4"] {
        let output = adit(&["monitor", "--virtual", &robot, "--rate", rate, "--seconds", "0.9", "--json"]);
        let lines: Vec<Value> =
            out(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 12, "{}", err(&output));
        assert!(lines.iter().all(|line| line["answered"].as_u64() > Some(1)), "{lines:?}");
        assert!(lines.iter().all(|line| line["fault"].is_null()), "{lines:?}");
    }
    let output = adit(&["bench", "--virtual", &robot, "--rate", "100", "--seconds", "0.5"]);
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    assert!(out(&output).contains("floor: none with this protocol"), "{}", out(&output));
    let output = adit(&["bench", "--virtual", &robot, "--rate", "100", "--seconds", "0.5", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(json["floor"].is_null() && json["cycle"]["round_trip_us"]["p50"].as_f64() > Some(0.0), "{json}");
}

#[test]
fn motors_of_every_protocol_that_can_drive_are_calibrated_by_a_hand() {
    let folder = tempfile::tempdir().expect("a folder");
    let saved = folder.path().join("out.toml");
    let saved = saved.to_str().expect("text");
    for motors in ["protocol = \"adit\"\n", "protocol = \"damiao\"\nmodel = \"DM8009\"\n"] {
        let robot = robot_with(folder.path(), motors);
        // Once for the pose, or for both stops of each joint, and some more: on a loaded machine readings are late, and then
        // a joint is asked for anew.
        for (args, typed) in [(&["--lying"][..], 1 + 20), (&[], 24 + 20)] {
            let args = [&["--virtual", &robot, "--out", saved][..], args].concat();
            let output = calibrate(&args, &"\n".repeat(typed));
            assert_eq!(code(&output), Some(0), "{motors}: {}", err(&output));
            // A Damiao motor's reading has steps of 0.0004 rad.
            let found = out(&output).matches(" +0.050").count() + out(&output).matches(" +0.049").count();
            assert_eq!(found, 12, "{motors}: {}", out(&output));
        }
    }
}

#[test]
fn a_calibration_that_is_broken_off_saves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let saved = folder.path().join("calibration.toml");
    // One joint's stops, then the end; and a person who gives up.
    for typed in ["\n\n", "\nq\n", ""] {
        let output = calibrate(&["--virtual", "go2-serial", "--out", saved.to_str().expect("text")], typed);
        assert_eq!(code(&output), Some(1), "{typed:?}: {}", out(&output));
        assert!(err(&output).contains("nothing has been saved"), "{}", err(&output));
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0);
    }
}

/// The Go2's file with ports behind which nobody answers, and those: its motors' and the inertial sensor's.
fn silent_robot(folder: &Path) -> (String, Vec<Pty>) {
    let ports: Vec<_> = (0..5).map(|_| Pty::new().expect("a pseudo-terminal")).collect();
    let mut motors: Vec<_> = ports.iter().map(|port| port.path().display().to_string()).collect();
    let imu = motors.pop().expect("five");
    let robots = Path::new(env!("CARGO_MANIFEST_DIR")).join("robots");
    let text = std::fs::read_to_string(robots.join("go2-serial.toml")).expect("the Go2's file");
    let text = text.replace("\"go2/", &format!("\"{}/go2/", robots.display()));
    let path = folder.join("silent.toml");
    std::fs::write(&path, format!("{text}\n[ports]\nmotors = {motors:?}\nimu = {imu:?}\n")).expect("written");
    (path.to_str().expect("text").to_owned(), ports)
}

/// `adit bus monitor` without a single answer ended as if all were well.
#[test]
fn where_no_motor_answers_that_is_said_and_the_exit_code_says_it_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let (robot, _ports) = silent_robot(folder.path());
    for args in [
        &["monitor", "--robot", &robot, "--rate", "20", "--seconds", "0.2"][..],
        &["monitor", "--robot", &robot, "--rate", "20", "--seconds", "0.2", "--json"],
        &["bench", "--robot", &robot, "--rate", "100", "--seconds", "0.2"],
        &["bench", "--robot", &robot, "--rate", "100", "--seconds", "0.2", "--json"],
    ] {
        let output = adit(args);
        assert_eq!(code(&output), Some(1), "{args:?}: {}", err(&output));
        assert!(
            err(&output).contains("no motor has answered: check that the motors have power"),
            "{}",
            err(&output)
        );
        assert!(!output.stdout.is_empty(), "what was measured is printed all the same: {args:?}");
    }
}

/// It was found out when all joints had been moved by hand.
#[test]
fn a_place_where_nothing_can_be_saved_is_refused_before_a_joint_is_moved() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").expect("written");
    for out in
        [folder.path().to_owned(), folder.path().join("none/c.toml"), file.join("c.toml"), "/dev/full".into()]
    {
        let output =
            calibrate(&["--virtual", "go2-serial", "--lying", "--out", out.to_str().expect("text")], "\n");
        assert_eq!(code(&output), Some(2), "{}: {}", out.display(), err(&output));
        assert!(output.stdout.is_empty() && err(&output).contains("help: name a file"), "{}", err(&output));
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 1, "nothing was written");
}

#[test]
fn what_cannot_be_saved_at_the_end_is_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).expect("made");
    let mut child = Command::new(ADIT)
        .args(["bus", "calibrate", "--virtual", "go2-serial", "--lying", "--out"])
        .arg(inner.join("calibration.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("adit starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains("press Enter") {
        assert!(stdout.read_line(&mut said).expect("it speaks") > 0, "{said}");
    }
    std::fs::remove_dir(&inner).expect("nothing is in it");
    child.stdin.take().expect("a pipe").write_all(b"\n").expect("it hears");
    stdout.read_to_string(&mut said).expect("it speaks");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), Some(1), "{}", err(&output));
    assert!(err(&output).contains("inner/calibration.toml: cannot be saved"), "{}", err(&output));
    // What is printed is the file, whole.
    let file = folder.path().join("calibration.toml");
    let text = &said[said.find("# Where this robot's joints").expect("the file's text")..];
    std::fs::write(&file, text).expect("written");
    let read = stack::config::Calibration::read(&file).expect("a calibration");
    assert!(read.is_some() && text.matches("zero_offset_rad").count() == 12, "{text}");
}

/// A program that has opened this port without asking anybody, as `cat` would.
fn intruder(port: &Path) -> Child {
    let mut child = Command::new("sh")
        .args(["-c", "exec 3<>\"$1\"; echo open; read line", "sh"])
        .arg(port)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut said).expect("it speaks");
    assert_eq!(said, "open\n");
    child
}

fn end(mut child: Child) {
    child.kill().and_then(|()| child.wait()).expect("it ends");
}

/// Two programs at one port take each other's bytes, and only one that asks for a lock was noticed.
#[test]
fn a_port_that_another_program_has_open_is_refused_with_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (robot, ports) = silent_robot(folder.path());
    let other = intruder(ports[1].path());
    let (pid, port) = (other.id().to_string(), ports[1].path().to_str().expect("text"));
    let out = folder.path().join("c.toml");
    for args in [
        &["scan", "--port", port, "--protocol", "go-m8010-6", "--wait-ms", "1"][..],
        &["monitor", "--robot", &robot, "--seconds", "0.2"],
        &["bench", "--robot", &robot, "--rate", "100", "--seconds", "0.1"],
        &["calibrate", "--robot", &robot, "--lying", "--out", out.to_str().expect("text")],
    ] {
        let output = adit(args);
        let said = err(&output);
        assert_eq!(code(&output), Some(2), "{args:?}: {said}");
        let named = format!("{port}: the port is open in `sh -c exec 3");
        assert!(said.contains(&named) && said.contains(&format!("`kill {pid}`")), "{args:?}: {said}");
    }
    // The machine's check sees it too.
    let doctor =
        Command::new(ADIT).args(["doctor", "--json", "--robot", &robot]).output().expect("adit starts");
    let json: Value = serde_json::from_slice(&doctor.stdout).expect("JSON");
    let checks = json["checks"].as_array().expect("checks");
    let holders = checks.iter().find(|check| check["name"] == "port holders").expect("the check");
    assert_eq!(holders["verdict"], "fault", "{holders}");
    assert!(holders["found"].as_str().expect("text").contains(&format!("sh ({pid})")), "{holders}");
    end(other);
    let free = adit(&["scan", "--port", port, "--protocol", "go-m8010-6", "--wait-ms", "1"]);
    assert_eq!(code(&free), Some(1), "nobody is there: {}", err(&free));
}

#[test]
fn a_program_that_comes_later_is_told_of_while_the_motors_are_watched() {
    let folder = tempfile::tempdir().expect("a folder");
    let (robot, ports) = silent_robot(folder.path());
    let mut watching = Command::new(ADIT)
        .args(["bus", "monitor", "--json", "--robot", &robot, "--rate", "5", "--seconds", "60"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("adit starts");
    let mut first = String::new();
    BufReader::new(watching.stdout.as_mut().expect("a pipe")).read_line(&mut first).expect("it speaks");
    // Its ports are open now.
    let other = intruder(ports[2].path());
    let mut said = String::new();
    BufReader::new(watching.stderr.as_mut().expect("a pipe")).read_line(&mut said).expect("it speaks");
    assert!(said.starts_with("warning: `sh -c exec 3") && said.contains(&other.id().to_string()), "{said}");
    end(other);
    end(watching);
}
