//! Bytes as pairs of hexadecimal digits.

use super::frame_json::FrameInputError;

/// Bytes written as pairs of hexadecimal digits; white space, commas, colons and `0x` between them are passed over.
///
/// # Errors
/// [`FrameInputError`] names what is no digit.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, FrameInputError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for group in hex_words(text) {
        let digits = group.strip_prefix("0x").or_else(|| group.strip_prefix("0X")).unwrap_or(group);
        if let Some(wrong) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(FrameInputError::new(format!(
                "`{wrong}` is no hexadecimal digit: write bytes as FE EE 10"
            )));
        }
        if digits.len() % 2 == 1 {
            return Err(FrameInputError::new(format!(
                "`{group}` has an odd number of digits: a byte is two of them"
            )));
        }
        let pairs = (0..digits.len()).step_by(2).filter_map(|i| digits.get(i..i + 2));
        bytes.extend(pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()));
    }
    Ok(bytes)
}

/// The words that [`parse_hex`] reads between what it passes over.
pub fn hex_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':'))
}

/// Bytes as pairs of hexadecimal digits, without anything between them.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_as_people_write_it() {
        for text in ["FEEE10", "fe ee 10", "0xFE, 0xEE, 0x10", "FE:EE:10\n"] {
            assert_eq!(parse_hex(text), Ok(vec![0xFE, 0xEE, 0x10]), "{text}");
        }
        assert!(parse_hex("FEE").expect_err("half a byte").to_string().contains("odd"));
        assert!(parse_hex("FÉ").expect_err("no digit").to_string().contains('É'));
    }
}
