//! A port of the control loop whose messages are samples of two DDS topics. The loop neither waits nor allocates: it hands bytes over
//! through a ring to a thread, and takes what another one has put into a ring.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use adit_dds::{Participant, Publication, Sample, Subscription};
use firmware_bridge::port::{BusPort, Loopback, LoopbackReader, PortError, loopback};
use stack::realtime::{CONTROL_PRIORITY, prioritise};

use super::error::LinkError;
use super::second_master::SecondMaster;
use super::topics::Topic;

/// Longest sleep of the publisher's thread: it is woken by each sample.
const LONGEST_SLEEP: Duration = Duration::from_millis(20);

/// Counts of what went over a link.
#[derive(Debug, Default)]
pub(crate) struct SampleCounts {
    /// Samples handed to DDS.
    pub(crate) sent: AtomicU64,
    /// Samples that a newer one overtook before they were handed to DDS.
    pub(crate) late: AtomicU64,
    /// Samples that DDS did not take.
    pub(crate) refused: AtomicU64,
    /// Samples that came.
    pub(crate) received: AtomicU64,
    /// Samples that came and found no room: the loop is late.
    pub(crate) dropped: AtomicU64,
}

/// [`SampleCounts`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SampleSnapshot {
    pub(crate) sent: u64,
    pub(crate) late: u64,
    pub(crate) received: u64,
    pub(crate) dropped: u64,
}

impl SampleCounts {
    pub(crate) fn snapshot(&self) -> SampleSnapshot {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SampleSnapshot {
            sent: load(&self.sent),
            late: load(&self.late),
            received: load(&self.received),
            dropped: load(&self.dropped),
        }
    }
}

impl SampleSnapshot {
    /// What was counted since an earlier moment.
    pub(crate) const fn since(&self, before: &Self) -> Self {
        Self {
            sent: self.sent - before.sent,
            late: self.late - before.late,
            received: self.received - before.received,
            dropped: self.dropped - before.dropped,
        }
    }
}

/// The loop's end of a link.
#[derive(Debug)]
pub(crate) struct SamplePort {
    ring: Loopback,
    publisher: Thread,
    master: Option<Arc<SecondMaster>>,
}

impl BusPort for SamplePort {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        if self.master.as_ref().is_some_and(|master| master.is_there()) {
            return Err(PortError::Taken);
        }
        self.ring.write(bytes)?;
        self.publisher.unpark();
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.ring.read(buffer)
    }
}

/// What moves the samples, until it is dropped.
pub(crate) struct SampleLink {
    pub(crate) participant: Participant,
    pub(crate) counts: Arc<SampleCounts>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _subscription: Subscription,
}

impl SampleLink {
    /// Sends samples of one topic, each of them `sample_len` bytes, and receives those of another. With `master` nothing is sent once
    /// that has seen somebody else.
    pub(crate) fn start(
        participant: &Participant,
        send: Topic,
        sample_len: usize,
        receive: Topic,
        master: Option<Arc<SecondMaster>>,
    ) -> Result<(SamplePort, Self), LinkError> {
        let (ring, far) = loopback();
        let (outgoing, mut incoming) = far.split();
        let counts = Arc::<SampleCounts>::default();
        let publication = participant.publish(send.name, send.type_name)?;
        let theirs = Arc::clone(&counts);
        let subscription =
            participant.subscribe(receive.name, receive.type_name, move |Sample { bytes, .. }| {
                let taken = incoming.write(&bytes);
                let count = if taken.is_ok() { &theirs.received } else { &theirs.dropped };
                count.fetch_add(1, Ordering::Relaxed);
            })?;
        let ended = Arc::new(AtomicBool::new(false));
        let (end, ours) = (Arc::clone(&ended), Arc::clone(&counts));
        let thread = std::thread::Builder::new()
            .name(format!("publish {}", send.name))
            .spawn(move || {
                // Below the loop's, above everything else: without it commands wait behind ordinary work.
                if let Err(warning) = prioritise(CONTROL_PRIORITY - 1) {
                    tracing::debug!("{warning}");
                }
                publish(outgoing, &publication, sample_len, &ours, &end);
            })
            .map_err(LinkError::Thread)?;
        let publisher = thread.thread().clone();
        let link = Self {
            participant: participant.clone(),
            counts,
            ended,
            thread: Some(thread),
            _subscription: subscription,
        };
        Ok((SamplePort { ring, publisher, master }, link))
    }
}

impl Drop for SampleLink {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// Hands the newest sample to DDS whenever there is one, and what is left at the end: the last that motors are told is to damp.
fn publish(
    mut outgoing: LoopbackReader,
    publication: &Publication,
    sample_len: usize,
    counts: &SampleCounts,
    ended: &AtomicBool,
) {
    let mut sample = vec![0; sample_len];
    loop {
        let is_last = ended.load(Ordering::Relaxed);
        let mut found = 0;
        // Samples are written whole, one by one.
        while outgoing.read(&mut sample) == sample_len {
            found += 1;
        }
        if found > 0 {
            counts.late.fetch_add(found - 1, Ordering::Relaxed);
            let count = match publication.write(&sample) {
                Ok(()) => &counts.sent,
                Err(why) => {
                    tracing::debug!("{why}");
                    &counts.refused
                }
            };
            count.fetch_add(1, Ordering::Relaxed);
        } else if is_last {
            return;
        } else {
            std::thread::park_timeout(LONGEST_SLEEP);
        }
    }
}
