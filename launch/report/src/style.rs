//! Style of the report's numbers and classes.

use robot_interface::defect::DefectClass;

/// Text in place of a number that is not known.
pub(super) const UNKNOWN: &str = "–";

/// A number with a fixed count of decimals, a proper minus sign, and [`UNKNOWN`] for one that is not finite.
pub(super) fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    let text = format!("{:.*}", decimals, value.abs());
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    if value < 0.0 && !zero { format!("\u{2212}{text}") } else { text }
}

/// A number that may not be known.
pub(super) fn maybe(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |v| number(v, decimals))
}

/// A share as a percentage without decimals.
pub(super) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{} %", number(share * 100.0, 0)) } else { UNKNOWN.to_owned() }
}

/// A length of time as minutes and seconds.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return UNKNOWN.to_owned();
    }
    let whole = seconds.round() as u64;
    format!("{}:{:02} min", whole / 60, whole % 60)
}

/// The class as a reader calls it.
pub(super) const fn class_title(class: DefectClass) -> &'static str {
    match class {
        DefectClass::Crack => "Crack",
        DefectClass::Leakage => "Leakage",
        DefectClass::Spalling => "Spalling",
        DefectClass::Corrosion => "Corrosion",
        DefectClass::HotJoint => "Hot cable joint",
    }
}

/// The class's colour. All are dark enough for white text on them.
pub(super) const fn class_colour(class: DefectClass) -> &'static str {
    match class {
        DefectClass::Crack => "#0d5c56",
        DefectClass::Leakage => "#1f66b0",
        DefectClass::Spalling => "#6b4aa0",
        DefectClass::Corrosion => "#a9560f",
        DefectClass::HotJoint => "#b01657",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_readers() {
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(number(-1.25, 2), "\u{2212}1.25");
        assert_eq!(number(f64::NAN, 1), UNKNOWN);
        assert_eq!(percent(0.934), "93 %");
        assert_eq!(duration(179.6), "3:00 min");
        assert_eq!(maybe(None, 2), UNKNOWN);
    }
}
