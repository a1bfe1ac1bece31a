//! A real serial port: 8N1 at the bus's baud rate, alone on its device, and never waiting.
//!
//! The crate `serialport` lists, opens and configures it. Three things the crate does otherwise than a motor bus needs,
//! and they are set right after opening, on the port's own descriptor:
//!
//! - it makes the descriptor waiting, so that a write can hold up the caller: [`Tty`] makes it non-blocking again;
//! - its errors, a quiet line's time-out among them, allocate: bytes are moved by [`Tty`], whose calls neither wait nor
//!   allocate;
//! - its exclusive mode outlives a crashed owner of a pseudo-terminal, which could then not be opened again: it is asked
//!   for none. An exclusive lock (`flock`), which ends with its owner, keeps other careful programs off; a port that is no
//!   pseudo-terminal is closed to others besides (`TIOCEXCL`), root excepted.
//!
//! Programs that have the port open already are looked for before anything of it is touched ([`PortDevice`]).
//!
//! Besides these, own code is what the crate cannot do: tell which error the system gave ([`open_error`]), hand on bytes
//! with a broken stop bit, throw away all that had arrived before, and know on-board UARTs
//! ([`available_ports`]).
//!
//! On an FTDI adapter set the latency timer to 1 ms (`/sys/bus/usb-serial/devices/NAME/latency_timer`): at its
//! 16 ms no answer comes within a cycle.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::termios::{InputModes, OptionalActions, ioctl_tiocexcl, tcgetattr, tcsetattr};
use serialport::{ErrorKind, SerialPort as _};

use super::bus_port::{BusPort, PortError};
use super::descriptor;
use super::enumerate::{available_ports, listed, resolve};
use super::holders::{Holder, PortDevice};
use super::identity::UsbIdentity;
use super::open_error::OpenError;
use super::tty::Tty;

/// Greatest distance of the line's real rate from the wanted one, as a share: more, and a byte's last bit is misread.
const BAUD_TOLERANCE: f64 = 0.02;
/// Greatest number of bytes thrown away on opening: more than any driver keeps for a port that nobody reads.
const MAX_STALE_BYTES: usize = 1 << 20;

/// An open serial port. What it does as a [`BusPort`] neither waits nor allocates.
///
/// Once its device has vanished it says [`PortError::Closed`] for good; [`replaceable`](super::replaceable())
/// puts a newly opened one in its place.
#[derive(Debug)]
pub struct SerialPort {
    tty: Tty,
    identity: Option<UsbIdentity>,
    device: Option<PortDevice>,
}

impl SerialPort {
    /// Opens a port by its path or its [`UsbIdentity`], and throws away what had arrived before. A pseudo-terminal will
    /// do as well: it takes any baud rate and has none.
    ///
    /// This may wait for the device: it is not for the real-time thread.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do about it.
    pub fn open(name: &Path, baud: u32) -> Result<Self, OpenError> {
        let (path, identity) = resolve(name, &listed())?;
        let refused = |offered| OpenError::Baud { path: path.clone(), wanted: baud, offered };
        if baud == 0 {
            // To a terminal a rate of zero means to hang up.
            return Err(refused(0));
        }
        // Open until the crate has opened it too, so that it is closed in between to no device that resets by that.
        let probe = probe(&path).map_err(|errno| open_error(&path, errno))?;
        let device = PortDevice::at(&path);
        let holders = device.map(PortDevice::holders).unwrap_or_default();
        if !holders.is_empty() {
            return Err(OpenError::Busy { path, holders });
        }
        // The crate knows ports by text alone, and a name that is none is no port's.
        let text = path.to_str().ok_or_else(|| open_error(&path, Errno::NOENT))?;
        let port = serialport::new(text, baud).exclusive(false).open_native();
        let port = port.map_err(|error| diagnose(&path, error))?;
        drop(probe);
        // A driver that cannot do a rate sets another one and calls that a success.
        let offered = port.baud_rate().map_err(|error| diagnose(&path, error))?;
        let mut tty = take_over(port).map_err(|errno| open_error(&path, errno))?;
        let off = (f64::from(offered) - f64::from(baud)).abs();
        if off > BAUD_TOLERANCE * f64::from(baud) {
            return Err(refused(offered));
        }
        if device.is_some_and(|device| !device.is_pseudo_terminal()) {
            ioctl_tiocexcl(&tty).map_err(|errno| open_error(&path, errno))?;
        }
        discard_stale(&mut tty);
        Ok(Self { tty, identity, device })
    }

    /// The device, by which others that open it later are found.
    pub const fn device(&self) -> Option<PortDevice> {
        self.device
    }

