//! A machine made of files, for tests: good as it is, and changed by each test where it wants.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Facts, RobotPorts, Wanted};
use crate::doctor::{Check, examine};

/// Files of a good machine without its ports.
const GOOD: [(&str, &str); 25] = [
    ("etc/group", "root:x:0:\ndialout:x:20:walker\n"),
    ("etc/udev/rules.d/99-adit.rules", ""),
    ("proc/1/comm", "systemd\n"),
    ("proc/700/comm", "chronyd\n"),
    ("proc/cmdline", "root=/dev/nvme0n1p2 console=tty0 quiet\n"),
    ("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme tsc\n"),
    ("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"),
    ("proc/self/cgroup", "0::/user.slice\n"),
    ("proc/self/limits", LIMITS),
    ("proc/self/status", "Name:\tadit\nUid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n"),
    ("proc/sys/kernel/osrelease", "6.12.9-rt\n"),
    ("proc/sys/kernel/version", "#1 SMP PREEMPT_RT Tue Jan 7\n"),
    ("proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
    ("proc/sys/net/core/rmem_max", "16777216\n"),
    ("proc/sys/net/core/rmem_default", "16777216\n"),
    ("sys/class/net/lo/flags", "0x1009\n"),
    ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
    ("sys/devices/system/cpu/online", "0-3\n"),
    ("sys/devices/system/cpu/isolated", "\n"),
    ("sys/devices/system/cpu/smt/active", "0\n"),
    ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"),
    ("sys/devices/system/cpu/cpu0/cpuidle/state0/name", "POLL\n"),
    ("sys/devices/system/cpu/cpu0/cpuidle/state0/latency", "0\n"),
    ("sys/devices/system/cpu/cpu0/cpuidle/state1/name", "C1E\n"),
    ("sys/devices/system/cpu/cpu0/cpuidle/state1/latency", "10\n"),
];

const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units     \n\
Max locked memory         unlimited            unlimited            bytes     \n\
Max realtime priority     99                   99                             \n";

/// What a test plugs in.
#[derive(Clone, Copy)]
pub struct Plug<'a> {
    pub name: &'a str,
    /// The folders of the USB devices on the way, `usb1/1-2`.
    pub at: &'a str,
    pub driver: &'a str,
    pub vendor: &'a str,
    pub product: &'a str,
    pub revision: &'a str,
    pub speed: &'a str,
}

/// An FT232H at the computer's first USB port.
pub const FT232H: Plug<'_> = Plug {
    name: "ttyUSB0",
    at: "usb1/1-1",
    driver: "ftdi_sio",
    vendor: "0403",
    product: "6014",
    revision: "0900",
    speed: "480",
};

pub struct Machine {
    root: TempDir,
}

impl Machine {
    /// A good one with an FT232H on `ttyUSB0` and another on `ttyUSB1`.
    pub fn good() -> Self {
        let machine = Self { root: tempfile::tempdir().expect("a folder") };
        for (path, text) in GOOD {
            machine.file(path, text);
        }
        machine.plug(FT232H);
        machine.plug(Plug { name: "ttyUSB1", at: "usb1/1-2", ..FT232H });
        machine
    }

    pub fn path(&self) -> &Path {
        self.root.path()
    }

    pub fn file(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("made");
        fs::write(path, text).expect("written");
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.path().join(path)).expect("it was there");
    }

    pub fn link(&self, path: &str, target: impl AsRef<Path>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("made");
        symlink(target, path).expect("linked");
    }

    /// Plugs in a USB adapter, as sysfs shows it.
    pub fn plug(&self, plug: Plug<'_>) {
        let mut folder = PathBuf::from("sys/devices/pci0000:00");
        for part in plug.at.split('/') {
            folder.push(part);
            let speed = folder.join("speed");
            self.file(&format!("{}/idVendor", folder.display()), plug.vendor);
            // A hub that a test has made slow stays so.
            if !self.path().join(&speed).exists() {
                self.file(
                    &speed.display().to_string(),
                    if part.starts_with("usb") { "480" } else { plug.speed },
                );
            }
        }
        self.file(&format!("{}/idProduct", folder.display()), plug.product);
        self.file(&format!("{}/bcdDevice", folder.display()), plug.revision);
        let port = folder.join("interface").join(plug.name);
        if plug.driver == "ftdi_sio" {
            self.file(&format!("{}/latency_timer", port.display()), "1\n");
        }
        self.class(plug.name, &port, plug.driver);
        self.link(&format!("dev/serial/by-id/usb-{}", plug.name), format!("../../{}", plug.name));
    }

    /// An on-board UART with the layer of newer kernels between it and its device.
    pub fn uart(&self, name: &str, driver: &str, flags: &str, clock_hz: &str) {
        let device = PathBuf::from(format!("sys/devices/platform/{name}.serial"));
        self.link(&format!("{}/driver", device.display()), format!("../drivers/{driver}"));
        let layer = device.join(format!("{name}.serial:0"));
        self.class(name, &layer, "port");
        self.file(&format!("sys/class/tty/{name}/flags"), flags);
        self.file(&format!("sys/class/tty/{name}/uartclk"), clock_hz);
    }

    fn class(&self, name: &str, device: &Path, driver: &str) {
        self.link(&format!("{}/driver", device.display()), format!("../../drivers/{driver}"));
        let depth = |path: &Path| "../".repeat(path.components().count());
        let class = PathBuf::from("sys/class/tty").join(name);
        self.link(&format!("{}/device", class.display()), format!("{}{}", depth(&class), device.display()));
        self.file(&format!("dev/{name}"), "");
    }

    /// What is read of it; `ports` are what the robot's file names: motor buses, then the inertial sensor.
    pub fn facts(&self, ports: Option<&[&str]>) -> Facts {
        let robot = ports.map(|ports| RobotPorts {
            robot: "Test".to_owned(),
            buses: ports.len() - 1,
            wanted: Some(
                ports.iter().enumerate().map(|(n, path)| self.wanted(n, path, ports.len() - 1)).collect(),
            ),
        });
        Facts {
            room: Some(("/data".into(), 100_000_000_000)),
            ..Facts::read(self.path(), robot, self.path(), 80)
        }
    }

    fn wanted(&self, n: usize, path: &str, buses: usize) -> Wanted {
        let is_motor_bus = n < buses;
        Wanted {
            role: if is_motor_bus { format!("motor bus {n}") } else { "inertial sensor".to_owned() },
            is_motor_bus,
            path: path.into(),
            baud: if is_motor_bus { 4_000_000 } else { 921_600 },
            device: None,
        }
    }

    /// The robot of one bus and an inertial sensor on the two adapters of the good machine.
    pub fn robot_checks(&self) -> Vec<Check> {
        examine(&self.facts(Some(&["/dev/serial/by-id/usb-ttyUSB0", "/dev/serial/by-id/usb-ttyUSB1"])))
    }
}
