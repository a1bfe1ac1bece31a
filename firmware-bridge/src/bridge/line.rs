//! One bus, whatever is at its other end.

use robot_interface::joints::JOINTS;
use robot_interface::time::Stamp;

use super::bus::{Bus, BusCounts};
use super::linked::Linked;
use crate::wire::Impedance;

/// How a cycle goes on one bus.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// Its motors are asked one after the other.
    Asked(Box<Bus>),
    /// Its microcontroller is told of all motors at once.
    Linked(Box<Linked>),
}

impl Line {
    /// Begins a cycle, to the motors' targets or only to read them.
    pub(super) fn begin(
        &mut self,
        now: Stamp,
        targets: Option<&[Impedance; JOINTS]>,
        clamped: &mut [bool; JOINTS],
    ) {
        match self {
            Self::Asked(bus) => bus.begin(),
            Self::Linked(bus) => bus.begin(now, targets, clamped),
        }
    }

    /// Asks no more in this cycle.
    pub(super) const fn end(&mut self) {
        match self {
            Self::Asked(bus) => bus.end(),
            Self::Linked(bus) => bus.end(),
        }
    }

    /// Nobody is left to ask or to wait for.
    pub(super) const fn is_complete(&self) -> bool {
        match self {
            Self::Asked(bus) => bus.is_complete(),
            Self::Linked(bus) => bus.is_complete(),
        }
    }

    /// When to give up on who is waited for.
    pub(super) fn deadline(&self) -> Option<Stamp> {
        match self {
            Self::Asked(bus) => bus.deadline(),
            Self::Linked(bus) => bus.deadline(),
        }
    }

    /// Gives up on who has let his time run out.
    pub(super) fn expire(&mut self, now: Stamp) {
        match self {
            Self::Asked(bus) => bus.expire(now),
            Self::Linked(bus) => bus.expire(now),
        }
    }

    /// What came besides answers, since the start.
    pub(super) fn counts(&self) -> BusCounts {
        match self {
            Self::Asked(bus) => bus.counts,
            Self::Linked(bus) => bus.counts(),
        }
    }
}
