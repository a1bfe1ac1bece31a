//! `adit wire encode`.

use std::io::Write;

use serde_json::{Deserializer, Value};

use super::lines::Lines;
use crate::terminal::eprint_line;
use crate::wire_tools::{Codec, to_hex};

/// Longest value that goes on over lines, bytes.
const MAX_VALUE: usize = 1 << 20;

/// Returns whether everything could be used. JSON values are objects or lists of them, one a line, several, or one over
/// several lines; a broken one costs the line on which it begins.
pub(super) fn encode(codec: &Codec, mut lines: Lines, out: &mut impl Write) -> std::io::Result<bool> {
    let mut values = Values { codec, waiting: Vec::new(), all_used: true };
    let mut too_long = false;
    loop {
        if lines.is_dry() {
            out.flush()?;
        }
        let Some(piece) = lines.next_piece()? else { break };
        if too_long || !piece.ends {
            if !std::mem::replace(&mut too_long, !piece.ends) {
                values.refuse(piece.number, "the line is longer than 16 MiB: give each object its own line");
            }
            continue;
        }
        let line = piece.text.trim();
        if !line.is_empty() && !line.starts_with('#') {
            values.waiting.push((piece.number, line.to_owned()));
            values.use_lines(false, out)?;
        }
    }
    values.use_lines(true, out)?;
    out.flush()?;
    Ok(values.all_used)
}

struct Values<'a> {
    codec: &'a Codec,
    /// Lines with their numbers, the first of which begins a value that is not complete.
    waiting: Vec<(usize, String)>,
    all_used: bool,
}

impl Values<'_> {
    /// Encodes the values of the lines that wait; leaves an incomplete one there, unless nothing more comes.
    fn use_lines(&mut self, ended: bool, out: &mut impl Write) -> std::io::Result<()> {
        while let Some((_, last)) = self.waiting.last() {
            let size: usize = self.waiting.iter().map(|(_, line)| line.len()).sum();
            let ended = ended || size > MAX_VALUE;
            // So that a long list is not read anew for each of its lines.
            if !ended && self.waiting.len() > 1 && !last.ends_with(['}', ']']) {
                return Ok(());
            }
            let lines = std::mem::take(&mut self.waiting);
            let text = lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n");
            let mut values = Deserializer::from_str(&text).into_iter::<Value>();
            loop {
                let rest = text[values.byte_offset()..].trim_start();
                let start = text.len() - rest.len();
                let first = text[..start].matches('\n').count();
                let number = lines.get(first).map_or(0, |(number, _)| *number);
                match values.next() {
                    None => break,
                    Some(Ok(value)) => self.use_value(number, value, out)?,
                    Some(Err(error)) if error.is_eof() && !ended => {
                        let line = rest.lines().next().unwrap_or_default().to_owned();
                        self.waiting.push((number, line));
                        self.waiting.extend_from_slice(lines.get(first + 1..).unwrap_or_default());
                        return Ok(());
                    }
                    Some(Err(error)) => {
                        if !rest.starts_with('#') {
                            self.refuse_json(&lines, number, &error);
                        }
                        self.waiting.extend_from_slice(lines.get(first + 1..).unwrap_or_default());
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn use_value(&mut self, number: usize, value: Value, out: &mut impl Write) -> std::io::Result<()> {
        let values = if let Value::Array(values) = value { values } else { vec![value] };
        for value in values {
            let frame = match &value {
                Value::Object(object) => self.codec.encode(object).map_err(|why| why.to_string()),
                other => Err(format!("{other} is no JSON object: see --examples")),
            };
            match frame {
                Ok(frame) => writeln!(out, "{}", to_hex(&frame))?,
                Err(why) => self.refuse(number, &why),
            }
        }
        Ok(())
    }

    /// A value that begins on one line may break on another.
    fn refuse_json(&mut self, lines: &[(usize, String)], begins: usize, error: &serde_json::Error) {
        let (line, column) = (error.line(), error.column());
        let why = error.to_string().replace(&format!(" at line {line} column {column}"), "");
        let breaks = lines.get(line.saturating_sub(1)).map_or(begins, |(number, _)| *number);
        let place = if breaks == begins { String::new() } else { format!("line {breaks} ") };
        self.refuse(begins, &format!("{why} at {place}column {column}: see --examples"));
    }

    fn refuse(&mut self, number: usize, why: &str) {
        eprint_line(format_args!("line {number}: {why}"));
        self.all_used = false;
    }
}
