//! The contract of a request-and-reply protocol: everything that the bridge asks of it.

use std::ops::RangeInclusive;

use robot_interface::robot::{MotorProtocol, MotorsDescription};

use crate::bridge::error::BridgeError;
use crate::bridge::fault::MotorFault;
use crate::bridge::limits::EncodableLimits;
use crate::bridge::reply::{DriveState, MotorReply, RegisterContents};
use crate::protocol::device::VirtualBus;
use crate::protocol::{Frame, FrameReader, Impedance, WireError};

/// One motor of a protocol in which each command is answered by one reply, and what is known of its drive.
pub(in crate::bridge) trait PolledCodec: Copy {
    /// Finds this protocol's replies in the bytes of one bus.
    type Decoder: DecodeReplies;

    /// Bits a second on the line; `protocol` is one of those that the table gives this codec.
    fn baud(protocol: MotorProtocol) -> u32;

    /// The codec of a motor of which nothing is known yet.
    ///
    /// # Errors
    /// [`BridgeError::Model`] for a model that is not known, or missing.
    fn new(motors: &MotorsDescription) -> Result<Self, BridgeError>;

    /// Virtual motors of these ids, which answer this codec's commands.
    ///
    /// # Errors
    /// [`BridgeError::Model`] for a model that is not known, or missing.
    fn virtual_bus(motors: &MotorsDescription, ids: &[u8])
    -> Result<Box<dyn VirtualBus + Send>, BridgeError>;

    /// Length of a command, bytes.
    fn command_len(&self) -> usize;

    /// Length of its reply, bytes.
    fn reply_len(&self) -> usize;

    /// The ids that one motor can have.
    fn ids(&self) -> RangeInclusive<u8>;

    /// A checksum protects the replies. Without one, a reading that cannot be is refused.
    fn is_checked(&self) -> bool {
        true
    }

    /// The greatest values that a command can carry.
    fn limits(&self) -> EncodableLimits;

    fn decoder(&self) -> Self::Decoder;

    /// The next frame of a motor that is to follow targets, each rounded to the nearest that the frame can carry where
    /// the protocol leaves that open. Of a motor that must be enabled first, the next step towards it.
    fn drive(&self, id: u8, targets: &Impedance) -> OutgoingFrame;

    /// The frame that has a motor answer and do nothing else: what it holds, it lets go, unless it is known that it
    /// holds nothing.
    fn read(&self, id: u8) -> OutgoingFrame;

    /// Takes the state of a drive that must be enabled.
    fn handle_state(&mut self, _state: DriveState) {}

    /// Takes an answer about a register. Returns what is wrong with the motor.
    fn handle_register(&mut self, _contents: &RegisterContents) -> Option<MotorFault> {
        None
    }

    /// The motor was silent for a cycle: it may have lost what it was told.
    fn handle_silence(&mut self) {}

    /// An operator has looked at the motor's fault. Returns whether it has one that is kept until it is cleared.
    fn clear_fault(&mut self) -> bool {
        false
    }

    /// The motor's numbers are known to mean what the codec takes them for.
    fn is_fit(&self) -> bool {
        true
    }
}

/// A stream of bytes in which replies are found.
pub(in crate::bridge) trait DecodeReplies {
    /// Takes bytes off the front of `input` until they make a reply or prove broken; `None` once they are used up.
    fn next(&mut self, input: &mut &[u8]) -> Option<Result<MotorReply, WireError>>;

    /// Forgets an unfinished reply.
    fn clear(&mut self);

    /// A reply has begun.
    fn is_holding(&self) -> bool;
}

impl<F: Frame> DecodeReplies for FrameReader<F>
where
    MotorReply: From<F>,
{
    fn next(&mut self, input: &mut &[u8]) -> Option<Result<MotorReply, WireError>> {
        self.next_frame(input).map(|found| found.map(MotorReply::from))
    }

    fn clear(&mut self) {
        Self::clear(self);
    }

    fn is_holding(&self) -> bool {
        !self.held().is_empty()
    }
}

/// A frame to be sent, as its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bridge) struct OutgoingFrame {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl OutgoingFrame {
    /// Length of the longest frame, bytes: at least every codec's [`command_len`](PolledCodec::command_len).
    pub(in crate::bridge) const CAPACITY: usize = 34;
    /// A frame that has not been made yet.
    pub(in crate::bridge) const EMPTY: Self = Self { bytes: [0; Self::CAPACITY], len: 0 };

    pub(in crate::bridge) fn new<const LEN: usize>(frame: &[u8; LEN]) -> Self {
        const { assert!(LEN <= Self::CAPACITY, "raise OutgoingFrame::CAPACITY to the codec's longest command") };
        let mut bytes = [0; Self::CAPACITY];
        bytes[..LEN].copy_from_slice(frame);
        Self { bytes, len: LEN }
    }

    pub(in crate::bridge) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
