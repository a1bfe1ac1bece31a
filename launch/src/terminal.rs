//! The one place that prints. What standard output does not take is no reason to stop: a run goes on, and its files are
//! written.
//!
//! | standard output   | what follows is                    | the command says                       |
//! |-------------------|------------------------------------|----------------------------------------|
//! | takes everything  | printed                            |                                        |
//! | is a closed pipe  | dropped: its reader has seen enough, as `head` has | nothing                |
//! | fails (disk full) | dropped                            | the error, at its end, and exit code 1 |
//!
//! A failure of standard error has nobody left to tell, and is dropped. The macros `println!` and `eprintln!` panic instead;
//! clippy denies them.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// State of standard output.
enum State {
    Open,
    /// Nobody reads it any more.
    Closed,
    /// It could not be written, and that has not been said yet.
    Failed(io::Error),
}

static STATE: Mutex<State> = Mutex::new(State::Open);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints to standard output. Returns false once that takes no more.
pub(crate) fn print(text: impl Display) -> bool {
    if !matches!(*state(), State::Open) {
        return false;
    }
    // One write a text, so that a line is whole for whoever reads it.
    let mut out = Stdout;
    out.write_all(text.to_string().as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Prints a line to standard output.
pub(crate) fn print_line(text: impl Display) {
    print(format_args!("{text}\n"));
}

/// Prints to standard error.
pub(crate) fn eprint(text: impl Display) {
    let _ = io::stderr().lock().write_all(text.to_string().as_bytes());
}

/// Prints a line to standard error.
pub(crate) fn eprint_line(text: impl Display) {
    eprint(format_args!("{text}\n"));
}

/// Takes the error for which standard output is not complete; a closed pipe is none.
pub(crate) fn take_failure() -> Option<io::Error> {
    let mut state = state();
    match std::mem::replace(&mut *state, State::Closed) {
        State::Failed(error) => Some(error),
        before => {
            *state = before;
            None
        }
    }
}

/// Standard output, for what is written in a stream. Its errors are returned, so that a stream without end can stop, and
/// remembered.
pub(crate) struct Stdout;

impl Stdout {
    fn remember<T>(result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            let failed = match error.kind() {
                // A signal came in between: whoever writes tries again.
                io::ErrorKind::Interrupted => return,
                io::ErrorKind::BrokenPipe => State::Closed,
                // Errors cannot be copied, and this one is the caller's.
                kind => State::Failed(error.raw_os_error().map_or(kind.into(), io::Error::from_raw_os_error)),
            };
            *state() = failed;
        })
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::remember(io::stdout().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Self::remember(io::stdout().lock().flush())
    }
}
