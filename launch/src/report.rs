//! The written result of a run: `report.html` to read and print, `defects.geojson` and `defects.csv` to load.
//!
//! The functions that make the text are pure, so the same summary always gives the same bytes.

mod summary;

pub use summary::{
    Coverage, ElevationPicture, Limits, Localisation, ProfileRow, ReportDefect, RunSummary, TruthFate,
    TruthRow, Verdict,
};
