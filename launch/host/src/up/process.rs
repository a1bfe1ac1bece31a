//! Process of a [`ProcessSpec`]: its start, its output, its signals, its end.
//!
//! The process leads a group of its own, so that the terminal's Ctrl-C does not reach it and its children can
//! be signalled with it. Its number stays taken until [`ManagedProcess::reap`], so that no signal can hit a stranger:
//! therefore it is started and reaped by the standard library, and tokio, which reaps on its own account, reads its
//! pipes and tells when a child has ended.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::line_splitter::{LineSplitter, OutputLine};
use super::parent_death::SUPERVISOR_PID;
use super::process_spec::ProcessSpec;
use super::signal::Signal;

/// Time that the last lines of a process that has ended may take to arrive. They are there already unless a process
/// that left the group holds the pipe open.
const PIPE_DRAIN_TIMEOUT: Duration = Duration::from_millis(300);

/// Message to the loop of the [`ProcessManager`](super::ProcessManager).
#[derive(Debug)]
pub(super) enum Message {
    /// A process wrote a line.
    Line(Incarnation, OutputLine),
    /// A process has ended and all that it wrote has been sent.
    Ended(Incarnation),
    /// The user wants everything to stop.
    StopRequested,
}

/// One start of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Incarnation {
    /// Index in the plan.
    pub(super) process: usize,
    /// Number of the start, so that a late line of a dead process is not taken for its successor's.
    pub(super) start: u64,
}

/// A process with its group. Dropped before it has been reaped, it and its group are killed.
#[derive(Debug)]
pub(super) struct ManagedProcess {
    child: Child,
    group: Pid,
    pub(super) incarnation: Incarnation,
    reaped: bool,
}

impl ManagedProcess {
    /// Starts the process, with tasks that send its lines and its end as messages. Its standard input is the file of the lock
    /// that it shares, if there is one: it has nothing to read.
    pub(super) fn start(
        spec: &ProcessSpec,
        incarnation: Incarnation,
        lock: Option<&File>,
        messages: &Sender<Message>,
    ) -> io::Result<Self> {
        // From before the start, so that its end cannot be missed.
        let sigchld = unix::signal(SignalKind::child())?;
        let mut child = Command::new(&spec.program)
            .args(&spec.args)
            .envs(spec.env.iter().map(|(name, value)| (name, value)))
            .env(SUPERVISOR_PID, std::process::id().to_string())
            .stdin(lock.map(File::try_clone).transpose()?.map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = Pid::from_child(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // From here on an error kills what was started.
        let new = Self { child, group, incarnation, reaped: false };
        let mut readers = JoinSet::new();
        if let Some(stdout) = stdout {
            let stdout = ChildStdout::from_std(stdout)?;
            readers.spawn(send_lines(stdout, LineSplitter::for_stdout(), incarnation, messages.clone()));
        }
        if let Some(stderr) = stderr {
            let stderr = ChildStderr::from_std(stderr)?;
            readers.spawn(send_lines(stderr, LineSplitter::for_stderr(), incarnation, messages.clone()));
        }
        tokio::spawn(send_end(group, sigchld, readers, incarnation, messages.clone()));
        Ok(new)
    }

    /// Sends a signal to the whole group.
    pub(super) fn send(&self, signal: Signal) {
        // It fails only for a group that has ended, of which a message is on its way.
        let _ = kill_process_group(self.group, signal.into());
    }

    /// Returns the exit status, in words, of a process that has ended, and true if that is an exit code other than 0.
    pub(super) fn reap(mut self) -> (String, bool) {
        self.reaped = true;
        match self.child.wait() {
            Ok(status) => (status.to_string(), status.code().is_some_and(|code| code != 0)),
            Err(error) => (format!("its exit status is lost: {error}"), false),
        }
    }
}

impl Drop for ManagedProcess {
    fn drop(&mut self) {
        if !self.reaped {
            self.send(Signal::Kill);
        }
    }
}

/// Sends what arrives line by line, until the pipe closes.
async fn send_lines(
    mut pipe: impl AsyncRead + Unpin,
    mut splitter: LineSplitter,
    incarnation: Incarnation,
    messages: Sender<Message>,
) {
    let mut buffer = [0; 4096];
    // A pipe that cannot be read has nothing more to say, and the receiver has gone only when everything is over.
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        for line in splitter.push(&buffer[..count]) {
            let _ = messages.send(Message::Line(incarnation, line)).await;
        }
    }
    if let Some(line) = splitter.finish() {
        let _ = messages.send(Message::Line(incarnation, line)).await;
    }
}

/// Waits for the end of the process, leaving its number taken, and kills what is left of its group.
async fn send_end(
    group: Pid,
    mut sigchld: unix::Signal,
    mut readers: JoinSet<()>,
    incarnation: Incarnation,
    messages: Sender<Message>,
) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(group), options), Ok(None)) && sigchld.recv().await.is_some() {}
    let _ = kill_process_group(group, Signal::Kill.into());
    let all_read = async { while readers.join_next().await.is_some() {} };
    let _ = timeout(PIPE_DRAIN_TIMEOUT, all_read).await;
    // A process that left the group may go on writing, and is read.
    readers.detach_all();
    let _ = messages.send(Message::Ended(incarnation)).await;
}
