//! Two ports joined in memory, for a simulated bus and for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use super::bus_port::{BusPort, PortError};

/// Bytes that may be under way in each direction.
pub const LOOPBACK_CAPACITY: usize = 8192;

/// One end of a pair; what is written to it is read from the other. The ends may live on two threads:
/// neither locks, waits or allocates.
#[derive(Debug)]
pub struct Loopback {
    to_peer: Arc<Pipe>,
    from_peer: Arc<Pipe>,
}

/// Two joined ends.
pub fn loopback() -> (Loopback, Loopback) {
    let (there, back) = (Arc::new(Pipe::new()), Arc::new(Pipe::new()));
    (
        Loopback { to_peer: Arc::clone(&there), from_peer: Arc::clone(&back) },
        Loopback { to_peer: back, from_peer: there },
    )
}

/// The writing half of an end.
#[derive(Debug)]
pub struct LoopbackWriter(Arc<Pipe>);

/// The reading half of an end.
#[derive(Debug)]
pub struct LoopbackReader(Arc<Pipe>);

impl Loopback {
    /// The two halves, for two threads. An end counts as gone once both are.
    pub fn split(self) -> (LoopbackReader, LoopbackWriter) {
        (LoopbackReader(self.from_peer), LoopbackWriter(self.to_peer))
    }
}

impl LoopbackWriter {
    /// Sends all of `bytes`, or none of them.
    ///
    /// # Errors
    /// [`PortError::Full`] if nobody takes them away.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.0.write(bytes)
    }
}

impl LoopbackReader {
    /// Takes what has arrived, up to the length of `buffer`; 0 if nothing has.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        self.0.read(buffer)
    }
}

impl BusPort for Loopback {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        if Arc::strong_count(&self.to_peer) < 2 {
            return Err(PortError::Closed);
        }
        self.to_peer.write(bytes)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        // The count comes first: what the peer wrote before it went is then surely seen.
        let closed = Arc::strong_count(&self.from_peer) < 2;
        match self.from_peer.read(buffer) {
            0 if closed && !buffer.is_empty() => Err(PortError::Closed),
            count => Ok(count),
        }
    }
}

/// A ring with one writer and one reader, which [`Loopback`] sees to: its ends are not `Clone`, and both
/// calls take `&mut self`.
#[derive(Debug)]
struct Pipe {
    bytes: [AtomicU8; LOOPBACK_CAPACITY],
    /// Bytes written since the start; only the writer moves it.
    written: AtomicUsize,
    /// Bytes read since the start; only the reader moves it.
    taken: AtomicUsize,
}

impl Pipe {
    const fn new() -> Self {
        Self {
            bytes: [const { AtomicU8::new(0) }; LOOPBACK_CAPACITY],
            written: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<(), PortError> {
        let start = self.written.load(Ordering::Relaxed);
        let under_way = start.wrapping_sub(self.taken.load(Ordering::Acquire));
        if bytes.len() > LOOPBACK_CAPACITY - under_way {
            return Err(PortError::Full);
        }
        for (i, &byte) in bytes.iter().enumerate() {
            self.bytes[start.wrapping_add(i) % LOOPBACK_CAPACITY].store(byte, Ordering::Relaxed);
        }
        self.written.store(start.wrapping_add(bytes.len()), Ordering::Release);
        Ok(())
    }

    fn read(&self, buffer: &mut [u8]) -> usize {
        let start = self.taken.load(Ordering::Relaxed);
        let under_way = self.written.load(Ordering::Acquire).wrapping_sub(start);
        let count = under_way.min(buffer.len());
        for (i, slot) in buffer[..count].iter_mut().enumerate() {
            *slot = self.bytes[start.wrapping_add(i) % LOOPBACK_CAPACITY].load(Ordering::Relaxed);
        }
        self.taken.store(start.wrapping_add(count), Ordering::Release);
        count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_pipe_takes_nothing_of_what_does_not_fit() {
        let (mut a, mut b) = loopback();
        a.write(&[7; LOOPBACK_CAPACITY - 1]).expect("fits");
        assert_eq!(a.write(&[1, 2]), Err(PortError::Full));
        a.write(&[3]).expect("fits exactly");
        let mut all = [0; LOOPBACK_CAPACITY + 1];
        assert_eq!(b.read(&mut all), Ok(LOOPBACK_CAPACITY));
        assert_eq!(all[LOOPBACK_CAPACITY - 2..LOOPBACK_CAPACITY], [7, 3]);
    }

    #[test]
    fn what_was_written_before_the_end_went_is_still_read() {
        let (mut a, b) = loopback();
        let mut b = b;
        b.write(&[1, 2, 3]).expect("fits");
        drop(b);
        let mut buffer = [0; 8];
        assert_eq!(a.read(&mut buffer), Ok(3));
        assert_eq!(a.read(&mut buffer), Err(PortError::Closed));
        assert_eq!(a.write(&[1]), Err(PortError::Closed));
    }

    #[test]
    fn two_threads_keep_the_order() {
        let (mut a, mut b) = loopback();
        let writer = std::thread::spawn(move || {
            for chunk in (0..100_000_u32).map(u32::to_le_bytes) {
                while a.write(&chunk) == Err(PortError::Full) {
                    std::thread::yield_now();
                }
            }
        });
        let mut expected = 0_u32;
        let mut bytes = Vec::new();
        while expected < 100_000 {
            let mut buffer = [0; 64];
            let count = b.read(&mut buffer).unwrap_or(0);
            bytes.extend_from_slice(&buffer[..count]);
            let whole = bytes.len() / 4 * 4;
            for word in bytes.drain(..whole).collect::<Vec<_>>().chunks_exact(4) {
                assert_eq!(u32::from_le_bytes(word.try_into().expect("four bytes")), expected);
                expected += 1;
            }
            std::thread::yield_now();
        }
        writer.join().expect("the writer ends");
    }

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(chunks in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..400), 0_usize..400), 0..40)) {
            let (mut a, mut b) = loopback();
            let (mut sent, mut seen) = (Vec::new(), Vec::new());
            for (chunk, take) in chunks {
                if a.write(&chunk).is_ok() {
                    sent.extend(chunk);
                }
                let mut buffer = vec![0; take];
                let count = b.read(&mut buffer).expect("open");
                seen.extend_from_slice(&buffer[..count]);
            }
            let mut rest = [0; LOOPBACK_CAPACITY];
            let count = b.read(&mut rest).expect("open");
            seen.extend_from_slice(&rest[..count]);
            prop_assert_eq!(sent, seen);
        }
    }
}
