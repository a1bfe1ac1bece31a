//! `adit model`: how good the defect model is.

pub(super) mod masks;
pub(super) mod score;
mod verify;

use std::process::ExitCode;

#[derive(clap::Subcommand)]
pub(super) enum Model {
    /// Score the defect model on folders of photographs with masks
    ///
    /// A folder is a set: photographs X.jpg or X.png (also X_photo.*) with masks X_mask.png, X_crack.png or X.png. In a mask
    /// of black and white, 255 is crack and 128 unsure; in one of class numbers (1 crack, 2 leakage, 3 spalling,
    /// 4 corrosion, or as --labels or a file labels.txt in the folder says) what is no class is unsure.
    Score(score::ScoreArgs),
    /// Check what the model card says of the model that Adit has: its fingerprint, and its scores on folders that it names
    Verify(verify::VerifyArgs),
}

pub(super) fn run(what: &Model) -> anyhow::Result<ExitCode> {
    match what {
        Model::Score(args) => score::score(args),
        Model::Verify(args) => verify::verify(args),
    }
}
