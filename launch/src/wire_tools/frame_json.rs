//! The contract between a protocol's frames and their JSON.

use firmware_bridge::protocol::damiao::Model;
use firmware_bridge::protocol::{Frame, WireError};
use firmware_bridge::scan::Protocol;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Input that makes no frame, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FrameInputError(String);

impl FrameInputError {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// A protocol, with what its bytes alone do not tell.
#[derive(Clone, Copy, Debug)]
pub struct Codec {
    /// The protocol of the frames.
    pub protocol: Protocol,
    /// Damiao: the model, on which the ranges of a motor's numbers depend.
    pub model: Model,
    /// Feetech: only answers are expected, which look like requests.
    pub answers: bool,
}

/// One protocol's frames as JSON and back.
pub(super) struct FrameJson {
    /// The frame that an object describes.
    pub(super) encode: fn(Value, &Codec) -> Result<Vec<u8>, FrameInputError>,
    /// The frame, command or reply, that bytes begin with.
    pub(super) front: fn(&[u8], &Codec) -> Front,
    /// The frames that bytes would begin with, were their checksums right.
    pub(super) damaged: fn(&[u8], &Codec) -> Vec<Damaged>,
    /// The line of JSON for what `front` says is a frame.
    pub(super) show: fn(&[u8], &Codec) -> Option<String>,
    /// An object for each kind of frame, as help for those who write them.
    pub(super) examples: &'static [&'static str],
}

/// The beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// No frame.
    Nothing,
    /// Perhaps a frame, of which bytes are missing.
    Unfinished,
    /// A whole frame; a doubtful one is to be believed only where one is expected.
    Frame { len: usize, doubtful: bool },
}

impl Front {
    /// A whole frame only if more is true of its bytes.
    pub(super) fn only_if(self, bytes: &[u8], more: impl FnOnce(&[u8]) -> bool) -> Self {
        match self {
            Self::Frame { len, .. } if !bytes.get(..len).is_some_and(more) => Self::Nothing,
            other => other,
        }
    }

    /// The one of two kinds of frame that stands there.
    pub(super) fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Frame { .. } => self,
            Self::Nothing => other(),
            Self::Unfinished => match other() {
                Self::Nothing => Self::Unfinished,
                other => other,
            },
        }
    }
}

/// A whole frame but for its checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Kind of the frame: `command`, `reply`, `packet`, `frame`.
    pub kind: &'static str,
    /// Its length, bytes.
    pub len: usize,
    /// The checksum in it, as hexadecimal digits.
    pub carried: String,
    /// The checksum that its other bytes give.
    pub computed: String,
}

/// The frame of this kind with which bytes would begin, were its checksum of so many digits right.
pub(super) fn damaged<F: Frame>(kind: &'static str, digits: usize, bytes: &[u8]) -> Option<Damaged> {
    let len = bytes.starts_with(F::HEADER).then(|| F::len_of(bytes).ok().flatten()).flatten()?;
    match F::decode(bytes.get(..len)?) {
        Err(WireError::Crc { expected, found }) => {
            let [carried, computed] = [found, expected].map(|crc| format!("0x{crc:0digits$X}"));
            Some(Damaged { kind, len, carried, computed })
        }
        _ => None,
    }
}

/// Returns whether bytes begin with a frame of this kind.
pub(super) fn front<F: Frame>(bytes: &[u8]) -> Front {
    let headed = F::HEADER.iter().zip(bytes).all(|(expected, found)| expected == found);
    if !headed {
        return Front::Nothing;
    }
    match F::len_of(bytes) {
        _ if bytes.len() < F::HEADER.len() => Front::Unfinished,
        Ok(None) => Front::Unfinished,
        Ok(Some(len)) => match bytes.get(..len).map(F::decode) {
            None => Front::Unfinished,
            Some(Ok(_)) => Front::Frame { len, doubtful: false },
            Some(Err(_)) => Front::Nothing,
        },
        Err(_) => Front::Nothing,
    }
}

/// The message of a JSON object, in a protocol's own words.
pub(super) fn read<T: DeserializeOwned>(object: Value) -> Result<T, FrameInputError> {
    serde_json::from_value(object).map_err(|error| FrameInputError::new(format!("{error}: see --examples")))
}

/// The line of a frame.
pub(super) fn json(frame: &impl Serialize) -> Option<String> {
    serde_json::to_string(frame).ok()
}
/// A protocol's messages as JSON and back.
pub(super) struct MessageJson {
    pub(super) encode: fn(Value) -> Result<Vec<u8>, FrameInputError>,
    pub(super) decode: fn(&[u8]) -> Result<String, FrameInputError>,
    pub(super) examples: &'static [&'static str],
}
