//! The record of a training, `how.json` in its work folder: enough to do it again, and what was learned from.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::apply::CorrectedPicture;
use crate::cli::exit::BadInput;

/// How weights were made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct How {
    /// Folders that were corrected, as they were given.
    pub(super) folders: Vec<PathBuf>,
    /// Version of the weights that the training began with.
    pub(super) start: String,
    /// Arguments of train.py, the seed among them.
    pub(super) train: Vec<String>,
    /// Corrected pictures that were learned from; those of other sets, which `train` may name, are not listed.
    pub(super) learned: Vec<CorrectedPicture>,
    /// Version of the weights that came out; none before the end.
    pub(super) weights: Option<String>,
}

impl How {
    /// The work folder of a training whose weights are written to `out`.
    pub(super) fn folder(out: &Path) -> PathBuf {
        out.with_extension("work")
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join("how.json")
    }

    /// Reads the record in a work folder, if it is there.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, BadInput> {
        let path = Self::path(folder);
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|e| BadInput {
            message: format!("{}: is no record of a training: {e}", path.display()),
            help: "train again, with another --out".to_owned(),
        })
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = Self::path(folder);
        std::fs::write(&path, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("cannot write {}", path.display()))
    }
}
