//! The supervisor with real processes: small shell scripts in the place of nodes, and this test binary itself
//! where a process has to tie its life to its parent's.

#![expect(clippy::disallowed_methods, reason = "real processes need real time")]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use host::up::{
    Part, Plan, RestartPolicy, SUPERVISOR_PID, Screen, Signal, Stack, StackError, Stopped, Stopper,
    die_with_supervisor,
};
use tempfile::TempDir;

/// Which process this test binary is, if not the tests.
const ROLE: &str = "ADIT_TEST_ROLE";
/// A node that lives until SIGINT, and says so.
const GOOD: &str = "trap 'echo bye; exit 0' INT; echo pid $$; echo ready; while :; do sleep 0.05; done";

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A part that is a shell script.
fn script(name: &str, text: &str) -> Part {
    Part {
        name: name.to_owned(),
        program: "/bin/sh".into(),
        args: vec!["-c".into(), text.into()],
        env: Vec::new(),
        restart: RestartPolicy { first_delay: millis(50), ..RestartPolicy::soon() },
        stop_timeout: millis(3000),
        ready_timeout: millis(5000),
        in_a_hurry: Signal::Kill,
        restart_note: None,
    }
}

/// Whoever runs the tests in the background may have had SIGINT ignored, and scripts cannot heed what was ignored
/// before them. A signal that is handled here is as it should be in the programs that are started.
fn heed_signals() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| ctrlc::set_handler(|| std::process::exit(130)).expect("no handler before"));
}

/// A stack that runs beside the test.
struct Running {
    folder: TempDir,
    stopper: Stopper,
    thread: JoinHandle<Result<Stopped, StackError>>,
}

impl Running {
    /// Stops in the opposite order of the start.
    fn start(parts: Vec<Part>) -> Self {
        heed_signals();
        let names: Vec<String> = parts.iter().rev().map(|p| p.name.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let plan = Plan::new(parts, &names).expect("a plan");
        let folder = tempfile::tempdir().expect("a folder");
        let log = File::create(folder.path().join("up.log")).expect("a file");
        let stack = Stack::new();
        let stopper = stack.stopper();
        let thread = thread::spawn(move || stack.run(plan, log, Screen::new(std::io::sink(), false)));
        Self { folder, stopper, thread }
    }

    fn log(&self) -> String {
        log_of(self.folder.path())
    }

    /// The log, once it has the text.
    fn wait_for(&self, text: &str) -> String {
        wait_for(self.folder.path(), text)
    }

    fn end(self) -> (Result<Stopped, StackError>, String) {
        let outcome = self.thread.join().expect("no panic");
        (outcome, log_of(self.folder.path()))
    }

    fn stop(self) -> (Result<Stopped, StackError>, String) {
        self.stopper.stop();
        self.end()
    }
}

fn log_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("up.log")).unwrap_or_default()
}

fn wait_for(folder: &Path, text: &str) -> String {
    let mut log = String::new();
    wait_until(|| {
        log = log_of(folder);
        log.contains(text)
    })
    .unwrap_or_else(|()| panic!("no {text:?} in:\n{log}"));
    log
}

fn wait_until(mut is_so: impl FnMut() -> bool) -> Result<(), ()> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        if is_so() {
            return Ok(());
        }
        thread::sleep(millis(10));
    }
    Err(())
}

/// The numbers that stand after a word in the log.
fn numbers(log: &str, after: &str) -> Vec<u32> {
    let after = format!(" {after} ");
    let found: Vec<u32> = log.lines().filter_map(|l| l.split_once(&after)?.1.trim().parse().ok()).collect();
    assert!(!found.is_empty(), "no {after:?} in:\n{log}");
    found
}

/// What the system says of a process after its name: state, parent, group, ...
fn stat(pid: u32) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().map(str::to_owned).collect());
    fields.unwrap_or_default()
}

/// Whether a process does anything any more. One that has ended but that nobody has asked about does not.
fn lives(pid: u32) -> bool {
    stat(pid).first().is_some_and(|state| state != "Z" && state != "X")
}

fn assert_all_dead(pids: &[u32]) {
    wait_until(|| !pids.iter().any(|pid| lives(*pid))).unwrap_or_else(|()| panic!("one of {pids:?} lives"));
}

/// The places of texts in the log, which must follow one another.
fn assert_order(log: &str, texts: &[&str]) {
    let mut from = 0;
    for text in texts {
        from += log[from..].find(text).unwrap_or_else(|| panic!("no {text:?} after that in:\n{log}"));
    }
}

