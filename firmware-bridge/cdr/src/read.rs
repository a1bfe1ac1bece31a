//! Reads a message from ROS 2's CDR: the way back of [`super`], into the same structs. Texts and bytes are borrowed, so
//! that a picture is not copied.
//!
//! Whatever the bytes are, reading ends with a message or an error: no length is believed before so many bytes
//! are there. What stands behind the message, as some middlewares' padding does, is left alone.

use std::fmt::Display;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};

use super::ENCAPSULATION;

/// Refusal of bytes that are no message of the wanted type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CdrReadError {
    /// They are in another form.
    #[error("it is not little-endian plain CDR (it begins with {0:02x?}), the form in which ROS 2 records")]
    Encapsulation(Vec<u8>),
    /// There are too few.
    #[error("it ends at byte {0}, before it is complete: it was damaged, or is of another type")]
    Truncated(usize),
    /// A text that is none.
    #[error("a text in it is not UTF-8: it was damaged, or is of another type")]
    Text,
    /// A struct that no message can fill: a mistake in Adit.
    #[error("{0}")]
    Custom(String),
}

impl de::Error for CdrReadError {
    fn custom<T: Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// The message that `bytes`, with their four of encapsulation, hold.
///
/// # Errors
/// [`CdrReadError`] if they are another form, too few, or hold a text that is none.
pub fn deserialize<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, CdrReadError> {
    let (head, body) = bytes.split_at_checked(ENCAPSULATION.len()).unwrap_or((bytes, &[]));
    // The last two bytes are options, which say nothing that is needed here.
    if head.get(..2) != ENCAPSULATION.get(..2) || head.len() < ENCAPSULATION.len() {
        return Err(CdrReadError::Encapsulation(head.to_vec()));
    }
    T::deserialize(&mut Deserializer { body, position: 0 })
}

struct Deserializer<'de> {
    /// Bytes behind the encapsulation.
    body: &'de [u8],
    position: usize,
}

impl<'de> Deserializer<'de> {
    fn take(&mut self, count: usize) -> Result<&'de [u8], CdrReadError> {
        let rest = self.body.get(self.position..).unwrap_or_default();
        let taken =
            rest.get(..count).ok_or(CdrReadError::Truncated(ENCAPSULATION.len() + self.body.len()))?;
        self.position += count;
        Ok(taken)
    }

    /// A number at a multiple of its size.
    fn number<const N: usize>(&mut self) -> Result<[u8; N], CdrReadError> {
        self.take(self.position.next_multiple_of(N) - self.position)?;
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    fn length(&mut self) -> Result<usize, CdrReadError> {
        Ok(u32::from_le_bytes(self.number()?) as usize)
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty => $visit:ident),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CdrReadError> {
            visitor.$visit(<$type>::from_le_bytes(self.number()?))
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = CdrReadError;

    numbers! {
        deserialize_i8: i8 => visit_i8, deserialize_i16: i16 => visit_i16,
        deserialize_i32: i32 => visit_i32, deserialize_i64: i64 => visit_i64,
        deserialize_u8: u8 => visit_u8, deserialize_u16: u16 => visit_u16,
        deserialize_u32: u32 => visit_u32, deserialize_u64: u64 => visit_u64,
        deserialize_f32: f32 => visit_f32, deserialize_f64: f64 => visit_f64,
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CdrReadError> {
        let [byte] = self.number()?;
        visitor.visit_bool(byte != 0)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CdrReadError> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        // The length counts the closing zero; some middlewares give an empty text the length 0 and no zero.
        let text = std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes));
        visitor.visit_borrowed_str(text.ok().ok_or(CdrReadError::Text)?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CdrReadError> {
        let length = self.length()?;
        visitor.visit_borrowed_bytes(self.take(length)?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CdrReadError> {
        let left = self.length()?;
        visitor.visit_seq(Elements { of: self, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, CdrReadError> {
        visitor.visit_seq(Elements { of: self, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CdrReadError> {
        visitor.visit_seq(Elements { of: self, left: fields.len() })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, CdrReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, CdrReadError> {
        Err(de::Error::custom(
            "ROS 2 messages have no such type; this is a mistake in adit, please report it",
        ))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char string byte_buf option unit unit_struct tuple_struct map enum identifier ignored_any
    }
}

/// The elements of a sequence, an array or a struct.
struct Elements<'a, 'de> {
    of: &'a mut Deserializer<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = CdrReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, CdrReadError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.of).map(Some)
    }

    /// No element is shorter than a byte, so that no more space is made than there are bytes.
    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.of.body.len().saturating_sub(self.of.position)))
    }
}
