//! Failure of a recording: said in the log and to whoever watches, while the run goes on.

use recording::RecordError;

use super::observer::Observer;

/// Failure that the observer has not been told of yet.
#[derive(Debug, Default)]
pub(super) struct RecordingFailure {
    untold: Option<String>,
}

impl RecordingFailure {
    /// Logs what could not be recorded, and keeps what ends the recording.
    pub(super) fn handle(&mut self, written: Result<(), RecordError>) {
        let Err(error) = written else { return };
        tracing::warn!("recording: {error}");
        if matches!(error, RecordError::Write(_)) {
            self.untold = Some(error.to_string());
        }
    }

    /// Tells the observer, once.
    pub(super) fn tell(&mut self, observer: &mut dyn Observer) {
        if let Some(text) = self.untold.take() {
            observer.warn(&text);
        }
    }
}
