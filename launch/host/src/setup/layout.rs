//! Places of the setup: the workspace, and the folders and files in the setup's own folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::SetupError;

/// Variable with the folder that `adit setup ros --prefix` was given, for commands without that option.
pub(super) const FOLDER_VARIABLE: &str = "ADIT_ROS";

/// Returns the setup's folder, absolute: `prefix`, else `$ADIT_ROS`, else `.ros` in the workspace.
pub(super) fn folder(prefix: Option<&Path>) -> Result<PathBuf, SetupError> {
    let named = prefix.map(Path::to_owned).or_else(|| env::var_os(FOLDER_VARIABLE).map(PathBuf::from));
    let folder = named.unwrap_or_else(|| workspace().unwrap_or_default().join(".ros"));
    let folder = std::path::absolute(&folder).map_err(SetupError::at(&folder))?;
    // A folder and a link to it are the same, and so is what is found through either.
    Ok(folder.canonicalize().unwrap_or(folder))
}

/// Returns the workspace that this program was compiled in, if it is still there.
pub(super) fn workspace() -> Option<PathBuf> {
    let launch = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let workspace = launch.parent()?;
    (launch.join("adit_msgs").is_dir() && workspace.join("Cargo.lock").is_file())
        .then(|| workspace.to_owned())
}

/// Returns the record of a setup. Its presence marks a folder that `adit setup ros` made.
pub(super) fn state_file(folder: &Path) -> PathBuf {
    folder.join("setup.toml")
}

/// Returns the prefix of wheels.
pub(super) fn wheels_prefix(folder: &Path) -> PathBuf {
    folder.join("jazzy")
}

/// Returns the folder in which the message packages are built, each in one of its own.
pub(super) fn build_folder(folder: &Path) -> PathBuf {
    folder.join("build")
}

/// Returns the prefix in which the message packages are installed.
pub(super) fn install_prefix(folder: &Path) -> PathBuf {
    folder.join("install")
}

/// Returns the folders that a setup makes in its own.
pub(super) fn made_folders(folder: &Path) -> [PathBuf; 3] {
    [wheels_prefix(folder), build_folder(folder), install_prefix(folder)]
}

/// Checks that what is to be removed was made by a setup: a workspace of somebody else has `build` and `install`, too.
pub(super) fn check_removable(folder: &Path) -> Result<(), SetupError> {
    let foreign = made_folders(folder).into_iter().find(|made| made.exists());
    match foreign.filter(|_| !state_file(folder).is_file()) {
        None => Ok(()),
        Some(foreign) => Err(SetupError::missing(
            format!("{} was not made by `adit setup ros`, and is not removed", foreign.display()),
            "give --prefix a folder of its own",
        )),
    }
}

/// Removes a folder with all that is in it, if it is there.
pub(super) fn clear(folder: &Path) -> Result<(), SetupError> {
    if folder.exists() { fs::remove_dir_all(folder).map_err(SetupError::at(folder)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_setup_made_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        check_removable(folder.path()).expect("nothing is there");
        fs::create_dir(install_prefix(folder.path())).expect("made");
        let refused = check_removable(folder.path()).expect_err("of a colcon workspace, perhaps").to_string();
        assert!(refused.contains("install") && refused.contains("--prefix"), "{refused}");
        fs::write(state_file(folder.path()), "").expect("written");
        check_removable(folder.path()).expect("a setup's");
    }
}
