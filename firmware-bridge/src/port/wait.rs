//! Sleeps until bytes arrive, in one system call for all the ports.

use std::time::Duration;

use robot_interface::joints::JOINTS;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::bus_port::BusPort;

/// Greatest number of ports waited on at once: a robot has no more buses than joints.
const MAX_PORTS: usize = JOINTS;

/// Sleeps until one of the ports has bytes to read, but no longer than `timeout`; whether one has. Ports beyond
/// the twelfth, and those without a [descriptor](BusPort::descriptor), are not looked at; of a port whose other
/// end is gone it returns at once. Does not allocate.
pub fn wait_readable<'a, P: BusPort + 'a>(ports: impl IntoIterator<Item = &'a P>, timeout: Duration) -> bool {
    let mut ports = ports.into_iter().filter_map(BusPort::descriptor);
    let Some(first) = ports.next() else { return false };
    let mut waiting: [PollFd<'_>; MAX_PORTS] =
        std::array::from_fn(|_| PollFd::from_borrowed_fd(first, PollFlags::IN));
    let mut count = 1;
    for (place, port) in waiting[1..].iter_mut().zip(ports) {
        *place = PollFd::from_borrowed_fd(port, PollFlags::IN);
        count += 1;
    }
    let waiting = &mut waiting[..count];
    let timeout = Timespec::try_from(timeout).ok();
    // A signal ends the sleep early, which callers expect anyway.
    poll(waiting, timeout.as_ref()).is_ok() && waiting.iter().any(|fd| fd.revents().contains(PollFlags::IN))
}
