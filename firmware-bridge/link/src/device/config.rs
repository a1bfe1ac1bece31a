//! Configuration of the device's end.

use crate::message::{FirmwareVersion, List, Text};
use crate::values::{ActuatorCommand, ActuatorInfo, Unfit};

/// Identity of a device, and how it keeps its actuators safe.
#[derive(Clone, Debug)]
pub struct DeviceConfig {
    /// Its name, as the robot's file has it.
    pub name: Text,
    /// The device's own number.
    pub serial: u64,
    /// The firmware's version.
    pub firmware: FirmwareVersion,
    /// The actuators that it drives.
    pub actuators: List<ActuatorInfo>,
    /// Timeout of the motor watchdog, us: commands are obeyed for so long after the last good one; then the actuators are
    /// damped.
    pub command_timeout_us: u64,
    /// With what they are damped then, N m s/rad.
    pub damping_nm_s_rad: f32,
    /// Interval at which the host is told of an emergency stop while it holds, us.
    pub stop_interval_us: u64,
}

/// Refusal of a device's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceConfigError {
    /// A time of zero.
    #[error("{0} is zero: give it a time")]
    Zero(&'static str),
    /// A number that is not finite, or negative.
    #[error("{0}")]
    Unfit(Unfit),
    /// Two actuators of one number.
    #[error("two actuators have the number {0}: give each its own")]
    Repeated(u8),
}

impl DeviceConfig {
    /// The actuators damped, in their order, if the configuration can be.
    pub(super) fn damped(&self) -> Result<List<ActuatorCommand>, DeviceConfigError> {
        let times =
            [("command_timeout_us", self.command_timeout_us), ("stop_interval_us", self.stop_interval_us)];
        if let Some(&(name, _)) = times.iter().find(|(_, time_us)| *time_us == 0) {
            return Err(DeviceConfigError::Zero(name));
        }
        for (at, info) in self.actuators.iter().enumerate() {
            let damp = ActuatorCommand::damp(info.id, self.damping_nm_s_rad);
            info.check().and_then(|()| damp.check()).map_err(DeviceConfigError::Unfit)?;
            if self.actuators[..at].iter().any(|earlier| earlier.id == info.id) {
                return Err(DeviceConfigError::Repeated(info.id));
            }
        }
        Ok(self.actuators.iter().map(|info| ActuatorCommand::damp(info.id, self.damping_nm_s_rad)).collect())
    }
}
