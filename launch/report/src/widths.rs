//! Widths of found cracks beside those of the simulator's ground truth.

use std::fmt;

use robot_interface::defect::CrackWidth;

/// Width of a found crack, as reported and as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundWidth {
    /// The report's.
    pub reported: CrackWidth,
    /// The true one at the crack's widest place, mm.
    pub true_mm: f64,
}

/// Errors of widths, over any number of cracks. Its text is a line for people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WidthErrors {
    /// Cracks whose width was measured.
    pub measured: usize,
    /// Median of `(reported - true) / true` over these; `None` without any.
    pub median_bias: Option<f64>,
    /// Median of its magnitude.
    pub median_error: Option<f64>,
    /// Of the measured ones those that are off by more than three of their own sigmas.
    pub beyond_three_sigma: usize,
    /// Cracks that were told to be narrower than a limit.
    pub below: usize,
    /// Of these, those that are wider than it.
    pub below_but_wider: usize,
}

impl WidthErrors {
    /// Returns the errors of these cracks; `None` without any.
    pub fn of(cracks: &[FoundWidth]) -> Option<Self> {
        let mut errors = Vec::new();
        let mut counts = Self {
            measured: 0,
            median_bias: None,
            median_error: None,
            beyond_three_sigma: 0,
            below: 0,
            below_but_wider: 0,
        };
        for crack in cracks {
            match crack.reported {
                CrackWidth::Below { limit_mm } => {
                    counts.below += 1;
                    counts.below_but_wider += usize::from(crack.true_mm > limit_mm);
                }
                CrackWidth::Measured { width_mm, sigma_mm } => {
                    let off_mm = width_mm - crack.true_mm;
                    counts.beyond_three_sigma += usize::from(off_mm.abs() > 3.0 * sigma_mm);
                    errors.push(off_mm / crack.true_mm);
                }
            }
        }
        counts.measured = errors.len();
        counts.median_bias = median(errors.clone());
        counts.median_error = median(errors.into_iter().map(f64::abs).collect());
        (!cracks.is_empty()).then_some(counts)
    }
}

impl fmt::Display for WidthErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(bias), Some(error)) = (self.median_bias, self.median_error) {
            write!(
                f,
                "{} measured, off by {:.0} % in the median (bias {:+.0} %), {} by more than three sigmas; ",
                self.measured,
                100.0 * error,
                100.0 * bias,
                self.beyond_three_sigma
            )?;
        }
        write!(f, "{} told only as narrower than a limit", self.below)?;
        if self.below_but_wider > 0 {
            write!(f, ", {} of them wrongly", self.below_but_wider)?;
        }
        Ok(())
    }
}

/// The middle value, the greater of two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(width_mm: f64, sigma_mm: f64, true_mm: f64) -> FoundWidth {
        FoundWidth { reported: CrackWidth::Measured { width_mm, sigma_mm }, true_mm }
    }

    fn below(limit_mm: f64, true_mm: f64) -> FoundWidth {
        FoundWidth { reported: CrackWidth::Below { limit_mm }, true_mm }
    }

    #[test]
    fn errors_are_shares_of_the_true_width() {
        let cracks =
            [measured(2.2, 0.1, 2.0), measured(4.0, 0.3, 5.0), measured(3.0, 1.0, 2.0), below(2.0, 1.0)];
        let errors = WidthErrors::of(&cracks).expect("cracks");
        assert_eq!((errors.measured, errors.beyond_three_sigma, errors.below), (3, 1, 1));
        assert!((errors.median_bias.expect("measured") - 0.1).abs() < 1e-12);
        assert!((errors.median_error.expect("measured") - 0.2).abs() < 1e-12);
        assert_eq!(
            errors.to_string(),
            "3 measured, off by 20 % in the median (bias +10 %), 1 by more than three sigmas; 1 told only as narrower than a limit"
        );
    }

    #[test]
    fn a_limit_that_the_crack_exceeds_is_wrong() {
        let errors = WidthErrors::of(&[below(1.4, 3.7), below(1.4, 1.0)]).expect("cracks");
        assert_eq!(errors.to_string(), "2 told only as narrower than a limit, 1 of them wrongly");
        assert_eq!(WidthErrors::of(&[]), None);
    }
}
