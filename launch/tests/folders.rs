//! Run folders as a user meets them: a run that is going on, other people's files, a disk that is full.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Four metres of the short mission's tunnel.
fn mission() -> String {
    include_str!("../missions/short.toml")
        .replace("end_m = 10.5", "end_m = 4.0")
        .replace("name = \"short\"", "name = \"tiny\"")
}

fn adit(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    command.args(args).current_dir(folder);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} has not happened");
}

/// A run that is killed when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn walking(folder: &Path, out: &str) -> Running {
    let mut command = adit(folder, &["mission", "short", "--quiet", "--out", out]);
    let run = Running(command.stdout(Stdio::null()).spawn().expect("adit starts"));
    let log = folder.join(out).join("run.log");
    wait_until("the walk", || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("standing up")));
    run
}

/// The second run renamed the folder of the first one, whose report was then written into the second's.
#[test]
fn a_second_run_is_refused_until_the_first_has_ended_however_it_does() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path();
    std::fs::write(folder.join("tiny.toml"), mission()).expect("written");
    let first = walking(folder, "one");
    let before = names(folder);
    let second = adit(folder, &["mission", "tiny.toml", "--out", "one"]).output().expect("adit starts");
    let error = text(&second.stderr);
    assert_eq!(second.status.code(), Some(2), "{error}");
    assert!(error.contains("another run is going on") && error.contains("help:"), "{error}");
    assert_eq!(names(folder), before, "nothing was moved");
    // Killed, it leaves no lock behind.
    drop(first);
    let _third = walking(folder, "one");
    wait_until("the dead run's way aside", || folder.join("one.1/run.mcap").exists());
    wait_until("the third run", || folder.join("one/run.mcap").exists());
}

/// A folder of sources that happened to hold a `run.mcap` was moved away.
#[test]
fn a_folder_that_is_no_run_is_left_alone() {
    let parent = tempfile::tempdir().expect("a folder");
    let project = parent.path().join("project");
    std::fs::create_dir_all(project.join("src")).expect("made");
    std::fs::write(project.join("src/main.rs"), "fn main() {}").expect("written");
    std::fs::write(project.join("run.mcap"), "mine").expect("written");
    let run = adit(parent.path(), &["mission", "short", "--out", "project"]).output().expect("adit starts");
    let error = text(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{error}");
    assert!(error.contains("is not empty and no run of Adit") && error.contains("help:"), "{error}");
    assert_eq!(
        (names(parent.path()), names(&project)),
        (vec!["project".into()], vec!["run.mcap".into(), "src".into()])
    );
}

/// The mission walked to its end, and then nothing was left: no summary, no table.
#[test]
fn a_full_disk_costs_no_more_than_what_does_not_fit() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path();
    std::fs::write(folder.join("tiny.toml"), mission()).expect("written");
    // No file of more than 600 blocks of 512 bytes, to a recording what a full disk is.
    let script = "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args([
        "-c",
        script,
        env!("CARGO_BIN_EXE_adit"),
        "mission",
        "tiny.toml",
        "--quiet",
        "--out",
        "run",
    ]);
    let command = command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(command.spawn().expect("sh starts"));
    wait_until("the run", || folder.join("run/run.log").exists());
    // And one file of the report that cannot be written at all.
    std::fs::create_dir(folder.join("run/defects.geojson")).expect("in the way");
    let mut said = String::new();
    let mut error = String::new();
    running.0.stdout.take().expect("piped").read_to_string(&mut said).expect("text");
    running.0.stderr.take().expect("piped").read_to_string(&mut error).expect("text");
    let code = running.0.wait().expect("ends").code();

    assert_eq!(code, Some(1), "{said}{error}");
    assert!(said.contains("tiny: completed") && said.contains("  walked  "), "{said}{error}");
    assert_eq!(error.matches("warning: the recording stops here").count(), 1, "said once: {error}");
    assert!(error.contains("run.mcap is incomplete: ") && error.contains("messages are missing"), "{error}");
    assert!(error.contains("cannot write") && error.contains("defects.geojson"), "{error}");
    assert_eq!(
        names(&folder.join("run")),
        [".adit-run", "defects.csv", "defects.geojson", "report.html", "run.log", "run.mcap"],
        "nothing half, and no room kept any more"
    );
    let report = std::fs::read_to_string(folder.join("run/report.html")).expect("written");
    assert!(report.contains("The recording is not complete"), "the reader of the report knows");
    let recording = std::fs::read(folder.join("run/run.mcap")).expect("there");
    let messages =
        mcap::MessageStream::new(&recording).expect("opens").map(|message| message.expect("whole"));
    assert!(messages.count() > 0);
}
