//! Facts about a machine, read from its files below a root. Nothing is assessed here.
//!
//! Anything that cannot be read stays unknown (`None`, empty): a container, an old kernel and another processor each lack
//! some of it.

mod identity;
mod ports;
mod root;
mod system;

use std::path::{Path, PathBuf};

use root::Root;
use system::{Clock, Cpu, Kernel, Limits, Network, Process, Swap, User};

pub(super) use ports::Port;
#[cfg(test)]
pub(super) use ports::Usb;
pub(super) use system::{FreeSpace, Limit};

/// Port that the robot's file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRequirement {
    /// Device that is plugged in there, in words.
    pub role: String,
    /// True for a bus of motors.
    pub is_motor_bus: bool,
    /// Path in the robot's file.
    pub path: PathBuf,
    /// Rate in bits a second.
    pub baud: u32,
    /// Name that the kernel gives it, `ttyUSB0`; none if it is not there.
    pub device: Option<String>,
}

/// Ports in a robot's file.
#[derive(Clone, Debug, Default)]
pub struct RobotPorts {
    /// Name of the robot.
    pub robot: String,
    /// Number of motor buses that its joints are on.
    pub buses: usize,
    /// Ports that it needs; none where its file names none, so that it only walks in the simulator.
    pub required: Option<Vec<PortRequirement>>,
}

/// Facts about the machine.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Real-time priority that the control loop asks for, `SCHED_FIFO`.
    pub(super) control_priority: u8,
    /// The robot that was asked about, if one was.
    pub(super) robot: Option<RobotPorts>,
    pub(super) ports: Vec<Port>,
    pub(super) processes: Vec<Process>,
    /// `99-adit.rules` is installed.
    pub(super) rules_installed: bool,
    /// The udev rules of brltty are installed.
    pub(super) brltty_rules: bool,
    pub(super) user: User,
    pub(super) kernel: Kernel,
    pub(super) cpu: Cpu,
    pub(super) limits: Limits,
    pub(super) swap: Vec<Swap>,
    pub(super) network: Network,
    pub(super) clock: Clock,
    /// Room for recordings.
    pub(super) free_space: Option<FreeSpace>,
}

impl Facts {
    /// Reads the facts below a root, for a control loop that asks for a real-time priority. `recordings` is the folder
    /// of the runs, now or later.
    pub fn read(root: &Path, robot: Option<RobotPorts>, recordings: &Path, control_priority: u8) -> Self {
        let root = Root::new(root);
        let mut robot = robot;
        for required in robot.iter_mut().filter_map(|robot| robot.required.as_mut()).flatten() {
            required.device = ports::device_name(&root, &required.path);
        }
        let required = robot.iter().filter_map(|robot| robot.required.as_ref()).flatten();
        let ports = ports::read(&root, required.filter_map(|required| required.device.clone()));
        let brltty = |folder: &str| root.names(folder).iter().any(|name| name.contains("brltty"));
        Self {
            control_priority,
            robot,
            ports,
            processes: system::processes(&root),
            rules_installed: root.exists("etc/udev/rules.d/99-adit.rules"),
            brltty_rules: ["usr/lib/udev/rules.d", "lib/udev/rules.d"].into_iter().any(brltty),
            user: User::read(&root),
            kernel: Kernel::read(&root),
            cpu: Cpu::read(&root),
            limits: Limits::read(&root),
            swap: system::swap(&root),
            network: Network::read(&root),
            clock: Clock::read(&root),
            free_space: FreeSpace::read(recordings),
        }
    }

    /// Returns the ports that matter: the robot's where its file names some, else all; with the requirement for each.
    pub(super) fn relevant_ports(&self) -> Vec<(&Port, Option<&PortRequirement>)> {
        match self.robot.as_ref().and_then(|robot| robot.required.as_ref()) {
            Some(required) => required
                .iter()
                .filter_map(|required| {
                    let port = self.ports.iter().find(|port| Some(&port.name) == required.device.as_ref())?;
                    Some((port, Some(required)))
                })
                .collect(),
            None => self.ports.iter().map(|port| (port, None)).collect(),
        }
    }
}
