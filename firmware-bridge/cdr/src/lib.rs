//! Plain CDR, little endian (OMG DDS-XTypes 1.3, 7.4.1): the bytes of messages in DDS, in ROS 2 and in their recordings, from
//! serde's structs and back.
//!
//! Four bytes of encapsulation, then each number at a multiple of its own size counted from behind them. A
//! string is its length with the closing zero, the bytes and the zero; a sequence is its length and elements;
//! an array or struct is its elements alone.

//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Stamped<'a> {
//!     nanosec: u32,
//!     frame: &'a str,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut bytes = Vec::new();
//! adit_cdr::serialize_into(&mut bytes, &Stamped { nanosec: 7, frame: "map" })?;
//! assert_eq!(bytes, [0, 1, 0, 0, 7, 0, 0, 0, 4, 0, 0, 0, b'm', b'a', b'p', 0]);
//! let read: Stamped<'_> = adit_cdr::deserialize(&bytes)?;
//! assert_eq!((read.nanosec, read.frame), (7, "map"));
//! # Ok(())
//! # }
//! ```

pub mod array;
mod read;

use std::fmt::Display;

use serde::Serialize;
use serde::ser::{self, Impossible};

pub use read::CdrReadError;
pub use read::deserialize;

/// Encapsulation of plain CDR, little endian.
pub const ENCAPSULATION: [u8; 4] = [0x00, 0x01, 0x00, 0x00];

/// Refusal of a value that has no CDR form: a mistake in the message's struct.
#[derive(Debug, thiserror::Error)]
pub enum CdrError {
    /// The interface language has no such type.
    #[error("ROS 2 messages have no {0}")]
    Unsupported(&'static str),
    /// A sequence that does not know its length, or one past 2^32 elements.
    #[error("a sequence needs a length below 2^32")]
    Length,
    /// More bytes than there is room for.
    #[error("the message does not fit {0} bytes")]
    Room(usize),
    /// Serde's error.
    #[error("{0}")]
    Custom(String),
}

impl ser::Error for CdrError {
    fn custom<T: Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// Puts `message` into `out`, whose former contents are lost and whose space is used again.
///
/// # Errors
/// [`CdrError`] if its struct has what the interface language has no word for.
pub fn serialize_into<T: Serialize + ?Sized>(out: &mut Vec<u8>, message: &T) -> Result<(), CdrError> {
    out.clear();
    out.extend_from_slice(&ENCAPSULATION);
    message.serialize(&mut Serializer { out })
}

/// Puts `message` into the front of `out`, without allocating. Returns how many bytes it takes there.
///
/// # Errors
/// [`CdrError`] if it does not fit, or its struct has what the interface language has no word for.
pub fn serialize_into_slice<T: Serialize + ?Sized>(out: &mut [u8], message: &T) -> Result<usize, CdrError> {
    let mut out = Slice { bytes: out, len: 0 };
    out.append(&ENCAPSULATION);
    message.serialize(&mut Serializer { out: &mut out })?;
    if out.len <= out.bytes.len() { Ok(out.len) } else { Err(CdrError::Room(out.bytes.len())) }
}

/// Where bytes go.
trait Output {
    fn len(&self) -> usize;
    fn append(&mut self, bytes: &[u8]);
}

impl Output for Vec<u8> {
    fn len(&self) -> usize {
        self.len()
    }

    fn append(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The front of a slice; what does not fit is counted and lost.
struct Slice<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl Output for Slice<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn append(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if let Some(place) = self.bytes.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
        }
        self.len = end;
    }
}

struct Serializer<'a, O> {
    out: &'a mut O,
}

impl<O: Output> Serializer<'_, O> {
    /// Appends a number at a multiple of its size.
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        let position = self.out.len() - ENCAPSULATION.len();
        self.out.append(&[0; N][..position.next_multiple_of(N) - position]);
        self.out.append(&bytes);
    }

    fn put_length(&mut self, length: usize) -> Result<(), CdrError> {
        let length = u32::try_from(length).or(Err(CdrError::Length))?;
        self.put(length.to_le_bytes());
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<(), CdrError> {
            self.put(value.to_le_bytes());
            Ok(())
        })*
    };
}

