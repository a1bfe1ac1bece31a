//! Whether the robot's ports are there, may be used, and are nobody else's.

use super::{Facts, Opinion, Verdict, deploy};
use crate::doctor::facts::{Port, RobotPorts, Wanted};

const BRLTTY: &str =
    "sudo apt remove brltty    # a driver for Braille displays that takes CH340 and CP210x adapters";

/// What is plugged in, and whether it is what the robot's file names.
pub(super) fn there(facts: &Facts) -> Opinion {
    match &facts.robot {
        None if facts.ports.is_empty() => {
            let mut opinion = Opinion::new(Verdict::Note, "no serial port is plugged in");
            if facts.brltty_rules {
                opinion.remedy(BRLTTY);
            }
            opinion.remedy(
                "adit doctor --robot my-robot.toml    # looks for the ports that the robot's file names",
            );
            opinion
        }
        None => facts.ports.iter().fold(Opinion::default(), |mut opinion, port| {
            opinion.add(Verdict::Ok, describe(port));
            opinion
        }),
        Some(RobotPorts { robot, wanted: None, .. }) => {
            let found =
                format!("the robot file of {robot} names no serial ports: it only walks in the simulator");
            Opinion::new(Verdict::Warning, found).with_remedy(
                "add a [ports] table to the robot file (docs/ros.md), or walk with `adit up --sim`",
            )
        }
        Some(RobotPorts { buses, wanted: Some(wanted), .. }) => robot_ports(facts, *buses, wanted),
    }
}

fn robot_ports(facts: &Facts, buses: usize, wanted: &[Wanted]) -> Opinion {
    let mut opinion = Opinion::default();
    let motors = wanted.iter().filter(|wanted| wanted.is_motor_bus).count();
    if motors != buses {
        opinion.add(Verdict::Fault, format!("{motors} motor ports are named for {buses} motor buses"));
        opinion.remedy("name one port a bus in the robot file's [ports], in the order of their numbers");
    }
    for (n, one) in wanted.iter().enumerate() {
        let path = one.path.display();
        let port = facts.ports.iter().find(|port| Some(&port.name) == one.device.as_ref());
        let Some(port) = port else {
            opinion.add(Verdict::Fault, format!("{}: {path} is not there", one.role));
            opinion.remedy(others(facts, wanted));
            if facts.brltty_rules {
                opinion.remedy(BRLTTY);
            }
            continue;
        };
        let earlier = wanted[..n].iter().find(|earlier| earlier.device == one.device);
        if let Some(earlier) = earlier {
            let found = format!("{}: {path} is the port of {} too", one.role, earlier.role);
            opinion.add(Verdict::Fault, found);
            opinion.remedy("give each bus a port of its own in the robot file's [ports]");
        } else if port.usb.is_some() && one.path.to_string_lossy() == format!("/dev/{}", port.name) {
            let found = format!("{}: {path} may be another port after replugging", one.role);
            opinion.add(Verdict::Warning, found);
            opinion.remedy(match port.by_id.first() {
                Some(id) => format!("name it /dev/serial/by-id/{id} in the robot file's [ports]"),
                None => format!("give it a name of its own: {}", deploy::RULES.show()),
            });
        } else {
            opinion.add(Verdict::Ok, format!("{}: {path}: {}", one.role, describe(port)));
        }
    }
    opinion
}

/// What to name or plug in instead of a port that is not there.
fn others(facts: &Facts, wanted: &[Wanted]) -> String {
    let taken = |port: &&Port| wanted.iter().any(|wanted| wanted.device.as_ref() == Some(&port.name));
    let free: Vec<String> = facts.ports.iter().filter(|port| !taken(port)).map(stable_path).collect();
    if free.is_empty() {
        "plug in the adapter, and look at `sudo dmesg | tail` if it does not show in `ls -l /dev/serial/by-id`"
            .to_owned()
    } else {
        format!("plug it in, or name one of these in the robot file's [ports]: {}", free.join(", "))
    }
}

