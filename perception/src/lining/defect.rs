//! Defect on the lining, as it goes into reports and messages.

use robot_interface::defect::{DefectClass, LiningBox};
use robot_interface::tunnel::LiningPoint;

/// Number that the caller gave a picture.
pub type FrameId = u32;

/// A defect on the lining.
#[derive(Clone, Debug, PartialEq)]
pub struct Defect {
    /// Its class.
    pub class: DefectClass,
    /// Its extent.
    pub bounds: LiningBox,
    /// Its middle.
    pub centre: LiningPoint,
    /// Clock position of its middle, hours in [0, 12).
    pub clock_h: f64,
    /// Its longest extent, of a crack along itself, m.
    pub length_m: f64,
    /// Width of a crack, mm: an estimate from the area that the network marked, good to a pixel or so.
    pub width_mm: Option<f64>,
    /// Area, m^2.
    pub area_m2: f64,
    /// Temperature, of a cable joint, degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Mean score of its cells, 0 to 1.
    pub score: f64,
    /// Pictures in which its middle was seen.
    pub views: u32,
    /// Finest pixel on it, mm.
    pub mm_per_px: Option<f64>,
    /// Severity and kind as inspectors write them, such as `CR2`.
    pub code: String,
    /// A crack's run, or an outline whose first point comes again at the end: `[chainage, arc]`, m.
    pub outline: Vec<[f64; 2]>,
    /// The picture that shows it best.
    pub evidence: Option<Evidence>,
}

/// Place of a defect in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The picture.
    pub frame: FrameId,
    /// `[left, top, right, bottom]`, pixels, within the picture.
    pub pixels: [u32; 4],
}
