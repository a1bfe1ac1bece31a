//! The device's end of the link.

mod config;
mod waiting;

use heapless::Deque;

pub use config::{DeviceConfig, DeviceConfigError};
use waiting::{Waiting, push};

use crate::PROTOCOL_VERSION;
use crate::frame::{Decoder, FrameError};
use crate::message::{
    Command, Direction, Fault, Hello, Imu, List, Log, Message, State, Status, Stopped, TimeReply,
    TimeRequest, Welcome, reset_answer,
};
use crate::outbox::Outbox;
use crate::refusal::Refusal;
use crate::sequence::{Arrival, LinkCounts, SequenceTracker};
use crate::values::{ActuatorCommand, ActuatorState, Field, Unfit, finite};

/// An event at the device's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceEvent {
    /// A host of the same version has begun a session.
    Greeted {
        /// Its number.
        session: u32,
    },
    /// A host of another version was turned away.
    TurnedAway {
        /// The version that it speaks.
        version: u16,
    },
    /// No good command has come in time: the actuators are damped.
    CommandsLate,
    /// An emergency stop holds from now on.
    Stopped,
    /// The emergency stop was released.
    Released,
}

/// The device's end: a state machine that the firmware feeds with bytes and asks what to do.
///
/// Each cycle, give it what has come ([`handle_bytes`](Self::handle_bytes)), do what
/// [`drive`](Self::drive) says, report what the actuators do, and send all that
/// [`poll_transmit`](Self::poll_transmit) gives. Times are the device's own clock in microseconds, which never
/// goes back.
#[derive(Clone, Debug)]
pub struct Device {
    config: DeviceConfig,
    decoder: Decoder,
    tracker: SequenceTracker,
    outbox: Outbox,
    counts: LinkCounts,
    session: Option<u32>,
    /// Targets of the last good command for the configured actuators, in their order.
    targets: List<ActuatorCommand>,
    /// The configured actuators damped, in their order.
    damped: List<ActuatorCommand>,
    /// Time of the last good command, and its sequence number.
    commanded: Option<(u64, u16)>,
    late: bool,
    stop: Option<Stop>,
    stops: u32,
    waiting: Waiting,
    events: Deque<DeviceEvent, 8>,
}

#[derive(Clone, Copy, Debug)]
struct Stop {
    told: Stopped,
    /// Time at which the host is to be told next, us.
    due_us: u64,
}

impl Device {
    /// A device that nobody has greeted yet.
    ///
    /// # Errors
    /// [`DeviceConfigError`] names what is wrong with the configuration.
    pub fn new(config: DeviceConfig) -> Result<Self, DeviceConfigError> {
        let damped = config.damped()?;
        Ok(Self {
            config,
            decoder: Decoder::new(),
            tracker: SequenceTracker::new(),
            outbox: Outbox::new(),
            counts: LinkCounts::default(),
            session: None,
            targets: damped.clone(),
            damped,
            commanded: None,
            late: false,
            stop: None,
            stops: 0,
            waiting: Waiting::default(),
            events: Deque::new(),
        })
    }

    /// Takes bytes that have come at `now_us`.
    pub fn handle_bytes(&mut self, bytes: &[u8], now_us: u64) {
        self.watch(now_us);
        let mut rest = bytes;
        while let Some(found) = self.decoder.next_frame(&mut rest) {
            match found {
                Ok((seq, message)) => self.handle(seq, message, now_us),
                Err(FrameError::UnknownMessage { seq }) => self.handle_unusable(seq, Refusal::UnknownMessage),
                Err(FrameError::Unfit { seq, unfit }) => self.handle_unusable(seq, Refusal::Unfit(unfit)),
                Err(_) => self.counts.corrupt += 1,
            }
        }
    }

    /// Commands of the actuators at `now_us`, each once in the configured order, and the reason for them. Damping, unless
    /// good commands come.
    pub fn drive(&mut self, now_us: u64) -> (Status, &[ActuatorCommand]) {
        self.watch(now_us);
        let status = self.status();
        (status, if status == Status::Active { &self.targets } else { &self.damped })
    }

    /// Stops at the device's own word, as when its button is pressed. A stop that holds already goes on.
    pub fn stop(&mut self, now_us: u64) {
        self.latch(true, now_us);
    }

    /// Reports what the actuators do, as measured at `time_us`. Only the newest report is sent.
    ///
    /// # Errors
    /// [`Unfit`] if a number is not finite: nothing is sent.
    pub fn report_state(
        &mut self,
        time_us: u64,
        supply_v: f32,
        actuators: &List<ActuatorState>,
    ) -> Result<(), Unfit> {
        finite(None, Field::SupplyVoltage, supply_v)?;
        actuators.iter().try_for_each(ActuatorState::check)?;
        self.waiting.state = Some((time_us, supply_v, actuators.clone()));
        Ok(())
    }

