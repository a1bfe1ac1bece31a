//! The policy: what is started, restarted and stopped, and when. No processes, no clock.
//!
//! Times are counted from the supervisor's beginning and handed in with each event. The caller carries out
//! the [`Action`]s in their order, and comes back with [`Event::Tick`] at [`Supervisor::deadline`].

use std::time::Duration;

use super::{Plan, Signal};

/// Two requests to stop that come this close are one: terminals and process managers often send the same
/// Ctrl-C twice, which must not cost a standing robot its time to lie down.
const SAME_REQUEST: Duration = Duration::from_millis(500);

/// How long the system may take to end a process after SIGKILL. One that hangs in a driver may never end.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// What has happened. Parts are named by their index in [`Plan::parts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A part said that it is ready.
    Ready(usize),
    /// A part's process has ended.
    Ended {
        /// Which one.
        part: usize,
        /// Its exit status, in words.
        how: String,
    },
    /// A part's process could not be started.
    NotStarted {
        /// Which one.
        part: usize,
        /// The system's word.
        why: String,
    },
    /// The user wants everything to stop.
    StopAsked,
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a part's process.
    Start(usize),
    /// Send a signal to a part's process group.
    Send(usize, Signal),
    /// Tell the user.
    Say(String),
}

/// Everything has stopped because the user asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// One after the other, each in its own time.
    InOrder,
    /// The user would not wait.
    Hurriedly,
}

/// Everything has stopped because of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Which one.
    pub part: usize,
    /// What it did.
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Has no process.
    Idle,
    /// Has a process that has not said `ready`.
    Starting { since: Duration },
    /// Does its work.
    Ready { since: Duration },
    /// Has died and is started again at `until`.
    Waiting { until: Duration },
    /// Has been sent a signal and gets a stronger one at `until`.
    Ending { sent: Signal, until: Duration },
}

#[derive(Debug)]
struct Life {
    state: State,
    /// Deaths in a row, each soon after the start.
    quick_deaths: u32,
    /// Has been ready at least once.
    proven: bool,
}

/// The supervisor's state.
#[derive(Debug)]
pub struct Supervisor {
    plan: Plan,
    /// By part.
    lives: Vec<Life>,
    /// Parts before this one have been ready; this one is being started.
    starting: usize,
    /// Why everything is being stopped, once it is.
    stopping: Option<Result<Stopped, GivenUp>>,
    last_request: Option<Duration>,
    actions: Vec<Action>,
}

impl Supervisor {
    /// A supervisor, and the actions to begin with.
    pub fn new(plan: Plan) -> (Self, Vec<Action>) {
        let life = |_| Life { state: State::Idle, quick_deaths: 0, proven: false };
        let lives = (0..plan.parts().len()).map(life).collect();
        let mut new =
            Self { plan, lives, starting: 0, stopping: None, last_request: None, actions: Vec::new() };
        new.start(0, Duration::ZERO);
        let actions = std::mem::take(&mut new.actions);
        (new, actions)
    }

    /// The longest that a stop in order may take: each part uses up all its time, and hangs even after SIGKILL.
    /// Whoever stops the supervisor has to leave it that long.
    pub fn longest_stop(plan: &Plan) -> Duration {
        plan.parts().iter().map(|part| part.stop_timeout + Plan::LAST_WAIT + AFTER_KILL).sum()
    }

    /// Takes an event and gives what is to be done, in this order.
    pub fn handle(&mut self, event: Event, now: Duration) -> Vec<Action> {
        match event {
            Event::Ready(part) => self.ready(part, now),
            Event::Ended { part, how } => self.ended(part, &format!("it ended ({how})"), now),
            Event::NotStarted { part, why } => {
                self.ended(part, &format!("it cannot be started ({why})"), now);
            }
            Event::StopAsked => self.stop_asked(now),
            Event::Tick => {}
        }
        for part in 0..self.lives.len() {
            self.look_at_the_clock(part, now);
        }
        self.stop_next(now);
        std::mem::take(&mut self.actions)
    }

