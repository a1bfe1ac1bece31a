//! Marks in a run's folder by which a planner knows how the one before it ended.
//!
//! | in the folder          | means                                                                       |
//! |------------------------|-----------------------------------------------------------------------------|
//! | `.mission-under-way`   | a mission was begun and has not ended, or its planner died and its report is due |
//! | `.mission-lost`        | the last mission's planner died during it                                   |

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Marks of the missions of one run.
#[derive(Debug)]
pub(crate) struct MissionMarker {
    under_way: PathBuf,
    lost: PathBuf,
}

impl MissionMarker {
    /// Marks in a folder, which need not be there yet.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { under_way: folder.join(".mission-under-way"), lost: folder.join(".mission-lost") }
    }

    /// A mission begins.
    pub(crate) fn begin(&self) -> io::Result<()> {
        if let Some(folder) = self.under_way.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.under_way, "A mission is under way, or its planner died.\n")?;
        remove(&self.lost)
    }

    /// It has ended, one way or another, and was reported.
    pub(crate) fn end(&self) -> io::Result<()> {
        remove(&self.under_way)
    }

    /// Returns true if a mission is under way; to be asked by a planner that has begun none, which then knows that it is lost.
    pub(crate) fn take_over(&self) -> bool {
        let is_orphan = self.under_way.exists();
        if is_orphan && let Err(error) = fs::write(&self.lost, "The planner died during the last mission.\n")
        {
            tracing::warn!("{}: {error}", self.lost.display());
        }
        is_orphan
    }

    /// Returns true if the last mission was lost.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.exists()
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After the planner had died nobody knew of its mission, and `adit up` ended with 0.
    #[test]
    fn a_planner_knows_that_the_one_before_it_died() {
        let folder = tempfile::tempdir().expect("a folder");
        let marker = || MissionMarker::new(&folder.path().join("run"));
        assert!(!marker().take_over() && !marker().is_lost(), "nothing has begun");
        marker().begin().expect("written");
        marker().end().expect("removed");
        assert!(!marker().take_over() && !marker().is_lost(), "it ended in order");
        marker().begin().expect("written");
        assert!(!marker().is_lost());
        assert!(marker().take_over(), "the second planner");
        assert!(marker().take_over(), "a third one, should the second die before its report");
        marker().end().expect("removed");
        assert!(!marker().take_over() && marker().is_lost(), "reported, and lost all the same");
        marker().begin().expect("written");
        assert!(!marker().is_lost(), "another mission is another matter");
    }
}
