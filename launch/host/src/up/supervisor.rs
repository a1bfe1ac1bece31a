//! State machine that decides which process is started, restarted and stopped, and when. It has no processes and
//! no clock.
//!
//! Times are counted from the supervisor's beginning and handed in with each event. The caller carries out
//! the [`Action`]s in their order, and comes back with [`Event::Tick`] at [`Supervisor::deadline`].

use std::time::Duration;

use super::launch_plan::LaunchPlan;
use super::signal::Signal;

/// Two requests to stop that come this close are one: terminals and process managers often send the same
/// Ctrl-C twice, which must not cost a standing robot its time to lie down.
const STOP_REQUEST_DEBOUNCE: Duration = Duration::from_millis(500);

/// Time that the system may take to end a process after SIGKILL. One that hangs in a driver may never end.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// Something that has happened. Processes are named by their index in [`LaunchPlan::processes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process said that it is ready.
    Ready(usize),
    /// A process has ended.
    Ended {
        /// Index of the process.
        process: usize,
        /// Its exit status, in words.
        exit_status: String,
        /// True if it ended by itself with another exit code than 0.
        failed: bool,
    },
    /// A process could not be started.
    NotStarted {
        /// Index of the process.
        process: usize,
        /// The system's error, in words.
        error: String,
    },
    /// The user wants everything to stop.
    StopRequested,
    /// Time has passed.
    Tick,
}

/// Something that is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a process.
    Start(usize),
    /// Send a signal to the group of a process.
    Send(usize, Signal),
    /// Tell the user, on the console and in the log.
    Log(String),
}

/// Manner in which everything has stopped because the user asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopOutcome {
    /// One after the other, each in its own time.
    Orderly,
    /// Likewise, and one of them said by its exit code that it did not do what it was to do.
    Failed,
    /// The user would not wait.
    Forced,
}

/// Failure of one process, because of which everything has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessFailure {
    /// Index of the process.
    pub process: usize,
    /// Account of what it did.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ProcessState {
    /// Does not run.
    Stopped,
    /// Runs, and has not said `ready`.
    Starting { since: Duration },
    /// Does its work.
    Ready { since: Duration },
    /// Has ended by itself and is started again at `until`.
    Backoff { until: Duration },
    /// Has been sent a signal and gets a stronger one at `until`.
    Stopping { sent: Signal, until: Duration },
}

#[derive(Debug)]
struct ProcessStatus {
    state: ProcessState,
    /// Exits in a row, each soon after the start.
    early_exits: u32,
    /// The process has been ready at least once.
    has_been_ready: bool,
}

/// Decisions about the processes of a [`LaunchPlan`]: events go in, actions come out.
#[derive(Debug)]
pub struct Supervisor {
    plan: LaunchPlan,
    /// By process.
    statuses: Vec<ProcessStatus>,
    /// Processes before this one have been ready; this one is being started.
    starting: usize,
    /// Outcome of the stop, once everything is being stopped.
    stopping: Option<Result<StopOutcome, ProcessFailure>>,
    last_request: Option<Duration>,
    actions: Vec<Action>,
}

impl Supervisor {
    /// Time from SIGTERM to SIGKILL.
    pub const TERMINATE_TIMEOUT: Duration = Duration::from_secs(2);

    /// Creates a supervisor, with the actions to begin with.
    pub fn new(plan: LaunchPlan) -> (Self, Vec<Action>) {
        let status =
            |_| ProcessStatus { state: ProcessState::Stopped, early_exits: 0, has_been_ready: false };
        let statuses = (0..plan.processes().len()).map(status).collect();
        let mut new =
            Self { plan, statuses, starting: 0, stopping: None, last_request: None, actions: Vec::new() };
        new.start(0, Duration::ZERO);
        let actions = std::mem::take(&mut new.actions);
        (new, actions)
    }

    /// Returns the longest time that a stop in order may take: each process uses up all its time, and hangs even after
    /// SIGKILL. Whoever stops the supervisor has to leave it that long.
    pub fn max_stop_duration(plan: &LaunchPlan) -> Duration {
        plan.processes()
            .iter()
            .map(|process| process.stop_timeout + Self::TERMINATE_TIMEOUT + KILL_TIMEOUT)
            .sum()
    }

    /// Handles an event and returns what is to be done, in this order.
    pub fn handle(&mut self, event: Event, now: Duration) -> Vec<Action> {
        match event {
            Event::Ready(process) => self.ready(process, now),
            Event::Ended { process, exit_status, failed } => {
                self.note_exit_code(process, failed);
                self.ended(process, &format!("it ended ({exit_status})"), now);
            }
            Event::NotStarted { process, error } => {
                self.ended(process, &format!("it cannot be started ({error})"), now);
            }
            Event::StopRequested => self.stop_requested(now),
            Event::Tick => {}
        }
        for process in 0..self.statuses.len() {
            self.check_deadline(process, now);
        }
        self.stop_next(now);
        std::mem::take(&mut self.actions)
    }

