//! JSON values out of lines. The parser takes one byte after the other, so that each is parsed once, however many lines a
//! value goes on over, and nothing behind a value is waited for.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use robot_interface::checks::excerpt;
use serde::Deserialize as _;
use serde_json::{Deserializer, Value};

use super::lines::Lines;

/// Longest value that goes on over lines, bytes.
const MAX_VALUE: usize = 1 << 20;
/// Deepest nesting of lists and objects; a frame has five. As a broken value gives back all lines but its first, this is
/// also how often a line may be read anew.
const MAX_DEPTH: usize = 16;
/// Characters that are shown of a line that is refused.
const SHOWN: usize = 40;

/// Values, each with the number of the line on which it begins. A broken one costs that line, and what follows is read anew.
pub(super) struct JsonInput<'a, W> {
    lines: Lines,
    /// What was written is passed on before a line is waited for.
    pub(super) out: &'a mut W,
    /// Lines with their numbers, from the one on which the present value begins.
    kept: VecDeque<(usize, String)>,
    /// Place of the next byte: which of these lines, and where on it.
    line: usize,
    byte: usize,
    /// Lines that were not kept, being too long.
    too_long: VecDeque<usize>,
    value: ValueSoFar,
    /// Bytes that the parser was given, those of broken values each time.
    parsed: usize,
}

/// The part of a value that the parser was given.
#[derive(Default)]
struct ValueSoFar {
    bytes: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Limit that it went beyond.
    beyond: Option<&'static str>,
}

impl<'a, W: Write> JsonInput<'a, W> {
    pub(super) fn new(lines: Lines, out: &'a mut W) -> Self {
        Self {
            lines,
            out,
            kept: VecDeque::new(),
            line: 0,
            byte: 0,
            too_long: VecDeque::new(),
            value: ValueSoFar::default(),
            parsed: 0,
        }
    }

    /// The next object or list, or why what stands in its place is none; `None` at the input's end.
    pub(super) fn next_value(&mut self) -> io::Result<Option<(usize, Result<Value, String>)>> {
        loop {
            if let Some(number) = self.too_long.pop_front() {
                let why = "the line is longer than 16 MiB: give each object its own line";
                return Ok(Some((number, Err(why.to_owned()))));
            }
            self.kept.drain(..self.line);
            self.line = 0;
            let Some((number, text)) = self.kept.front() else {
                if self.keep_line()? {
                    continue;
                }
                if self.too_long.is_empty() {
                    return Ok(None);
                }
                continue;
            };
            let (number, rest) = (*number, text[self.byte..].trim_start());
            self.byte = text.len() - rest.len();
            let value = match rest.chars().next() {
                None | Some('#') => {
                    self.drop_line();
                    continue;
                }
                Some('{' | '[') => self.parse()?,
                Some(_) => {
                    Err(format!("`{}` is no JSON object: see --examples", excerpt(rest.trim_end(), SHOWN)))
                }
            };
            if value.is_err() {
                self.drop_line();
            }
            return Ok(Some((number, value)));
        }
    }

    /// Gives up the first line; the next byte is the first of the line behind it.
    fn drop_line(&mut self) {
        self.kept.pop_front();
        (self.line, self.byte) = (0, 0);
    }

    fn parse(&mut self) -> io::Result<Result<Value, String>> {
        let start = self.byte;
        self.value = ValueSoFar::default();
        let parsed = Value::deserialize(&mut Deserializer::from_reader(&mut *self));
        Ok(match (parsed, self.value.beyond) {
            (Ok(value), _) => Ok(value),
            (Err(_), Some(why)) => Err(why.to_owned()),
            (Err(error), None) if error.is_io() => return Err(error.into()),
            (Err(error), None) => Err(self.words(&error, start)),
        })
    }

    /// A value that begins on one line may break on another.
    fn words(&self, error: &serde_json::Error, start: usize) -> String {
        let (line, column) = (error.line(), error.column());
        let why = error.to_string().replace(&format!(" at line {line} column {column}"), "");
        let place = match self.kept.get(line.saturating_sub(1)) {
            _ if error.is_eof() => String::new(),
            Some((number, _)) if line > 1 => format!(" at line {number} column {column}"),
            _ => format!(" at column {}", start + column),
        };
        format!("{why}{place}: see --examples")
    }