    /// The USB adapter that the port is on.
    pub const fn identity(&self) -> Option<&UsbIdentity> {
        self.identity.as_ref()
    }
}

impl BusPort for SerialPort {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.tty.write(bytes)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.tty.read(buffer)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.tty.descriptor()
    }
}

/// Opens one port again and again, as long as the same adapter is there.
///
/// When adapters come back after a shock or a reboot, the kernel may give them each other's paths, and the commands of one
/// leg would reach another. A name that is an identity cannot mean another adapter; for a path, the first adapter
/// that is found there is remembered.
#[derive(Debug)]
pub struct PortOpener {
    name: PathBuf,
    baud: u32,
    first: Option<UsbIdentity>,
    /// The port that was opened last.
    device: Option<PortDevice>,
}

impl PortOpener {
    /// For a port by its path or its [`UsbIdentity`].
    pub const fn new(name: PathBuf, baud: u32) -> Self {
        Self { name, baud, first: None, device: None }
    }

    /// The port's name.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Opens the port.
    ///
    /// # Errors
    /// [`OpenError::Exchanged`] if another adapter is there than the first time, and whatever
    /// [`SerialPort::open`] says.
    pub fn open(&mut self) -> Result<SerialPort, OpenError> {
        let port = SerialPort::open(&self.name, self.baud)?;
        self.recognise(port.identity())?;
        self.device = port.device();
        Ok(port)
    }

    /// Others that have opened the port as well since then. Not for the real-time thread.
    pub fn intruders(&self) -> Vec<Holder> {
        self.device.map(PortDevice::holders).unwrap_or_default()
    }

    fn recognise(&mut self, found: Option<&UsbIdentity>) -> Result<(), OpenError> {
        match (&self.first, found) {
            (Some(expected), Some(found)) if expected != found => Err(OpenError::Exchanged {
                path: self.name.clone(),
                expected: expected.clone(),
                found: found.clone(),
            }),
            (None, Some(found)) => {
                self.first = Some(found.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Makes what the crate has opened a port of a motor bus.
fn take_over(port: serialport::TTYPort) -> Result<Tty, Errno> {
    let fd = descriptor::take(port);
    flock(&fd, FlockOperation::NonBlockingLockExclusive)?;
    let tty = Tty::new(fd)?;
    // The crate drops bytes with a broken stop bit. They are bytes like others here: a checksum finds them out.
    let mut settings = tcgetattr(tty.as_fd())?;
    settings.input_modes.remove(InputModes::IGNPAR);
    tcsetattr(tty.as_fd(), OptionalActions::Now, &settings)?;
    Ok(tty)
}

/// The reason for which the crate could not open a port. Of most it keeps a description only, so that the system is asked
/// once more.
fn diagnose(path: &Path, error: serialport::Error) -> OpenError {
    if error.kind() == ErrorKind::NoDevice {
        return open_error(path, Errno::BUSY);
    }
    match probe(path) {
        Err(errno) => open_error(path, errno),
        Ok(_) => OpenError::Other { path: path.to_owned(), source: error.into() },
    }
}

/// Opens a port and changes nothing of it: what is no terminal is refused.
fn probe(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let terminal = open(path, flags, Mode::empty())?;
    tcgetattr(&terminal)?;
    Ok(terminal)
}

fn open_error(path: &Path, errno: Errno) -> OpenError {
    OpenError::of(path, errno, available_ports)
}

/// Reads what is left of a former owner's conversation. Flushing is not enough: it leaves what the driver has
/// not yet handed to the terminal.
fn discard_stale(tty: &mut Tty) {
    let mut buffer = [0; 4096];
    let mut left = MAX_STALE_BYTES;
    while left > 0 {
        match tty.read(&mut buffer) {
            // An error shows again at the first use.
            Ok(0) | Err(_) => return,
            Ok(count) => left = left.saturating_sub(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_adapter_under_the_same_path_is_refused_until_the_first_is_back() {
        let identity = |text: &str| text.parse::<UsbIdentity>().expect("an identity");
        let (ours, other) = (identity("usb:0403:6014:FTA#0"), identity("usb:0403:6014:FTB#0"));
        let mut opener = PortOpener::new("/dev/ttyUSB0".into(), 4_000_000);
        assert!(opener.recognise(None).is_ok(), "a pseudo-terminal has none");
        assert!(opener.recognise(Some(&ours)).is_ok() && opener.recognise(Some(&ours)).is_ok());
        let refused = opener.recognise(Some(&other)).expect_err("another one").to_string();
        assert!(refused.contains("usb:0403:6014:FTA#0") && refused.contains("FTB"), "{refused}");
        assert!(opener.recognise(Some(&ours)).is_ok());
    }
}