    /// Returns the time at which [`Event::Tick`] is due at the latest; `None` if nothing waits for time to pass.
    pub fn deadline(&self) -> Option<Duration> {
        let processes = self.plan.processes().iter();
        processes
            .zip(&self.statuses)
            .filter_map(|(process, status)| status.state.deadline(process.ready_timeout))
            .min()
    }

    /// Returns the outcome of the stop, once no process runs any more.
    pub fn outcome(&self) -> Option<&Result<StopOutcome, ProcessFailure>> {
        let over = self.statuses.iter().all(|status| status.state == ProcessState::Stopped);
        self.stopping.as_ref().filter(|_| over)
    }

    fn start(&mut self, process: usize, now: Duration) {
        self.log(format!("starting {}", self.name(process)));
        self.statuses[process].state = ProcessState::Starting { since: now };
        self.actions.push(Action::Start(process));
    }

    fn ready(&mut self, process: usize, now: Duration) {
        let ProcessState::Starting { since } = self.statuses[process].state else { return };
        let again = std::mem::replace(&mut self.statuses[process].has_been_ready, true);
        self.statuses[process].state = ProcessState::Ready { since };
        self.log(format!(
            "{} is ready, after {:.1} s",
            self.name(process),
            now.saturating_sub(since).as_secs_f64()
        ));
        if again || self.stopping.is_some() {
            return;
        }
        self.starting += 1;
        if self.starting < self.statuses.len() {
            self.start(self.starting, now);
        } else {
            self.log("everything is ready; Ctrl-C stops it in order".to_owned());
        }
    }

    /// What a process says of its work when it is asked to end; the exit code of one that would not end says nothing.
    fn note_exit_code(&mut self, process: usize, failed: bool) {
        let was_asked =
            matches!(self.statuses[process].state, ProcessState::Stopping { sent: Signal::Interrupt, .. });
        if failed && was_asked && self.stopping == Some(Ok(StopOutcome::Orderly)) {
            self.stopping = Some(Ok(StopOutcome::Failed));
        }
    }

    fn ended(&mut self, process: usize, what: &str, now: Duration) {
        let name = self.name(process);
        let state = self.statuses[process].state;
        let healthy = self.plan.processes()[process].restart.healthy_after;
        let early = match state {
            // Left behind earlier.
            ProcessState::Stopped | ProcessState::Backoff { .. } => return,
            ProcessState::Ready { since } => now.saturating_sub(since) < healthy,
            // One that hung instead of getting ready, or ended before it did.
            ProcessState::Starting { .. } | ProcessState::Stopping { .. } => true,
        };
        self.statuses[process].state = ProcessState::Stopped;
        if self.stopping.is_some() {
            return self.log(format!("{name}: {what}"));
        }
        let policy = self.plan.processes()[process].restart;
        let status = &mut self.statuses[process];
        status.early_exits = if early { status.early_exits + 1 } else { 0 };
        let exits = status.early_exits;
        // Whoever starts the processes is there to see why it does not start: no use in trying again.
        if !status.has_been_ready {
            return self.give_up(process, format!("it never got ready: {what}"));
        }
        if exits >= policy.early_exit_limit {
            let healthy_s = healthy.as_secs_f64();
            let reason = format!("{what}, {exits} times in a row within {healthy_s} s of its start");
            return self.give_up(process, reason);
        }
        let delay = policy.delay(exits);
        status.state = ProcessState::Backoff { until: now + delay };
        self.log(format!("{name}: {what} and is restarted in {} s", delay.as_secs_f64()));
        if let Some(notice) = self.plan.processes()[process].restart_notice.clone() {
            self.log(format!("{name}: {notice}"));
        }
    }

    fn give_up(&mut self, process: usize, reason: String) {
        self.log(format!("{} is given up: {reason}; stopping everything in order", self.name(process)));
        self.stopping = Some(Err(ProcessFailure { process, reason }));
    }

