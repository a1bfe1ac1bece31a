//! Ground truth about defects.

use robot_interface::defect::{DefectClass, LiningBox};

/// Defect of the tunnel, as it truly is.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueDefect {
    /// Its number, for [`Tunnel::defect`](super::Tunnel::defect); it stays whatever part of the tunnel is made.
    pub id: u32,
    /// Its class.
    pub class: DefectClass,
    /// Its extent on the lining; a thing that stands before the lining is projected from the section's centre.
    pub bounds: LiningBox,
    /// Width at a crack's widest place, mm.
    pub width_mm: Option<f64>,
    /// Length of a crack along itself, m.
    pub length_m: Option<f64>,
    /// Area on the lining, m^2 (of a crack: length times mean width, about).
    pub area_m2: f64,
    /// Temperature of a hot joint, degrees Celsius.
    pub temperature_c: Option<f64>,
}