    /// Reports an inertial sample.
    ///
    /// # Errors
    /// [`Unfit`] if a number is not finite: nothing is sent.
    pub fn report_imu(&mut self, sample: Imu) -> Result<(), Unfit> {
        sample.check()?;
        push(&mut self.waiting.samples, sample);
        Ok(())
    }

    /// Reports that something is wrong.
    pub fn report_fault(&mut self, fault: Fault) {
        push(&mut self.waiting.faults, fault);
    }

    /// Sends a line for the host's log.
    pub fn log(&mut self, line: Log) {
        push(&mut self.waiting.lines, line);
    }

    /// The next frame to send at `now_us`; `None` when nothing is left. Call it when the line is free, since
    /// times in the frame are of this moment. Stops and answers go first, then times, faults, the state, inertial
    /// samples and lines for the log: on a line that is too slow the last of these starve.
    pub fn poll_transmit(&mut self, now_us: u64) -> Option<&[u8]> {
        self.watch(now_us);
        let message = self.next_message(now_us)?;
        self.outbox.write(&message)
    }

    /// The next event; `None` when nothing more has happened. Only the newest eight are kept.
    pub fn poll_event(&mut self) -> Option<DeviceEvent> {
        self.events.pop_front()
    }

    /// Counts of what has gone well and wrong on the way here.
    pub const fn counts(&self) -> LinkCounts {
        self.counts
    }

    /// Sequence number of the last command obeyed in this session: when it changes, it is time to report.
    pub fn command_seq(&self) -> Option<u16> {
        self.commanded.map(|(_, seq)| seq)
    }

    fn next_message(&mut self, now_us: u64) -> Option<Message> {
        let status = self.status();
        if let Some(stop) = &mut self.stop
            && now_us >= stop.due_us
        {
            stop.due_us = now_us.saturating_add(self.config.stop_interval_us);
            return Some(Message::Stopped(stop.told));
        }
        if let Some(answer) = self.waiting.answers.pop_front() {
            return Some(answer);
        }
        // Without a session nobody is known to listen.
        let session = self.session?;
        if core::mem::take(&mut self.waiting.welcome) {
            return Some(Message::Welcome(self.welcome(session)));
        }
        if let Some((t1_ns, t2_us)) = self.waiting.time.take() {
            return Some(Message::TimeReply(TimeReply { t1_ns, t2_us, t3_us: now_us }));
        }
        if let Some(fault) = self.waiting.faults.pop_front() {
            return Some(Message::Fault(fault));
        }
        if let Some((time_us, supply_v, actuators)) = self.waiting.state.take() {
            let command_seq = self.command_seq();
            return Some(Message::State(State { time_us, status, command_seq, supply_v, actuators }));
        }
        if let Some(sample) = self.waiting.samples.pop_front() {
            return Some(Message::Imu(sample));
        }
        self.waiting.lines.pop_front().map(Message::Log)
    }

    fn welcome(&self, session: u32) -> Welcome {
        let DeviceConfig { name, serial, firmware, actuators, .. } = &self.config;
        Welcome {
            version: PROTOCOL_VERSION,
            session,
            firmware: *firmware,
            serial: *serial,
            name: name.clone(),
            actuators: actuators.clone(),
        }
    }

    const fn status(&self) -> Status {
        match (self.stop, self.commanded) {
            (Some(_), _) => Status::Stopped,
            (None, None) => Status::Waiting,
            (None, Some(_)) if self.late => Status::Late,
            (None, Some(_)) => Status::Active,
        }
    }

    /// Motor watchdog: notices that commands have stopped coming.
    fn watch(&mut self, now_us: u64) {
        let Some((at_us, _)) = self.commanded else { return };
        if !self.late && now_us.saturating_sub(at_us) > self.config.command_timeout_us {
            self.late = true;
            push(&mut self.events, DeviceEvent::CommandsLate);
        }
    }

