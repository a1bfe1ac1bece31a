//! Weights of the defect model: those of a file, or those that come with Adit.

use std::borrow::Cow;
use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use perception::defects::{BUNDLED, Segmenter};

/// Remedy for a file that cannot be used.
pub(crate) const HELP: &str = "give a file that `adit learn train` or perception/training/export.py wrote";

/// Refusal of a file of weights.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}\n  help: {HELP}", path.display())]
pub(crate) struct WeightsError {
    path: PathBuf,
    /// What is wrong with it, without its name.
    pub(crate) problem: String,
}

/// Loads the weights of a file; without one, those that come with Adit.
pub(crate) fn load(path: Option<&Path>) -> Result<Segmenter, WeightsError> {
    Ok(read(path)?.0)
}

/// The same, with the bytes of the file.
pub(crate) fn read(path: Option<&Path>) -> Result<(Segmenter, Cow<'static, [u8]>), WeightsError> {
    let refuse = |problem: String| {
        let path = path.unwrap_or(Path::new("the weights that come with Adit")).to_owned();
        WeightsError { path, problem }
    };
    let bytes = match path {
        None => Cow::Borrowed(BUNDLED),
        Some(path) => std::fs::read(path).map_err(|e| refuse(format!("cannot be read: {e}")))?.into(),
    };
    let segmenter = Segmenter::from_safetensors(&bytes).map_err(|e| refuse(e.to_string()))?;
    Ok((segmenter, bytes))
}

/// Writes weights to a file, which is whole under its name at any moment, and readable by all: a robot's nodes may run as
/// another user.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let cannot_write = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(cannot_write)?;
    let mut file =
        tempfile::Builder::new().prefix(".adit-weights-").tempfile_in(folder).with_context(cannot_write)?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().set_permissions(Permissions::from_mode(0o644)))
        .and_then(|()| file.as_file().sync_all())
        .with_context(cannot_write)?;
    file.persist(path).with_context(cannot_write)?;
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(cannot_write)
}
