//! One error for a file that cannot be used: which file, which line, what is wrong, what to do.

use std::fmt;
use std::ops::Range;

/// Refusal of a mission, a robot file or a recording. Shown as `FILE:LINE: what is wrong` and a line of help.
#[derive(Debug)]
pub struct ConfigError {
    file: String,
    line: Option<usize>,
    message: String,
    help: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}\n  help: {}", self.message, self.help)
    }
}

impl ConfigError {
    /// An error about a whole file.
    pub fn of_file(file: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, message: message.into(), help: help.into() }
    }

    /// An error about a place in a file's text.
    pub fn at(
        file: &str,
        text: &str,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let line = text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1);
        Self { file: file.to_owned(), line: Some(line), message: message.into(), help: help.into() }
    }

    /// Refusal by the TOML reader, with a remedy for the mistakes that people make; `example` is a file of the same kind,
    /// in which every key is in use.
    pub(super) fn from_toml(file: &str, text: &str, error: &toml::de::Error, example: &str) -> Self {
        if let Some(at) = lone_carriage_return(text) {
            let line = 1 + text[..at].matches(['\n', '\r']).count() - text[..at].matches("\r\n").count();
            return Self {
                line: Some(line),
                ..Self::of_file(
                    file,
                    "ends in a carriage return without a line feed",
                    "save the file with line ends as Linux or Windows have them (LF or CRLF)",
                )
            };
        }
        let message = shortened(error.message().trim());
        let help = remedy(&message, example);
        match error.span() {
            Some(span) => Self::at(file, text, span, message, help),
            None => Self::of_file(file, message, help),
        }
    }
}

/// Place of a carriage return that no line feed follows: TOML takes it neither for the end of a line nor for a blank.
fn lone_carriage_return(text: &str) -> Option<usize> {
    text.match_indices('\r').map(|(at, _)| at).find(|at| text.as_bytes().get(at + 1) != Some(&b'\n'))
}

/// A message that does not repeat a value of hundreds of characters.
fn shortened(message: &str) -> String {
    const LONGEST: usize = 60;
    let cut = |word: &str| match word.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...`", &word[..at]),
        None => word.to_owned(),
    };
    message.split(' ').map(cut).collect::<Vec<_>>().join(" ")
}

/// A way out of what serde or the TOML reader says.
fn remedy(message: &str, example: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let (given, known) = (quoted[0], &quoted[1..]);
        if let Some(same) = known.iter().find(|k| stem(k) == stem(given) && **k != given) {
            return format!("`{given}` has another unit: write `{same}`, in {}", unit_of(same));
        }
        let closest = known
            .iter()
            .map(|k| (strsim::damerau_levenshtein(k, given), k))
            .min()
            .filter(|(d, k)| *d <= 1 + k.len() / 3);
        return match closest {
            Some((_, k)) => format!("did you mean `{k}`?"),
            None if known.is_empty() => format!("remove `{given}`"),
            None => format!("remove `{given}`, or use one of: {}", known.join(", ")),
        };
    }
    if message.starts_with("missing field") {
        return format!("add `{} = ...`", quoted[0]);
    }
    if message.starts_with("invalid type: string") {
        return "give a plain number without quotes; the unit is the one in the key's name".to_owned();
    }
    if message.contains("overflowed") {
        return "give a number of fewer digits".to_owned();
    }
    if message.starts_with("invalid value: integer")
        && let Some((_, most)) = WHOLE_NUMBERS.iter().find(|(kind, _)| message.ends_with(kind))
    {
        return format!("give a whole number from 0 to {most}");
    }
    if message.contains("must be") || message.contains("must not be") || message.contains("must lie") {
        return "correct the value; the unit is the one in the key's name".to_owned();
    }
    format!("correct this line; `{example}` shows the keys in use")
}

/// Kinds of whole numbers by the names that serde gives them, and the most that each holds.
const WHOLE_NUMBERS: [(&str, u64); 4] =
    [("u8", u8::MAX as u64), ("u32", u32::MAX as u64), ("u64", i64::MAX as u64), ("usize", i64::MAX as u64)];

const UNITS: [(&str, &str); 16] = [
    ("_m_s", "metres a second"),
    ("_rad_s", "radians a second"),
    ("_mm", "millimetres"),
    ("_wh", "watt-hours"),
    ("_ohm", "ohms"),
    ("_w", "watts"),
    ("_v", "volts"),
    ("_m", "metres"),
    ("_s", "seconds"),
    ("_deg", "degrees"),
    ("_rad", "radians"),
    ("_percent", "percent"),
    ("_c", "degrees Celsius"),
    ("_k", "kelvin"),
    ("_kg", "kilograms"),
    ("_hz", "hertz"),
];

/// Endings that people use for units that Adit does not take.
const FOREIGN_UNITS: [&str; 12] =
    ["_cm", "_km", "_ft", "_in", "_feet", "_inch", "_ms", "_min", "_km_h", "_ah", "_mah", "_mv"];

fn stem(key: &str) -> &str {
    UNITS
        .iter()
        .map(|(ending, _)| *ending)
        .chain(FOREIGN_UNITS)
        .filter_map(|ending| key.strip_suffix(ending))
        .min_by_key(|stem| stem.len())
        .unwrap_or(key)
}

fn unit_of(key: &str) -> &'static str {
    UNITS.iter().find(|(ending, _)| key.ends_with(ending)).map_or("no unit", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_fit_the_mistake() {
        let cases = [
            ("unknown field `length_mm`, expected one of `length_m`, `radius_m`", "`length_m`, in metres"),
            ("unknown field `length_ft`, expected `length_m`", "`length_m`, in metres"),
            ("unknown field `lenght_m`, expected one of `length_m`, `radius_m`", "did you mean `length_m`?"),
            ("unknown field `colour`, expected one of `length_m`, `radius_m`", "remove `colour`"),
            ("missing field `robot`", "add `robot = ...`"),
            ("invalid type: string \"60 m\", expected f64", "without quotes"),
            ("must be greater than 0, found -3", "correct the value"),
            ("integer number overflowed", "fewer digits"),
            ("invalid value: integer `300`, expected u8", "from 0 to 255"),
            ("key with no value, expected `=`", "`go2.toml` shows"),
        ];
        for (message, expected) in cases {
            let help = remedy(message, "go2.toml");
            assert!(help.contains(expected), "{message} -> {help}");
        }
    }

    #[test]
    fn a_value_of_a_thousand_characters_is_not_repeated() {
        let message = shortened(&format!("unknown variant `{}`, expected `box`", "x".repeat(1000)));
        assert!(message.len() < 120 && message.ends_with("expected `box`"), "{message}");
        assert!(remedy(&message, "").contains("box"), "{}", remedy(&message, ""));
    }

    #[test]
    fn lines_of_an_old_mac_are_named() {
        let line = |text: &str| {
            let error = toml::from_str::<toml::Table>(text).expect_err("no TOML");
            ConfigError::from_toml("m.toml", text, &error, "x.toml").to_string()
        };
        assert!(line("a = 1\rb = 2\r").starts_with("m.toml:1: ends in a carriage return"));
        assert!(line("a = 1\r\nb = 2\rc = 3\n").starts_with("m.toml:2: ends in a carriage return"));
        assert!(line("a = 1\r\nb 2\r\n").starts_with("m.toml:2: key with no value"));
    }

    #[test]
    fn the_line_is_the_one_at_fault() {
        let text = "a = 1\nb = 2\nc = 3\n";
        let error = ConfigError::at("x.toml", text, 6..7, "bad", "mend it");
        assert_eq!(error.to_string(), "x.toml:2: bad\n  help: mend it");
    }
}
