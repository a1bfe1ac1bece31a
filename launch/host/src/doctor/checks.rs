//! Checks: each assesses facts and names the remedy. None of them reads anything.

mod baud;
mod kernel;
mod limits;
mod ports;
mod resources;
mod serial;

use super::assessment::{Assessment, CheckResult};
use super::facts::Facts;

/// Check of one property of the machine.
struct Check {
    /// Name, the same from version to version.
    name: &'static str,
    assess: fn(&Facts) -> Assessment,
}

const fn check(name: &'static str, assess: fn(&Facts) -> Assessment) -> Check {
    Check { name, assess }
}

/// Every check, the ones that the robot depends on first.
const CHECKS: [Check; 22] = [
    check("ports", ports::present),
    check("port permission", ports::permission),
    check("port holders", ports::holders),
    check("baud rate", serial::baud_rate),
    check("ftdi latency", serial::ftdi_latency),
    check("uart latency", serial::uart_latency),
    check("usb wiring", serial::usb),
    check("user", limits::user),
    check("real-time priority", limits::realtime_priority),
    check("locked memory", limits::locked_memory),
    check("swap", limits::swap),
    check("kernel", kernel::preemption),
    check("real-time throttling", kernel::throttling),
    check("cpus", kernel::cpus),
    check("cpu isolation", kernel::isolation),
    check("cpu frequency", kernel::frequency),
    check("cpu idle states", kernel::idle_states),
    check("clocksource", kernel::clocksource),
    check("virtualisation", kernel::virtualisation),
    check("network", resources::network),
    check("disk", resources::disk),
    check("clock", resources::clock),
];

/// Runs all checks, in the order in which their results are worth reading.
pub fn run_checks(facts: &Facts) -> Vec<CheckResult> {
    CHECKS.iter().map(|check| (check.assess)(facts).into_result(check.name)).collect()
}

#[cfg(test)]
mod tests;
