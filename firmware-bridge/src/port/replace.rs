//! A port that another thread can replace while it is used.
//!
//! Opening and closing a device may wait and allocate; the real-time thread must do neither. So it keeps a
//! [`Replaceable`], and a helper thread keeps the [`Replacer`]: a failed port goes out through one ring of
//! fixed size, a newly opened one comes in through another. Neither side locks or waits for the other.

use std::os::fd::BorrowedFd;

use robot_interface::time::Stamp;
use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::bus_port::{BusPort, PortError};

/// The first try to open a port again, after it failed, ns.
const FIRST_RETRY_NANOS: u64 = 100_000_000;
/// The longest time between two tries, ns: somebody plugs the adapter in and wants it to go on.
const LONGEST_RETRY_NANOS: u64 = 2_000_000_000;

/// A port that is not there yet, and the two sides of it.
///
/// The first port is handed over in the same way as those after it, so that a bus may be absent at the start.
pub fn replaceable<P>() -> (Replaceable<P>, Replacer<P>) {
    // There is one port at a time: in use, on its way in, or on its way out.
    let (incoming, arrivals) = RingBuffer::new(1);
    let (departures, outgoing) = RingBuffer::new(1);
    (
        Replaceable { port: None, arrivals, departures },
        Replacer { incoming, outgoing, wanted: Some(Wanted::first()) },
    )
}

/// The real-time side: [`PortError::Closed`] while there is no port.
#[derive(Debug)]
pub struct Replaceable<P> {
    port: Option<P>,
    arrivals: Consumer<P>,
    departures: Producer<P>,
}

impl<P> Replaceable<P> {
    /// Returns whether there is a port, as far as is known without using it.
    pub const fn is_present(&self) -> bool {
        self.port.is_some()
    }
}

impl<P: BusPort> Replaceable<P> {
    fn on_port<T>(&mut self, call: impl FnOnce(&mut P) -> Result<T, PortError>) -> Result<T, PortError> {
        if self.port.is_none() {
            self.port = self.arrivals.pop().ok();
        }
        let port = self.port.as_mut().ok_or(PortError::Closed)?;
        let result = call(port);
        if matches!(result, Err(PortError::Closed | PortError::Io(_)))
            && let Some(failed) = self.port.take()
            && let Err(PushError::Full(failed)) = self.departures.push(failed)
        {
            // Kept rather than dropped here, which would close it. It fails again and leaves then.
            self.port = Some(failed);
        }
        result
    }
}

impl<P: BusPort> BusPort for Replaceable<P> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.on_port(|port| port.write(bytes))
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.on_port(|port| port.read(buffer))
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.port.as_ref()?.descriptor()
    }
}

/// The helper's side: closes what failed, and says when to open anew.
#[derive(Debug)]
pub struct Replacer<P> {
    incoming: Producer<P>,
    outgoing: Consumer<P>,
    /// `None` while a port is in use or on its way.
    wanted: Option<Wanted>,
}

/// Time of the next try, and the pause after it if it fails.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    not_before: Option<Stamp>,
    retry_nanos: u64,
}

impl Wanted {
    const fn first() -> Self {
        Self { not_before: None, retry_nanos: FIRST_RETRY_NANOS }
    }
}

impl<P> Replacer<P> {
    /// Call it ten times a second or so. Closes a port that failed, and calls `open` if one is missing and it
    /// is time to try: at once the first time, then after 0.1 s, and twice as long each time, up to 2 s.
    /// `None` if there was nothing to do.
    ///
    /// # Errors
    /// `Some` of what `open` said, for the caller to tell the operator.
    pub fn poll<E>(&mut self, now: Stamp, open: impl FnOnce() -> Result<P, E>) -> Option<Result<(), E>> {
        if let Ok(failed) = self.outgoing.pop() {
            drop(failed);
            // A port that opens and fails at once is not to be opened in a tight loop.
            let not_before = Some(now.plus_nanos(FIRST_RETRY_NANOS));
            self.wanted = Some(Wanted { not_before, ..Wanted::first() });
        }
        let wanted = self.wanted?;
        if wanted.not_before.is_some_and(|at| now < at) {
            return None;
        }
        Some(match open() {
            Ok(port) => {
                // Nothing else is on its way: a port is wanted only after the last one came back.
                if self.incoming.push(port).is_ok() {
                    self.wanted = None;
                }
                Ok(())
            }
            Err(error) => {
                self.wanted = Some(Wanted {
                    not_before: Some(now.plus_nanos(wanted.retry_nanos)),
                    retry_nanos: (2 * wanted.retry_nanos).min(LONGEST_RETRY_NANOS),
                });
                Err(error)
            }
        })
    }

    /// Returns whether a port is missing and being tried for.
    pub const fn is_wanted(&self) -> bool {
        self.wanted.is_some()
    }
}
