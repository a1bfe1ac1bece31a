//! The descriptor of a port that the crate `serialport` has opened.
//!
//! The one module of this crate with `unsafe` in it: the crate hands its descriptor out as a plain number.

#![allow(unsafe_code)]

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

use serialport::TTYPort;

/// Takes the descriptor over.
pub(super) fn take(port: TTYPort) -> OwnedFd {
    // SAFETY: the port gives up its open descriptor without closing it, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(port.into_raw_fd()) }
}
