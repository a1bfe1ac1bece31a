//! Cuts what a part writes into lines, whatever it writes: without end, without a newline, not UTF-8.

/// Longest line that is kept, in bytes; the rest of a longer one is dropped and counted.
pub(super) const LONGEST_LINE: usize = 8 * 1024;

/// The line by which a part says that it does what it is there for.
const READY: &str = "ready";

/// What a part said in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// That it is ready.
    Ready,
    /// Anything else: fit for a terminal, without the line's end.
    Text(String),
}

/// Bytes in, lines out.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    dropped: usize,
}

impl Lines {
    /// Takes the next bytes and gives each line that ends in them to `each`.
    pub(super) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Said)) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let kept = text.len().min(LONGEST_LINE - self.line.len());
            self.line.extend_from_slice(&text[..kept]);
            self.dropped += text.len() - kept;
            if ends {
                each(self.take());
            }
        }
    }

    /// What stands after the last newline, once no more bytes will come.
    pub(super) fn finish(mut self) -> Option<Said> {
        (!self.line.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Said {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let mut text = printable(&String::from_utf8_lossy(line));
        let dropped = std::mem::take(&mut self.dropped);
        self.line.clear();
        if dropped > 0 {
            text.push_str(&format!(" ... ({dropped} more bytes)"));
        }
        if text == READY { Said::Ready } else { Said::Text(text) }
    }
}

/// Escapes what would move the cursor, ring the bell or change the terminal's state: bytes of a crashing
/// part must not garble the lines of the others.
fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_control() && c != '\t' {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that comes of the bytes when they arrive `at_once` at a time.
    fn said(bytes: &[u8], at_once: usize) -> Vec<Said> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for piece in bytes.chunks(at_once) {
            lines.push(piece, |said| all.push(said));
            assert!(lines.line.capacity() <= 2 * LONGEST_LINE, "memory is bounded");
        }
        all.extend(lines.finish());
        all
    }

    fn text(text: &str) -> Said {
        Said::Text(text.to_owned())
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        let cases: [(&[u8], Vec<Said>); 8] = [
            (b"", vec![]),
            (b"one\ntwo\r\n\nthree", vec![text("one"), text("two"), text(""), text("three")]),
            (b"ready\n", vec![Said::Ready]),
            (b"ready", vec![Said::Ready]),
            (b"not ready\nready now\n ready\n", vec![text("not ready"), text("ready now"), text(" ready")]),
            (b"a\xff\xfeb\n", vec![text("a\u{fffd}\u{fffd}b")]),
            ("Gerät \u{2192} läuft\n".as_bytes(), vec![text("Gerät \u{2192} läuft")]),
            (b"\x1b[2Jgone\x07\tkept\0\n", vec![text("\\u{1b}[2Jgone\\u{7}\tkept\\u{0}")]),
        ];
        for (bytes, expected) in cases {
            for at_once in [1, 2, 3, 7, 100] {
                assert_eq!(said(bytes, at_once), expected, "{bytes:?} by {at_once}");
            }
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_counted() {
        let mut bytes = vec![b'x'; LONGEST_LINE + 1000];
        bytes.extend_from_slice(b"\nnext\n");
        for at_once in [1, 4096, 100_000] {
            let all = said(&bytes, at_once);
            assert_eq!(all.len(), 2);
            let Said::Text(cut) = &all[0] else { panic!("{all:?}") };
            assert!(cut.starts_with("xxx") && cut.ends_with("x ... (1000 more bytes)"));
            assert_eq!(all[1], text("next"));
        }
    }
}
