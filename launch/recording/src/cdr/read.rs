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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::serialize_into;
    use super::*;
    use crate::messages::{
        Bytes, CameraInfo, CompressedImage, Covariance6, Header, Image, JointState, MissionStatus, Odometry,
        PointCloud2, PointField, Pose, PoseWithCovariance, RegionOfInterest, Time, Twist,
        TwistWithCovariance,
    };

    fn bytes_of(message: &impl serde::Serialize) -> Vec<u8> {
        let mut out = Vec::new();
        serialize_into(&mut out, message).expect("serialises");
        out
    }

    fn header() -> Header<'static> {
        Header { stamp: Time { sec: 7, nanosec: 8 }, frame_id: "odom" }
    }

    fn odometry() -> Odometry<'static> {
        let covariance = Covariance6(std::array::from_fn(|i| i as f64));
        Odometry {
            header: header(),
            child_frame_id: "base_link",
            pose: PoseWithCovariance { pose: Pose::default(), covariance },
            twist: TwistWithCovariance { twist: Twist::default(), covariance },
        }
    }

    fn cloud(data: &[u8]) -> PointCloud2<'_> {
        let field = |name, offset| PointField { name, offset, datatype: PointField::FLOAT32, count: 1 };
        PointCloud2 {
            header: header(),
            height: 1,
            width: 2,
            fields: vec![field("x", 0), field("time", 4)].into(),
            is_bigendian: false,
            point_step: 8,
            row_step: 16,
            data: Bytes(data),
            is_dense: true,
        }
    }

    fn image(data: &[u8]) -> Image<'_> {
        let encoding = "rgb8";
        Image { header: header(), height: 1, width: 3, encoding, is_bigendian: 0, step: 9, data: Bytes(data) }
    }

    fn camera_info() -> CameraInfo<'static> {
        CameraInfo {
            header: header(),
            height: 4,
            width: 5,
            distortion_model: "plumb_bob",
            d: vec![0.5; 5].into(),
            k: [2.0; 9],
            r: [3.0; 9],
            p: [4.0; 12],
            binning_x: 1,
            binning_y: 2,
            roi: RegionOfInterest { do_rectify: true, ..RegionOfInterest::default() },
        }
    }

    fn joints() -> JointState<'static> {
        let floats = |count| vec![1.5; count].into();
        JointState {
            header: header(),
            name: vec!["hip", ""].into(),
            position: floats(2),
            velocity: floats(0),
            effort: floats(3),
        }
    }

    fn status() -> MissionStatus<'static> {
        MissionStatus {
            header: header(),
            state: 2,
            phase: 3,
            abort_reason: 0,
            text: "walking out",
            chainage_m: 1.0,
            distance_walked_m: 2.0,
            defects: 3,
        }
    }

    const BITMAP: Bytes<'static> = Bytes(&[1, 2, 3, 4, 5]);

    /// Bytes that were written read back the same; cut anywhere, they are an error.
    macro_rules! comes_back {
        ($($type:ident: $message:expr),* $(,)?) => {
            $({
                let whole = bytes_of(&$message);
                let read: $type<'_> = deserialize(&whole).expect(stringify!($type));
                assert_eq!(bytes_of(&read), whole);
                for length in 0..whole.len() {
                    let cut = deserialize::<$type<'_>>(&whole[..length]);
                    assert!(cut.is_err(), "{} cut to {length} bytes", stringify!($type));
                }
                let padded = [&whole[..], &[0; 3]].concat();
                assert!(deserialize::<$type<'_>>(&padded).is_ok());
            })*
        };
    }

    #[test]
    fn messages_come_back_and_cut_ones_are_refused_at_every_byte() {
        comes_back! {
            Odometry: odometry(),
            PointCloud2: cloud(&[9; 16]),
            Image: image(&[9; 9]),
            CompressedImage: CompressedImage { header: header(), format: "jpeg", data: BITMAP },
            CameraInfo: camera_info(),
            JointState: joints(),
            MissionStatus: status(),
        }
    }

    #[test]
    fn the_golden_bytes_of_a_joint_state_are_read() {
        #[rustfmt::skip]
        let bytes = [
            0, 1, 0, 0,
            1, 0, 0, 0, 2, 0, 0, 0,
            2, 0, 0, 0, b'b', 0, 0, 0,
            1, 0, 0, 0, 4, 0, 0, 0, b'h', b'i', b'p', 0,
            1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f,
            0, 0, 0, 0,
            1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0xbf,
        ];
        let read: JointState<'_> = deserialize(&bytes).expect("whole");
        assert_eq!((read.header.stamp, read.header.frame_id), (Time { sec: 1, nanosec: 2 }, "b"));
        assert_eq!((&*read.name, &*read.position, &*read.effort), (&["hip"][..], &[0.5][..], &[-1.0][..]));
        assert!(read.velocity.is_empty());
    }

    #[test]
    fn an_absurd_length_makes_no_space_and_another_form_is_named() {
        let lengths = [&ENCAPSULATION[..], &[0xff; 4]].concat();
        assert_eq!(deserialize::<Vec<f64>>(&lengths), Err(CdrReadError::Truncated(8)));
        assert_eq!(deserialize::<Bytes<'_>>(&lengths).err(), Some(CdrReadError::Truncated(8)));
        let big_endian = deserialize::<u32>(&[0, 0, 0, 0, 1, 2, 3, 4]).expect_err("big-endian").to_string();
        assert!(big_endian.contains("little-endian"), "{big_endian}");
        assert_eq!(deserialize::<&str>(&[0, 1, 0, 0, 2, 0, 0, 0, 0xff, 0]), Err(CdrReadError::Text));
        assert_eq!(deserialize::<&str>(&[0, 1, 0, 0, 0, 0, 0, 0]), Ok(""));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), cdr: bool) {
            let bytes = if cdr { [&ENCAPSULATION[..], &bytes].concat() } else { bytes };
            let _ = deserialize::<Odometry<'_>>(&bytes);
            let _ = deserialize::<PointCloud2<'_>>(&bytes);
            let _ = deserialize::<Image<'_>>(&bytes);
            let _ = deserialize::<CameraInfo<'_>>(&bytes);
            let _ = deserialize::<JointState<'_>>(&bytes);
            let _ = deserialize::<MissionStatus<'_>>(&bytes);
        }

        #[test]
        fn a_byte_that_is_wrong_is_an_error_or_another_message(at in 4_usize..100, value: u8) {
            for mut bytes in [bytes_of(&cloud(&[9; 16])), bytes_of(&joints()), bytes_of(&image(&[9; 9]))] {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
                let _ = deserialize::<PointCloud2<'_>>(&bytes);
                let _ = deserialize::<JointState<'_>>(&bytes);
                let _ = deserialize::<Image<'_>>(&bytes);
            }
        }
    }
}
