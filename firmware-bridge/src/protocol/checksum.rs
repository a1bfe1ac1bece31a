//! The envelope that the fixed-length frames share: a header in front, CRC-16/KERMIT of everything before it
//! in the last two bytes, little-endian.

use std::ops::Range;

use crc::{CRC_16_KERMIT, Crc, Table};

use super::WireError;

static CRC: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_KERMIT);

/// CRC-16/KERMIT over everything that stands before it.
pub(super) fn checksum(bytes: &[u8]) -> u16 {
    CRC.checksum(bytes)
}

/// The bytes as a frame of `N` with this header and a checksum in its last two bytes.
pub(super) fn intact<const N: usize>(bytes: &[u8], header: [u8; 2]) -> Result<&[u8; N], WireError> {
    let frame: &[u8; N] = bytes.try_into().or(Err(WireError::Length { expected: N, found: bytes.len() }))?;
    for (&expected, &found) in header.iter().zip(frame) {
        if expected != found {
            return Err(WireError::Header { expected, found });
        }
    }
    let expected = checksum(&frame[..N - 2]);
    let found = u16_at(frame, N - 2..N);
    if expected == found {
        Ok(frame)
    } else {
        Err(WireError::Crc { expected: expected.into(), found: found.into() })
    }
}

/// The little-endian number at a field.
pub(super) const fn u16_at<const N: usize>(bytes: &[u8; N], field: Range<usize>) -> u16 {
    u16::from_le_bytes([bytes[field.start], bytes[field.start + 1]])
}
