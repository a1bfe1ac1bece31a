//! What the parts say, with their names before it: on the screen, in the log, and the last of it for errors.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines kept of each part, for the error that names it.
const LAST_LINES: usize = 10;
/// Lines that may wait for the screen. A screen that hangs (Ctrl-S, a lost connection) must not stop the
/// supervisor: beyond this they are only in the log.
const WAITING_LINES: usize = 1024;
/// How long the screen has for the last lines.
const FLUSH: Duration = Duration::from_secs(1);
/// What the supervisor calls itself.
const OWN_NAME: &str = "up";
/// Colours of the names: cyan, green, yellow, magenta, blue, and the bright ones.
const COLOURS: [u8; 10] = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94];

/// Where the user looks.
pub struct Screen {
    out: Box<dyn Write + Send>,
    colour: bool,
}

impl Screen {
    /// Standard output; in colour if that is a terminal and the user has not set `NO_COLOR`.
    pub fn stdout() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        Self { out: Box::new(io::stdout()), colour: io::stdout().is_terminal() && !plain }
    }

    /// Anything else.
    pub fn new(out: impl Write + Send + 'static, colour: bool) -> Self {
        Self { out: Box::new(out), colour }
    }
}

/// Who said a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    Supervisor,
    Part(usize),
}

/// The places that lines go to.
pub(super) struct Output {
    names: Vec<String>,
    width: usize,
    colour: bool,
    log: Option<File>,
    screen: SyncSender<String>,
    screen_done: Receiver<()>,
    not_shown: usize,
    last: Vec<VecDeque<String>>,
}

impl Output {
    pub(super) fn new(names: Vec<String>, log: File, screen: Screen) -> io::Result<Self> {
        let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0).max(OWN_NAME.len());
        let (lines, to_show) = sync_channel::<String>(WAITING_LINES);
        let (done, screen_done) = channel();
        let Screen { mut out, colour } = screen;
        let show = move || {
            for line in to_show {
                // A screen that has gone is no reason to stop: the log has everything.
                let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
            }
            let _ = done.send(());
        };
        thread::Builder::new().name("screen".to_owned()).spawn(show)?;
        let last = vec![VecDeque::new(); names.len()];
        Ok(Self { names, width, colour, log: Some(log), screen: lines, screen_done, not_shown: 0, last })
    }

    /// Passes a line on; `elapsed` is written into the log.
    pub(super) fn line(&mut self, speaker: Speaker, text: &str, elapsed: Duration) {
        if let Speaker::Part(part) = speaker {
            let last = &mut self.last[part];
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(text.to_owned());
        }
        let logged = format!("{:10.3} {}{text}\n", elapsed.as_secs_f64(), self.prefix(speaker, false));
        if let Some(Err(error)) = self.log.as_mut().map(|log| log.write_all(logged.as_bytes())) {
            self.log = None;
            self.show(Speaker::Supervisor, &format!("the log cannot be written any more: {error}"));
        }
        self.show(speaker, text);
    }

    /// The last lines of a part.
    pub(super) fn last_lines(&self, part: usize) -> Vec<String> {
        self.last[part].iter().cloned().collect()
    }

    /// Waits for the screen to show what was said, but not for long.
    pub(super) fn finish(self) {
        drop(self.screen);
        // Too late or not, there is nothing more to be done.
        let _ = self.screen_done.recv_timeout(FLUSH);
    }

    fn show(&mut self, speaker: Speaker, text: &str) {
        let mut shown = String::new();
        if self.not_shown > 0 {
            let prefix = self.prefix(Speaker::Supervisor, self.colour);
            shown = format!("{prefix}{} lines were not shown; the log has them\n", self.not_shown);
        }
        shown += &format!("{}{text}\n", self.prefix(speaker, self.colour));
        match self.screen.try_send(shown) {
            Ok(()) => self.not_shown = 0,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.not_shown += 1,
        }
    }

    fn prefix(&self, speaker: Speaker, colour: bool) -> String {
        let (name, code) = match speaker {
            Speaker::Supervisor => (OWN_NAME, 1),
            Speaker::Part(part) => (self.names[part].as_str(), COLOURS[part % COLOURS.len()]),
        };
        let width = self.width;
        if colour { format!("\x1b[{code}m{name:width$} |\x1b[0m ") } else { format!("{name:width$} | ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A screen that tests can look at, and hold up.
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

    fn output(screen: Screen, log: &std::path::Path) -> Output {
        let names = vec!["bridge".to_owned(), "perception".to_owned()];
        Output::new(names, File::create(log).expect("a file"), screen).expect("a thread")
    }

    #[test]
    fn names_are_aligned_and_coloured_only_on_a_terminal() {
        let folder = tempfile::tempdir().expect("a folder");
        for colour in [false, true] {
            let (screen, log) = (Shared::default(), folder.path().join("up.log"));
            let mut output = output(Screen::new(screen.clone(), colour), &log);
            output.line(Speaker::Part(0), "legs", Duration::from_millis(1500));
            output.line(Speaker::Part(1), "eyes", Duration::from_secs(2));
            output.line(Speaker::Supervisor, "both", Duration::from_secs(100));
            output.finish();
            let shown = String::from_utf8(screen.0.lock().expect("not poisoned").clone()).expect("text");
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
    fn a_screen_that_hangs_stops_nobody_and_loses_nothing_of_the_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let (screen, log) = (Shared::default(), folder.path().join("up.log"));
        let mut output = output(Screen::new(screen.clone(), false), &log);
        let lines = 3 * WAITING_LINES;
        let held = screen.0.lock().expect("not poisoned");
        for i in 0..lines {
            output.line(Speaker::Part(0), &format!("line {i}"), Duration::ZERO);
        }
        drop(held);
        assert_eq!(output.last_lines(0).len(), LAST_LINES);
        assert_eq!(output.last_lines(0)[LAST_LINES - 1], format!("line {}", lines - 1));
        assert!(output.last_lines(1).is_empty());
        // Until the screen has room again, what is said is not shown; after that it says so.
        let told = || {
            String::from_utf8_lossy(&screen.0.lock().expect("not poisoned")).contains("lines were not shown")
        };
        for _ in 0..1000 {
            output.line(Speaker::Supervisor, "again", Duration::ZERO);
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
