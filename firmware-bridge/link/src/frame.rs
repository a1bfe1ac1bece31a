//! Frames: bytes that say by themselves where they end and whether they are intact. The layout stands in the
//! crate's documentation.

use crc::{CRC_16_IBM_SDLC, Crc, Table};

use crate::message::Message;
use crate::values::Unfit;

/// Longest message in postcard, bytes.
pub const MAX_MESSAGE_LEN: usize = 196;
/// Longest frame with its delimiter, bytes.
pub const MAX_FRAME_LEN: usize = MAX_ENCODED_LEN + CHECKSUM_LEN + 1;

const SEQUENCE_LEN: usize = 2;
const MAX_BODY_LEN: usize = SEQUENCE_LEN + MAX_MESSAGE_LEN;
const MAX_ENCODED_LEN: usize = cobs::max_encoding_length(MAX_BODY_LEN);
const CHECKSUM_LEN: usize = 3;
/// The shortest body is a sequence number and a message without contents.
const MIN_LEN: usize = SEQUENCE_LEN + 1 + 1 + CHECKSUM_LEN;
const DELIMITER: u8 = 0;

/// The small table: 512 bytes of a microcontroller's flash instead of 8 KiB.
static CRC: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_IBM_SDLC);

/// Refusal to make a frame of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A number that no message may carry.
    #[error("{0}")]
    Unfit(Unfit),
    /// The frame does not fit into the buffer.
    #[error("the buffer is too small: give it {MAX_FRAME_LEN} bytes")]
    Buffer,
}

/// Refusal of the bytes between two delimiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than any frame.
    #[error("more than {MAX_FRAME_LEN} bytes without a delimiter: check the baud rate at both ends")]
    TooLong,
    /// Shorter than any frame.
    #[error("{0} bytes where a frame has at least {MIN_LEN}: check the wiring")]
    TooShort(usize),
    /// The checksum, as its three bytes on the wire, does not fit the bytes before it.
    #[error(
        "checksum {found:02X?} where the bytes give {expected:02X?}: check the wiring and its termination"
    )]
    Checksum {
        /// Computed from the bytes.
        expected: [u8; 3],
        /// Found in the frame.
        found: [u8; 3],
    },
    /// An intact frame that was not encoded as COBS.
    #[error("the frame is intact but not COBS: check that the sender speaks Adit's link")]
    Stuffing,
    /// An intact frame that holds no message of this version.
    #[error(
        "frame {seq} is intact but holds no message of this version: check that both ends are built from one version"
    )]
    UnknownMessage {
        /// The frame's sequence number.
        seq: u16,
    },
    /// An intact frame with a number that no message may carry.
    #[error("frame {seq}: {unfit}")]
    Unfit {
        /// The frame's sequence number.
        seq: u16,
        /// The number.
        unfit: Unfit,
    },
}

/// Writes one frame, delimiter included, to the front of `out`, and returns its length, at most
/// [`MAX_FRAME_LEN`] bytes.
///
/// # Errors
/// [`EncodeError`] if the message carries an unfit number or `out` is too small.
pub fn encode_frame(seq: u16, message: &Message, out: &mut [u8]) -> Result<usize, EncodeError> {
    message.check().map_err(EncodeError::Unfit)?;
    let mut body = [0; MAX_BODY_LEN];
    body[..SEQUENCE_LEN].copy_from_slice(&seq.to_le_bytes());
    // Every message fits: a test encodes the longest of each kind.
    let message_len =
        postcard::to_slice(message, &mut body[SEQUENCE_LEN..]).or(Err(EncodeError::Buffer))?.len();
    let len = cobs::try_encode(&body[..SEQUENCE_LEN + message_len], out).or(Err(EncodeError::Buffer))?;
    // cobs says Ok, and a length beyond the buffer, when only the last block's code did not fit.
    let (encoded, rest) = out.split_at_mut_checked(len).ok_or(EncodeError::Buffer)?;
    let tail = rest.first_chunk_mut::<{ CHECKSUM_LEN + 1 }>().ok_or(EncodeError::Buffer)?;
    let [high, middle, low] = checksum(encoded);
    *tail = [high, middle, low, DELIMITER];
    Ok(len + tail.len())
}

/// Finds the frames in a stream of bytes, with bounded memory. Whatever came before a delimiter, the next frame
/// is found.
///
/// ```
/// use adit_link::{Decoder, MAX_FRAME_LEN, Message, encode_frame};
/// let mut frame = [0; MAX_FRAME_LEN];
/// let len = encode_frame(7, &Message::EmergencyStop, &mut frame)?;
/// let mut rest = &frame[..len];
/// let found = Decoder::new().next_frame(&mut rest);
/// assert_eq!(found, Some(Ok((7, Message::EmergencyStop))));
/// # Ok::<_, adit_link::EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    /// The first `len` bytes have come since the last delimiter.
    buffer: [u8; MAX_FRAME_LEN - 1],
    len: usize,
    /// More have come than the buffer holds.
    too_long: bool,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub const fn new() -> Self {
        Self { buffer: [0; MAX_FRAME_LEN - 1], len: 0, too_long: false }
    }

    /// Takes bytes off the front of `input` up to the next delimiter and says what stood before it: a sequence
    /// number and a message, or why not. `None` once the input is used up; call it until then. Delimiters with
    /// nothing between them are skipped.
    pub fn next_frame(&mut self, input: &mut &[u8]) -> Option<Result<(u16, Message), FrameError>> {
        loop {
            let Some(end) = input.iter().position(|&byte| byte == DELIMITER) else {
                self.collect(input);
                *input = &[];
                return None;
            };
            self.collect(&input[..end]);
            *input = &input[end + 1..];
            let len = core::mem::take(&mut self.len);
            if core::mem::take(&mut self.too_long) {
                return Some(Err(FrameError::TooLong));
            }
            if len > 0 {
                return Some(decode(&mut self.buffer[..len]));
            }
        }
    }

    fn collect(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.len..self.len + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.too_long = true,
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// One frame without its delimiter. The bytes are used up.
fn decode(frame: &mut [u8]) -> Result<(u16, Message), FrameError> {
    if frame.len() < MIN_LEN {
        return Err(FrameError::TooShort(frame.len()));
    }
    let Some((encoded, &mut found)) = frame.split_last_chunk_mut::<CHECKSUM_LEN>() else {
        return Err(FrameError::TooShort(frame.len()));
    };
    let expected = checksum(encoded);
    if expected != found {
        return Err(FrameError::Checksum { expected, found });
    }
    let len = cobs::decode_in_place(encoded).or(Err(FrameError::Stuffing))?;
    let Some((&sequence, message)) = encoded.get(..len).and_then(|body| body.split_first_chunk()) else {
        return Err(FrameError::Stuffing);
    };
    let seq = u16::from_le_bytes(sequence);
    match postcard::take_from_bytes::<Message>(message) {
        Ok((message, [])) => match message.check() {
            Ok(()) => Ok((seq, message)),
            Err(unfit) => Err(FrameError::Unfit { seq, unfit }),
        },
        _ => Err(FrameError::UnknownMessage { seq }),
    }
}

/// The CRC in three bytes, none of which can be the delimiter.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    let crc = CRC.checksum(bytes);
    [14, 7, 0].map(|shift| 0x80 | (crc >> shift & 0x7F) as u8)
}
