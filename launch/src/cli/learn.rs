//! `adit learn`: what a person corrected becomes training data, and a network that was trained on it the one in use, if it is
//! better on pictures that neither has seen.

mod apply;
mod corrected;
mod export;
mod fingerprint;
mod how;
mod judgement;
mod promote;
mod recorded_pictures;
mod train;
mod verdicts;

use std::process::ExitCode;

/// Steps of the loop, in their order.
#[derive(clap::Subcommand)]
pub(super) enum Learn {
    /// Write what the model marks on pictures, for a person to correct
    ///
    /// DIR gets, for each picture, NAME.png, NAME_overlay.png and NAME_mask.png, and a table verdicts.csv with a row for each
    /// region that the model marked and one for the rest of the picture. Fill its column `verdict`, or repaint NAME_mask.png.
    /// What is there already is never overwritten.
    Export(export::ExportArgs),
    /// Apply the verdicts, and write pictures with corrected masks: a set to learn from, or to judge models on
    Apply(apply::ApplyArgs),
    /// Train other weights on what was corrected
    ///
    /// Runs perception/training/train.py and export.py (Python) on this machine. Ctrl-C ends it; --resume goes on.
    Train(train::TrainArgs),
    /// Take other weights into use, if they are better on frozen sets than those in use
    ///
    /// Better: the means over sets and classes of strict F1 and of F1 within two pixels are both higher, and no class of any
    /// set is worse by more than 0.01. The old weights stay beside the new ones, under a name with their version.
    Promote(promote::PromoteArgs),
}

pub(super) fn run(what: &Learn) -> anyhow::Result<ExitCode> {
    match what {
        Learn::Export(args) => export::export(args),
        Learn::Apply(args) => apply::apply(args),
        Learn::Train(args) => train::train(args),
        Learn::Promote(args) => promote::promote(args),
    }
}
