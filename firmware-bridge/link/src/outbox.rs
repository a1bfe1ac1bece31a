//! Frames of one end on their way out: numbered from 0 in the order in which they leave.

use crate::frame::{MAX_FRAME_LEN, encode_frame};
use crate::message::Message;

#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    next_seq: u16,
    frame: [u8; MAX_FRAME_LEN],
}

impl Outbox {
    pub(crate) const fn new() -> Self {
        Self { next_seq: 0, frame: [0; MAX_FRAME_LEN] }
    }

    /// The sequence number that the next frame will have.
    pub(crate) const fn next_seq(&self) -> u16 {
        self.next_seq
    }

    /// The message's frame. Both ends check their messages when they take them, so none is unfit here; if one
    /// were, it would not be sent.
    pub(crate) fn write(&mut self, message: &Message) -> Option<&[u8]> {
        let len = encode_frame(self.next_seq, message, &mut self.frame).ok()?;
        self.next_seq = self.next_seq.wrapping_add(1);
        self.frame.get(..len)
    }
}
