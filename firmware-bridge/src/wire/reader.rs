//! Finds frames in a stream of bytes, and finds its place again after noise.

use std::marker::PhantomData;

use super::{Frame, MAX_FRAME_LEN, WireError};

/// Collects bytes into frames without allocating.
///
/// A candidate that proves broken gives up only its first byte: the rest is searched again, so noise that
/// looks like a header never swallows the good frame behind it. An unbroken stretch of noise is reported
/// once, not once a byte.
///
/// ```
/// use firmware_bridge::wire::{FrameReader, go_m8010::{Mode, MotorId, Reply}};
/// # let id = MotorId::new(3).expect("an address");
/// # let sent = Reply { id, mode: Mode::Foc, torque_nm: 0.5, velocity_rad_s: 0.0, position_rad: 0.0,
/// #     temperature_c: 40.0, error: None, foot_force: 0 };
/// let mut stream = vec![0xFD, 0x00, 0xFD, 0xEE];
/// stream.extend(sent.encode());
/// let mut reader = FrameReader::<Reply>::new();
/// let mut rest = stream.as_slice();
/// let found: Vec<_> = std::iter::from_fn(|| reader.next_frame(&mut rest)).collect();
/// assert!(matches!(found.as_slice(), [Err(_), .., Ok(reply)] if reply.id == sent.id));
/// ```
#[derive(Clone, Debug)]
pub struct FrameReader<F> {
    /// The first `len` bytes are a frame's beginning, as far as it has been checked.
    buffer: [u8; MAX_FRAME_LEN],
    len: usize,
    /// Noise has been reported and no frame found since.
    lost: bool,
    frame: PhantomData<fn() -> F>,
}

impl<F: Frame> FrameReader<F> {
    /// A reader that has seen nothing.
    pub const fn new() -> Self {
        const { assert!(F::LEN <= MAX_FRAME_LEN && !F::HEADER.is_empty() && F::HEADER.len() < F::LEN) };
        Self { buffer: [0; MAX_FRAME_LEN], len: 0, lost: false, frame: PhantomData }
    }

    /// Takes bytes off the front of `input` until they complete a frame or prove broken; `None` once the
    /// input is used up. Call it until then.
    pub fn next_frame(&mut self, input: &mut &[u8]) -> Option<Result<F, WireError>> {
        loop {
            if let Some(found) = self.scan() {
                return Some(found);
            }
            let (&byte, rest) = input.split_first()?;
            *input = rest;
            self.buffer[self.len] = byte;
            self.len += 1;
        }
    }

    /// Forgets an unfinished frame, as when a new request makes the rest of the last answer pointless.
    /// Returns how many bytes were dropped.
    pub const fn clear(&mut self) -> usize {
        let dropped = self.len;
        self.len = 0;
        self.lost = false;
        dropped
    }

    /// Looks at the buffer's front. Leaves fewer bytes than a frame has, or returns what it found.
    fn scan(&mut self) -> Option<Result<F, WireError>> {
        while let Some(error) = self.header_error() {
            self.drop_front(1);
            if !std::mem::replace(&mut self.lost, true) {
                return Some(Err(error));
            }
        }
        if self.len < F::LEN {
            return None;
        }
        let decoded = F::decode(&self.buffer[..F::LEN]);
        // An intact frame leaves as a whole, whatever is thought of its contents.
        let intact = decoded.as_ref().err().is_none_or(WireError::is_intact);
        self.drop_front(if intact { F::LEN } else { 1 });
        self.lost = !intact;
        Some(decoded)
    }

    fn header_error(&self) -> Option<WireError> {
        let pairs = F::HEADER.iter().zip(&self.buffer[..self.len]);
        let (&expected, &found) = pairs.into_iter().find(|(expected, found)| expected != found)?;
        Some(WireError::Header { expected, found })
    }

    fn drop_front(&mut self, count: usize) {
        self.buffer.copy_within(count..self.len, 0);
        self.len -= count;
    }
}

impl<F: Frame> Default for FrameReader<F> {
    fn default() -> Self {
        Self::new()
    }
}
