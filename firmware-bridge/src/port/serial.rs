//! A real serial port: 8N1 at the bus's baud rate, alone on its device, and never waiting.
//!
//! Built on the system's terminal calls and not on the crate `serialport`: that one makes the descriptor
//! waiting again, so that a write can hold up the caller; its errors, a quiet line's time-out among them,
//! allocate; and its exclusive mode outlives a crashed owner of a pseudo-terminal, which could then not be
//! opened again. Here a lock (`flock`) keeps other careful programs off, and ends with its owner.
//!
//! On an FTDI adapter set the latency timer to 1 ms (`/sys/bus/usb-serial/devices/NAME/latency_timer`): at its
//! 16 ms no answer comes within a cycle.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};

use super::tty::Tty;
use super::{BusPort, PortError};

/// How far the line's real rate may be from the wanted one, as a share: more, and a byte's last bit is misread.
const BAUD_TOLERANCE: f64 = 0.02;
/// Most bytes thrown away on opening: more than any driver keeps for a port that nobody reads.
const MOST_STALE_BYTES: usize = 1 << 20;

/// Why a serial port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such device.
    #[error("{}: there is no such port; {}", path.display(), or_else(present))]
    NotFound {
        /// What was to be opened.
        path: PathBuf,
        /// The ports that there are.
        present: Vec<PathBuf>,
    },
    /// The user may not use it.
    #[error(
        "{}: no permission; add the user to the port's group (`sudo usermod -aG dialout $USER`) and log in again",
        path.display()
    )]
    Permission {
        /// What was to be opened.
        path: PathBuf,
    },
    /// Another program has it.
    #[error(
        "{}: another program uses the port; find it with `fuser {}` (often another adit, or ModemManager) and stop it",
        path.display(), path.display()
    )]
    Busy {
        /// What was to be opened.
        path: PathBuf,
    },
    /// The device is no serial port.
    #[error("{}: this is no serial port; {}", path.display(), or_else(present))]
    NotATerminal {
        /// What was to be opened.
        path: PathBuf,
        /// The ports that there are.
        present: Vec<PathBuf>,
    },
    /// The adapter cannot do the rate.
    #[error(
        "{}: the adapter does not do {wanted} baud (it offers {offered}); use one that does, such as an FT232H or CH343",
        path.display()
    )]
    Baud {
        /// What was to be opened.
        path: PathBuf,
        /// Bits a second asked for.
        wanted: u32,
        /// Bits a second that the driver set instead; 0 if it set none.
        offered: u32,
    },
    /// Anything else.
    #[error("{}: {source}; unplug the adapter, plug it in again, and look at `dmesg`", path.display())]
    Other {
        /// What was to be opened.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
}

/// An open serial port. What it does as a [`BusPort`] neither waits nor allocates.
///
/// Once its device has vanished it says [`PortError::Closed`] for good; [`replaceable`](super::replaceable())
/// puts a newly opened one in its place.
#[derive(Debug)]
pub struct SerialPort {
    tty: Tty,
}

impl SerialPort {
    /// Opens a port and throws away what had arrived before. A pseudo-terminal will do as well: it takes any
    /// baud rate and has none.
    ///
    /// This may wait for the device: it is not for the real-time thread.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do about it.
    pub fn open(path: &Path, baud: u32) -> Result<Self, OpenError> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = open(path, flags, Mode::empty()).map_err(|errno| open_error(path, errno))?;
        flock(&fd, FlockOperation::NonBlockingLockExclusive).map_err(|errno| open_error(path, errno))?;
        let mut tty = Tty::new(fd).map_err(|errno| open_error(path, errno))?;
        set_line(&tty, path, baud)?;
        discard_stale(&mut tty);
        Ok(Self { tty })
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

/// The serial ports of this machine by the names that survive replugging, else by the kernel's.
pub fn available_ports() -> Vec<PathBuf> {
    let list = |directory: &str| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let mut ports = list("/dev/serial/by-id");
    if ports.is_empty() {
        let kinds = ["ttyUSB", "ttyACM", "ttyAMA", "ttyTHS"];
        let is_port = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            kinds.iter().any(|kind| name.starts_with(kind))
        };
        ports = list("/dev").into_iter().filter(is_port).collect();
    }
    ports.sort();
    ports
}