fn stable_path(port: &Port) -> String {
    match port.by_id.first() {
        Some(id) => format!("/dev/serial/by-id/{id}"),
        None => format!("/dev/{}", port.name),
    }
}

fn describe(port: &Port) -> String {
    let driver = port.driver.as_deref().unwrap_or("driver unknown");
    match &port.usb {
        Some(usb) => {
            format!("{}, {driver}, USB {:04x}:{:04x} at {}", port.name, usb.vendor, usb.product, usb.device)
        }
        None => format!("{}, {driver}", port.name),
    }
}

/// Whether this user may open them.
pub(super) fn permission(facts: &Facts) -> Opinion {
    let mut opinion = Opinion::default();
    for (port, wanted) in facts.ports_in_question() {
        let found = format!("{}: group {}, mode {:03o}", port.name, port.group, port.mode);
        if port.usable {
            opinion.add(Verdict::Ok, found);
            continue;
        }
        // Without it the bridge opens nothing; a port that no robot names may be somebody else's.
        let verdict = if wanted.is_some() { Verdict::Fault } else { Verdict::Warning };
        opinion.add(verdict, format!("{found}: no permission"));
        let group_may = port.mode & 0o060 == 0o060;
        if group_may && port.group != "root" {
            opinion.remedy(format!("sudo usermod -aG {} $USER    # then log in again", port.group));
        } else {
            opinion.remedy(deploy::RULES.install());
            opinion.remedy("sudo usermod -aG dialout $USER    # then log in again");
        }
    }
    if opinion.found.is_empty() {
        opinion.add(Verdict::Ok, "no port to open");
    }
    opinion
}

/// Whether somebody else has them, or is known to take them.
pub(super) fn holders(facts: &Facts) -> Opinion {
    let mut opinion = Opinion::default();
    for (port, wanted) in facts.ports_in_question() {
        // Two that read one bus take each other's bytes.
        let verdict = if wanted.is_some() { Verdict::Fault } else { Verdict::Note };
        for holder in &port.holders {
            if holder.starts_with("adit") {
                opinion.add(Verdict::Note, format!("{} is held by {holder}", port.name));
                continue;
            }
            opinion.add(verdict, format!("{} is held by {holder}", port.name));
            opinion.remedy(format!("sudo fuser -v /dev/{}    # who it is; stop that one", port.name));
            if holder.contains("getty") {
                let unit = format!("serial-getty@{}.service", port.name);
                opinion.remedy(format!("sudo systemctl disable --now {unit} nvgetty.service"));
            }
        }
        if facts.kernel.consoles().any(|console| console == port.name) {
            let verdict = if wanted.is_some() { Verdict::Fault } else { Verdict::Note };
            opinion.add(verdict, format!("{} is the kernel's console", port.name));
            if wanted.is_some() {
                let parameter = format!("console={}", port.name);
                opinion
                    .remedy(format!("take `{parameter}` out of the kernel's command line, and start anew"));
            }
        }
    }
    let on_usb = facts.ports_in_question().iter().any(|(port, _)| port.usb.is_some());
    let modem_manager = facts.processes.iter().any(|process| process.name == "ModemManager");
    if modem_manager && on_usb && !facts.rules_installed {
        let found = "ModemManager runs, and may send modem commands to ports that are plugged in";
        opinion.add(Verdict::Warning, found);
        opinion.remedy(deploy::RULES.install());
        opinion
            .remedy("sudo systemctl disable --now ModemManager    # instead, where the robot has no modem");
    }
    if facts.brltty_rules && on_usb {
        opinion.add(Verdict::Warning, "brltty is installed, and takes CH340 and CP210x adapters for its own");
        opinion.remedy(BRLTTY);
    }
    if opinion.found.is_empty() {
        let unseen = if facts.user.uid == Some(0) { "" } else { " that this user can see" };
        opinion.add(Verdict::Ok, format!("none{unseen}"));
    }
    opinion
}
