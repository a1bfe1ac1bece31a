//! The motors' port with two masters, of which one is heard: the vendor's gait, or whoever commands over the network.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use firmware_bridge::port::{BusPort, Loopback, PortError};

use crate::robot_link::NetworkPort;

/// Port of the virtual motors.
#[derive(Debug)]
pub(crate) struct SwitchPort {
    network: NetworkPort,
    vendor: Loopback,
    vendor_has_motors: Arc<AtomicBool>,
}

impl SwitchPort {
    pub(super) const fn new(
        network: NetworkPort,
        vendor: Loopback,
        vendor_has_motors: Arc<AtomicBool>,
    ) -> Self {
        Self { network, vendor, vendor_has_motors }
    }
}

impl BusPort for SwitchPort {
    /// What the motors say is for both.
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        // Either may have no room: a state that is lost on the way is lost for that one.
        let _ = self.vendor.write(bytes);
        self.network.write(bytes)
    }

    /// What one of the two says is taken, and the other's is dropped.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        let mut dropped = [0; 4096];
        if self.vendor_has_motors.load(Ordering::Relaxed) {
            self.network.read(&mut dropped)?;
            self.vendor.read(buffer)
        } else {
            self.vendor.read(&mut dropped)?;
            self.network.read(buffer)
        }
    }
}
