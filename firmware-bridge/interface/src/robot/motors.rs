//! Motors as a robot's file describes them: their protocol, and their protection by derating and cut-off.

use serde::Deserialize;

use crate::checks::{KeyError, within};
use crate::units::{Finite, Positive};

/// Protocol and model of a robot's motors; all of them alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MotorsDescription {
    /// Their protocol: GO-M8010-6 when left out.
    #[serde(default)]
    pub protocol: MotorProtocol,
    /// Damiao: the model by the vendor's name, such as `DM4310`, on which the ranges of its numbers depend.
    #[serde(default)]
    pub model: Option<String>,
}

/// The protocols that joints can be driven by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum MotorProtocol {
    /// Unitree GO-M8010-6.
    #[default]
    #[serde(rename = "go-m8010-6")]
    GoM8010,
    /// Unitree A1.
    #[serde(rename = "a1")]
    A1,
    /// Unitree B1.
    #[serde(rename = "b1")]
    B1,
    /// Damiao in MIT mode, behind the vendor's USB-CAN adapter.
    #[serde(rename = "damiao")]
    Damiao,
    /// Adit's own link to a microcontroller that drives up to six motors, one a bus. Its angles are those of what
    /// `gear_ratio` begins at: 1 if it counts in angles of the joint.
    #[serde(rename = "adit")]
    Adit,
    /// A whole Unitree robot of the `unitree_go` family (Go2, B2), over DDS: all joints in one message. Ids are the vendor's
    /// numbers of the joints, and angles the joint's.
    #[serde(rename = "unitree-go")]
    UnitreeGo,
    /// A whole DEEP Robotics robot (Lite3, X30), over UDP: all joints in one datagram. Ids are the vendor's numbers of the joints,
    /// and angles the joint's.
    #[serde(rename = "deeprobotics")]
    DeepRobotics,
}

impl MotorProtocol {
    /// Returns whether a robot that speaks it is reached over a network, and sends its inertial samples with its joints' states.
    pub const fn is_networked(self) -> bool {
        matches!(self, Self::UnitreeGo | Self::DeepRobotics)
    }
}

/// Protection of motors: thermal derating, cut-off, and limits of power and gains.
///
/// A file may leave any of it out: the defaults are those of a motor of 100 W on a leg.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "ProtectionTable")]
pub struct Protection {
    warm_c: f64,
    cut_c: f64,
    max_power_w: f64,
    max_kp: f64,
    max_kd: f64,
}

/// Share of its torque that a motor keeps just below the cut-off.
const HOT_SHARE: f64 = 0.4;

/// [`Protection`] as a file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProtectionTable {
    warm_c: Option<Finite>,
    cut_c: Option<Finite>,
    max_power_w: Option<Positive>,
    max_kp: Option<Positive>,
    max_kd: Option<Positive>,
}

/// The cut-off is not above the temperature from which motors are derated.
#[derive(Debug, thiserror::Error)]
#[error(
    "warm_c is {warm_c}, and cut_c {cut_c}: motors are derated first and cut off later, so cut_c must be the higher one"
)]
pub struct ProtectionError {
    /// Temperature from which on they are derated, degrees Celsius.
    warm_c: f64,
    /// Temperature at which they are cut off, degrees Celsius.
    cut_c: f64,
}

impl Default for Protection {
    fn default() -> Self {
        Self { warm_c: 70.0, cut_c: 85.0, max_power_w: 2000.0, max_kp: 200.0, max_kd: 10.0 }
    }
}

impl TryFrom<ProtectionTable> for Protection {
    type Error = ProtectionError;

    fn try_from(table: ProtectionTable) -> Result<Self, ProtectionError> {
        let default = Self::default();
        let warm_c = table.warm_c.map_or(default.warm_c, Finite::get);
        let cut_c = table.cut_c.map_or(default.cut_c, Finite::get);
        let max_power_w = table.max_power_w.map_or(default.max_power_w, Positive::get);
        let max_kp = table.max_kp.map_or(default.max_kp, Positive::get);
        let max_kd = table.max_kd.map_or(default.max_kd, Positive::get);
        if warm_c < cut_c {
            Ok(Self { warm_c, cut_c, max_power_w, max_kp, max_kd })
        } else {
            Err(ProtectionError { warm_c, cut_c })
        }
    }
}

impl Protection {
    /// Checks each value against what motors have.
    pub(super) fn check(&self) -> Result<(), KeyError> {
        within("warm_c", self.warm_c, 0.0..=250.0)?;
        within("cut_c", self.cut_c, 0.0..=250.0)?;
        within("max_power_w", self.max_power_w, 1.0..=1e6)?;
        within("max_kp", self.max_kp, 1.0..=10_000.0)?;
        within("max_kd", self.max_kd, 0.01..=1000.0)
    }

    /// Temperature from which on a motor is cut off, degrees Celsius.
    pub const fn cut_c(&self) -> f64 {
        self.cut_c
    }

    /// The most that all joints together may take up, W.
    pub const fn max_power_w(&self) -> f64 {
        self.max_power_w
    }

    /// Greatest stiffness of a joint, N m/rad.
    pub const fn max_kp(&self) -> f64 {
        self.max_kp
    }

    /// Greatest damping of a joint, N m s/rad.
    pub const fn max_kd(&self) -> f64 {
        self.max_kd
    }

    /// Share of its torque that a motor of this temperature may give: all of it up to `warm_c`, falling to four
    /// tenths at `cut_c`.
    pub fn torque_share(&self, temperature_c: f64) -> f64 {
        let warmth = ((temperature_c - self.warm_c) / (self.cut_c - self.warm_c)).clamp(0.0, 1.0);
        1.0 - (1.0 - HOT_SHARE) * warmth
    }
}
