//! The least that a cycle can cost on these ports: the same bytes moved, and nothing understood.

use std::time::Duration;

use firmware_bridge::bridge::MotorBridge;
use firmware_bridge::port::{BusDriver, BusPort, SerialPort};
use robot_interface::joints::JOINTS;
use robot_interface::time::Stamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use stack::realtime::monotonic;

/// Greatest number of buses: a robot has no more than joints.
const MAX_BUSES: usize = JOINTS;

/// Sends each motor's command once the bytes of the answer before have come, whatever they are.
pub(crate) struct Baseline {
    lines: Vec<Line>,
}

struct Line {
    frames: Vec<Vec<u8>>,
    /// Length of an answer, bytes.
    answer_len: usize,
    sent: usize,
    missing: usize,
}

impl Baseline {
    /// Sends what a bridge sends when it reads. `None` for Adit's own link, which has no such baseline: a device answers
    /// each frame once, so whoever moves bytes there has to make new ones, which is the link's own work.
    pub(crate) fn new(bridge: &MotorBridge) -> Option<Self> {
        let answer_len = bridge.reply_len()?;
        let mut bridge = bridge.clone();
        let buses = bridge.buses();
        bridge.begin_reading(Stamp::ZERO);
        let mut frames = |bus| {
            let mut frames = Vec::new();
            let mut now = Stamp::ZERO;
            while let Some(frame) = bridge.poll_transmit(bus, now) {
                frames.push(frame.to_vec());
                // Nobody answers, and the next one is asked.
                now = bridge.poll_timeout().unwrap_or(now);
                bridge.handle_timeout(now);
            }
            frames
        };
        let line = |bus| Line { frames: frames(bus), answer_len, sent: 0, missing: 0 };
        Some(Self { lines: (0..buses).map(line).collect() })
    }

    /// One cycle; when it was over, and how many answers did not come before `limit`.
    pub(crate) fn cycle(
        &mut self,
        driver: &mut BusDriver<SerialPort>,
        begun: Stamp,
        limit: Stamp,
    ) -> (Stamp, usize) {
        for (line, port) in self.lines.iter_mut().zip(driver.ports_mut()) {
            (line.sent, line.missing) = (0, 0);
            line.send(port);
        }
        let mut now = begun;
        loop {
            let left = self.lines.iter().map(Line::left).sum();
            if left == 0 || now >= limit {
                return (now, left);
            }
            let ready = wait(driver, limit.nanos() - now.nanos());
            for ((line, port), ready) in self.lines.iter_mut().zip(driver.ports_mut()).zip(ready) {
                if ready {
                    line.receive(port);
                }
            }
            now = monotonic();
        }
    }
}

impl Line {
    /// Motors that have not answered.
    fn left(&self) -> usize {
        self.frames.len() - self.sent + usize::from(self.missing > 0)
    }

    fn send(&mut self, port: &mut SerialPort) {
        let Some(frame) = self.frames.get(self.sent) else { return };
        // What cannot be sent is not answered, and counted as that.
        let _ = port.write(frame);
        (self.sent, self.missing) = (self.sent + 1, self.answer_len);
    }

    fn receive(&mut self, port: &mut SerialPort) {
        let mut buffer = [0; 256];
        let count = port.read(&mut buffer).unwrap_or(0);
        if self.missing > 0 {
            self.missing = self.missing.saturating_sub(count);
            if self.missing == 0 {
                self.send(port);
            }
        }
    }
}

/// Waits for ports that have bytes to read, at most so many ns.
fn wait(driver: &BusDriver<SerialPort>, nanos: u64) -> [bool; MAX_BUSES] {
    let mut ready = [false; MAX_BUSES];
    let mut ports = driver.ports().filter_map(BusPort::descriptor);
    let Some(first) = ports.next() else { return ready };
    let mut waiting: [PollFd<'_>; MAX_BUSES] =
        std::array::from_fn(|_| PollFd::from_borrowed_fd(first, PollFlags::IN));
    let mut count = 1;
    for (place, port) in waiting[1..].iter_mut().zip(ports) {
        *place = PollFd::from_borrowed_fd(port, PollFlags::IN);
        count += 1;
    }
    let timeout = Timespec::try_from(Duration::from_nanos(nanos)).ok();
    if poll(&mut waiting[..count], timeout.as_ref()).is_ok() {
        for (ready, fd) in ready.iter_mut().zip(&waiting[..count]) {
            *ready = fd.revents().contains(PollFlags::IN);
        }
    }
    ready
}
