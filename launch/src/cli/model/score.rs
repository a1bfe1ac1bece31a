//! `adit model score`: the defect model against masks, set by set.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use perception::defects::Segmenter;
use perception::defects::scoring::{Counts, Tally};
use rayon::prelude::*;
use robot_interface::defect::DefectClass;
use robot_interface::sensors::RgbImage;
use serde::{Deserialize, Serialize};

use super::masks::{Labels, Pair, pairs};
use crate::cli::exit::BadInput;
use crate::cli::inspect::photo::Photo;
use crate::terminal::{eprint_line, print_line};
use crate::weights;

/// Ranges of scores for which it is told how often they are right.
const RANGES: usize = 10;

#[derive(clap::Args)]
pub(in crate::cli) struct ScoreArgs {
    /// Folders of photographs with masks
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Weights to score in place of those that Adit has (safetensors, of `perception/training/export.py`)
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Classes of masks with other numbers, as 1=crack,2=leakage,5=spalling
    #[arg(long, value_name = "NUMBER=CLASS,...", value_parser = Labels::parse)]
    labels: Option<Labels>,
    /// Photographs without a mask are sound (otherwise they are left out)
    #[arg(long)]
    sound: bool,
    /// Score every so many photographs of a set only
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Print the scores as JSON, one line a set
    #[arg(long)]
    json: bool,
}

/// Scores of a set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::cli) struct SetScores {
    pub(in crate::cli) set: String,
    pub(in crate::cli) model_version: String,
    /// What of the masks' numbers was which class, as with `--labels`; empty for Adit's own.
    pub(in crate::cli) labels: String,
    /// Whether photographs without a mask were taken for sound.
    pub(in crate::cli) sound: bool,
    /// Every so many photographs were scored.
    pub(in crate::cli) every: u64,
    pub(in crate::cli) photographs: usize,
    /// Left out, since they have no mask.
    without_mask: usize,
    pub(in crate::cli) classes: Vec<ClassScores>,
}

/// Scores of one class over a set; those over all pixels of the set together unless said otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::cli) struct ClassScores {
    pub(in crate::cli) class: DefectClass,
    /// Photographs that show it.
    pub(in crate::cli) shown_by: usize,
    /// At the weights' own threshold.
    threshold: f64,
    pub(in crate::cli) strict: Figures,
    pub(in crate::cli) within_2_px: Figures,
    /// Share of all pixels that is marked.
    pub(in crate::cli) marked_share: f64,
    /// Mean over the photographs that show the class.
    mean_strict_f1: Option<f64>,
    mean_within_2_px_f1: Option<f64>,
    /// The best strict F1 of any threshold, which nobody knows beforehand.
    best_strict_f1: Option<f64>,
    best_threshold: Option<f64>,
    /// Mean score and share of the class, over ranges of scores.
    reliability: Vec<(f64, f64)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Figures {
    pub(in crate::cli) f1: Option<f64>,
    pub(in crate::cli) precision: Option<f64>,
    pub(in crate::cli) recall: Option<f64>,
    pub(in crate::cli) iou: Option<f64>,
}

impl Figures {
    fn of(counts: &Counts) -> Self {
        Self { f1: counts.f1(), precision: counts.precision(), recall: counts.recall(), iou: counts.iou() }
    }
}

/// What of a folder is scored, and how its masks are read.
pub(in crate::cli) struct Choice<'a> {
    pub(in crate::cli) labels: &'a Labels,
    pub(in crate::cli) sound: bool,
    pub(in crate::cli) every: u64,
}

