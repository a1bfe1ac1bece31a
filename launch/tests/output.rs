//! Standard output that nobody reads, or that is full: the work is done all the same, and nothing panics.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Four metres of the short mission's tunnel.
fn mission() -> String {
    include_str!("../missions/short.toml")
        .replace("end_m = 10.5", "end_m = 4.0")
        .replace("name = \"short\"", "name = \"tiny\"")
}

fn adit(folder: &Path, args: &[&str], stdout: Stdio) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    let command = command.args(args).current_dir(folder).stdin(Stdio::null());
    command.stdout(stdout).stderr(Stdio::piped()).output().expect("adit starts")
}

/// A pipe whose reader has gone, as `head` has.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("there on Linux").into()
}

fn error(run: &Output) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

fn said_once(run: &Output) -> bool {
    let error = error(run);
    error.matches("error:").count() == 1
        && error.contains("standard output is not complete: No space left on device")
}

fn photograph(path: &Path) {
    let grey = image::RgbImage::from_fn(160, 120, |x, y| image::Rgb([(120 + (x * 7 + y * 3) % 30) as u8; 3]));
    grey.save(path).expect("written");
}

#[test]
fn commands_end_quietly_without_a_reader_and_say_so_when_it_is_full() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    std::fs::write(folder.join("tiny.toml"), mission()).expect("written");
    ["a.png", "b.png"].iter().for_each(|name| photograph(&folder.join(name)));
    let text = |name: &str, args: &[&str]| {
        let run = adit(folder, args, Stdio::piped());
        assert!(run.status.success(), "{args:?}: {}", error(&run));
        std::fs::write(folder.join(name), run.stdout).expect("written");
    };
    text("frames.json", &["wire", "encode", "--protocol", "damiao", "--examples"]);
    text("frames.hex", &["wire", "encode", "--protocol", "damiao", "frames.json"]);
    let commands: [&[&str]; 9] = [
        &["wire", "encode", "--protocol", "damiao", "--examples"],
        &["wire", "encode", "--protocol", "damiao", "frames.json"],
        &["wire", "decode", "--protocol", "damiao", "frames.hex"],
        &["doctor"],
        &["doctor", "--show", "adit.service"],
        &["bus", "scan", "--virtual", "go2-serial"],
        &["bus", "bench", "--virtual", "go2-serial", "--seconds", "0.2", "--rate", "100"],
        &["bus", "monitor", "--virtual", "go2-serial", "--seconds", "0.2"],
        &["inspect", "--overwrite", "a.png", "b.png"],
    ];
    for args in commands {
        let code = adit(folder, args, Stdio::piped()).status.code();
        let _ = std::fs::remove_dir_all(folder.join("runs"));
        let unread = adit(folder, args, closed());
        assert_eq!(unread.status.code(), code, "{args:?}: {}", error(&unread));
        assert!(!error(&unread).contains("error:"), "{args:?}: {}", error(&unread));
        let stuck = adit(folder, args, full());
        assert_eq!(stuck.status.code(), Some(1), "{args:?}: {}", error(&stuck));
        for run in [unread, stuck] {
            assert!(!error(&run).contains("panicked"), "{args:?}: {}", error(&run));
        }
    }
    for name in ["a", "b"] {
        assert!(folder.join(format!("runs/inspect/{name}.json")).exists(), "the work is done: {name}");
    }
}

#[test]
fn a_campaign_goes_on_to_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("tiny.toml"), mission()).expect("written");
    let args = ["campaign", "tiny.toml", "--seeds", "1", "--eyes-only"];
    let unread = adit(folder.path(), &args, closed());
    assert!(unread.status.success() && unread.stderr.is_empty(), "{}", error(&unread));
    let stuck = adit(folder.path(), &args, full());
    assert!(stuck.status.code() == Some(1) && said_once(&stuck), "{}", error(&stuck));
}

#[test]
fn a_run_goes_on_and_leaves_its_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    std::fs::write(folder.join("tiny.toml"), mission()).expect("written");
    let unread = adit(folder, &["mission", "tiny.toml", "--quiet", "--out", "run"], closed());
    assert!(unread.status.success() && unread.stderr.is_empty(), "{}", error(&unread));
    let args =
        ["replay", "run/run.mcap", "--lockstep", "--mission", "tiny.toml", "--quiet", "--out", "again"];
    let stuck = adit(folder, &args, full());
    assert!(stuck.status.code() == Some(1) && said_once(&stuck), "{}", error(&stuck));
    for run in ["run", "again"] {
        for file in ["report.html", "defects.csv", "defects.geojson", "run.mcap"] {
            let size = std::fs::metadata(folder.join(run).join(file)).expect("there").len();
            assert!(size > 0, "{run}/{file}");
        }
    }
}

#[test]
fn an_error_that_nobody_can_read_is_still_an_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    for stderr in [closed(), full()] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
        command.args(["mission", "nowhere.toml"]).current_dir(folder.path()).stderr(stderr);
        assert_eq!(command.status().expect("adit starts").code(), Some(2));
    }
}
