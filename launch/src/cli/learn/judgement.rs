//! Whether weights are better than others: class by class of each frozen set, and on the whole.

use serde::Serialize;

use crate::cli::model::score::{ClassScores, SetScores};

/// A class of a set may be worse by no more than this.
const WORSE_BY: f64 = 0.01;

/// Comparison of two scores of the same sets.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Judgement {
    /// Means over sets and classes: of the weights in use, and of the candidate.
    pub(super) strict_f1: [f64; 2],
    pub(super) within_2_px_f1: [f64; 2],
    /// What speaks against the candidate, a sentence each.
    pub(super) against: Vec<String>,
}

/// A figure of a class of a set by which weights are compared, from 0 to 1.
type Figure = (&'static str, fn(&ClassScores) -> f64);

const FIGURES: [Figure; 2] = [
    ("strict F1", |class| of_class(class, class.strict.f1)),
    ("F1 within 2 px", |class| of_class(class, class.within_2_px.f1)),
];

/// The F1 of a class. Of one that no photograph of the set shows there is none: then it is the share of pixels that are rightly
/// not marked.
fn of_class(class: &ClassScores, f1: Option<f64>) -> f64 {
    match f1 {
        Some(f1) if class.shown_by > 0 => f1,
        _ => 1.0 - class.marked_share,
    }
}

/// Compares the scores of a candidate with those of the weights in use, on the same sets in the same order.
pub(super) fn judge(in_use: &[SetScores], candidate: &[SetScores]) -> Judgement {
    let mut against = Vec::new();
    let [strict_f1, within_2_px_f1] = FIGURES.map(|(name, figure)| {
        let [was, is] = [in_use, candidate].map(|sets| mean(sets, figure));
        if is <= was {
            against.push(format!("mean of {name}: {is:.3}, not higher than {was:.3}"));
        }
        for (a, b) in in_use.iter().zip(candidate) {
            for (was, is) in a.classes.iter().zip(&b.classes) {
                let [old, new] = [was, is].map(figure);
                if new < old - WORSE_BY {
                    against.push(format!(
                        "{name} of {} on {}: {new:.3} after {old:.3}",
                        is.class.name(),
                        b.set
                    ));
                }
            }
        }
        [was, is]
    });
    Judgement { strict_f1, within_2_px_f1, against }
}

fn mean(sets: &[SetScores], figure: fn(&ClassScores) -> f64) -> f64 {
    let figures: Vec<f64> = sets.iter().flat_map(|set| &set.classes).map(figure).collect();
    figures.iter().sum::<f64>() / figures.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use perception::defects::CARD_SCORES;

    use super::*;

    fn card() -> Vec<SetScores> {
        CARD_SCORES.lines().map(|line| serde_json::from_str(line).expect("scores")).collect()
    }

    fn better(by: f64) -> Vec<SetScores> {
        let mut sets = card();
        for class in sets.iter_mut().flat_map(|set| &mut set.classes) {
            for figures in [&mut class.strict, &mut class.within_2_px] {
                figures.f1 = figures.f1.map(|f1| f1 + by);
            }
        }
        sets
    }

    #[test]
    fn only_what_is_better_on_the_whole_and_worse_nowhere_is_better() {
        assert!(judge(&card(), &better(0.005)).against.is_empty());
        assert_eq!(judge(&card(), &card()).against.len(), 2, "the same is not better");
        let worse = judge(&card(), &better(-0.005)).against;
        assert!(worse.len() == 2 && worse[0].contains("mean of strict F1"), "{worse:?}");
        // One class of one set that is worse is too much, however much better the others are.
        let mut sets = better(0.1);
        sets[0].classes[0].within_2_px.f1 = card()[0].classes[0].within_2_px.f1.map(|f1| f1 - 0.02);
        let against = judge(&card(), &sets).against;
        let expected = format!("F1 within 2 px of crack on {}", sets[0].set);
        assert!(against.len() == 1 && against[0].starts_with(&expected), "{against:?}");
    }

    #[test]
    fn on_a_sound_set_less_is_better() {
        let sound = |share: f64| {
            let mut set = card().swap_remove(0);
            set.classes.truncate(1);
            (set.classes[0].shown_by, set.classes[0].marked_share) = (0, share);
            set.classes[0].strict.f1 = (share > 0.0).then_some(0.0);
            set.classes[0].within_2_px.f1 = set.classes[0].strict.f1;
            vec![set]
        };
        assert!(judge(&sound(0.004), &sound(0.0)).against.is_empty());
        assert_eq!(judge(&sound(0.001), &sound(0.02)).against.len(), 4);
    }
}