    /// When [`Event::Tick`] is due at the latest; `None` if nothing waits for time to pass.
    pub fn deadline(&self) -> Option<Duration> {
        let parts = self.plan.parts().iter();
        parts.zip(&self.lives).filter_map(|(part, life)| life.state.deadline(part.ready_timeout)).min()
    }

    /// Why everything has stopped, once no part has a process any more.
    pub fn outcome(&self) -> Option<&Result<Stopped, GivenUp>> {
        let over = self.lives.iter().all(|life| life.state == State::Idle);
        self.stopping.as_ref().filter(|_| over)
    }

    fn start(&mut self, part: usize, now: Duration) {
        self.say(format!("starting {}", self.name(part)));
        self.lives[part].state = State::Starting { since: now };
        self.actions.push(Action::Start(part));
    }

    fn ready(&mut self, part: usize, now: Duration) {
        let State::Starting { since } = self.lives[part].state else { return };
        let again = std::mem::replace(&mut self.lives[part].proven, true);
        self.lives[part].state = State::Ready { since };
        self.say(format!(
            "{} is ready, after {:.1} s",
            self.name(part),
            now.saturating_sub(since).as_secs_f64()
        ));
        if again || self.stopping.is_some() {
            return;
        }
        self.starting += 1;
        if self.starting < self.lives.len() {
            self.start(self.starting, now);
        } else {
            self.say("everything is ready; Ctrl-C stops it in order".to_owned());
        }
    }

    fn ended(&mut self, part: usize, what: &str, now: Duration) {
        let name = self.name(part);
        let state = self.lives[part].state;
        let healthy = self.plan.parts()[part].restart.healthy_after;
        let quick = match state {
            // Left behind earlier.
            State::Idle | State::Waiting { .. } => return,
            State::Ready { since } => now.saturating_sub(since) < healthy,
            // One that hung instead of getting ready, or ended before it did.
            State::Starting { .. } | State::Ending { .. } => true,
        };
        self.lives[part].state = State::Idle;
        if self.stopping.is_some() {
            return self.say(format!("{name}: {what}"));
        }
        let policy = self.plan.parts()[part].restart;
        let life = &mut self.lives[part];
        life.quick_deaths = if quick { life.quick_deaths + 1 } else { 0 };
        let deaths = life.quick_deaths;
        // Whoever starts the stack is there to see why it does not start: no use in trying again.
        if !life.proven {
            return self.give_up(part, format!("it never got ready: {what}"));
        }
        if deaths >= policy.quick_deaths {
            let healthy_s = healthy.as_secs_f64();
            let why = format!("{what}, {deaths} times in a row within {healthy_s} s of its start");
            return self.give_up(part, why);
        }
        let delay = policy.delay(deaths);
        life.state = State::Waiting { until: now + delay };
        self.say(format!("{name}: {what} and is restarted in {} s", delay.as_secs_f64()));
        if let Some(note) = self.plan.parts()[part].restart_note.clone() {
            self.say(format!("{name}: {note}"));
        }
    }

    fn give_up(&mut self, part: usize, why: String) {
        self.say(format!("{} is given up: {why}; stopping everything in order", self.name(part)));
        self.stopping = Some(Err(GivenUp { part, why }));
    }

    fn stop_asked(&mut self, now: Duration) {
        if self.last_request.is_some_and(|last| now.saturating_sub(last) < SAME_REQUEST) {
            return;
        }
        let again = self.last_request.replace(now).is_some();
        if again {
            if self.stopping == Some(Ok(Stopped::InOrder)) {
                self.stopping = Some(Ok(Stopped::Hurriedly));
            }
            self.say("asked again: not waiting any longer".to_owned());
            for part in 0..self.lives.len() {
                let signal = self.plan.parts()[part].in_a_hurry;
                match &mut self.lives[part].state {
                    State::Idle | State::Waiting { .. } | State::Ending { sent: Signal::Kill, .. } => {}
                    State::Ending { sent, until } if *sent == signal => {
                        *until = (*until).min(now + Plan::LAST_WAIT);
                    }
                    State::Starting { .. } | State::Ready { .. } | State::Ending { .. } => {
                        self.send(part, signal, now);
                    }
                }
            }
        } else if self.stopping.is_none() {
            self.say("stopping in order (Ctrl-C again does not wait)".to_owned());
            self.stopping = Some(Ok(Stopped::InOrder));
        }
    }

