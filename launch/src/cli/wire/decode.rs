//! `adit wire decode`.

use std::collections::VecDeque;
use std::io::Write;

use super::lines::{Lines, Piece};
use crate::terminal::eprint_line;
use crate::wire_tools::{Codec, Damaged, Decoder, Found, SHOWN, hex_words, parse_hex, to_hex};

/// Returns whether every word could be read, and there was a frame unless there was nothing at all. Noise between frames is
/// what a decoder is for: it is told, and no failure. What is found is passed on before more input is waited for.
pub(super) fn decode(codec: &Codec, mut lines: Lines, out: &mut impl Write) -> std::io::Result<bool> {
    let (mut all_read, mut frames, mut damaged) = (true, 0, 0);
    let mut decoder = Decoder::new(*codec);
    let mut words = Words::default();
    // Where each line's bytes begin, and its number.
    let mut starts: VecDeque<(usize, usize)> = VecDeque::new();
    loop {
        if lines.is_dry() {
            out.flush()?;
        }
        let piece = lines.next_piece()?;
        let ended = piece.is_none();
        if let Some(piece) = piece {
            // A long line comes in pieces.
            if starts.back().is_none_or(|(_, number)| *number != piece.number) {
                starts.push_back((decoder.end(), piece.number));
            }
            let mut wrong = Vec::new();
            for word in hex_words(&words.whole(&piece)) {
                match parse_hex(word) {
                    Ok(bytes) => decoder.push(&bytes),
                    Err(why) => wrong.push(why),
                }
            }
            if let Some(why) = wrong.first() {
                let more = wrong.len() - 1;
                let more =
                    if more > 0 { format!(", as are {more} more words of this line") } else { String::new() };
                eprint_line(format_args!("line {}: {why}; it is left out{more}", piece.number));
                all_read = false;
            }
            if piece.ends {
                decoder.end_line();
            }
        }
        if ended {
            decoder.finish();
        }
        while let Some((range, found)) = decoder.next_found() {
            while starts.get(1).is_some_and(|(start, _)| *start <= range.start) {
                starts.pop_front();
            }
            let (start, number) = starts.front().copied().unwrap_or_default();
            match found {
                Found::Frame(json) => {
                    frames += 1;
                    writeln!(out, "{json}")?;
                }
                Found::Damaged(frame, shown) => {
                    damaged += 1;
                    let Damaged { kind, len, carried, computed } = frame;
                    eprint_line(format_args!(
                        "line {number}: the {len} bytes at offset {} are a {kind} but for its checksum, which is {carried} \
                         where the others give {computed}: {}",
                        range.start - start,
                        beginning(len, &shown)
                    ));
                }
                Found::Noise(shown) => eprint_line(format_args!(
                    "line {number}: {} bytes are no intact frame: {}",
                    range.len(),
                    beginning(range.len(), &shown)
                )),
            }
        }
        if ended {
            break;
        }
    }
    out.flush()?;
    let nothing = decoder.end() == 0 && all_read;
    match (frames, damaged) {
        (0, 0) if !nothing => {
            eprint_line("no frame was found: check --protocol, and that whole frames were given");
        }
        (0, 1..) => eprint_line(format_args!(
            "no frame was found whose checksum is right, and {damaged} with a wrong one: check --protocol, or the wiring \
             and its termination where they were recorded"
        )),
        _ => {}
    }
    Ok(all_read && (frames > 0 || nothing))
}

/// Bytes of which the first are given, as they are shown.
fn beginning(len: usize, shown: &[u8]) -> String {
    to_hex(shown) + if len > SHOWN { "..." } else { "" }
}

/// Puts words together again that were cut with their line, and takes comments (from `#` to the line's end) away.
#[derive(Default)]
struct Words {
    /// The beginning of a word that goes on in the next piece.
    begun: String,
    in_comment: bool,
}

impl Words {
    fn whole(&mut self, piece: &Piece) -> String {
        if self.in_comment {
            self.in_comment = !piece.ends;
            return String::new();
        }
        let mut text = std::mem::take(&mut self.begun) + &piece.text;
        if let Some(comment) = text.find('#') {
            text.truncate(comment);
            self.in_comment = !piece.ends;
        } else if !piece.ends {
            let word = hex_words(&text).last().unwrap_or_default().len();
            // A word that fills the piece goes on until then: only half a byte waits for its other half.
            let kept = if word < text.len() { word } else { text.len() % 2 };
            if text.is_char_boundary(text.len() - kept) {
                self.begun = text.split_off(text.len() - kept);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_pieces_has_the_words_of_the_whole_line() {
        let line = "FE EE 1017 0x00, 65:23 00  FEEEAABBCCDD # no EE";
        for size in 3..line.len() {
            let (mut words, mut found) = (Words::default(), Vec::new());
            let pieces = line.as_bytes().chunks(size);
            let count = pieces.len();
            for (index, text) in pieces.enumerate() {
                let text = String::from_utf8_lossy(text).into_owned();
                let text = words.whole(&Piece { number: 1, text, ends: index + 1 == count });
                found.extend(hex_words(&text).flat_map(|word| parse_hex(word).expect(word)));
            }
            assert_eq!(to_hex(&found), "FEEE101700652300FEEEAABBCCDD", "pieces of {size}");
        }
    }
}
