//! The host's end of the link.

mod config;
mod event;
mod stop;

use heapless::Deque;

pub use config::{HostConfig, HostConfigError};
pub use event::{HostEvent, Phase, SendError};
use stop::Stop;

use crate::PROTOCOL_VERSION;
use crate::clock::{ClockSync, Exchange, HostTime};
use crate::frame::{Decoder, FrameError};
use crate::message::{Command, Direction, Hello, Message, Status, Stopped, TimeReply, TimeRequest, Welcome};
use crate::outbox::Outbox;
use crate::refusal::Refusal;
use crate::sequence::{Arrival, LinkCounts, SequenceTracker};

/// Events that wait to be taken; of more, the newest are kept.
const EVENTS: usize = 32;
/// Time requests that may be on their way at once.
const REQUESTS: usize = 8;

/// The host's end: a state machine that is fed with bytes, asked for bytes, and asked what happened. Times are
/// the host's own clock in nanoseconds, which never goes back.
#[derive(Clone, Debug)]
pub struct Host {
    config: HostConfig,
    decoder: Decoder,
    tracker: SequenceTracker,
    outbox: Outbox,
    counts: LinkCounts,
    phase: Phase,
    session: u32,
    welcome: Option<Welcome>,
    hello_due_ns: u64,
    sync_due_ns: u64,
    heard_ns: u64,
    command: Option<Command>,
    stop: Stop,
    clock: ClockSync,
    /// Times were exchanged since the greeting: before, the device may be another one than the clock knows.
    clock_confirmed: bool,
    /// Times at which the time requests on their way were sent, ns.
    requests: Deque<u64, REQUESTS>,
    events: Deque<HostEvent, EVENTS>,
}

impl Host {
    /// A host that has not greeted its device yet.
    ///
    /// # Errors
    /// [`HostConfigError`] names what is wrong with the configuration.
    pub fn new(config: HostConfig) -> Result<Self, HostConfigError> {
        config.check()?;
        Ok(Self {
            decoder: Decoder::new(),
            tracker: SequenceTracker::new(),
            outbox: Outbox::new(),
            counts: LinkCounts::default(),
            phase: Phase::Greeting,
            session: config.first_session,
            welcome: None,
            hello_due_ns: 0,
            sync_due_ns: 0,
            heard_ns: 0,
            command: None,
            stop: Stop::None,
            clock: ClockSync::new(config.max_drift_ppm),
            clock_confirmed: false,
            requests: Deque::new(),
            events: Deque::new(),
            config,
        })
    }

    /// Takes bytes that have come at `now_ns`.
    pub fn handle_bytes(&mut self, bytes: &[u8], now_ns: u64) {
        let mut rest = bytes;
        while let Some(found) = self.decoder.next_frame(&mut rest) {
            match found {
                Ok((seq, message)) => self.handle(seq, message, now_ns),
                Err(FrameError::UnknownMessage { seq } | FrameError::Unfit { seq, .. }) => {
                    self.counts.frames += 1;
                    self.counts.unusable += 1;
                    self.tracked(seq);
                }
                Err(_) => self.counts.corrupt += 1,
            }
        }
        self.watch(now_ns);
    }

    /// The next frame to send at `now_ns`; `None` when nothing is left. Call it when the line is free, since
    /// times in the frame are of this moment.
    pub fn poll_transmit(&mut self, now_ns: u64) -> Option<&[u8]> {
        self.watch(now_ns);
        let message = self.next_message(now_ns)?;
        self.outbox.write(&message)
    }

    /// Time at which [`poll_transmit`](Self::poll_transmit) has something to send or to notice next, ns, if nothing comes
    /// and nothing is asked for before.
    pub fn poll_timeout(&self) -> u64 {
        let own = match self.phase {
            Phase::Connected => self.sync_due_ns.min(self.lost_at_ns()),
            Phase::Greeting | Phase::Mismatched { .. } => self.hello_due_ns,
        };
        self.stop.due_ns().map_or(own, |due_ns| due_ns.min(own))
    }

    /// The next event; `None` when nothing more has happened. Only the newest 32 are kept.
    pub fn poll_event(&mut self) -> Option<HostEvent> {
        self.events.pop_front()
    }

