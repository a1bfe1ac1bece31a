//! The written result of a run: `report.html` to read and print, `defects.geojson` and `defects.csv` to load.
//!
//! The functions that make the text are pure, so the same summary always gives the same bytes.

mod chart;
mod error;
mod files;
mod lining;
mod page;
mod plan;
pub mod score;
mod style;
mod summary;
mod svg;

use std::io::Write as _;
use std::path::Path;

pub use error::ReportError;
pub use files::{csv, geojson};
pub use page::html;
pub use summary::{
    Coverage, ElevationPicture, Limits, Localisation, ProfileRow, ReportDefect, RunSummary, TruthFate,
    TruthRow, Verdict,
};

/// Writes `report.html`, `defects.geojson` and `defects.csv` into an existing folder. A file is either
/// there as a whole or as it was before.
///
/// # Errors
/// When a part cannot be made or a file cannot be written.
pub fn write_all(folder: &Path, summary: &RunSummary) -> Result<(), ReportError> {
    // Made first, so that a mistake in one leaves no half of a report behind.
    let files = [
        ("report.html", html(summary)?),
        ("defects.geojson", geojson(summary)?),
        ("defects.csv", csv(summary)?),
    ];
    for (name, text) in files {
        write_whole(&folder.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// Writes beside the file first and renames, which replaces it in one step.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let beside = path.with_extension("part");
    let write = || {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|source| ReportError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
