//! Frames of motor buses as JSON and back, for people and scripts: what `adit wire` does. One file a protocol.

mod adit;
mod damiao;
mod dynamixel2;
mod feetech;
mod unitree;

use std::ops::Range;

use firmware_bridge::wire::Frame;
use firmware_bridge::wire::damiao::Model;
use firmware_bridge::wire::unitree_a1;
use serde::Serialize;
use serde_json::{Map, Value};

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
    /// Bytes that belong to none.
    Noise,
}

impl Codec {
    /// The frame that a JSON object describes.
    ///
    /// # Errors
    /// [`Refused`] says which field, and what it may be.
    pub fn encode(&self, object: &Map<String, Value>) -> Result<Vec<u8>, Refused> {
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
    /// anywhere; `starts` are where one probably does (lines of a file, reads of a port), in ascending order.
    pub fn decode(&self, stream: &[u8], starts: &[usize]) -> Vec<(Range<usize>, Found)> {
        let mut found: Vec<(Range<usize>, Found)> = Vec::new();
        let mut at = 0;
        while at < stream.len() {
            let sure = !matches!(found.last(), Some((_, Found::Noise))) || starts.binary_search(&at).is_ok();
            let Some((len, json)) = self.front(&stream[at..], sure) else {
                match found.last_mut() {
                    Some((range, Found::Noise)) => range.end += 1,
                    _ => found.push((at..at + 1, Found::Noise)),
                }
                at += 1;
                continue;
            };
            found.push((at..at + len, Found::Frame(json)));
            at += len;
        }
        found
    }

    /// The frame that these bytes begin with, command or reply, and its length; `sure` if one is expected there.
    fn front(&self, bytes: &[u8], sure: bool) -> Option<(usize, String)> {
        match self.protocol {
            Protocol::GoM8010 => unitree::front_go(bytes),
            Protocol::A1 => unitree::front_a1(bytes, unitree_a1::Model::A1),
            Protocol::B1 => unitree::front_a1(bytes, unitree_a1::Model::B1),
            Protocol::Dynamixel2 => dynamixel2::front_packet(bytes),
            Protocol::Damiao => damiao::front_frame(bytes, &self.model.ranges(), sure),
            Protocol::Feetech => feetech::front_packet(bytes, self.answers),
            Protocol::Adit => adit::front_frame(bytes),
        }
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

/// The frame that bytes begin with, if one of this kind does.
fn front<F: Frame>(bytes: &[u8]) -> Option<(usize, F)> {
    if !bytes.starts_with(F::HEADER) {
        return None;
    }
    let len = F::len_of(bytes).ok().flatten()?;
    let frame = F::decode(bytes.get(..len)?).ok()?;
    Some((len, frame))
}

/// A frame's length and its line. All numbers of a frame are finite, or JSON writes them as null: this cannot fail.
fn json(len: usize, frame: &impl Serialize) -> Option<(usize, String)> {
    Some((len, serde_json::to_string(frame).ok()?))
}

/// Bytes written as pairs of hexadecimal digits; white space, commas, colons and `0x` between them are passed over.
///
/// # Errors
/// [`Refused`] names what is no digit.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for group in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':')) {
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
