//! One bus's part of a cycle: its motors are asked one after the other, and each has a slot of time.

use robot_interface::time::Stamp;

use crate::wire::FrameReader;
use crate::wire::go_m8010::{MotorId, Reply};

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
    pub(super) reader: FrameReader<Reply>,
    /// Bytes that came when no answer was due.
    pub(super) stray_bytes: u64,
}

/// A motor of this bus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motor {
    /// The joint that it moves.
    pub(super) joint: usize,
    pub(super) id: MotorId,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    motor: Motor,
    deadline: Stamp,
}

impl Bus {
    pub(super) const fn new(motors: Vec<Motor>, slot_nanos: u64) -> Self {
        let asked = motors.len();
        Self { motors, slot_nanos, asked, waiting: None, reader: FrameReader::new(), stray_bytes: 0 }
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
        self.reader.clear();
        self.waiting = Some(Waiting { motor, deadline: now.plus_nanos(self.slot_nanos) });
        Some(motor)
    }

    /// Who is being waited for.
    pub(super) fn waiting(&self) -> Option<Motor> {
        self.waiting.map(|waiting| waiting.motor)
    }

    /// The awaited answer is there.
    pub(super) const fn answered(&mut self) {
        self.waiting = None;
    }

    pub(super) fn deadline(&self) -> Option<Stamp> {
        self.waiting.map(|waiting| waiting.deadline)
    }

    /// Gives up on a motor whose slot is over.
    pub(super) fn expire(&mut self, now: Stamp) {
        self.waiting = self.waiting.filter(|waiting| now < waiting.deadline);
    }
}
