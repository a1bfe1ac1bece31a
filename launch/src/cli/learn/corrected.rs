//! Masks as a person corrected them: what was neither looked at nor painted is unsure.

use std::collections::BTreeMap;

use perception::connected::for_each_part;
use perception::defects::scoring::UNSURE;
use robot_interface::defect::DefectClass;

use super::verdicts::{Judged, Place, Verdict};

/// A region by its number in the mask and its bounds. No two connected regions of one class have the same bounds: each would
/// reach from side to side, and so meet the other.
type Key = (u8, [u32; 4]);

/// Pixels of each connected region (eight neighbours) of a mask.
fn regions(mask: &[u8], width: usize) -> BTreeMap<Key, Vec<usize>> {
    let mut found = BTreeMap::new();
    for number in DefectClass::VISUAL.map(DefectClass::mask_value) {
        let open = mask.iter().map(|pixel| *pixel == number).collect();
        for_each_part(open, width, |pixels| {
            let mut bounds = [u32::MAX, u32::MAX, 0, 0];
            for (x, y) in pixels.iter().map(|pixel| ((pixel % width) as u32, (pixel / width) as u32)) {
                let [left, top, right, bottom] = bounds;
                bounds = [left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)];
            }
            found.insert((number, bounds), pixels.to_vec());
        });
    }
    found
}

/// The mask that a person's word makes of the `marked` one, all of `width` columns. A pixel that is `painted` differently is
/// what was painted; of the others the verdicts decide.
///
/// # Errors
/// The first row whose region is not in the mask.
pub(super) fn corrected<'a>(
    marked: &[u8],
    painted: &[u8],
    width: usize,
    verdicts: &[&'a Judged],
) -> Result<Vec<u8>, &'a Judged> {
    let regions = regions(marked, width);
    let is_rest_right = verdicts.iter().any(|row| row.place == Place::Rest && row.verdict == Verdict::Right);
    let rest = if is_rest_right { 0 } else { UNSURE };
    let mut mask: Vec<u8> = marked.iter().map(|number| if *number == 0 { rest } else { UNSURE }).collect();
    for row in verdicts {
        let Place::Region { class, bounds_px } = row.place else { continue };
        let pixels = regions.get(&(class.mask_value(), bounds_px)).ok_or(*row)?;
        let number = match row.verdict {
            Verdict::Unseen => UNSURE,
            Verdict::Right => class.mask_value(),
            Verdict::Wrong => 0,
            Verdict::Class(class) => class.mask_value(),
        };
        pixels.iter().for_each(|pixel| mask[*pixel] = number);
    }
    for ((number, marked), painted) in mask.iter_mut().zip(marked).zip(painted) {
        if marked != painted {
            *number = *painted;
        }
    }
    Ok(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    const U: u8 = UNSURE;

    fn row(place: Place, verdict: Verdict) -> Judged {
        Judged { line: 7, picture: "a".to_owned(), place, verdict }
    }

    fn region(class: DefectClass, bounds_px: [u32; 4], verdict: Verdict) -> Judged {
        row(Place::Region { class, bounds_px }, verdict)
    }

    /// Two cracks, of which one lies in the other's bounds, and a leak.
    #[rustfmt::skip]
    const MARKED: [u8; 20] = [
        1, 1, 1, 0, 2,
        1, 0, 0, 0, 2,
        1, 0, 1, 0, 0,
        0, 0, 0, 0, 0,
    ];
    const LARGE: [u32; 4] = [0, 0, 3, 3];
    const SMALL: [u32; 4] = [2, 2, 3, 3];

    #[test]
    fn each_verdict_does_what_it_says_to_its_region_alone() {
        let leak = [4, 0, 5, 2];
        let verdicts = [
            region(DefectClass::Crack, LARGE, Verdict::Right),
            region(DefectClass::Crack, SMALL, Verdict::Wrong),
            region(DefectClass::Leakage, leak, Verdict::Class(DefectClass::Corrosion)),
        ];
        let verdicts: Vec<&Judged> = verdicts.iter().collect();
        #[rustfmt::skip]
        assert_eq!(corrected(&MARKED, &MARKED, 5, &verdicts).expect("known"), [
            1, 1, 1, U, 4,
            1, U, U, U, 4,
            1, U, 0, U, U,
            U, U, U, U, U,
        ]);
        let rest = row(Place::Rest, Verdict::Right);
        let unseen = region(DefectClass::Leakage, leak, Verdict::Unseen);
        #[rustfmt::skip]
        assert_eq!(corrected(&MARKED, &MARKED, 5, &[verdicts[0], &unseen, &rest]).expect("known"), [
            1, 1, 1, 0, U,
            1, 0, 0, 0, U,
            1, 0, U, 0, 0,
            0, 0, 0, 0, 0,
        ]);
        let nothing = corrected(&MARKED, &MARKED, 5, &[]).expect("known");
        assert!(nothing.iter().all(|number| *number == U), "what nobody looked at is unsure");
    }

    #[test]
    fn what_was_painted_counts_as_painted() {
        let mut painted = MARKED;
        (painted[0], painted[19]) = (0, 3);
        let large = region(DefectClass::Crack, LARGE, Verdict::Right);
        let mask = corrected(&MARKED, &painted, 5, &[&large]).expect("known");
        assert_eq!((mask[0], mask[1], mask[18], mask[19]), (0, 1, U, 3));
    }

    #[test]
    fn a_row_of_no_region_is_told() {
        let moved = region(DefectClass::Crack, [0, 0, 3, 2], Verdict::Right);
        assert_eq!(corrected(&MARKED, &MARKED, 5, &[&moved]).expect_err("no such region").line, 7);
    }
}