pub(super) fn score(args: &ScoreArgs) -> anyhow::Result<ExitCode> {
    let segmenter = weights::load(args.weights.as_deref())?;
    // All folders are looked through before the work begins.
    let sets: Vec<_> = args
        .folders
        .iter()
        .map(|folder| Ok((folder, Labels::of(args.labels.as_ref(), folder)?, pairs(folder, args.sound)?)))
        .collect::<Result<_, BadInput>>()?;
    if !args.json {
        print_line(HEADER);
    }
    for (folder, labels, pairs) in sets {
        let choice = Choice { labels: &labels, sound: args.sound, every: args.every };
        let scores = score_set(&segmenter, folder, pairs, &choice)?;
        if args.json {
            print_line(serde_json::to_string(&scores)?);
        } else {
            scores.classes.iter().for_each(|class| print_line(row(&scores, class)));
        }
        if scores.without_mask > 0 {
            eprint_line(format_args!(
                "{}: {} photographs without a mask are left out",
                scores.set, scores.without_mask
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A class in a photograph.
struct Judged {
    /// What the model marks.
    marked: Tally,
    /// What it would mark at other thresholds, specks too.
    raw: Tally,
    /// Whether the mask has the class.
    shown: bool,
}

/// Scores the photographs of a folder with their masks, as [`pairs`] found them, beside the number of those without one.
pub(in crate::cli) fn score_set(
    segmenter: &Segmenter,
    folder: &Path,
    (pairs, without_mask): (Vec<Pair>, usize),
    choice: &Choice<'_>,
) -> anyhow::Result<SetScores> {
    let pairs: Vec<Pair> = pairs.into_iter().step_by(choice.every as usize).collect();
    let judge = |pair| judge(segmenter, pair, choice.labels);
    let judged = pairs.par_iter().map(judge).collect::<anyhow::Result<Vec<_>>>()?;
    let thresholds = segmenter.thresholds();
    // In a set of sound photographs every class that is marked is wrong.
    let is_sound = judged.iter().flatten().all(|judged| !judged.shown);
    let mut classes = Vec::new();
    for (i, (class, threshold)) in DefectClass::VISUAL.into_iter().zip(thresholds).enumerate() {
        let showing: Vec<&Tally> =
            judged.iter().map(|photograph| &photograph[i]).filter(|j| j.shown).map(|j| &j.marked).collect();
        if showing.is_empty() && !is_sound {
            continue;
        }
        let (mut all, mut raw) = (Tally::default(), Tally::default());
        for photograph in &judged {
            all.add(&photograph[i].marked);
            raw.add(&photograph[i].raw);
        }
        let mean = |counts: fn(&Tally, u8) -> Counts| {
            let sum: f64 = showing.iter().filter_map(|tally| counts(tally, threshold).f1()).sum();
            (!showing.is_empty()).then(|| sum / showing.len() as f64)
        };
        let best = raw.best().filter(|_| !is_sound);
        classes.push(ClassScores {
            class,
            shown_by: showing.len(),
            threshold: f64::from(threshold) / 255.0,
            strict: Figures::of(&all.strict(threshold)),
            within_2_px: Figures::of(&all.tolerant(threshold)),
            marked_share: all.strict(threshold).marked as f64 / all.strict(0).marked.max(1) as f64,
            mean_strict_f1: mean(Tally::strict),
            mean_within_2_px_f1: mean(Tally::tolerant),
            best_strict_f1: best.map(|(_, f1)| f1),
            best_threshold: best.map(|(threshold, _)| f64::from(threshold) / 255.0),
            reliability: raw.reliability(RANGES),
        });
    }
    Ok(SetScores {
        set: name_of(folder),
        model_version: segmenter.version().to_owned(),
        labels: choice.labels.text.clone(),
        sound: choice.sound,
        every: choice.every,
        photographs: pairs.len(),
        without_mask,
        classes,
    })
}

/// A set's name is its folder's.
pub(in crate::cli) fn name_of(folder: &Path) -> String {
    folder
        .file_name()
        .map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn judge(
    segmenter: &Segmenter,
    pair: &Pair,
    labels: &Labels,
) -> anyhow::Result<[Judged; DefectClass::VISUAL.len()]> {
    let photo = Photo::open(&pair.photograph)?;
    let mut picture = RgbImage { width: photo.width, height: photo.height, data: Vec::new() };
    for band in photo.bands()? {
        picture.data.extend(band?.data);
    }
    let mask = pair.mask((photo.width, photo.height), labels)?;
    let (map, raw) = segmenter.segment_with_raw(&picture)?;
    let claimed = [map.mask(), raw.mask()];
    Ok(DefectClass::VISUAL.map(|class| Judged {
        marked: Tally::of(&map, &claimed[0], class, &mask),
        raw: Tally::of(&raw, &claimed[1], class, &mask),
        // What the set does not label at all is not held against the model.
        shown: mask.contains(&class.mask_value()),
    }))
}

pub(in crate::cli) const HEADER: &str = "\
| set | photographs | class | threshold | F1 strict | F1 2 px | precision | recall | IoU | mean F1 | mean F1 2 px | best F1 at | marked |
|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// A row of the table under [`HEADER`].
pub(in crate::cli) fn row(scores: &SetScores, class: &ClassScores) -> String {
    let (strict, tolerant) = (&class.strict, &class.within_2_px);
    let figures = [
        strict.f1,
        tolerant.f1,
        strict.precision,
        strict.recall,
        strict.iou,
        class.mean_strict_f1,
        class.mean_within_2_px_f1,
    ];
    let shown = figures.map(|figure| figure.map_or("-".to_owned(), |figure| format!("{figure:.3}")));
    let best = class.best_strict_f1.zip(class.best_threshold);
    format!(
        "| {} | {} of {} | {} | {:.2} | {} | {} | {:.2} % |",
        scores.set,
        class.shown_by,
        scores.photographs,
        class.class.name(),
        class.threshold,
        shown.join(" | "),
        best.map_or("-".to_owned(), |(f1, threshold)| format!("{f1:.3} at {threshold:.2}")),
        100.0 * class.marked_share,
    )
}
