//! Arrays of any length, of which serde itself knows only those up to 32: for `#[serde(with = "adit_cdr::array")]`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple as _, Serializer};

/// Writes its elements, one after the other.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Serialize, S: Serializer, const N: usize>(
    values: &[T; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut tuple = serializer.serialize_tuple(N)?;
    for value in values {
        tuple.serialize_element(value)?;
    }
    tuple.end()
}

/// Reads as many elements as there are.
///
/// # Errors
/// Those of the deserializer, and if there are fewer elements.
pub fn deserialize<'de, T, D, const N: usize>(deserializer: D) -> Result<[T; N], D::Error>
where
    T: Deserialize<'de> + Copy + Default,
    D: Deserializer<'de>,
{
    struct Values<T, const N: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de> + Copy + Default, const N: usize> Visitor<'de> for Values<T, N> {
        type Value = [T; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{N} values")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<[T; N], A::Error> {
            let mut array = [T::default(); N];
            for (i, value) in array.iter_mut().enumerate() {
                *value = values.next_element()?.ok_or_else(|| A::Error::invalid_length(i, &self))?;
            }
            Ok(array)
        }
    }

    deserializer.deserialize_tuple(N, Values(PhantomData))
}
