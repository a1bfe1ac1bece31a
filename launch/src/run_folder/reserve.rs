//! Room on the disk that a recording cannot fill, so that the report still fits when the disk is full.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};

/// Room for a report with its pictures, bytes.
const ROOM: u64 = 64 << 20;
/// Unit in which the system counts what a file takes, bytes.
const BLOCK: u64 = 512;

/// Room on a disk, kept until this is dropped or its process ends.
#[derive(Debug)]
pub(crate) struct Reserve {
    /// A file without a name: the system frees it, whatever ends the process.
    _file: File,
    /// Bytes that are really taken.
    room: u64,
}

impl Reserve {
    /// Keeps room on the disk of a folder; half of what is free, where that is less. `None` where the disk cannot promise any.
    pub(crate) fn take(folder: &Path) -> Option<Self> {
        let place = folder.join(".adit-reserve");
        let file = File::create(&place).ok()?;
        fs::remove_file(&place).ok()?;
        let disk = fstatvfs(&file).ok()?;
        let room = ROOM.min(disk.f_bavail.saturating_mul(disk.f_frsize) / 2);
        fallocate(&file, FallocateFlags::empty(), 0, room.max(1)).ok()?;
        let room = file.metadata().ok()?.blocks() * BLOCK;
        Some(Self { _file: file, room })
    }

    /// Returns true if there was less room to keep than a report may need.
    pub(crate) fn is_short(&self) -> bool {
        self.room < ROOM
    }
}
