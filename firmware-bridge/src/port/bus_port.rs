//! The contract of a port.

use std::os::fd::BorrowedFd;

/// One end of a motor bus. Neither call waits.
pub trait BusPort {
    /// Sends all of `bytes`, or none of them.
    ///
    /// # Errors
    /// [`PortError`] if nothing was sent.
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError>;

    /// Takes what has arrived, up to the length of `buffer`; 0 if nothing has.
    ///
    /// # Errors
    /// [`PortError`] if the port can no longer be read.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError>;

    /// The descriptor that [`wait_readable`](super::wait_readable) waits on; `None` of a port that the system knows nothing of, or that is absent.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Failure of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// Nobody takes the bytes away at the other end.
    #[error("the port's buffer is full: check that something reads the bus at its other end")]
    Full,
    /// The other end is gone.
    #[error("the port is closed: check the adapter's plug, then open the bus again")]
    Closed,
    /// Somebody else commands the same motors: two masters would fight over them.
    #[error("another program commands the robot: stop it, then clear the fault")]
    Taken,
    /// The operating system's word on it.
    #[error("the port failed ({0}): check the adapter or the network, and the permissions")]
    Io(std::io::ErrorKind),
}
