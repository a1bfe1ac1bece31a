//! USB adapters by what they are, and not by where they are plugged in or in which order they were found.

use std::fmt;
use std::str::FromStr;

use serialport::UsbPortInfo;

/// The port of a USB adapter, written `usb:VENDOR:PRODUCT:SERIAL#INTERFACE`.
///
/// Vendor and product are four hexadecimal digits each, as `lsusb` prints them. The serial number may be left out, with
/// its colon, where one such adapter is plugged in, and some have none. The interface, a decimal number, tells
/// the ports of one adapter apart.
///
/// ```
/// use firmware_bridge::port::UsbIdentity;
///
/// let wanted: UsbIdentity = "usb:0403:6011:FT4ABCDE#2".parse()?;
/// assert_eq!((wanted.vendor, wanted.product, wanted.interface), (0x0403, 0x6011, Some(2)));
/// assert!("usb:0403:6011".parse::<UsbIdentity>()?.fits(&wanted));
/// # Ok::<(), firmware_bridge::port::IdentityError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbIdentity {
    /// Vendor id.
    pub vendor: u16,
    /// Product id.
    pub product: u16,
    /// Serial number.
    pub serial: Option<String>,
    /// Number of the USB interface: an adapter with four ports has four.
    pub interface: Option<u8>,
}

/// Text that is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write usb:VENDOR:PRODUCT:SERIAL#INTERFACE, such as usb:0403:6014:FT4ABCDE; `lsusb -v` shows them")]
pub struct IdentityError;

impl UsbIdentity {
    /// Beginning of every identity, and of no path.
    pub(super) const PREFIX: &str = "usb:";

    pub(super) fn of(info: &UsbPortInfo) -> Self {
        Self {
            vendor: info.vid,
            product: info.pid,
            serial: info.serial_number.clone().filter(|serial| !serial.is_empty()),
            interface: info.interface,
        }
    }

    /// Returns whether a port is one that this names: what is left out fits anything.
    pub fn fits(&self, port: &Self) -> bool {
        (self.vendor, self.product) == (port.vendor, port.product)
            && (self.serial.is_none() || self.serial == port.serial)
            && (self.interface.is_none() || self.interface == port.interface)
    }
}

impl fmt::Display for UsbIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:04x}:{:04x}", Self::PREFIX, self.vendor, self.product)?;
        if let Some(serial) = &self.serial {
            write!(f, ":{serial}")?;
        }
        self.interface.map_or(Ok(()), |interface| write!(f, "#{interface}"))
    }
}

impl FromStr for UsbIdentity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let rest = text.strip_prefix(Self::PREFIX).ok_or(IdentityError)?;
        let (rest, interface) = match rest.rsplit_once('#') {
            Some((rest, number)) => (rest, Some(number.parse().or(Err(IdentityError))?)),
            None => (rest, None),
        };
        // A serial number may have colons itself.
        let mut parts = rest.splitn(3, ':');
        let mut id = || {
            let digits = parts.next().filter(|part| part.len() == 4 && !part.starts_with('+'));
            u16::from_str_radix(digits.ok_or(IdentityError)?, 16).or(Err(IdentityError))
        };
        let (vendor, product) = (id()?, id()?);
        let serial = parts.next().map(str::to_owned);
        if serial.as_deref() == Some("") {
            Err(IdentityError)
        } else {
            Ok(Self { vendor, product, serial, interface })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_as_it_is_written() {
        for text in [
            "usb:1a86:7523",
            "usb:0403:6014:FT4ABCDE",
            "usb:0403:6011:FT4ABCDE#3",
            "usb:303a:1001:34:85:18:AA:BB:CC#0",
            "usb:1a86:7523#1",
        ] {
            assert_eq!(text.parse::<UsbIdentity>().map(|identity| identity.to_string()), Ok(text.to_owned()));
        }
        for text in [
            "/dev/ttyUSB0",
            "usb:",
            "usb:403:6014",
            "usb:0403",
            "usb:0403:601g",
            "usb:0403:6014:",
            "usb:0403:6014#x",
        ] {
            assert_eq!(text.parse::<UsbIdentity>(), Err(IdentityError), "{text}");
        }
    }

    #[test]
    fn what_is_left_out_fits_anything() {
        let parse = |text: &str| text.parse::<UsbIdentity>().expect(text);
        let port = parse("usb:0403:6011:FT4ABCDE#2");
        for (wanted, fits) in [
            ("usb:0403:6011", true),
            ("usb:0403:6011#2", true),
            ("usb:0403:6011:FT4ABCDE", true),
            ("usb:0403:6011:FT4ABCDE#2", true),
            ("usb:0403:6011#1", false),
            ("usb:0403:6011:FT4ABCDF", false),
            ("usb:0403:6014", false),
        ] {
            assert_eq!(parse(wanted).fits(&port), fits, "{wanted}");
        }
    }
}
