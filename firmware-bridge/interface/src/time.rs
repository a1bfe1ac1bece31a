//! Time as the core crates see it: a stamp that somebody else measured and passed in.

use serde::{Deserialize, Serialize};

/// Nanoseconds since an epoch that the wiring chooses (start of the run in lock-step, Unix time in ROS 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp(u64);

impl Stamp {
    /// The epoch itself.
    pub const ZERO: Self = Self(0);

    /// A stamp of so many nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the epoch.
    pub fn seconds(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// This stamp moved later by `nanos` nanoseconds.
    #[must_use]
    pub const fn plus_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// Seconds from `earlier` to this stamp; negative when `earlier` is the later one.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        if self.0 >= earlier.0 {
            (self.0 - earlier.0) as f64 * 1e-9
        } else {
            -((earlier.0 - self.0) as f64 * 1e-9)
        }
    }
}
