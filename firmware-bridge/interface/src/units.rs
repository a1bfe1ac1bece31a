//! Numbers that a file may only give in a sensible range. They refuse the rest when read, so that the
//! error carries the file's line.

use serde::{Deserialize, Serialize};

/// Refusal of a number in a file.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum UnitError {
    /// Not a number, or infinite.
    #[error("must be a finite number, found {0:?}")]
    NotFinite(f64),
    /// Zero or less where a positive number is needed.
    #[error("must be greater than 0, found {0:?}")]
    NotPositive(f64),
    /// Less than zero.
    #[error("must not be negative, found {0:?}")]
    Negative(f64),
    /// Outside 0 to 1.
    #[error("must lie between 0 and 1, found {0:?}")]
    NotFraction(f64),
}

macro_rules! ranged {
    ($(#[$doc:meta])* $name:ident, $check:expr, $err:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// The plain number.
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = UnitError;

            fn try_from(value: f64) -> Result<Self, UnitError> {
                if !value.is_finite() {
                    return Err(UnitError::NotFinite(value));
                }
                let check: fn(f64) -> bool = $check;
                if check(value) { Ok(Self(value)) } else { Err($err(value)) }
            }
        }

        impl From<$name> for f64 {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

ranged!(
    /// A finite number greater than zero.
    Positive, |v| v > 0.0, UnitError::NotPositive
);
ranged!(
    /// A finite number, zero or greater.
    NonNegative, |v| v >= 0.0, UnitError::Negative
);
ranged!(
    /// A finite number from 0 to 1.
    Fraction, |v| (0.0..=1.0).contains(&v), UnitError::NotFraction
);
ranged!(
    /// Any finite number.
    Finite, |_| true, UnitError::NotFinite
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_kept() {
        assert_eq!(Positive::try_from(0.0), Err(UnitError::NotPositive(0.0)));
        assert!(Positive::try_from(1e-9).is_ok());
        assert_eq!(NonNegative::try_from(-0.1), Err(UnitError::Negative(-0.1)));
        assert_eq!(Fraction::try_from(1.01), Err(UnitError::NotFraction(1.01)));
        assert!(Finite::try_from(f64::NAN).is_err());
    }

    #[test]
    fn a_file_error_names_the_line() {
        #[derive(Debug, Deserialize)]
        struct File {
            #[allow(dead_code)]
            length_m: Positive,
        }
        let err = toml::from_str::<File>("# a comment\nlength_m = -3.0\n").expect_err("negative");
        let text = err.to_string();
        assert!(text.contains("line 2") && text.contains("greater than 0"), "{text}");
    }
}
