//! Serial ports: what sysfs tells of them without opening any.

use std::path::Path;

use rustix::fs::{Access, access};

use super::{Root, identity};

/// Names of ports that robots are plugged into. `ttyS` is looked at only where the robot's file names it: a PC has
/// dozens of those, most of them without a chip behind.
const KINDS: [&str; 4] = ["ttyUSB", "ttyACM", "ttyAMA", "ttyTHS"];
/// Drivers of the layer that newer kernels put between a port and its device; what drives it is further up.
const LAYERS: [&str; 2] = ["port", "ctrl"];

/// A serial port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// The kernel's name, `ttyUSB0`.
    pub name: String,
    /// Names that survive replugging, below `/dev/serial/by-id`.
    pub by_id: Vec<String>,
    pub driver: Option<String>,
    /// Whether this user may read and write it.
    pub usable: bool,
    /// Permission bits of the device.
    pub mode: u32,
    /// The group that it belongs to.
    pub group: String,
    pub usb: Option<Usb>,
    /// How long an FTDI chip keeps bytes to itself, ms.
    pub latency_timer_ms: Option<u32>,
    /// The flags that `setserial` shows, of an on-board UART.
    pub uart_flags: Option<u32>,
    /// Clock of an on-board UART, Hz.
    pub uart_clock_hz: Option<u32>,
    /// Who has it open, as `name (pid)`.
    pub holders: Vec<String>,
}

/// The USB device that a port is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usb {
    /// Where it is plugged in, `1-2.3`.
    pub device: String,
    pub vendor: u32,
    pub product: u32,
    /// `bcdDevice`, by which FTDI tells its chips apart.
    pub revision: u32,
    /// Mbit/s.
    pub speed: Option<u32>,
    pub hub: Option<Hub>,
}

/// What a USB device is plugged into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hub {
    /// `usb1` is the computer itself.
    pub device: String,
    /// Mbit/s.
    pub speed: Option<u32>,
}

/// The kernel's name for what a robot's file calls `path`; none if it is not there.
pub(super) fn device_name(root: &Root, path: &Path) -> Option<String> {
    if let Some(adapter) = path.to_str().and_then(|path| path.strip_prefix("usb:")) {
        return identity::device_name(root, adapter);
    }
    let resolved = root.resolve(path)?;
    resolved.file_name()?.to_str().map(str::to_owned)
}

/// The ports that there are, and the `named` ones of whatever kind.
pub(super) fn read(root: &Root, named: impl Iterator<Item = String>) -> Vec<Port> {
    let is_port = |name: &String| KINDS.iter().any(|kind| name.starts_with(kind));
    let mut names: Vec<String> = root.names("dev").into_iter().filter(is_port).chain(named).collect();
    names.sort();
    names.dedup();
    let by_id = root.names("dev/serial/by-id");
    let holders = holders(root);
    let port = |name: String| {
        let links = by_id
            .iter()
            .filter(|id| device_name(root, &Path::new("dev/serial/by-id").join(id)).as_ref() == Some(&name));
        let holders = holders.iter().filter(|(held, _)| *held == name).map(|(_, who)| who.clone());
        Port { by_id: links.cloned().collect(), holders: holders.collect(), ..read_port(root, &name) }
    };
    names.into_iter().map(port).collect()
}

fn read_port(root: &Root, name: &str) -> Port {
    use std::os::unix::fs::MetadataExt as _;

    let node = root.path("dev").join(name);
    let data = std::fs::metadata(&node).ok();
    let class = Path::new("sys/class/tty").join(name);
    let device = root.resolve(class.join("device"));
    let above: Vec<&Path> = device.iter().flat_map(|device| device.ancestors()).collect();
    let driver = above.iter().find_map(|folder| {
        let driver = root.link(folder.join("driver"))?.file_name()?.to_str()?.to_owned();
        (!LAYERS.contains(&driver.as_str())).then_some(driver)
    });
    let usb = above.iter().find(|folder| root.exists(folder.join("idVendor")));
    Port {
        name: name.to_owned(),
        driver,
        usable: access(&node, Access::READ_OK | Access::WRITE_OK).is_ok(),
        mode: data.as_ref().map_or(0, |data| data.mode() & 0o777),
        group: data.as_ref().map(|data| group_name(root, data.gid())).unwrap_or_default(),
        usb: usb.map(|folder| read_usb(root, folder)),
        latency_timer_ms: root.value(class.join("device/latency_timer")),
        uart_flags: root.hex(class.join("flags")),
        uart_clock_hz: root.value(class.join("uartclk")),
        ..Port::default()
    }
}

fn read_usb(root: &Root, folder: &Path) -> Usb {
    let name =
        |folder: &Path| folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    // Low speed is 1.5.
    let speed = |folder: &Path| root.value::<f64>(folder.join("speed")).map(|mbit| mbit as u32);
    let hub = folder.parent().filter(|hub| root.exists(hub.join("idVendor")));
    Usb {
        device: name(folder),
        vendor: root.hex(folder.join("idVendor")).unwrap_or_default(),
        product: root.hex(folder.join("idProduct")).unwrap_or_default(),
        revision: root.hex(folder.join("bcdDevice")).unwrap_or_default(),
        speed: speed(folder),
        hub: hub.map(|hub| Hub { device: name(hub), speed: speed(hub) }),
    }
}

fn group_name(root: &Root, gid: u32) -> String {
    let groups = root.text("etc/group").unwrap_or_default();
    let named = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| gid.to_string())
}

/// Which ports are open, and by whom. Without root only one's own processes tell.
fn holders(root: &Root) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for process in super::system::processes(root) {
        let folder = format!("proc/{}/fd", process.pid);
        for descriptor in root.names(&folder) {
            let Some(target) = root.link(Path::new(&folder).join(&descriptor)) else { continue };
            let Some(name) = target.strip_prefix("/dev").ok().and_then(Path::to_str) else { continue };
            let held = (name.to_owned(), format!("{} ({})", process.name, process.pid));
            if name.starts_with("tty") && !all.contains(&held) {
                all.push(held);
            }
        }
    }
    all
}
