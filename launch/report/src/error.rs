//! The one error of everything that is written.

use std::path::PathBuf;

/// Failure to write a report.
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
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
