//! Adit's own link between the robot's computer (the host) and a microcontroller that drives motors or reads an
//! inertial sensor (the device): messages, frames, and the state machines of both ends.
//!
//! The crate is `no_std` and does not allocate, so that firmware is built from the same code as the host:
//!
//! ```text
//! rustup target add thumbv7em-none-eabihf
//! cargo build -p adit-link --target thumbv7em-none-eabihf
//! ```
//!
//! It is sans-IO: bytes and times go in, bytes and events come out. [`Host`] and [`Device`] are the two ends;
//! [`encode_frame`] and [`Decoder`] are the frames alone.
//!
//! # On the wire
//!
//! | bytes  | what            | how                                                                          |
//! |--------|-----------------|------------------------------------------------------------------------------|
//! | 1..n-4 | body            | COBS of: sequence number (`u16`, little-endian), then [`Message`] in postcard |
//! | 3      | checksum        | CRC-16/IBM-SDLC of the COBS bytes before it, seven bits a byte, high bits first, each byte's top bit set |
//! | 1      | delimiter       | `0x00`                                                                       |
//!
//! The checksum stands outside the COBS encoding, because one flipped bit in a COBS code byte moves the zeros of
//! the whole body: a checksum inside would meet it with 2^-16 odds, while one of the bytes as they cross the
//! wire finds every one, two or three flipped bits and every burst up to sixteen for certain, as long as none of
//! them makes or unmakes a delimiter. Those that do are left to the same odds, made smaller by the checksum's
//! eight fixed bits. No frame is longer than [`MAX_FRAME_LEN`].
//!
//! # Versions
//!
//! [`PROTOCOL_VERSION`] is exchanged in the greeting, and the ends work together only if it is the same. Within a
//! version, enums grow at their end only, since postcard writes a variant as its number, and structs do not
//! change, since postcard writes no field names: a new field is a new variant. [`Message::Hello`],
//! [`Message::Refused`] with [`Refusal::Version`] and [`Message::EmergencyStop`] keep their bytes in every version,
//! so that any two versions can tell each other so, and can always stop.
//!
//! # Safety
//!
//! A device obeys nobody before a greeting, damps its actuators when no good command has come within its
//! configured time, and after [`Message::EmergencyStop`], whenever it comes, until a [`Message::Reset`] that
//! answers the challenge of this very stop. The link is neither encrypted nor signed: it is meant for a cable
//! inside the robot.

#![no_std]

mod clock;
mod device;
mod frame;
mod host;
mod message;
mod outbox;
mod refusal;
mod sequence;
mod values;
mod virtual_device;

pub use clock::{ClockSync, Exchange, HostTime};
pub use device::{Device, DeviceConfig, DeviceConfigError, DeviceEvent};
pub use frame::{Decoder, EncodeError, FrameError, MAX_FRAME_LEN, MAX_MESSAGE_LEN, encode_frame};
/// Of which the messages' lists and texts are made.
pub use heapless;
pub use host::{Host, HostConfig, HostConfigError, HostEvent, Phase, SendError};
pub use message::{
    Command, Direction, Fault, FirmwareVersion, Hello, Imu, LIST_LEN, List, Log, LogLevel, Message, State,
    Status, Stopped, TEXT_LEN, Text, TimeReply, TimeRequest, Welcome, reset_answer,
};
pub use refusal::Refusal;
pub use sequence::{Arrival, LinkCounts, SequenceTracker};
pub use values::{ActuatorCommand, ActuatorInfo, ActuatorState, Faults, Field, Mode, Unfit};
pub use virtual_device::VirtualDevice;

/// The version of the protocol that this crate speaks.
pub const PROTOCOL_VERSION: u16 = 1;
