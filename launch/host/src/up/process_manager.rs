//! Thin event loop around [`Supervisor`]: processes, their pipes, and the clock. It decides nothing.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use tokio::runtime;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

use super::launch_plan::LaunchPlan;
use super::line_splitter::OutputLine;
use super::output::{Console, LineSource, Output};
use super::process::{Incarnation, ManagedProcess, Message};
use super::supervisor::{Action, Event, ProcessFailure, StopOutcome, Supervisor};

/// Messages that may wait. A process that writes faster than the log takes it has to wait itself.
const MESSAGE_QUEUE_LEN: usize = 1024;

/// Runner of the processes of a [`LaunchPlan`], as a [`Supervisor`] decides.
#[derive(Debug)]
pub struct ProcessManager {
    messages: Receiver<Message>,
    sender: Sender<Message>,
    lock: Option<File>,
}

/// Handle with which any thread asks for the stop: in order at the first request, without waiting at the second.
#[derive(Clone, Debug)]
pub struct StopHandle(Sender<Message>);

/// Reason why the processes did not run until the user stopped them.
#[derive(Debug, thiserror::Error)]
pub enum ProcessManagerError {
    /// A process was given up and everything has been stopped.
    #[error("{process} was given up: {reason}{}", quoted(last_lines))]
    ProcessFailure {
        /// Name of the process.
        process: String,
        /// Account of what it did.
        reason: String,
        /// Last lines that it wrote.
        last_lines: Vec<String>,
    },
    /// Nothing has been started.
    #[error("cannot start a thread: {0}; end other processes, or raise the limit that `ulimit -u` shows")]
    NoThread(#[source] io::Error),
    /// Nothing has been started.
    #[error("cannot wait for processes: {0}; raise the limit of open files that `ulimit -n` shows")]
    NoRuntime(#[source] io::Error),
}

fn quoted(lines: &[String]) -> String {
    if lines.is_empty() {
        return "; it said nothing".to_owned();
    }
    format!("; its last lines:\n    {}", lines.join("\n    "))
}

impl ProcessManager {
    /// Creates a manager that has started nothing yet.
    pub fn new() -> Self {
        let (sender, messages) = channel(MESSAGE_QUEUE_LEN);
        Self { messages, sender, lock: None }
    }

    /// Gives a locked file to every process, as its standard input: the lock lives as long as any of them, also those that
    /// outlive a killed supervisor.
    pub fn with_lock(self, lock: File) -> Self {
        Self { lock: Some(lock), ..self }
    }

    /// Returns a handle to stop it with.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.sender.clone())
    }

    /// Runs the processes until the user has stopped them or one is given up; none is running after that.
    ///
    /// To be called from a thread that lives as long as the process, and in no runtime of tokio: all processes are
    /// started by the calling thread, and the system takes its end for the parent's death
    /// ([`die_with_parent`](super::die_with_parent)).
    ///
    /// # Errors
    /// [`ProcessManagerError`].
    pub fn run(
        self,
        plan: LaunchPlan,
        log: File,
        console: Console,
    ) -> Result<StopOutcome, ProcessManagerError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(ProcessManagerError::NoRuntime)?;
        let names = plan.processes().iter().map(|p| p.name.clone()).collect();
        let event_loop = EventLoop {
            processes: plan.processes().iter().map(|_| None).collect(),
            plan,
            manager: self,
            starts: 0,
            output: Output::new(names, log, console).map_err(ProcessManagerError::NoThread)?,
            begun: now(),
        };
        runtime.block_on(event_loop.run())
    }
}

impl Default for ProcessManager {
    fn default() -> Self {
        Self::new()
    }
}

impl StopHandle {
    /// Asks once.
    pub fn stop(&self) {
        // A manager that has gone has stopped.
        let _ = self.0.blocking_send(Message::StopRequested);
    }
}

struct EventLoop {
    plan: LaunchPlan,
    manager: ProcessManager,
    /// By index in the plan.
    processes: Vec<Option<ManagedProcess>>,
    starts: u64,
    output: Output,
    begun: Instant,
}

impl EventLoop {
    async fn run(mut self) -> Result<StopOutcome, ProcessManagerError> {
        let (mut supervisor, mut actions) = Supervisor::new(self.plan.clone());
        loop {
            while !actions.is_empty() {
                let events: Vec<Event> = actions.drain(..).filter_map(|a| self.carry_out(a)).collect();
                actions.extend(events.into_iter().flat_map(|e| supervisor.handle(e, self.begun.elapsed())));
            }
            if let Some(outcome) = supervisor.outcome() {
                let error = |failure: &ProcessFailure| ProcessManagerError::ProcessFailure {
                    process: self.plan.processes()[failure.process].name.clone(),
                    reason: failure.reason.clone(),
                    last_lines: self.output.last_lines(failure.process),
                };
                let outcome = outcome.as_ref().map(|outcome| *outcome).map_err(error);
                self.output.finish();
                return outcome;
            }
            if let Some(event) = self.next_event(supervisor.deadline()).await {
                actions = supervisor.handle(event, self.begun.elapsed());
            }
        }
    }

    /// Carries out an action; returns what came of it if that is known at once.
    fn carry_out(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Log(text) => {
                self.output.write_line(LineSource::Supervisor, &text, self.begun.elapsed());
            }
            Action::Send(process, signal) => {
                if let Some(process) = &self.processes[process] {
                    process.send(signal);
                }
            }
            Action::Start(process) => {
                self.starts += 1;
                let incarnation = Incarnation { process, start: self.starts };
                let spec = &self.plan.processes()[process];
                let lock = self.manager.lock.as_ref();
                match ManagedProcess::start(spec, incarnation, lock, &self.manager.sender) {
                    Ok(started) => self.processes[process] = Some(started),
                    Err(error) => {
                        let error = format!("{}: {error}", spec.program.display());
                        return Some(Event::NotStarted { process, error });
                    }
                }
            }
        }
        None
    }

    /// Waits for the next event; `None` for a message that concerns nobody any more.
    async fn next_event(&mut self, deadline: Option<Duration>) -> Option<Event> {
        let wait = deadline.map_or(Duration::MAX, |d| d.saturating_sub(self.begun.elapsed()));
        // This side holds a sender, so the channel is never closed.
        let Ok(Some(message)) = timeout(wait, self.manager.messages.recv()).await else {
            return Some(Event::Tick);
        };
        match message {
            Message::StopRequested => Some(Event::StopRequested),
            Message::Line(incarnation, OutputLine::Ready) => {
                self.is_current(incarnation).then_some(Event::Ready(incarnation.process))
            }
            Message::Line(incarnation, OutputLine::Text(text)) => {
                let source = LineSource::Process(incarnation.process);
                self.output.write_line(source, &text, self.begun.elapsed());
                // Deadlines are kept even while somebody talks without pause.
                Some(Event::Tick)
            }
            Message::Ended(incarnation) => {
                let ended = self.processes[incarnation.process].take_if(|p| p.incarnation == incarnation)?;
                let (exit_status, failed) = ended.reap();
                Some(Event::Ended { process: incarnation.process, exit_status, failed })
            }
        }
    }

    fn is_current(&self, incarnation: Incarnation) -> bool {
        self.processes[incarnation.process].as_ref().is_some_and(|p| p.incarnation == incarnation)
    }
}

/// Reads the machine's clock: the supervisor is given the time, the processes keep their own.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}
