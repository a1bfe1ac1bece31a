//! Splitter of a process's output into lines, whatever it writes: without end, without a newline, not UTF-8.
//!
//! It does what a reader of lines from a library does not: memory is bounded, and bytes that are no text are no error.

/// Longest line that is kept, in bytes; the rest of a longer one is dropped and counted.
pub(super) const MAX_LINE_BYTES: usize = 8 * 1024;

/// Line by which a process says that it does what it is there for.
const READY: &str = "ready";

/// Line that a process wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OutputLine {
    /// It is ready.
    Ready,
    /// Anything else: fit for a terminal, without the line's end.
    Text(String),
}

/// Splitter of bytes into lines.
#[derive(Debug)]
pub(super) struct LineSplitter {
    /// The line `ready` means [`OutputLine::Ready`].
    announces_ready: bool,
    line: Vec<u8>,
    dropped: usize,
}

impl LineSplitter {
    /// Creates a splitter of standard output.
    pub(super) fn for_stdout() -> Self {
        Self { announces_ready: true, line: Vec::new(), dropped: 0 }
    }

    /// Creates a splitter of standard error, where `ready` is a word like any other.
    pub(super) fn for_stderr() -> Self {
        Self { announces_ready: false, ..Self::for_stdout() }
    }

    /// Takes the next bytes and returns the lines that end in them.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<OutputLine> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let kept = text.len().min(MAX_LINE_BYTES - self.line.len());
            self.line.extend_from_slice(&text[..kept]);
            self.dropped += text.len() - kept;
            if ends {
                lines.push(self.take());
            }
        }
        lines
    }

    /// Returns the text after the last newline, once no more bytes will come.
    pub(super) fn finish(mut self) -> Option<OutputLine> {
        (!self.line.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> OutputLine {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let mut text = printable(&String::from_utf8_lossy(line));
        let dropped = std::mem::take(&mut self.dropped);
        self.line.clear();
        if dropped > 0 {
            text.push_str(&format!(" ... ({dropped} more bytes)"));
        }
        if self.announces_ready && text == READY { OutputLine::Ready } else { OutputLine::Text(text) }
    }
}

/// Escapes what would move the cursor, ring the bell or change the terminal's state: bytes of a crashing
/// process must not garble the lines of the others.
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

    /// Returns all lines of standard output when its bytes arrive `at_once` at a time.
    fn split(bytes: &[u8], at_once: usize) -> Vec<OutputLine> {
        let mut lines = LineSplitter::for_stdout();
        let mut all = Vec::new();
        for piece in bytes.chunks(at_once) {
            all.extend(lines.push(piece));
            assert!(lines.line.capacity() <= 2 * MAX_LINE_BYTES, "memory is bounded");
        }
        all.extend(lines.finish());
        all
    }

    fn text(text: &str) -> OutputLine {
        OutputLine::Text(text.to_owned())
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        let cases: [(&[u8], Vec<OutputLine>); 8] = [
            (b"", vec![]),
            (b"one\ntwo\r\n\nthree", vec![text("one"), text("two"), text(""), text("three")]),
            (b"ready\n", vec![OutputLine::Ready]),
            (b"ready", vec![OutputLine::Ready]),
            (b"not ready\nready now\n ready\n", vec![text("not ready"), text("ready now"), text(" ready")]),
            (b"a\xff\xfeb\n", vec![text("a\u{fffd}\u{fffd}b")]),
            ("Gerät \u{2192} läuft\n".as_bytes(), vec![text("Gerät \u{2192} läuft")]),
            (b"\x1b[2Jgone\x07\tkept\0\n", vec![text("\\u{1b}[2Jgone\\u{7}\tkept\\u{0}")]),
        ];
        for (bytes, expected) in cases {
            for at_once in [1, 2, 3, 7, 100] {
                assert_eq!(split(bytes, at_once), expected, "{bytes:?} by {at_once}");
            }
        }
    }

    #[test]
    fn standard_error_promises_nothing() {
        assert_eq!(LineSplitter::for_stderr().push(b"ready\n"), [text("ready")]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_counted() {
        let mut bytes = vec![b'x'; MAX_LINE_BYTES + 1000];
        bytes.extend_from_slice(b"\nnext\n");
        for at_once in [1, 4096, 100_000] {
            let all = split(&bytes, at_once);
            assert_eq!(all.len(), 2);
            let OutputLine::Text(cut) = &all[0] else { panic!("{all:?}") };
            assert!(cut.starts_with("xxx") && cut.ends_with("x ... (1000 more bytes)"));
            assert_eq!(all[1], text("next"));
        }
    }
}
