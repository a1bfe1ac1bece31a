//! One bus's part of a cycle: its motors are asked one after the other, and each has a slot of time.

use robot_interface::time::Stamp;

use super::dialect::Ears;

/// The schedule and the reader of one bus.
#[derive(Clone, Debug)]
pub(super) struct Bus {
    /// Who is asked, in this order.
    pub(super) motors: Vec<Motor>,
    /// How long a motor may take to answer before the next is asked, ns.
    pub(super) slot_nanos: u64,
    /// How many of `motors` have been asked in this cycle.
    asked: usize,
    waiting: Option<Waiting>,
    pub(super) ears: Ears,
    echo: Echo,
    pub(super) counts: BusCounts,
}

/// What came over one bus besides answers, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusCounts {
    /// Bytes that came when no answer was due.
    pub stray_bytes: u64,
    /// Commands that came back whole before their answer: the adapter hears itself on the two-wire line. No harm
    /// but the time that they take; an adapter that switches its receiver off while it sends has none.
    pub echoes: u64,
}

/// The search for the command's own echo in what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Echo {
    /// So many of the command's first bytes have come.
    Awaited(usize),
    /// It was there: whatever looks like it now is something else.
    Over,
}

/// A motor of this bus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motor {
    /// The joint that it moves.
    pub(super) joint: usize,
    pub(super) id: u8,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    motor: Motor,
    asked: Stamp,
    deadline: Stamp,
}

impl Bus {
    pub(super) const fn new(motors: Vec<Motor>, slot_nanos: u64, ears: Ears) -> Self {
        let asked = motors.len();
        Self {
            motors,
            slot_nanos,
            asked,
            waiting: None,
            ears,
            echo: Echo::Over,
            counts: BusCounts { stray_bytes: 0, echoes: 0 },
        }
    }

    /// Starts over with the first motor.
    pub(super) const fn begin(&mut self) {
        self.asked = 0;
        self.waiting = None;
    }

    /// Asks no more in this cycle.
    pub(super) const fn end(&mut self) {
        self.asked = self.motors.len();
        self.waiting = None;
    }

    /// Nobody is left to ask or to wait for.
    pub(super) const fn is_complete(&self) -> bool {
        self.waiting.is_none() && self.asked == self.motors.len()
    }

    /// The next motor to ask, if none is being waited for. Its slot begins now.
    pub(super) fn ask(&mut self, now: Stamp) -> Option<Motor> {
        if self.waiting.is_some() {
            return None;
        }
        let motor = *self.motors.get(self.asked)?;
        self.asked += 1;
        self.ears.clear();
        self.echo = Echo::Awaited(0);
        self.waiting = Some(Waiting { motor, asked: now, deadline: now.plus_nanos(self.slot_nanos) });
        Some(motor)
    }

    /// Takes the echo of the command that was `sent` off the front of what came, as far as it is there. Bytes that
    /// began like one and are none go to the reader; returns how many stretches of noise it made of them.
    ///
    /// Only between frames: a reply may hold any bytes.
    pub(super) fn skip_echo(&mut self, sent: &[u8], bytes: &mut &[u8]) -> u64 {
        let Echo::Awaited(seen) = self.echo else { return 0 };
        if seen == 0 && self.ears.is_holding() {
            return 0;
        }
        let same = sent[seen..].iter().zip(*bytes).take_while(|(sent, came)| sent == came).count();
        *bytes = &bytes[same..];
        let seen = seen + same;
        self.echo = Echo::Awaited(seen);
        if seen == sent.len() {
            self.echo = Echo::Over;
            self.counts.echoes += 1;
        } else if seen > 0 && !bytes.is_empty() {
            self.echo = Echo::Awaited(0);
            // Shorter than a reply: there is no whole one among them.
            let mut begun = &sent[..seen];
            return std::iter::from_fn(|| self.ears.next(&mut begun)).count() as u64;
        }
        0
    }

    /// Who is being waited for.
    pub(super) fn waiting(&self) -> Option<Motor> {
        self.waiting.map(|waiting| waiting.motor)
    }

    /// The awaited answer is there. Returns how long it took, ns.
    pub(super) fn answered(&mut self, now: Stamp) -> u64 {
        let waiting = self.waiting.take();
        waiting.map_or(0, |waiting| now.nanos().saturating_sub(waiting.asked.nanos()))
    }

    /// Whose turn is over in this cycle, of this id.
    pub(super) fn asked_before(&self, id: u8) -> Option<Motor> {
        self.motors[..self.asked.saturating_sub(1)].iter().find(|motor| motor.id == id).copied()
    }

    pub(super) fn deadline(&self) -> Option<Stamp> {
        self.waiting.map(|waiting| waiting.deadline)
    }

    /// Gives up on a motor whose slot is over.
    pub(super) fn expire(&mut self, now: Stamp) {
        self.waiting = self.waiting.filter(|waiting| now < waiting.deadline);
    }
}