    /// Sends a command with the next frame, in place of one that waits, and returns the frame's sequence number,
    /// which [`State::command_seq`](crate::State::command_seq) shows once it is obeyed. An emergency stop that is
    /// asked for in between goes first, and drops it.
    ///
    /// # Errors
    /// [`SendError`] if the device would not obey it. Nothing is sent then.
    pub fn command(&mut self, command: Command) -> Result<u16, SendError> {
        command.check().map_err(SendError::Unfit)?;
        let welcome = self.connected().ok_or(SendError::NotConnected)?;
        if self.stop != Stop::None {
            return Err(SendError::Stopped);
        }
        command.suits(&welcome.actuators).map_err(SendError::Refused)?;
        self.command = Some(command);
        Ok(self.outbox.next_seq())
    }

    /// Stops the device: sent first of all and again until the device confirms it, connected or not. Commands are
    /// refused until [`reset`](Self::reset).
    pub fn emergency_stop(&mut self) {
        self.stop = Stop::WANTED;
        self.command = None;
    }

    /// Releases the stop: sent again until the device confirms it with [`HostEvent::Released`]. The actuators are
    /// damped on until the next command.
    ///
    /// # Errors
    /// [`SendError`] if no confirmed stop holds or the device is not connected.
    pub fn reset(&mut self) -> Result<(), SendError> {
        self.connected().ok_or(SendError::NotConnected)?;
        self.stop = self.stop.reset()?;
        Ok(())
    }

    /// Phase of the conversation of the two ends.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The connected device's answer to the greeting.
    pub fn connected(&self) -> Option<&Welcome> {
        self.welcome.as_ref().filter(|_| self.phase == Phase::Connected)
    }

    /// Returns whether an emergency stop is wanted or holds.
    pub fn is_stopped(&self) -> bool {
        self.stop != Stop::None
    }

    /// A time of the device's, us, by the host's clock; `None` before the first exchange of times since the
    /// greeting.
    pub fn host_time(&self, device_us: u64) -> Option<HostTime> {
        self.clock.host_time(device_us).filter(|_| self.clock_confirmed)
    }

    /// The device's clock as it is known: across lost links, too.
    pub const fn clock(&self) -> &ClockSync {
        &self.clock
    }

    /// Counts of what has gone well and wrong on the way here.
    pub const fn counts(&self) -> LinkCounts {
        self.counts
    }

    fn next_message(&mut self, now_ns: u64) -> Option<Message> {
        if let Some(message) = self.stop.next_message(now_ns, self.config.retry_interval_ns) {
            return Some(message);
        }
        if self.phase != Phase::Connected {
            if now_ns < self.hello_due_ns {
                return None;
            }
            self.hello_due_ns = now_ns.saturating_add(self.config.hello_interval_ns);
            return Some(Message::Hello(Hello { version: PROTOCOL_VERSION, session: self.session }));
        }
        if let Some(command) = self.command.take() {
            return Some(Message::Command(command));
        }
        if now_ns < self.sync_due_ns {
            return None;
        }
        self.sync_due_ns = now_ns.saturating_add(self.config.sync_interval_ns);
        if self.requests.is_full() {
            self.requests.pop_front();
        }
        // There is room now.
        let _ = self.requests.push_back(now_ns);
        Some(Message::TimeRequest(TimeRequest { t1_ns: now_ns, padding: [0; 16] }))
    }

    fn watch(&mut self, now_ns: u64) {
        if self.phase == Phase::Connected && now_ns > self.lost_at_ns() {
            self.event(HostEvent::Lost { silent_ns: now_ns.saturating_sub(self.heard_ns) });
            self.begin_anew();
        }
    }

    const fn lost_at_ns(&self) -> u64 {
        self.heard_ns.saturating_add(self.config.link_timeout_ns)
    }

    /// Greets the device as if it were another one. A stop that is wanted or holds stays.
    fn begin_anew(&mut self) {
        self.phase = Phase::Greeting;
        self.session = self.session.wrapping_add(1);
        self.tracker = SequenceTracker::new();
        self.welcome = None;
        self.hello_due_ns = 0;
        self.command = None;
        self.requests.clear();
        self.stop.forget_reset();
    }

