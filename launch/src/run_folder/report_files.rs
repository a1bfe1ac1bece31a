//! Reports that a node writes into the folder of a run, again and again while it goes on.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use report::RunSummary;

use super::reserve::Reserve;

/// Files of a report, by stem and ending.
const FILES: [(&str, &str); 3] = [("report", "html"), ("defects", "geojson"), ("defects", "csv")];

/// Reports of one process. Room is kept for them on the disk, and each replaces the one before; but what another process has
/// reported, such as the node before it died, is kept beside.
#[derive(Debug)]
pub(crate) struct ReportFiles {
    folder: PathBuf,
    reserve: Option<Reserve>,
    /// True if the report that is there is of this process.
    ours: bool,
}

impl ReportFiles {
    /// Reports into a folder, which need not be there yet.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), reserve: Reserve::take(folder), ours: false }
    }

    /// Writes the report.
    pub(crate) fn write(&mut self, summary: &RunSummary) -> anyhow::Result<()> {
        let folder = &self.folder;
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}: choose another --out", folder.display()))?;
        self.reserve = None;
        if !self.ours {
            set_aside(folder).with_context(|| format!("cannot keep the report in {}", folder.display()))?;
            self.ours = true;
        }
        let written = report::write_all(folder, summary);
        self.reserve = Reserve::take(folder);
        Ok(written?)
    }
}

/// Renames the files of a report to the next number that is free for all of them (`report.1.html`).
fn set_aside(folder: &Path) -> std::io::Result<()> {
    let plain = |(stem, ending): (&str, &str)| folder.join(format!("{stem}.{ending}"));
    let numbered = |n: u64, (stem, ending): (&str, &str)| folder.join(format!("{stem}.{n}.{ending}"));
    let is_free = |n: &u64| FILES.iter().all(|file| !numbered(*n, *file).exists());
    let free = (1..).find(is_free).unwrap_or_default();
    for file in FILES.into_iter().filter(|file| plain(*file).exists()) {
        fs::rename(plain(file), numbered(free, file))?;
    }
    Ok(())
}
