//! What `adit setup ros` has done so far, in `setup.toml`: a step is done again when its stamp is not the
//! one that its inputs give today.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SetupError;
use super::underlay::Underlay;

/// The stamps of the steps, and what later commands need to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// Where all this was made. Programs and libraries carry the path, so that a moved folder is worthless.
    pub(super) folder: PathBuf,
    /// Inputs of the prefix made of wheels.
    pub(super) wheels: Option<String>,
    /// Its libraries, as they were left.
    pub(super) wheel_files: Option<String>,
    /// Inputs of the interface packages.
    pub(super) interfaces: Option<String>,
    /// Their files, as they were left.
    pub(super) interface_files: Option<String>,
    /// Where Python finds them.
    pub(super) interface_python: PathBuf,
    /// The program with the nodes in it.
    pub(super) binary: Option<PathBuf>,
    /// The ROS 2 installation below it all.
    pub(super) underlay: Option<Underlay>,
}

impl State {
    /// What was done in `folder`: nothing, if it was moved here or its record cannot be read.
    pub(super) fn load(folder: &Path) -> Self {
        fs::read_to_string(file(folder))
            .ok()
            .and_then(|text| toml::from_str::<Self>(&text).ok())
            .filter(|state| state.folder == folder)
            .unwrap_or_else(|| Self { folder: folder.to_owned(), ..Self::default() })
    }

    /// Writes the record so that an interruption leaves either the old one or the new one.
    pub(super) fn save(&self) -> Result<(), SetupError> {
        let path = file(&self.folder);
        let text = toml::to_string(self).map_err(|e| SetupError::File {
            path: path.clone(),
            reason: std::io::Error::new(std::io::ErrorKind::InvalidData, e),
        })?;
        let new = path.with_extension("toml.new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).map_err(SetupError::at(&path))
    }
}

/// Where the record of `folder` is. Its presence marks a folder that `adit setup ros` made.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("setup.toml")
}

/// A stamp of some inputs. Should a new version of Rust hash differently, the steps are done once more.
pub(super) fn stamp(inputs: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    inputs.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// A stamp of the names and sizes of the files below `folders`, which notices what was deleted or cut
/// short. What Python compiles at run time does not count.
pub(super) fn stamp_of_files(folders: &[PathBuf], deep: bool) -> String {
    let mut files = Vec::new();
    for folder in folders {
        list(folder, deep, &mut files);
    }
    files.sort();
    stamp(files)
}

fn list(folder: &Path, deep: bool, files: &mut Vec<(PathBuf, u64)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // Links are followed, so that a link to nothing counts as missing.
        match fs::metadata(&path) {
            Ok(data) if data.is_file() => files.push((path, data.len())),
            Ok(data) if data.is_dir() && deep && !path.ends_with("__pycache__") => list(&path, deep, files),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_kept_but_not_for_another_folder() {
        let (here, there) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
        let mut state = State::load(here.path());
        assert_eq!(state.wheels, None);
        state.wheels = Some("1".to_owned());
        state.save().expect("saved");
        assert_eq!(State::load(here.path()), state);

        fs::copy(file(here.path()), file(there.path())).expect("copied");
        assert_eq!(State::load(there.path()).wheels, None);

        fs::write(file(here.path()), "wheels = ").expect("written");
        assert_eq!(State::load(here.path()).wheels, None);
    }

    #[test]
    fn files_that_go_or_shrink_change_the_stamp() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("deep");
        fs::create_dir(&deep).expect("made");
        let library = deep.join("librcl.so");
        let of = |deep| stamp_of_files(&[folder.path().to_owned()], deep);
        let empty = of(true);
        fs::write(&library, "12345").expect("written");
        let whole = of(true);
        assert_ne!(whole, empty);
        assert_eq!(of(false), empty);
        fs::create_dir(folder.path().join("__pycache__")).expect("made");
        fs::write(folder.path().join("__pycache__/x.pyc"), "1").expect("written");
        assert_eq!(of(true), whole);
        fs::write(&library, "1234").expect("written");
        assert_ne!(of(true), whole);
        fs::remove_file(&library).expect("removed");
        assert_eq!(of(true), empty);
    }
}