    fn stop_requested(&mut self, now: Duration) {
        if self.last_request.is_some_and(|last| now.saturating_sub(last) < STOP_REQUEST_DEBOUNCE) {
            return;
        }
        let again = self.last_request.replace(now).is_some();
        if again {
            if matches!(self.stopping, Some(Ok(StopOutcome::Orderly | StopOutcome::Failed))) {
                self.stopping = Some(Ok(StopOutcome::Forced));
            }
            self.log("asked again: not waiting any longer".to_owned());
            for process in 0..self.statuses.len() {
                let signal = self.plan.processes()[process].forced_stop_signal;
                match &mut self.statuses[process].state {
                    ProcessState::Stopped
                    | ProcessState::Backoff { .. }
                    | ProcessState::Stopping { sent: Signal::Kill, .. } => {}
                    ProcessState::Stopping { sent, until } if *sent == signal => {
                        *until = (*until).min(now + Self::TERMINATE_TIMEOUT);
                    }
                    ProcessState::Starting { .. }
                    | ProcessState::Ready { .. }
                    | ProcessState::Stopping { .. } => {
                        self.send(process, signal, now);
                    }
                }
            }
        } else if self.stopping.is_none() {
            self.log("stopping in order (Ctrl-C again does not wait)".to_owned());
            self.stopping = Some(Ok(StopOutcome::Orderly));
        }
    }

    /// Carries on with the stop: the next process's turn comes when the one before has ended.
    fn stop_next(&mut self, now: Duration) {
        if self.stopping.is_none() {
            return;
        }
        for status in &mut self.statuses {
            if matches!(status.state, ProcessState::Backoff { .. }) {
                status.state = ProcessState::Stopped;
            }
        }
        let next = self
            .plan
            .stop_order()
            .iter()
            .find(|process| self.statuses[**process].state != ProcessState::Stopped);
        if let Some(process) = next.copied()
            && !matches!(self.statuses[process].state, ProcessState::Stopping { .. })
        {
            self.log(format!("stopping {}", self.name(process)));
            self.send(process, Signal::Interrupt, now);
        }
    }

    fn check_deadline(&mut self, process: usize, now: Duration) {
        let ready_timeout = self.plan.processes()[process].ready_timeout;
        let due = self.statuses[process].state.deadline(ready_timeout).is_some_and(|due| due <= now);
        if !due {
            return;
        }
        let name = self.name(process);
        match self.statuses[process].state {
            // A stop that takes longer than a process takes to get ready: its turn will come.
            ProcessState::Starting { since } if self.stopping.is_some() => {
                self.statuses[process].state = ProcessState::Ready { since };
            }
            ProcessState::Starting { .. } => {
                let reason = format!("it did not get ready within {} s", ready_timeout.as_secs_f64());
                if self.statuses[process].has_been_ready {
                    self.log(format!("{name}: {reason}; ending it"));
                    self.send(process, Signal::Interrupt, now);
                } else {
                    self.give_up(process, reason);
                }
            }
            ProcessState::Backoff { .. } if self.stopping.is_none() => self.start(process, now),
            ProcessState::Stopping { sent: Signal::Kill, .. } => {
                self.statuses[process].state = ProcessState::Stopped;
                let reason = "it does not end even by SIGKILL and is left behind".to_owned();
                if self.stopping.is_none() {
                    // A second process beside it would fight with it for what it holds.
                    self.give_up(process, reason);
                } else {
                    self.log(format!("{name}: {reason}"));
                }
            }
            ProcessState::Stopping { sent, .. } => {
                let next = if sent == Signal::Interrupt { Signal::Terminate } else { Signal::Kill };
                self.log(format!("{name} does not end by {}", sent.name()));
                self.send(process, next, now);
            }
            ProcessState::Stopped | ProcessState::Backoff { .. } | ProcessState::Ready { .. } => {}
        }
    }

    fn send(&mut self, process: usize, signal: Signal, now: Duration) {
        let wait = match signal {
            Signal::Interrupt => self.plan.processes()[process].stop_timeout,
            Signal::Terminate => Self::TERMINATE_TIMEOUT,
            Signal::Kill => KILL_TIMEOUT,
        };
        self.log(format!("{} gets {}", self.name(process), signal.name()));
        self.statuses[process].state = ProcessState::Stopping { sent: signal, until: now + wait };
        self.actions.push(Action::Send(process, signal));
    }

    fn log(&mut self, text: String) {
        self.actions.push(Action::Log(text));
    }

    fn name(&self, process: usize) -> String {
        self.plan.processes()[process].name.clone()
    }
}

impl ProcessState {
    /// Returns the time at which something changes even without an event.
    fn deadline(self, ready_timeout: Duration) -> Option<Duration> {
        match self {
            Self::Stopped | Self::Ready { .. } => None,
            Self::Starting { since } => Some(since + ready_timeout),
            Self::Backoff { until } | Self::Stopping { until, .. } => Some(until),
        }
    }
}

#[cfg(test)]
mod tests;
