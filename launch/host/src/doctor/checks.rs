//! The judges: each takes facts and comes to an opinion, with the remedy. None of them reads anything.

mod baud;
mod kernel;
mod limits;
mod ports;
mod surroundings;
mod wiring;

use super::{Facts, Opinion, Verdict, deploy};

/// A judge.
type Judge = fn(&Facts) -> Opinion;

/// Every check by its name, the ones that the robot depends on first.
pub(super) const ALL: [(&str, Judge); 22] = [
    ("ports", ports::there),
    ("port permission", ports::permission),
    ("port holders", ports::holders),
    ("baud rate", wiring::baud_rate),
    ("ftdi latency", wiring::ftdi_latency),
    ("uart latency", wiring::uart_latency),
    ("usb wiring", wiring::usb),
    ("user", limits::user),
    ("real-time priority", limits::realtime_priority),
    ("locked memory", limits::locked_memory),
    ("swap", limits::swap),
    ("kernel", kernel::preemption),
    ("real-time throttling", kernel::throttling),
    ("cpus", kernel::cpus),
    ("cpu isolation", kernel::isolation),
    ("cpu frequency", kernel::frequency),
    ("cpu idle states", kernel::idle_states),
    ("clocksource", kernel::clocksource),
    ("virtualisation", kernel::virtualisation),
    ("network", surroundings::network),
    ("disk", surroundings::disk),
    ("clock", surroundings::clock),
];

#[cfg(test)]
mod tests;
