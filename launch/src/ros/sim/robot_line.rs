//! A simulated robot's line to the bridge: a motor bus behind a pseudo-terminal, or a whole robot on the loopback interface.

use firmware_bridge::port::{BusPort, PortError};

use super::hotplug_port::HotplugPort;
use crate::pty::{Pty, PtyError};
use crate::virtual_robot::SwitchPort;

/// One line, which can be unplugged and plugged in again.
pub(super) enum RobotLine {
    Serial(Box<HotplugPort>),
    Network { port: SwitchPort, plugged: bool },
}

impl RobotLine {
    /// Unplugs it, or plugs it in again.
    pub(super) fn set(&mut self, plug: bool) -> Result<(), PtyError> {
        match self {
            Self::Serial(port) => port.set(plug),
            Self::Network { plugged, .. } => {
                *plugged = plug;
                Ok(())
            }
        }
    }

    /// The pseudo-terminal while it is plugged in; `None` of a network.
    pub(super) fn pty(&self) -> Option<&Pty> {
        match self {
            Self::Serial(port) => port.pty(),
            Self::Network { .. } => None,
        }
    }

    /// True if somebody may be at its other end.
    pub(super) fn has_peer(&self) -> bool {
        match self {
            Self::Serial(port) => port.pty().is_some_and(Pty::has_peer),
            Self::Network { plugged, .. } => *plugged,
        }
    }

    /// True of a network, on which nothing can be waited for.
    pub(super) const fn is_network(&self) -> bool {
        matches!(self, Self::Network { .. })
    }
}

impl BusPort for RobotLine {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        match self {
            Self::Serial(port) => port.write(bytes),
            Self::Network { port, plugged: true } => port.write(bytes),
            Self::Network { .. } => Ok(()),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        match self {
            Self::Serial(port) => port.read(buffer),
            Self::Network { port, plugged } => {
                let count = port.read(buffer)?;
                Ok(if *plugged { count } else { 0 })
            }
        }
    }
}
