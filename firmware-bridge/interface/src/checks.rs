//! Checks of a file's values beyond what their types refuse: what no robot and no tunnel has, and what contradicts itself.

use std::ops::RangeInclusive;

/// Refusal of a value in a file. It knows the key alone; whoever has the file's text finds the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} {problem}")]
pub struct KeyError {
    /// Path of the key, such as `cameras[1].width`.
    pub key: String,
    /// Continuation of a sentence that begins with the key.
    pub problem: String,
    /// Remedy.
    pub remedy: String,
}

impl KeyError {
    /// A refusal of the value of `key`.
    pub fn new(key: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into(), remedy: remedy.into() }
    }

    /// The same refusal, with the table that the key stands in before it.
    #[must_use]
    pub fn within_table(mut self, table: &str) -> Self {
        self.key = format!("{table}.{}", self.key);
        self
    }
}

/// Refuses a value outside of `range`; what is no number lies in none.
///
/// # Errors
/// [`KeyError`] with the range as remedy.
pub fn within(key: impl Into<String>, value: f64, range: RangeInclusive<f64>) -> Result<(), KeyError> {
    if range.contains(&value) {
        return Ok(());
    }
    let remedy =
        format!("give a value from {} to {}", number_text(*range.start()), number_text(*range.end()));
    Err(KeyError::new(key, format!("is {}", number_text(value)), remedy))
}

/// Refuses an array of which a value lies outside of `range`.
///
/// # Errors
/// As of [`within`], with the value's place in the key.
pub fn all_within(key: &str, values: &[f64], range: RangeInclusive<f64>) -> Result<(), KeyError> {
    values.iter().enumerate().try_for_each(|(i, value)| within(format!("{key}[{i}]"), *value, range.clone()))
}

/// Refuses a text that is empty, or longer than a name is.
///
/// # Errors
/// [`KeyError`] if it is.
pub fn is_name(key: impl Into<String>, text: &str) -> Result<(), KeyError> {
    const LONGEST: usize = 100;
    let count = text.chars().count();
    if text.trim().is_empty() {
        Err(KeyError::new(key, "is empty", "write a name between the quotes"))
    } else if count > LONGEST {
        Err(KeyError::new(key, format!("has {count} characters"), format!("give at most {LONGEST}")))
    } else {
        Ok(())
    }
}

/// A number as people write it: with an exponent where it would have many digits.
pub fn number_text(value: f64) -> String {
    if value == 0.0 || (1e-4..1e7).contains(&value.abs()) || !value.is_finite() {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// A text that somebody wrote, as a message shows it: cut after so many characters, where a reader has had enough.
pub fn excerpt(text: &str, longest: usize) -> String {
    let begin: String = text.chars().take(longest).collect();
    if begin.len() < text.len() { format!("{begin}...") } else { begin }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_shown_whole_unless_it_is_endless() {
        assert_eq!(excerpt("go2/policy.onnx", 15), "go2/policy.onnx");
        assert_eq!(excerpt(&"ü".repeat(5000), 200), format!("{}...", "ü".repeat(200)));
    }

    #[test]
    fn refusals_name_key_value_and_range() {
        let error = within("lidar.points_per_second", 1e300, 1.0..=1e7).expect_err("too many");
        assert_eq!(error.to_string(), "lidar.points_per_second is 1e300");
        assert_eq!(error.remedy, "give a value from 1 to 1e7");
        assert_eq!(within("x", 1.0, 1.0..=2.0), Ok(()));
        for wrong in [f64::NAN, f64::INFINITY, -f64::INFINITY, 0.999, 2.001] {
            assert!(within("x", wrong, 1.0..=2.0).is_err(), "{wrong}");
        }
        let error = all_within("imu.xyz_m", &[0.0, f64::NAN, 0.0], -1.0..=1.0).expect_err("no number");
        assert_eq!(error.within_table("robot").to_string(), "robot.imu.xyz_m[1] is NaN");
    }

    #[test]
    fn names_are_neither_empty_nor_endless() {
        assert!(is_name("name", "left").is_ok());
        for wrong in ["", "  ", &"x".repeat(101)] {
            assert!(is_name("name", wrong).is_err(), "{wrong}");
        }
    }
}
