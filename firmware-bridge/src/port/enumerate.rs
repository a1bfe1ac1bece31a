//! The serial ports of this machine, and which of them a name means.

use std::path::{Path, PathBuf};

use serialport::{SerialPortInfo, SerialPortType};

use super::identity::UsbIdentity;
use super::open_error::OpenError;

/// Names that survive replugging, made by udev.
const BY_ID: &str = "/dev/serial/by-id";
/// On-board UARTs that robots are plugged into. The crate lists those of some computers alone, and beside them a PC's
/// `ttyS`, most of which have no chip behind them.
const ON_BOARD: [&str; 2] = ["ttyAMA", "ttyTHS"];

/// Returns the serial ports of this machine by the names that survive replugging, else by the kernel's.
pub fn available_ports() -> Vec<PathBuf> {
    let by_id = entries(BY_ID);
    if by_id.is_empty() { kernel_names(&listed(), entries("/dev")) } else { by_id }
}

/// Ports as the crate lists them; none where there is no sysfs, of which the crate would make a panic.
pub(super) fn listed() -> Vec<SerialPortInfo> {
    if !Path::new("/sys/class/tty").is_dir() {
        return Vec::new();
    }
    // A port that vanishes while it is looked at ends the list; whoever wants one looks again.
    serialport::available_ports().unwrap_or_default()
}

fn entries(directory: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn kernel_names(listed: &[SerialPortInfo], devices: Vec<PathBuf>) -> Vec<PathBuf> {
    let on_board = devices.into_iter().filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        ON_BOARD.iter().any(|kind| name.starts_with(kind))
    });
    let mut ports: Vec<_> = usb_ports(listed).map(|(path, _)| path).chain(on_board).collect();
    ports.sort();
    ports
}

fn usb_ports(listed: &[SerialPortInfo]) -> impl Iterator<Item = (PathBuf, UsbIdentity)> {
    listed.iter().filter_map(|port| match &port.port_type {
        SerialPortType::UsbPort(info) => Some((PathBuf::from(&port.port_name), UsbIdentity::of(info))),
        _ => None,
    })
}

/// The device that a name means now, and its identity if it is on USB. A path means what it leads to.
///
/// # Errors
/// [`OpenError`] for an identity that is none, that no port has, or that several have.
pub(super) fn resolve(
    name: &Path,
    listed: &[SerialPortInfo],
) -> Result<(PathBuf, Option<UsbIdentity>), OpenError> {
    let text = name.to_str().filter(|text| text.starts_with(UsbIdentity::PREFIX));
    let Some(text) = text else {
        let device = std::fs::canonicalize(name).unwrap_or_else(|_| name.to_owned());
        let identity = usb_ports(listed).find(|(path, _)| *path == device).map(|(_, identity)| identity);
        return Ok((name.to_owned(), identity));
    };
    let wanted: UsbIdentity =
        text.parse().map_err(|source| OpenError::Identity { name: name.to_owned(), source })?;
    let present = |ports: &mut dyn Iterator<Item = (PathBuf, UsbIdentity)>| -> Vec<PathBuf> {
        ports.map(|(_, identity)| identity.to_string().into()).collect()
    };
    let fitting: Vec<_> = usb_ports(listed).filter(|(_, identity)| wanted.fits(identity)).collect();
    match <[_; 1]>::try_from(fitting) {
        Ok([(path, identity)]) => Ok((path, Some(identity))),
        Err(none) if none.is_empty() => {
            Err(OpenError::NotFound { path: name.to_owned(), present: present(&mut usb_ports(listed)) })
        }
        Err(several) => {
            Err(OpenError::Ambiguous { name: name.to_owned(), fitting: present(&mut several.into_iter()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use serialport::UsbPortInfo;

    use super::*;

    fn usb(path: &str, vid: u16, pid: u16, serial: &str, interface: u8) -> SerialPortInfo {
        let port_type = SerialPortType::UsbPort(UsbPortInfo {
            vid,
            pid,
            serial_number: Some(serial.to_owned()),
            manufacturer: None,
            product: None,
            interface: Some(interface),
        });
        SerialPortInfo { port_name: path.to_owned(), port_type }
    }

    /// Two single adapters, of which the kernel found the second first, one with two ports, and a PC's own port.
    fn machine() -> Vec<SerialPortInfo> {
        vec![
            usb("/dev/ttyUSB0", 0x0403, 0x6014, "FTB", 0),
            usb("/dev/ttyUSB1", 0x0403, 0x6014, "FTA", 0),
            usb("/dev/ttyUSB2", 0x0403, 0x6010, "FTC", 0),
            usb("/dev/ttyUSB3", 0x0403, 0x6010, "FTC", 1),
            SerialPortInfo { port_name: "/dev/ttyS0".to_owned(), port_type: SerialPortType::PciPort },
        ]
    }

    fn device(name: &str, listed: &[SerialPortInfo]) -> Result<String, String> {
        let found = resolve(name.as_ref(), listed);
        found.map(|(path, _)| path.display().to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_identity_means_the_same_adapter_in_whatever_order_the_kernel_found_them() {
        let mut listed = machine();
        assert_eq!(device("usb:0403:6014:FTA", &listed).as_deref(), Ok("/dev/ttyUSB1"));
        assert_eq!(device("usb:0403:6010#1", &listed).as_deref(), Ok("/dev/ttyUSB3"));
        listed[0].port_name = "/dev/ttyUSB1".to_owned();
        listed[1].port_name = "/dev/ttyUSB0".to_owned();
        assert_eq!(device("usb:0403:6014:FTA", &listed).as_deref(), Ok("/dev/ttyUSB0"));
    }

    #[test]
    fn an_identity_that_names_no_single_port_is_refused_with_what_to_give_instead() {
        let several = device("usb:0403:6014", &machine()).expect_err("two");
        assert!(
            several.contains("usb:0403:6014:FTA#0, usb:") || several.contains("FTB#0, usb:"),
            "{several}"
        );
        let none = device("usb:0403:6015", &machine()).expect_err("none");
        assert!(none.contains("no such port") && none.contains("usb:0403:6010:FTC#1"), "{none}");
        let wrong = device("usb:403:6015", &machine()).expect_err("no identity");
        assert!(wrong.contains("usb:VENDOR:PRODUCT"), "{wrong}");
    }

    #[test]
    fn a_path_is_itself_and_known_by_the_adapter_that_it_leads_to() {
        let path = Path::new("/dev/ttyUSB1");
        let (same, identity) = resolve(path, &machine()).expect("a path");
        assert_eq!((same.as_path(), identity.and_then(|it| it.serial).as_deref()), (path, Some("FTA")));
        assert_eq!(resolve("/dev/pts/0".as_ref(), &machine()).expect("a path").1, None);
    }

    #[test]
    fn the_kernels_names_are_usb_ports_and_on_board_ones_of_robots_computers() {
        let devices = ["/dev/null", "/dev/ttyAMA0", "/dev/ttyS0", "/dev/ttyTHS1"].map(PathBuf::from).to_vec();
        let names = kernel_names(&machine(), devices);
        let expected = ["ttyAMA0", "ttyTHS1", "ttyUSB0", "ttyUSB1", "ttyUSB2", "ttyUSB3"];
        assert_eq!(names, expected.map(|name| PathBuf::from(format!("/dev/{name}"))));
    }
}
