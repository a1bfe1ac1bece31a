//! A simulated motor bus's line that can be unplugged and plugged in again.

use std::path::PathBuf;

use firmware_bridge::port::{BusPort, PortError};

use crate::pty::{Pty, PtyError};

/// A pseudo-terminal, or its absence.
pub(super) struct HotplugPort {
    path: PathBuf,
    pty: Option<Pty>,
}

impl HotplugPort {
    /// Plugged in, to be found at `path`.
    pub(super) fn new(path: PathBuf) -> Result<Self, PtyError> {
        Ok(Self { pty: Some(Pty::linked(&path)?), path })
    }

    /// Unplugs it, so that whoever has it open finds it gone, or plugs it in again, as a new device at the same path.
    pub(super) fn set(&mut self, plugged: bool) -> Result<(), PtyError> {
        if plugged != self.pty.is_some() {
            self.pty = if plugged { Some(Pty::linked(&self.path)?) } else { None };
        }
        Ok(())
    }

    /// The pseudo-terminal while it is plugged in.
    pub(super) fn pty(&self) -> Option<&Pty> {
        self.pty.as_ref()
    }
}

impl BusPort for HotplugPort {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.pty.as_mut().map_or(Ok(()), |pty| pty.write(bytes))
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.pty.as_mut().map_or(Ok(0), |pty| pty.read(buffer))
    }
}
