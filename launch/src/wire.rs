//! Frames of motor buses as JSON and back, for people and scripts: what `adit wire` does. One file a protocol.

mod adit;
mod damiao;
mod decoder;
mod dynamixel2;
mod feetech;
mod number;
mod unitree;

use std::ops::Range;

use firmware_bridge::wire::Frame;
use firmware_bridge::wire::damiao::Model;
use firmware_bridge::wire::{dynamixel2 as dynamixel, feetech as servos, unitree_a1};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use decoder::{Decoder, SHOWN};

/// What to do about a JSON object that makes no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// A protocol by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// Unitree GO-M8010-6
    #[value(name = "go-m8010-6")]
    GoM8010,
    /// Unitree A1
    A1,
    /// Unitree B1
    B1,
    /// DYNAMIXEL Protocol 2.0
    Dynamixel2,
    /// Damiao motors behind the vendor's USB-CAN adapter
    Damiao,
    /// Feetech SMS/STS servos
    Feetech,
    /// Adit's own link to a microcontroller
    Adit,
}

/// A protocol, with what its bytes alone do not tell.
#[derive(Clone, Copy, Debug)]
pub struct Codec {
    /// Whose frames.
    pub protocol: Protocol,
    /// Damiao: the model, on which the ranges of a motor's numbers depend.
    pub model: Model,
    /// Feetech: only answers are expected, which look like requests.
    pub answers: bool,
}

/// What was found in a stream of bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// A frame, as a line of JSON.
    Frame(String),
    /// Bytes that belong to none: the first [`SHOWN`] of them.
    Noise(Vec<u8>),
}

/// What stands at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Front {
    /// No frame.
    Nothing,
    /// Perhaps a frame, of which bytes are missing.
    Unfinished,
    /// A whole frame; a doubtful one is to be believed only where one is expected.
    Frame { len: usize, doubtful: bool },
}

impl Front {
    /// A whole frame only if more is true of its bytes.
    fn only_if(self, bytes: &[u8], more: impl FnOnce(&[u8]) -> bool) -> Self {
        match self {
            Self::Frame { len, .. } if !bytes.get(..len).is_some_and(more) => Self::Nothing,
            other => other,
        }
    }

    /// What of two kinds of frame stands there.
    fn or(self, other: impl FnOnce() -> Self) -> Self {
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

impl Codec {
    /// The frame that a JSON object describes.
    ///
    /// # Errors
    /// [`Refused`] says which field, and what it may be.
    pub fn encode(&self, object: &Map<String, Value>) -> Result<Vec<u8>, Refused> {
        let mut object = Value::Object(object.clone());
        number::without_empty_fractions(&mut object);
        match self.protocol {
            Protocol::GoM8010 => unitree::encode_go(object),
            Protocol::A1 => unitree::encode_a1(object, unitree_a1::Model::A1),
            Protocol::B1 => unitree::encode_a1(object, unitree_a1::Model::B1),
            Protocol::Dynamixel2 => dynamixel2::encode(object),
            Protocol::Damiao => damiao::encode(object, &self.model.ranges()),
            Protocol::Feetech => feetech::encode(object),
            Protocol::Adit => adit::encode(object),
        }
    }

    /// Everything in a stream, from its beginning to its end: each byte belongs to one thing found. Frames may begin
    /// anywhere; `starts` are where lines of it begin, in ascending order.
    pub fn decode(&self, stream: &[u8], starts: &[usize]) -> Vec<(Range<usize>, Found)> {
        let mut decoder = Decoder::new(*self);
        for start in starts {
            if let Some(line) = stream.get(decoder.end()..*start) {
                decoder.push(line);
                decoder.end_line();
            }
        }
        decoder.push(&stream[decoder.end()..]);
        decoder.finish();
        std::iter::from_fn(|| decoder.next_found()).collect()
    }

    /// Whether these bytes begin with a frame, command or reply.
    fn front(&self, bytes: &[u8]) -> Front {
        match self.protocol {
            Protocol::GoM8010 => unitree::front_go(bytes),
            Protocol::A1 | Protocol::B1 => unitree::front_a1(bytes),
            Protocol::Dynamixel2 => front::<dynamixel::Packet>(bytes),
            Protocol::Damiao => damiao::front(bytes, &self.model.ranges()),
            Protocol::Feetech => front::<servos::Packet>(bytes),
            Protocol::Adit => adit::front(bytes),
        }
    }

    /// The line of JSON for what [`front`](Self::front) says is a frame.
    fn show(&self, frame: &[u8]) -> String {
        let shown = match self.protocol {
            Protocol::GoM8010 => unitree::show_go(frame),
            Protocol::A1 => unitree::show_a1(frame, unitree_a1::Model::A1),
            Protocol::B1 => unitree::show_a1(frame, unitree_a1::Model::B1),
            Protocol::Dynamixel2 => dynamixel2::show(frame),
            Protocol::Damiao => damiao::show(frame, &self.model.ranges()),
            Protocol::Feetech => feetech::show(frame, self.answers),
            Protocol::Adit => adit::show(frame),
        };
        shown.unwrap_or_default()
    }
}

impl Protocol {
    /// An object for each kind of frame, as help for those who write them.
    pub const fn examples(self) -> &'static [&'static str] {
        match self {
            Self::GoM8010 => unitree::GO_EXAMPLES,
            Self::A1 | Self::B1 => unitree::A1_EXAMPLES,
            Self::Dynamixel2 => dynamixel2::EXAMPLES,
            Self::Damiao => damiao::EXAMPLES,
            Self::Feetech => feetech::EXAMPLES,
            Self::Adit => adit::EXAMPLES,
        }
    }
}

/// Whether bytes begin with a frame of this kind.
fn front<F: Frame>(bytes: &[u8]) -> Front {
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

/// What a JSON object says, in a protocol's own words.
fn read<T: DeserializeOwned>(object: Value) -> Result<T, Refused> {
    serde_json::from_value(object).map_err(|error| Refused::new(format!("{error}: see --examples")))
}

/// The line of a frame.
fn json(frame: &impl Serialize) -> Option<String> {
    serde_json::to_string(frame).ok()
}

/// Bytes written as pairs of hexadecimal digits; white space, commas, colons and `0x` between them are passed over.
///
/// # Errors
/// [`Refused`] names what is no digit.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for group in hex_words(text) {
        let digits = group.strip_prefix("0x").or_else(|| group.strip_prefix("0X")).unwrap_or(group);
        if let Some(wrong) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(Refused::new(format!("`{wrong}` is no hexadecimal digit: write bytes as FE EE 10")));
        }
        if digits.len() % 2 == 1 {
            return Err(Refused::new(format!(
                "`{group}` has an odd number of digits: a byte is two of them"
            )));
        }
        let pairs = (0..digits.len()).step_by(2).filter_map(|i| digits.get(i..i + 2));
        bytes.extend(pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()));
    }
    Ok(bytes)
}

/// What [`parse_hex`] reads between what it passes over.
pub fn hex_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':'))
}

/// Bytes as pairs of hexadecimal digits, without anything between them.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_as_people_write_it() {
        for text in ["FEEE10", "fe ee 10", "0xFE, 0xEE, 0x10", "FE:EE:10\n"] {
            assert_eq!(parse_hex(text), Ok(vec![0xFE, 0xEE, 0x10]), "{text}");
        }
        assert!(parse_hex("FEE").expect_err("half a byte").to_string().contains("odd"));
        assert!(parse_hex("FÉ").expect_err("no digit").to_string().contains('É'));
    }
}
