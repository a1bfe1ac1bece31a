//! Wire formats, one file a protocol, each at two levels: the bytes with their raw fields, and what they
//! mean in SI units. A motor's values are those of its own side of the gearbox.

mod checksum;
pub mod damiao;
pub mod deeprobotics;
pub mod device;
pub mod dynamixel2;
pub mod feetech;
pub mod go_m8010;
mod impedance;
pub mod imu;
pub mod link;
mod reader;
pub mod unitree_a1;
pub mod unitree_go;
pub mod unitree_motors;

pub use impedance::Impedance;
pub use reader::FrameReader;

/// Refusal of bytes that are no frame.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum WireError {
    /// Not as long as a frame is.
    #[error(
        "{found} bytes where a frame has {expected}: collect the stream in a FrameReader before decoding"
    )]
    Length {
        /// Length of a frame, bytes.
        expected: usize,
        /// Length given, bytes.
        found: usize,
    },
    /// A byte of the fixed header differs.
    #[error(
        "{found:#04X} where a frame's header has {expected:#04X}: check the baud rate and who else is on the bus"
    )]
    Header {
        /// The header's byte.
        expected: u8,
        /// The byte in its place.
        found: u8,
    },
    /// The checksum does not fit the bytes before it.
    #[error(
        "checksum {found:#06X} where the bytes give {expected:#06X}: check the wiring and its termination"
    )]
    Crc {
        /// Computed from the bytes.
        expected: u32,
        /// Found in the frame.
        found: u32,
    },
    /// An address that no device can have.
    #[error("address {0} is no device's: check the baud rate and who else is on the bus")]
    Address(u8),
    /// A field with a number that no such frame has.
    #[error("{field} is {value:#X}, which no such frame has: check the baud rate and who else is on the bus")]
    Impossible {
        /// The field.
        field: &'static str,
        /// The number in its place.
        value: u32,
    },
    /// An intact frame with a reading that no sensor of its kind gives.
    #[error("{field} is {value}, which cannot be measured: check the sensor's firmware and its supply")]
    Reading {
        /// The reading.
        field: &'static str,
        /// The number.
        value: f32,
    },
}

impl WireError {
    /// Returns whether the frame arrived whole, and only its contents are refused: then it leaves the stream as a
    /// whole too.
    pub const fn is_intact(&self) -> bool {
        matches!(self, Self::Reading { .. })
    }
}

/// A frame that starts with a fixed header and says by itself how long it is and whether it is intact: what a
/// [`FrameReader`] needs in order to find frames in a stream.
pub trait Frame: Sized {
    /// The bytes that every frame starts with.
    const HEADER: &'static [u8];
    /// Length of the shortest frame, bytes.
    const MIN_LEN: usize;
    /// Length of the longest frame, bytes.
    const MAX_LEN: usize;

    /// Length of the frame that starts with these bytes, from [`MIN_LEN`](Self::MIN_LEN) to
    /// [`MAX_LEN`](Self::MAX_LEN); `None` if more of them are needed to tell. They start with the header.
    ///
    /// # Errors
    /// [`WireError`] if no frame starts like this.
    fn len_of(bytes: &[u8]) -> Result<Option<usize>, WireError>;

    /// Reads one frame from exactly its bytes.
    ///
    /// # Errors
    /// [`WireError`] if the bytes are not an intact frame.
    fn decode(bytes: &[u8]) -> Result<Self, WireError>;
}