    /// Takes a line in; false at the input's end. Empty lines and comments are passed over.
    fn keep_line(&mut self) -> io::Result<bool> {
        let mut goes_on = false;
        loop {
            if self.lines.is_dry() {
                self.out.flush()?;
            }
            let Some(piece) = self.lines.next_piece()? else { return Ok(false) };
            if goes_on || !piece.ends {
                if !std::mem::replace(&mut goes_on, !piece.ends) {
                    self.too_long.push_back(piece.number);
                }
                continue;
            }
            let text = piece.text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                self.kept.push_back((piece.number, piece.text + "\n"));
                return Ok(true);
            }
        }
    }

    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            if let Some((_, text)) = self.kept.get(self.line) {
                if let Some(byte) = text.as_bytes().get(self.byte) {
                    self.byte += 1;
                    return Ok(Some(*byte));
                }
                self.value.end_line()?;
                (self.line, self.byte) = (self.line + 1, 0);
            } else if !self.keep_line()? {
                return Ok(None);
            }
        }
    }
}

/// As the parser reads it: never a byte more than it asks for.
impl<W: Write> Read for JsonInput<'_, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(place) = buffer.first_mut() else { return Ok(0) };
        let Some(byte) = self.next_byte()? else { return Ok(0) };
        self.value.push(byte)?;
        self.parsed += 1;
        *place = byte;
        Ok(1)
    }
}

impl ValueSoFar {
    fn push(&mut self, byte: u8) -> io::Result<()> {
        self.bytes += 1;
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.check(
            self.depth <= MAX_DEPTH,
            "it is nested more than 16 deep, which no frame is: see --examples",
        )
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.check(
            self.bytes <= MAX_VALUE,
            "it goes on over lines for more than 1 MiB: give each object its own line",
        )
    }

    fn check(&mut self, is_within: bool, limit: &'static str) -> io::Result<()> {
        if is_within {
            return Ok(());
        }
        self.beyond = Some(limit);
        Err(io::Error::other(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = r#"{"id":3,"names":["a]","b\"{"]}"#;

    /// Numbers of values and of refusals, and how many bytes were parsed for them.
    fn work(text: &str) -> (usize, usize, usize) {
        let mut out = Vec::new();
        let lines = Lines::new(Box::new(io::Cursor::new(text.to_owned().into_bytes())), 1 << 24);
        let mut input = JsonInput::new(lines, &mut out);
        let (mut values, mut refused) = (0, 0);
        while let Some((_, value)) = input.next_value().expect("it can be read") {
            match value {
                Ok(Value::Array(list)) => values += list.len(),
                Ok(_) => values += 1,
                Err(_) => refused += 1,
            }
        }
        (values, refused, input.parsed)
    }

    /// An unclosed bracket had all lines behind it parsed again at each line.
    #[test]
    fn each_byte_is_parsed_once_whatever_the_lines() {
        for count in [10, 1000] {
            let listed = |between: &str| [OBJECT].repeat(count).join(between);
            for (text, all) in [
                (listed("\n") + "\n", listed("").len()),
                (listed(""), listed("").len()),
                (format!("[{}]", listed(",\n")), listed(",\n").len() + 2),
                (format!("[\n{}\n]", listed("\n,")), listed("\n,").len() + 4),
            ] {
                assert_eq!(work(&text), (count, 0, all), "{text:.60}");
            }
        }
    }

    #[test]
    fn what_breaks_is_parsed_no_more_often_the_longer_the_input_is() {
        for count in [100, 2000] {
            let lines = |line: &str| format!("{line}\n").repeat(count);
            for (name, text) in [
                ("led by commas and never closed", format!("[{OBJECT}\n{}", lines(&format!(",{OBJECT}")))),
                ("each in a list that is not closed", lines(&format!("[{OBJECT},"))),
                ("each an object that is not closed", lines("{\"a\":")),
                ("brackets alone", lines("[")),
                ("one bracket", format!("[\n{}", lines(OBJECT))),
            ] {
                let (_, refused, parsed) = work(&text);
                assert!(refused > 0 && parsed <= 17 * text.len(), "{name}: {parsed} of {}", text.len());
            }
        }
    }

    #[test]
    fn limits_are_said_and_what_follows_is_used() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        let long = format!("[{}\n", format!("{OBJECT},\n").repeat(MAX_VALUE / OBJECT.len()));
        for (broken, told) in [(deep, "nested"), (long, "1 MiB"), ("\"x\"".to_owned(), "no JSON object")] {
            let mut out = Vec::new();
            let text = format!("{broken}\n{OBJECT}\n");
            let lines = Lines::new(Box::new(io::Cursor::new(text.into_bytes())), 1 << 24);
            let mut input = JsonInput::new(lines, &mut out);
            let (number, first) = input.next_value().expect("it can be read").expect("something");
            assert!(number == 1 && first.as_ref().is_err_and(|why| why.contains(told)), "{told}: {first:?}");
            let mut last = None;
            while let Some((_, value)) = input.next_value().expect("it can be read") {
                last = Some(value);
            }
            assert!(last.is_some_and(|value| value.is_ok()), "{told}");
        }
    }
}
