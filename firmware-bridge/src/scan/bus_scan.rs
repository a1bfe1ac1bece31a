//! The order and the time of a scan.

use robot_interface::time::Stamp;

use super::probe::{Device, Probe, ProbeResult};
use super::protocols::Protocol;

/// An id under which something spoke that could not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// The id that was asked.
    pub id: u8,
    /// Bytes that came.
    pub bytes: usize,
}

/// Time after an answer for which another one in the same name is waited for, ns.
const SECOND_ANSWER_NANOS: u64 = 3_000_000;

/// One protocol's ids on one port at one rate.
pub struct Scan {
    probe: Box<dyn Probe + Send>,
    ids: std::ops::RangeInclusive<u8>,
    count: usize,
    budget_nanos: u64,
    /// The id that is being asked, and the number of the question.
    asked: Option<(u8, usize)>,
    deadline: Stamp,
    sent: Vec<u8>,
    /// Number of the bytes sent that have come back.
    echoed: usize,
    result: ProbeResult,
    bytes: usize,
    done: usize,
    found: Vec<Device>,
    unclear: Vec<Unclear>,
    echoes: u64,
    questions: u64,
}

impl Scan {
    /// A scan that waits so long for each answer, ns: the bytes' time on the line, the motor's and the adapter's
    /// delay.
    pub fn new(protocol: Protocol, budget_nanos: u64) -> Self {
        let ids = protocol.ids();
        Self {
            probe: protocol.probe(budget_nanos),
            count: ids.len(),
            ids,
            budget_nanos,
            asked: None,
            deadline: Stamp::ZERO,
            sent: Vec::new(),
            echoed: 0,
            result: ProbeResult::default(),
            bytes: 0,
            done: 0,
            found: Vec::new(),
            unclear: Vec::new(),
            echoes: 0,
            questions: 0,
        }
    }

    /// The next question to send, if it is time: the wait for the last answer is over. `None` too once all have been asked.
    pub fn poll_transmit(&mut self, now: Stamp) -> Option<&[u8]> {
        if self.asked.is_some() && now < self.deadline {
            return None;
        }
        let following = self.conclude().and_then(|(id, n)| {
            let known = self.found.last()?;
            Some((id, n, self.probe.question(now, id, n, known)?))
        });
        let (id, n, question) = match following {
            Some(following) => following,
            None => {
                self.done += usize::from(self.asked.take().is_some());
                self.found.append(&mut self.probe.others());
                let id = self.ids.next()?;
                (id, 0, self.probe.question(now, id, 0, &Device { id, ..Device::default() })?)
            }
        };
        self.asked = Some((id, n));
        (self.sent, self.echoed, self.bytes) = (question, 0, 0);
        self.questions += 1;
        let known = if n == 0 { None } else { self.found.last().cloned() };
        self.result = ProbeResult { answers: 0, device: known.unwrap_or(Device { id, ..Device::default() }) };
        self.deadline = now.plus_nanos(self.budget_nanos);
        Some(&self.sent)
    }

    /// Takes bytes that came.
    pub fn handle_bytes(&mut self, now: Stamp, mut bytes: &[u8]) {
        let Some((id, _)) = self.asked else { return };
        let rest = self.sent.get(self.echoed..).unwrap_or_default();
        // An echo is the first that comes, and whole.
        let same = rest.iter().zip(bytes).take_while(|(sent, came)| sent == came).count();
        if self.bytes == 0 && !rest.is_empty() && (same == bytes.len() || same == rest.len()) {
            self.echoed += same;
            bytes = &bytes[same..];
            self.echoes += u64::from(self.echoed == self.sent.len());
        } else if self.bytes == 0 && self.echoed > 0 && !rest.is_empty() {
            // It only began like one.
            let began = self.sent[..self.echoed].to_vec();
            self.take(now, id, &began);
        }
        if !bytes.is_empty() {
            self.take(now, id, bytes);
        }
    }

    /// Time at which [`poll_transmit`](Self::poll_transmit) is next due.
    pub fn poll_timeout(&self) -> Option<Stamp> {
        self.asked.map(|_| self.deadline)
    }

    /// Every id has been asked, and has answered or let its time run out.
    pub fn is_complete(&self) -> bool {
        self.done == self.count
    }

    /// Ids asked so far, and how many there are.
    pub const fn progress(&self) -> (usize, usize) {
        (self.done, self.count)
    }

    /// The devices that answered, in the order of their ids.
    pub fn found(&self) -> &[Device] {
        &self.found
    }

    /// The ids under which something spoke that could not be understood: several motors under one id that speak at once, or
    /// another rate.
    pub fn unclear(&self) -> &[Unclear] {
        &self.unclear
    }

    /// Questions that came back whole before their answer, of all that were asked.
    pub const fn echoes(&self) -> (u64, u64) {
        (self.echoes, self.questions)
    }

    fn take(&mut self, now: Stamp, id: u8, bytes: &[u8]) {
        self.bytes += bytes.len();
        let answers = self.result.answers;
        self.probe.handle_bytes(now, id, bytes, &mut self.result);
        if self.result.answers > answers {
            self.deadline = self.deadline.min(now.plus_nanos(SECOND_ANSWER_NANOS));
        }
    }

    /// Keeps what the last question has brought; the next question's place if there was an answer.
    fn conclude(&mut self) -> Option<(u8, usize)> {
        let (id, n) = self.asked?;
        let result = std::mem::take(&mut self.result);
        if result.answers == 0 {
            // A motor that answered the question before stays found.
            if n == 0 && self.bytes > 0 {
                self.unclear.push(Unclear { id, bytes: self.bytes });
            }
            return (n > 0).then_some((id, n + 1));
        }
        let before = if n > 0 { self.found.pop().map_or(0, |known| known.answers) } else { 0 };
        self.found.push(Device { answers: result.answers.max(before), ..result.device });
        Some((id, n + 1))
    }
}
