//! The request-and-reply protocols that a bridge drives joints by: all of them take an impedance command and give a
//! reading, and one file each has what differs. Adit's own link ([`linked_bus`](super::linked_bus)) and whole robots
//! ([`robot_bus`](super::robot_bus)) are no request and reply.

mod damiao;
mod go_m8010;
mod polled_codec;
mod unitree_a1;

use std::ops::RangeInclusive;

use robot_interface::robot::{MotorProtocol, MotorsDescription};

pub(super) use self::polled_codec::OutgoingFrame;
use self::polled_codec::{DecodeReplies, PolledCodec};
use super::error::BridgeError;
use super::fault::MotorFault;
use super::limits::EncodableLimits;
use super::reply::{DriveState, MotorReply, RegisterContents};
use crate::protocol::device::VirtualBus;
use crate::protocol::{Impedance, WireError};

/// Makes an enum over all codecs and one over their decoders, so that the control loop calls none through a pointer.
macro_rules! polled_codecs {
    ($($protocol:ident => $codec:ty,)*) => {
        /// One motor's protocol, and what is known of its drive.
        #[derive(Clone, Copy, Debug)]
        pub(super) enum MotorCodec {
            $($protocol($codec),)*
        }

        /// Finds replies in one bus's stream.
        #[derive(Clone, Debug)]
        pub(super) enum ReplyDecoder {
            $($protocol(<$codec as PolledCodec>::Decoder),)*
        }

        impl MotorCodec {
            /// The codec of motors of which nothing is known yet; `None` if motors are not asked one by one.
            ///
            /// # Errors
            /// [`BridgeError::Model`] for a model that is not known, or missing.
            pub(super) fn new(motors: &MotorsDescription) -> Result<Option<Self>, BridgeError> {
                Ok(Some(match motors.protocol {
                    $(MotorProtocol::$protocol => Self::$protocol(PolledCodec::new(motors)?),)*
                    MotorProtocol::Adit | MotorProtocol::UnitreeGo | MotorProtocol::DeepRobotics => {
                        return Ok(None);
                    }
                }))
            }

            /// Bits a second on the line; `None` if motors are not asked one by one.
            pub(super) fn baud(protocol: MotorProtocol) -> Option<u32> {
                Some(match protocol {
                    $(MotorProtocol::$protocol => <$codec>::baud(protocol),)*
                    MotorProtocol::Adit | MotorProtocol::UnitreeGo | MotorProtocol::DeepRobotics => {
                        return None;
                    }
                })
            }

            /// Virtual motors of these ids on one bus; `None` if motors are not asked one by one.
            ///
            /// # Errors
            /// [`BridgeError::Model`] for a model that is not known, or missing.
            pub(super) fn virtual_bus(
                motors: &MotorsDescription,
                ids: &[u8],
            ) -> Result<Option<Box<dyn VirtualBus + Send>>, BridgeError> {
                Ok(Some(match motors.protocol {
                    $(MotorProtocol::$protocol => <$codec>::virtual_bus(motors, ids)?,)*
                    MotorProtocol::Adit | MotorProtocol::UnitreeGo | MotorProtocol::DeepRobotics => {
                        return Ok(None);
                    }
                }))
            }

            pub(super) fn decoder(&self) -> ReplyDecoder {
                match self {
                    $(Self::$protocol(codec) => ReplyDecoder::$protocol(codec.decoder()),)*
                }
            }
        }

        /// The same expression of whichever codec or decoder there is.
        macro_rules! dispatch {
            ($either:expr, $it:ident => $call:expr) => {
                match $either {
                    $(Self::$protocol($it) => $call,)*
                }
            };
        }
    };
}

// The table, a line a protocol: its name in `MotorProtocol`, and its codec.
polled_codecs! {
    GoM8010 => go_m8010::GoM8010,
    A1 => unitree_a1::UnitreeA1,
    B1 => unitree_a1::UnitreeA1,
    Damiao => damiao::Damiao,
}

/// The calls of [`PolledCodec`], where they are documented.
impl MotorCodec {
    pub(super) fn command_len(&self) -> usize {
        dispatch!(self, codec => codec.command_len())
    }

    pub(super) fn reply_len(&self) -> usize {
        dispatch!(self, codec => codec.reply_len())
    }

    pub(super) fn ids(&self) -> RangeInclusive<u8> {
        dispatch!(self, codec => codec.ids())
    }

    pub(super) fn is_checked(&self) -> bool {
        dispatch!(self, codec => codec.is_checked())
    }

    pub(super) fn limits(&self) -> EncodableLimits {
        dispatch!(self, codec => codec.limits())
    }

    pub(super) fn drive(&self, id: u8, targets: &Impedance) -> OutgoingFrame {
        dispatch!(self, codec => codec.drive(id, targets))
    }

    pub(super) fn read(&self, id: u8) -> OutgoingFrame {
        dispatch!(self, codec => codec.read(id))
    }

    pub(super) fn handle_state(&mut self, state: DriveState) {
        dispatch!(self, codec => codec.handle_state(state));
    }

    pub(super) fn handle_register(&mut self, contents: &RegisterContents) -> Option<MotorFault> {
        dispatch!(self, codec => codec.handle_register(contents))
    }

    pub(super) fn handle_silence(&mut self) {
        dispatch!(self, codec => codec.handle_silence());
    }

    pub(super) fn clear_fault(&mut self) -> bool {
        dispatch!(self, codec => codec.clear_fault())
    }

    pub(super) fn is_fit(&self) -> bool {
        dispatch!(self, codec => codec.is_fit())
    }
}

/// The calls of [`DecodeReplies`], where they are documented.
impl ReplyDecoder {
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Option<Result<MotorReply, WireError>> {
        dispatch!(self, decoder => DecodeReplies::next(decoder, input))
    }

    pub(super) fn clear(&mut self) {
        dispatch!(self, decoder => DecodeReplies::clear(decoder));
    }

    pub(super) fn is_holding(&self) -> bool {
        dispatch!(self, decoder => DecodeReplies::is_holding(decoder))
    }
}