    /// Carries on with the stop: the next part's turn comes when the one before has ended.
    fn stop_next(&mut self, now: Duration) {
        if self.stopping.is_none() {
            return;
        }
        for life in &mut self.lives {
            if matches!(life.state, State::Waiting { .. }) {
                life.state = State::Idle;
            }
        }
        let next = self.plan.stop_order().iter().find(|part| self.lives[**part].state != State::Idle);
        if let Some(part) = next.copied()
            && !matches!(self.lives[part].state, State::Ending { .. })
        {
            self.say(format!("stopping {}", self.name(part)));
            self.send(part, Signal::Interrupt, now);
        }
    }

    fn look_at_the_clock(&mut self, part: usize, now: Duration) {
        let ready_timeout = self.plan.parts()[part].ready_timeout;
        let due = self.lives[part].state.deadline(ready_timeout).is_some_and(|due| due <= now);
        if !due {
            return;
        }
        let name = self.name(part);
        match self.lives[part].state {
            // A stop that takes longer than a part takes to get ready: its turn will come.
            State::Starting { since } if self.stopping.is_some() => {
                self.lives[part].state = State::Ready { since };
            }
            State::Starting { .. } => {
                let why = format!("it did not get ready within {} s", ready_timeout.as_secs_f64());
                if self.lives[part].proven {
                    self.say(format!("{name}: {why}; ending it"));
                    self.send(part, Signal::Interrupt, now);
                } else {
                    self.give_up(part, why);
                }
            }
            State::Waiting { .. } if self.stopping.is_none() => self.start(part, now),
            State::Ending { sent: Signal::Kill, .. } => {
                self.lives[part].state = State::Idle;
                let why = "it does not end even by SIGKILL and is left behind".to_owned();
                if self.stopping.is_none() {
                    // A second process beside it would fight with it for what it holds.
                    self.give_up(part, why);
                } else {
                    self.say(format!("{name}: {why}"));
                }
            }
            State::Ending { sent, .. } => {
                let next = if sent == Signal::Interrupt { Signal::Terminate } else { Signal::Kill };
                self.say(format!("{name} does not end by {}", sent.name()));
                self.send(part, next, now);
            }
            State::Idle | State::Waiting { .. } | State::Ready { .. } => {}
        }
    }

    fn send(&mut self, part: usize, signal: Signal, now: Duration) {
        let wait = match signal {
            Signal::Interrupt => self.plan.parts()[part].stop_timeout,
            Signal::Terminate => Plan::LAST_WAIT,
            Signal::Kill => AFTER_KILL,
        };
        self.say(format!("{} gets {}", self.name(part), signal.name()));
        self.lives[part].state = State::Ending { sent: signal, until: now + wait };
        self.actions.push(Action::Send(part, signal));
    }

    fn say(&mut self, text: String) {
        self.actions.push(Action::Say(text));
    }

    fn name(&self, part: usize) -> String {
        self.plan.parts()[part].name.clone()
    }
}

impl State {
    /// When time alone changes something.
    fn deadline(self, ready_timeout: Duration) -> Option<Duration> {
        match self {
            Self::Idle | Self::Ready { .. } => None,
            Self::Starting { since } => Some(since + ready_timeout),
            Self::Waiting { until } | Self::Ending { until, .. } => Some(until),
        }
    }
}

#[cfg(test)]
mod tests;
