//! Protection against a pulled plug: brings what was saved from the system's memory to the disk.
//!
//! A kill loses nothing that was written, a power cut all that the system had not brought to the disk, which
//! by itself waits half a minute. Waiting for a slow disk would cost messages, so a thread does it; while it
//! waits, further requests are one request. A cut between two is a save torn in its middle, see
//! [`super::repair`].

use std::fs::File;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// The thread ends when this is dropped, after what was asked for last.
pub(super) struct Syncer {
    requests: SyncSender<()>,
}

impl Syncer {
    pub(super) fn start(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let (requests, asked) = sync_channel(1);
        thread::Builder::new().name("record-sync".to_owned()).spawn(move || {
            while asked.recv().is_ok() {
                if let Err(error) = file.sync_data() {
                    tracing::warn!(
                        "recording: cannot bring it to the disk ({error}); check the disk it is on"
                    );
                    break;
                }
            }
        })?;
        Ok(Self { requests })
    }

    /// Asks for it, and goes on.
    pub(super) fn sync(&self) {
        // Full: it will be done with the request before. Gone: that was said.
        let _ = self.requests.try_send(());
    }
}
