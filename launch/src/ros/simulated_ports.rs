//! Names of the simulated serial ports in their folder.

use std::path::{Path, PathBuf};

/// Port of a motor bus.
pub(super) fn motor_port(ports_dir: &Path, bus: usize) -> PathBuf {
    ports_dir.join(format!("motor{bus}"))
}

/// Port of the inertial sensor.
pub(super) fn imu_port(ports_dir: &Path) -> PathBuf {
    ports_dir.join("imu")
}
