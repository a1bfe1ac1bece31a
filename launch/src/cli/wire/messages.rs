//! `adit wire decode` of messages that come whole, one a line.

use std::io::Write;

use super::lines::Lines;
use crate::terminal::eprint_line;
use crate::wire_tools::{RobotProtocol, parse_hex};

/// Returns whether every line was a message. Empty lines and comments (from `#` on) are passed over.
pub(super) fn decode(
    protocol: RobotProtocol,
    mut lines: Lines,
    out: &mut impl Write,
) -> std::io::Result<bool> {
    let mut all_read = true;
    let mut line = String::new();
    while let Some(piece) = lines.next_piece()? {
        line.push_str(&piece.text);
        if !piece.ends {
            continue;
        }
        let text = std::mem::take(&mut line);
        let digits = text.split('#').next().unwrap_or_default();
        match parse_hex(digits).and_then(|bytes| match bytes.as_slice() {
            [] => Ok(None),
            message => protocol.decode(message).map(Some),
        }) {
            Ok(None) => {}
            Ok(Some(json)) => writeln!(out, "{json}")?,
            Err(why) => {
                eprint_line(format_args!("line {}: {why}", piece.number));
                all_read = false;
            }
        }
        if lines.is_dry() {
            out.flush()?;
        }
    }
    out.flush()?;
    Ok(all_read)
}
