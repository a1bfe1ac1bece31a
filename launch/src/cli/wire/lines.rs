//! Lines of an input that may be a pipe that never closes, or a file with a single line.

use std::io::{BufRead, BufReader, Read};

/// Reads lines, long ones in pieces.
pub(super) struct Lines {
    input: BufReader<Box<dyn Read>>,
    longest: u64,
    number: usize,
    /// The last piece ended its line.
    ended: bool,
}

/// A line, or a piece of a long one.
pub(super) struct Piece {
    /// Number of the line, from one.
    pub(super) number: usize,
    /// Without the line's end.
    pub(super) text: String,
    /// True if the line ends behind it.
    pub(super) ends: bool,
}

impl Lines {
    /// `longest` piece in bytes.
    pub(super) fn new(input: Box<dyn Read>, longest: u64) -> Self {
        Self { input: BufReader::with_capacity(1 << 16, input), longest, number: 0, ended: true }
    }

    /// Returns whether the next line may have to be waited for: no end of it has come yet.
    pub(super) fn is_dry(&self) -> bool {
        !self.input.buffer().contains(&b'\n')
    }

    pub(super) fn next_piece(&mut self) -> std::io::Result<Option<Piece>> {
        let mut bytes = Vec::new();
        // The end of the input ends the last line, too.
        if self.input.by_ref().take(self.longest).read_until(b'\n', &mut bytes)? == 0 && self.ended {
            return Ok(None);
        }
        self.number += usize::from(self.ended);
        let ends = bytes.last() == Some(&b'\n') || (bytes.len() as u64) < self.longest;
        self.ended = ends;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches(['\r', '\n']);
        let text = if self.number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        Ok(Some(Piece { number: self.number, text: text.to_owned(), ends }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a line in the buffer was taken for a line, and what was to be said before it waited for its other half.
    #[test]
    fn half_a_line_is_waited_for() {
        let mut lines = Lines::new(Box::new(&b"one\ntwo\nthr"[..]), 1 << 10);
        for (text, is_dry) in [("one", false), ("two", true)] {
            let piece = lines.next_piece().expect("it can be read").expect("a line");
            assert_eq!((piece.text.as_str(), lines.is_dry()), (text, is_dry));
        }
    }
}
