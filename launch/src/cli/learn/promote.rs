//! `adit learn promote`: other weights are taken into use, if they are better on frozen sets than those in use.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use perception::defects::Segmenter;
use serde::{Deserialize, Serialize};
use stack::config::utc;

use super::fingerprint;
use super::how::How;
use super::judgement::{Judgement, judge};
use super::verdicts::Verdicts;
use crate::cli::exit::{BadInput, FAILED};
use crate::cli::model::masks::{Labels, Pair, pairs};
use crate::cli::model::score::{Choice, HEADER, SetScores, row, score_set};
use crate::terminal::{eprint_line, print_line};
use crate::weights;

#[derive(clap::Args)]
pub(in crate::cli) struct PromoteArgs {
    /// The weights that may be taken into use
    #[arg(value_name = "CANDIDATE.safetensors")]
    candidate: PathBuf,
    /// File of the weights in use; if it is not there yet, those that Adit has are in use
    #[arg(long, value_name = "FILE")]
    in_use: PathBuf,
    /// Folders of photographs with masks that nothing was learned from, as of `adit model score`
    #[arg(long, required = true, num_args = 1.., value_name = "DIR")]
    frozen: Vec<PathBuf>,
    /// Classes of masks with other numbers, as 1=crack,2=leakage,5=spalling
    #[arg(long, value_name = "NUMBER=CLASS,...", value_parser = Labels::parse)]
    labels: Option<Labels>,
    /// Print scores and judgement as JSON, one line each
    #[arg(long)]
    json: bool,
}

/// Of fewer photographs than these in all, chance decides which weights are better.
const FEW: usize = 20;

/// A set that weights are judged on, as it was then.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Frozen {
    folder: PathBuf,
    photographs: usize,
    /// Of all photographs and masks: another one tells that the set was changed.
    fingerprint: String,
}

/// A line of FILE.history.jsonl.
#[derive(Serialize, Deserialize)]
struct Promotion {
    time: String,
    /// Versions of the weights before and from then on.
    was: String,
    is: String,
    strict_f1: [f64; 2],
    within_2_px_f1: [f64; 2],
    frozen: Vec<Frozen>,
    scores_was: Vec<SetScores>,
    scores_is: Vec<SetScores>,
    /// Fingerprints of the corrected pictures that were learned from, if that is known.
    learned: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Outcome<'a> {
    promoted: bool,
    was: &'a str,
    is: &'a str,
    #[serde(flatten)]
    judgement: &'a Judgement,
}

/// Set to be judged on.
struct Set<'a> {
    folder: &'a Path,
    labels: Labels,
    frozen: Frozen,
}

