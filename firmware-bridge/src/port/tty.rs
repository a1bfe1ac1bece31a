//! A terminal that never waits: what a serial port and both ends of a pseudo-terminal have in common.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::bus_port::{BusPort, PortError};

/// Bytes of one write that the operating system may take later than the others.
const REST: usize = 256;

/// An open terminal in raw mode. Neither waits nor allocates, in errors either.
///
/// The system may take only the beginning of a write. The rest is kept and goes first the next time that the
/// port is used, so that a frame is sent whole or not at all.
#[derive(Debug)]
pub struct Tty {
    fd: OwnedFd,
    rest: [u8; REST],
    /// Number of bytes at the front of `rest` that are still to be sent.
    rest_len: usize,
}

impl Tty {
    /// Takes over a terminal: bytes as they are, and no waiting. Set on the master of a pseudo-terminal, raw
    /// mode holds for its slave too.
    ///
    /// # Errors
    /// What the system says, for example if it is no terminal.
    pub fn new(fd: OwnedFd) -> Result<Self, Errno> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        let mut settings = tcgetattr(&fd)?;
        settings.make_raw();
        tcsetattr(&fd, OptionalActions::Now, &settings)?;
        Ok(Self { fd, rest: [0; REST], rest_len: 0 })
    }

    /// Forgets what was to be sent later, as when the one it was for has gone.
    pub const fn clear(&mut self) {
        self.rest_len = 0;
    }

    /// Sends what was left over. Until it is gone there is no room for more.
    fn send_rest(&mut self) -> Result<(), PortError> {
        if self.rest_len > 0 {
            let sent = send(&self.fd, &self.rest[..self.rest_len])?;
            self.rest.copy_within(sent..self.rest_len, 0);
            self.rest_len -= sent;
        }
        Ok(())
    }
}

impl BusPort for Tty {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.send_rest()?;
        if self.rest_len > 0 || bytes.len() > REST {
            return Err(PortError::Full);
        }
        match send(&self.fd, bytes)? {
            0 if !bytes.is_empty() => Err(PortError::Full),
            sent => {
                let rest = &bytes[sent..];
                self.rest[..rest.len()].copy_from_slice(rest);
                self.rest_len = rest.len();
                Ok(())
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.send_rest()?;
        match rustix::io::read(&self.fd, &mut *buffer) {
            // In raw mode a read without bytes is the end: nothing yet is told apart from it by its error.
            Ok(0) if !buffer.is_empty() => Err(PortError::Closed),
            Ok(count) => Ok(count),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(errno) => Err(port_error(errno)),
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.fd.as_fd())
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Number of the bytes that the system took.
fn send(fd: &OwnedFd, bytes: &[u8]) -> Result<usize, PortError> {
    match rustix::io::write(fd, bytes) {
        Ok(count) => Ok(count),
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        Err(errno) => Err(port_error(errno)),
    }
}

/// A device that is gone says so in different ways, by its driver and by when it is asked.
fn port_error(errno: Errno) -> PortError {
    match errno {
        Errno::IO | Errno::NXIO | Errno::NODEV | Errno::PIPE => PortError::Closed,
        other => PortError::Io(other.kind()),
    }
}
