//! Record of a setup so far, in `setup.toml`: a step is done again when its stamp is not the one that its inputs give
//! today.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::SetupError;
use super::layout::state_file;
use super::underlay::Underlay;

/// Stamps of the steps, with the facts that later commands need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// Folder in which all this was made. Programs and libraries carry the path, so that a moved folder is worthless.
    pub(super) folder: PathBuf,
    /// Inputs of the prefix made of wheels.
    pub(super) wheels: Option<String>,
    /// Its libraries, as they were left.
    pub(super) wheel_files: Option<String>,
    /// Inputs of the interface packages.
    pub(super) interfaces: Option<String>,
    /// Their files, as they were left.
    pub(super) interface_files: Option<String>,
    /// Folder in which Python finds them.
    pub(super) interface_python: PathBuf,
    /// Program with the nodes in it.
    pub(super) binary: Option<PathBuf>,
    /// ROS 2 installation below it all.
    pub(super) underlay: Option<Underlay>,
}

impl State {
    /// Loads the record of `folder`; it is empty if the folder was moved here or the record cannot be read.
    pub(super) fn load(folder: &Path) -> Self {
        fs::read_to_string(state_file(folder))
            .ok()
            .and_then(|text| toml::from_str::<Self>(&text).ok())
            .filter(|state| state.folder == folder)
            .unwrap_or_else(|| Self { folder: folder.to_owned(), ..Self::default() })
    }

    /// Writes the record so that an interruption leaves either the old one or the new one.
    pub(super) fn save(&self) -> Result<(), SetupError> {
        let path = state_file(&self.folder);
        let text = toml::to_string(self).map_err(|e| SetupError::File {
            path: path.clone(),
            reason: std::io::Error::new(std::io::ErrorKind::InvalidData, e),
        })?;
        let new = path.with_extension("toml.new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).map_err(SetupError::at(&path))
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

        fs::copy(state_file(here.path()), state_file(there.path())).expect("copied");
        assert_eq!(State::load(there.path()).wheels, None);

        fs::write(state_file(here.path()), "wheels = ").expect("written");
        assert_eq!(State::load(here.path()).wheels, None);
    }
}
