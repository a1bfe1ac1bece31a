//! Messages of whole robots as JSON and back: DDS samples and datagrams. Each comes whole, one a line, and says by itself what it
//! is, so that nothing has to be found in a stream.

mod deeprobotics;
mod unitree_go;

use serde_json::{Map, Value};

use super::frame_json::{FrameInputError, MessageJson};

/// A language that whole robots speak over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RobotProtocol {
    /// Unitree Go2, B2 and Go2-W, as DDS carries it.
    UnitreeGo,
    /// DEEP Robotics Lite3 and X30, over UDP.
    DeepRobotics,
}

impl RobotProtocol {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::UnitreeGo, Self::DeepRobotics];

    /// The name that people write.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnitreeGo => "unitree-go",
            Self::DeepRobotics => "deeprobotics",
        }
    }

    /// The robots' names in full, and what a line holds.
    pub const fn title(self) -> &'static str {
        match self {
            Self::UnitreeGo => "Unitree Go2, B2, Go2-W: DDS samples with their encapsulation, one a line",
            Self::DeepRobotics => "DEEP Robotics Lite3, X30: UDP datagrams, one a line",
        }
    }

    const fn messages(self) -> &'static MessageJson {
        match self {
            Self::UnitreeGo => &unitree_go::MESSAGES,
            Self::DeepRobotics => &deeprobotics::MESSAGES,
        }
    }

    /// An object for each kind of message, as help for those who write them.
    pub const fn examples(self) -> &'static [&'static str] {
        self.messages().examples
    }

    /// The message that a JSON object describes.
    ///
    /// # Errors
    /// [`FrameInputError`] says which field, and what it may be.
    pub fn encode(self, object: &Map<String, Value>) -> Result<Vec<u8>, FrameInputError> {
        let mut object = Value::Object(object.clone());
        super::number::without_empty_fractions(&mut object);
        (self.messages().encode)(object)
    }

    /// The line of JSON for a message.
    ///
    /// # Errors
    /// [`FrameInputError`] says why the bytes are none.
    pub fn decode(self, message: &[u8]) -> Result<String, FrameInputError> {
        (self.messages().decode)(message)
    }
}
