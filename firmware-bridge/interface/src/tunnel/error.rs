//! Refusals of a tunnel's design.

/// Refusal of a tunnel's design.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum DesignError {
    /// The section is not between 2 and 6 m.
    #[error("section {what} is {value_m:?} m; give a value from 1.8 to 12 m")]
    SectionSize {
        /// The dimension.
        what: &'static str,
        /// The value that was given.
        value_m: f64,
    },
    /// The floor would not lie inside the section.
    #[error("floor_height_m is {0:?} m; it must be at least 0.05 m and less than half the diameter")]
    FloorHeight(f64),
    /// No alignment segments.
    #[error("alignment has no segments; give at least one with length_m")]
    NoSegments,
    /// A stretch that is hardly there, or longer than any tunnel.
    #[error("alignment length_m is {value_m:?} m; give a value from 0.01 m to 200 km")]
    Length {
        /// Place of the stretch, from 0.
        stretch: usize,
        /// The value that was given.
        value_m: f64,
    },
    /// A curve tighter than the section is wide, or as good as straight.
    #[error(
        "alignment radius_m is {value_m:?} m; a curve needs a radius of at least 8 m, and of 1000 km at most"
    )]
    Radius {
        /// Place of the stretch, from 0.
        stretch: usize,
        /// The value that was given.
        value_m: f64,
    },
    /// A grade that no walking robot takes.
    #[error("alignment grade_percent is {value:?}; give a grade between -20 and 20")]
    Grade {
        /// Place of the stretch, from 0.
        stretch: usize,
        /// The value that was given.
        value: f64,
    },
    /// Two places of the axis lie nearer to each other in plan than the section is wide.
    #[error(
        "the alignment comes back to itself: chainage {later_m:.0} m lies {distance_m:.1} m from chainage \
         {earlier_m:.0} m in plan, and the tunnel is {width_m} m wide"
    )]
    Crossing {
        /// Place of the stretch of the later one, from 0.
        stretch: usize,
        /// The earlier chainage.
        earlier_m: f64,
        /// The later chainage.
        later_m: f64,
        /// Distance between the two, m.
        distance_m: f64,
        /// Width of the section, m.
        width_m: f64,
    },
}

impl DesignError {
    /// Key at fault, below `tunnel` in a mission file.
    pub fn key(&self) -> String {
        match self {
            Self::SectionSize { what, .. } => format!("section.{what}"),
            Self::FloorHeight(_) => "section.floor_height_m".to_owned(),
            Self::NoSegments => "alignment".to_owned(),
            Self::Length { stretch, .. } => format!("alignment[{stretch}].length_m"),
            Self::Radius { stretch, .. } => format!("alignment[{stretch}].radius_m"),
            Self::Grade { stretch, .. } => format!("alignment[{stretch}].grade_percent"),
            Self::Crossing { stretch, .. } => format!("alignment[{stretch}]"),
        }
    }
}
