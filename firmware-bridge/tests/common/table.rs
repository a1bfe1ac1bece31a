//! Tables of frames and of what they mean, tab-separated, `#` before a comment.

pub(crate) fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hex")).collect()
}

/// The vendor's values are single precision, and the table prints them so that they read back exactly.
pub(crate) fn single(text: &str) -> f64 {
    f64::from(text.parse::<f32>().expect("number"))
}
