//! The master's side of a bus of X-series servos: makes requests and says what the answers mean.

use robot_interface::time::Stamp;

use super::x_series::{self, HardwareError, STATE_LEN, ServoState};
use super::{BROADCAST, MAX_ID, MAX_PACKET_LEN, Packet, PacketError, ServoError};
use crate::protocol::{FrameReader, WireError};

/// Number of ids.
const IDS: usize = MAX_ID as usize + 1;

/// A master's request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Request<'a> {
    /// A search for all on the bus: one ping to all; takes 253 times the time that each servo is given.
    Scan,
    /// Is this one there?
    Ping(u8),
    /// The measurements of these.
    States(&'a [u8]),
    /// The faults of these.
    HardwareErrors(&'a [u8]),
    /// Go to these positions, rad. Not answered.
    GoalPositions(&'a [(u8, f64)]),
    /// Torque on or off. Not answered.
    Torque(&'a [u8], bool),
}

/// An event of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A servo answered a ping.
    Found {
        /// Its id.
        id: u8,
        /// Its model number.
        model: u16,
        /// Its firmware version.
        firmware: u8,
        /// It has a fault: read its hardware error status.
        alert: bool,
    },
    /// A servo's measurements.
    State {
        /// Its id.
        id: u8,
        /// Its measurements.
        state: ServoState,
        /// It has a fault: read its hardware error status.
        alert: bool,
    },
    /// A servo's faults.
    Hardware {
        /// Its id.
        id: u8,
        /// Its faults.
        faults: HardwareError,
    },
    /// A servo did not do it.
    Refused {
        /// Its id.
        id: u8,
        /// The reason.
        error: ServoError,
    },
    /// A servo did not answer in its time.
    Silent {
        /// Its id.
        id: u8,
    },
    /// An answer that was not asked for, or of another length: two servos may have one id.
    Stray {
        /// The device that sent it.
        id: u8,
    },
    /// Bytes that are no packet.
    Noise(WireError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Nothing,
    Scan,
    Ping,
    States,
    HardwareErrors,
}

/// Makes requests and interprets their answers. Sans-IO, and without allocation.
///
/// Servos answer a sync read one after the other, in the order in which they were named. The master waits for
/// each at most as long as its caller allows, counted from the request or the answer before; a servo that is
/// passed over by a later one, or lets its time run out, is silent.
#[derive(Debug)]
pub struct Master {
    reader: FrameReader<Packet, MAX_PACKET_LEN>,
    budget_nanos: u64,
    waiting: Waiting,
    /// Those that are to answer, in order; `next` of them have, or have let their time run out.
    ids: [u8; IDS],
    len: usize,
    next: usize,
    /// Before this one, those that were passed over are still to be reported.
    reached: usize,
    /// The event that is reported after them.
    then: Option<Event>,
    deadline: Stamp,
}

impl Master {
    /// A master that gives each servo so long to answer, ns: the time that request and answer take on the
    /// bus, the servo's return delay (0.5 ms from the factory), and the adapter's own delay.
    pub const fn new(budget_nanos: u64) -> Self {
        Self {
            reader: FrameReader::new(),
            budget_nanos,
            waiting: Waiting::Nothing,
            ids: [0; IDS],
            len: 0,
            next: 0,
            reached: 0,
            then: None,
            deadline: Stamp::ZERO,
        }
    }

    /// The packet to send for a request, at once. What is left of the last one is forgotten.
    ///
    /// # Errors
    /// [`PacketError`] if it cannot be asked so; nothing has changed then.
    pub fn begin(&mut self, now: Stamp, request: Request<'_>) -> Result<Packet, PacketError> {
        let one = if let Request::Ping(id) = request { [id] } else { [0] };
        let (packet, waiting, ids): (_, _, &[u8]) = match request {
            Request::Scan => (Packet::ping(BROADCAST)?, Waiting::Scan, &[]),
            Request::Ping(BROADCAST) => return Err(PacketError::Id(BROADCAST)),
            Request::Ping(id) => (Packet::ping(id)?, Waiting::Ping, &one),
            Request::States(ids) => (x_series::read_states(ids)?, Waiting::States, ids),
            Request::HardwareErrors(ids) => {
                (x_series::read_hardware_errors(ids)?, Waiting::HardwareErrors, ids)
            }
            Request::GoalPositions(goals) => (x_series::write_goal_positions(goals)?, Waiting::Nothing, &[]),
            Request::Torque(ids, on) => (x_series::write_torque(ids, on)?, Waiting::Nothing, &[]),
        };
        self.reader.clear();
        self.ids[..ids.len()].copy_from_slice(ids);
        (self.waiting, self.len, self.next, self.reached, self.then) = (waiting, ids.len(), 0, 0, None);
        let slots = if waiting == Waiting::Scan { IDS as u64 } else { 1 };
        self.deadline = now.plus_nanos(self.budget_nanos.saturating_mul(slots));
        Ok(packet)
    }

    /// Returns whether nothing more is awaited.
    pub fn is_idle(&self) -> bool {
        self.waiting == Waiting::Nothing && self.reached == self.next && self.then.is_none()
    }

    /// Time at which [`handle_timeout`](Self::handle_timeout) is due, if no byte comes before.
    pub fn poll_timeout(&self) -> Option<Stamp> {
        (self.waiting != Waiting::Nothing).then_some(self.deadline)
    }

    /// Takes bytes that arrived at `now` off the front of `input`; `None` once they are used up. Call it
    /// until then.
    pub fn handle_bytes(&mut self, now: Stamp, input: &mut &[u8]) -> Option<Event> {
        if let Some(event) = self.backlog() {
            return Some(event);
        }
        loop {
            match self.reader.next_frame(input)? {
                Err(error) => return Some(Event::Noise(error)),
                Ok(packet) if packet.is_status() => return Some(self.answer(now, &packet)),
                // One's own request comes back on a bus of a single wire.
                Ok(_) => {}
            }
        }
    }

    /// The next event that is over at `now`; call it until `None`.
    pub fn handle_timeout(&mut self, now: Stamp) -> Option<Event> {
        if let Some(event) = self.backlog() {
            return Some(event);
        }
        if self.waiting == Waiting::Nothing || now < self.deadline {
            return None;
        }
        if self.next < self.len {
            // The next one is given its own time, from when this one's was over.
            self.deadline = self.deadline.plus_nanos(self.budget_nanos);
            self.next += 1;
        }
        if self.next == self.len {
            self.waiting = Waiting::Nothing;
        }
        self.backlog()
    }

    /// Those that were passed over, then what passed them.
    fn backlog(&mut self) -> Option<Event> {
        if self.reached < self.next {
            self.reached += 1;
            return Some(Event::Silent { id: self.ids[self.reached - 1] });
        }
        self.then.take()
    }

    fn answer(&mut self, now: Stamp, packet: &Packet) -> Event {
        let id = packet.id();
        let Some(event) = self.meaning(packet) else { return Event::Stray { id } };
        if self.waiting == Waiting::Scan {
            if self.ids[..self.len].contains(&id) || self.len == IDS {
                return Event::Stray { id };
            }
            // In a scan, the ids are those that have answered.
            self.ids[self.len] = id;
            self.len += 1;
            (self.next, self.reached) = (self.len, self.len);
            return event;
        }
        let Some(found) = self.ids[self.next..self.len].iter().position(|&awaited| awaited == id) else {
            return Event::Stray { id };
        };
        let passed = self.next + found;
        self.deadline = now.plus_nanos(self.budget_nanos);
        if passed + 1 == self.len {
            self.waiting = Waiting::Nothing;
        }
        if found == 0 {
            (self.next, self.reached) = (passed + 1, passed + 1);
            return event;
        }
        // Those before it first.
        let first = self.ids[self.next];
        self.reached = self.next + 1;
        self.ids.copy_within(passed + 1..self.len, passed);
        self.len -= 1;
        self.next = passed;
        self.then = Some(event);
        Event::Silent { id: first }
    }

    /// The meaning of an answer to the request; `None` if it does not fit it.
    fn meaning(&self, packet: &Packet) -> Option<Event> {
        let (id, error, params) = (packet.id(), packet.error()?, packet.params());
        if self.waiting == Waiting::Nothing || id == BROADCAST {
            return None;
        }
        if let Some(error) = error.error {
            return Some(Event::Refused { id, error });
        }
        match self.waiting {
            Waiting::Nothing => None,
            Waiting::Scan | Waiting::Ping => {
                let &[low, high, firmware] = params else { return None };
                let model = u16::from_le_bytes([low, high]);
                Some(Event::Found { id, model, firmware, alert: error.alert })
            }
            Waiting::States => {
                let bytes: &[u8; STATE_LEN] = params.try_into().ok()?;
                Some(Event::State { id, state: ServoState::from_bytes(bytes), alert: error.alert })
            }
            Waiting::HardwareErrors => {
                let &[byte] = params else { return None };
                Some(Event::Hardware { id, faults: HardwareError::from_byte(byte) })
            }
        }
    }
}
