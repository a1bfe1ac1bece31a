//! Presence of the robot's ports, permission to use them, and other programs that hold them.

use crate::doctor::assessment::{Assessment, Verdict};
use crate::doctor::deploy;
use crate::doctor::facts::{Facts, Port, PortRequirement, RobotPorts};

/// Remedy against brltty's rules.
const REMOVE_BRLTTY: &str =
    "sudo apt remove brltty    # a driver for Braille displays that takes CH340 and CP210x adapters";

/// Checks that the ports that the robot's file names are plugged in.
pub(super) fn present(facts: &Facts) -> Assessment {
    match &facts.robot {
        None if facts.ports.is_empty() => {
            let mut assessment = Assessment::new(Verdict::Note, "no serial port is plugged in");
            if facts.brltty_rules {
                assessment.remedy(REMOVE_BRLTTY);
            }
            assessment.remedy(
                "adit doctor --robot my-robot.toml    # looks for the ports that the robot's file names",
            );
            assessment
        }
        None => facts.ports.iter().fold(Assessment::default(), |mut assessment, port| {
            assessment.add(Verdict::Ok, describe(port));
            assessment
        }),
        Some(RobotPorts { robot, required: None, .. }) => {
            let found =
                format!("the robot file of {robot} names no serial ports: it only walks in the simulator");
            Assessment::new(Verdict::Warning, found).with_remedy(
                "add a [ports] table to the robot file (docs/ros.md), or walk with `adit up --sim`",
            )
        }
        Some(RobotPorts { buses, required: Some(required), .. }) => robot_ports(facts, *buses, required),
    }
}

fn robot_ports(facts: &Facts, buses: usize, required: &[PortRequirement]) -> Assessment {
    let mut assessment = Assessment::default();
    let motors = required.iter().filter(|required| required.is_motor_bus).count();
    if motors != buses {
        assessment.add(Verdict::Fault, format!("{motors} motor ports are named for {buses} motor buses"));
        assessment.remedy("name one port a bus in the robot file's [ports], in the order of their numbers");
    }
    for (n, one) in required.iter().enumerate() {
        let path = one.path.display();
        let port = facts.ports.iter().find(|port| Some(&port.name) == one.device.as_ref());
        let Some(port) = port else {
            assessment.add(Verdict::Fault, format!("{}: {path} is not there", one.role));
            assessment.remedy(missing_port_remedy(facts, required));
            if facts.brltty_rules {
                assessment.remedy(REMOVE_BRLTTY);
            }
            continue;
        };
        let earlier = required[..n].iter().find(|earlier| earlier.device == one.device);
        if let Some(earlier) = earlier {
            let found = format!("{}: {path} is the port of {} too", one.role, earlier.role);
            assessment.add(Verdict::Fault, found);
            assessment.remedy("give each bus a port of its own in the robot file's [ports]");
        } else if port.usb.is_some() && one.path.to_string_lossy() == format!("/dev/{}", port.name) {
            let found = format!("{}: {path} may be another port after replugging", one.role);
            assessment.add(Verdict::Warning, found);
            assessment.remedy(match port.by_id.first() {
                Some(id) => format!("name it /dev/serial/by-id/{id} in the robot file's [ports]"),
                None => format!("give it a name of its own: {}", deploy::RULES.show()),
            });
        } else {
            assessment.add(Verdict::Ok, format!("{}: {path}: {}", one.role, describe(port)));
        }
    }
    assessment
}

/// Returns the remedy for a port that is not there: to plug it in, or to name another.
fn missing_port_remedy(facts: &Facts, required: &[PortRequirement]) -> String {
    let taken = |port: &&Port| required.iter().any(|required| required.device.as_ref() == Some(&port.name));
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

/// Checks that this user may open the ports.
pub(super) fn permission(facts: &Facts) -> Assessment {
    let mut assessment = Assessment::default();
    for (port, required) in facts.relevant_ports() {
        let found = format!("{}: group {}, mode {:03o}", port.name, port.group, port.mode);
        if port.usable {
            assessment.add(Verdict::Ok, found);
            continue;
        }
        // Without it the bridge opens nothing; a port that no robot names may be somebody else's.
        let verdict = if required.is_some() { Verdict::Fault } else { Verdict::Warning };
        assessment.add(verdict, format!("{found}: no permission"));
        let group_may = port.mode & 0o060 == 0o060;
        if group_may && port.group != "root" {
            assessment.remedy(format!("sudo usermod -aG {} $USER    # then log in again", port.group));
        } else {
            assessment.remedy(deploy::RULES.install());
            assessment.remedy("sudo usermod -aG dialout $USER    # then log in again");
        }
    }
    assessment.add_if_empty(Verdict::Ok, "no port to open");
    assessment
}

/// Checks that no other program holds the ports, or is known to take them.
pub(super) fn holders(facts: &Facts) -> Assessment {
    let mut assessment = Assessment::default();
    for (port, required) in facts.relevant_ports() {
        // Two that read one bus take each other's bytes.
        let verdict = if required.is_some() { Verdict::Fault } else { Verdict::Note };
        for holder in &port.holders {
            if holder.starts_with("adit") {
                assessment.add(Verdict::Note, format!("{} is held by {holder}", port.name));
                continue;
            }
            assessment.add(verdict, format!("{} is held by {holder}", port.name));
            assessment.remedy(format!("sudo fuser -v /dev/{}    # who it is; stop that one", port.name));
            if holder.contains("getty") {
                let unit = format!("serial-getty@{}.service", port.name);
                assessment.remedy(format!("sudo systemctl disable --now {unit} nvgetty.service"));
            }
        }
        if facts.kernel.consoles().any(|console| console == port.name) {
            let verdict = if required.is_some() { Verdict::Fault } else { Verdict::Note };
            assessment.add(verdict, format!("{} is the kernel's console", port.name));
            if required.is_some() {
                let parameter = format!("console={}", port.name);
                assessment
                    .remedy(format!("take `{parameter}` out of the kernel's command line, and start anew"));
            }
        }
    }
    let on_usb = facts.relevant_ports().iter().any(|(port, _)| port.usb.is_some());
    let modem_manager = facts.processes.iter().any(|process| process.name == "ModemManager");
    if modem_manager && on_usb && !facts.rules_installed {
        let found = "ModemManager runs, and may send modem commands to ports that are plugged in";
        assessment.add(Verdict::Warning, found);
        assessment.remedy(deploy::RULES.install());
        assessment
            .remedy("sudo systemctl disable --now ModemManager    # instead, where the robot has no modem");
    }
    if facts.brltty_rules && on_usb {
        assessment
            .add(Verdict::Warning, "brltty is installed, and takes CH340 and CP210x adapters for its own");
        assessment.remedy(REMOVE_BRLTTY);
    }
    let unseen = if facts.user.uid == Some(0) { "" } else { " that this user can see" };
    assessment.add_if_empty(Verdict::Ok, format!("none{unseen}"));
    assessment
}
