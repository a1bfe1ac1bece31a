//! Ports that a robot's file names by the USB adapter that they are on: `usb:VENDOR:PRODUCT:SERIAL#INTERFACE`, as the
//! bridge reads it (docs/bus.md).

use std::path::Path;

use super::Root;

/// The kernel's name for the one port that an identity fits; none if no port has it, or several.
pub(super) fn device_name(root: &Root, identity: &str) -> Option<String> {
    let names = root.names("sys/class/tty").into_iter();
    let mut fitting = names.filter(|name| fits(root, name, identity).unwrap_or(false));
    fitting.next().filter(|_| fitting.next().is_none())
}

/// `None` of a port that is not on USB.
fn fits(root: &Root, name: &str, identity: &str) -> Option<bool> {
    let device = root.resolve(Path::new("sys/class/tty").join(name).join("device"))?;
    let adapter = device.ancestors().find(|folder| root.exists(folder.join("idVendor")))?;
    let interface = device.ancestors().find_map(|folder| root.hex(folder.join("bInterfaceNumber")));
    let id = |file: &str| root.hex(adapter.join(file));
    let whole = format!("{:04x}:{:04x}", id("idVendor")?, id("idProduct")?);
    let serial = root.text(adapter.join("serial")).map(|serial| format!(":{serial}")).unwrap_or_default();
    let (wanted, wanted_interface) = match identity.rsplit_once('#') {
        Some((wanted, number)) => (wanted, Some(number.parse::<u32>().ok()?)),
        None => (identity, None),
    };
    // The digits may be written in capitals; a serial number is as it is.
    let (ids, rest) = wanted.split_at_checked(whole.len())?;
    let is_adapter = ids.eq_ignore_ascii_case(&whole) && (rest.is_empty() || rest == serial);
    Some(is_adapter && (wanted_interface.is_none() || wanted_interface == interface))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{FT232H, Machine, Plug};
    use super::*;

    #[test]
    fn an_identity_is_the_adapters_and_not_the_paths() {
        let machine = Machine::good();
        machine.file("sys/devices/pci0000:00/usb1/1-1/serial", "FTA\n");
        machine.file("sys/devices/pci0000:00/usb1/1-2/serial", "FTB\n");
        machine.plug(Plug { name: "ttyUSB2", at: "usb1/1-3", product: "6015", ..FT232H });
        machine.file("sys/devices/pci0000:00/usb1/1-3/interface/bInterfaceNumber", "0a\n");
        machine.uart("ttyTHS1", "serial-tegra", "0x11002040", "0");
        let root = Root::new(machine.path());
        for (identity, name) in [
            ("0403:6014:FTA", Some("ttyUSB0")),
            ("0403:6014:FTB", Some("ttyUSB1")),
            ("0403:6014", None),
            ("0403:6014:FTC", None),
            ("0403:6015", Some("ttyUSB2")),
            ("0403:6015#10", Some("ttyUSB2")),
            ("0403:6015#1", None),
            ("0403", None),
        ] {
            assert_eq!(device_name(&root, identity).as_deref(), name, "{identity}");
        }
    }
}
