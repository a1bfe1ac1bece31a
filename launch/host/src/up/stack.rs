//! The thin shell around [`Supervisor`]: processes, threads and the clock.

use std::fs::File;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::lines::Said;
use super::output::{Output, Screen, Speaker};
use super::process::{Message, Origin, Process};
use super::{Action, Event, Plan, Stopped, Supervisor};

/// Messages that may wait. A part that writes faster than the log takes it has to wait itself.
const WAITING_MESSAGES: usize = 1024;

/// A stack of processes that is about to be run.
#[derive(Debug)]
pub struct Stack {
    messages: Receiver<Message>,
    sender: SyncSender<Message>,
}

/// Asks a stack to stop, from any thread: in order at the first request, without waiting at the second.
#[derive(Clone, Debug)]
pub struct Stopper(SyncSender<Message>);

/// Why a stack did not run until the user stopped it.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A part was given up and everything has been stopped.
    #[error("{part} was given up: {why}{}", quoted(last_lines))]
    GivenUp {
        /// The part's name.
        part: String,
        /// What it did.
        why: String,
        /// What it said last.
        last_lines: Vec<String>,
    },
    /// Nothing has been started.
    #[error("cannot start a thread: {0}; end other processes, or raise the limit that `ulimit -u` shows")]
    NoThread(#[source] std::io::Error),
}

fn quoted(lines: &[String]) -> String {
    if lines.is_empty() {
        return "; it said nothing".to_owned();
    }
    format!("; its last lines:\n    {}", lines.join("\n    "))
}

impl Stack {
    /// A stack without parts.
    pub fn new() -> Self {
        let (sender, messages) = sync_channel(WAITING_MESSAGES);
        Self { messages, sender }
    }

    /// Something to stop it with.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.sender.clone())
    }

    /// Runs the parts until the user has stopped them or one is given up; none is running after that.
    ///
    /// To be called from a thread that lives as long as the process: the system takes the end of the thread
    /// that started a part for the parent's death ([`die_with_parent`](super::die_with_parent)).
    ///
    /// # Errors
    /// [`StackError`].
    pub fn run(self, plan: Plan, log: File, screen: Screen) -> Result<Stopped, StackError> {
        let names = plan.parts().iter().map(|p| p.name.clone()).collect();
        let output = Output::new(names, log, screen).map_err(StackError::NoThread)?;
        let processes = plan.parts().iter().map(|_| None).collect();
        let begun = now();
        let mut shell = Shell { plan, stack: self, processes, starts: 0, output, begun };
        let (mut supervisor, mut actions) = Supervisor::new(shell.plan.clone());
        loop {
            while !actions.is_empty() {
                let events: Vec<Event> = actions.drain(..).filter_map(|a| shell.carry_out(a)).collect();
                actions.extend(events.into_iter().flat_map(|e| supervisor.handle(e, begun.elapsed())));
            }
            if let Some(outcome) = supervisor.outcome() {
                let error = |given_up: &super::GivenUp| StackError::GivenUp {
                    part: shell.plan.parts()[given_up.part].name.clone(),
                    why: given_up.why.clone(),
                    last_lines: shell.output.last_lines(given_up.part),
                };
                let outcome = outcome.as_ref().map(|stopped| *stopped).map_err(error);
                shell.output.finish();
                return outcome;
            }
            let event = shell.next_event(supervisor.deadline());
            if let Some(event) = event {
                actions = supervisor.handle(event, begun.elapsed());
            }
        }
    }
}

impl Default for Stack {
    fn default() -> Self {
        Self::new()
    }
}

impl Stopper {
    /// Asks once.
    pub fn stop(&self) {
        // A stack that has gone has stopped.
        let _ = self.0.send(Message::StopAsked);
    }
}

struct Shell {
    plan: Plan,
    stack: Stack,
    /// By part.
    processes: Vec<Option<Process>>,
    starts: u64,
    output: Output,
    begun: Instant,
}

impl Shell {
    /// Does it; gives what came of it if that is known at once.
    fn carry_out(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Say(text) => self.output.line(Speaker::Supervisor, &text, self.begun.elapsed()),
            Action::Send(part, signal) => {
                if let Some(process) = &self.processes[part] {
                    process.send(signal);
                }
            }
            Action::Start(part) => {
                self.starts += 1;
                let origin = Origin { part, start: self.starts };
                match Process::start(&self.plan.parts()[part], origin, &self.stack.sender) {
                    Ok(process) => self.processes[part] = Some(process),
                    Err(error) => {
                        let program = self.plan.parts()[part].program.display();
                        return Some(Event::NotStarted { part, why: format!("{program}: {error}") });
                    }
                }
            }
        }
        None
    }

    /// Waits for what happens next; `None` for a line that concerns nobody but the reader.
    fn next_event(&mut self, deadline: Option<Duration>) -> Option<Event> {
        let wait = deadline.map_or(Duration::MAX, |d| d.saturating_sub(self.begun.elapsed()));
        match self.stack.messages.recv_timeout(wait) {
            Ok(Message::StopAsked) => Some(Event::StopAsked),
            Ok(Message::Said(origin, Said::Ready)) => {
                self.is_current(origin).then_some(Event::Ready(origin.part))
            }
            Ok(Message::Said(origin, Said::Text(text))) => {
                self.output.line(Speaker::Part(origin.part), &text, self.begun.elapsed());
                // Deadlines are kept even while somebody talks without pause.
                Some(Event::Tick)
            }
            Ok(Message::Ended(origin)) => {
                let process = self.processes[origin.part].take_if(|p| p.origin == origin)?;
                Some(Event::Ended { part: origin.part, how: process.reap() })
            }
            // This side holds a sender, so the channel is never closed.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Some(Event::Tick),
        }
    }

    fn is_current(&self, origin: Origin) -> bool {
        self.processes[origin.part].as_ref().is_some_and(|p| p.origin == origin)
    }
}

/// The machine's clock: the policy is given the time, the parts keep their own.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}
