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
//! [`encode_frame`] and [`Decoder`] are the frames alone. A device end with all that it calls takes about 20 KiB of flash (Cortex-M4F, optimised for size) and 3 KiB of RAM.
//!
//! # On the wire
//!
//! | bytes     | what      | how                                                                                  |
//! |-----------|-----------|--------------------------------------------------------------------------------------|
//! | 4 to 199  | body      | COBS of the sequence number (`u16`, little-endian) and one [`Message`] in postcard     |
//! | 3         | checksum  | CRC-16/IBM-SDLC of the bytes before it, as they stand on the wire: `0x80` + 7 bits each, high bits first |
//! | 1         | delimiter | `0x00`                                                                               |
//!
//! The checksum stands outside the COBS encoding, because one flipped bit in a COBS code byte moves the zeros of
//! the whole body: a checksum inside would miss that once in 65 536 times, while one of the bytes as they cross
//! the wire finds every one, two or three flipped bits and every burst of up to sixteen bits in the body for
//! certain, as long as none of them makes or unmakes a delimiter. Those that do meet odds of 2^-24, since the
//! checksum's eight fixed bits are checked too.
//!
//! Three actuators take 75 bytes a command and 76 a state, so 1 Mbaud carries them at 1 kHz both ways; six take
//! about twice as much.
//!
//! # Versions
//!
//! [`PROTOCOL_VERSION`] is exchanged in the greeting, and the ends work together only if it is the same. Within a
//! version, enums grow at their end only, since postcard writes a variant as its number, and structs do not
//! change, since postcard writes no field names: a new field is a new variant. [`Message::Hello`],
//! [`Message::Refused`] with [`Refusal::Version`] and [`Message::EmergencyStop`] keep their bytes in every version,
//! so that any two versions can tell each other so, and can always stop.
//!
//! # Firmware
//!
//! A device end in full, for whatever the board has under it. It reports after each command, which is the answer
//! that the motor bridge waits for, and two hundred times a second without one, so that stops and faults are heard.
//!
//! ```
//! use adit_link::{ActuatorCommand, ActuatorState, Device, List, Unfit};
//!
//! /// What the board has under it.
//! trait Board {
//!     fn now_us(&self) -> u64;
//!     /// Bytes that have come, at once; 0 if none have.
//!     fn read(&mut self, buffer: &mut [u8]) -> usize;
//!     fn write(&mut self, bytes: &[u8]);
//!     fn stop_is_pressed(&self) -> bool;
//!     /// Off: no current. Brake: windings shorted. Damp and Impedance: the torque that `torque_at` gives.
//!     fn drive(&mut self, command: &ActuatorCommand);
//!     /// Supply voltage, V, and all actuators. One that does not answer keeps its last values, with `Faults::SILENT`.
//!     fn measure(&mut self) -> (f32, List<ActuatorState>);
//! }
//!
//! const LONGEST_SILENCE_US: u64 = 5_000;
//!
//! /// One round of the main loop; `reported` is the command that was reported last, and when.
//! fn round(
//!     board: &mut impl Board,
//!     device: &mut Device,
//!     reported: &mut (Option<u16>, u64),
//! ) -> Result<(), Unfit> {
//!     let now_us = board.now_us();
//!     let mut bytes = [0; 64];
//!     let count = board.read(&mut bytes);
//!     device.handle_bytes(&bytes[..count], now_us);
//!     if board.stop_is_pressed() {
//!         device.stop(now_us);
//!     }
//!     let (_status, commands) = device.drive(now_us);
//!     for command in commands {
//!         board.drive(command);
//!     }
//!     if device.command_seq() != reported.0 || now_us - reported.1 >= LONGEST_SILENCE_US {
//!         *reported = (device.command_seq(), now_us);
//!         let (supply_v, actuators) = board.measure();
//!         device.report_state(now_us, supply_v, &actuators)?;
//!     }
//!     while let Some(frame) = device.poll_transmit(now_us) {
//!         board.write(frame);
//!     }
//!     Ok(())
//! }
//! ```
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

/// The version of the protocol that this crate speaks.
///
/// | version | what is new                                                |
/// |---------|------------------------------------------------------------|
/// | 2       | an announced actuator also has greatest stiffness and damping |
pub const PROTOCOL_VERSION: u16 = 2;