#[test]
fn parts_start_and_stop_in_order_with_their_names_before_each_line() {
    let running = Running::start(vec![script("sim", GOOD), script("perception", GOOD), script("x", GOOD)]);
    let log = running.wait_for("everything is ready");
    let pids = numbers(&log, "pid");
    assert!(pids.len() == 3 && pids.iter().all(|pid| lives(*pid)));
    for pid in &pids {
        assert_eq!(stat(*pid)[2], pid.to_string(), "a group of its own, out of the terminal's Ctrl-C");
    }
    let (outcome, log) = running.stop();
    assert_eq!(outcome.expect("stopped"), Stopped::InOrder);
    assert_order(
        &log,
        &[
            "starting sim",
            "sim        | pid",
            "sim is ready",
            "starting perception",
            "perception | pid",
            "perception is ready",
            "starting x",
            "x          | pid",
            "x is ready",
            "stopping x",
            "x          | bye",
            "x: it ended",
            "stopping perception",
            "perception | bye",
            "perception: it ended",
            "stopping sim",
            "sim        | bye",
            "sim: it ended (exit status: 0)",
        ],
    );
    assert!(!log.contains("| ready"), "that line is between the part and the supervisor:\n{log}");
    assert!(!log.contains("restarted"), "{log}");
    assert_all_dead(&pids);
}

#[test]
fn a_part_that_never_gets_ready_is_named_with_its_last_lines() {
    let silent = "echo pid $$; echo ready >&2; echo 'no such port: /dev/ttyUSB7' >&2; sleep 1000";
    let mute = Part { ready_timeout: millis(1000), ..script("bridge", silent) };
    let running = Running::start(vec![script("sim", GOOD), mute, script("planner", GOOD)]);
    let (outcome, log) = running.end();
    let error = outcome.expect_err("given up").to_string();
    for text in ["bridge was given up", "within 1 s", "\n    no such port: /dev/ttyUSB7"] {
        assert!(error.contains(text), "{error}");
    }
    assert!(!log.contains("starting planner"), "{log}");
    assert_order(&log, &["stopping bridge", "stopping sim", "sim     | bye"]);
    assert_all_dead(&numbers(&log, "pid"));
}

#[test]
fn programs_that_are_not_there_are_named() {
    let missing = Part { program: "/nowhere/adit-ros".into(), ..script("sim", "") };
    let (outcome, _) = Running::start(vec![missing]).end();
    let error = outcome.expect_err("given up").to_string();
    assert!(error.contains("/nowhere/adit-ros: No such file"), "{error}");
}

#[test]
fn what_dies_is_restarted_and_what_keeps_dying_is_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let count = folder.path().join("count");
    // Dies once.
    let once = format!(
        "echo pid $$; echo ready; if [ ! -e {0} ]; then touch {0}; echo oh; exit 3; fi; {GOOD}",
        count.display()
    );
    let running = Running::start(vec![script("planner", &once)]);
    let log = running.wait_for("planner is ready, after");
    assert!(log.contains("starting planner"));
    let log_has_second = || running.log().matches("planner is ready").count() == 2;
    wait_until(log_has_second).expect("restarted");
    let (outcome, log) = running.stop();
    outcome.expect("stopped by us");
    assert_order(
        &log,
        &[
            "planner | oh",
            "planner: it ended (exit status: 3) and is restarted in 0.05 s",
            "starting planner",
        ],
    );

    let policy = RestartPolicy { first_delay: millis(10), quick_deaths: 3, ..RestartPolicy::soon() };
    let always = Part { restart: policy, ..script("x", "echo pid $$; echo ready; kill -9 $$") };
    let (outcome, log) = Running::start(vec![script("sim", GOOD), always]).end();
    let error = outcome.expect_err("given up").to_string();
    assert!(error.contains("it ended (signal: 9 (SIGKILL)), 3 times in a row"), "{error}");
    assert_eq!(numbers(&log, "pid").len(), 4, "{log}");
    assert_order(&log, &["x is given up", "stopping sim", "sim | bye"]);
    assert_all_dead(&numbers(&log, "pid"));
}

#[test]
fn who_ignores_signals_is_killed_in_the_end_with_its_children() {
    let deaf =
        "trap '' INT TERM; sleep 1000 & echo pid $!; echo pid $$; echo ready; while :; do sleep 1; done";
    let deaf = Part { stop_timeout: millis(200), ..script("deaf", deaf) };
    let running = Running::start(vec![deaf, script("x", GOOD)]);
    let pids = numbers(&running.wait_for("everything is ready"), "pid");
    let (outcome, log) = running.stop();
    assert_eq!(outcome.expect("stopped"), Stopped::InOrder);
    assert_order(
        &log,
        &["deaf gets SIGINT", "deaf does not end by SIGINT", "SIGTERM", "does not end by SIGTERM", "SIGKILL"],
    );
    assert!(log.contains("deaf: it ended (signal: 9 (SIGKILL))"), "{log}");
    assert_eq!(pids.len(), 3);
    assert_all_dead(&pids);
}

#[test]
fn children_that_a_part_leaves_behind_are_killed() {
    // A shell's background process ignores SIGINT.
    let parent = "trap 'exit 0' INT; sleep 1000 & echo child $!; echo ready; while :; do sleep 0.05; done";
    let running = Running::start(vec![script("parent", parent)]);
    let stopped = numbers(&running.wait_for("everything is ready"), "child");
    let (outcome, _) = running.stop();
    outcome.expect("stopped");
    assert_all_dead(&stopped);

    // The pipe that the child holds open does not hide its parent's death.
    let dying = "sleep 1000 & echo child $!; echo ready; exit 1";
    let running = Running::start(vec![script("dying", dying)]);
    let log = running.wait_for("is restarted");
    let (outcome, _) = running.stop();
    outcome.expect("stopped");
    assert_all_dead(&numbers(&log, "child"));
}