impl<O: Output> ser::Serializer for &mut Serializer<'_, O> {
    type Ok = ();
    type Error = CdrError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeStruct = Self;
    type SerializeTupleVariant = Impossible<(), CdrError>;
    type SerializeMap = Impossible<(), CdrError>;
    type SerializeStructVariant = Impossible<(), CdrError>;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64,
    }

    fn serialize_bool(self, value: bool) -> Result<(), CdrError> {
        self.put([u8::from(value)]);
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), CdrError> {
        self.put_length(value.len() + 1)?;
        self.out.append(value.as_bytes());
        self.out.append(&[0]);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), CdrError> {
        self.put_length(value.len())?;
        self.out.append(value);
        Ok(())
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, CdrError> {
        self.put_length(length.ok_or(CdrError::Length)?)?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, CdrError> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, CdrError> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, CdrError> {
        Ok(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), CdrError> {
        value.serialize(self)
    }

    fn serialize_char(self, _: char) -> Result<(), CdrError> {
        Err(CdrError::Unsupported("char"))
    }

    fn serialize_none(self) -> Result<(), CdrError> {
        Err(CdrError::Unsupported("option"))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), CdrError> {
        Err(CdrError::Unsupported("option"))
    }

    fn serialize_unit(self) -> Result<(), CdrError> {
        Err(CdrError::Unsupported("unit"))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), CdrError> {
        Err(CdrError::Unsupported("unit"))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), CdrError> {
        Err(CdrError::Unsupported("enum"))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), CdrError> {
        Err(CdrError::Unsupported("enum"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, CdrError> {
        Err(CdrError::Unsupported("enum"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, CdrError> {
        Err(CdrError::Unsupported("map"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, CdrError> {
        Err(CdrError::Unsupported("enum"))
    }
}

macro_rules! compounds {
    ($($trait:ident: $method:ident),* $(,)?) => {
        $(impl<O: Output> ser::$trait for &mut Serializer<'_, O> {
            type Ok = ();
            type Error = CdrError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CdrError> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), CdrError> {
                Ok(())
            }
        })*
    };
}

compounds! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
}

impl<O: Output> ser::SerializeStruct for &mut Serializer<'_, O> {
    type Ok = ();
    type Error = CdrError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), CdrError> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), CdrError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Serialize>(value: &T, expected: &[u8]) {
        let mut out = vec![0xff; 3];
        serialize_into(&mut out, value).expect("serialises");
        let mut slice = [0xff; 64];
        let len = serialize_into_slice(&mut slice, value).expect("serialises");
        assert_eq!(slice[..len], out);
        assert!(matches!(serialize_into_slice(&mut slice[..len - 1], value), Err(CdrError::Room(_))));
        assert_eq!(out[..4], [0, 1, 0, 0]);
        assert_eq!(&out[4..], expected);
    }

    #[test]
    fn numbers_stand_at_multiples_of_their_size() {
        check(&(1_u8, 2_u16, 3_u8, 4_u32), &[1, 0, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0]);
        check(&(true, 1.0_f64), &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        check(&(-2_i8, 1.0_f32), &[0xfe, 0, 0, 0, 0, 0, 0x80, 0x3f]);
    }

    #[test]
    fn strings_count_their_zero() {
        check(&"ab", &[3, 0, 0, 0, b'a', b'b', 0]);
        check(&("", 5_u16), &[1, 0, 0, 0, 0, 0, 5, 0]);
    }

    #[test]
    fn sequences_have_lengths_and_arrays_have_none() {
        check(&vec![1_u16, 2], &[2, 0, 0, 0, 1, 0, 2, 0]);
        check(&[1_u16, 2], &[1, 0, 2, 0]);
        // An empty sequence of doubles is not padded for the elements it does not have.
        check(&(Vec::<f64>::new(), 1_u8), &[0, 0, 0, 0, 1]);
    }

    #[test]
    fn an_absurd_length_makes_no_space_and_another_form_is_named() {
        let lengths = [&ENCAPSULATION[..], &[0xff; 4]].concat();
        assert_eq!(deserialize::<Vec<f64>>(&lengths), Err(CdrReadError::Truncated(8)));
        let big_endian = deserialize::<u32>(&[0, 0, 0, 0, 1, 2, 3, 4]).expect_err("big-endian").to_string();
        assert!(big_endian.contains("little-endian"), "{big_endian}");
        assert_eq!(deserialize::<&str>(&[0, 1, 0, 0, 2, 0, 0, 0, 0xff, 0]), Err(CdrReadError::Text));
        assert_eq!(deserialize::<&str>(&[0, 1, 0, 0, 0, 0, 0, 0]), Ok(""));
    }

    #[test]
    fn what_ros_has_no_word_for_is_refused() {
        let mut out = Vec::new();
        assert!(matches!(serialize_into(&mut out, &Some(1)), Err(CdrError::Unsupported("option"))));
        assert!(matches!(serialize_into(&mut out, &'c'), Err(CdrError::Unsupported("char"))));
    }
}
