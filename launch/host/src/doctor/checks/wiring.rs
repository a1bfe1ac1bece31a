//! How fast bytes come and go: rates, latencies, and the USB between.
//!
//! A control period is 2 ms at 500 Hz. A motor's exchange at 4 Mbaud is some 40 us on the wire, so that what the
//! adapter and the USB add decides.

use std::collections::BTreeMap;

use super::baud::{Fastest, fastest};
use super::{Facts, Opinion, Verdict, deploy};

/// `ASYNC_LOW_LATENCY` of the kernel's `tty_flags.h`.
const LOW_LATENCY: u32 = 1 << 13;
/// Full-speed USB, Mbit/s: a transfer begins in a frame of 1 ms.
const FULL_SPEED: u32 = 12;

/// Whether each port's driver and chip go as fast as the robot wants.
pub(super) fn baud_rate(facts: &Facts) -> Opinion {
    let mut opinion = Opinion::default();
    for (port, wanted) in facts.ports_in_question() {
        let Some(wanted) = wanted else {
            let rate = match fastest(port) {
                Fastest::Sure(most) | Fastest::Likely(most) => format!("at most {}", megabaud(most)),
                Fastest::Unknown => "not known how fast".to_owned(),
            };
            opinion.add(Verdict::Ok, format!("{}: {rate}", port.name));
            continue;
        };
        let name = &port.name;
        let rate = megabaud(wanted.baud);
        let verdict = match fastest(port) {
            Fastest::Sure(most) if most < wanted.baud => {
                opinion.add(
                    Verdict::Fault,
                    format!("{name} does at most {}, wanted are {rate}", megabaud(most)),
                );
                Verdict::Fault
            }
            Fastest::Likely(most) if most < wanted.baud => {
                let found = format!("{name} does {} reliably at most, wanted are {rate}", megabaud(most));
                opinion.add(Verdict::Warning, found);
                Verdict::Warning
            }
            Fastest::Sure(_) | Fastest::Likely(_) => {
                opinion.add(Verdict::Ok, format!("{name} does {rate}"));
                Verdict::Ok
            }
            Fastest::Unknown => {
                opinion.add(Verdict::Note, format!("{name}: it is not known whether it does {rate}"));
                Verdict::Note
            }
        };
        if verdict >= Verdict::Warning {
            opinion
                .remedy("use an adapter with an FT232H, FT2232H or FT4232H (12 Mbaud), or a CH343 (6 Mbaud)");
        }
        if verdict == Verdict::Fault && port.driver.as_deref() == Some("uart-pl011") {
            let hz = u64::from(wanted.baud) * 16;
            opinion.remedy(format!("on a Raspberry Pi, raise its clock: init_uart_clock={hz} in config.txt"));
        }
    }
    if opinion.found.is_empty() {
        opinion.add(Verdict::Ok, "no port to judge");
    }
    opinion
}

fn megabaud(baud: u32) -> String {
    format!("{} Mbaud", f64::from(baud) / 1e6)
}

/// How long FTDI chips wait for more bytes before they hand over what they have.
pub(super) fn ftdi_latency(facts: &Facts) -> Opinion {
    let mut opinion = Opinion::default();
    for (port, wanted) in facts.ports_in_question() {
        if port.driver.as_deref() != Some("ftdi_sio") {
            continue;
        }
        let verdict = match port.latency_timer_ms {
            Some(0 | 1) => Verdict::Ok,
            // The rhythm of the control loop is lost for certain, but it runs.
            Some(_) if wanted.is_some() => Verdict::Warning,
            Some(_) | None => Verdict::Note,
        };
        let timer = port.latency_timer_ms.map_or("cannot be read".to_owned(), |ms| format!("is {ms} ms"));
        opinion.add(verdict, format!("{}: the latency timer {timer}", port.name));
        if verdict != Verdict::Ok {
            let file = format!("/sys/bus/usb-serial/devices/{}/latency_timer", port.name);
            opinion.remedy(format!("echo 1 | sudo tee {file}    # now"));
            opinion.remedy(format!("{}    # for good", deploy::RULES.install()));
        }
    }
    if opinion.found.is_empty() {
        opinion.add(Verdict::Ok, "no FTDI adapter");
    }
    opinion
}

