//! Trace of a run: the estimate ten times a second, for the report.

use robot_interface::frames::{Base, Map, Transform};
use robot_interface::time::Stamp;

/// One line of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Time of the estimate.
    pub stamp: Stamp,
    /// Estimated pose.
    pub estimate: Transform<Map, Base>,
    /// Estimated chainage, m.
    pub chainage_m: f64,
    /// One-sigma of it, m.
    pub chainage_sigma_m: f64,
    /// Estimated horizontal speed, m/s.
    pub speed_m_s: f64,
    /// Greatest torque of any joint since the last sample, N m.
    pub torque_peak_nm: f64,
    /// True on the way out, before turning for home.
    pub outbound: bool,
}

/// Trace of a run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Ten a second, in order.
    pub samples: Vec<Sample>,
}
