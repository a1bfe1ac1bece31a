//! Chunks that are compressed with zstd, which rosbag2's `zstd_fast` and `zstd_small` presets write.
//!
//! The mcap crate reads them through a C library that is built for 45 s. `ruzstd` is Rust alone and is built in 3 s; it is
//! slower, and only reads here: Adit's own recordings are lz4.

use mcap::McapError;
use mcap::records::Record;
use ruzstd::decoding::FrameDecoder;

use super::scan::MAX_CHUNK;

/// An RLE block makes 128 KiB of four bytes.
const MAX_RATIO: u64 = 1 << 15;

/// Returns the records in a chunk that is compressed with zstd; `None` for any other record.
pub(super) fn unpack(opcode: u8, content: &[u8]) -> Result<Option<Vec<u8>>, McapError> {
    if opcode != mcap::records::op::CHUNK {
        return Ok(None);
    }
    let Record::Chunk { header, data } = mcap::parse_record(opcode, content)? else { return Ok(None) };
    if header.compression != "zstd" {
        return Ok(None);
    }
    let size = header.uncompressed_size;
    if size > MAX_CHUNK.min((data.len() as u64).saturating_mul(MAX_RATIO)) {
        return Err(McapError::ChunkTooLarge(size));
    }
    let mut records = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    let mut decoder = FrameDecoder::new();
    let written = decoder
        .decode_all(&data, &mut records)
        .map_err(|error| McapError::DecompressionError(error.to_string()))?;
    if written != records.len() {
        return Err(McapError::UnexpectedEoc);
    }
    let (saved, calculated) = (header.uncompressed_crc, crc32fast::hash(&records));
    // Zero says that there is no checksum.
    if saved != 0 && saved != calculated {
        return Err(McapError::BadChunkCrc { saved, calculated });
    }
    Ok(Some(records))
}