/// The flag `low_latency` of on-board UARTs. Since Linux 3.15 it is a hint to drivers and no more, so that it is
/// never worse than a note.
pub(super) fn uart_latency(facts: &Facts) -> Opinion {
    let mut opinion = Opinion::default();
    for (port, _) in facts.ports_in_question().into_iter().filter(|(port, _)| port.usb.is_none()) {
        match port.uart_flags {
            Some(flags) if flags & LOW_LATENCY != 0 => {
                opinion.add(Verdict::Ok, format!("{}: low_latency is set", port.name));
            }
            Some(_) => {
                opinion.add(Verdict::Note, format!("{}: low_latency is not set", port.name));
                let node = format!("/dev/{}", port.name);
                opinion.remedy(format!(
                    "sudo setserial {node} low_latency    # now; a hint that few drivers need"
                ));
                // The rules leave ttyS alone: most of those have no chip behind.
                if !port.name.starts_with("ttyS") {
                    let install = deploy::RULES.install();
                    opinion.remedy(format!("{install}    # for good, with setserial installed"));
                }
            }
            None => {
                opinion.add(Verdict::Note, format!("{}: its flags cannot be told", port.name));
                opinion.remedy(format!(
                    "sudo setserial -g /dev/{}    # says `low_latency` where it is set",
                    port.name
                ));
            }
        }
    }
    if opinion.found.is_empty() {
        opinion.add(Verdict::Ok, "no on-board UART in question");
    }
    opinion
}

/// Whether adapters get in each other's way on the USB.
pub(super) fn usb(facts: &Facts) -> Opinion {
    let mut opinion = Opinion::default();
    // Full-speed devices that share a hub also share its one translator of 12 Mbit/s, as most hubs have it.
    let mut sharing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (port, wanted) in facts.ports_in_question() {
        let Some(usb) = &port.usb else { continue };
        let speed = usb.speed.map_or("speed unknown".to_owned(), |mbit| format!("{mbit} Mbit/s"));
        let hub = usb.hub.as_ref();
        let at = hub.map_or(String::new(), |hub| format!(" on {}", hub.device));
        let is_slow = usb.speed.is_some_and(|mbit| mbit <= FULL_SPEED);
        let is_motor_bus = wanted.is_some_and(|wanted| wanted.is_motor_bus);
        let verdict = if is_slow && is_motor_bus { Verdict::Warning } else { Verdict::Ok };
        opinion.add(verdict, format!("{}: USB {}{at}, {speed}", port.name, usb.device));
        if verdict == Verdict::Warning {
            opinion.remedy(
                "full-speed USB moves bytes in frames of 1 ms: use a high-speed adapter (FT232H, FT2232H, FT4232H)",
            );
        }
        if let Some(hub) = hub
            && is_slow
            && wanted.is_some()
        {
            let devices = sharing.entry(&hub.device).or_default();
            // The ports of one chip are one device.
            if !devices.contains(&usb.device.as_str()) {
                devices.push(&usb.device);
            }
        }
        // The computer's own are called usb1, usb2: there such a one is the old half of a controller, and harmless.
        if let Some(hub) = hub
            && !hub.device.starts_with("usb")
            && hub.speed.is_some_and(|mbit| mbit <= FULL_SPEED)
        {
            opinion.add(
                Verdict::Warning,
                format!("{}: the hub {} slows it down to 12 Mbit/s", port.name, hub.device),
            );
            opinion.remedy("plug the adapter into the computer itself, or into a USB 2.0 hub");
        }
    }
    for (hub, devices) in sharing.into_iter().filter(|(_, devices)| devices.len() > 1) {
        let found = format!("{} full-speed adapters share {hub}, and its 12 Mbit/s", devices.len());
        opinion.add(Verdict::Warning, found);
        opinion.remedy(
            "spread full-speed adapters over the computer's own ports; `lsusb -t` shows what is where",
        );
    }
    if opinion.found.is_empty() {
        opinion.add(Verdict::Ok, "no USB adapter in question");
    }
    opinion
}
