//! Output of the processes, their names before each line: on the console, in the log, and the last of it for errors.
//!
//! The console has a thread of its own: a write to a terminal that hangs blocks, whoever makes it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines kept of each process, for the error that names it.
const KEPT_LINES: usize = 10;
/// Lines that may wait for the console. A console that hangs (Ctrl-S, a lost connection) must not stop the
/// supervisor: beyond this they are only in the log.
const CONSOLE_QUEUE_LINES: usize = 1024;
/// Time that the console has for the last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// Name before the supervisor's own lines.
const SUPERVISOR_NAME: &str = "up";
/// Colours of the names, as terminals number them: cyan, green, yellow, magenta, blue, and the bright ones.
const COLOURS: [u8; 10] = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94];

/// Place where the user reads the output.
pub struct Console {
    out: Box<dyn Write + Send>,
    colour: bool,
}

impl Console {
    /// Creates the console on standard output, which `out` writes to; in colour if that is a terminal and the user has not
    /// set `NO_COLOR`.
    pub fn on_stdout(out: impl Write + Send + 'static) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        Self::new(out, io::stdout().is_terminal() && !plain)
    }

    /// Creates a console on anything else.
    pub fn new(out: impl Write + Send + 'static, colour: bool) -> Self {
        Self { out: Box::new(out), colour }
    }
}

/// Writer of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineSource {
    Supervisor,
    Process(usize),
}

/// Sink of the lines: console, log, and the last lines of each process.
pub(super) struct Output {
    names: Vec<String>,
    width: usize,
    colour: bool,
    log: Option<File>,
    console: SyncSender<String>,
    console_done: Receiver<()>,
    not_shown: usize,
    last: Vec<VecDeque<String>>,
}

impl Output {
    pub(super) fn new(names: Vec<String>, log: File, console: Console) -> io::Result<Self> {
        let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0).max(SUPERVISOR_NAME.len());
        let (lines, to_show) = sync_channel::<String>(CONSOLE_QUEUE_LINES);
        let (done, console_done) = channel();
        let Console { mut out, colour } = console;
        let show = move || {
            for line in to_show {
                // A console that has gone is no reason to stop: the log has everything.
                let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
            }
            let _ = done.send(());
        };
        thread::Builder::new().name("console".to_owned()).spawn(show)?;
        let last = vec![VecDeque::new(); names.len()];
        Ok(Self { names, width, colour, log: Some(log), console: lines, console_done, not_shown: 0, last })
    }

    /// Writes a line; `elapsed` is written into the log.
    pub(super) fn write_line(&mut self, source: LineSource, text: &str, elapsed: Duration) {
        if let LineSource::Process(process) = source {
            let last = &mut self.last[process];
            if last.len() == KEPT_LINES {
                last.pop_front();
            }
            last.push_back(text.to_owned());
        }
        let logged = format!("{:10.3} {}{text}\n", elapsed.as_secs_f64(), self.prefix(source, false));
        if let Some(Err(error)) = self.log.as_mut().map(|log| log.write_all(logged.as_bytes())) {
            self.log = None;
            self.show(LineSource::Supervisor, &format!("the log cannot be written any more: {error}"));
        }
        self.show(source, text);
    }

    /// Returns the last lines of a process.
    pub(super) fn last_lines(&self, process: usize) -> Vec<String> {
        self.last[process].iter().cloned().collect()
    }

    /// Waits for the console to show what was written, but not for long.
    pub(super) fn finish(self) {
        drop(self.console);
        // Too late or not, there is nothing more to be done.
        let _ = self.console_done.recv_timeout(FLUSH_TIMEOUT);
    }

    fn show(&mut self, source: LineSource, text: &str) {
        let mut shown = String::new();
        if self.not_shown > 0 {
            let prefix = self.prefix(LineSource::Supervisor, self.colour);
            shown = format!("{prefix}{} lines were not shown; the log has them\n", self.not_shown);
        }
        shown += &format!("{}{text}\n", self.prefix(source, self.colour));
        match self.console.try_send(shown) {
            Ok(()) => self.not_shown = 0,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.not_shown += 1,
        }
    }

    fn prefix(&self, source: LineSource, colour: bool) -> String {
        let (name, code) = match source {
            LineSource::Supervisor => (SUPERVISOR_NAME, 1),
            LineSource::Process(process) => (self.names[process].as_str(), COLOURS[process % COLOURS.len()]),
        };
        let width = self.width;
        if colour { format!("\x1b[{code}m{name:width$} |\x1b[0m ") } else { format!("{name:width$} | ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Console that tests can read, and hold up.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn output(console: Console, log: &std::path::Path) -> Output {
        let names = vec!["bridge".to_owned(), "perception".to_owned()];
        Output::new(names, File::create(log).expect("a file"), console).expect("a thread")
    }

    #[test]
    fn names_are_aligned_and_coloured_only_on_a_terminal() {
        let folder = tempfile::tempdir().expect("a folder");
        for colour in [false, true] {
            let (console, log) = (Shared::default(), folder.path().join("up.log"));
            let mut output = output(Console::new(console.clone(), colour), &log);
            output.write_line(LineSource::Process(0), "legs", Duration::from_millis(1500));
            output.write_line(LineSource::Process(1), "eyes", Duration::from_secs(2));
            output.write_line(LineSource::Supervisor, "both", Duration::from_secs(100));
            output.finish();
            let shown = String::from_utf8(console.0.lock().expect("not poisoned").clone()).expect("text");
            let expected = if colour {
                "\x1b[36mbridge     |\x1b[0m legs\n\x1b[32mperception |\x1b[0m eyes\n\x1b[1mup         |\x1b[0m both\n"
            } else {
                "bridge     | legs\nperception | eyes\nup         | both\n"
            };
            assert_eq!(shown, expected);
            assert_eq!(
                std::fs::read_to_string(log).expect("written"),
                "     1.500 bridge     | legs\n     2.000 perception | eyes\n   100.000 up         | both\n"
            );
        }
    }

    #[test]
    fn a_console_that_hangs_stops_nobody_and_loses_nothing_of_the_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let (console, log) = (Shared::default(), folder.path().join("up.log"));
        let mut output = output(Console::new(console.clone(), false), &log);
        let lines = 3 * CONSOLE_QUEUE_LINES;
        let held = console.0.lock().expect("not poisoned");
        for i in 0..lines {
            output.write_line(LineSource::Process(0), &format!("line {i}"), Duration::ZERO);
        }
        drop(held);
        assert_eq!(output.last_lines(0).len(), KEPT_LINES);
        assert_eq!(output.last_lines(0)[KEPT_LINES - 1], format!("line {}", lines - 1));
        assert!(output.last_lines(1).is_empty());
        // Until the console has room again, lines are not shown; after that it says so.
        let told = || {
            String::from_utf8_lossy(&console.0.lock().expect("not poisoned")).contains("lines were not shown")
        };
        for _ in 0..1000 {
            output.write_line(LineSource::Supervisor, "again", Duration::ZERO);
            if told() {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        output.finish();
        assert!(told());
        let logged = std::fs::read_to_string(log).expect("written");
        assert!(logged.lines().filter(|l| l.contains("bridge     | line")).count() == lines);
    }
}