#[test]
fn whatever_a_part_writes_is_cut_into_lines() {
    let noisy = "head -c 300000 /dev/zero | tr '\\0' x; echo; head -c 100000 /dev/urandom; echo; \
                 printf 'a\\377b\\n'; echo ready; sleep 0.2; printf 'no newline'; exit 0";
    let running = Running::start(vec![script("noisy", noisy)]);
    let log = running.wait_for("is restarted");
    running.stop().0.expect("stopped");
    assert!(log.contains("more bytes)") && log.contains("noisy | a\u{fffd}b\n"));
    assert_order(&log, &["noisy is ready", "noisy | no newline\n", "it ended (exit status: 0)"]);
    assert!(log.lines().all(|line| line.len() < 100_000));
}

#[test]
fn a_second_request_does_not_wait() {
    let slow = "trap '' INT; echo pid $$; echo ready; while :; do sleep 0.05; done";
    let slow = |name| Part { stop_timeout: Duration::from_secs(100), ..script(name, slow) };
    let bridge =
        "trap '' INT; trap 'echo lying; exit 0' TERM; echo pid $$; echo ready; while :; do sleep 0.05; done";
    let bridge = Part { in_a_hurry: Signal::Terminate, ..script("bridge", bridge) };
    let running = Running::start(vec![slow("sim"), bridge, slow("planner")]);
    let pids = numbers(&running.wait_for("everything is ready"), "pid");
    running.stopper.stop();
    running.wait_for("planner gets SIGINT");
    thread::sleep(millis(600));
    let begun = Instant::now();
    let (outcome, log) = running.stop();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(outcome.expect("stopped"), Stopped::Hurriedly);
    assert!(log.contains("bridge  | lying") && log.contains("bridge: it ended (exit status: 0)"), "{log}");
    assert_all_dead(&pids);
}

/// Not a test of its own: what [`nothing_outlives_a_supervisor_that_is_killed`] starts this binary for.
#[test]
fn role() {
    let Some(role) = std::env::var_os(ROLE) else { return };
    let folder = PathBuf::from(std::env::var_os("ADIT_TEST_FOLDER").expect("set beside it"));
    match role.to_str() {
        Some("supervisor") => {
            let own = |name: &str, role: &str| Part {
                program: std::env::current_exe().expect("this binary"),
                args: ["role", "--exact", "--nocapture"].map(Into::into).to_vec(),
                env: vec![(ROLE.into(), role.into())],
                ..script(name, "")
            };
            let parts = vec![own("bridge", "gentle part"), own("planner", "part")];
            let plan = Plan::new(parts, &["planner", "bridge"]).expect("a plan");
            let log = File::create(folder.join("up.log")).expect("a file");
            // Ends with this process only.
            let _ = Stack::new().run(plan, log, Screen::new(std::io::sink(), false));
        }
        Some("part") => {
            die_with_supervisor(Signal::Kill).expect("a supervisor");
            say_ready();
            thread::sleep(Duration::from_secs(1000));
        }
        Some("gentle part") => {
            die_with_supervisor(Signal::Terminate).expect("a supervisor");
            ctrlc::set_handler(move || {
                std::fs::write(folder.join("lying"), "").expect("written");
                std::process::exit(0);
            })
            .expect("a handler");
            say_ready();
            thread::sleep(Duration::from_secs(1000));
        }
        other => panic!("{other:?}"),
    }
    std::process::exit(0);
}

/// On a line of its own: the test runner has begun one.
fn say_ready() {
    let said = writeln!(std::io::stdout(), "\nx pid {}\nready", std::process::id());
    said.expect("a supervisor reads it");
}

fn this_binary(role: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(["role", "--exact", "--nocapture"]).env(ROLE, role).env("ADIT_TEST_FOLDER", folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn nothing_outlives_a_supervisor_that_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut supervisor = this_binary("supervisor", folder.path()).spawn().expect("started");
    let log = wait_for(folder.path(), "everything is ready");
    let pids = numbers(&log, "pid");
    assert!(pids.len() == 2 && pids.iter().all(|pid| lives(*pid)));
    supervisor.kill().expect("SIGKILL");
    supervisor.wait().expect("reaped");
    assert_all_dead(&pids);
    assert!(folder.path().join("lying").exists(), "the bridge lays the robot down first");
}

#[test]
fn a_part_whose_supervisor_died_before_it_could_ask_ends_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    // Not the parent of the process that is started here.
    let mut orphan = this_binary("part", folder.path()).env(SUPERVISOR_PID, "1").spawn().expect("started");
    let ended = wait_until(|| orphan.try_wait().expect("asked").is_some());
    orphan.kill().expect("SIGKILL, if it is still there");
    assert_eq!(ended, Ok(()), "it lives on without a supervisor");
    assert!(!orphan.wait().expect("reaped").success());
}
