//! Ports that carry a motor bus's bytes and never block, and the driver that moves bytes between ports and the
//! bridge. A real [`SerialPort`] is one implementation of [`BusPort`], [`UdpPort`] and [`loopback`] are others; [`replaceable`] makes one that
//! survives its adapter's being unplugged; [`FaultPort`] spoils what passes through another, for tests.
//!
//! A serial port is named by its path, or by the USB adapter that it is on ([`UsbIdentity`]).

mod bus_port;
mod descriptor;
mod driver;
mod enumerate;
mod faults;
mod holders;
mod identity;
mod loopback;
mod open_error;
mod replace;
mod serial;
mod tty;
mod udp;
mod wait;

pub use bus_port::{BusPort, PortError};
pub use driver::{BusDriver, PortCount};
pub use enumerate::available_ports;
pub use faults::{FaultPort, PortFault};
pub use holders::{Holder, PortDevice};
pub use identity::{IdentityError, UsbIdentity};
pub use loopback::{LOOPBACK_CAPACITY, Loopback, LoopbackReader, LoopbackWriter, loopback};
pub use open_error::OpenError;
pub use replace::{Replaceable, Replacer, replaceable};
pub use serial::{PortOpener, SerialPort};
pub use tty::Tty;
pub use udp::UdpPort;
pub use wait::wait_readable;
