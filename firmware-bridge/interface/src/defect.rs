//! Defects: the findings of an inspection.

use serde::{Deserialize, Serialize};

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
    /// A cable joint hotter than it may be (thermal camera only; never in a mask).
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
