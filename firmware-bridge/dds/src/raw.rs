//! Samples as bytes, for [`rustdds`], which takes the encapsulation apart from the body.

use std::convert::Infallible;

use bytes::Bytes;
use rustdds::RepresentationIdentifier;
use rustdds::no_key::{Decode, DefaultDecoder, DeserializerAdapter, SerializerAdapter};

/// Encapsulation of plain CDR, little endian.
const ENCAPSULATION: [u8; 4] = [0, 1, 0, 0];

/// The body of a sample; `None` if it does not begin with the encapsulation.
pub(super) fn body(sample: &[u8]) -> Option<&[u8]> {
    sample.strip_prefix(&ENCAPSULATION)
}

/// Bodies to bytes and bytes to whole samples.
pub(super) struct Raw;

impl SerializerAdapter<Vec<u8>> for Raw {
    type Error = Infallible;

    fn output_encoding() -> RepresentationIdentifier {
        RepresentationIdentifier::CDR_LE
    }

    fn to_bytes(body: &Vec<u8>) -> Result<Bytes, Infallible> {
        Ok(Bytes::copy_from_slice(body))
    }
}

impl DeserializerAdapter<Vec<u8>> for Raw {
    type Error = Infallible;
    type Decoded = Vec<u8>;

    fn supported_encodings() -> &'static [RepresentationIdentifier] {
        &[RepresentationIdentifier::CDR_LE]
    }

    fn transform_decoded(sample: Vec<u8>) -> Vec<u8> {
        sample
    }
}

impl DefaultDecoder<Vec<u8>> for Raw {
    type Decoder = Prepend;

    const DECODER: Prepend = Prepend;
}

/// Puts the encapsulation in front again.
#[derive(Clone)]
pub(super) struct Prepend;

impl Decode<'_, Vec<u8>> for Prepend {
    type Error = Infallible;

    fn decode_bytes(self, body: &[u8], _: RepresentationIdentifier) -> Result<Vec<u8>, Infallible> {
        Ok([&ENCAPSULATION, body].concat())
    }
}
