//! A part's process: its start, what it says, its signals, its end.
//!
//! The process leads a group of its own, so that the terminal's Ctrl-C does not reach it and its children can
//! be signalled with it. Its number stays taken until [`Process::reap`], so that no signal can hit a stranger.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::lines::{Lines, Said};
use super::{Part, SUPERVISOR_PID, Signal};

/// How long a dead part's last words may take to arrive. They are there already unless a process that left
/// the group holds the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What the threads tell the supervisor's loop.
#[derive(Debug)]
pub(super) enum Message {
    /// A process wrote a line.
    Said(Origin, Said),
    /// A process has ended and all that it wrote has been told.
    Ended(Origin),
    /// The user wants everything to stop.
    StopAsked,
}

/// Which process of which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub part: usize,
    /// Counts the starts, so that a late word of a dead process is not taken for its successor's.
    pub start: u64,
}

/// A process with its group. Dropped before it has been reaped, it and its group are killed.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Pid,
    pub(super) origin: Origin,
    reaped: bool,
}

impl Process {
    /// Starts the process, with threads that tell what becomes of it.
    pub(super) fn start(part: &Part, origin: Origin, messages: &SyncSender<Message>) -> io::Result<Self> {
        let mut child = Command::new(&part.program)
            .args(&part.args)
            .envs(part.env.iter().map(|(name, value)| (name, value)))
            .env(SUPERVISOR_PID, std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = Pid::from_child(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // From here on an error kills what was started.
        let new = Self { child, group, origin, reaped: false };
        let (reading, all_read) = channel();
        if let Some(stdout) = stdout {
            let (messages, reading) = (messages.clone(), reading.clone());
            let read = move || read(stdout, origin, true, &messages, reading);
            thread::Builder::new().name("stdout".to_owned()).spawn(read)?;
        }
        if let Some(stderr) = stderr {
            let messages = messages.clone();
            let read = move || read(stderr, origin, false, &messages, reading);
            thread::Builder::new().name("stderr".to_owned()).spawn(read)?;
        }
        let messages = messages.clone();
        let wait = move || wait(group, origin, &messages, &all_read);
        thread::Builder::new().name("wait".to_owned()).spawn(wait)?;
        Ok(new)
    }

    /// Sends a signal to the whole group.
    pub(super) fn send(&self, signal: Signal) {
        // It fails only for a group that has ended, of which a message is on its way.
        let _ = kill_process_group(self.group, signal.into());
    }

    /// Takes the exit status of a process that has ended, in words.
    pub(super) fn reap(mut self) -> String {
        self.reaped = true;
        match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => format!("its exit status is lost: {error}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            self.send(Signal::Kill);
        }
    }
}

/// Tells line by line what arrives, until the pipe closes or nobody listens. `_reading` is held until then.
fn read(
    mut pipe: impl Read,
    origin: Origin,
    is_stdout: bool,
    messages: &SyncSender<Message>,
    _reading: Sender<()>,
) {
    let mut lines = Lines::default();
    let mut buffer = [0; 4096];
    let tell = |said| {
        // Only standard output is a promise; on standard error it is a word like any other.
        let said = if said == Said::Ready && !is_stdout { Said::Text("ready".to_owned()) } else { said };
        // The loop has gone only when everything is over.
        let _ = messages.send(Message::Said(origin, said));
    };
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => lines.push(&buffer[..count], tell),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A pipe that cannot be read has nothing more to say.
            Err(_) => break,
        }
    }
    lines.finish().map(tell);
}

/// Waits for the end of the process, leaving its number taken, and kills what is left of its group.
fn wait(group: Pid, origin: Origin, messages: &SyncSender<Message>, all_read: &Receiver<()>) {
    while let Err(Errno::INTR) = waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {}
    let _ = kill_process_group(group, Signal::Kill.into());
    // Nothing is ever sent: the readers' ends close.
    let _: Result<(), RecvTimeoutError> = all_read.recv_timeout(LAST_WORDS);
    let _ = messages.send(Message::Ended(origin));
}
