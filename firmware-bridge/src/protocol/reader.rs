//! Finds frames in a stream of bytes, and finds its place again after noise.

use std::marker::PhantomData;

use super::{Frame, WireError};

/// Collects bytes into frames without allocating, in a buffer of `N` bytes: at least the longest frame's.
///
/// A candidate that proves broken gives up only its first byte: the rest is searched again, so noise that
/// looks like a header never swallows the good frame behind it. Nor does noise that claims to be a long
/// frame: a candidate is given up as soon as two whole frames stand in it. An unbroken stretch of noise is
/// reported once, not once a byte.
///
/// ```
/// use firmware_bridge::protocol::{FrameReader, go_m8010::{Mode, MotorId, Reply}};
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
pub struct FrameReader<F, const N: usize = 128> {
    /// The first `len` bytes are a frame's beginning, as far as it has been checked.
    buffer: [u8; N],
    len: usize,
    /// Noise has been reported and no frame found since.
    lost: bool,
    frame: PhantomData<fn() -> F>,
}

/// The front of the buffer.
enum Front<F> {
    /// Nothing yet, or the beginning of a frame.
    Unfinished,
    /// Bytes that no frame starts with.
    Noise(WireError),
    /// As many bytes as a frame claims, which make one or not.
    Whole(usize, Result<F, WireError>),
}

impl<F: Frame, const N: usize> FrameReader<F, N> {
    /// A reader that has seen nothing.
    pub const fn new() -> Self {
        const {
            assert!(F::MAX_LEN <= N && F::MIN_LEN <= F::MAX_LEN);
            assert!(!F::HEADER.is_empty() && F::HEADER.len() < F::MIN_LEN);
        };
        Self { buffer: [0; N], len: 0, lost: false, frame: PhantomData }
    }

    /// Takes bytes off the front of `input` until they complete a frame or prove broken; `None` once the
    /// input is used up. Call it until then.
    pub fn next_frame(&mut self, input: &mut &[u8]) -> Option<Result<F, WireError>> {
        loop {
            if let Some(found) = self.scan() {
                return Some(found);
            }
            let Some((&byte, rest)) = input.split_first() else { return self.look_ahead() };
            *input = rest;
            self.buffer[self.len] = byte;
            self.len += 1;
        }
    }

    /// The bytes kept for the next frame. Right after a frame was refused for its checksum, they are that
    /// frame's without the first one.
    pub fn held(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// Forgets an unfinished frame, as when a new request makes the rest of the last answer pointless.
    /// Returns how many bytes were dropped.
    pub const fn clear(&mut self) -> usize {
        let dropped = self.len;
        self.len = 0;
        self.lost = false;
        dropped
    }

    /// Looks at the buffer's front. Leaves an unfinished frame there, or returns what it found.
    fn scan(&mut self) -> Option<Result<F, WireError>> {
        loop {
            match front::<F>(&self.buffer[..self.len]) {
                Front::Unfinished => return None,
                Front::Noise(error) => {
                    self.drop_front(1);
                    if !std::mem::replace(&mut self.lost, true) {
                        return Some(Err(error));
                    }
                }
                Front::Whole(len, decoded) => {
                    // An intact frame leaves as a whole, whatever is thought of its contents.
                    let intact = decoded.as_ref().err().is_none_or(WireError::is_intact);
                    self.drop_front(if intact { len } else { 1 });
                    self.lost = !intact;
                    return Some(decoded);
                }
            }
        }
    }

    /// Gives up the unfinished frame if two whole ones stand behind its first byte.
    fn look_ahead(&mut self) -> Option<Result<F, WireError>> {
        let (mut first, mut at) = (None, 1);
        while self.len >= at + F::MIN_LEN {
            let Front::Whole(len, Ok(_)) = front::<F>(&self.buffer[at..self.len]) else {
                at += 1;
                continue;
            };
            let Some(start) = first else {
                first = Some(at);
                at += len;
                continue;
            };
            let cut = WireError::Length { expected: F::MAX_LEN, found: start };
            self.drop_front(start);
            let quiet = std::mem::replace(&mut self.lost, true);
            return if quiet { self.scan() } else { Some(Err(cut)) };
        }
        None
    }

    fn drop_front(&mut self, count: usize) {
        self.buffer.copy_within(count..self.len, 0);
        self.len -= count;
    }
}

fn front<F: Frame>(bytes: &[u8]) -> Front<F> {
    for (&expected, &found) in F::HEADER.iter().zip(bytes) {
        if expected != found {
            return Front::Noise(WireError::Header { expected, found });
        }
    }
    if bytes.len() < F::HEADER.len() {
        return Front::Unfinished;
    }
    match F::len_of(bytes) {
        Ok(Some(len)) if len > F::MAX_LEN || len < F::MIN_LEN => {
            Front::Noise(WireError::Length { expected: F::MAX_LEN, found: len })
        }
        Ok(Some(len)) if len <= bytes.len() => Front::Whole(len, F::decode(&bytes[..len])),
        Ok(_) => Front::Unfinished,
        Err(error) => Front::Noise(error),
    }
}

impl<F: Frame, const N: usize> Default for FrameReader<F, N> {
    fn default() -> Self {
        Self::new()
    }
}