    fn handle(&mut self, seq: u16, message: Message, now_us: u64) {
        self.counts.frames += 1;
        if message.direction() == Direction::ToHost {
            self.counts.echoes += 1;
            return;
        }
        match message {
            // Both come from hosts whose numbers may follow on nothing.
            Message::EmergencyStop => {
                self.tracked(seq);
                self.latch(false, now_us);
            }
            Message::Hello(hello) if !self.knows(hello) => self.greet(seq, hello),
            _ if self.session.is_none() => self.refuse(seq, Refusal::NoSession),
            _ => match (self.tracked(seq), message) {
                // A host that has started anew without choosing another session.
                (Arrival::Doubled | Arrival::Late, Message::Hello(hello)) => self.greet(seq, hello),
                (Arrival::Doubled, _) => {}
                (Arrival::Late, message) if message.is_superseded_when_late() => {}
                (Arrival::New { .. } | Arrival::Late, message) => self.obey(seq, message, now_us),
            },
        }
    }

    fn obey(&mut self, seq: u16, message: Message, now_us: u64) {
        match message {
            Message::Hello(_) => self.waiting.welcome = true,
            Message::Command(command) => match self.take_command(&command) {
                Ok(()) => {
                    self.commanded = Some((now_us, seq));
                    self.late = false;
                }
                Err(why) => self.refuse(seq, why),
            },
            Message::TimeRequest(TimeRequest { t1_ns, .. }) => self.waiting.time = Some((t1_ns, now_us)),
            Message::Reset { answer } => self.release(seq, answer, now_us),
            _ => {}
        }
    }

    fn knows(&self, hello: Hello) -> bool {
        hello.version == PROTOCOL_VERSION && self.session == Some(hello.session)
    }

    fn greet(&mut self, seq: u16, hello: Hello) {
        let Hello { version, session } = hello;
        // Whoever greets, the host of before is gone.
        self.commanded = None;
        self.session = None;
        self.tracker = SequenceTracker::new();
        self.tracked(seq);
        if version == PROTOCOL_VERSION {
            self.session = Some(session);
            self.waiting.welcome = true;
            push(&mut self.events, DeviceEvent::Greeted { session });
        } else {
            self.refuse(seq, Refusal::Version { device: PROTOCOL_VERSION });
            push(&mut self.events, DeviceEvent::TurnedAway { version });
        }
    }

    fn take_command(&mut self, command: &Command) -> Result<(), Refusal> {
        if self.stop.is_some() {
            return Err(Refusal::Stopped);
        }
        command.suits(&self.config.actuators)?;
        for (target, info) in self.targets.iter_mut().zip(&self.config.actuators) {
            if let Some(&wanted) = command.actuators.iter().find(|wanted| wanted.id == info.id) {
                *target = wanted;
            }
        }
        Ok(())
    }

    fn latch(&mut self, by_device: bool, now_us: u64) {
        match &mut self.stop {
            // Told again at once: whoever asks has not heard.
            Some(stop) => stop.due_us = now_us,
            None => {
                let told = Stopped { by_device, challenge: self.challenge(now_us) };
                self.stop = Some(Stop { told, due_us: now_us });
                self.commanded = None;
                push(&mut self.events, DeviceEvent::Stopped);
            }
        }
    }

    fn release(&mut self, seq: u16, answer: u32, now_us: u64) {
        let challenge = self.stop.map(|stop| stop.told.challenge);
        if challenge.is_some_and(|challenge| answer != reset_answer(challenge)) {
            let challenge = self.challenge(now_us);
            if let Some(stop) = &mut self.stop {
                stop.told.challenge = challenge;
                stop.due_us = now_us;
            }
            return self.refuse(seq, Refusal::WrongAnswer);
        }
        // Without a stop this repeats a reset whose acknowledgement was lost.
        if self.stop.take().is_some() {
            push(&mut self.events, DeviceEvent::Released);
        }
        self.answer(Message::Ack { seq });
    }

    /// Differs from stop to stop and, by the time, from one start of the device to the next.
    fn challenge(&mut self, now_us: u64) -> u32 {
        self.stops = self.stops.wrapping_add(1);
        let time = (now_us ^ now_us >> 32) as u32;
        (self.stops ^ time.rotate_left(16)).wrapping_mul(0x85EB_CA6B)
    }

    fn tracked(&mut self, seq: u16) -> Arrival {
        let arrival = self.tracker.take(seq);
        self.counts.count(arrival);
        arrival
    }

    fn handle_unusable(&mut self, seq: u16, why: Refusal) {
        self.counts.frames += 1;
        self.counts.unusable += 1;
        if self.session.is_none() || self.tracked(seq) != Arrival::Doubled {
            self.refuse(seq, why);
        }
    }

    fn refuse(&mut self, seq: u16, why: Refusal) {
        self.answer(Message::Refused { seq, why });
    }

    fn answer(&mut self, message: Message) {
        // A host that asks faster than the line carries answers gets some of them.
        let _ = self.waiting.answers.push_back(message);
    }
}
