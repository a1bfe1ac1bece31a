//! The written result of a run: `report.html` to read and print, `defects.geojson` and `defects.csv` to load.
//!
//! The functions that make the text are pure, so the same summary always gives the same bytes.

mod chart;
mod files;
mod lining;
mod page;
mod plan;
mod style;
mod summary;
mod svg;

use std::io::Write as _;
use std::path::{Path, PathBuf};

pub use files::{csv, geojson};
pub use page::html;
pub use summary::{
    Coverage, ElevationPicture, Limits, Localisation, ProfileRow, ReportDefect, RunSummary, TruthFate,
    TruthRow, Verdict,
};

/// Why a report was not written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The page's template does not fit the summary: a mistake in Adit.
    #[error("the report page could not be made; this is a mistake in adit, please report it")]
    Page(#[from] minijinja::Error),
    /// A picture could not be encoded.
    #[error("a picture of the report could not be encoded")]
    Picture(#[from] image::ImageError),
    /// The table of defects could not be made.
    #[error("defects.csv could not be made")]
    Table(#[from] csv::Error),
    /// The GeoJSON could not be made.
    #[error("defects.geojson could not be made")]
    Geojson(#[from] serde_json::Error),
    /// A file could not be written.
    #[error("cannot write {path}: {source}; check that the folder exists, is writable and has space")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

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
