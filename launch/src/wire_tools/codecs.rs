//! The table of the protocols whose frames are shown as JSON.

use firmware_bridge::scan::Protocol;
use serde_json::{Map, Value};

use super::frame_json::{Codec, Damaged, FrameInputError, FrameJson, Front};
use super::{adit, damiao, dynamixel2, feetech, number, unitree};

// A line a protocol.
const fn frames(protocol: Protocol) -> &'static FrameJson {
    match protocol {
        Protocol::GoM8010 => &unitree::GO_M8010,
        Protocol::A1 => &unitree::A1,
        Protocol::B1 => &unitree::B1,
        Protocol::Dynamixel2 => &dynamixel2::FRAMES,
        Protocol::Damiao => &damiao::FRAMES,
        Protocol::Feetech => &feetech::FRAMES,
        Protocol::Adit => &adit::FRAMES,
    }
}

impl Codec {
    /// An object for each kind of frame, as help for those who write them.
    pub const fn examples(&self) -> &'static [&'static str] {
        frames(self.protocol).examples
    }

    /// The frame that a JSON object describes.
    ///
    /// # Errors
    /// [`FrameInputError`] says which field, and what it may be.
    pub fn encode(&self, object: &Map<String, Value>) -> Result<Vec<u8>, FrameInputError> {
        let mut object = Value::Object(object.clone());
        number::without_empty_fractions(&mut object);
        (frames(self.protocol).encode)(object, self)
    }

    /// The frame, command or reply, that these bytes begin with.
    pub(super) fn front(&self, bytes: &[u8]) -> Front {
        (frames(self.protocol).front)(bytes, self)
    }

    /// The frames that these bytes would begin with, were their checksums right.
    pub(super) fn damaged(&self, bytes: &[u8]) -> Vec<Damaged> {
        (frames(self.protocol).damaged)(bytes, self)
    }

    /// The line of JSON for what [`front`](Self::front) says is a frame.
    pub(super) fn show(&self, frame: &[u8]) -> String {
        (frames(self.protocol).show)(frame, self).unwrap_or_default()
    }
}
