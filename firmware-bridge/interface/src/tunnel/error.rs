//! Refusals of a tunnel's design.

/// Refusal of a tunnel's design.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum DesignError {
    /// The section is not between 2 and 6 m.
    #[error("section {what} is {value_m} m; give a value from 1.8 to 12 m")]
    SectionSize {
        /// The dimension.
        what: &'static str,
        /// The value that was given.
        value_m: f64,
    },
    /// The floor would not lie inside the section.
    #[error("floor_height_m is {0} m; it must be at least 0.05 m and less than half the diameter")]
    FloorHeight(f64),
    /// No alignment segments.
    #[error("alignment has no segments; give at least one with length_m")]
    NoSegments,
    /// A curve tighter than the section is wide.
    #[error("alignment radius_m is {0} m; a curve needs a radius of at least 8 m")]
    Radius(f64),
    /// A grade that no walking robot takes.
    #[error("alignment grade_percent is {0}; give a grade between -20 and 20")]
    Grade(f64),
}