pub(super) fn promote(args: &PromoteArgs) -> anyhow::Result<ExitCode> {
    let in_use = args.in_use.exists().then_some(args.in_use.as_path());
    let ((old, old_bytes), (new, new_bytes)) =
        (weights::read(in_use)?, weights::read(Some(&args.candidate))?);
    if old.version() == new.version() {
        let message = format!("{}: {} is in use already", args.candidate.display(), new.version());
        return Err(BadInput { message, help: "give other weights".to_owned() }.into());
    }
    let history = History::read(&args.in_use)?;
    let learned = learned(&args.candidate, &new)?;
    let known = history.learned().chain(learned.iter().flatten().map(String::as_str)).collect();
    let sets: Vec<Set<'_>> = args
        .frozen
        .iter()
        .map(|folder| set(folder, args.labels.as_ref(), &known))
        .collect::<Result<_, _>>()?;
    if learned.is_none() {
        let work = How::folder(&args.candidate);
        eprint_line(format_args!(
            "{} does not tell what the candidate learned from: that it did not learn from the frozen sets is not checked",
            work.display()
        ));
    }
    sets.iter().filter(|set| history.differs(&set.frozen)).for_each(|set| {
        eprint_line(format_args!("{}: is not as it was at an earlier promotion", set.folder.display()));
    });
    let photographs: usize = sets.iter().map(|set| set.frozen.photographs).sum();
    if photographs < FEW {
        eprint_line(format_args!(
            "the frozen sets have {photographs} photographs: of so few, chance decides"
        ));
    }

    let was = scores(args, "in use", &old, &sets)?;
    let is = scores(args, "candidate", &new, &sets)?;
    let judgement = judge(&was, &is);
    let promoted = judgement.against.is_empty();
    if promoted {
        let kept = with_version(&args.in_use, old.version());
        if !kept.exists() {
            weights::write(&kept, &old_bytes)?;
        }
        let mut history = history.open()?;
        weights::write(&args.in_use, &new_bytes)?;
        let promotion = Promotion {
            time: now(),
            was: old.version().to_owned(),
            is: new.version().to_owned(),
            strict_f1: judgement.strict_f1,
            within_2_px_f1: judgement.within_2_px_f1,
            frozen: sets.into_iter().map(|set| set.frozen).collect(),
            scores_was: was,
            scores_is: is,
            learned,
        };
        history
            .write_all((serde_json::to_string(&promotion)? + "\n").as_bytes())
            .context("the weights were taken into use, and that cannot be written into the history")?;
    }
    tell(args, &old, &new, &judgement)?;
    Ok(if promoted { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Fingerprints of what the candidate learned from, by the record beside it.
fn learned(candidate: &Path, segmenter: &Segmenter) -> Result<Option<Vec<String>>, BadInput> {
    let how = How::read(&How::folder(candidate))?;
    // A record of other weights tells nothing of these.
    let how = how.filter(|how| how.weights.as_deref() == Some(segmenter.version()));
    Ok(how.map(|how| how.learned.into_iter().map(|picture| picture.fingerprint).collect()))
}

/// A frozen set; refused if a picture of it is known to have been learned from.
fn set<'a>(folder: &'a Path, labels: Option<&Labels>, known: &BTreeSet<&str>) -> Result<Set<'a>, BadInput> {
    if Verdicts::is_in(folder) {
        return Err(BadInput {
            message: format!("{}: its masks are those that a model made", folder.display()),
            help: "make a set of what was corrected there, with `adit learn apply`".to_owned(),
        });
    }
    let (pairs, _) = pairs(folder, false)?;
    for Pair { photograph, .. } in &pairs {
        if known.contains(fingerprint::of_picture(photograph)?.as_str()) {
            return Err(BadInput {
                message: format!(
                    "{}: was learned from: weights cannot be judged on it",
                    photograph.display()
                ),
                help: "give sets that nothing was learned from; take it out of this one".to_owned(),
            });
        }
    }
    let frozen = Frozen {
        folder: folder.to_owned(),
        photographs: pairs.len(),
        fingerprint: fingerprint::of_set(&pairs)?,
    };
    Ok(Set { folder, labels: Labels::of(labels, folder)?, frozen })
}

/// Scores of all sets, printed as they come.
fn scores(
    args: &PromoteArgs,
    name: &str,
    segmenter: &Segmenter,
    sets: &[Set<'_>],
) -> anyhow::Result<Vec<SetScores>> {
    if !args.json {
        print_line(format_args!("{name}: {}\n\n{HEADER}", segmenter.version()));
    }
    let mut all = Vec::new();
    for set in sets {
        let choice = Choice { labels: &set.labels, sound: false, every: 1 };
        let scores = score_set(segmenter, set.folder, pairs(set.folder, false)?, &choice)?;
        if args.json {
            print_line(serde_json::to_string(&scores)?);
        } else {
            scores.classes.iter().for_each(|class| print_line(row(&scores, class)));
        }
        if scores.classes.iter().all(|class| class.shown_by == 0) {
            eprint_line(format_args!(
                "{}: no mask shows any class, so every mark there counts as wrong: are its labels right?",
                scores.set
            ));
        }
        all.push(scores);
    }
    if !args.json {
        print_line("");
    }
    Ok(all)
}

fn tell(args: &PromoteArgs, old: &Segmenter, new: &Segmenter, judgement: &Judgement) -> anyhow::Result<()> {
    let promoted = judgement.against.is_empty();
    if args.json {
        let outcome = Outcome { promoted, was: old.version(), is: new.version(), judgement };
        print_line(serde_json::to_string(&outcome)?);
        return Ok(());
    }
    let ([a, b], [c, d]) = (judgement.strict_f1, judgement.within_2_px_f1);
    print_line(format_args!("means: strict F1 {a:.3} -> {b:.3}, F1 within 2 px {c:.3} -> {d:.3}"));
    let (file, kept) = (args.in_use.display(), with_version(&args.in_use, old.version()));
    if promoted {
        print_line(format_args!(
            "promoted: {file} is {} now; the one before is {}",
            new.version(),
            kept.display()
        ));
    } else {
        print_line(format_args!("not promoted, nothing was changed:\n  {}", judgement.against.join("\n  ")));
    }
    Ok(())
}

/// `defects.safetensors` with a version is `defects-0123456789abcdef.safetensors`.
fn with_version(file: &Path, version: &str) -> PathBuf {
    let [stem, ending] =
        [file.file_stem(), file.extension()].map(|part| part.unwrap_or_default().to_string_lossy());
    let dot = if ending.is_empty() { "" } else { "." };
    file.with_file_name(format!("{stem}-{version}{dot}{ending}"))
}

/// The promotions of a file of weights.
struct History {
    path: PathBuf,
    promotions: Vec<Promotion>,
}

impl History {
    fn read(in_use: &Path) -> Result<Self, BadInput> {
        let mut name = in_use.file_name().unwrap_or_default().to_owned();
        name.push(".history.jsonl");
        let path = in_use.with_file_name(name);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let promotions = text.lines().enumerate().map(|(number, line)| {
            serde_json::from_str(line).map_err(|e| BadInput {
                message: format!("{}:{}: is no promotion: {e}", path.display(), number + 1),
                help: "restore the line, or move the file away".to_owned(),
            })
        });
        Ok(Self { promotions: promotions.collect::<Result<_, _>>()?, path })
    }

    /// Fingerprints of what all weights before learned from.
    fn learned(&self) -> impl Iterator<Item = &str> {
        self.promotions.iter().flat_map(|promotion| promotion.learned.iter().flatten()).map(String::as_str)
    }

    /// Whether a folder was another set when weights were last judged on it.
    fn differs(&self, now: &Frozen) -> bool {
        let mut before = self.promotions.iter().rev().flat_map(|promotion| &promotion.frozen);
        before
            .find(|frozen| frozen.folder == now.folder)
            .is_some_and(|frozen| frozen.fingerprint != now.fingerprint)
    }

    fn open(&self) -> anyhow::Result<std::fs::File> {
        let file = OpenOptions::new().append(true).create(true).open(&self.path);
        file.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

#[expect(clippy::disallowed_methods, reason = "the date is for people")]
fn now() -> String {
    utc(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
