//! How fast serial drivers and chips go, as far as it is known. A robot's motor bus wants 4 Mbaud.
//!
//! | driver | chip | most | by whose word |
//! |---|---|---|---|
//! | `ftdi_sio` | FT232B, R, FT2232C/D, FT-X | 3 Mbaud | `get_ftdi_divisor` of the kernel's driver |
//! | `ftdi_sio` | FT232H, FT2232H, FT4232H and their P and A variants | 12 Mbaud | the same |
//! | `cp210x` | CP2102N | 3 Mbaud | `cp210x_init_max_speed` of the kernel's driver |
//! | `cp210x` | CP2104, CP2105, CP2108 | 2 Mbaud | the same |
//! | `ch341` | CH340, CH341 | 2 Mbaud | the data sheet; the kernel's driver tries up to 3 |
//! | `cdc_acm`, `usb_ch343` | CH343 | 6 Mbaud | the data sheet (uchcom(4) of OpenBSD says so too) |
//! | `cdc_acm`, `usb_ch343` | CH9102 | 4 Mbaud | the data sheet |
//! | `pl2303` | PL2303H | 1.2 Mbaud; HX and TA 6, others 12 | `pl2303_type_data` of the kernel's driver |
//! | `uart-pl011` | Raspberry Pi's `ttyAMA` and others | a sixteenth of its clock | `pl011_set_termios` of the kernel's driver |
//! | `serial` and others with a clock | 16550 | a sixteenth of its clock | `serial8250_get_baud_rate`; some SoCs raise the clock |
//! | `serial-tegra` | Jetson's `ttyTHS` | 12.5 Mbaud on paper | losses from 4 Mbaud on are reported on NVIDIA's forum |

use crate::doctor::facts::Port;

/// `bcdDevice` of FTDI chips that are full-speed USB: FT232A, B, FT2232C, FT232R, FT-X.
const FTDI_FULL_SPEED: [u32; 5] = [0x0200, 0x0400, 0x0500, 0x0600, 0x1000];
/// The vendor that makes CH343 and CH9102, and their product numbers.
const WCH: u32 = 0x1a86;
const CH343: u32 = 0x55d3;
const CH9102: u32 = 0x55d4;

/// What is known of a port's fastest rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fastest {
    /// No faster than this, baud.
    Sure(u32),
    /// No faster than this by its papers, or unless the system raises its clock.
    Likely(u32),
    /// Nothing.
    Unknown,
}

/// The fastest rate of a port.
pub(super) fn fastest(port: &Port) -> Fastest {
    let usb = port.usb.as_ref();
    match port.driver.as_deref() {
        Some("ftdi_sio") => match usb.map(|usb| usb.revision) {
            Some(revision) if FTDI_FULL_SPEED.contains(&revision) => Fastest::Sure(3_000_000),
            Some(0x0700..=0x0900 | 0x2800..=0x3600) => Fastest::Sure(12_000_000),
            _ => Fastest::Unknown,
        },
        Some("cp210x") => Fastest::Sure(3_000_000),
        Some("ch341" | "ch341-uart") => Fastest::Sure(3_000_000),
        Some("pl2303") => Fastest::Likely(6_000_000),
        Some("uart-pl011") => clock_rate(port).map_or(Fastest::Unknown, Fastest::Sure),
        Some("serial-tegra" | "tegra-uart") => Fastest::Likely(3_000_000),
        _ => match usb.map(|usb| (usb.vendor, usb.product)) {
            Some((WCH, CH343)) => Fastest::Likely(6_000_000),
            Some((WCH, CH9102)) => Fastest::Likely(4_000_000),
            Some(_) => Fastest::Unknown,
            None => clock_rate(port).map_or(Fastest::Unknown, Fastest::Likely),
        },
    }
}

/// A UART samples each bit sixteen times.
fn clock_rate(port: &Port) -> Option<u32> {
    port.uart_clock_hz.filter(|hz| *hz > 0).map(|hz| hz / 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::facts::Usb;

    fn usb(driver: &str, vendor: u32, product: u32, revision: u32) -> Port {
        let usb = Usb { vendor, product, revision, ..Usb::default() };
        Port { driver: Some(driver.to_owned()), usb: Some(usb), ..Port::default() }
    }

    fn on_board(driver: &str, hz: u32) -> Port {
        Port { driver: Some(driver.to_owned()), uart_clock_hz: Some(hz), ..Port::default() }
    }

    #[test]
    fn the_table_is_kept() {
        let cases = [
            (usb("ftdi_sio", 0x0403, 0x6001, 0x0600), Fastest::Sure(3_000_000)),
            (usb("ftdi_sio", 0x0403, 0x6015, 0x1000), Fastest::Sure(3_000_000)),
            (usb("ftdi_sio", 0x0403, 0x6014, 0x0900), Fastest::Sure(12_000_000)),
            (usb("ftdi_sio", 0x0403, 0x6011, 0x0800), Fastest::Sure(12_000_000)),
            (usb("ftdi_sio", 0x0403, 0x6011, 0xffff), Fastest::Unknown),
            (usb("cp210x", 0x10c4, 0xea60, 0x0100), Fastest::Sure(3_000_000)),
            (usb("ch341", 0x1a86, 0x7523, 0x0263), Fastest::Sure(3_000_000)),
            (usb("cdc_acm", 0x1a86, 0x55d3, 0x0443), Fastest::Likely(6_000_000)),
            (usb("cdc_acm", 0x1a86, 0x55d4, 0x0443), Fastest::Likely(4_000_000)),
            (usb("cdc_acm", 0x2341, 0x0043, 0x0001), Fastest::Unknown),
            (on_board("uart-pl011", 48_000_000), Fastest::Sure(3_000_000)),
            (on_board("uart-pl011", 64_000_000), Fastest::Sure(4_000_000)),
            (on_board("dw-apb-uart", 24_000_000), Fastest::Likely(1_500_000)),
            (on_board("serial", 0), Fastest::Unknown),
        ];
        for (port, expected) in cases {
            assert_eq!(fastest(&port), expected, "{port:?}");
        }
    }
}
