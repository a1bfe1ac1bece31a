//! `adit model verify`: whether the model that Adit has is the one of which its card speaks.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use perception::defects::CARD_SCORES;
use robot_interface::defect::DefectClass;

use super::masks::{Labels, pairs};
use super::score::{Choice, ClassScores, SetScores, name_of, score_set};
use crate::cli::exit::{BadInput, FAILED};
use crate::terminal::print_line;
use crate::weights;

/// Scores that differ by more than this differ: the card has three digits.
const TOLERANCE: f64 = 5e-4;

#[derive(clap::Args)]
pub(in crate::cli) struct VerifyArgs {
    /// Folders of photographs with masks, named as in the card; without any the fingerprint alone is checked
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
}

pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let segmenter = weights::load(None)?;
    let card = card()?;
    let sets: Vec<_> = args
        .folders
        .iter()
        .map(|folder| {
            let recorded = of_folder(&card, &name_of(folder))?;
            Ok((folder, recorded, pairs(folder, recorded.sound)?))
        })
        .collect::<Result<_, BadInput>>()?;
    let mut same = true;
    match card.iter().find(|set| set.model_version != segmenter.version()) {
        Some(set) => {
            same = false;
            print_line(format_args!(
                "the model is {}, and the card speaks of {}",
                segmenter.version(),
                set.model_version
            ));
        }
        None => print_line(format_args!("the model is {}, as the card says", segmenter.version())),
    }
    for (folder, recorded, pairs) in sets {
        let labels = match recorded.labels.as_str() {
            "" => Labels::default(),
            text => Labels::parse(text).map_err(anyhow::Error::msg)?,
        };
        let choice = Choice { labels: &labels, sound: recorded.sound, every: recorded.every };
        let found = score_set(&segmenter, folder, pairs, &choice)?;
        let differences = differences(recorded, &found);
        if differences.is_empty() {
            print_line(format_args!("{}: {} photographs, as the card says", found.set, found.photographs));
        }
        for difference in &differences {
            print_line(format_args!("{}: {difference}", found.set));
        }
        same &= differences.is_empty();
    }
    if args.folders.is_empty() {
        let sets: Vec<&str> = card.iter().map(|set| set.set.as_str()).collect();
        print_line(format_args!(
            "its scores were not checked; give folders of these sets: {}",
            sets.join(", ")
        ));
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// The scores of which the card's table is made.
fn card() -> anyhow::Result<Vec<SetScores>> {
    CARD_SCORES
        .lines()
        .map(|line| serde_json::from_str(line).context("the card's scores cannot be read"))
        .collect()
}

fn of_folder<'a>(card: &'a [SetScores], name: &str) -> Result<&'a SetScores, BadInput> {
    card.iter().find(|set| set.set == name).ok_or_else(|| BadInput {
        message: format!("the card says nothing of a set {name}"),
        help: format!(
            "its sets are {}; score others with `adit model score`",
            card.iter().map(|set| set.set.as_str()).collect::<Vec<_>>().join(", ")
        ),
    })
}

/// What differs, a line each.
fn differences(recorded: &SetScores, found: &SetScores) -> Vec<String> {
    let mut lines = Vec::new();
    if recorded.photographs != found.photographs {
        lines.push(format!("{} photographs, the card has {}", found.photographs, recorded.photographs));
    }
    for class in DefectClass::VISUAL {
        let of = |set: &SetScores| set.classes.iter().find(|c| c.class == class).cloned();
        match (of(recorded), of(found)) {
            (Some(recorded), Some(found)) => {
                let pairs = figures(&recorded).into_iter().zip(figures(&found));
                let differing = pairs.filter(|((_, a), (_, b))| match (a, b) {
                    (Some(a), Some(b)) => (a - b).abs() > TOLERANCE,
                    (a, b) => a.is_some() != b.is_some(),
                });
                lines.extend(differing.map(|((what, card), (_, now))| {
                    let shown = |figure: Option<f64>| figure.map_or("none".to_owned(), |f| format!("{f:.3}"));
                    format!("{} {what} {}, the card says {}", class.name(), shown(now), shown(card))
                }));
            }
            (None, None) => {}
            (recorded, _) => lines.push(format!(
                "{} is {} the card",
                class.name(),
                if recorded.is_some() { "shown by no photograph, but stands in" } else { "not in" }
            )),
        }
    }
    lines
}

/// The figures of the card's table.
fn figures(scores: &ClassScores) -> [(&'static str, Option<f64>); 3] {
    [("F1", scores.strict.f1), ("F1 within 2 px", scores.within_2_px.f1), ("IoU", scores.strict.iou)]
}

#[cfg(test)]
mod tests {
    use perception::defects::Segmenter;

    use super::super::score::{HEADER, row};
    use super::*;

    #[test]
    fn the_card_speaks_of_the_model_that_is_there() {
        let version = Segmenter::bundled().expect("loads").version().to_owned();
        let scores = card().expect("the card's scores");
        assert!(!scores.is_empty() && scores.iter().all(|set| set.model_version == version), "{version}");
        let card = include_str!("../../../../perception/weights/MODEL_CARD.md");
        assert!(card.contains(&version) && card.contains(HEADER), "{version}");
        for set in &scores {
            for class in &set.classes {
                assert!(card.contains(&row(set, class)), "{}", row(set, class));
            }
        }
    }

    #[test]
    fn what_differs_is_told() {
        let recorded = card().expect("the card's scores").swap_remove(0);
        assert!(differences(&recorded, &recorded).is_empty());
        let mut other = recorded.clone();
        other.photographs += 1;
        other.classes[0].strict.f1 = other.classes[0].strict.f1.map(|f1| f1 + 0.001);
        other.classes[0].within_2_px.f1 = None;
        let lines = differences(&recorded, &other);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[2].contains("F1 within 2 px none"), "{lines:?}");
    }
}
