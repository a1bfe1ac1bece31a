//! Defects: the findings of an inspection.

use serde::{Deserialize, Serialize};

use crate::frames::{Map, Point};
use crate::tunnel::{LiningPoint, TunnelDesign};

/// Class of a defect. The numbers are those of `NAME_mask.png` (0 is background).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefectClass {
    /// A crack in the lining.
    Crack = 1,
    /// Water: damp patch, seepage, drip, and the deposits it leaves.
    Leakage = 2,
    /// Spalled or otherwise damaged lining, with or without exposed reinforcement.
    Spalling = 3,
    /// Rust on steel: brackets, racks, bolts, reinforcement.
    Corrosion = 4,
    /// A cable joint hotter than it may be, or than its sisters (thermal camera only; never in a mask).
    HotJoint = 5,
}

impl DefectClass {
    /// Every class.
    pub const ALL: [Self; 5] = [Self::Crack, Self::Leakage, Self::Spalling, Self::Corrosion, Self::HotJoint];
    /// The classes that a colour picture shows, in mask order from 1.
    pub const VISUAL: [Self; 4] = [Self::Crack, Self::Leakage, Self::Spalling, Self::Corrosion];

    /// Number in a mask.
    pub const fn mask_value(self) -> u8 {
        self as u8
    }

    /// The class of a mask's number.
    pub fn from_mask_value(value: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.mask_value() == value)
    }

    /// Name as it stands in files and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crack => "crack",
            Self::Leakage => "leakage",
            Self::Spalling => "spalling",
            Self::Corrosion => "corrosion",
            Self::HotJoint => "hot_joint",
        }
    }
}

/// A rectangle on the unrolled lining.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiningBox {
    /// Least chainage, m.
    pub chainage_min_m: f64,
    /// Greatest chainage, m.
    pub chainage_max_m: f64,
    /// Least arc (see [`crate::tunnel::LiningPoint::arc_m`]), m.
    pub arc_min_m: f64,
    /// Greatest arc, m.
    pub arc_max_m: f64,
}

impl LiningBox {
    /// Middle `[chainage, arc]`, m.
    pub fn centre(&self) -> [f64; 2] {
        [(self.chainage_min_m + self.chainage_max_m) / 2.0, (self.arc_min_m + self.arc_max_m) / 2.0]
    }

    /// Extent along the tunnel, m.
    pub fn length_m(&self) -> f64 {
        self.chainage_max_m - self.chainage_min_m
    }

    /// Extent around the lining, m.
    pub fn height_m(&self) -> f64 {
        self.arc_max_m - self.arc_min_m
    }

    /// The same box, larger by `margin_m` on every side.
    #[must_use]
    pub fn grown(&self, margin_m: f64) -> Self {
        Self {
            chainage_min_m: self.chainage_min_m - margin_m,
            chainage_max_m: self.chainage_max_m + margin_m,
            arc_min_m: self.arc_min_m - margin_m,
            arc_max_m: self.arc_max_m + margin_m,
        }
    }

    /// True if two boxes share a point.
    pub fn touches(&self, other: &Self) -> bool {
        self.chainage_min_m <= other.chainage_max_m
            && other.chainage_min_m <= self.chainage_max_m
            && self.arc_min_m <= other.arc_max_m
            && other.arc_min_m <= self.arc_max_m
    }

    /// The least box around both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            chainage_min_m: self.chainage_min_m.min(other.chainage_min_m),
            chainage_max_m: self.chainage_max_m.max(other.chainage_max_m),
            arc_min_m: self.arc_min_m.min(other.arc_min_m),
            arc_max_m: self.arc_max_m.max(other.arc_max_m),
        }
    }
}

/// Width of a crack, as pictures show it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CrackWidth {
    /// Hardly wider than its error, or nowhere seen clearly enough to be measured.
    Below {
        /// Width that it is below, mm.
        limit_mm: f64,
    },
    /// Measured where the crack is widest.
    Measured {
        /// Width, mm.
        width_mm: f64,
        /// One-sigma of it, mm.
        sigma_mm: f64,
    },
}

impl CrackWidth {
    /// Returns the width in mm, where it could be measured.
    pub const fn measured_mm(self) -> Option<f64> {
        match self {
            Self::Below { .. } => None,
            Self::Measured { width_mm, .. } => Some(width_mm),
        }
    }
}

/// Temperature of a cable joint, with what a thermographer reports beside it. The load, which belongs to it, no camera shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointTemperature {
    /// Temperature of its hottest place, degrees Celsius; at least that if it is [too far](Self::too_far).
    pub celsius: f64,
    /// True if it is smaller in the picture than the three by three pixels that a temperature takes: it is hotter than measured.
    pub too_far: bool,
    /// Rise over the ambient temperature (of most of the picture), K.
    pub over_ambient_k: f64,
    /// Comparison with other joints of the same cable; `None` if none was seen.
    pub sisters: Option<SisterComparison>,
    /// Distance from which it was measured, along the line of sight to the lining behind it, m.
    pub distance_m: f64,
    /// Emissivity that its surface is taken to have, above 0 to 1.
    pub emissivity: f64,
}

/// Comparison of a cable joint with its sisters: other joints of the same cable, which carry the same load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SisterComparison {
    /// Number of sisters.
    pub joints: usize,
    /// Rise over their median, K.
    pub rise_k: f64,
}

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
    /// Width of a crack.
    pub width: Option<CrackWidth>,
    /// Area, m^2.
    pub area_m2: f64,
    /// Temperature of a cable joint.
    pub temperature: Option<JointTemperature>,
    /// How likely it is a true one, 0 to 1: the share of findings like it that were, in simulated tunnels. Of a cable joint it
    /// grows with its rise over what is allowed.
    pub score: f64,
    /// Pictures in which its middle was seen.
    pub views: u32,
    /// Finest pixel on it, mm.
    pub mm_per_px: Option<f64>,
    /// Severity and kind as inspectors write them, such as `CR2`; `CR` alone for a crack whose width is not known.
    pub code: String,
    /// A crack's run, or an outline whose first point comes again at the end: `[chainage, arc]`, m.
    pub outline: Vec<[f64; 2]>,
    /// The picture that shows it best.
    pub evidence: Option<Evidence>,
}

/// Place of a defect in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Number of the picture, in the order in which they were taken.
    pub frame: u32,
    /// `[left, top, right, bottom]`, pixels, within the picture.
    pub pixels: [u32; 4],
}

impl Defect {
    /// Returns where its middle is in `map`, on the designed lining, m.
    pub fn position_m(&self, design: &TunnelDesign) -> [f64; 3] {
        let point: Point<Map> = design.to_map(design.lining_to_tunnel(self.centre));
        point.coords.coords.into()
    }
}
