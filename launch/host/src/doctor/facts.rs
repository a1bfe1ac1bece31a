//! What is to be known of a machine, read from its files below a root. Nothing is judged here.
//!
//! What cannot be read stays unknown (`None`, empty): a container, an old kernel and another processor each lack
//! some of it.

mod identity;
mod ports;
mod root;
mod system;

use std::path::{Path, PathBuf};

pub use ports::Port;
#[cfg(test)]
pub use ports::Usb;
pub use root::Root;
pub use system::{Clock, Cpu, Kernel, Limit, Limits, Network, Swap, User};

#[cfg(test)]
pub mod fixture;

/// A port that the robot's file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What is plugged in there, in words.
    pub role: String,
    /// Whether the motors hang on it.
    pub is_motor_bus: bool,
    pub path: PathBuf,
    /// Bits a second.
    pub baud: u32,
    /// The kernel's name for it, `ttyUSB0`; none if it is not there.
    pub device: Option<String>,
}

/// What a robot's file says of ports.
#[derive(Clone, Debug, Default)]
pub struct RobotPorts {
    /// The robot's name.
    pub robot: String,
    /// How many motor buses its joints are on.
    pub buses: usize,
    /// None where its file names no ports; then it only walks in the simulator.
    pub wanted: Option<Vec<Wanted>>,
}

/// A process, as far as it can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    /// The program's short name.
    pub name: String,
}

/// The machine.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Real-time priority that the control loop asks for, `SCHED_FIFO`.
    pub control_priority: u8,
    /// The robot that was asked about, if one was.
    pub robot: Option<RobotPorts>,
    pub ports: Vec<Port>,
    pub processes: Vec<Process>,
    /// Whether `99-adit.rules` is installed.
    pub rules_installed: bool,
    /// Whether brltty's udev rules are.
    pub brltty_rules: bool,
    pub user: User,
    pub kernel: Kernel,
    pub cpu: Cpu,
    pub limits: Limits,
    pub swap: Vec<Swap>,
    pub network: Network,
    pub clock: Clock,
    /// Bytes left for the user where recordings go, and where that is.
    pub room: Option<(PathBuf, u64)>,
}

impl Facts {
    /// Reads the facts below a root, for a control loop that asks for a real-time priority. `recordings` is where runs are
    /// recorded, or will be.
    pub fn read(root: &Path, robot: Option<RobotPorts>, recordings: &Path, control_priority: u8) -> Self {
        let root = Root::new(root);
        let mut robot = robot;
        for wanted in robot.iter_mut().filter_map(|robot| robot.wanted.as_mut()).flatten() {
            wanted.device = ports::device_name(&root, &wanted.path);
        }
        let wanted = robot.iter().filter_map(|robot| robot.wanted.as_ref()).flatten();
        let ports = ports::read(&root, wanted.filter_map(|wanted| wanted.device.clone()));
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
            room: system::room(recordings),
        }
    }

    /// The ports that matter: the robot's where its file names some, else all; with what the robot wants of each.
    pub fn ports_in_question(&self) -> Vec<(&Port, Option<&Wanted>)> {
        match self.robot.as_ref().and_then(|robot| robot.wanted.as_ref()) {
            Some(wanted) => wanted
                .iter()
                .filter_map(|wanted| {
                    let port = self.ports.iter().find(|port| Some(&port.name) == wanted.device.as_ref())?;
                    Some((port, Some(wanted)))
                })
                .collect(),
            None => self.ports.iter().map(|port| (port, None)).collect(),
        }
    }
}
