//! Serial ports, as sysfs tells of them without opening any.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use rustix::fs::{Access, access};

use super::identity;
use super::root::Root;
use super::system;

/// Names of ports that robots are plugged into. `ttyS` is looked at only where the robot's file names it: a PC has
/// dozens of those, most of them without a chip behind.
const PORT_PREFIXES: [&str; 4] = ["ttyUSB", "ttyACM", "ttyAMA", "ttyTHS"];
/// Drivers of the layer that newer kernels put between a port and its device; what drives it is further up.
const LAYER_DRIVERS: [&str; 2] = ["port", "ctrl"];

/// Serial port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Port {
    /// Name that the kernel gives it, `ttyUSB0`.
    pub(crate) name: String,
    /// Names that survive replugging, below `/dev/serial/by-id`.
    pub(crate) by_id: Vec<String>,
    pub(crate) driver: Option<String>,
    /// This user may read and write it.
    pub(crate) usable: bool,
    /// Permission bits of the device.
    pub(crate) mode: u32,
    /// Group that it belongs to.
    pub(crate) group: String,
    pub(crate) usb: Option<Usb>,
    /// Time that an FTDI chip keeps bytes to itself, ms.
    pub(crate) latency_timer_ms: Option<u32>,
    /// Flags of an on-board UART, which `setserial` shows.
    pub(crate) uart_flags: Option<u32>,
    /// Clock of an on-board UART, Hz.
    pub(crate) uart_clock_hz: Option<u32>,
    /// Processes that have it open, as `name (pid)`.
    pub(crate) holders: Vec<String>,
}

/// USB device that a port is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usb {
    /// Place where it is plugged in, `1-2.3`.
    pub(crate) device: String,
    pub(crate) vendor: u32,
    pub(crate) product: u32,
    /// `bcdDevice`, by which FTDI tells its chips apart.
    pub(crate) revision: u32,
    pub(crate) speed_mbit_per_s: Option<u32>,
    pub(crate) hub: Option<Hub>,
}

/// Hub that a USB device is plugged into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hub {
    /// `usb1` is the computer itself.
    pub(crate) device: String,
    pub(crate) speed_mbit_per_s: Option<u32>,
}

/// Process that has a port open.
#[derive(PartialEq)]
struct Holder {
    /// Name that it was opened by, below `/dev`.
    port: String,
    /// Number of the device.
    device: Option<u64>,
    /// As `name (pid)`.
    process: String,
}

/// Returns the kernel's name for what a robot's file calls `path`; none if it is not there.
pub(super) fn device_name(root: &Root, path: &Path) -> Option<String> {
    if let Some(adapter) = path.to_str().and_then(|path| path.strip_prefix("usb:")) {
        return identity::device_name(root, adapter);
    }
    let resolved = root.resolve(path)?;
    let name = resolved.strip_prefix("dev").ok().unwrap_or(Path::new(resolved.file_name()?));
    name.to_str().map(str::to_owned)
}

/// Reads the ports that there are, and the `named` ones of whatever kind.
pub(super) fn read(root: &Root, named: impl Iterator<Item = String>) -> Vec<Port> {
    let is_port = |name: &String| PORT_PREFIXES.iter().any(|kind| name.starts_with(kind));
    let mut names: Vec<String> = root.names("dev").into_iter().filter(is_port).chain(named).collect();
    names.sort();
    names.dedup();
    let by_id = root.names("dev/serial/by-id");
    let holders = holders(root);
    let port = |name: String| {
        let links = by_id
            .iter()
            .filter(|id| device_name(root, &Path::new("dev/serial/by-id").join(id)).as_ref() == Some(&name));
        let device = device_number(std::fs::metadata(root.path("dev").join(&name)));
        let is_its = |holder: &&Holder| holder.port == name || device.is_some() && holder.device == device;
        let mut holders: Vec<_> =
            holders.iter().filter(is_its).map(|holder| holder.process.clone()).collect();
        holders.dedup();
        Port { by_id: links.cloned().collect(), holders, ..read_port(root, &name) }
    };
    names.into_iter().map(port).collect()
}

fn read_port(root: &Root, name: &str) -> Port {
    let node = root.path("dev").join(name);
    let data = std::fs::metadata(&node).ok();
    let class = Path::new("sys/class/tty").join(name);
    let device = root.resolve(class.join("device"));
    let above: Vec<&Path> = device.iter().flat_map(|device| device.ancestors()).collect();
    let driver = above.iter().find_map(|folder| {
        let driver = root.link(folder.join("driver"))?.file_name()?.to_str()?.to_owned();
        (!LAYER_DRIVERS.contains(&driver.as_str())).then_some(driver)
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
    let speed_mbit_per_s = |folder: &Path| root.value::<f64>(folder.join("speed")).map(|mbit| mbit as u32);
    let hub = folder.parent().filter(|hub| root.exists(hub.join("idVendor")));
    Usb {
        device: name(folder),
        vendor: root.hex(folder.join("idVendor")).unwrap_or_default(),
        product: root.hex(folder.join("idProduct")).unwrap_or_default(),
        revision: root.hex(folder.join("bcdDevice")).unwrap_or_default(),
        speed_mbit_per_s: speed_mbit_per_s(folder),
        hub: hub.map(|hub| Hub { device: name(hub), speed_mbit_per_s: speed_mbit_per_s(hub) }),
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

/// Returns the number of what is a device.
fn device_number(there: std::io::Result<Metadata>) -> Option<u64> {
    there.ok().filter(|there| there.file_type().is_char_device()).map(|there| there.rdev())
}

/// Returns the open devices, each with a process that holds it. Without root only one's own processes tell.
fn holders(root: &Root) -> Vec<Holder> {
    let mut all = Vec::new();
    for process in system::processes(root) {
        let folder = format!("proc/{}/fd", process.pid);
        for descriptor in root.names(&folder) {
            let descriptor = Path::new(&folder).join(&descriptor);
            let Some(target) = root.link(&descriptor) else { continue };
            let Some(name) = target.strip_prefix("/dev").ok().and_then(Path::to_str) else { continue };
            // Whatever it was called where it was opened: a container has names of its own.
            let device = device_number(std::fs::metadata(root.path(&descriptor)));
            let process = format!("{} ({})", process.name, process.pid);
            let holder = Holder { port: name.to_owned(), device, process };
            if !all.contains(&holder) {
                all.push(holder);
            }
        }
    }
    all
}
