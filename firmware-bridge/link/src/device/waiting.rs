//! Messages that the device has not sent yet, in bounded memory.

use heapless::Deque;

use crate::message::{Fault, Imu, List, Log, Message};
use crate::values::ActuatorState;

/// Answers, samples, faults and lines that wait to be sent, of each kind. Beyond these, answers are dropped and
/// the oldest of the others.
const WAITING: usize = 4;

/// Messages that wait to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    pub(super) welcome: bool,
    pub(super) answers: Deque<Message, WAITING>,
    /// A request's `t1` and when it came.
    pub(super) time: Option<(u64, u64)>,
    /// Time, supply voltage and actuators.
    pub(super) state: Option<(u64, f32, List<ActuatorState>)>,
    pub(super) samples: Deque<Imu, WAITING>,
    pub(super) faults: Deque<Fault, WAITING>,
    pub(super) lines: Deque<Log, WAITING>,
}

/// The newest are kept.
pub(super) fn push<T, const N: usize>(queue: &mut Deque<T, N>, item: T) {
    if queue.is_full() {
        queue.pop_front();
    }
    // There is room now.
    let _ = queue.push_back(item);
}