    fn handle(&mut self, seq: u16, message: Message, now_ns: u64) {
        self.counts.frames += 1;
        if message.direction() == Direction::ToDevice {
            self.counts.echoes += 1;
            return;
        }
        if let Message::Welcome(welcome) = &message
            && self.awaits(welcome)
        {
            self.tracker = SequenceTracker::new();
        }
        let arrival = self.tracked(seq);
        // A device that has started anew counts from zero: the number says nothing of when this was sent.
        let restarted = matches!(message, Message::Refused { why: Refusal::NoSession, .. });
        match arrival {
            Arrival::Doubled if !restarted => return,
            Arrival::Late if message.is_superseded_when_late() => return,
            Arrival::New { .. } | Arrival::Late | Arrival::Doubled => {}
        }
        self.heard_ns = now_ns;
        match message {
            Message::Welcome(welcome) => self.meet(welcome),
            Message::Stopped(stopped) => self.stopped(stopped),
            Message::Refused { seq, why } => self.refused(seq, why),
            // A device of before, not yet greeted anew: its words could be of another version.
            _ if self.phase != Phase::Connected => {}
            Message::State(state) => {
                self.follow(state.status);
                self.event(HostEvent::State(state));
            }
            Message::Imu(sample) => self.event(HostEvent::Imu(sample)),
            Message::TimeReply(reply) => self.take_time(reply, now_ns),
            Message::Fault(fault) => self.event(HostEvent::Fault(fault)),
            Message::Log(line) => self.event(HostEvent::Log(line)),
            Message::Ack { .. } => self.released(),
            _ => {}
        }
    }

    fn awaits(&self, welcome: &Welcome) -> bool {
        self.phase != Phase::Connected && welcome.session == self.session
    }

    fn meet(&mut self, welcome: Welcome) {
        if !self.awaits(&welcome) {
            return;
        }
        if welcome.version != PROTOCOL_VERSION {
            return self.mismatched(welcome.version);
        }
        self.phase = Phase::Connected;
        self.sync_due_ns = 0;
        self.clock_confirmed = false;
        self.welcome = Some(welcome.clone());
        self.event(HostEvent::Connected(welcome));
    }

    fn mismatched(&mut self, device: u16) {
        let phase = Phase::Mismatched { device };
        if self.phase != phase {
            self.phase = phase;
            self.command = None;
            self.event(HostEvent::Mismatched(Refusal::Version { device }));
        }
    }

    fn refused(&mut self, seq: u16, why: Refusal) {
        match why {
            Refusal::Version { device } => self.mismatched(device),
            Refusal::NoSession if self.phase == Phase::Connected => {
                self.event(HostEvent::Restarted);
                self.begin_anew();
            }
            Refusal::NoSession => {}
            _ => self.event(HostEvent::Refused { seq, why }),
        }
    }

    fn stopped(&mut self, stopped: Stopped) {
        let news = self.stop.confirm(stopped.challenge);
        self.command = None;
        if news {
            self.event(HostEvent::Stopped);
        }
    }

    fn follow(&mut self, status: Status) {
        if status == Status::Stopped {
            self.command = None;
        } else if self.stop.is_resetting() {
            self.released();
        } else {
            self.stop.insist();
        }
    }

    fn released(&mut self) {
        if self.stop.is_resetting() {
            self.stop = Stop::None;
            self.event(HostEvent::Released);
        }
    }

    fn take_time(&mut self, reply: TimeReply, now_ns: u64) {
        let TimeReply { t1_ns, t2_us, t3_us } = reply;
        if !self.requests.iter().any(|&request_ns| request_ns == t1_ns) {
            return;
        }
        match self.clock.take(t1_ns, t2_us, t3_us, now_ns) {
            Exchange::Agrees => self.clock_confirmed = true,
            Exchange::Contradicts => {
                self.clock_confirmed = true;
                self.event(HostEvent::ClockStepped);
            }
            Exchange::Impossible => {}
        }
    }

    fn tracked(&mut self, seq: u16) -> Arrival {
        let arrival = self.tracker.take(seq);
        self.counts.count(arrival);
        arrival
    }

    fn event(&mut self, event: HostEvent) {
        if self.events.is_full() {
            self.events.pop_front();
        }
        // There is room now.
        let _ = self.events.push_back(event);
    }
}