/// 8N1 without flow control or modem lines, at a rate that is read back.
fn set_line(tty: &Tty, path: &Path, baud: u32) -> Result<(), OpenError> {
    let other = |errno| open_error(path, errno);
    let refused = |offered| OpenError::Baud { path: path.to_owned(), wanted: baud, offered };
    if baud == 0 {
        // To a terminal a rate of zero means to hang up.
        return Err(refused(0));
    }
    let mut settings = tcgetattr(tty.as_fd()).map_err(other)?;
    settings
        .control_modes
        .remove(ControlModes::CSIZE | ControlModes::PARENB | ControlModes::CSTOPB | ControlModes::CRTSCTS);
    settings.control_modes.insert(ControlModes::CS8 | ControlModes::CREAD | ControlModes::CLOCAL);
    settings.set_speed(baud).or(Err(refused(0)))?;
    match tcsetattr(tty.as_fd(), OptionalActions::Now, &settings) {
        Err(Errno::INVAL) => return Err(refused(0)),
        set => set.map_err(other)?,
    }
    // A driver that cannot do a rate sets another one and calls that a success.
    let offered = tcgetattr(tty.as_fd()).map_err(other)?.output_speed();
    let off = (f64::from(offered) - f64::from(baud)).abs();
    if off > BAUD_TOLERANCE * f64::from(baud) { Err(refused(offered)) } else { Ok(()) }
}

/// Reads what is left of a former owner's conversation. Flushing is not enough: it leaves what the driver has
/// not yet handed to the terminal.
fn discard_stale(tty: &mut Tty) {
    let mut buffer = [0; 4096];
    let mut left = MOST_STALE_BYTES;
    while left > 0 {
        match tty.read(&mut buffer) {
            // An error shows again at the first use.
            Ok(0) | Err(_) => return,
            Ok(count) => left = left.saturating_sub(count),
        }
    }
}

fn open_error(path: &Path, errno: Errno) -> OpenError {
    let path = path.to_owned();
    match errno {
        Errno::NOENT | Errno::NOTDIR => OpenError::NotFound { path, present: available_ports() },
        Errno::ACCESS | Errno::PERM => OpenError::Permission { path },
        Errno::BUSY | Errno::WOULDBLOCK => OpenError::Busy { path },
        Errno::NOTTY | Errno::ISDIR => OpenError::NotATerminal { path, present: available_ports() },
        other => OpenError::Other { path, source: other.into() },
    }
}

/// What to open instead.
fn or_else(present: &[PathBuf]) -> String {
    if present.is_empty() {
        return "no serial port is plugged in: plug in the adapter, or start the simulator first".into();
    }
    let names: Vec<_> = present.iter().map(|path| path.display().to_string()).collect();
    format!("give one of these: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_the_system_comes_with_its_remedy() {
        let cases = [
            (Errno::NOENT, "no such port"),
            (Errno::ACCESS, "dialout"),
            (Errno::BUSY, "fuser"),
            (Errno::WOULDBLOCK, "fuser"),
            (Errno::NOTTY, "no serial port"),
            (Errno::IO, "dmesg"),
        ];
        for (errno, remedy) in cases {
            let text = open_error(Path::new("/dev/ttyUSB7"), errno).to_string();
            assert!(text.starts_with("/dev/ttyUSB7: ") && text.contains(remedy), "{text}");
        }
    }

    #[test]
    fn what_to_open_instead_is_named() {
        assert!(or_else(&[]).contains("plug in"));
        let text = or_else(&["/dev/ttyUSB0".into(), "/dev/ttyACM1".into()]);
        assert!(text.contains("/dev/ttyUSB0, /dev/ttyACM1"), "{text}");
    }
}
