//! `adit wire encode`.

use std::io::Write;

use serde_json::{Map, Value};

use super::json_input::JsonInput;
use super::lines::Lines;
use crate::terminal::eprint_line;
use crate::wire_tools::{FrameInputError, to_hex};

/// Returns whether everything could be used. JSON values are objects or lists of them, one a line, several, or one over
/// several lines; a broken one costs the line on which it begins.
pub(super) fn encode(
    frame_of: impl Fn(&Map<String, Value>) -> Result<Vec<u8>, FrameInputError>,
    lines: Lines,
    out: &mut impl Write,
) -> std::io::Result<bool> {
    let mut input = JsonInput::new(lines, out);
    let mut all_used = true;
    let mut refuse = |number: usize, why: &str| {
        eprint_line(format_args!("line {number}: {why}"));
        all_used = false;
    };
    while let Some((number, value)) = input.next_value()? {
        let values = match value {
            Ok(Value::Array(values)) => values,
            Ok(value) => vec![value],
            Err(why) => {
                refuse(number, &why);
                continue;
            }
        };
        for value in values {
            let frame = match &value {
                Value::Object(object) => frame_of(object).map_err(|why| why.to_string()),
                other => Err(format!("{other} is no JSON object: see --examples")),
            };
            match frame {
                Ok(frame) => writeln!(input.out, "{}", to_hex(&frame))?,
                Err(why) => refuse(number, &why),
            }
        }
    }
    input.out.flush()?;
    Ok(all_used)
}
