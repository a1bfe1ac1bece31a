//! Configuration of the host's end.

/// Times and bounds of the host's end. Only the robot's makers know them, so there is no default.
#[derive(Clone, Copy, Debug)]
pub struct HostConfig {
    /// The device counts as lost after so long without a good frame, ns.
    pub link_timeout_ns: u64,
    /// Interval at which the device is greeted until it answers, ns.
    pub hello_interval_ns: u64,
    /// Interval at which times are exchanged, ns. It keeps the link alive while there is nothing else to say, so it is
    /// shorter than the link's timeout.
    pub sync_interval_ns: u64,
    /// Interval at which an emergency stop or its reset is sent until it is confirmed, ns.
    pub retry_interval_ns: u64,
    /// Greatest difference of the two clocks' rates, both their errors added, parts in a million; 200 is enough for
    /// two crystals.
    pub max_drift_ppm: u32,
    /// Number of the first session: another one each time the host starts, as from its clock.
    pub first_session: u32,
}

/// Refusal of a host's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostConfigError {
    /// A time of zero.
    #[error("{0} is zero: give it a time")]
    Zero(&'static str),
    /// Times are exchanged too rarely to keep the link alive.
    #[error(
        "sync_interval_ns is not shorter than link_timeout_ns: a silent but healthy link would count as lost"
    )]
    SyncTooRare,
    /// Clocks that differ beyond reason.
    #[error("max_drift_ppm is {0}: give at most 10000, and check the oscillator if it needs more")]
    Drift(u32),
}

impl HostConfig {
    pub(super) fn check(&self) -> Result<(), HostConfigError> {
        let times = [
            ("link_timeout_ns", self.link_timeout_ns),
            ("hello_interval_ns", self.hello_interval_ns),
            ("sync_interval_ns", self.sync_interval_ns),
            ("retry_interval_ns", self.retry_interval_ns),
        ];
        if let Some(&(name, _)) = times.iter().find(|(_, time_ns)| *time_ns == 0) {
            return Err(HostConfigError::Zero(name));
        }
        if self.sync_interval_ns >= self.link_timeout_ns {
            return Err(HostConfigError::SyncTooRare);
        }
        if self.max_drift_ppm > 10_000 {
            return Err(HostConfigError::Drift(self.max_drift_ppm));
        }
        Ok(())
    }
}
